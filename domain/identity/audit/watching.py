"""What the log says of looks at personal data: whose, without saying who. Pure but for the vault's key."""

from __future__ import annotations

from domain.identity.ports import Vault


def subject_index(vault: Vault, kind: str, value: str) -> str:
    """By what look-ups of a normalised plate, tag or person number are found again: a blind index, not the number."""
    return vault.index("audit.subject", f"{kind}|{value}").hex()
