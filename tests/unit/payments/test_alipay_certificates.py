"""Certificates of Alipay: numbered as its SDKs do, and believed when they lead to a root that is configured."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from hashlib import md5
from typing import Any

import alipay
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as curve_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from integrations.payments import rsa
from integrations.payments.alipay.certificates import Certificates, read_certificates, root_serial, serial_of
from integrations.payments.rsa import UnsafeKey
from integrations.payments.sandbox.authority import Issuer, named, pems
from tests.factories.payments import START, HandClock

SDK: Any = alipay.DCAliPay
COUNTRY, MAKER, UNIT, COMMON, STATE = (
    NameOID.COUNTRY_NAME,
    NameOID.ORGANIZATION_NAME,
    NameOID.ORGANIZATIONAL_UNIT_NAME,
    NameOID.COMMON_NAME,
    NameOID.STATE_OR_PROVINCE_NAME,
)


@pytest.fixture(scope="module")
def root() -> Issuer:
    return Issuer.root("示例根证书 R1", START)


@pytest.fixture(scope="module")
def authority(root: Issuer) -> Issuer:
    return root.beneath("Example Class 2 R1", START)


def known(*roots: Issuer, clock: HandClock | None = None) -> Certificates:
    return Certificates([root.certificate for root in roots], clock=clock or HandClock())


def made(
    name: x509.Name, key: Any, by: Issuer, *, serial: int = 7, days: float = 30, extensions: tuple[Any, ...] = ()
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(START - timedelta(days=1))
        .not_valid_after(START + timedelta(days=days))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(by.key, SHA256())


def self_signed(name: x509.Name, key: Any, serial: int) -> x509.Certificate:
    start = START - timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(serial).not_valid_before(start).not_valid_after(start + timedelta(days=9))
    return builder.sign(key, SHA256())


@pytest.mark.filterwarnings("ignore:X509.get_issuer:DeprecationWarning")  # the SDK's own
def test_a_certificate_is_numbered_as_the_sdk_does(root: Issuer, authority: Issuer, theirs: RSAPrivateKey) -> None:
    leaf = authority.certify("支付宝", theirs.public_key(), START)
    for each in (leaf, authority.certificate, root.certificate):
        assert serial_of(each) == SDK.get_cert_sn(pems(each))


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (((COUNTRY, "CN"), (MAKER, "示例"), (UNIT, "认证"), (COMMON, "R1 中文")), "CN=R1 中文,OU=认证,O=示例,C=CN"),
        (((COMMON, "R1"), (UNIT, "A"), (MAKER, "B"), (COUNTRY, "CN")), "C=CN,O=B,OU=A,CN=R1"),
        (((COUNTRY, "CN"), (STATE, "Z"), (MAKER, "B"), (MAKER, "C")), "O=C,O=B,ST=Z,C=CN"),
        (((COMMON, "A, Inc."),), "CN=A\\, Inc."),
    ],
)
@pytest.mark.parametrize("serial", [1, 0x80, 2**159 - 1])
def test_the_number_is_of_the_issuers_name_from_its_end_and_the_serial_in_decimals(
    theirs: RSAPrivateKey, parts: tuple[Any, ...], text: str, serial: int
) -> None:
    certificate = self_signed(named("", *parts), theirs, serial)
    assert serial_of(certificate) == md5(f"{text}{serial}".encode(), usedforsecurity=False).hexdigest()


@pytest.mark.filterwarnings("ignore:X509.get_issuer:DeprecationWarning")  # the SDK's own
def test_roots_are_numbered_together_without_those_of_other_algorithms(
    root: Issuer, authority: Issuer, ours: RSAPrivateKey
) -> None:
    curve = self_signed(named("Example SM2"), curve_key(SECP256R1()), 5)
    other = self_signed(named("示例根证书 R2"), ours, 2**100)
    bundle = pems(root.certificate, curve, other)
    assert root_serial(read_certificates(bundle)) == f"{serial_of(root.certificate)}_{serial_of(other)}"
    assert root_serial(read_certificates(bundle)) == SDK.get_root_cert_sn(bundle)
    assert known(root).root_serial == serial_of(root.certificate)
    with pytest.raises(UnsafeKey, match="RSA"):
        Certificates([curve], clock=HandClock())


def test_what_leads_to_a_root_is_believed_and_signs(root: Issuer, authority: Issuer, theirs: RSAPrivateKey) -> None:
    clock = HandClock()
    certificates = known(root, clock=clock)
    leaf = authority.certify("支付宝", theirs.public_key(), START)
    signature = rsa.sign(theirs, b"said")
    assert not certificates.verifies(b"said", signature, "")
    serial = certificates.add(pems(leaf, authority.certificate))
    assert (certificates.knows(serial), certificates.knows("0" * 32)) == (True, False)
    assert certificates.verifies(b"said", signature, serial)
    assert certificates.verifies(b"said", signature, "")
    assert not certificates.verifies(b"said", signature, "0" * 32)
    assert not certificates.verifies(b"other", signature, serial)
    clock.forward(days=365 * 6)
    assert not certificates.verifies(b"said", signature, serial), "it is over"


Chain = Callable[[Issuer, Issuer, RSAPrivateKey], tuple[x509.Certificate, ...]]
BAD: dict[str, Chain] = {
    "without the authority": lambda _, authority, key: (authority.certify("x", key.public_key(), START),),
    "of another root": lambda _, __, key: (Issuer.root("示例根证书 R1", START).certify("x", key.public_key(), START),),
    "by its own word": lambda _, __, key: (self_signed(named("x"), key, 1),),
    "over": lambda root, _, key: (made(named("x"), key, root, days=-0.5),),
    "behind an authority that is over": lambda root, _, key: _behind(root, key, days=-0.5),
    "behind one who certifies nobody": lambda root, _, key: _behind(root, key, issues=False),
    "behind one of whom nothing is said": lambda root, _, key: _behind(root, key, bare=True),
    "too short": lambda root, _, __: (made(named("x"), generate_private_key(65537, 1024), root),),  # noqa: S505 - refused
    "of another kind of key": lambda root, _, __: (made(named("x"), curve_key(SECP256R1()), root),),
    "that may not sign": lambda root, _, key: (made(named("x"), key, root, extensions=(usage(signs=False),)),),
}


def usage(*, signs: bool, issues: bool = False) -> x509.KeyUsage:
    others = ("key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only", "crl_sign")
    no = dict.fromkeys(others, False)
    return x509.KeyUsage(digital_signature=signs, content_commitment=False, key_cert_sign=issues, **no)


def _behind(
    root: Issuer, key: RSAPrivateKey, *, days: float = 30, issues: bool = True, bare: bool = False
) -> tuple[x509.Certificate, ...]:
    said = (x509.BasicConstraints(ca=issues, path_length=None), usage(signs=False, issues=issues))
    between = made(named("between"), key, root, days=days, extensions=() if bare else said)
    return made(named("x"), key, Issuer(between, key)), between


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_lead_to_a_root_or_may_not_sign_is_refused(
    root: Issuer, authority: Issuer, theirs: RSAPrivateKey, name: str
) -> None:
    certificates = known(root)
    with pytest.raises(UnsafeKey):
        certificates.add(pems(*BAD[name](root, authority, theirs)))
    assert not certificates.verifies(b"x", rsa.sign(theirs, b"x"), "")


def test_a_chain_through_others_in_any_order_leads_to_a_root(root: Issuer, theirs: RSAPrivateKey) -> None:
    first = root.beneath("first", START)
    second = first.beneath("second", START)
    leaf = second.certify("x", theirs.public_key(), START)
    for others in ((first, second), (second, first)):
        assert known(root).add(pems(leaf, *(each.certificate for each in others))) == serial_of(leaf)


def test_each_changed_byte_of_a_certificate_is_refused(root: Issuer, theirs: RSAPrivateKey) -> None:
    good = pems(root.certify("x", theirs.public_key(), START))
    head, *body, foot = good.strip().split("\n")
    der = base64.b64decode("".join(body))
    for at in range(0, len(der), 7):
        changed = base64.b64encode(der[:at] + bytes([der[at] ^ 1]) + der[at + 1 :]).decode()
        with pytest.raises(UnsafeKey):
            known(root).add(f"{head}\n{changed}\n{foot}\n")


def test_what_is_downloaded_is_what_was_asked_for(root: Issuer, theirs: RSAPrivateKey) -> None:
    certificates, leaf = known(root), root.certify("x", theirs.public_key(), START)
    packed = base64.b64encode(pems(leaf).encode()).decode()
    for content, serial in ((packed, "0" * 32), ("%", serial_of(leaf)), (None, serial_of(leaf)), ("", serial_of(leaf))):
        with pytest.raises(UnsafeKey):
            certificates.add_download(content, serial)
    with pytest.raises(UnsafeKey):
        certificates.add_download(base64.b64encode(b"x" * 70_000).decode(), serial_of(leaf))
    certificates.add_download(packed, serial_of(leaf))
    assert certificates.knows(serial_of(leaf))
