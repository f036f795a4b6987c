"""PostgreSQL: engines, and the start-up check that refuses a database which may forget what it acknowledged.

A connection may die without a word: a cable, a firewall that forgets, a machine that is gone. Both ends notice. Over
TCP the kernels ask the other end after KEEPALIVE_IDLE seconds of silence and give up after LOST_SECONDS; whatever the
transport, no statement of ours waits longer than ``patience``, and the server ends a transaction that waits so long
for its client: until then it holds its locks, and no feed passes it.
"""

from __future__ import annotations

import socket
import time
from asyncio import BaseTransport
from typing import Any

import asyncpg
import orjson
from sqlalchemy import event, make_url, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

APP_ROLE = "zhian_app"
OWNER_ROLE = "zhian_owner"
AUDITOR_ROLE = "zhian_auditor"

PATIENCE = 60.0
KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_COUNT = 10, 5, 2
LOST_SECONDS = KEEPALIVE_IDLE + KEEPALIVE_INTERVAL * KEEPALIVE_COUNT
ON_THE_SERVER = {
    "tcp_keepalives_idle": str(KEEPALIVE_IDLE),
    "tcp_keepalives_interval": str(KEEPALIVE_INTERVAL),
    "tcp_keepalives_count": str(KEEPALIVE_COUNT),
    "tcp_user_timeout": f"{LOST_SECONDS}s",
    "client_connection_check_interval": "10s",  # a statement that waits for a lock ends with its client
}

DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


class UnsafeDatabase(RuntimeError):
    """The server may lose commits it has acknowledged (CODE: UNSAFE_DATABASE)."""


class RestoredDatabase(RuntimeError):
    """The database has come from another server, and cursors of before are still believed (CODE: RESTORED_DATABASE)."""


def _dumps(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


class WatchedConnection(asyncpg.Connection):
    """A connection whose socket asks whether the other end is there. A Unix socket needs no asking."""

    def __init__(self, protocol: Any, transport: BaseTransport, *rest: Any) -> None:
        super().__init__(protocol, transport, *rest)
        watch(transport.get_extra_info("socket"))


def watch(sock: socket.socket) -> None:
    """Have the kernel end ``sock`` after LOST_SECONDS without an answer, as far as this system can."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_IDLE),
        ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL),
        ("TCP_KEEPCNT", KEEPALIVE_COUNT),
        ("TCP_USER_TIMEOUT", LOST_SECONDS * 1000),  # keepalive does not count while something sent is unanswered
    ):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def create_engine(
    url: str,
    *,
    role: str | None = APP_ROLE,
    pool_size: int = 10,
    application: str = "zhian",
    generic_plans: bool = False,
    patience: float = PATIENCE,
) -> AsyncEngine:
    """An engine whose connections act as ``role`` and begin nothing by themselves (AUTOCOMMIT).

    Transactions are opened by ``domain.kernel.uow.transaction`` only. ``url``: ``postgresql://…``, any driver suffix.
    ``generic_plans``: plan a statement once per connection and not once per call; for few statements run very often.
    ``patience``: seconds that a statement may take, and that a transaction may wait between two of them.
    """
    server_settings = {
        "application_name": application,
        "timezone": "UTC",
        "jit": "off",
        "idle_in_transaction_session_timeout": f"{patience:.0f}s",
        **ON_THE_SERVER,
    }
    if generic_plans:
        server_settings["plan_cache_mode"] = "force_generic_plan"
    if role is not None:
        server_settings["role"] = role
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        hide_parameters=True,  # an error in the log names no person, card or secret
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
        connect_args={
            "server_settings": server_settings,
            "timeout": 10,
            "command_timeout": patience,
            "connection_class": WatchedConnection,
        },
    )
    _distrust_the_dead(engine)
    return engine


def _distrust_the_dead(engine: AsyncEngine) -> None:
    """Give out no connection that is closed, and none as old as one that was found not to answer."""
    doubted = 0.0

    @event.listens_for(engine.sync_engine, "connect")
    def born(_: Any, record: Any) -> None:
        record.info["born"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "invalidate")
    def doubt(_: Any, __: Any, error: BaseException | None) -> None:
        nonlocal doubted
        if isinstance(error, TimeoutError):
            doubted = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def refuse(connection: Any, record: Any, _: Any) -> None:
        raw = connection.driver_connection
        if raw.is_closed() or record.info["born"] <= doubted:
            raw.terminate()
            raise DisconnectionError  # the pool makes another


async def refuse_unsafe(engine: AsyncEngine) -> None:
    """Raise UnsafeDatabase unless every durability setting is on."""
    async with engine.connect() as connection:
        for name in DURABLE:
            value = (await connection.execute(text("select current_setting(:n)"), {"n": name})).scalar_one()
            if value not in ("on", "remote_apply", "remote_write"):
                raise UnsafeDatabase(f"UNSAFE_DATABASE: {name} is {value}; acknowledged events could be lost")


async def refuse_restored(engine: AsyncEngine) -> None:
    """Raise RestoredDatabase when the database was loaded on another server and not migrated there."""
    async with engine.connect() as connection:
        if (await connection.execute(text("select to_regclass('log_epoch') is null"))).scalar_one():
            return  # no schema yet, or an older one
        moved = text("select exists (select from log_epoch where server <> zhian_server() and zhian_server() <> '')")
        if (await connection.execute(moved)).scalar_one():
            raise RestoredDatabase(
                "RESTORED_DATABASE: it was loaded on another server; run `zhian migrate` on it first"
            )
