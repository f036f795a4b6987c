"""The keys of both sides of the sandbox: a merchant's, and those of two vendors that exist only here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from integrations.payments import rsa
from integrations.payments.sandbox.authority import BITS, FILES, AlipayCertificateSet

HOST: Final = "127.0.0.1"
FOLDER: Final = "sandbox"
MCHID: Final = "1900000001"
APPID: Final = "wx00000000000000a1"
APP_APPID: Final = "wx00000000000000a2"
MERCHANT_SERIAL: Final = "5A4E44424F580000000000000000000000000001"
PUBLIC_KEY_ID: Final = "PUB_KEY_ID_0119000000012026010100000000000001"
ALIPAY_APP_ID: Final = "2021000000000001"
SELLER_ID: Final = "2088000000000001"
CHARGE_INSTS: Final = {"WATER": "EXWATER", "GAS": "EXGAS"}
SIGN_SCENE: Final = "INDUSTRY|PROPERTY"
CERTIFICATE_YEARS: Final = 5


@dataclass(frozen=True, slots=True)
class SandboxKeys:
    """merchant, app: who calls, at WeChat Pay and at Alipay. platform, alipay: the vendors. api_key: 32 ASCII bytes.
    certificates: of ``app`` and ``alipay``, in Alipay's certificate mode."""

    merchant: RSAPrivateKey = field(repr=False)
    platform: RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate
    api_key: bytes = field(repr=False)
    app: RSAPrivateKey = field(repr=False)
    alipay: RSAPrivateKey = field(repr=False)
    certificates: AlipayCertificateSet

    @property
    def certificate_serial(self) -> str:
        """The serial of WeChat Pay's certificate, as its headers write it."""
        return f"{self.certificate.serial_number:X}"


def environment(folder: Path, gateway: str, *, certificates: bool = False) -> dict[str, str]:
    """The ``ZHIAN_*`` of a deployment that pays here. folder: where ``kept`` wrote; gateway: the sandbox's URL.
    certificates: Alipay in certificate mode."""
    trust = {"ZHIAN_ALIPAY_PUBLIC_KEY": str(folder / "alipay-public.pem")}
    if certificates:
        names = ("ROOT_CERTIFICATES", "APP_CERTIFICATE", "CERTIFICATES")
        trust = {f"ZHIAN_ALIPAY_{name}": str(folder / file) for name, file in zip(names, FILES, strict=True)}
    return trust | {
        "ZHIAN_WECHAT_MCHID": MCHID,
        "ZHIAN_WECHAT_APPID": APPID,
        "ZHIAN_WECHAT_APP_APPID": APP_APPID,
        "ZHIAN_WECHAT_SERIAL": MERCHANT_SERIAL,
        "ZHIAN_WECHAT_KEY": str(folder / "wechat-merchant.pem"),
        "ZHIAN_WECHAT_API_KEY": str(folder / "wechat-api-key"),
        "ZHIAN_WECHAT_PLATFORM_KEYS": f"{PUBLIC_KEY_ID}={folder / 'wechat-public.pem'}",
        "ZHIAN_WECHAT_GATEWAY": gateway,
        "ZHIAN_ALIPAY_APP_ID": ALIPAY_APP_ID,
        "ZHIAN_ALIPAY_SELLER_ID": SELLER_ID,
        "ZHIAN_ALIPAY_KEY": str(folder / "alipay-app.pem"),
        "ZHIAN_ALIPAY_GATEWAY": f"{gateway}/gateway.do",
        "ZHIAN_ALIPAY_CHARGE_INSTS": ",".join(f"{kind}={inst}" for kind, inst in CHARGE_INSTS.items()),
        "ZHIAN_ALIPAY_SIGN_SCENE": SIGN_SCENE,
    }


def made_keys(now: datetime) -> SandboxKeys:
    """New keys; takes a second or two."""
    merchant, platform, app, alipay = (generate_private_key(65537, BITS) for _ in range(4))
    certificates = AlipayCertificateSet.made(app.public_key(), alipay.public_key(), now)
    secret = secrets.token_hex(16).encode()
    return SandboxKeys(merchant, platform, _certificate(platform, now), secret, app, alipay, certificates)


def kept_keys(folder: Path, now: datetime) -> SandboxKeys:
    """The keys of ``folder``, made there at the first call; 0600 each. Raises OSError or UnsafeKey."""
    if not all((folder / name).exists() for name in ("complete", *FILES)):
        keep(folder, made_keys(now))

    def private(name: str) -> RSAPrivateKey:
        return rsa.private_key((folder / name).read_text("ascii"))

    return SandboxKeys(
        merchant=private("wechat-merchant.pem"),
        platform=private("wechat-private.pem"),
        certificate=x509.load_pem_x509_certificate((folder / "wechat-certificate.pem").read_bytes()),
        api_key=(folder / "wechat-api-key").read_bytes(),
        app=private("alipay-app.pem"),
        alipay=private("alipay-private.pem"),
        certificates=AlipayCertificateSet.kept(folder),
    )


def keep(folder: Path, keys: SandboxKeys) -> None:
    """Write ``keys`` into ``folder``, 0600 each; ``kept_keys`` finds them there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    contents = {
        "wechat-merchant.pem": private_pem(keys.merchant),
        "wechat-private.pem": private_pem(keys.platform),
        "wechat-public.pem": public_pem(keys.platform.public_key()),
        "wechat-certificate.pem": certificate_pem(keys.certificate),
        "wechat-api-key": keys.api_key.decode(),
        "alipay-app.pem": private_pem(keys.app),
        "alipay-private.pem": private_pem(keys.alipay),
        "alipay-public.pem": public_pem(keys.alipay.public_key()),
        **keys.certificates.files(),
        "complete": "",
    }
    for name, content in contents.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(content, "ascii")


def private_pem(key: RSAPrivateKey) -> str:
    """PKCS #8."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: RSAPublicKey) -> str:
    """SubjectPublicKeyInfo."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def certificate_pem(certificate: x509.Certificate) -> str:
    """PEM."""
    return certificate.public_bytes(Encoding.PEM).decode()


def _certificate(key: RSAPrivateKey, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sandbox of WeChat Pay")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * CERTIFICATE_YEARS))
        .sign(key, SHA256())
    )
