"""A small proxy for byte streams, TCP or Unix: latency, stall, reset, half-open, cut in the middle of a message."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path

CHUNK = 65_536
Address = tuple[str, int] | Path


class Side(Enum):
    """Which way bytes go."""

    TO_SERVER = auto()
    TO_CLIENT = auto()


class _Connection:
    """One client's connection and ours to the server. ``lost``: half-open, both peers still believe in it."""

    def __init__(self, link: Link, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._link = link
        self._writers = (client, server)
        self.lost = False

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, side: Side) -> None:
        """Carry bytes one way until the end of the stream or of the connection."""
        while chunk := await reader.read(CHUNK):
            if self._link.latency:
                await asyncio.sleep(self._link.latency)
            await self._link.flowing.wait()
            if self.lost:
                continue
            if self._link.take_cut(side):
                writer.write(chunk[: len(chunk) // 2])
                await writer.drain()
                return
            writer.write(chunk)
            await writer.drain()
        while self.lost:  # its end is not told either
            await self._link.healed.wait()

    def reset(self) -> None:
        """End it at once on both sides; TCP peers get a RST."""
        for writer in self._writers:
            sock = writer.get_extra_info("socket")
            if sock is not None and sock.family != socket.AF_UNIX:
                with suppress(OSError):  # closed already
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


class Link:
    """A listening address that leads to another. ``latency``: seconds added to every chunk."""

    def __init__(self, listen: Address, target: Address) -> None:
        self._listen = listen
        self._target = target
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._cuts = dict.fromkeys(Side, 0)
        self._server: asyncio.Server | None = None
        self.latency = 0.0
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.healed = asyncio.Event()

    async def start(self) -> None:
        """Begin to listen."""
        if isinstance(self._listen, Path):
            self._server = await asyncio.start_unix_server(self._accept, self._listen)
        else:
            self._server = await asyncio.start_server(self._accept, *self._listen)

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
        self.heal()
        self.reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    def stall(self) -> None:
        """Hold every byte back until ``heal``; connections stay open, new ones are taken and wait too."""
        self.flowing.clear()

    def reset(self) -> None:
        """Reset every connection."""
        for connection in tuple(self._connections):
            connection.reset()

    def lose(self) -> None:
        """Leave every present connection half-open: what is sent is taken and goes nowhere. New ones work."""
        self.healed.clear()
        for connection in self._connections:
            connection.lost = True

    def cut(self, side: Side, times: int) -> None:
        """End the next ``times`` connections that carry something this way, after half of it."""
        self._cuts[side] = times

    def take_cut(self, side: Side) -> bool:
        """Whether the chunk at hand is to be cut."""
        if not self._cuts[side]:
            return False
        self._cuts[side] -= 1
        return True

    def heal(self) -> None:
        """Let everything flow again; half-open connections end."""
        self.latency = 0.0
        self._cuts = dict.fromkeys(Side, 0)
        self.flowing.set()
        self.healed.set()
        for connection in tuple(self._connections):
            if connection.lost:
                connection.lost = False
                connection.reset()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._carry(reader, writer)
        except asyncio.CancelledError:
            return
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if isinstance(self._target, Path):
                from_server, to_server = await asyncio.open_unix_connection(self._target)
            else:
                from_server, to_server = await asyncio.open_connection(*self._target)
        except OSError:
            return
        connection = _Connection(self, writer, to_server)
        self._connections.add(connection)
        pumps = {
            asyncio.create_task(connection.pump(reader, to_server, Side.TO_SERVER)),
            asyncio.create_task(connection.pump(from_server, writer, Side.TO_CLIENT)),
        }
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._connections.discard(connection)
            connection.reset()
