"""The uvicorn protocols of the API process.

ASGI has no way to close a connection whose peer has stopped reading: ``send`` waits for room, and closing waits for
the buffer. These protocols add one, ``scope["extensions"]["zhian.cut"]["cut"](code, reason, seconds)``: the close frame
goes behind what is buffered, and after ``seconds`` the connection is cut whether the peer has read it or not.

A peer that answers no ping is cut the same way: uvicorn's own end would wait for the buffer, so for ever. The system's
send buffer is kept small: left to itself it grows to megabytes for each peer that reads nothing.

The parser keeps request lines and headers of any length; here a request's head is refused beyond ``HEAD_BYTES``.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

EXTENSION = "zhian.cut"
HEAD_BYTES = 65_536  # room for the longest document by GET, each letter escaped
SEND_BUFFER = 65_536
PING_SECONDS, PONG_SECONDS, FAREWELL_SECONDS = 12.0, 10.0, 5.0  # a peer that went silent is gone within 27 s
TRY_LATER = 1013

Cut = Callable[[int, str, float], None]


class SocketProtocol(WebSocketsSansIOProtocol):
    """A WebSocket that can be cut."""

    def handle_connect(self, event: Request) -> None:
        """Offer the extension on the handshake's scope."""
        super().handle_connect(event)
        if not self.transport.is_closing():
            self.scope["extensions"][EXTENSION] = {"cut": self.cut}

    def keepalive_timeout(self) -> None:
        """Cut a peer that answers no ping; it may have stopped reading before anything was too much for it."""
        self.pong_timer = None
        self.pending_ping_payload = None
        self.cut(TRY_LATER, "No answer; resume by cursor", FAREWELL_SECONDS)

    def cut(self, code: int, reason: str, seconds: float) -> None:
        """Close with ``code``; after ``seconds`` without the peer's answer, drop the connection."""
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self.close_sent or self.transport.is_closing():
            return
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(seconds, self.transport.abort)


class StreamProtocol(HttpToolsProtocol):
    """HTTP whose response can be cut and whose requests begin with a head of bounded size."""

    _in_head = False
    _head_read = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Bound what the system takes for a peer that does not read; a WebSocket begins here too."""
        super().connection_made(transport)
        peer = transport.get_extra_info("socket")
        if peer is not None and peer.family != socket.AF_UNIX:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def data_received(self, data: bytes) -> None:
        """Read on; hang up on a head that does not end."""
        went_on = self._in_head
        super().data_received(data)
        if went_on and self._in_head:
            self._head_read += len(data)
            if self._head_read > HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The request's head is too large.")

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head, self._head_read = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Offer the extension on the request's scope. An error refuses the request with 400."""
        self._in_head = False
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES:
            raise ValueError("The request's head is too large")
        transport = self.transport
        self.scope["extensions"] = {EXTENSION: {"cut": lambda *_: transport.abort()}}
        super().on_headers_complete()


def cutter(scope: Mapping[str, Any]) -> Cut | None:
    """The extension, where the server has it."""
    extension = (scope.get("extensions") or {}).get(EXTENSION)
    return extension["cut"] if extension else None


def uvicorn_settings(frame_bytes: int) -> dict[str, Any]:
    """Settings of ``uvicorn.Config`` the endpoint counts on."""
    return {
        "http": StreamProtocol,
        "ws": SocketProtocol,
        "ws_max_size": frame_bytes,
        "ws_per_message_deflate": False,
        "ws_ping_interval": PING_SECONDS,
        "ws_ping_timeout": PONG_SECONDS,
    }
