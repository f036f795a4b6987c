"""How subjects and words are written, what of an event is open to all, and keys of global ids."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from api.security.keys import alert_key, dated, read_dated, read_pair
from domain.kernel.errors import NotFound
from domain.kernel.texts import InvalidText, words
from domain.security.events.privacy import without_persons
from domain.security.sightings.subjects import InvalidSubject, SubjectKind, subject_of


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (SubjectKind.TAG, " e2:80-11 60 ", "E2801160"),
        (SubjectKind.TAG, "0xABCD", "ABCD"),
        (SubjectKind.PLATE, "浙f·d12345", "浙FD12345"),
        (SubjectKind.PLATE, "浙Ｆ 12345", "浙F12345"),
        (SubjectKind.PERSON, " R-1042 ", "R-1042"),
    ],
)
def test_any_spelling_is_found(kind: SubjectKind, text: str, expected: str) -> None:
    assert subject_of(kind, text) == expected


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (SubjectKind.TAG, "XYZ1"),
        (SubjectKind.TAG, "AB"),
        (SubjectKind.TAG, "A" * 65),
        (SubjectKind.PLATE, ""),
        (SubjectKind.PLATE, "A" * 17),
        (SubjectKind.PLATE, "A%"),
        (SubjectKind.PLATE, "_无_"),
        (SubjectKind.PLATE, "unknown"),
        (SubjectKind.PERSON, ""),
        (SubjectKind.PERSON, "a b"),
        (SubjectKind.PERSON, "x" * 65),
    ],
)
def test_what_is_no_subject_is_refused(kind: SubjectKind, text: str) -> None:
    with pytest.raises(InvalidSubject):
        subject_of(kind, text)


def test_words_are_trimmed_and_bounded() -> None:
    assert words(" 东门 ", field="place", most=2) == "东门"
    assert words("a\nb", field="note", most=3, lines=True) == "a\nb"
    for text, least in (("abc", 0), ("", 1), ("a\tb", 0), ("a\nb", 0)):
        with pytest.raises(InvalidText):
            words(text, field="place", most=2 if text == "abc" else 9, least=least)


def test_only_what_tells_nothing_of_people_is_open() -> None:
    said = {
        "decision": "refused", "reason": "temperature", "person_no": "R-1", "card_no": "7", "plate": "A", "tag": "AB",
        "plate_raw": "a", "epc": "E", "subject": "R-1", "temperature_c": 38.1, "health_code": "red", "new_thing": "?",
        "user_type": "resident", "reads": 3, "reader": {"person_no": "R-1"}, "region": ["R-1"],
    }  # fmt: skip
    assert without_persons(said) == {"decision": "refused", "reason": "temperature", "reads": 3}


AT = datetime(2026, 5, 1, 8, 0, 0, 123456, tzinfo=UTC)


def test_keys_survive_the_journey() -> None:
    assert read_dated(dated(7, AT, 12345678901)) == (7, AT, 12345678901)
    assert read_pair("7.9") == (7, 9)
    assert alert_key("QWxlcnQ6Ny45") == (7, 9)


@pytest.mark.parametrize(
    "rest", ["", "7", "7.9", "7.x.9", "7.-1.9", f"7.{10**19}.9", "7.1.9.2", "0.1.1", "7.253402300800000000.1"]
)
def test_what_is_no_dated_key_names_nothing(rest: str) -> None:
    with pytest.raises(NotFound):
        read_dated(rest)


@pytest.mark.parametrize("value", ["", "QWxlcnQ6Nw==", "RGV2aWNlOjcuOQ==", "QWxlcnQ6Ny45Ljk="])
def test_what_is_no_alert_names_nothing(value: str) -> None:
    with pytest.raises(NotFound):
        alert_key(value)
