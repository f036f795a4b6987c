"""Every table whose rows stand in homes says when a row was over for its home, so that who comes later is not told."""

from __future__ import annotations

import pytest
from sqlalchemy import DateTime
from sqlalchemy.orm import Mapper

from domain.kernel.base import Base, InCompound
from migrations.tables import metadata

MAPPED = {mapper.local_table.name: mapper for mapper in Base.registry.mappers}
OF_HOMES = sorted(table.name for table in metadata.tables.values() if "home_id" in table.columns)


def test_tables_of_homes_are_found() -> None:
    assert {"event", "alert", "sighting", "household", "bill"} <= set(OF_HOMES)


@pytest.mark.parametrize("table", OF_HOMES)
def test_a_table_of_homes_says_when_its_rows_are_over(table: str) -> None:
    mapper: Mapper[object] = MAPPED[table]
    assert issubclass(mapper.class_, InCompound)
    assert "over" in vars(mapper.class_), f"{table}: say in ``over`` by which column a row is over for its home"
    over = mapper.class_.over
    if over is not None:
        assert isinstance(metadata.tables[table].columns[over].type, DateTime)
