"""Which keys there are, without the keys: ids, ages and what each still does. Makes no key file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from integrations.identity.keyfile import read_key_file
from integrations.identity.signing import TOKEN_LIFETIME

SIGNING, VAULT = "signing", "vault"


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """One key. kind: "signing" (access tokens) or "vault" (sealed fields).

    does: "signs" or "seals" for the current one; "verifies" (tokens that may be alive), "opens" (values sealed under
    it); "nothing" when its last token has expired. created_at: None where the file is older than this record.
    """

    kind: str
    id: str
    does: str
    created_at: datetime | None
    retired_at: datetime | None = None


def inventory(directory: Path, now: datetime) -> list[KeyInfo]:
    """The keys in ``directory``, newest last. Raises FileNotFoundError and UnsafeKeyFile."""
    return [*_signing(read_key_file(directory / "signing.json"), now), *_vault(read_key_file(directory / "vault.json"))]


def _signing(content: dict[str, Any], now: datetime) -> list[KeyInfo]:
    current = next(entry["kid"] for entry in reversed(content["keys"]) if entry["retired_at"] is None)
    found = []
    for entry in content["keys"]:
        retired = _instant(entry["retired_at"])
        alive = retired is None or now < retired + TOKEN_LIFETIME
        does = "signs" if entry["kid"] == current else "verifies" if alive else "nothing"
        found.append(KeyInfo(SIGNING, entry["kid"], does, _instant(entry["created_at"]), retired))
    return found


def _vault(content: dict[str, Any]) -> list[KeyInfo]:
    created = content.get("created_at", {})
    return [
        KeyInfo(VAULT, name, "seals" if name == content["current"] else "opens", _instant(created.get(name)))
        for name in sorted(content["keys"], key=int)
    ]


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
