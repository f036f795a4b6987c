"""Pushes over HTTP, authenticated in each of the ways devices can."""

from __future__ import annotations

import asyncio
from typing import Final, Self

import httpx

from cli.simulate.shot import Shot, Way
from domain.security.devices.models import Vendor

TIMEOUT_SECONDS: Final = 30.0
CONNECTIONS: Final = 200
RETRY_SECONDS: Final = (0.2, 1.0, 5.0)


class HttpSender:
    """Posts shots. ``base``: the API's URL. retries: how many answers were not final."""

    def __init__(
        self, base: str, *, transport: httpx.AsyncBaseTransport | None = None, pauses: tuple[float, ...] = RETRY_SECONDS
    ) -> None:
        self.retries = 0
        self._pauses = pauses
        self._base = base.rstrip("/")
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, limits=limits, trust_env=False, transport=transport)
        self._digests: dict[int, httpx.DigestAuth] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def send(self, shot: Shot) -> str:
        """Post the shot, and again the same bytes after a failure that may pass, as devices are told to.

        Returns the last answer's status, or the name of what went wrong.
        """
        outcome = await self._post(shot)
        for pause in self._pauses:
            if outcome[0] in "1234" and outcome != "429":
                break
            self.retries += 1
            await asyncio.sleep(pause)
            outcome = await self._post(shot)
        return outcome

    async def _post(self, shot: Shot) -> str:
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
        if shot.way in (Way.PATH, Way.MQTT):  # what would go over MQTT, where there is no broker
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
