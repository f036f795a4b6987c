"""The key that signs the ends of the audit log's chains (Ed25519), and the files the signed ends are written to.

A key file of its own, ``audit.json``: whoever writes tokens' keys anew does not touch it. Rotation forgets the private
half and keeps the public one for ever, as what it signed must be verified for years.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.identity.audit.rules import Seal
from domain.kernel.acts import canonical, instant
from domain.kernel.clock import system_clock
from integrations.identity.keyfile import read_key_file, read_or_create, replace_key_file, sole_writer
from integrations.identity.signing import b64, thumbprint, unb64

FILE = "audit.json"
HEADS = "heads-*.jsonl"


class BadHeads(ValueError):
    """A file of signed ends that cannot be read."""


def _new_entry(now: datetime) -> dict[str, Any]:
    private = Ed25519PrivateKey.generate()
    return {
        "kid": thumbprint(private.public_key()),
        "private": b64(private.private_bytes_raw()),
        "public": b64(private.public_key().public_bytes_raw()),
        "created_at": now.isoformat(),
        "retired_at": None,
    }


class AuditKeys:
    """Implements ``domain.identity.audit.ports.HeadSigner`` with ``directory``/audit.json, made when it first signs."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self._public: dict[str, Ed25519PublicKey] = {}

    def sign(self, text: bytes) -> tuple[str, bytes]:
        """The current key's id and its signature. The file is read each time: a rotation acts at once."""
        current = read_or_create(self._path, lambda: {"keys": [_new_entry(system_clock())]})["keys"][-1]
        return current["kid"], Ed25519PrivateKey.from_private_bytes(unb64(current["private"])).sign(text)

    def verifies(self, kid: str, text: bytes, signature: bytes) -> bool:
        """Whether ``signature`` is by the key ``kid`` of this file, current or retired. Makes no key file."""
        if kid not in self._public:
            self._public = {k["kid"]: Ed25519PublicKey.from_public_bytes(unb64(k["public"])) for k in self._keys()}
        try:
            self._public[kid].verify(signature, text)
        except (KeyError, InvalidSignature):
            return False
        return True

    def rotate(self, now: datetime) -> str:
        """Sign with a new key from now on; returns its id. Only public halves of those before are kept."""
        entry = _new_entry(now)
        with sole_writer(self._path.parent):
            kept = [
                {**key, "private": None, "retired_at": key["retired_at"] or now.isoformat()} for key in self._keys()
            ]
            replace_key_file(self._path, {"keys": [*kept, entry]})
        return str(entry["kid"])

    def _keys(self) -> list[dict[str, Any]]:
        keys: list[dict[str, Any]] = read_key_file(self._path)["keys"] if self._path.exists() else []
        return keys


class HeadFiles:
    """Implements ``domain.identity.audit.ports.HeadLog``: one JSON object a line in ``heads-YYYYMM.jsonl``.

    Another system may take the files away at any time: lines are only ever added.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def append(self, seals: Sequence[Seal]) -> None:
        """Write ``seals`` to the file of their month; they are on disk when this returns."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.directory / f"heads-{seals[0].signed_at.astimezone(UTC):%Y%m}.jsonl"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(b"".join(_written(seal) + b"\n" for seal in seals))
            file.flush()
            os.fsync(file.fileno())

    def read(self) -> list[Seal]:
        """Every signed end in the files. Raises BadHeads."""
        return [seal for path in sorted(self.directory.glob(HEADS)) for seal in read_heads(path)]


def _written(seal: Seal) -> bytes:
    return canonical(
        {
            "chain": seal.chain,
            "sequence": seal.sequence,
            "hash": seal.hash.hex(),
            "signed_at": instant(seal.signed_at),
            "kid": seal.kid,
            "signature": b64(seal.signature),
        }
    )


def read_heads(path: Path) -> Iterator[Seal]:
    """The signed ends in a file. Raises BadHeads for a line that is none; the last line may be cut off by a crash."""
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        try:
            said = orjson.loads(line)
            yield Seal(
                int(said["chain"]),
                int(said["sequence"]),
                bytes.fromhex(said["hash"]),
                datetime.fromisoformat(said["signed_at"]),
                str(said["kid"]),
                unb64(said["signature"]),
                path.name,
            )
        except (ValueError, TypeError, KeyError) as error:
            if number < len(lines):
                raise BadHeads(f"{path.name}, line {number}: {error}") from error
