"""Inputs of housekeeping's mutations."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.nodes import optional_id, row_id
from domain.community.housekeeping.calendar import Every, Shift
from domain.community.housekeeping.catalogue import NewProvider, NewService
from domain.community.housekeeping.rules import Terms, Unit
from domain.community.housekeeping.service import Wanted


@strawberry.input(description="A provider to be. 服务商登记参数。")
class AddHousekeepingProviderInput:
    """``licence``: its unified social credit code, 18 digits and letters."""

    compound: strawberry.ID
    name: str
    licence: str = ""
    contact: str = ""

    def command(self) -> NewProvider:
        """The input in the domain's words."""
        compound = row_id(self.compound, "Area", field="compound")
        return NewProvider(compound_id=compound, name=self.name, licence=self.licence, contact=self.contact)


@strawberry.input(description="An entry of a price list to be, in fen. 价目参数（分）。")
class AddHousekeepingServiceInput:
    """``minutes``: how long a visit takes, or the least that is booked; ``pace``: square metres in an hour."""

    provider: strawberry.ID
    name: str
    unit: Unit
    price_fen: int
    minutes: int
    description: str = ""
    minimum_fen: int = 0
    pace: int | None = None
    free_hours: int = 24
    late_percent: int = 0

    def command(self) -> NewService:
        """The input in the domain's words."""
        terms = Terms(
            unit=self.unit,
            price_fen=self.price_fen,
            minimum_fen=self.minimum_fen,
            minutes=self.minutes,
            pace=self.pace,
            free_hours=self.free_hours,
            late_percent=self.late_percent,
        )
        provider = row_id(self.provider, "HousekeepingProvider", field="provider")
        return NewService(provider_id=provider, name=self.name, terms=terms, description=self.description)


@strawberry.input(description="Working hours on a day of the week, local time. 工作时段（当地时间）。")
class HousekeepingHoursInput:
    """``weekday``: 1 Monday to 7 Sunday; minutes of the day, on the half hour; 1440 is midnight."""

    weekday: int
    opens: int
    closes: int

    def shift(self) -> Shift:
        """The input in the domain's words."""
        return Shift(self.weekday, self.opens, self.closes)


@strawberry.input(description="A worker's week. 一周工作时间参数。")
class SetHousekeepingHoursInput:
    """All hours of the week; none = does not work."""

    worker: strawberry.ID
    hours: list[HousekeepingHoursInput] = strawberry.field(default_factory=list)


@strawberry.input(description="A visit, or visits that recur, for a home. 预约参数。")
class BookHousekeepingInput:
    """Without ``worker`` whoever is free, without ``starts_at`` as soon as possible. ``minutes`` for hourly services,
    ``square_metres`` for those by area. ``every`` and ``times`` make a series; ``skip_taken``: book what of it is free.
    """

    home: strawberry.ID
    service: strawberry.ID
    worker: strawberry.ID | None = None
    starts_at: datetime | None = None
    minutes: int | None = None
    square_metres: int | None = None
    note: str = ""
    every: Every | None = None
    times: int = 1
    skip_taken: bool = False

    def command(self) -> Wanted:
        """The input in the domain's words."""
        return Wanted(
            home_id=row_id(self.home, "Home", field="home"),
            service_id=row_id(self.service, "HousekeepingService", field="service"),
            worker_id=optional_id(self.worker, "HousekeepingWorker", field="worker"),
            starts_at=self.starts_at,
            minutes=self.minutes,
            square_metres=self.square_metres,
            note=self.note,
            every=self.every,
            times=self.times,
            skip_taken=self.skip_taken,
        )


@strawberry.input(description="When a worker is not there. 请假参数。")
class AddHousekeepingAbsenceInput:
    """``ends_at`` is not included."""

    worker: strawberry.ID
    starts_at: datetime
    ends_at: datetime
