"""The simulator's alert feed against a socket that is cut: it comes back where it was."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from cli.simulate.alerts import PROTOCOL, Seen, follow
from tests.factories.patience import PATIENCE


def item(number: int, change: str) -> dict[str, Any]:
    alert = {"kind": "SMOKE", "severity": "CRITICAL", "place": "楼道", "explanation": {"text": "烟雾"}}
    return {"cursor": f"c{number}", "change": change, "alert": alert}


async def test_a_cut_feed_resumes_by_its_cursor_with_a_new_token() -> None:
    inits: list[dict[str, Any]] = []
    asked: list[str | None] = []
    done = asyncio.Event()
    changes = ["RAISED", "CLEARED", "RAISED"]

    async def api(socket: ServerConnection) -> None:
        inits.append(json.loads(await socket.recv())["payload"])
        await socket.send('{"type":"connection_ack"}')
        subscribe = json.loads(await socket.recv())
        asked.append(subscribe["payload"]["variables"]["after"])
        await socket.send('{"type":"ping"}')
        assert json.loads(await socket.recv()) == {"type": "pong"}
        number = len(asked) - 1
        payload = {"data": {"alertFeed": item(number, changes[number])}}
        await socket.send(json.dumps({"type": "next", "id": subscribe["id"], "payload": payload}))
        if len(asked) == len(changes):
            await done.wait()

    tokens = iter(range(9))

    async def token() -> str:
        return f"t{next(tokens)}"

    seen = Seen()
    async with serve(api, "127.0.0.1", 0, subprotocols=[PROTOCOL]) as server:
        port = server.sockets[0].getsockname()[1]
        following = asyncio.create_task(follow(f"http://127.0.0.1:{port}", token, seen, retry_seconds=0.01))
        async with asyncio.timeout(PATIENCE):
            while seen.total < len(changes):
                await seen.news.wait()
                seen.news.clear()
        done.set()
        following.cancel()
        await asyncio.wait({following})

    assert asked == [None, "c0", "c1"]
    assert [init["authorization"] for init in inits] == ["Bearer t0", "Bearer t1", "Bearer t2"]
    assert (seen.changes, seen.kinds) == ({"raised": 2, "cleared": 1}, {"smoke": 2})


async def test_an_error_of_the_api_is_kept_for_the_summary() -> None:
    async def api(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send('{"type":"connection_ack"}')
        await socket.recv()
        await socket.send(json.dumps({"type": "error", "id": "alerts", "payload": [{"message": "no such field"}]}))

    async def token() -> str:
        return "t"

    seen = Seen()
    async with serve(api, "127.0.0.1", 0, subprotocols=[PROTOCOL]) as server:
        port = server.sockets[0].getsockname()[1]
        following = asyncio.create_task(follow(f"http://127.0.0.1:{port}", token, seen, retry_seconds=0.01))
        async with asyncio.timeout(PATIENCE):
            await seen.news.wait()
        following.cancel()
        await asyncio.wait({following})

    assert "no such field" in seen.error
    assert seen.total == 0
