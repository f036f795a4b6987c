"""Inputs of security's queries and mutations."""

from __future__ import annotations

import strawberry

from api.nodes import optional_id, row_id
from api.security.types.devices import Direction
from domain.security.devices.models import DeviceKind, Vendor
from domain.security.devices.secrets import WeakWay
from domain.security.devices.service import NewDevice
from domain.security.ebikes.rules import TagPlace
from domain.security.ebikes.service import NewEBike
from domain.security.sightings.subjects import SubjectKind


@strawberry.input(description="Whose sightings. 轨迹查询对象。")
class SubjectInput:
    """``value`` in any spelling: separators and case do not matter."""

    kind: SubjectKind
    value: str


@strawberry.input(description="A device to be registered. 设备注册参数。")
class RegisterDeviceInput:
    """``gateway`` and ``external_id`` go together: the hub it is behind, and the hub's own name for it.

    ``weak_ways``: only what its firmware cannot do without, and only where the deployment allows any.
    """

    compound: strawberry.ID
    kind: DeviceKind
    vendor: Vendor
    name: str
    model: str = ""
    place: str = ""
    zone: str = ""
    direction: Direction | None = None
    home: strawberry.ID | None = None
    building: strawberry.ID | None = None
    gateway: strawberry.ID | None = None
    external_id: str | None = None
    heartbeat_seconds: int | None = None
    weak_ways: list[WeakWay] = strawberry.field(default_factory=list)

    def command(self) -> NewDevice:
        """The input in the domain's words."""
        return NewDevice(
            compound_id=row_id(self.compound, "Area", field="compound"),
            kind=self.kind,
            vendor=self.vendor,
            name=self.name,
            model=self.model,
            place=self.place,
            zone=self.zone,
            direction=str(self.direction) if self.direction is not None else None,
            home_id=optional_id(self.home, "Home", field="home"),
            building_id=optional_id(self.building, "Building", field="building"),
            gateway_id=optional_id(self.gateway, "Device", field="gateway"),
            external_id=self.external_id,
            heartbeat_seconds=self.heartbeat_seconds,
            weak_ways=frozenset(self.weak_ways),
        )


@strawberry.input(name="EBikeTagInput", description="A tag to be fixed. 标签参数。")
class TagInput:
    """``tag`` in any spelling of its hexadecimal digits."""

    tag: str
    place: TagPlace = TagPlace.BIKE


@strawberry.input(name="RegisterEBikeInput", description="An e-bike to be registered. 电动车登记参数。")
class RegisterEBikeInput:
    """``owner``: a member of the home; left out, it is the resident who registers."""

    home: strawberry.ID
    plate: str | None = None
    make: str = ""
    color: str = ""
    owner: strawberry.ID | None = None
    tags: list[TagInput] = strawberry.field(default_factory=list)

    def command(self) -> NewEBike:
        """The input in the domain's words."""
        return NewEBike(
            home_id=row_id(self.home, "Home", field="home"),
            plate=self.plate,
            make=self.make,
            color=self.color,
            owner_id=optional_id(self.owner, "Account", field="owner"),
            tags=[(each.tag, each.place) for each in self.tags],
        )
