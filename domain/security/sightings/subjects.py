"""How a subject that people look for is written, as the parsers of devices write what was read, and how it is kept."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import ClassVar

from domain.identity.ports import Vault
from domain.kernel.errors import Invalid, Messages
from domain.security.devices.spelling import spelt_plate, spelt_tag

_PERSON = re.compile(r"[!-~]{1,64}")


class SubjectKind(StrEnum):
    """What sightings are kept of."""

    TAG = "tag"
    PLATE = "plate"
    PERSON = "person"


class InvalidSubject(Invalid):
    """Not a tag, plate or person number."""

    code = "INVALID_SUBJECT"
    messages: ClassVar[Messages] = {
        "zh-CN": "标签、车牌或人员编号格式不正确",
        "en": "This is not a tag, licence plate or person number",
    }


def tag_of(text: str, *, field: str = "tag") -> str:
    """A tag's id in its one spelling. Raises InvalidSubject."""
    tag = spelt_tag(text)
    if tag is None:
        raise InvalidSubject(field=field)
    return tag


def plate_of(text: str, *, field: str = "plate") -> str:
    """A plate in its one spelling. Raises InvalidSubject, also for words that say that none was read."""
    plate = spelt_plate(text)
    if plate is None:
        raise InvalidSubject(field=field)
    return plate


def subject_of(kind: SubjectKind, text: str, *, field: str = "subject") -> str:
    """``text`` as sightings of its kind keep it. Raises InvalidSubject."""
    if kind is SubjectKind.TAG:
        return tag_of(text, field=field)
    if kind is SubjectKind.PLATE:
        return plate_of(text, field=field)
    if not _PERSON.fullmatch(text.strip()):
        raise InvalidSubject(field=field)
    return text.strip()


def subject_index(vault: Vault, kind: str, subject: str) -> bytes:
    """By what sightings of ``subject`` are found."""
    return vault.index("sighting.subject", f"{kind}|{subject}")


def subject_place(sighting_id: int) -> str:
    """Where the subject of a sighting stands."""
    return f"sighting|subject|{sighting_id}"


def presence_index(vault: Vault, tag: str) -> bytes:
    """By what the presence of ``tag`` is found."""
    return vault.index("tag_presence.tag", tag)


def presence_place(device_id: int, tag_index: bytes) -> str:
    """Where the tag of a presence stands."""
    return f"tag_presence|tag|{device_id}.{tag_index.hex()}"
