"""Tables of e-bikes: the bike, its tags, and whether it is guarded."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base, InCompound


class EBike(InCompound, Base):
    """A resident's e-bike. Guard mode on = a sighting that moves or leaves raises an alert.

    ``plate``: sealed. ``guarded_since``: set while armed.
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
