"""Commands on devices: register, rotate the credential, retire. Secrets are told once and never stored."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.estate.models import Building, Home
from domain.estate.queries import CompoundPlace, compound_place
from domain.identity.policies import place_of
from domain.identity.ports import Vault
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.texts import words
from domain.kernel.uow import UnitOfWork
from domain.security.devices.errors import (
    DeviceRetired,
    ElsewhereInEstate,
    ExternalIdInUse,
    InvalidGateway,
    InvalidGrace,
    InvalidHeartbeat,
    NoCredential,
    WeakWaysRefused,
)
from domain.security.devices.models import Device, DeviceCredential, DeviceKind, Vendor
from domain.security.devices.policies import may_keep
from domain.security.devices.secrets import Secret, WeakWay, new_secret, verifiers

MAX_NAME = 60
MAX_ZONE = 40
MAX_EXTERNAL = 128
HEARTBEAT = (5, 86_400)
MAX_GRACE_MINUTES = 7 * 24 * 60


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device to be registered; see ``Device`` for the fields. ``weak_ways``: those that its firmware needs."""

    compound_id: int
    kind: DeviceKind
    vendor: Vendor
    name: str
    model: str = ""
    place: str = ""
    zone: str = ""
    direction: str | None = None
    home_id: int | None = None
    building_id: int | None = None
    gateway_id: int | None = None
    external_id: str | None = None
    heartbeat_seconds: int | None = None
    weak_ways: frozenset[WeakWay] = frozenset()


@dataclass(frozen=True, slots=True)
class Registered:
    """A registered device, and its secret when it speaks for itself."""

    device_id: int
    secret: Secret | None


def _columns(new: NewDevice) -> dict[str, Any]:
    """The device's columns. Raises InvalidText, InvalidGateway, InvalidHeartbeat."""
    if (new.gateway_id is None) != (new.external_id is None):
        raise InvalidGateway(field="gateway")
    least, most = HEARTBEAT
    if new.heartbeat_seconds is not None and not least <= new.heartbeat_seconds <= most:
        raise InvalidHeartbeat(field="heartbeatSeconds", least=least, most=most)
    external = new.external_id
    columns = asdict(new)
    del columns["weak_ways"]
    return columns | {
        "kind": str(new.kind),
        "vendor": str(new.vendor),
        "name": words(new.name, field="name", least=1, most=MAX_NAME),
        "model": words(new.model, field="model", most=MAX_NAME),
        "place": words(new.place, field="place", most=MAX_NAME),
        "zone": words(new.zone, field="zone", most=MAX_ZONE),
        "external_id": None if external is None else words(external, field="externalId", least=1, most=MAX_EXTERNAL),
    }


async def _check_belongs(uow: UnitOfWork, new: NewDevice) -> None:
    """Home, building and gateway stand in the device's compound. Raises ElsewhereInEstate."""
    named = (
        ("home", new.home_id, select(Home.compound_id).where(Home.id == new.home_id)),
        ("building", new.building_id, select(Building.compound_id).where(Building.id == new.building_id)),
        ("gateway", new.gateway_id, select(Device.compound_id).where(Device.id == new.gateway_id, _in_service())),
    )
    for field, row_id, query in named:
        if row_id is not None and await uow.session.scalar(query) != new.compound_id:
            raise ElsewhereInEstate(field=field)


def _homes(home_id: int | None) -> tuple[int, ...]:
    return () if home_id is None else (home_id,)


def _in_service() -> Any:
    return Device.retired_at.is_(None)


def _check_ways(weak_ways: Collection[WeakWay], *, weak_allowed: bool) -> None:
    """Raises WeakWaysRefused where the deployment does not allow them."""
    if weak_ways and not weak_allowed:
        raise WeakWaysRefused(field="weakWays")


def _said(secret: Secret | None) -> dict[str, Any]:
    """What the audit log says of a secret: the weak ways in that were opened with it."""
    ways = secret.weak_ways if secret is not None else ()
    return {"weak_ways": [str(way) for way in ways]} if ways else {}


