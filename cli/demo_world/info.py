"""What ``zhian demo info`` tells: who can sign in, and how each device of the demo connects."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from cli.demo_world.addresses import Address, Speaker, address_of
from domain.estate.models import Area, Building, Home
from domain.identity.accounts.service import phone_place
from domain.identity.models import Account, Household, RoleGrant
from domain.identity.ports import Vault
from domain.kernel.actor import Level, Role, Scope
from domain.kernel.uow import AnyRow, Database, Reader
from domain.security.devices.models import Device
from domain.security.devices.secrets import Secret

_ROLES = [str(role) for role in reversed(Role)]


def global_id(kind: str, number: int) -> str:
    """The Relay id that the API gives the row."""
    return base64.b64encode(f"{kind}:{number}".encode()).decode()


async def accounts(database: Database, vault: Vault, county: int) -> list[dict[str, Any]]:
    """One entry per role or home somebody has in the county; widest roles first, residents after them."""
    async with database.reader(Scope(counties=(county,))) as reader:
        return [*await _officials(reader, vault, county), *await _residents(reader, vault, county)]


async def _phone(vault: Vault, row: AnyRow) -> str:
    """The number as people type it on the mainland: eleven digits."""
    return (await vault.open(row.phone_sealed, phone_place(row.id))).removeprefix("+86")


async def _officials(reader: Reader, vault: Vault, county: int) -> list[dict[str, Any]]:
    rows = await reader.rows(
        select(Account.id, Account.phone_sealed, Account.name, RoleGrant.role, RoleGrant.area_id)
        .add_columns(Area.name.label("area_name"))
        .join(RoleGrant, RoleGrant.account_id == Account.id)
        .join(Area, Area.id == RoleGrant.area_id)
        .where(RoleGrant.county_id == county, RoleGrant.revoked_at.is_(None), Account.disabled_at.is_(None))
        .order_by(RoleGrant.id)
    )
    found = [
        {
            "phone": await _phone(vault, row),
            "name": row.name,
            "role": row.role,
            "scope": global_id("Area", row.area_id),
            "scope_name": row.area_name,
        }
        for row in rows
    ]
    return sorted(found, key=lambda account: _ROLES.index(account["role"]))


async def _residents(reader: Reader, vault: Vault, county: int) -> list[dict[str, Any]]:
    rows = await reader.rows(
        select(Account.id, Account.phone_sealed, Account.name, Household.home_id, Household.role.label("home_role"))
        .add_columns(Household.trust, Household.lives_alone, Household.disabled_person)
        .add_columns(Area.name.label("area_name"), Building.name.label("building"), Home.unit, Home.door)
        .join(Household, Household.account_id == Account.id)
        .join(Home, Home.id == Household.home_id)
        .join(Building, Building.id == Home.building_id)
        .join(Area, Area.id == Household.compound_id)
        .where(Household.county_id == county, Household.ended_at.is_(None), Account.disabled_at.is_(None))
        .order_by(Household.id)
    )
    return [
        {
            "phone": await _phone(vault, row),
            "name": row.name,
            "role": "resident",
            "scope": global_id("Home", row.home_id),
            "scope_name": f"{row.area_name} {row.building}{row.unit}单元{row.door}",
            "home_role": row.home_role,
            "trust": row.trust,
            "lives_alone": row.lives_alone,
            "disabled_person": row.disabled_person,
        }
        for row in rows
    ]


async def devices(
    database: Database, county: int, secrets: Mapping[int, Secret], public_url: str
) -> list[dict[str, Any]]:
    """Every device of the county; one behind a hub is reached through the hub and shows the hub's credential."""
    async with database.reader(Scope(counties=(county,))) as reader:
        rows = await _device_rows(reader, county)
    return [_device(row, address_of(_speaker(row), secrets, public_url)) for row in rows]


async def _device_rows(reader: Reader, county: int) -> Sequence[AnyRow]:
    area = aliased(Area)
    return await reader.rows(
        select(Device.id, Device.kind, Device.vendor, Device.compound_id, Device.home_id, Device.gateway_id)
        .add_columns(Device.external_id, Device.name, Device.place, Device.zone, Device.direction)
        .add_columns(Device.heartbeat_seconds, area.name.label("compound_name"))
        .join(area, area.id == Device.compound_id)
        .where(Device.county_id == county, Device.retired_at.is_(None), area.level == Level.COMPOUND)
        .order_by(Device.id)
    )


def _speaker(row: AnyRow) -> Speaker:
    return Speaker(
        number=row.id if row.gateway_id is None else row.gateway_id,
        compound_id=row.compound_id,
        vendor=row.vendor,
        kind=row.kind,
        external_id=row.external_id,
    )


def _device(row: AnyRow, address: Address) -> dict[str, Any]:
    return {
        "id": global_id("Device", row.id),
        "number": row.id,
        "kind": row.kind,
        "vendor": row.vendor,
        "compound": global_id("Area", row.compound_id),
        "compound_name": row.compound_name,
        "name": row.name,
        "place": row.place,
        "zone": row.zone,
        "direction": row.direction,
        "home": None if row.home_id is None else global_id("Home", row.home_id),
        "gateway": None if row.gateway_id is None else global_id("Device", row.gateway_id),
        "external_id": row.external_id,
        "heartbeat_seconds": row.heartbeat_seconds,
        "push_url": address.push_url,
        "path_url": address.path_url,
        "mqtt_topic": address.mqtt_topics[0],
        "mqtt_topics": list(address.mqtt_topics),
        "mqtt_user": str(address.number),
        "credential": address.credential,
    }
