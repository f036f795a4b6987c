"""Writes the invented county into a database, once: by the commands of the domain where there are any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Select, delete, func, insert, select, text, update

from cli.demo_world.bills import bills
from cli.demo_world.cleaning import clean
from cli.demo_world.devices import Planned, planned
from cli.demo_world.ebikes import bikes
from cli.demo_world.people import LIVED_THERE, Resident, officials, residents
from cli.demo_world.places import (
    BUILDINGS,
    COMMUNITIES,
    COMPOUNDS,
    COUNTY,
    TOWNS,
    Compound,
    building_name,
    doors,
    lived_in,
)
from cli.demo_world.prices import market_prices
from cli.demo_world.repairs import repairs
from cli.demo_world.secrets import read_secrets, write_secrets
from cli.demo_world.water import water
from domain.community.bills.issuing import issue
from domain.community.bills.kinds import BillSource
from domain.community.prices.rules import today_in
from domain.community.prices.service import own_market
from domain.community.prices.writing import store
from domain.estate import service as estate
from domain.estate.models import Area, Home
from domain.estate.queries import CompoundPlace, compound_place
from domain.identity.households.service import invite_member
from domain.identity.models import Account, Household
from domain.identity.ports import Vault
from domain.identity.roles.service import grant_role
from domain.kernel.actor import NOTHING, Scope, system_actor
from domain.kernel.uow import Database, UnitOfWork
from domain.security.devices.models import Device, DeviceCredential
from domain.security.devices.secrets import Secret, WeakWay, new_secret, verifiers
from domain.security.ebikes.models import EBike, EBikeTag
from domain.security.ebikes.tags import plate_place, tag_columns

SEED_LOCK = 7418003
ASKING = (0, 1, 9)
"""Homes of a compound that ask for repairs: their owners are verified."""
WAYS = (WeakWay.PATH_SECRET,)
"""The demo shows the address that holds a secret; its gates speak Digest with SHA-256."""


@dataclass(slots=True)
class _Written:
    """Ids of what stands already, by name; homes of a compound in the order of ``lived_in``."""

    areas: dict[str, int] = field(default_factory=dict)
    buildings: dict[tuple[str, int], int] = field(default_factory=dict)
    homes: dict[str, list[int]] = field(default_factory=dict)
    owners: dict[tuple[str, int], int] = field(default_factory=dict)
    secrets: dict[int, Secret] = field(default_factory=dict)


async def counties(database: Database) -> tuple[int, ...]:
    """Every county of the deployment."""
    async with database.reader(NOTHING) as reader:
        return tuple(await reader.scalar(select(func.zhian_county_ids())))


def _demo_county() -> Select[int]:
    return select(Area.id).where(Area.level == "county", Area.name == COUNTY)


async def demo_county(database: Database) -> int | None:
    """The id of the invented county, or None when it has not been seeded."""
    async with database.reader(Scope(counties=await counties(database))) as reader:
        found: int | None = await reader.scalar(_demo_county())
        return found


async def plant(database: Database, vault: Vault, data_dir: Path) -> bool:
    """Seed the county in one transaction; True when it was not there before.

    A county that is there is left as it is. Only if the file of its devices' secrets is lost, or was written before
    they could sign in by Digest with SHA-256, do they get new ones.
    """
    async with database.unit_of_work(system_actor(NOTHING)) as uow:
        county = await estate.next_area_id(uow)
    scope = Scope(counties=(*await counties(database), county))
    async with database.unit_of_work(system_actor(scope)) as uow:
        await uow.session.execute(text(f"select pg_advisory_xact_lock({SEED_LOCK})"))
        standing = (await uow.session.execute(_demo_county())).scalar()
        if standing is not None:
            if read_secrets(data_dir, standing) is None or await _from_before(uow, standing):
                write_secrets(data_dir, standing, await _new_credentials(uow, vault, standing))
            return False
        written = _Written()
        written.areas[COUNTY] = await estate.add_county(uow, county_id=county, name=COUNTY)
        await _estate(uow, written)
        await _people(uow, vault, written)
        for compound in COMPOUNDS:
            await _devices(uow, compound, written)
            await _ebikes(uow, vault, compound, written)
            await _prices(uow, compound, written)
            await _bills(uow, compound, written)
            await water(uow, vault, await _place(uow, written.areas[compound.name]), written.homes[compound.name])
            await clean(uow, vault, compound, written.areas[compound.name])
            await _repairs(uow, compound, written)
        await _credentials(uow, vault, written.secrets)
        # Before the commit: a file without its county is replaced by the next seed, a county without its file is not.
        write_secrets(data_dir, county, written.secrets)
    return True


async def _estate(uow: UnitOfWork, written: _Written) -> None:
    for town in TOWNS:
        written.areas[town] = await estate.add_area(uow, parent_id=written.areas[COUNTY], name=town)
    for town, community in COMMUNITIES:
        written.areas[community] = await estate.add_area(uow, parent_id=written.areas[town], name=community)
    for compound in COMPOUNDS:
        parent = written.areas[compound.community]
        area = await estate.add_area(uow, parent_id=parent, name=compound.name, kind=compound.kind)
        written.areas[compound.name] = area
        for n in range(BUILDINGS):
            name = building_name(n)
            written.buildings[compound.name, n] = await estate.add_building(uow, compound_id=area, name=name)
        place = await _place(uow, area)
        rows = [
            {**place.ids(), "building_id": written.buildings[compound.name, door.building]}
            | {"unit": door.unit, "door": door.door}
            for door in doors()
        ]
        homes = dict(zip(doors(), await _insert(uow, Home, rows), strict=True))
        written.homes[compound.name] = [homes[door] for door in lived_in()]


async def _people(uow: UnitOfWork, vault: Vault, written: _Written) -> None:
    for official in officials():
        await grant_role(
            uow,
            vault=vault,
            phone=official.phone,
            name=official.name,
            role=official.role,
            area_id=written.areas[official.area],
        )
    for compound in COMPOUNDS:
        for resident in residents(compound):
            await _resident(uow, vault, compound, resident, written)


async def _resident(uow: UnitOfWork, vault: Vault, compound: Compound, resident: Resident, written: _Written) -> None:
    household = await invite_member(
        uow,
        vault=vault,
        home_id=written.homes[compound.name][resident.home],
        phone=resident.phone,
        name=resident.name,
        role=resident.role,
    )
    values = {
        "trust": str(resident.trust),
        "lives_alone": resident.lives_alone,
        "disabled_person": resident.disabled_person,
        "created_at": uow.now - LIVED_THERE,
    }
    account = (
        await uow.session.execute(
            update(Household).where(Household.id == household).values(values).returning(Household.account_id)
        )
    ).scalar_one()
    written.owners.setdefault((compound.name, resident.home), account)
    if resident.language != "zh-CN":
        await uow.session.execute(update(Account).where(Account.id == account).values(language=resident.language))


async def _place(uow: UnitOfWork, area_id: int) -> CompoundPlace:
    place = await compound_place(uow, area_id)
    assert place is not None  # noqa: S101 - written by this transaction
    return place


async def _insert(
    uow: UnitOfWork, table: type[Home | Device | EBike | EBikeTag], rows: Sequence[Mapping[str, object]]
) -> Sequence[int]:
    """Insert ``rows`` in one statement; their ids in the same order."""
    statement = insert(table).returning(table.id, sort_by_parameter_order=True)
    return (await uow.session.execute(statement, rows)).scalars().all() if rows else ()


async def _devices(uow: UnitOfWork, compound: Compound, written: _Written) -> None:
    place = await _place(uow, written.areas[compound.name])
    numbers: dict[str, int] = {}
    for behind in (False, True):
        plans = [device for device in planned(compound) if (device.gateway is not None) is behind]
        rows = [place.ids() | _device_row(device, compound, written, numbers) for device in plans]
        ids = await _insert(uow, Device, rows)
        numbers |= {device.name: number for device, number in zip(plans, ids, strict=True)}
        written.secrets |= {} if behind else {number: new_secret(WAYS) for number in ids}


def _device_row(device: Planned, compound: Compound, written: _Written, numbers: dict[str, int]) -> dict[str, object]:
    return {
        "home_id": None if device.home is None else written.homes[compound.name][device.home],
        "building_id": None if device.building is None else written.buildings[compound.name, device.building],
        "gateway_id": None if device.gateway is None else numbers[device.gateway],
        "external_id": device.external_id,
        "vendor": str(device.vendor),
        "model": device.model,
        "kind": str(device.kind),
        "name": device.name,
        "place": device.place,
        "zone": device.zone,
        "direction": device.direction,
        "heartbeat_seconds": device.heartbeat,
    }


async def _ebikes(uow: UnitOfWork, vault: Vault, compound: Compound, written: _Written) -> None:
    area = written.areas[compound.name]
    place = await _place(uow, area)
    plans = bikes(compound)
    await vault.ready((area,))
    numbers = select(func.nextval(func.pg_get_serial_sequence("ebike", "id"))).select_from(
        func.generate_series(1, len(plans))
    )
    ids = (await uow.session.execute(numbers)).scalars().all()
    homes = [place.ids() | {"home_id": written.homes[compound.name][bike.home]} for bike in plans]
    rows = [
        home
        | {"id": ebike, "account_id": written.owners[compound.name, bike.home], "make": bike.make, "color": bike.color}
        | {"plate": vault.seal(bike.plate, plate_place(ebike), area=area)}
        | {"guarded_since": uow.now if bike.guarded else None}
        for bike, home, ebike in zip(plans, homes, ids, strict=True)
    ]
    await _insert(uow, EBike, rows)
    tags = [
        {**home, "ebike_id": ebike, "place": spot, **tag_columns(vault, area, ebike, tag)}
        for bike, home, ebike in zip(plans, homes, ids, strict=True)
        for tag, spot in bike.tags
    ]
    await _insert(uow, EBikeTag, tags)


async def _prices(uow: UnitOfWork, compound: Compound, written: _Written) -> None:
    place = await _place(uow, written.areas[compound.name])
    market = await own_market(uow, place)
    await store(uow, market, list(market_prices(compound, today_in(place.timezone, uow.now))))


async def _bills(uow: UnitOfWork, compound: Compound, written: _Written) -> None:
    place = await _place(uow, written.areas[compound.name])
    today = today_in(place.timezone, uow.now)
    owed = [bill for n, home in enumerate(written.homes[compound.name]) for bill in bills(home, n, today)]
    await issue(uow, compound_id=written.areas[compound.name], source=BillSource.OFFICE, bills=owed, today=today)


async def _credentials(uow: UnitOfWork, vault: Vault, secrets: Mapping[int, Secret]) -> None:
    """What checks ``secrets``, by device."""
    found = await uow.session.execute(select(Device.id, Device.compound_id).where(Device.id.in_(secrets)))
    compounds = {row.id: row.compound_id for row in found}
    await vault.ready(set(compounds.values()))
    rows = [verifiers(s, device_id=n, compound_id=compounds[n], vault=vault) for n, s in secrets.items()]
    await uow.session.execute(insert(DeviceCredential), rows)


def _alone(county: int) -> Select[int]:
    """The demo's devices that speak for themselves."""
    return select(Device.id).where(Device.county_id == county, Device.gateway_id.is_(None), Device.retired_at.is_(None))


async def _from_before(uow: UnitOfWork, county: int) -> bool:
    older = select(DeviceCredential.id).where(
        DeviceCredential.device_id.in_(_alone(county)),
        DeviceCredential.expires_at.is_(None),
        DeviceCredential.digest_sha256.is_(None),
    )
    return (await uow.session.execute(older.limit(1))).first() is not None


async def _repairs(uow: UnitOfWork, compound: Compound, written: _Written) -> None:
    place, homes = await _place(uow, written.areas[compound.name]), written.homes[compound.name]
    asking = [written.owners[compound.name, n] for n in ASKING]
    await repairs(uow, place, [homes[n] for n in ASKING], asking)


async def _new_credentials(uow: UnitOfWork, vault: Vault, county: int) -> dict[int, Secret]:
    """New secrets for the demo's devices in the place of those whose file is lost or too old."""
    numbers = (await uow.session.execute(_alone(county).order_by(Device.id))).scalars().all()
    secrets = {number: new_secret(WAYS) for number in numbers}
    await uow.session.execute(delete(DeviceCredential).where(DeviceCredential.device_id.in_(numbers)))
    await _credentials(uow, vault, secrets)
    uow.tell("access")
    return secrets
