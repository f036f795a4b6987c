"""Tables of prices: markets, what they asked on which day, index values, and whom to tell of a low price."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base


class Market(Base):
    """Where prices come from: a compound's own market, or one that is fetched and known to everybody signed in.

    The area columns are all null for markets that are fetched. ``latest_on``: the day of its newest prices. due_at,
    attempts, leased_until, fetched_at, failed: of fetching; ``failed`` is the code of the last failure since a success.
    """

    __tablename__ = "market"

    id: Mapped[int] = mapped_column(Integer, Identity(always=False), primary_key=True)
    county_id: Mapped[int | None] = mapped_column(Integer)
    town_id: Mapped[int | None] = mapped_column(Integer)
    community_id: Mapped[int | None] = mapped_column(Integer)
    compound_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    source: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    latest_on: Mapped[date | None]
    due_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    leased_until: Mapped[datetime | None]
    fetched_at: Mapped[datetime | None]
    failed: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("(compound_id is null) = (source <> 'office')", name="place"),
        CheckConstraint("(compound_id is null) = (county_id is null)", name="areas"),
        Index("uq_market_source", "source", unique=True, postgresql_where=text("compound_id is null")),
        Index("uq_market_compound_id", "compound_id", unique=True, postgresql_where=text("compound_id is not null")),
    )


class Price(Base):
    """What a market asked for one kind of goods on one day; ``name``, ``spec`` and ``origin`` tell kinds apart.

    low_fen, average_fen, high_fen: for one ``unit`` as the source has it. jin_fen: the average for 500 g, to the fen;
    null where the unit is no weight. external_id: the source's own, so that what is fetched again is the same row.
    account_id: who entered it; null when it was fetched. The area columns are the market's.
    """

    __tablename__ = "price"

    id: Mapped[int] = mapped_column(Integer, Identity(always=False), primary_key=True)
    market_id: Mapped[int] = mapped_column(ForeignKey("market.id"))
    county_id: Mapped[int | None] = mapped_column(Integer)
    town_id: Mapped[int | None] = mapped_column(Integer)
    community_id: Mapped[int | None] = mapped_column(Integer)
    compound_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    external_id: Mapped[str] = mapped_column(Text)
    on_day: Mapped[date]
    name: Mapped[str] = mapped_column(Text)
    spec: Mapped[str] = mapped_column(Text)
    origin: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    low_fen: Mapped[int | None] = mapped_column(Integer)
    average_fen: Mapped[int] = mapped_column(Integer)
    high_fen: Mapped[int | None] = mapped_column(Integer)
    jin_fen: Mapped[int | None] = mapped_column(Integer)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    recorded_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint(
            "category in ('vegetable','fruit','grain_oil','meat_egg','aquatic','soy','seasoning','other')",
            name="category",
        ),
        CheckConstraint("average_fen > 0", name="average"),
        CheckConstraint("low_fen <= high_fen", name="range"),
        CheckConstraint("(compound_id is null) = (county_id is null)", name="areas"),
        UniqueConstraint("market_id", "external_id"),
        Index("ix_price_market_id", "market_id", "on_day", "id"),
        Index("ix_price_name", "name", "on_day"),
        Index("ix_price_on_day", text("on_day desc"), text("id desc")),
    )


class PriceIndex(Base):
    """A day's value of a price index that a source publishes, in hundredths: 11,532 is 115.32. Of no place."""

    __tablename__ = "price_index"

    market_id: Mapped[int] = mapped_column(ForeignKey("market.id"), primary_key=True)
    on_day: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    hundredths: Mapped[int] = mapped_column(Integer)


class PriceAlert(Base):
    """Somebody wants to know when a name costs less than ``below_fen`` for 500 g in a market.

    Told once, and again only after the price was no lower than that on a later day: ``told_on`` is null while armed.
    """

    __tablename__ = "price_alert"

    id: Mapped[int] = mapped_column(Integer, Identity(always=False), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    market_id: Mapped[int] = mapped_column(ForeignKey("market.id"))
    name: Mapped[str] = mapped_column(Text)
    below_fen: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    told_on: Mapped[date | None]

    __table_args__ = (
        CheckConstraint("below_fen > 0", name="below"),
        UniqueConstraint("account_id", "market_id", "name"),
        Index("ix_price_alert_market_id", "market_id", "name"),
    )
