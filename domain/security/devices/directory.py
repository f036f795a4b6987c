"""Which device is speaking: credentials checked against what is stored of them, with a short memory.

Every message asks, so answers (good and bad) are remembered for ``TTL`` seconds, good ones for ``NEWS_TTL`` while the
news channel is heard: news of a changed credential clears them at once. Comparison is by hash look-up or in constant
time; the secret itself is never stored.
"""

from __future__ import annotations

import base64
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.estate.models import Area
from domain.kernel.actor import Scope
from domain.kernel.uow import transaction
from domain.security.devices.models import Device, DeviceCredential
from domain.security.devices.secrets import Algorithm, hashed

TTL = 2.0
NEWS_TTL = 30.0
REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class DeviceRef:
    """A device as ingest needs it: who it is, where it stands, whose messages it speaks."""

    id: int
    county_id: int
    town_id: int
    community_id: int
    compound_id: int
    home_id: int | None
    vendor: str
    kind: str
    name: str
    place: str
    zone: str
    direction: str | None
    timezone: str


@dataclass(frozen=True, slots=True)
class DigestSecret:
    """What checks HTTP Digest of one credential: sealed HA1s, by ``secret_hash`` in their place."""

    secret_hash: bytes
    sha256: bytes | None
    md5: bytes | None

    def sealed(self, algorithm: Algorithm) -> bytes | None:
        """The HA1 of ``algorithm``; None when the device may not sign in by it."""
        return self.sha256 if algorithm is Algorithm.SHA256 else self.md5


def device_number(name: str) -> int | None:
    """The device id in a user name: digits, or the global id ("Device:12" in base64). None for anything else."""
    if not (name.isascii() and name.isdigit()):
        try:
            kind, _, name = base64.b64decode(name, validate=True).decode("ascii").partition(":")
        except ValueError:
            return None
        if kind != "Device" or not name.isdigit():
            return None
    return int(name) if len(name) <= 9 else None


COLUMNS = (
    Device.id, Device.county_id, Device.town_id, Device.community_id, Device.compound_id, Device.home_id,
    Device.vendor, Device.kind, Device.name, Device.place, Device.zone, Device.direction, Area.timezone,
)  # fmt: skip


def _ref(row: Row[*tuple[Any, ...]]) -> DeviceRef:
    return DeviceRef(*row[: len(COLUMNS)])


def _devices() -> Select[*tuple[Any, ...]]:
    return select(*COLUMNS).join(Area, Area.id == Device.compound_id).where(Device.retired_at.is_(None))


def _credentials() -> Select[*tuple[Any, ...]]:
    valid = (DeviceCredential.expires_at.is_(None)) | (DeviceCredential.expires_at > func.now())
    return (
        _devices()
        .add_columns(DeviceCredential.secret_hash, DeviceCredential.digest_sha256, DeviceCredential.digest_md5)
        .join(DeviceCredential, DeviceCredential.device_id == Device.id)
        .where(valid)
    )


# Built once: a push of a device not seen lately waits for this look-up.
BY_HASH = {
    "bearer": _credentials().where(DeviceCredential.secret_hash == bindparam("digest")),
    "path": _credentials().where(DeviceCredential.path_hash == bindparam("digest")),
}


class DeviceDirectory:
    """Looks devices up by credential. One per process."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        hears_news: Callable[[], bool] = lambda: False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._hears_news = hears_news
        self._monotonic = monotonic
        self._forgotten = 0
        self._known: OrderedDict[tuple[str, object], tuple[float, Any]] = OrderedDict()
        self._counties: tuple[int, ...] = ()

    def forget(self) -> None:
        """Drop every remembered answer: a credential or a device has changed."""
        self._forgotten += 1
        self._known.clear()

    async def scope(self) -> Scope:
        """The service's own scope: every county of this deployment, named by level."""
        if not self._counties:
            async with transaction(self._engine, Scope(), read_only=True) as connection:
                self._counties = tuple((await connection.execute(select(func.zhian_county_ids()))).scalar_one())
        return Scope(counties=self._counties)

    async def by_bearer(self, token: str) -> DeviceRef | None:
        """The device whose secret ``token`` is, or None."""
        return await self._by_hash("bearer", hashed(token))

    async def by_path(self, device_id: int, path_secret: str) -> DeviceRef | None:
        """The device that ``path_secret`` belongs to, if it is ``device_id``."""
        found = await self._by_hash("path", hashed(path_secret))
        return found if found is not None and found.id == device_id else None

    async def authenticate(self, username: str, password: str) -> DeviceRef | None:
        """The device behind a user name (its id, or its global id) and password, for Basic and MQTT."""
        found = await self.by_bearer(password)
        return found if found is not None and device_number(username) == found.id else None

    async def digest_secrets(self, username: str) -> tuple[DeviceRef | None, tuple[DigestSecret, ...]]:
        """The device a Digest user name means and what checks its credentials that are valid now."""
        device_id = device_number(username)
        if device_id is None:
            return None, ()

        async def load() -> tuple[DeviceRef | None, tuple[DigestSecret, ...]]:
            rows = await self._rows(_credentials().where(DeviceCredential.device_id == device_id))
            if not rows:
                return None, ()
            return _ref(rows[0]), tuple(DigestSecret(r.secret_hash, r.digest_sha256, r.digest_md5) for r in rows)

        return await self._remember(("digest", device_id), load)  # type: ignore[no-any-return]  # as loaded

    async def find(self, device_id: int) -> DeviceRef | None:
        """The device with this id, whoever asks."""

        async def load() -> DeviceRef | None:
            rows = await self._rows(_devices().where(Device.id == device_id))
            return _ref(rows[0]) if rows else None

        return await self._remember(("id", device_id), load)  # type: ignore[no-any-return]  # as loaded

    async def behind(self, gateway: DeviceRef, external_id: str) -> DeviceRef | None:
        """The device a hub calls ``external_id``."""

        async def load() -> DeviceRef | None:
            statement = _devices().where(Device.gateway_id == gateway.id, Device.external_id == external_id)
            rows = await self._rows(statement)
            return _ref(rows[0]) if rows else None

        return await self._remember(("behind", (gateway.id, external_id)), load)  # type: ignore[no-any-return]  # as loaded

    async def _by_hash(self, how: str, digest: bytes) -> DeviceRef | None:
        async def load() -> DeviceRef | None:
            rows = await self._rows(BY_HASH[how], {"digest": digest})
            return _ref(rows[0]) if rows else None

        return await self._remember((how, digest), load)  # type: ignore[no-any-return]  # as loaded

    async def _rows(
        self, statement: Select[*tuple[Any, ...]], parameters: dict[str, Any] | None = None
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        async with transaction(self._engine, await self.scope(), read_only=True) as connection:
            return (await connection.execute(statement, parameters)).all()

    async def _remember(self, key: tuple[str, object], load: Callable[[], Awaitable[Any]]) -> Any:
        now, forgotten = self._monotonic(), self._forgotten
        if (known := self._known.get(key)) is not None and now - known[0] < self._seconds(known[1]):
            return known[1]
        found = await load()
        if forgotten != self._forgotten:  # the answer may be older than what was to be forgotten
            return found
        self._known[key] = (now, found)
        self._known.move_to_end(key)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found

    def _seconds(self, answer: Any) -> float:
        """How long ``answer`` is believed: a device we found for longer, while changes are told to us."""
        return NEWS_TTL if answer not in (None, (None, ())) and self._hears_news() else TTL
