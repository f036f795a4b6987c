"""``zhian token``: a sign-in for whoever holds the keys."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
import typer

from api.auth import Authenticator
from cli import demo, token
from domain.identity.policies import SecondFactor
from domain.kernel.actor import Role
from domain.kernel.uow import Database
from integrations.identity.signing import SigningKeys
from integrations.identity.tokens import AccessTokens
from integrations.settings import Settings


@pytest.mark.parametrize("phone", ["19900000001", "+8619900000001", "199 0000 0001"])
async def test_a_token_signs_its_person_in(seeded: Settings, database: Database, phone: str) -> None:
    made = await token.token_for(seeded, phone)

    tokens = AccessTokens(SigningKeys(seeded.key_dir), issuer=seeded.public_url)
    identity = await Authenticator(database, tokens, second_factor=SecondFactor.OPTIONAL).identify(f"Bearer {made}")
    assert [grant.role for grant in identity.actor.grants] == [Role.COUNTY_OPERATOR]
    assert identity.actor.session_id is not None


@pytest.mark.parametrize(("phone", "code"), [("19912345678", "NO_ACCOUNT"), ("12", "INVALID_PHONE")])
async def test_who_cannot_be_signed_in_is_told(
    seeded: Settings, capsys: pytest.CaptureFixture[str], superuser: asyncpg.Connection, phone: str, code: str
) -> None:
    accounts = await superuser.fetchval("select count(*) from account")

    with pytest.raises(typer.Exit) as caught:
        await token.token_for(seeded, phone)

    assert caught.value.exit_code == 2
    assert code in capsys.readouterr().err
    assert await superuser.fetchval("select count(*) from account") == accounts


async def test_a_disabled_account_gets_none(
    seeded: Settings, capsys: pytest.CaptureFixture[str], superuser: asyncpg.Connection
) -> None:
    last = (await demo.describe(seeded))["accounts"][-1]
    await superuser.execute("update account set disabled_at = now() where name = $1", last["name"])

    with pytest.raises(typer.Exit):
        await token.token_for(seeded, last["phone"])

    assert "ACCOUNT_DISABLED" in capsys.readouterr().err


def test_production_asks_for_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZHIAN_DATABASE_URL", "postgresql://localhost/none")
    monkeypatch.setenv("ZHIAN_PROFILE", "production")

    with pytest.raises(typer.Exit) as caught:
        token.command("19900000001", data_dir=tmp_path)

    assert caught.value.exit_code == 2
    assert "PRODUCTION" in capsys.readouterr().err