async def register_device(uow: UnitOfWork, *, vault: Vault, new: NewDevice, weak_allowed: bool = False) -> Registered:
    """Put a device in service; one behind a gateway gets no secret. ``weak_allowed``: whether any may have weak ways.

    Raises NotFound (compound out of sight), Forbidden, InvalidText, InvalidHeartbeat, InvalidGateway,
    ElsewhereInEstate, ExternalIdInUse, WeakWaysRefused, NoCredential (weak ways behind a gateway).
    """
    place = await compound_place(uow, new.compound_id)
    if place is None:
        raise NotFound(field="compound")
    if not may_keep(uow.actor, place_of(place)):
        raise Forbidden
    columns = _columns(new)
    _check_ways(new.weak_ways, weak_allowed=weak_allowed)
    if new.gateway_id is not None and new.weak_ways:
        raise NoCredential(field="weakWays")
    await _check_belongs(uow, new)
    device_id = await _insert(uow, place, columns)
    secret = None
    if new.gateway_id is None:
        secret = await _new_credential(uow, vault, device_id, new.compound_id, new.weak_ways)
    homes, said = _homes(new.home_id), {"kind": str(new.kind), "vendor": str(new.vendor)} | _said(secret)
    uow.record("device.registered", "Device", device_id, where=place, homes=homes, details=said)
    uow.tell("access")  # directories remember also that a device is not there
    return Registered(device_id, secret)


async def _insert(uow: UnitOfWork, place: CompoundPlace, columns: dict[str, Any]) -> int:
    added = await uow.session.execute(
        insert(Device)
        .values(columns | place.ids() | {"created_at": uow.now})
        .on_conflict_do_nothing(index_elements=["gateway_id", "external_id"])
        .returning(Device.id)
    )
    device_id = added.scalar()
    if device_id is None:
        raise ExternalIdInUse(field="externalId")
    return int(device_id)


async def _new_credential(
    uow: UnitOfWork, vault: Vault, device_id: int, compound_id: int, weak_ways: Collection[WeakWay]
) -> Secret:
    await vault.ready((compound_id,))
    secret = new_secret(weak_ways)
    stored = verifiers(secret, device_id=device_id, compound_id=compound_id, vault=vault)
    await uow.session.execute(insert(DeviceCredential).values(stored | {"created_at": uow.now}))
    return secret


async def _kept(uow: UnitOfWork, device_id: int) -> Device:
    """The device, locked, which the actor may change. Raises NotFound, Forbidden, DeviceRetired."""
    found = await uow.session.execute(select(Device).where(Device.id == device_id).with_for_update())
    device = found.scalar_one_or_none()
    if device is None:
        raise NotFound(field="id")
    if not may_keep(uow.actor, place_of(device)):
        raise Forbidden
    if device.retired_at is not None:
        raise DeviceRetired
    return device


async def _end_credentials(uow: UnitOfWork, device_id: int, grace: timedelta) -> None:
    """Let the device's credentials end after ``grace``; those that end before it do so."""
    end = uow.now + grace
    later = or_(DeviceCredential.expires_at.is_(None), DeviceCredential.expires_at > end)
    await uow.session.execute(
        update(DeviceCredential).where(DeviceCredential.device_id == device_id, later).values(expires_at=end)
    )


async def rotate_credential(
    uow: UnitOfWork,
    *,
    vault: Vault,
    device_id: int,
    grace_minutes: int,
    weak_ways: Collection[WeakWay] = (),
    weak_allowed: bool = False,
) -> Secret:
    """A new secret; the present ones end after ``grace_minutes``, at once when 0. Weak ways are not inherited.

    Raises NotFound, Forbidden, InvalidGrace, WeakWaysRefused, DeviceRetired, NoCredential.
    """
    if not 0 <= grace_minutes <= MAX_GRACE_MINUTES:
        raise InvalidGrace(field="graceMinutes", most=MAX_GRACE_MINUTES)
    device = await _kept(uow, device_id)
    if device.gateway_id is not None:
        raise NoCredential
    _check_ways(weak_ways, weak_allowed=weak_allowed)
    await _end_credentials(uow, device_id, timedelta(minutes=grace_minutes))
    secret = await _new_credential(uow, vault, device_id, device.compound_id, weak_ways)
    said = {"grace_minutes": grace_minutes} | _said(secret)
    homes = _homes(device.home_id)
    uow.record("device.credential_rotated", "Device", device_id, where=device, homes=homes, details=said)
    uow.tell("access")
    return secret


async def retire_device(uow: UnitOfWork, *, device_id: int) -> None:
    """Take a device out of service: its credentials end, its name behind a gateway is free again.

    Raises NotFound, Forbidden, DeviceRetired.
    """
    device = await _kept(uow, device_id)
    await uow.session.execute(
        update(Device).where(Device.id == device_id).values(retired_at=uow.now, gateway_id=None, external_id=None)
    )
    await _end_credentials(uow, device_id, timedelta())
    uow.record("device.retired", "Device", device_id, where=device, homes=_homes(device.home_id))
    uow.tell("access")
