"""Tables of e-bikes: the bike, its tags, and whether it is guarded."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    exists,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from domain.identity.models import Household
from domain.kernel.base import Base, InCompound


class EBike(InCompound, Base):
    """A resident's e-bike. Guard mode on = a sighting that moves or leaves raises an alert.

    It is the home's for as long as its owner belongs to the home: who leaves takes it along, and it is retired as of
    then (``leaving``). ``plate``: sealed. ``guarded_since``: set while armed.
    """

    __tablename__ = "ebike"
    over = "retired_at"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    compound_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    plate: Mapped[bytes | None] = mapped_column(LargeBinary)
    make: Mapped[str] = mapped_column(Text, server_default="")
    color: Mapped[str] = mapped_column(Text, server_default="")
    guarded_since: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    retired_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_ebike_account_id", "account_id"),
        Index("ix_ebike_home_id", "home_id"),
        Index("ix_ebike_compound_id", "compound_id", "id"),
    )

    @classmethod
    def owner_belongs(cls, since: datetime | None = None) -> ColumnElement[bool]:
        """SQL: its owner belongs to its home; ``since``: or did then still (that instant too)."""
        there: ColumnElement[bool] = Household.ended_at.is_(None)
        if since is not None:
            there = or_(there, Household.ended_at >= since)
        return exists().where(Household.home_id == cls.home_id, Household.account_id == cls.account_id, there)

    @classmethod
    def in_use(cls) -> ColumnElement[bool]:
        """SQL: it is not retired, also not about to be because its owner has left."""
        return cls.retired_at.is_(None) & cls.owner_belongs()

    @classmethod
    def concerns(cls, since: datetime) -> ColumnElement[bool]:
        """As in ``InCompound``; it is over with its owner's belonging to the home, before it is retired for that."""
        return super().concerns(since) & cls.owner_belongs(since)


class EBikeTag(InCompound, Base):
    """A tag fixed to an e-bike ("bike"), its battery ("battery") or kept spare ("spare").

    ``tag``: the normalised id (upper-case hex or digits), sealed; ``tag_index``: its blind index, unique among tags in
    use across the deployment.
    """

    __tablename__ = "ebike_tag"
    over = "removed_at"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    ebike_id: Mapped[int] = mapped_column(ForeignKey("ebike.id"))
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    tag: Mapped[bytes] = mapped_column(LargeBinary)
    tag_index: Mapped[bytes] = mapped_column(LargeBinary)
    place: Mapped[str] = mapped_column(Text, server_default="bike")
    added_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    removed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("place in ('bike','battery','spare')", name="place"),
        Index("uq_ebike_tag_open", "tag_index", unique=True, postgresql_where=text("removed_at is null")),
        Index("ix_ebike_tag_ebike_id", "ebike_id"),
    )

    @classmethod
    def concerns(cls, since: datetime) -> ColumnElement[bool]:
        """As in ``InCompound``; it is over with its e-bike."""
        return super().concerns(since) & cls.ebike_id.in_(select(EBike.id).where(EBike.concerns(since)))
