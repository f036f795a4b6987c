"""Signatures of Standard Webhooks: ours and the reference library's are the same, and every tampering is refused."""

from __future__ import annotations

import base64
import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from integrations.identity.keyfile import UnsafeKeyFile
from integrations.messaging.signing import NotAuthentic, Secret, SecretFile, read_secrets, sign, verify

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
KEY, OLD = bytes(range(32)), bytes(range(24))
TEXT, OLD_TEXT = (f"whsec_{base64.b64encode(key).decode()}" for key in (KEY, OLD))
BODY = '{"type":"delivery.receipt","data":{"key":"k","state":"delivered","名":1}}'.encode()


def signed(**changes: str) -> dict[str, str]:
    return sign((Secret(KEY),), id_="m-1", body=BODY, now=NOW) | {f"webhook-{k}": v for k, v in changes.items()}


def refuses(headers: dict[str, str], body: bytes = BODY, *, now: datetime = NOW, secrets: object = None) -> None:
    with pytest.raises(NotAuthentic):
        verify(secrets or (Secret(KEY),), headers, body, now=now)  # type: ignore[arg-type]


def test_the_reference_library_signs_the_same() -> None:
    theirs = Webhook(TEXT).sign("m-1", NOW, BODY.decode())
    assert signed()["webhook-signature"] == theirs
    assert verify((Secret(KEY),), signed(signature=theirs), BODY, now=NOW) == "m-1"


def test_the_specifications_own_example() -> None:
    secret = read_secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert verify(secret, headers, body, now=datetime.fromtimestamp(1614265330, UTC)) == headers["webhook-id"]


@pytest.mark.parametrize("seconds", [-300, -1, 0, 1, 300])
def test_within_five_minutes_it_holds(seconds: int) -> None:
    assert verify((Secret(KEY),), signed(), BODY, now=NOW + timedelta(seconds=seconds)) == "m-1"


@pytest.mark.parametrize("seconds", [301, 3600, -301, -86400])
def test_too_late_and_too_early_are_refused(seconds: int) -> None:
    refuses(signed(), now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_each_header_is_needed(name: str) -> None:
    refuses({k: v for k, v in signed().items() if k != name})


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "m-2"},
        {"id": "m-1 "},
        {"id": ""},
        {"id": "m.1"},
        {"id": "k" * 129},
        {"id": "键"},
        {"timestamp": str(int(NOW.timestamp()) + 1)},
        {"timestamp": f"{int(NOW.timestamp())}.0"},
        {"timestamp": f" {int(NOW.timestamp())}"},
        {"timestamp": f"0{int(NOW.timestamp())}"},
        {"timestamp": NOW.isoformat()},
        {"timestamp": "nan"},
        {"timestamp": "9" * 400},
        {"signature": ""},
        {"signature": "v1,"},
        {"signature": "v1"},
        {"signature": signed()["webhook-signature"].removeprefix("v1,")},
        {"signature": signed()["webhook-signature"].replace("v1,", "v1a,")},
        {"signature": signed()["webhook-signature"].replace("v1,", "v2,")},
        {"signature": signed()["webhook-signature"][:-4]},
        {"signature": signed()["webhook-signature"] + "AAAA"},
        {"signature": "v1,\xff\xff"},
        {"signature": " ".join(["v1,AAAA"] * 9)},
        {"signature": "v1," + "A" * 2000},
    ],
    ids=repr,
)
def test_a_changed_header_is_refused(changes: dict[str, str]) -> None:
    refuses(signed(**changes))


@pytest.mark.parametrize("at", range(0, len(BODY), 7))
def test_one_changed_bit_of_the_body_is_refused(at: int) -> None:
    changed = bytearray(BODY)
    changed[at] ^= 1
    refuses(signed(), bytes(changed))


@pytest.mark.parametrize("body", [b"", BODY + b" ", BODY + b"\n", b" " + BODY, BODY[:-1]])
def test_more_or_less_of_a_body_is_refused(body: bytes) -> None:
    refuses(signed(), body)


def test_what_moves_between_id_and_timestamp_is_refused() -> None:
    """id.timestamp.body is one text: no id may hold the dot."""
    refuses(signed(id=f"m-1.{signed()['webhook-timestamp']}"))


def test_another_key_is_refused_and_the_old_one_once_it_has_ended() -> None:
    refuses(signed(), secrets=(Secret(bytes(32)),))
    until = NOW + timedelta(hours=1)
    both = read_secrets(f"{TEXT}\n{OLD_TEXT} {until.isoformat()}")
    old = sign((Secret(OLD),), id_="m-1", body=BODY, now=NOW)
    assert verify(both, old, BODY, now=NOW) == "m-1"
    late = sign((Secret(OLD),), id_="m-1", body=BODY, now=until)
    refuses(late, now=until, secrets=both)
    assert verify(both, sign((Secret(KEY),), id_="m-1", body=BODY, now=until), BODY, now=until) == "m-1"


def test_one_good_signature_among_others_is_enough() -> None:
    many = "v1a,AAAA v1,AAAA " + signed()["webhook-signature"]
    assert verify((Secret(OLD), Secret(KEY)), signed(signature=many), BODY, now=NOW) == "m-1"


@pytest.mark.parametrize("id_", ["", "a.b", "a b", "k" * 129, "a\nb"])
def test_an_id_that_would_not_be_believed_is_not_signed(id_: str) -> None:
    with pytest.raises(ValueError, match="id"):
        sign((Secret(KEY),), id_=id_, body=BODY, now=NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing",
        f"{TEXT}\n{OLD_TEXT}\n{TEXT}",
        TEXT.removeprefix("whsec_"),
        "whsec_",
        "whsec_AAAA",
        "whsec_" + "A" * 200,
        "whsec_not base64",
        "whsec_%%%%",
        f"{TEXT} soon",
        f"{TEXT} 2026-03-01",
        f"{TEXT} 2026-03-01T00:00:00",
        f"{TEXT} 2026-03-01T00:00:00Z x",
    ],
)
def test_a_file_that_holds_no_secrets_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="secret") as refused:
        read_secrets(text)
    assert TEXT not in str(refused.value)


def test_an_instant_may_have_any_zone() -> None:
    (secret,) = read_secrets(f"# of the gateway\n{TEXT} 2026-03-01T16:00:00+08:00\n")
    assert secret == Secret(KEY, datetime(2026, 3, 1, 16, tzinfo=timezone(timedelta(hours=8))))


def test_a_file_is_read_again_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
    path, seconds = tmp_path / "secrets", [0.0]
    path.touch(mode=0o600)
    path.write_text(OLD_TEXT)
    secrets = SecretFile(path, tick=lambda: seconds[0])
    path.write_text(f"{TEXT}\n{OLD_TEXT}")
    assert secrets() == (Secret(OLD),)
    seconds[0] = 31
    assert secrets() == (Secret(KEY), Secret(OLD))
    path.write_text("whsec_")
    seconds[0] = 62
    assert secrets() == (Secret(KEY), Secret(OLD))


def test_a_file_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secrets"
    path.write_text(TEXT)
    os.chmod(path, 0o640)  # noqa: PTH101 - as an operator would
    with pytest.raises(UnsafeKeyFile):
        SecretFile(path)
