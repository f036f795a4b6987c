"""Whether a chain is what was written: pure, fed with its rows in order of their numbers.

A row is sound when its hash is that of its own columns and the hash before it. What a change of the table leaves
behind tells its kind: a row that is not sound was changed or moved, a missing number was deleted, a sound row whose
successor names another hash was replaced, and a chain that differs from what was signed was written anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from domain.kernel.acts import canonical, instant

GENESIS = bytes(32)
"""The hash before the first entry."""
MOST_NAMED = 100
"""Findings named of one chain; more are counted."""
MOST_TRIED = 200
"""Unsound rows that are tried at each other's places."""


class Kind(StrEnum):
    """What is wrong."""

    CHANGED = "changed"
    DELETED = "deleted"
    INSERTED = "inserted"
    MOVED = "moved"
    REPLACED = "replaced"
    TRUNCATED = "truncated"
    REWRITTEN = "rewritten"
    FORGED = "forged"
    HEAD = "head"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: rows ``first`` to ``last`` of a chain, and how one sees it."""

    chain: int
    first: int
    last: int
    kind: Kind
    said: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: the number and hash of its last entry."""

    sequence: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Seal:
    """A signed end of a chain. found: where it stands, the table or a file."""

    chain: int
    sequence: int
    hash: bytes
    signed_at: datetime
    kid: str
    signature: bytes
    found: str = "audit_signature"

    @property
    def text(self) -> bytes:
        """What is signed."""
        return sealed_text(self.chain, self.sequence, self.hash, self.signed_at)


def sealed_text(chain: int, sequence: int, end: bytes, signed_at: datetime) -> bytes:
    """The bytes whose signature says: at ``signed_at`` the chain ended so."""
    said = {"chain": chain, "sequence": sequence, "hash": end.hex(), "signed_at": instant(signed_at)}
    return b"zhian audit head\n" + canonical(said)


def line_of(row: Any) -> bytes:
    """The entry's line as it was hashed, made again from its columns by name; ``details`` is JSON text.

    The members stand in their order already, and are not sorted again: millions of rows are walked.
    """
    return orjson.dumps(
        {
            "account_id": row["account_id"],
            "action": row["action"],
            "actor": row["actor"],
            "at": row["at"].isoformat(timespec="microseconds"),
            "community_id": row["community_id"],
            "compound_id": row["compound_id"],
            "county_id": row["county_id"],
            "details": orjson.Fragment(canonical(orjson.loads(row["details"]))),
            "homes": row["homes"],
            "object_id": row["object_id"],
            "object_type": row["object_type"],
            "request_id": row["request_id"],
            "roles": row["roles"],
            "session_id": row["session_id"],
            "town_id": row["town_id"],
        }
    )


def numbered(chain: int, sequence: int, line: bytes) -> bytes:
    """``line`` with its place in front, as it is hashed and exported."""
    return b'{"chain":%d,"sequence":%d,%b' % (chain, sequence, line[1:])


def digest(previous: bytes, chain: int, sequence: int, line: bytes) -> bytes:
    """The hash of an entry."""
    return hashlib.sha256(previous + numbered(chain, sequence, line)).digest()


@dataclass(frozen=True, slots=True)
class _Unsound:
    sequence: int
    previous: bytes
    hash: bytes
    line: bytes


