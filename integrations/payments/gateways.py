"""Which vendors a deployment pays through: the adapters of those whose accounts are set."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from domain.community.bills.pull.ports import UtilityBillPort
from domain.community.payments.autopay.ports import Agreements
from domain.community.payments.ports import Gateways, Vendor
from domain.kernel.clock import Clock
from integrations.identity.keyfile import UnsafeKeyFile
from integrations.outgoing.addresses import Network
from integrations.outgoing.transport import GuardedTransport, guarded_client
from integrations.payments import rsa
from integrations.payments.alipay.account import AlipayAccount, AlipayCalls
from integrations.payments.alipay.agreements import AlipayAgreements
from integrations.payments.alipay.certificates import Certificates, OneKey, read_certificates, serial_of
from integrations.payments.alipay.gateway import AlipayPay
from integrations.payments.alipay.notices import AlipayNotices
from integrations.payments.alipay.signing import Merchant as AlipayMerchant
from integrations.payments.alipay.utilities import AlipayUtilities
from integrations.payments.calls import BILL_BYTES, BILL_SECONDS, SECONDS, Caller
from integrations.payments.notices import ReadsNotices
from integrations.payments.settings import AlipayCertificates, AlipaySettings, WechatSettings
from integrations.payments.wechat.account import WechatAccount
from integrations.payments.wechat.gateway import WechatPay
from integrations.payments.wechat.notices import WechatNotices
from integrations.payments.wechat.signing import Merchant, Platform
from integrations.settings import Settings

CALLBACKS: Final = {Vendor.WECHAT: "/callbacks/wechat", Vendor.ALIPAY: "/callbacks/alipay"}
PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Payments:
    """The vendors that are set: what we ask of them, and how what they tell us is read. agreements: for
    auto-pay. utilities: who is asked for bills of suppliers; None = nobody."""

    gateways: Gateways
    agreements: Agreements
    readers: Mapping[Vendor, ReadsNotices]
    utilities: UtilityBillPort | None


def payments(settings: Settings, clock: Clock, stack: AsyncExitStack) -> Payments:
    """The adapters; clients are closed with ``stack``.

    Raises OSError, UnsafeKeyFile or ValueError (UnsafeKey) when a key file cannot be read or is none, or others can.
    """
    gateways: dict[Vendor, WechatPay | AlipayPay] = {}
    readers: dict[Vendor, ReadsNotices] = {}
    utilities: UtilityBillPort | None = None
    agreements: dict[Vendor, AlipayAgreements] = {}
    networks = settings.outgoing_networks
    if settings.wechat is not None:
        wechat = wechat_account(settings.wechat, settings.public_url)
        caller = _caller(Vendor.WECHAT, wechat.gateway, networks, stack)
        gateways[Vendor.WECHAT] = WechatPay(wechat, caller, clock=clock)
        readers[Vendor.WECHAT] = WechatNotices(wechat, clock=clock)
    if settings.alipay is not None:
        alipay = alipay_account(settings.alipay, settings.public_url, clock)
        caller = _caller(Vendor.ALIPAY, alipay.gateway, networks, stack)
        gateways[Vendor.ALIPAY] = AlipayPay(alipay, caller, clock=clock)
        readers[Vendor.ALIPAY] = AlipayNotices(alipay, clock=clock)
        if insts := settings.alipay.charge_insts:
            utilities = AlipayUtilities(AlipayCalls(alipay, caller, clock=clock), caller, insts)
        if settings.alipay.sign_scene:
            scene = settings.alipay.sign_scene
            agreements[Vendor.ALIPAY] = AlipayAgreements(alipay, caller, clock=clock, scene=scene)
    return Payments(gateways, agreements, readers, utilities)


def wechat_account(settings: WechatSettings, public_url: str) -> WechatAccount:
    """The account with its keys read. Raises as ``payments``."""
    keys = {serial: rsa.public_key(path.read_text("ascii")) for serial, path in settings.platform_keys.items()}
    return WechatAccount(
        merchant=Merchant(settings.mchid, settings.serial, rsa.private_key(_secret(settings.key))),
        platform=Platform(keys),
        api_key=_secret(settings.api_key).strip().encode(),
        appid=settings.appid,
        app_appid=settings.app_appid,
        notify_url=f"{public_url.rstrip('/')}{CALLBACKS[Vendor.WECHAT]}",
        gateway=settings.gateway,
    )


def alipay_account(settings: AlipaySettings, public_url: str, clock: Clock) -> AlipayAccount:
    """The account with its keys and certificates read. Raises as ``payments``."""
    key, trust = rsa.private_key(_secret(settings.key)), settings.trust
    keys: OneKey | Certificates
    serials: dict[str, str] = {}
    if isinstance(trust, Path):
        keys = OneKey(rsa.public_key(trust.read_text("ascii")))
    else:
        keys, serials = _certificates(trust, key, clock)
    return AlipayAccount(
        merchant=AlipayMerchant(settings.app_id, key, serials),
        keys=keys,
        seller_id=settings.seller_id,
        notify_url=f"{public_url.rstrip('/')}{CALLBACKS[Vendor.ALIPAY]}",
        gateway=settings.gateway,
    )


def _certificates(files: AlipayCertificates, key: RSAPrivateKey, clock: Clock) -> tuple[Certificates, dict[str, str]]:
    """Alipay's certificates, each held against its roots, and the numbers that go with our requests."""
    app = read_certificates(files.app.read_text("ascii"))[0]
    if app.public_key() != key.public_key():
        raise rsa.UnsafeKey(f"{files.app} is not the certificate of the application's private key")
    known = Certificates(read_certificates(files.roots.read_text("ascii")), clock=clock)
    for file in files.alipay:
        known.add(file.read_text("ascii"))
    return known, {"app_cert_sn": serial_of(app), "alipay_root_cert_sn": known.root_serial}


def _secret(path: Path) -> str:
    if path.stat().st_mode & 0o077:
        raise UnsafeKeyFile(f"{path} must not be readable by group or others (chmod 600)")
    return path.read_text("ascii")


def _caller(vendor: Vendor, gateway: str, networks: tuple[Network, ...], stack: AsyncExitStack) -> Caller:
    """A client for calls, and one whose answers may be as large as a bill."""
    parts = urlsplit(gateway)
    ports = {parts.port or PORTS[parts.scheme], 443}
    clients = []
    for seconds, transport in (
        (SECONDS, GuardedTransport(networks=networks, ports=ports)),
        (BILL_SECONDS, GuardedTransport(networks=networks, ports=ports, most=BILL_BYTES)),
    ):
        client = guarded_client(transport, seconds=seconds)
        stack.push_async_callback(client.aclose)
        clients.append(client)
    return Caller(vendor, *clients)
