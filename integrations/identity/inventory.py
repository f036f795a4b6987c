"""Which keys there are, without the keys: ids, ages and what each still does. Makes no key file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from domain.identity.ports import NO_COMPOUND
from integrations.identity.audit import FILE as AUDIT_FILE
from integrations.identity.data_keys import StoredKey
from integrations.identity.keyfile import read_key_file
from integrations.identity.signing import TOKEN_LIFETIME
from integrations.identity.wrapping import FILE

SIGNING, WRAPPING, DATA, AUDIT = "signing", "wrapping", "data", "audit"


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """One key. kind: "signing" (access tokens), "wrapping" (of data keys) or "data" (sealed fields of one compound)
    or "audit" (heads of the audit log).

    id: of a data key "compound 7/2", the second version of compound 7's, or "no compound/1". does: "signs", "wraps" or
    "seals" for the current one; "verifies" (tokens that may be alive), "unwraps" (data keys of backups), "opens"
    (values sealed under it); "nothing" when its last token has expired, or it was erased. under: a data key's
    wrapping key. created_at: None where the file is older than this record.
    """

    kind: str
    id: str
    does: str
    created_at: datetime | None
    retired_at: datetime | None = None
    under: str | None = None


def inventory(directory: Path, now: datetime) -> list[KeyInfo]:
    """The keys in the files of ``directory``, newest last. Raises FileNotFoundError and UnsafeKeyFile."""
    audit = directory / AUDIT_FILE  # made when the worker first signs
    return [
        *_signing(read_key_file(directory / "signing.json"), now),
        *_wrapping(read_key_file(directory / FILE)),
        *(_audit(read_key_file(audit)) if audit.exists() else ()),
    ]


def _signing(content: dict[str, Any], now: datetime) -> list[KeyInfo]:
    current = next(entry["kid"] for entry in reversed(content["keys"]) if entry["retired_at"] is None)
    found = []
    for entry in content["keys"]:
        retired = _instant(entry["retired_at"])
        alive = retired is None or now < retired + TOKEN_LIFETIME
        does = "signs" if entry["kid"] == current else "verifies" if alive else "nothing"
        found.append(KeyInfo(SIGNING, entry["kid"], does, _instant(entry["created_at"]), retired))
    return found


def data_keys(stored: list[StoredKey]) -> list[KeyInfo]:
    """The data keys of the database, by area and version."""
    sealing = {key.area_id: key.version for key in stored if key.erased_at is None}
    found = []
    for key in stored:
        area = "no compound" if key.area_id == NO_COMPOUND else f"compound {key.area_id}"
        does = "seals" if key.version == sealing.get(key.area_id) else "opens" if key.erased_at is None else "nothing"
        ended = key.erased_at or key.retired_at
        found.append(KeyInfo(DATA, f"{area}/{key.version}", does, key.created_at, ended, key.kek))
    return found


def _audit(content: dict[str, Any]) -> list[KeyInfo]:
    return [
        KeyInfo(
            AUDIT,
            key["kid"],
            "signs" if key["private"] is not None else "verifies",
            _instant(key["created_at"]),
            _instant(key["retired_at"]),
        )
        for key in content["keys"]
    ]


def _wrapping(content: dict[str, Any]) -> list[KeyInfo]:
    created = content.get("created_at", {})
    return [
        KeyInfo(WRAPPING, name, "wraps" if name == content["current"] else "unwraps", _instant(created.get(name)))
        for name in sorted(content["keys"], key=int)
    ]


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
