"""Settings of the payment vendors: which accounts a deployment has, and where their keys lie."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.config import Config

from domain.community.bills.pull.ports import SubBizType
from integrations.payments.alipay.account import GATEWAY as ALIPAY
from integrations.payments.alipay.utilities import ChargeInsts
from integrations.payments.wechat.account import GATEWAY as WECHAT

_INST: Final = re.compile(r"[0-9A-Za-z_-]{2,32}")
_SERIAL: Final = re.compile(r"[0-9A-Z_]{8,64}")


@dataclass(frozen=True, slots=True)
class WechatSettings:
    """key, api_key: files, 0600. platform_keys: WeChat Pay's public keys or certificates, files by serial or key id."""

    mchid: str
    appid: str
    app_appid: str
    serial: str
    key: Path
    api_key: Path
    platform_keys: Mapping[str, Path]
    gateway: str


@dataclass(frozen=True, slots=True)
class AlipayCertificates:
    """Files of certificate mode. app: ours, from the console. roots: Alipay's bundle. alipay: Alipay's, one or more."""

    app: Path
    roots: Path
    alipay: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class AlipaySettings:
    """key: the application's private key, a file, 0600. trust: Alipay's public key, or the files of certificate mode.
    charge_insts: suppliers whose bills are asked for there; none = not asked. sign_scene: of agreements; "" = none."""

    app_id: str
    seller_id: str
    key: Path
    trust: Path | AlipayCertificates
    gateway: str
    charge_insts: ChargeInsts
    sign_scene: str


def read_wechat(config: Config) -> WechatSettings | None:
    """``ZHIAN_WECHAT_*``; None without ``ZHIAN_WECHAT_MCHID``. Raises KeyError or ValueError, naming the setting."""
    mchid = config("WECHAT_MCHID", default="")
    if not mchid:
        return None
    return WechatSettings(
        mchid=mchid,
        appid=config("WECHAT_APPID"),
        app_appid=config("WECHAT_APP_APPID", default=""),
        serial=config("WECHAT_SERIAL"),
        key=config("WECHAT_KEY", cast=Path),
        api_key=config("WECHAT_API_KEY", cast=Path),
        platform_keys=config("WECHAT_PLATFORM_KEYS", cast=files_by_serial),
        gateway=config("WECHAT_GATEWAY", cast=gateway_address, default=WECHAT),
    )


def read_alipay(config: Config) -> AlipaySettings | None:
    """``ZHIAN_ALIPAY_*``; None without ``ZHIAN_ALIPAY_APP_ID``. Raises KeyError or ValueError, naming the setting."""
    app_id = config("ALIPAY_APP_ID", default="")
    if not app_id:
        return None
    return AlipaySettings(
        app_id=app_id,
        seller_id=config("ALIPAY_SELLER_ID"),
        key=config("ALIPAY_KEY", cast=Path),
        trust=_trust(config),
        gateway=config("ALIPAY_GATEWAY", cast=gateway_address, default=ALIPAY),
        charge_insts=config("ALIPAY_CHARGE_INSTS", cast=suppliers, default=""),
        sign_scene=config("ALIPAY_SIGN_SCENE", default=""),
    )


def _trust(config: Config) -> Path | AlipayCertificates:
    """Public-key mode, unless there are certificates; both at once is a mistake somebody should look at."""
    if not config("ALIPAY_APP_CERTIFICATE", default=""):
        return config("ALIPAY_PUBLIC_KEY", cast=Path)
    if config("ALIPAY_PUBLIC_KEY", default=""):
        raise ValueError(
            "either ZHIAN_ALIPAY_PUBLIC_KEY or ZHIAN_ALIPAY_APP_CERTIFICATE: Alipay has one mode at a time"
        )
    files = str(config("ALIPAY_CERTIFICATES")).split(",")
    return AlipayCertificates(
        app=config("ALIPAY_APP_CERTIFICATE", cast=Path),
        roots=config("ALIPAY_ROOT_CERTIFICATES", cast=Path),
        alipay=tuple(Path(name.strip()) for name in files),
    )


def suppliers(value: Any) -> ChargeInsts:
    """``WATER:name=code`` with commas between several: a supplier as the office writes its name, and Alipay's short
    name of it. ``WATER=code`` is for accounts that name no other."""
    found: dict[tuple[SubBizType, str], str] = {}
    for each in filter(None, map(str.strip, str(value).split(","))):
        name, _, code = each.rpartition("=")
        kind, _, supplier = name.partition(":")
        if kind not in SubBizType.__members__ or not _INST.fullmatch(code):
            raise ValueError("ZHIAN_ALIPAY_CHARGE_INSTS is WATER:name=code, with commas between several")
        found[SubBizType(kind), supplier.strip()] = code
    return found


def files_by_serial(value: Any) -> Mapping[str, Path]:
    """``serial=file`` with commas between several, as while WeChat Pay changes its key."""
    found = {}
    for each in str(value).split(","):
        serial, _, name = each.strip().partition("=")
        if not _SERIAL.fullmatch(serial) or not name:
            raise ValueError("ZHIAN_WECHAT_PLATFORM_KEYS is serial=file, with commas between several")
        found[serial] = Path(name)
    return found


def gateway_address(value: Any) -> str:
    """An ``http(s)://host[:port][/path]`` address without anything behind it."""
    parts = urlsplit(str(value))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("a payment gateway is an http:// or https:// address")
    _ = parts.port  # raises ValueError when it is none
    return str(value).rstrip("/")
