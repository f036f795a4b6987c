"""Root fields of files of bills."""

from __future__ import annotations

import strawberry

from api.community.bills import import_types, loaders
from api.context import Info
from api.nodes import by_number, fresh, optional_id, row_id
from api.paging import Connection, connection
from domain.community.bills.imports import service
from domain.community.bills.imports.queries import import_page
from domain.kernel.paging import page_size


@strawberry.type
class BillImportQuery:
    """Root queries of files of bills."""

    @strawberry.field(description="Files of bills, in order of id. 账单导入任务。")
    async def bill_imports(
        self, info: Info, compound: strawberry.ID | None = None, first: int | None = None, after: str | None = None
    ) -> Connection[import_types.BillImport]:
        read, actor = info.context.read, info.context.actor
        where = optional_id(compound, "Area", field="compound")
        page = await import_page(read, actor, compound_id=where, first=page_size(first), after=after)
        return connection(page, import_types.bill_import)


read_import = by_number(loaders.imports, import_types.bill_import)


@strawberry.type
class BillImportMutation:
    """Root mutations of files of bills."""

    @strawberry.mutation(description="Read and check a file, or check it again. 开始（或重新）校验文件。")
    async def start_bill_import(self, info: Info, id: strawberry.ID) -> import_types.BillImport:
        import_id = row_id(id, "BillImport")
        async with info.context.uow() as uow:
            await service.start(uow, import_id=import_id)
        return await fresh(info.context, read_import, import_id)

    @strawberry.mutation(description="Make bills of the rows without faults. 确认导入。")
    async def confirm_bill_import(
        self, info: Info, id: strawberry.ID, skip_faulty: bool = False
    ) -> import_types.BillImport:
        import_id = row_id(id, "BillImport")
        async with info.context.uow() as uow:
            await service.confirm(uow, import_id=import_id, skip_faulty=skip_faulty)
        return await fresh(info.context, read_import, import_id)

    @strawberry.mutation(description="Make no bills of it, and forget the file. 取消导入。")
    async def cancel_bill_import(self, info: Info, id: strawberry.ID) -> import_types.BillImport:
        import_id = row_id(id, "BillImport")
        async with info.context.uow() as uow:
            await service.cancel(uow, import_id=import_id)
        return await fresh(info.context, read_import, import_id)
