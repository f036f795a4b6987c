"""The sandbox's pages: what they look like, and who asks for JSON instead."""

from __future__ import annotations

from html import escape
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

PAGE: Final = """<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>沙箱收银台</title><style>
body{{font:16px/1.6 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}}
table{{border-collapse:collapse;width:100%}}td,th{{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ccc}}
input{{width:100%;font:inherit}}button{{font:inherit;padding:.3rem 1rem}}</style>
<h1>沙箱收银台 Sandbox cashier</h1><p>这里没有真实资金。No money moves here.</p>{body}"""


def page(body: str, status: int = 200) -> HTMLResponse:
    """A page with ``body``, which is HTML."""
    return HTMLResponse(PAGE.format(body=body), status)


def wants_json(request: Request) -> bool:
    """Whether a program asks."""
    return "application/json" in request.headers.get("accept", "")


def refusal(request: Request, code: str) -> Response:
    """That it was refused, and why."""
    if wants_json(request):
        return JSONResponse({"code": code}, 409)
    return page(f"<p>{escape(code)}<p><a href='/cashier'>返回 Back</a>", 409)
