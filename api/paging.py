"""Keyset connections in Relay's shape. ``first`` is at most 100; there are no offsets and no ``last``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import strawberry

from domain.kernel.paging import Page

T = TypeVar("T")


@strawberry.type(description="Where a page ends. 分页信息。")
class PageInfo:
    """Whether more follow, and from where."""

    has_next_page: bool
    end_cursor: str | None


@strawberry.type(description="An item and its place in the list. 列表项及其位置。")
class Edge(Generic[T]):
    """One item of a connection."""

    cursor: str
    node: T


@strawberry.type(description="One page of a list. 列表的一页。")
class Connection(Generic[T]):
    """A page of items; ask onward with ``after: pageInfo.endCursor``."""

    edges: list[Edge[T]]
    page_info: PageInfo


def connection(page: Page[Any], build: Callable[[Any], T]) -> Connection[T]:
    """The connection of a domain page, each row turned into its GraphQL object by ``build``."""
    edges = [Edge(cursor=c, node=build(item)) for c, item in zip(page.cursors, page.items, strict=True)]
    end = page.cursors[-1] if page.cursors else None
    return Connection(edges=edges, page_info=PageInfo(has_next_page=page.has_next, end_cursor=end))