class Walk:
    """One chain, from its first row to its last.

    least: the head as it was before the rows were read. Rows may be appended meanwhile; ``end`` takes the head as it
    is afterwards. seals: signed ends whose signatures are good.
    """

    def __init__(self, chain: int, *, least: Head | None, seals: Iterable[Seal] = ()) -> None:
        self.chain = chain
        self.rows = 0
        self.signed_to = 0
        self._least = least
        self._seals: dict[int, list[Seal]] = {}
        for seal in seals:
            self._seals.setdefault(seal.sequence, []).append(seal)
        self._last = 0
        self._last_hash = GENESIS
        self._last_sound = True
        self._unsound: list[_Unsound] = []
        self._found: list[Finding] = []
        self.uncounted = 0

    def see(self, sequence: int, previous: bytes, own: bytes, line: bytes) -> None:
        """The next row. own: the hash it carries; line: made from its columns (``line_of``)."""
        self.rows += 1
        sound = digest(previous, self.chain, sequence, line) == own
        if sequence <= self._last:
            self._say(sequence, sequence, Kind.INSERTED, "a number that was given already")
        elif sequence > self._last + 1:
            self._say(self._last + 1, sequence - 1, Kind.DELETED, "the numbers are missing")
        elif sound and self._last_sound and previous != self._last_hash:
            self._replaced(max(self._last, 1), "its successor was written behind another hash")
        if not sound:
            self._unsound.append(_Unsound(sequence, previous, own, line))
        elif sequence in self._seals:
            self._compare(sequence, own)
        if sound and self._least is not None and sequence == self._least.sequence and own != self._least.hash:
            self._replaced(sequence, "the head of the chain names another hash")
        self._last, self._last_hash, self._last_sound = max(sequence, self._last), own, sound

    def end(self, head: Head | None) -> list[Finding]:
        """What was found, in order of the rows. ``head``: as it is now."""
        if head is None and (self.rows or self._seals):
            self._say(1, self._last, Kind.HEAD, "the head of the chain is missing")
        self._tail(head)
        beyond = self._last if head is None else head.sequence
        places = {row.sequence for row in self._unsound[:MOST_TRIED]}
        for row in self._unsound[:MOST_TRIED]:
            self._name(row, places, beyond)
        for row in self._unsound[MOST_TRIED:]:
            self._say(row.sequence, row.sequence, Kind.CHANGED, "the row does not match its hash")
        return sorted(self._found, key=lambda found: (found.first, found.last, found.kind))

    def _tail(self, head: Head | None) -> None:
        known = dict.fromkeys(self._seals, "signed")
        if self._least is not None:
            known.setdefault(self._least.sequence, "counted by the head of the chain")
        furthest = max(known, default=0)
        if furthest > self._last:
            said = f"missing at the end, although {known[furthest]}"
            self._say(self._last + 1, furthest, Kind.TRUNCATED, said)
        if head is not None and self._last > head.sequence:
            self._say(head.sequence + 1, self._last, Kind.INSERTED, "behind the head of the chain")

    def _name(self, row: _Unsound, places: set[int], beyond: int) -> None:
        at = row.sequence
        if at > beyond:
            return  # told as inserted
        for written in sorted(places | {at - 1, at + 1} - {at}):
            if digest(row.previous, self.chain, written, row.line) == row.hash:
                self._say(at, at, Kind.MOVED, f"was written as number {written}")
                if written not in places and 0 < written <= self._last:
                    self._say(written, written, Kind.INSERTED, f"the row written here stands at {at}")
                return
        self._say(at, at, Kind.CHANGED, "the row does not match its hash")

    def _compare(self, sequence: int, own: bytes) -> None:
        for seal in self._seals[sequence]:
            if seal.hash != own:
                said = f"differs from what was signed at {instant(seal.signed_at)} ({seal.found})"
                self._say(sequence, sequence, Kind.REWRITTEN, said)
            else:
                self.signed_to = max(self.signed_to, sequence)

    def _replaced(self, sequence: int, said: str) -> None:
        self._say(sequence, sequence, Kind.REPLACED, said)

    def _say(self, first: int, last: int, kind: Kind, said: str) -> None:
        if len(self._found) < MOST_NAMED:
            self._found.append(Finding(self.chain, first, last, kind, said))
        else:
            self.uncounted += 1


def forged(seal: Seal) -> Finding:
    """A signed end whose signature is none of ours."""
    said = f"the signature in {seal.found} is not by a key of this deployment ({seal.kid})"
    return Finding(seal.chain, seal.sequence, seal.sequence, Kind.FORGED, said)
