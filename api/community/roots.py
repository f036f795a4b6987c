"""The root types and node readers of the community's slices, as the schema merges them."""

from __future__ import annotations

from api.nodes import NodeReader

QUERIES: tuple[type, ...] = ()
MUTATIONS: tuple[type, ...] = ()
SUBSCRIPTIONS: tuple[type, ...] = ()
NODE_READERS: dict[str, NodeReader] = {}
