"""Root queries and node readers of identity."""

from __future__ import annotations

import strawberry

from api.identity import types
from api.nodes import NodeReader


@strawberry.type
class IdentityQuery:
    """Root queries of identity."""

    @strawberry.field(description="Who is signed in. 当前登录用户。")
    def viewer(self) -> types.Viewer:
        return types.Viewer()


NODE_READERS: dict[str, NodeReader] = {}
