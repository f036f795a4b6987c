"""``zhian people``: what only whoever runs the deployment may do."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
import typer

from cli import demo, people, token
from cli.opened import opened
from domain.identity.accounts.service import ensure_account
from domain.identity.errors import InvalidPhone
from domain.identity.numbers.errors import NumberInUse
from domain.kernel.actor import NOTHING, system_actor
from domain.kernel.errors import NotFound
from integrations.settings import Settings

COUNTY, NEW = "19900000001", "13800000001"


async def test_a_county_operators_number_is_moved_at_the_machine(
    seeded: Settings, superuser: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    await token.token_for(seeded, COUNTY)
    await people.move(seeded, COUNTY, NEW)
    assert (
        await superuser.fetchval("select count(*) from session where ended_at is null and client = 'zhian token'") == 0
    )
    assert await token.token_for(seeded, NEW)
    with pytest.raises(typer.Exit):
        await token.token_for(seeded, COUNTY)
    assert "NO_ACCOUNT" in capsys.readouterr().err
    acts = await superuser.fetch("select actor, account_id from audit_entry where action = 'account.number_moved'")
    assert [tuple(act) for act in acts] == [("system", None)]
    assert await superuser.fetchval("select payload->>'what' from outbox_event where name = 'number.told'") == "moved"
    await people.move(seeded, NEW, COUNTY)  # the database is shared


async def test_what_cannot_be_moved_is_told(seeded: Settings) -> None:
    with pytest.raises(NotFound):
        await people.move(seeded, "19912345678", NEW)
    with pytest.raises(InvalidPhone):
        await people.move(seeded, COUNTY, "12")
    with pytest.raises(NumberInUse):
        await people.move(seeded, COUNTY, (await demo.describe(seeded))["accounts"][-1]["phone"])


async def test_a_disabled_account_signs_in_no_more(
    seeded: Settings, superuser: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    async with opened(seeded) as found, found.database.unit_of_work(system_actor(NOTHING)) as uow:
        await ensure_account(uow, vault=found.vault, phone=f"+86{NEW}")
    assert await people.shut(seeded, NEW)
    assert not await people.shut(seeded, "19912345678")
    with pytest.raises(typer.Exit):
        await token.token_for(seeded, NEW)
    assert "ACCOUNT_DISABLED" in capsys.readouterr().err
    assert await superuser.fetchval("select count(*) from audit_entry where action = 'account.disabled'") == 1


@pytest.mark.parametrize(
    ("command", "arguments"), [(people.number, {"to": "12"}), (people.disable, {})], ids=["number", "disable"]
)
def test_a_command_ends_with_the_code_of_what_was_wrong(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: object,
    arguments: dict[str, str],
) -> None:
    async def refused(*_: object) -> bool:
        raise InvalidPhone(field="phone")

    monkeypatch.setenv("ZHIAN_DATABASE_URL", "postgresql://localhost/none")
    monkeypatch.setattr(people, "move", refused)
    monkeypatch.setattr(people, "shut", refused)
    with pytest.raises(typer.Exit) as caught:
        command("12", data_dir=tmp_path, **arguments)  # type: ignore[operator]
    assert caught.value.exit_code == 2
    assert "INVALID_PHONE" in capsys.readouterr().err


def test_what_was_done_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = iter((True, False))

    async def done(*_: object) -> bool:
        return next(found)

    async def moved(*_: object) -> None:
        return None

    monkeypatch.setenv("ZHIAN_DATABASE_URL", "postgresql://localhost/none")
    monkeypatch.setattr(people, "move", moved)
    monkeypatch.setattr(people, "shut", done)
    people.number(COUNTY, NEW, data_dir=tmp_path)
    people.disable(COUNTY, data_dir=tmp_path)
    assert capsys.readouterr().out.split() == ["moved", "disabled"]
    with pytest.raises(typer.Exit):
        people.disable(COUNTY, data_dir=tmp_path)
