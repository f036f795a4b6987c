"""Global ids in Relay's shape: base64 of "Type:rest". Every node type names how it is read by the caller."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

import strawberry

from api.context import Context, Info
from api.loading import Batch
from api.permissions import NODES, check
from domain.kernel.errors import NotFound
from domain.kernel.uow import AnyRow

MAX_ID = 2**31 - 1

T = TypeVar("T")

Reads: TypeAlias = Callable[[Context, str], Awaitable[T | None]]
NodeReader = Callable[[Context, str], Awaitable[Any]]
"""Reads a node by the rest of its id, as the context's actor: the object, or None."""


@strawberry.interface(description="Something with a global id. 具有全局标识的对象。")
class Node:
    """Anything ``node(id)`` can find."""

    id: strawberry.ID


def global_id(type_name: str, rest: int | str) -> strawberry.ID:
    """The global id of a row: ``rest`` is what tells it from others of its type."""
    return strawberry.ID(base64.b64encode(f"{type_name}:{rest}".encode()).decode())


def parse_global_id(value: str, *, field: str = "id") -> tuple[str, str]:
    """Type and rest of a global id. Raises NotFound for anything else: it names nothing."""
    try:
        type_name, separator, rest = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise NotFound(field=field) from None
    if not separator or not rest:
        raise NotFound(field=field)
    return type_name, rest


def integer(rest: str, *, field: str = "id", most: int = MAX_ID) -> int:
    """The positive integer written in ``rest``. Raises NotFound otherwise."""
    if not (rest.isascii() and rest.isdigit() and len(rest) < 20 and 0 < int(rest) <= most):
        raise NotFound(field=field)
    return int(rest)


def row_id(value: str, type_name: str, *, field: str = "id", most: int = MAX_ID) -> int:
    """The integer id behind a global id that must be of ``type_name``. Raises NotFound otherwise."""
    found, rest = parse_global_id(value, field=field)
    if found != type_name:
        raise NotFound(field=field)
    return integer(rest, field=field, most=most)


def optional_id(value: strawberry.ID | None, type_name: str, *, field: str) -> int | None:
    """The integer id behind a global id, if one is given. Raises NotFound for one of another type."""
    return row_id(value, type_name, field=field) if value is not None else None


def by_number(batch: Batch[int, AnyRow], build: Callable[[AnyRow], T], *, most: int = MAX_ID) -> Reads[T]:
    """How a node is read whose id is a row's number, to ``most``: the row of ``batch`` as the object of ``build``."""

    async def read(context: Context, rest: str) -> T | None:
        row = await context.loaders.one(batch, integer(rest, most=most))
        return build(row) if row is not None else None

    return read


async def fresh(context: Context, read: Reads[T], rest: str | int) -> T:
    """The row as it is after the commit. Raises NotFound when the change put it out of the caller's sight."""
    context.loaders.forget()
    found = await read(context, str(rest))
    if found is None:
        raise NotFound
    return found


async def read_node(context: Context, readers: dict[str, NodeReader], value: str) -> Any:
    """The node behind a global id. Raises NotFound when there is none or the caller may not see it."""
    type_name, rest = parse_global_id(value)
    check(context.actor, NODES.get(type_name))
    node = await readers[type_name](context, rest)
    if node is None:
        raise NotFound(field="id")
    return node


@strawberry.type
class NodeQuery:
    """``node(id)``."""

    @strawberry.field(description="Any object by its global id. 按全局标识查询任意对象。")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        found: Node = await read_node(info.context, info.schema.node_readers, id)  # type: ignore[attr-defined]  # ZhianSchema
        return found
