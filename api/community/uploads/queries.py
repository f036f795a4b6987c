"""Root queries and node readers of uploads."""

from __future__ import annotations

import strawberry

from api.community.uploads import loaders, types
from api.context import Info
from api.nodes import NodeReader, by_number
from api.paging import Connection, connection
from domain.community.uploads.queries import upload_page
from domain.kernel.paging import page_size


@strawberry.type
class UploadQuery:
    """Root queries of uploads."""

    @strawberry.field(description="The caller's own pictures that wait to be attached. 本人待使用的图片。")
    async def uploads(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[types.Upload]:
        context = info.context
        page = await upload_page(context.read, context.actor, context.now(), first=page_size(first), after=after)
        return connection(page, types.upload)


read_upload = by_number(loaders.uploads, types.upload)


NODE_READERS: dict[str, NodeReader] = {"Upload": read_upload}
