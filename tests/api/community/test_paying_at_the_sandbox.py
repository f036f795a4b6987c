"""A resident pays over the public API, as the application is deployed, at the sandbox of both vendors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from api.nodes import global_id
from cli.token import token_for
from domain.community.payments.autopay.planning import follow, plan_due
from domain.community.payments.charges import ChargeKind, NewCharge, open_charge
from domain.community.payments.ports import Vendor
from domain.kernel.actor import Role
from integrations.payments.sandbox.app import Sandbox, sandbox
from integrations.payments.sandbox.keys import FOLDER, environment, keep
from tests.factories.api import schema
from tests.factories.ingest import Ingest, plain_logs, running, settings_for
from tests.factories.payments import keys
from tests.factories.processes import served
from workers.autopay import look_at_agreements, take_due
from workers.payments import look_at_attempts, look_at_refunds

CREATE = "mutation($charge: ID!) { createOrder(charges: [$charge]) { id state amountFen } }"
PAY = (
    "mutation($order: ID!, $channel: PaymentChannel!, $payer: String!) {"
    " payOrder(order: $order, channel: $channel, payer: $payer) { url parameters order { id state } } }"
)
ORDER = (
    "query($id: ID!) { node(id: $id) { ... on PaymentOrder {"
    " state paidAt charges { state refundedFen } attempts { channel state transaction } receipt { number amountFen }"
    " } } }"
)
SIGN = (
    "mutation($home: ID!) { signAutopay(home: $home, kinds: [PROPERTY], limitFen: 5000, monthlyLimitFen: 9000) {"
    " url parameters autopay { id } } }"
)
PLANS = "{ autopayPlans { edges { node { state why amountFen charge { state } } } } }"
END = "mutation($id: ID!) { endAutopay(id: $id) { state } }"
REFUND = 'mutation($id: ID!) { refundCharge(id: $id, amountFen: 300, reason: "重复缴费") { refundingFen refundedFen } }'


@dataclass
class Town:
    """The application, the vendors, and who pays and who gives back."""

    real: Ingest
    there: Sandbox
    resident: str
    manager: str

    async def ask(self, token: str, query: str, **variables: Any) -> Any:
        answer = await self.real.client.post(
            "/graphql", json={"query": query, "variables": variables}, headers={"authorization": f"Bearer {token}"}
        )
        said = answer.json()
        assert "errors" not in said, said
        return said["data"]

    async def order(self, subject: int) -> tuple[str, str]:
        """A charge of ten yuan in an order: their ids."""
        home = self.real.world.homes["a111/1"]
        async with self.real.services.database.unit_of_work(self.real.world.everywhere) as uow:
            charge = await open_charge(uow, NewCharge(home, ChargeKind.PROPERTY, subject, 1000, "物业费 三月"))
        id_ = global_id("Charge", str(charge))
        made = (await self.ask(self.resident, CREATE, charge=id_))["createOrder"]
        assert (made["state"], made["amountFen"]) == ("OPEN", 1000)
        return id_, made["id"]

    async def launch(self, order: str, channel: str) -> str:
        """What the buyer's app opens."""
        payer = "oResident" if channel == "WECHAT_JSAPI" else ""
        told = (await self.ask(self.resident, PAY, order=order, channel=channel, payer=payer))["payOrder"]
        given = told["parameters"] or {}
        code = told["url"] or given.get("orderStr") or given.get("prepayid") or given["package"]
        return str(code).removeprefix("prepay_id=")

    async def state(self, order: str) -> Any:
        return (await self.ask(self.resident, ORDER, id=order))["node"]

    def buy(self, code: str) -> None:
        self.there.cashier.pay(self.there.cashier.scanned(code))


@pytest.fixture
async def town(
    database_url: str, tmp_path: Path, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Town]:
    monkeypatch.setattr("api.app.build_schema", schema)  # once for all tests
    folder = tmp_path / FOLDER
    ours: list[Ingest] = []

    async def deliver(scope: Any, receive: Any, send: Any) -> None:
        await ours[0].app(scope, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(deliver)) as to_us:
        there = sandbox(keys(), to_us, refund_seconds=0)
        keep(folder, keys())
        async with served(there.app) as port:
            given = environment(folder, f"http://127.0.0.1:{port}")
            given |= {"ZHIAN_PUBLIC_URL": "https://zhian.test", "ZHIAN_OUTGOING_NETWORKS": "127.0.0.1/32"}
            with plain_logs():
                async with running(settings_for(database_url, tmp_path, **given), superuser) as real:
                    ours.append(real)
                    payer = await real.world.living_in("a111/1")
                    manager = await real.world.with_role(Role.PROPERTY_MANAGER, "a111")
                    signed_in = partial(token_for, real.services.settings)
                    yield Town(real, there, await signed_in(payer.phone), await signed_in(manager.phone))


