"""What a process does until it dies: a notification is taken, or a file of bills is worked through."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from api.community.payments.callbacks import PaymentCallbacks
from api.community.payments.intake import NoticeIntake
from domain.community.payments.ports import Vendor
from domain.kernel.uow import Database, News
from integrations.bootstrap import notice_engine
from integrations.identity.vault import open_vault
from integrations.payments.alipay.notices import AlipayNotices
from integrations.payments.notices import ReadsNotices
from integrations.payments.sandbox.keys import SandboxKeys, kept_keys
from integrations.payments.wechat.notices import WechatNotices
from integrations.postgres import create_engine
from tests.factories.payments import HOST, NOTIFY, accounts
from tests.faults.dying.suspensions import Suspensions
from workers.bills import BillImports

Say = Callable[[str], None]
_keys: dict[str, SandboxKeys] = {}


def prepare(asked: dict[str, Any]) -> None:
    """What every process of the kind needs, once, before they are forked off."""
    folder = asked.get("vendors")
    if folder and folder not in _keys:
        _keys[folder] = kept_keys(Path(folder), datetime.fromisoformat(asked["now"]))


async def act(asked: dict[str, Any], suspensions: Suspensions, say: Say) -> None:
    """Do what ``asked`` says."""
    asyncio.get_running_loop().set_task_factory(suspensions.factory)  # type: ignore[arg-type]
    await asyncio.create_task(ACTS[asked["act"]](asked, suspensions, say))


async def _wake(_: News) -> None:
    """As the news that goes out after a commit."""
    await asyncio.sleep(0)


def callbacks(database: Database, keys: SandboxKeys) -> Starlette:
    """The endpoints at which vendors report, of a process that has just begun."""
    wechat, alipay = accounts(keys, HOST, NOTIFY)
    readers: dict[Vendor, ReadsNotices] = {
        Vendor.WECHAT: WechatNotices(wechat, clock=database.clock),
        Vendor.ALIPAY: AlipayNotices(alipay, clock=database.clock),
    }
    return Starlette(routes=PaymentCallbacks(NoticeIntake(database), readers).routes())


async def notice(asked: dict[str, Any], suspensions: Suspensions, say: Say) -> None:
    """Take one notification as the API does, by connections that are open already; says its status when it is sent."""
    now = datetime.fromisoformat(asked["now"])
    engine = notice_engine(asked["url"])
    database = Database(engine, wake=_wake, clock=lambda: now)
    app = callbacks(database, _keys[asked["vendors"]])
    async with engine.connect():
        pass
    body = base64.b64decode(asked["body"])
    parts = [body[: len(body) // 2], body[len(body) // 2 :]]

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: Any) -> None:
        await asyncio.sleep(0)
        if message["type"] == "http.response.start":
            say(str(message["status"]))
            await asyncio.sleep(0)

    headers = [(name.lower().encode(), value.encode()) for name, value in asked["headers"].items()]
    path = asked["path"]
    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": path, "raw_path": path.encode()}
    scope |= {"scheme": "https", "root_path": "", "query_string": b"", "headers": headers}
    suspensions.arm()
    await app(scope, receive, send)


async def imports(asked: dict[str, Any], suspensions: Suspensions, say: Say) -> None:
    """Work through files of bills until none waits; says how many rows were worked."""
    now = datetime.fromisoformat(asked["now"])
    engine = create_engine(asked["url"], pool_size=2)
    vault = await open_vault(Path(asked["keys"]), engine)
    worker = BillImports(Database(engine, wake=_wake, clock=lambda: now), vault, batch=asked["batch"])
    suspensions.arm()
    say(str(await worker.drain()))


ACTS: dict[str, Callable[[dict[str, Any], Suspensions, Say], Any]] = {"notice": notice, "imports": imports}
