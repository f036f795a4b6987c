"""Who certifies keys at the sandbox's Alipay: a root, an authority beneath it, and the certificates it gives out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

BITS: Final = 2048
YEARS: Final = 5
ROOT, AUTHORITY = "Sandbox Root R1", "沙箱证书机构 R1"
FILES: Final = ("alipay-root-certificates.pem", "alipay-app-certificate.pem", "alipay-certificate.pem")
Parties = tuple[tuple[x509.ObjectIdentifier, str], ...]


@dataclass(frozen=True, slots=True)
class Issuer:
    """A certificate that issues others, with its key."""

    certificate: x509.Certificate
    key: RSAPrivateKey = field(repr=False)

    @classmethod
    def root(cls, common_name: str, now: datetime) -> Self:
        """One that is its own issuer."""
        key = generate_private_key(65537, BITS)
        subject = named(common_name)
        return cls(_signed(subject, key.public_key(), subject, key, now, issues=True), key)

    def beneath(self, common_name: str, now: datetime) -> Issuer:
        """An authority that this one certifies."""
        key = generate_private_key(65537, BITS)
        made = _signed(named(common_name), key.public_key(), self.certificate.subject, self.key, now, issues=True)
        return Issuer(made, key)

    def certify(self, common_name: str, key: RSAPublicKey, now: datetime) -> x509.Certificate:
        """A certificate of somebody who signs, but certifies nobody."""
        return _signed(named(common_name), key, self.certificate.subject, self.key, now, issues=False)


@dataclass(frozen=True, slots=True)
class AlipayCertificateSet:
    """What certificate mode needs: the roots; the application's certificate; Alipay's, with the authority behind it."""

    roots: tuple[x509.Certificate, ...]
    app: x509.Certificate
    alipay: tuple[x509.Certificate, ...]

    @classmethod
    def made(cls, app: RSAPublicKey, alipay: RSAPublicKey, now: datetime) -> Self:
        """A new set; takes half a second."""
        root = Issuer.root(ROOT, now)
        authority = root.beneath(AUTHORITY, now)
        ours = authority.certify("2021000000000001", app, now)
        theirs = authority.certify("支付宝沙箱", alipay, now)
        return cls((root.certificate,), ours, (theirs, authority.certificate))

    @classmethod
    def kept(cls, folder: Path) -> Self:
        """The set that ``files`` told of. Raises OSError or ValueError."""
        roots, app, alipay = (x509.load_pem_x509_certificates((folder / name).read_bytes()) for name in FILES)
        return cls(tuple(roots), app[0], tuple(alipay))

    def files(self) -> dict[str, str]:
        """What to write, by the file's name."""
        return dict(zip(FILES, (pems(*self.roots), pems(self.app), pems(*self.alipay)), strict=True))


def named(common_name: str, *more: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    """A name as Alipay's certificates have it: country, organization, unit, common name. more: instead of those."""
    parts = more or (
        (NameOID.COUNTRY_NAME, "CN"),
        (NameOID.ORGANIZATION_NAME, "Sandbox"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Certification Authority"),
        (NameOID.COMMON_NAME, common_name),
    )
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])


def pems(*certificates: x509.Certificate) -> str:
    """PEM, with an empty line between several as in Alipay's bundle."""
    return "\n".join(each.public_bytes(Encoding.PEM).decode() for each in certificates)


def _signed(
    subject: x509.Name, key: RSAPublicKey, issuer: x509.Name, by: RSAPrivateKey, now: datetime, *, issues: bool
) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=not issues,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=issues,
        crl_sign=issues,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=issues, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(by, SHA256())
    )
