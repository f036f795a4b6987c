"""Notices as WeChat Pay sends them, signed and sealed, to an API process: every one over a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from cli.bench.fanout import allow_files
from cli.bench.http_load import at_once, request
from cli.bench.stage import Stage
from domain.community.payments.ports import Notice
from integrations.payments.sandbox.keys import FOLDER, HOST, PUBLIC_KEY_ID, environment, kept_keys
from integrations.payments.sandbox.wechat_wire import WechatWire, moment

FILES: Final = 4_096
NOBODY: Final = f"http://{HOST}:9"  # nothing is asked of the vendor


async def over_http(
    built: Stage, told: Callable[[], Awaitable[Sequence[Notice]]], *, rounds: int
) -> tuple[list[float], list[float]]:
    """Seconds until the answer, of every notice and of as many requests to an empty endpoint of the same process,
    ``rounds`` times in turns. told: the notices of a round. Raises RuntimeError when one is refused."""
    allow_files(FILES)
    folder = built.folder / FOLDER
    wire = WechatWire(await asyncio.to_thread(kept_keys, folder, datetime.now(UTC)))
    built.environment.update(environment(folder, NOBODY))
    taken, empty = list[float](), list[float]()
    async with built.process("api.main", port=built.port):
        for number in range(rounds + 1):
            notices = await told()
            bare = await at_once([request("/healthz", built.port, "bench")] * len(notices), port=built.port)
            heard = await at_once([_signed(wire, notice, built.port) for notice in notices], port=built.port)
            if number:  # the first has statements prepared and pages warmed
                empty += bare
                taken += heard
    return taken, empty


def _signed(wire: WechatWire, notice: Notice, port: int) -> bytes:
    """The bytes of a request; each try is signed anew."""
    now = datetime.now(UTC)
    paid = {
        "amount": {"currency": notice.currency, "payer_total": notice.amount_fen, "total": notice.amount_fen},
        "appid": notice.app_id,
        "mchid": notice.seller_id,
        "out_trade_no": notice.out_trade_no,
        "success_time": moment(notice.at),
        "trade_state": notice.raw,
        "transaction_id": notice.transaction_id,
    }
    body = wire.notice(
        id_=notice.notice_id,
        event="TRANSACTION.SUCCESS",
        summary="支付成功",
        kind="transaction",
        resource=paid,
        at=notice.at,
    )
    headers = wire.signed(body, now=now, serial=PUBLIC_KEY_ID)
    return request("/callbacks/wechat", port, "bench", body, more=headers)
