"""Pushes over HTTP, authenticated in each of the ways devices can."""

from __future__ import annotations

from typing import Final, Self

import httpx

from cli.simulate.shot import Shot, Way
from domain.security.devices.models import Vendor

TIMEOUT_SECONDS: Final = 30.0
CONNECTIONS: Final = 200


class HttpSender:
    """Posts shots. ``base``: the API's URL."""

    def __init__(self, base: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._base = base.rstrip("/")
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, limits=limits, trust_env=False, transport=transport)
        self._digests: dict[int, httpx.DigestAuth] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def send(self, shot: Shot) -> str:
        """Post the shot; the answer's status, or the name of what went wrong."""
        try:
            answer = await self._client.post(
                self._url(shot),
                content=shot.body,
                headers={"Content-Type": shot.content_type, **self._bearer(shot)},
                auth=self._auth(shot),
            )
        except httpx.HTTPError as error:
            return type(error).__name__
        return str(answer.status_code)

    def _url(self, shot: Shot) -> str:
        if shot.way is Way.PATH:
            return self._base + httpx.URL(shot.thing.path_url).path
        if shot.way is Way.BEARER and shot.thing.vendor is Vendor.ZHIAN:
            return f"{self._base}/devices/events"
        return f"{self._base}/devices/{shot.thing.vendor}"

    def _auth(self, shot: Shot) -> httpx.Auth:
        user, password = str(shot.thing.number), shot.thing.credential
        if shot.way is Way.BASIC:
            return httpx.BasicAuth(user, password)
        if shot.way is Way.DIGEST:  # kept per device: after the first challenge it answers ahead, as devices do
            return self._digests.setdefault(shot.thing.number, httpx.DigestAuth(user, password))
        return httpx.Auth()

    @staticmethod
    def _bearer(shot: Shot) -> dict[str, str]:
        return {"Authorization": f"Bearer {shot.thing.credential}"} if shot.way is Way.BEARER else {}
