"""Accounts of payment vendors: read from settings whole or not at all, their key files the owner's alone."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.doctor.finding import State
from cli.doctor.surroundings import SurroundingChecks
from domain.community.payments.ports import Channel, Vendor
from domain.kernel.clock import system_clock
from integrations.identity.keyfile import UnsafeKeyFile
from integrations.payments.gateways import payments
from integrations.payments.rsa import UnsafeKey
from integrations.payments.sandbox.authority import FILES
from integrations.payments.sandbox.keys import environment as sandbox_environment
from integrations.payments.sandbox.keys import keep, kept_keys
from integrations.settings import Settings, read_settings
from tests.factories.payments import keys

GATEWAY = "http://127.0.0.1:8099"
BASE = {"ZHIAN_DATABASE_URL": "postgresql://x", "ZHIAN_PUBLIC_URL": "https://zhian.test"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sandbox")
    keep(made, keys())
    return made


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    return BASE | sandbox_environment(folder, GATEWAY)


async def opened(settings: Settings) -> set[Vendor]:
    async with AsyncExitStack() as stack:
        made = payments(settings, system_clock, stack)
        assert made.gateways.keys() == made.readers.keys()
        return set(made.gateways)


async def test_both_neither_or_one(environment: dict[str, str]) -> None:
    assert await opened(read_settings(BASE)) == set()
    assert await opened(read_settings(environment)) == set(Vendor)
    assert await opened(read_settings(environment | {"ZHIAN_ALIPAY_APP_ID": ""})) == {Vendor.WECHAT}


async def test_the_vendors_are_told_where_to_report_and_what_is_offered(environment: dict[str, str]) -> None:
    async with AsyncExitStack() as stack:
        made = payments(read_settings(environment | {"ZHIAN_WECHAT_APP_APPID": ""}), system_clock, stack)
        offered = {channel for port in made.gateways.values() for channel in port.channels}
        without = payments(read_settings(environment | {"ZHIAN_ALIPAY_SIGN_SCENE": ""}), system_clock, stack)
    assert offered == set(Channel) - {Channel.WECHAT_APP, Channel.ALIPAY_WITHHOLD}
    assert (made.agreements.keys(), without.agreements.keys()) == ({Vendor.ALIPAY}, set())
    for port in made.gateways.values():
        assert port._account.notify_url == f"https://zhian.test/callbacks/{port.vendor}"  # type: ignore[attr-defined]


async def test_alipay_in_certificate_mode(folder: Path, environment: dict[str, str], tmp_path: Path) -> None:
    given = BASE | sandbox_environment(folder, GATEWAY, certificates=True)
    async with AsyncExitStack() as stack:
        account = payments(read_settings(given), system_clock, stack).gateways[Vendor.ALIPAY]._account  # type: ignore[attr-defined]
    assert set(account.merchant.serials) == {"app_cert_sn", "alipay_root_cert_sn"}
    for name in ("ROOT_CERTIFICATES", "CERTIFICATES"):
        with pytest.raises(KeyError, match=f"ZHIAN_ALIPAY_{name}"):
            read_settings({key: value for key, value in given.items() if key != f"ZHIAN_ALIPAY_{name}"})
    with pytest.raises(ValueError, match="one mode"):
        read_settings(environment | given)
    for name, file in (("APP_CERTIFICATE", FILES[2]), ("CERTIFICATES", FILES[0]), ("ROOT_CERTIFICATES", FILES[1])):
        with pytest.raises(UnsafeKey):
            await opened(read_settings(given | {f"ZHIAN_ALIPAY_{name}": str(folder / file)}))
    (nothing := tmp_path / "nothing").write_text("")
    with pytest.raises(UnsafeKey, match="not certificates"):
        await opened(read_settings(given | {"ZHIAN_ALIPAY_CERTIFICATES": f"{folder / FILES[2]}, {nothing}"}))


@pytest.mark.parametrize(
    "name",
    ["WECHAT_APPID", "WECHAT_SERIAL", "WECHAT_KEY", "WECHAT_API_KEY", "WECHAT_PLATFORM_KEYS", "ALIPAY_SELLER_ID",
     "ALIPAY_KEY", "ALIPAY_PUBLIC_KEY"],
)  # fmt: skip
def test_half_an_account_is_refused_by_name(environment: dict[str, str], name: str) -> None:
    with pytest.raises(KeyError, match=f"ZHIAN_{name}"):
        read_settings({key: value for key, value in environment.items() if key != f"ZHIAN_{name}"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WECHAT_PLATFORM_KEYS", "nothing"),
        ("WECHAT_PLATFORM_KEYS", "low=file"),
        ("WECHAT_GATEWAY", "ftp://pay.test"),
        ("ALIPAY_GATEWAY", "https://user@pay.test"),
        ("ALIPAY_GATEWAY", "https://pay.test/?a=1"),
        ("ALIPAY_GATEWAY", "https://pay.test:99999"),
    ],
)
def test_what_is_no_setting_is_refused_by_name(environment: dict[str, str], name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"ZHIAN_{name}"):
        read_settings(environment | {f"ZHIAN_{name}": value})


async def test_key_files_are_the_owners_alone_and_hold_keys(environment: dict[str, str], tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.touch(mode=0o600)
    short.write_text("1" * 16)
    for name in ("WECHAT_KEY", "WECHAT_API_KEY", "ALIPAY_KEY"):
        open_file = tmp_path / name
        open_file.write_text("1" * 32)
        open_file.chmod(0o640)
        with pytest.raises(UnsafeKeyFile, match="chmod 600"):
            await opened(read_settings(environment | {f"ZHIAN_{name}": str(open_file)}))
        with pytest.raises(ValueError, match=r"32 characters|private key"):
            await opened(read_settings(environment | {f"ZHIAN_{name}": str(short)}))
    with pytest.raises(UnsafeKey):
        await opened(read_settings(environment | {"ZHIAN_ALIPAY_PUBLIC_KEY": str(short)}))


async def test_the_doctor_names_what_is_wrong_with_an_account(environment: dict[str, str], tmp_path: Path) -> None:
    async def states(given: dict[str, str]) -> list[State]:
        return [found.state for found in await SurroundingChecks(read_settings(given), None).payments()]

    assert await states(BASE) == [State.OK, State.OK]
    assert await states(environment) == [State.OK, State.OK]
    missing = {"ZHIAN_ALIPAY_KEY": str(tmp_path / "none"), "ZHIAN_WECHAT_GATEWAY": "https://pay.test"}
    assert await states(environment | missing) == [State.OK, State.FAIL]
    assert await states(environment | missing | {"ZHIAN_PUBLIC_URL": "http://zhian.test"}) == [State.WARN, State.FAIL]


def test_the_sandbox_keeps_its_keys(folder: Path) -> None:
    kept = kept_keys(folder, datetime.now(UTC))
    assert kept.certificate_serial == keys().certificate_serial
    assert kept.api_key == keys().api_key
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
