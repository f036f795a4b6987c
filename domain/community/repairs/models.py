"""Tables of repairs: the request with its whole life, what was quoted and used, and who can do what."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, Integer, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from domain.community.repairs.rules import ItemKind, RepairKind, RepairState, Skill
from domain.kernel.base import Base, InCompound


def _one_of(column: str, words: type[StrEnum]) -> str:
    return f"{column} in ({','.join(repr(str(word)) for word in words)})"


class RepairRequest(InCompound, Base):
    """One repair of one home. address: where it is, as the worker reads it, who does not see homes.

    accept_by, finish_by: deadlines; overdue_at: when the sweep found it late, null again with the next step.
    worker_name: who comes, as the home reads it.
    warranty_of_id: the earlier repair under whose warranty this one is free. price_fen: set when done; 0 = free.
    """

    __tablename__ = "repair_request"
    over = "submitted_at"

    id: Mapped[int] = mapped_column(Integer, Identity(always=False), primary_key=True)
    compound_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    building_id: Mapped[int] = mapped_column(ForeignKey("building.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    application_id: Mapped[int | None] = mapped_column(ForeignKey("application.id"))
    warranty_of_id: Mapped[int | None] = mapped_column(ForeignKey("repair_request.id"))
    worker_account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    worker_name: Mapped[str] = mapped_column(Text, server_default="")
    charge_id: Mapped[int | None] = mapped_column(ForeignKey("charge.id"))
    kind: Mapped[str] = mapped_column(Text)
    skill: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    window_from: Mapped[datetime | None]
    window_to: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(Text, server_default="open")
    submitted_at: Mapped[datetime]
    accept_by: Mapped[datetime]
    taken_at: Mapped[datetime | None]
    finish_by: Mapped[datetime | None]
    quoted_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    overdue_at: Mapped[datetime | None]
    price_fen: Mapped[int | None] = mapped_column(Integer)
    warranty_until: Mapped[date | None]
    result: Mapped[str] = mapped_column(Text, server_default="")
    stars: Mapped[int | None] = mapped_column(SmallInteger)
    rating: Mapped[str] = mapped_column(Text, server_default="")
    rated_at: Mapped[datetime | None]
    visit_by: Mapped[datetime | None]
    visited_at: Mapped[datetime | None]
    satisfied: Mapped[bool | None]
    visit_note: Mapped[str] = mapped_column(Text, server_default="")

    __table_args__ = (
        CheckConstraint(_one_of("kind", RepairKind), name="kind"),
        CheckConstraint(_one_of("skill", Skill), name="skill"),
        CheckConstraint(_one_of("state", RepairState), name="state"),
        CheckConstraint(
            "case when state = 'open' then worker_account_id is null and taken_at is null"
            " when state in ('cancelled','rejected') then true"
            " else worker_account_id is not null and taken_at is not null and finish_by is not null end",
            name="worker",
        ),
        CheckConstraint("(window_from is null) = (window_to is null) and window_from < window_to", name="window"),
        CheckConstraint("(state = 'done') = (done_at is not null)", name="done"),
        CheckConstraint(
            "case when state = 'done' then price_fen is not null and warranty_until is not null"
            " and visit_by is not null else price_fen is null and charge_id is null and stars is null"
            " and visited_at is null end",
            name="of_done",
        ),
        CheckConstraint("price_fen >= 0 and (warranty_of_id is null or price_fen = 0)", name="price"),
        CheckConstraint("charge_id is null or price_fen > 0", name="charge"),
        CheckConstraint("stars between 1 and 5 and (stars is null) = (rated_at is null)", name="stars"),
        CheckConstraint("(visited_at is null) = (satisfied is null)", name="visit"),
        CheckConstraint("id <> warranty_of_id", name="warranty_of_another"),
        Index("ix_repair_request_compound", "compound_id", text("submitted_at desc"), text("id desc")),
        Index("ix_repair_request_home", "home_id", text("submitted_at desc"), text("id desc")),
        Index("ix_repair_request_worker", "worker_account_id", text("submitted_at desc"), text("id desc")),
        Index(
            "ix_repair_request_late",
            "id",
            postgresql_where=text("overdue_at is null and state in ('open','assigned','agreed','in_progress')"),
        ),
        Index("uq_repair_request_charge", "charge_id", unique=True, postgresql_where=text("charge_id is not null")),
    )


class RepairQuotation(InCompound, Base):
    """What a worker asks for a repair: offered -> accepted | refused, or withdrawn by a cancellation.

    At most one of a repair is offered.
    """

    __tablename__ = "repair_quotation"
    over = None

    id: Mapped[int] = mapped_column(Integer, Identity(always=False), primary_key=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    repair_id: Mapped[int] = mapped_column(ForeignKey("repair_request.id"))
    worker_account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    total_fen: Mapped[int] = mapped_column(Integer)
    note: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default="offered")
    offered_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state in ('offered','accepted','refused','withdrawn')", name="state"),
        CheckConstraint("total_fen >= 0", name="total"),
        CheckConstraint("(state = 'offered') = (answered_at is null)", name="answered"),
        Index("uq_repair_quotation_offered", "repair_id", unique=True, postgresql_where=text("state = 'offered'")),
        Index("ix_repair_quotation_repair", "repair_id", "id"),
    )


class RepairItem(InCompound, Base):
    """A part or work: of a quotation, or (``quotation_id`` null) what was used in the end."""

    __tablename__ = "repair_item"
    over = None

    id: Mapped[int] = mapped_column(Integer, Identity(always=False), primary_key=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    repair_id: Mapped[int] = mapped_column(ForeignKey("repair_request.id"))
    quotation_id: Mapped[int | None] = mapped_column(ForeignKey("repair_quotation.id"))
    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int] = mapped_column(SmallInteger)
    unit_fen: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        CheckConstraint(_one_of("kind", ItemKind), name="kind"),
        CheckConstraint("quantity between 1 and 999 and unit_fen >= 0", name="amount"),
        Index("ix_repair_item_repair", "repair_id", "id"),
    )


class RepairWorker(InCompound, Base):
    """What a service worker of a compound can repair. turn: rises each time the office gives them a repair."""

    __tablename__ = "repair_worker"

    id: Mapped[int] = mapped_column(Integer, Identity(always=False), primary_key=True)
    compound_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    worker_account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    skills: Mapped[list[str]] = mapped_column(ARRAY(Text))
    turn: Mapped[int] = mapped_column(Integer, server_default="0")
    last_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("skills <@ array['appliance','gas','furniture']::text[]", name="skills"),
        Index("uq_repair_worker_account", "compound_id", "worker_account_id", unique=True),
    )
