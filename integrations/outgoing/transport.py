"""An httpx transport that connects only where it may.

A name is resolved once, every address it has is checked, and the connection goes to the checked address under the
name's Host header and TLS name: nobody can answer differently the second time. Plain HTTP is for ``networks`` only.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from ipaddress import ip_address

import httpx

from integrations.outgoing.addresses import Address, Network, is_allowed

PORTS = frozenset({443})
RESPONSE_BYTES = 65_536
CONNECT_SECONDS = 2.0

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
"""The addresses of a host name; raises OSError when it has none."""


class NotAllowed(httpx.RequestError):
    """The request must not be made; says why, without the address."""


class TooMuch(httpx.ReadError):
    """The answer is larger than the cap."""


async def resolve(host: str, port: int) -> Sequence[Address]:
    """Ask the system."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(each[4][0]) for each in found]


class GuardedTransport(httpx.AsyncBaseTransport):
    """networks: private ones that may be reached too. ports: which may be connected to. most: bytes of an answer.
    plain: public addresses may be spoken to without TLS; for what is published to everybody only.
    """

    def __init__(
        self,
        *,
        networks: Sequence[Network] = (),
        ports: Collection[int] = PORTS,
        most: int = RESPONSE_BYTES,
        plain: bool = False,
        context: ssl.SSLContext | None = None,
        resolve: Resolve = resolve,
    ) -> None:
        self._networks = networks
        self._ports = frozenset(ports)
        self._most = most
        self._plain = plain
        self._resolve = resolve
        # Kept connections are found by address alone: one of another name's at the same address would be used.
        self._inner = httpx.AsyncHTTPTransport(
            verify=context or ssl.create_default_context(),
            trust_env=False,
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=0),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Check, connect, and cap the answer. Raises NotAllowed, or what httpx raises."""
        address = await self._checked(request.url)
        host = request.url.raw_host.decode("ascii")
        request.extensions = {**request.extensions, "sni_hostname": host}
        there = f"[{address}]" if address.version == 6 else str(address)
        request.headers["accept-encoding"] = "identity"
        request.url = request.url.copy_with(host=there)
        response = await self._inner.handle_async_request(request)
        told = response.headers.get("content-length", "0")
        if not told.isdecimal() or len(told) > 12 or int(told) > self._most or "content-encoding" in response.headers:
            await response.aclose()
            raise TooMuch("The answer is too large")
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - of an asynchronous transport
        response.stream = _Capped(response.stream, self._most)
        return response

    async def aclose(self) -> None:
        """Close what is open."""
        await self._inner.aclose()

    async def _checked(self, url: httpx.URL) -> Address:
        port = url.port or {"https": 443, "http": 80}.get(url.scheme)
        if port is None or port not in self._ports or url.userinfo:
            raise NotAllowed("This scheme, port or user is not allowed")
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                found = await self._resolve(url.raw_host.decode("ascii"), port)
        except (OSError, UnicodeError, TimeoutError) as error:
            raise httpx.ConnectError("The name was not resolved") from error
        if not found or not all(is_allowed(address, self._networks) for address in found):
            raise NotAllowed("The address is not allowed")
        named = all(any(each in network for network in self._networks) for each in found)
        if url.scheme == "http" and not (named or self._plain):
            raise NotAllowed("Without TLS only named networks are spoken to")
        return found[0]


class _Capped(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, most: int) -> None:
        self._inner = inner
        self._left = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._inner:
            self._left -= len(part)
            if self._left < 0:
                raise TooMuch("The answer is too large")
            yield part

    async def aclose(self) -> None:
        await self._inner.aclose()


def guarded_client(transport: GuardedTransport, *, seconds: float) -> httpx.AsyncClient:
    """A client for one outside party: ``seconds`` for each step, no redirects, no proxies of the environment.

    Steps can add up: put ``asyncio.timeout`` around a call.
    """
    return httpx.AsyncClient(
        transport=transport,
        timeout=httpx.Timeout(seconds, connect=CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
    )
