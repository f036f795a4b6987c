"""GraphQL documents out of files: ``.graphql`` as they stand, and the manifests that clients' compilers write.

A ``.graphql`` file is one document, byte for byte, so that ``sha256sum`` tells its id; of a file with several
operations each is a document alone as well, with the fragments it uses. A manifest is ``{sha256: text}`` (Relay) or
Apollo's ``{"operations": [{"id": sha256, "body": text}]}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSyntaxError,
    Node,
    OperationDefinitionNode,
    Visitor,
    parse,
    visit,
)

from domain.kernel.documents import NewDocument

ENDINGS = (".graphql", ".gql", ".json")


@dataclass(frozen=True, slots=True)
class Found:
    """A document of a file, which stands there from ``line`` on."""

    file: Path
    line: int
    text: str
    operations: str

    @property
    def sha256(self) -> bytes:
        """Its id."""
        return sha256(self.text.encode()).digest()

    def new(self) -> NewDocument:
        """As it is registered."""
        return NewDocument(self.sha256, self.text, self.operations)


class BadFile(Exception):
    """The file holds no documents, or not what it says; the text names file and line."""

    def __init__(self, file: Path, line: int, why: str) -> None:
        super().__init__(f"{file}:{line}: {why}")


def files_in(places: Sequence[Path]) -> list[Path]:
    """The files named, and those with documents or manifests in the folders named."""
    found: list[Path] = []
    for place in places:
        inside = sorted(path for path in place.rglob("*") if path.suffix in ENDINGS) if place.is_dir() else [place]
        found += (path for path in inside if path not in found)
    return found


def documents_of(file: Path) -> list[Found]:
    """The documents of one file. Raises BadFile, also for one that cannot be read."""
    try:
        text = file.read_bytes().decode()  # line ends stay as they are: they count in the hash
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror or "unreadable") if isinstance(error, OSError) else "not UTF-8"
        raise BadFile(file, 1, why) from None
    found = list(_manifest(file, text) if file.suffix == ".json" else documents_in(text, file))
    if not found:
        raise BadFile(file, 1, "no operation in it")
    return found


def documents_in(text: str, file: Path) -> Iterator[Found]:
    """The document ``text``, and, when it has several operations, each alone with its fragments. Raises BadFile."""
    document = _parsed(file, 1, text)
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if operations:
        yield Found(file, 1, text, _names(operations))
    if len(operations) > 1:
        for node in operations:
            parts = [node, *_fragments(document, node)]
            alone = "\n\n".join(text[part.loc.start : part.loc.end] for part in parts if part.loc) + "\n"
            yield Found(file, node.loc.start_token.line if node.loc else 1, alone, _names([node]))


def _manifest(file: Path, text: str) -> Iterator[Found]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise BadFile(file, getattr(error, "lineno", 1), "not JSON") from None
    for digest, body in _entries(file, content):
        line = text.count("\n", 0, max(0, text.find(f'"{digest}"'))) + 1
        if sha256(body.encode()).hexdigest() != digest:
            raise BadFile(file, line, "the key is not the SHA-256 of the document")
        operations = [n for n in _parsed(file, line, body).definitions if isinstance(n, OperationDefinitionNode)]
        if not operations:
            raise BadFile(file, line, "no operation in it")
        yield Found(file, line, body, _names(operations))


def _entries(file: Path, content: Any) -> list[tuple[str, str]]:
    if isinstance(content, dict) and isinstance(content.get("operations"), list):
        listed = [(o.get("id"), o.get("body")) if isinstance(o, dict) else (None, None) for o in content["operations"]]
    elif isinstance(content, dict):
        listed = list(content.items())
    else:
        listed = [(None, None)]
    entries = [(key, body) for key, body in listed if isinstance(key, str) and isinstance(body, str)]
    if len(entries) != len(listed):
        raise BadFile(file, 1, "not a manifest: neither {sha256: text} nor Apollo's operations of id and body")
    return entries


def _parsed(file: Path, line: int, text: str) -> DocumentNode:
    try:
        return parse(text)
    except GraphQLSyntaxError as error:
        at = error.locations[0].line if error.locations else 1
        raise BadFile(file, line + at - 1 if file.suffix != ".json" else line, error.message) from None
    except RecursionError:
        raise BadFile(file, line, "nested too deeply") from None


def _names(operations: Sequence[OperationDefinitionNode]) -> str:
    return ", ".join(node.name.value if node.name else "(no name)" for node in operations)


class _Spreads(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        self.names.add(node.name.value)


def _fragments(document: DocumentNode, operation: OperationDefinitionNode) -> list[FragmentDefinitionNode]:
    """The fragments ``operation`` uses, through others too, as they stand in the document."""
    known = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    used: set[str] = set()
    pending: list[Node] = [operation]
    while pending:
        spreads = _Spreads()
        visit(pending.pop(), spreads)
        fresh = (spreads.names - used) & known.keys()
        used |= fresh
        pending.extend(known[name] for name in fresh)
    return [node for name, node in known.items() if name in used]


def line_of(found: Found, error: GraphQLError) -> int:
    """Where in the file ``error`` stands; a manifest's documents are on one line each."""
    inside = error.locations[0].line if error.locations else 1
    return found.line if found.file.suffix == ".json" else found.line + inside - 1
