"""Declarative base, column types and the tenant columns every compound-bound table carries."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ColumnElement, DateTime, Integer, MetaData, or_, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of every table. Relations are loaded in batches by loaders, never lazily."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads this as configuration
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
    }


class XID8(UserDefinedType[int]):
    """PostgreSQL ``xid8``: the 64-bit id of the writing transaction, the first half of a log cursor."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


class Ltree(UserDefinedType[str]):
    """PostgreSQL ``ltree``: the path of an area, labels are area ids."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "ltree"


# Known to reflection, so that `alembic check` compares these columns too.
ischema_names["xid8"] = XID8
ischema_names["ltree"] = Ltree


class InCompound:
    """Tenant columns: the compound and its three ancestors, so that wide views do not walk the tree per row.

    ``over``: a table whose rows stand in homes says by which column a row was over for its home: when it happened, or
    for what lasts, when it ended (null while it goes on). Who moves in later does not see it. None: the row tells
    nothing of who lives there, or is read only through one that says it.
    """

    over: ClassVar[str | None]

    county_id: Mapped[int] = mapped_column(Integer)
    town_id: Mapped[int] = mapped_column(Integer)
    community_id: Mapped[int] = mapped_column(Integer)
    compound_id: Mapped[int] = mapped_column(Integer)

    @classmethod
    def concerns(cls, since: datetime) -> ColumnElement[bool]:
        """SQL: the row is of the home as somebody knows it who has belonged to it ``since`` then (that instant too)."""
        if cls.over is None:
            return true()
        column: Any = getattr(cls, cls.over)
        test: ColumnElement[bool] = column >= since
        return or_(column.is_(None), test) if column.property.columns[0].nullable else test


BigId = BigInteger
