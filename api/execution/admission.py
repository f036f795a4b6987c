"""Which document a request runs: its own text, or a trusted one that it names by SHA-256.

Two ways to name one: ``documentId: "sha256:<hex>"`` of GraphQL over HTTP's persisted documents (appendix A of the
draft), and Apollo's ``extensions.persistedQuery.sha256Hash``. Clients register nothing: an unknown hash is refused in
the words that Apollo's and urql's clients know, and a text they then send with it is judged as if it came alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

from api.execution.documents import Refused, refusal
from api.execution.requests import GraphQLRequest

PREFIX = "sha256:"
NOT_REGISTERED = "Only registered documents are run here", "DOCUMENT_NOT_REGISTERED"
_HEX = re.compile(r"[0-9a-f]{64}")


class Registry(Protocol):
    """The trusted documents."""

    async def text(self, digest: bytes) -> str | None:
        """The text with this SHA-256, None when there is none (any more). Raises Unavailable when that is not known."""


class NoRegistry:
    """Nothing is registered."""

    async def text(self, digest: bytes) -> str | None:
        """See ``Registry``."""
        del digest
        return None


@dataclass(frozen=True, slots=True)
class Admitted:
    """A text to run. trusted: its SHA-256 when it runs only because it is registered, None otherwise."""

    text: str
    trusted: bytes | None = None


class Admission:
    """Finds the text of each request. ``only_registered``: other texts are refused, unread.

    refused: how many requests named no trusted document, or sent a text that is none where only those may run.
    """

    def __init__(self, registry: Registry, *, only_registered: bool, most_characters: int) -> None:
        self._registry = registry
        self._only_registered = only_registered
        self._most_characters = most_characters
        self.refused = 0

    async def admit(self, request: GraphQLRequest) -> Admitted:
        """The text to run; raises Refused, and Unavailable when the registry cannot be read."""
        digest = self._named(request)
        if request.query is not None:
            return await self._own(request.query, digest)
        text = await self._registry.text(digest) if digest is not None else None
        if text is None:
            raise self._unknown()
        return Admitted(text, digest)

    async def _own(self, text: str, digest: bytes | None) -> Admitted:
        if digest is None and not self._only_registered:
            return Admitted(text)
        # What is longer than any document may be is not worth hashing.
        own = sha256(text.encode()).digest() if len(text) <= self._most_characters else None
        if self._only_registered and (own is None or await self._registry.text(own) is None):
            self.refused += 1
            raise refusal(*NOT_REGISTERED)
        if own is not None and digest is not None and own != digest:
            raise refusal("The hash is not that of the document", "BAD_REQUEST")
        return Admitted(text, own if self._only_registered else None)

    def _named(self, request: GraphQLRequest) -> bytes | None:
        """The hash that the request names, None without one."""
        found = {*_from_id(request.document_id), *_from_extension((request.extensions or {}).get("persistedQuery"))}
        if len(found) > 1:
            raise refusal("`documentId` and `persistedQuery` name different documents", "BAD_REQUEST")
        named = next(iter(found), None)
        if named is None:
            return None
        if not _HEX.fullmatch(named):
            raise self._unknown()
        return bytes.fromhex(named)

    def _unknown(self) -> Refused:
        self.refused += 1
        return refusal("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")

    async def still_runs(self, digest: bytes) -> bool:
        """Whether the document is registered still. Raises Unavailable."""
        return await self._registry.text(digest) is not None


def _from_id(document_id: str | None) -> set[str]:
    if document_id is None:
        return set()
    return {document_id.removeprefix(PREFIX) if document_id.startswith(PREFIX) else ""}


def _from_extension(extension: Any) -> set[str]:
    if extension is None:
        return set()
    digest = extension.get("sha256Hash") if isinstance(extension, dict) and extension.get("version") == 1 else None
    if not isinstance(digest, str):
        raise refusal("`persistedQuery` must have `version: 1` and `sha256Hash`", "BAD_REQUEST")
    return {digest}
