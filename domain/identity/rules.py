"""Pure rules of identity: phone numbers, names, and how often something may be tried."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from domain.identity.errors import InvalidName, InvalidPhone, NumbersInWords
from domain.kernel.texts import words

CODE_DIGITS = 6
CODE_LIFE = timedelta(minutes=5)
CODE_ATTEMPTS = 5
REFRESH_GRACE = timedelta(seconds=30)
REFRESH_IDLE = timedelta(days=30)
SESSION_LIFE = timedelta(days=180)
MAX_NAME = 40
MAX_REMARK = 200

_CHINESE_MOBILE = re.compile(r"\+861[3-9][0-9]{9}")
_ABROAD = re.compile(r"\+(?!86)[1-9][0-9]{6,14}")
_LONG_NUMBER = re.compile(r"(?:\d[\s.-]?){7}")
_SEPARATORS = str.maketrans("", "", " -().\u00a0\u3000")


class Purpose(StrEnum):
    """What a one-time code is sent for; it is good for nothing else.

    CHANGE_FROM, CHANGE_TO: the account's number and the one that shall replace it. MOVE_TO: the one that replaces a
    lost number.
    """

    SIGN_IN = "sign_in"
    CHANGE_FROM = "change_from"
    CHANGE_TO = "change_to"
    MOVE_TO = "move_to"


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most ``burst`` times at once, then once per ``every``. ``every`` × ``burst`` is the time to be full again."""

    name: str
    every: timedelta
    burst: int


CODE_PER_PHONE = (
    Allowance("code_phone_minute", timedelta(minutes=1), 1),
    Allowance("code_phone_hour", timedelta(hours=1), 4),
    Allowance("code_phone_day", timedelta(hours=6), 6),
)
"""No more than one a minute, five in any hour, ten in any day."""
CODE_PER_CLIENT = Allowance("code_client", timedelta(minutes=1), 20)
SIGN_IN_PER_CLIENT = Allowance("sign_in_client", timedelta(seconds=20), 60)
REFUSALS_PER_SUBJECT = Allowance("refusal_subject", timedelta(minutes=15), 4)
"""Refused sign-ins of one phone or session in the audit log: four, then one each quarter of an hour."""
REFUSALS_ON_RECORD = Allowance("refusal_share", timedelta(minutes=1), 20)
"""The same of each of sixteen shares of them all: 320 at once, 960 an hour."""
MOVES_PER_ACCOUNT = Allowance("number_move_account", timedelta(minutes=6), 10)
"""Asking to move lost numbers of others: ten at once, ten an hour."""
INVITE_PER_ACCOUNT = Allowance("invite_account", timedelta(minutes=30), 20)


def normalise_phone(text: str) -> str:
    """``text`` as E.164 ("+8613900000000"); mainland mobile numbers may come without country code.

    Raises InvalidPhone.
    """
    digits = text.strip().translate(_SEPARATORS)
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    elif not digits.startswith("+"):
        digits = f"+86{digits}"
    if not (_CHINESE_MOBILE.fullmatch(digits) or _ABROAD.fullmatch(digits)):
        raise InvalidPhone(field="phone")
    return digits


def remark(text: str, *, field: str) -> str:
    """Why something was done, as the audit log keeps it for good: words, and no numbers of persons or phones.

    Raises InvalidText, NumbersInWords.
    """
    said = words(text, field=field, least=1, most=MAX_REMARK)
    if _LONG_NUMBER.search(unicodedata.normalize("NFKC", said)):
        raise NumbersInWords(field=field)
    return said


def normalise_name(text: str) -> str:
    """``text`` without surrounding space. Raises InvalidName when it is too long or not printable."""
    name = text.strip()
    if len(name) > MAX_NAME or not name.isprintable():
        raise InvalidName(field="name")
    return name
