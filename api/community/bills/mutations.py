"""Root mutations of bills."""

from __future__ import annotations

from datetime import date

import strawberry

from api.community.bills import fee_types, queries, types
from api.community.bills.enums import ReadingSource
from api.community.bills.inputs import BillLineInput, CreateFeeRuleInput
from api.context import Info
from api.nodes import fresh, row_id
from domain.community.bills import accounts, prepaid, service
from domain.community.bills.fees import publishing
from domain.community.bills.fees import service as fees
from domain.community.bills.kinds import BillKind
from domain.community.bills.meters import service as meters
from domain.community.bills.periods import month_of


@strawberry.type
class BillsMutation:
    """Root mutations of bills."""

    @strawberry.mutation(description="Note a home's account number at a supplier. 登记户号。")
    async def register_bill_account(
        self, info: Info, home: strawberry.ID, kind: BillKind, number: str, institution: str = ""
    ) -> types.BillAccount:
        home_id, vault = row_id(home, "Home", field="home"), info.context.services.vault
        async with info.context.uow() as uow:
            made = await accounts.register_account(
                uow, vault=vault, home_id=home_id, kind=kind, number=number, institution=institution
            )
        return await fresh(info.context, queries.read_account, made)

    @strawberry.mutation(description="The account is no longer this home's. 停用户号。")
    async def end_bill_account(self, info: Info, id: strawberry.ID) -> types.BillAccount:
        account_id = row_id(id, "BillAccount")
        async with info.context.uow() as uow:
            await accounts.end_account(uow, account_id=account_id)
        return await fresh(info.context, queries.read_account, account_id)

    @strawberry.mutation(description="The floor area a home is charged by. 设置计费面积。")
    async def set_fee_area(self, info: Info, home: strawberry.ID, square_metres: str) -> fee_types.FeeArea:
        home_id = row_id(home, "Home", field="home")
        async with info.context.uow() as uow:
            made = await fees.set_area(uow, home_id=home_id, square_metres=square_metres)
        return await fresh(info.context, queries.read_area, made)

    @strawberry.mutation(description="Charge the homes of a compound by a new rule. 新增收费规则。")
    async def create_fee_rule(self, info: Info, input: CreateFeeRuleInput) -> fee_types.FeeRule:
        new = input.command()
        async with info.context.uow() as uow:
            made = await fees.create_rule(uow, new=new)
        return await fresh(info.context, queries.read_rule, made)

    @strawberry.mutation(description="Make no more bills of a rule. 停用收费规则。")
    async def end_fee_rule(self, info: Info, id: strawberry.ID) -> fee_types.FeeRule:
        rule_id = row_id(id, "FeeRule")
        async with info.context.uow() as uow:
            await fees.end_rule(uow, rule_id=rule_id)
        return await fresh(info.context, queries.read_rule, rule_id)

    @strawberry.mutation(description="A home's meter is read from now on. 登记表具。")
    async def register_meter(self, info: Info, home: strawberry.ID, kind: BillKind, name: str = "") -> fee_types.Meter:
        home_id = row_id(home, "Home", field="home")
        async with info.context.uow() as uow:
            made = await meters.register_meter(uow, home_id=home_id, kind=kind, name=name)
        return await fresh(info.context, queries.read_meter, made)

    @strawberry.mutation(description="The meter was taken out. 拆除表具。")
    async def end_meter(self, info: Info, id: strawberry.ID) -> fee_types.Meter:
        meter_id = row_id(id, "Meter")
        async with info.context.uow() as uow:
            await meters.end_meter(uow, meter_id=meter_id)
        return await fresh(info.context, queries.read_meter, meter_id)

    @strawberry.mutation(description="What a meter stands at; a jump waits to be confirmed. 提交读数。")
    async def submit_meter_reading(
        self,
        info: Info,
        meter: strawberry.ID,
        value: str,
        read_on: date | None = None,
        read_by: ReadingSource = ReadingSource.MANUAL,
    ) -> fee_types.MeterReading:
        meter_id = row_id(meter, "Meter", field="meter")
        async with info.context.uow() as uow:
            made = await meters.take_reading(uow, meter_id=meter_id, value=value, read_on=read_on, source=read_by)
        return await fresh(info.context, queries.read_reading, made)

    @strawberry.mutation(description="The reading that waited is right, or was wrong. 确认或驳回读数。")
    async def judge_meter_reading(self, info: Info, id: strawberry.ID, good: bool) -> fee_types.MeterReading:
        reading_id = row_id(id, "MeterReading")
        async with info.context.uow() as uow:
            await meters.judge_reading(uow, reading_id=reading_id, good=good)
        return await fresh(info.context, queries.read_reading, reading_id)

    @strawberry.mutation(description="Issue a period's bills, or only work them out. 出账；dryRun 为预览。")
    async def publish_bills(
        self, info: Info, compound: strawberry.ID, period: str, dry_run: bool = True
    ) -> fee_types.PublishedBills:
        compound_id, month = row_id(compound, "Area", field="compound"), month_of(period)
        act = publishing.plan_period if dry_run else publishing.publish_period
        async with info.context.uow() as uow:
            planned = await act(uow, compound_id=compound_id, month=month)
        return fee_types.published(planned, dry_run=dry_run)

    @strawberry.mutation(description="Replace an unpaid bill; of a paid one, bill or credit the difference. 更正账单。")
    async def correct_bill(self, info: Info, id: strawberry.ID, lines: list[BillLineInput], reason: str) -> types.Bill:
        bill_id, said = row_id(id, "Bill"), [line.line() for line in lines]
        async with info.context.uow() as uow:
            made = await service.correct_bill(uow, bill_id=bill_id, lines=said, reason=reason)
        return await fresh(info.context, queries.read_bill, made)

    @strawberry.mutation(description="Ask for the bill no longer. 核销账单。")
    async def write_off_bill(self, info: Info, id: strawberry.ID, reason: str) -> types.Bill:
        bill_id = row_id(id, "Bill")
        async with info.context.uow() as uow:
            await service.write_off_bill(uow, bill_id=bill_id, reason=reason)
        return await fresh(info.context, queries.read_bill, bill_id)

    @strawberry.mutation(description="Take a deposit at the office, in fen. 登记预存款（分）。")
    async def deposit_prepaid(
        self, info: Info, home: strawberry.ID, amount_fen: int, note: str = ""
    ) -> types.PrepaidBalance:
        home_id = row_id(home, "Home", field="home")
        async with info.context.uow() as uow:
            made = await prepaid.deposit(uow, home_id=home_id, amount_fen=amount_fen, note=note)
        return await fresh(info.context, queries.read_balance, made)

    @strawberry.mutation(description="Pay back at the office what was paid ahead, in fen. 登记预存款退还（分）。")
    async def pay_out_prepaid(
        self, info: Info, balance: strawberry.ID, amount_fen: int, note: str
    ) -> types.PrepaidBalance:
        balance_id = row_id(balance, "PrepaidBalance", field="balance")
        async with info.context.uow() as uow:
            await prepaid.pay_out(uow, balance_id=balance_id, amount_fen=amount_fen, note=note)
        return await fresh(info.context, queries.read_balance, balance_id)
