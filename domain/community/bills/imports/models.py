"""Tables of files of bills: the file, and its rows as they were understood."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base, InCompound


class BillImport(InCompound, Base):
    """A file of bills that an office handed in.

    state: uploaded -> checking -> ready -> applying -> done; failed when the file cannot be read, cancelled.
    ``content``: the file, sealed, until it is done or cancelled. total: rows in the file, checked and applied: how far
    it has come; bad: with a fault, duplicate: that were there before.
    """

    __tablename__ = "bill_import"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    compound_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    name: Mapped[str] = mapped_column(Text)
    format: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    total: Mapped[int] = mapped_column(Integer, server_default="0")
    checked: Mapped[int] = mapped_column(Integer, server_default="0")
    bad: Mapped[int] = mapped_column(Integer, server_default="0")
    applied: Mapped[int] = mapped_column(Integer, server_default="0")
    duplicate: Mapped[int] = mapped_column(Integer, server_default="0")
    amount_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    fault: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("format in ('csv','xlsx')", name="format"),
        CheckConstraint(
            "state in ('uploaded','checking','ready','applying','done','failed','cancelled')", name="state"
        ),
        Index("ix_bill_import_compound_id", "compound_id", "id"),
        Index("ix_bill_import_work", "id", postgresql_where=text("state in ('checking','applying')")),
    )


class BillImportRow(InCompound, Base):
    """A row of a file, by its number: a bill to be, or what is wrong with it (``fault``: a code; ``fault_column``).

    Account numbers and addresses are resolved before and do not stand here.
    """

    __tablename__ = "bill_import_row"

    import_id: Mapped[int] = mapped_column(ForeignKey("bill_import.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    fault: Mapped[str | None] = mapped_column(Text)
    fault_column: Mapped[str | None] = mapped_column(Text)
    subject_home: Mapped[int | None] = mapped_column(Integer)
    bill_account_id: Mapped[int | None] = mapped_column(Integer)
    kind: Mapped[str | None] = mapped_column(Text)
    source_key: Mapped[str | None] = mapped_column(Text)
    title: Mapped[str | None] = mapped_column(Text)
    period_from: Mapped[date | None]
    period_to: Mapped[date | None]
    deadline: Mapped[date | None]
    amount_fen: Mapped[int | None] = mapped_column(BigInteger)
    late_fee_fen: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        CheckConstraint("(fault is null) = (amount_fen is not null)", name="fault"),
        Index("ix_bill_import_row_source_key", "import_id", "source_key"),
        Index("ix_bill_import_row_fault", "import_id", "number", postgresql_where=text("fault is not null")),
    )
