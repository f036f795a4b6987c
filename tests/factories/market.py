"""Publishers of prices over real HTTP on loopback: Xinfadi's form, the ministry's JSON, and their bad days."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from tests.api.execution.serving import QuietServer


def line(number: int, name: str, day: str, average: str = "1.20", **said: Any) -> dict[str, Any]:
    """A line as Xinfadi writes it."""
    made = {
        "id": number, "prodName": name, "prodCatid": 1186, "prodCat": "蔬菜", "prodPcatid": None, "prodPcat": "",
        "lowPrice": "1.0", "highPrice": "1.4", "avgPrice": average, "place": "冀", "specInfo": "", "unitInfo": "斤",
        "pubDate": f"{day} 00:00:00", "status": None, "userIdCreate": 138, "userCreate": "admin", "gmtCreate": None,
    }  # fmt: skip
    return made | said


@dataclass
class Publisher:
    """lines: of all days, newest first. mood: "well", or how it fails. filters: keeps to the days that are asked for.

    most: lines of a page, whatever is asked for. asked: forms and bodies. reports, indices: of the ministry.
    """

    lines: list[dict[str, Any]] = field(default_factory=list)
    mood: str = "well"
    filters: bool = True
    most: int = 200
    asked: list[dict[str, Any]] = field(default_factory=list)
    indices: list[dict[str, Any]] = field(default_factory=list)
    reports: list[dict[str, Any]] | None = None
    host: str = ""

    async def prices(self, request: Request) -> Response:
        """``getPriceData.html``."""
        if request.headers["content-type"] != "application/x-www-form-urlencoded":
            return Response(status_code=415)
        form = {name: str(value) for name, value in (await request.form()).items()}
        self.asked.append(form)
        if (bad := self._bad()) is not None:
            return bad
        first, last = (form[name].replace("/", "-") for name in ("pubDateStartTime", "pubDateEndTime"))
        found = [each for each in self.lines if not self.filters or first <= str(each["pubDate"])[:10] <= last]
        size, page = min(int(form["limit"]), self.most), int(form["current"])
        shown = found[size * (page - 1) : size * page]
        return JSONResponse({"current": page, "limit": size, "count": len(found), "list": shown})

    async def index(self, request: Request) -> Response:
        """The ministry's index values."""
        self.asked.append(await request.json())
        return self._bad() or JSONResponse({"code": 200, "content": self.indices})

    async def report(self, request: Request) -> Response:
        """The ministry's daily report."""
        self.asked.append(await request.json())
        if self.reports is None:
            return JSONResponse({"code": 500, "message": "系统异常", "content": None})
        return JSONResponse({"code": 200, "content": {"list": self.reports, "totalCount": len(self.reports)}})

    def _bad(self) -> Response | None:
        moods: dict[str, Callable[[], Response]] = {
            "refusing": lambda: Response(status_code=503),
            "page": lambda: HTMLResponse("<html>维护中</html>"),
            "moved": lambda: Response(status_code=302, headers={"location": f"http://{self.host}/elsewhere"}),
            "odd": lambda: JSONResponse({"count": "many", "list": None, "content": {}}),
            "list": lambda: JSONResponse([]),
            "large": lambda: Response(b"[" * 3_000_000, media_type="application/json"),
        }
        return moods[self.mood]() if self.mood in moods else None


@asynccontextmanager
async def publishing(publisher: Publisher) -> AsyncIterator[Publisher]:
    """Serve ``publisher`` on loopback; its address is in ``host``."""
    app = Starlette(
        routes=[
            Route("/getPriceData.html", publisher.prices, methods=["POST"]),
            Route("/price_portal/pi-info-day/getPortalPiInfoDay", publisher.index, methods=["POST"]),
            Route("/api/FarmDaily/list", publisher.report, methods=["POST"]),
        ]
    )
    server = QuietServer(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.001)
        if task.done():
            task.result()
    publisher.host = f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield publisher
    finally:
        server.should_exit = server.force_exit = True
        server.stop.set()
        await task