async def test_a_charge_is_paid_receipted_and_given_back_at_both_vendors(town: Town) -> None:
    for subject, (vendor, channel) in enumerate(((Vendor.WECHAT, "WECHAT_NATIVE"), (Vendor.ALIPAY, "ALIPAY_QR")), 1):
        charge, order = await town.order(subject)
        code = await town.launch(order, channel)
        assert await town.launch(order, channel) == code
        town.buy(code)

        assert await town.there.notices.deliver() == 1

        seen = await town.state(order)
        trade = list(town.there.book)[-1]
        assert (trade.vendor, seen["state"]) == (vendor, "PAID")
        assert seen["receipt"] == {"number": subject, "amountFen": 1000}
        assert [(each["state"], each["transaction"]) for each in seen["attempts"]] == [("PAID", trade.trade_no)]
        assert town.there.notices.waiting == []  # acknowledged

        asked = (await town.ask(town.manager, REFUND, id=charge))["refundCharge"]
        assert asked == {"refundingFen": 300, "refundedFen": 0}
        services = town.real.services
        await look_at_refunds(services.database, gateways=services.payments)
        town.there.wechat.settle()
        await town.there.notices.deliver()
        assert (await town.state(order))["charges"] == [{"state": "PAID", "refundedFen": 300}]
        assert town.there.notices.waiting == []


async def test_auto_pay_is_signed_told_taken_and_ended_at_the_sandbox(town: Town) -> None:
    services, home = town.real.services, town.real.world.homes["a111/1"]
    launch = (await town.ask(town.resident, SIGN, home=global_id("Home", home)))["signAutopay"]
    desk = town.there.withholding
    desk.sign(desk.opened(launch["parameters"]["app"]))
    assert await town.there.notices.deliver() == 1
    assert town.there.notices.waiting == []  # acknowledged
    async with services.database.unit_of_work(town.real.world.everywhere) as uow:
        await open_charge(uow, NewCharge(home, ChargeKind.PROPERTY, 1, 1000, "物业费 三月", uow.now.date()))
    async with services.database.unit_of_work(town.real.world.everywhere) as uow:
        assert await plan_due(uow, limit=5) == 1
    (plan,) = (await town.ask(town.resident, PLANS))["autopayPlans"]["edges"]
    assert (plan["node"]["state"], plan["node"]["amountFen"]) == ("PLANNED", 1000)
    desk.agreed.funds, told = 999, []
    for _ in range(2):  # first there is not enough
        await town.real.stored.execute("update autopay_plan set take_at = now()")
        assert await take_due(services.database, agreements=services.agreements) == 1
        await town.real.stored.execute("update payment_attempt set check_at = now() where check_at is not null")
        await look_at_attempts(services.database, gateways=services.payments)
        await town.there.notices.deliver()
        async with services.database.unit_of_work(town.real.world.everywhere) as uow:
            await follow(uow, limit=5)
        (plan,) = (await town.ask(town.resident, PLANS))["autopayPlans"]["edges"]
        told.append((plan["node"]["state"], plan["node"]["why"], plan["node"]["charge"]["state"]))
        desk.agreed.funds = None
    assert told == [("PLANNED", "DECLINED", "OPEN"), ("PAID", None, "PAID")]
    assert [trade.stage for trade in town.there.book] == ["closed", "paid"]
    await town.ask(town.resident, END, id=launch["autopay"]["id"])
    assert await look_at_agreements(services.database, agreements=services.agreements) == 1
    assert [each.status for each in desk.agreed] == ["STOP"]
    assert await town.there.notices.deliver() == 1
    assert town.there.notices.waiting == []


@pytest.mark.parametrize("channel", ["WECHAT_JSAPI", "WECHAT_APP", "ALIPAY_APP", "ALIPAY_WAP", "ALIPAY_PAGE"])
async def test_a_payment_nobody_told_of_is_asked_for(town: Town, channel: str) -> None:
    _, order = await town.order(1)
    town.buy(await town.launch(order, channel))
    town.there.notices.waiting.clear()  # lost
    assert (await town.state(order))["state"] == "OPEN"
    await town.real.stored.execute("update payment_attempt set check_at = now()")
    services = town.real.services

    await look_at_attempts(services.database, gateways=services.payments)

    assert (await town.state(order))["state"] == "PAID"


async def test_another_channel_closes_the_first_and_only_one_is_paid(town: Town) -> None:
    _, order = await town.order(1)
    first = await town.launch(order, "WECHAT_NATIVE")
    second = await town.launch(order, "ALIPAY_QR")
    with pytest.raises(Exception, match="CLOSED"):
        town.buy(first)
    town.buy(second)
    await town.there.notices.deliver()
    seen = await town.state(order)
    assert (seen["state"], [each["state"] for each in seen["attempts"]]) == ("PAID", ["CLOSED", "PAID"])
