"""Alipay's certificate mode (公钥证书模式): the numbers by which certificates are named, and whose key is believed.

Source: Alipay Open Platform, "公钥证书签名", "alipay.open.app.alipaycert.download".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from datetime import datetime
from hashlib import md5
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    ExtensionNotFound,
    KeyUsage,
    load_pem_x509_certificates,
)

from domain.kernel.clock import Clock
from integrations.payments.rsa import LEAST_BITS, UnsafeKey, verifies

RSA_SIGNED: Final = "1.2.840.113549.1.1."
"""What signature algorithms with RSA begin with. Alipay's bundle of roots holds SM2 certificates too."""
LONGEST_CHAIN: Final = 5
MOST_BYTES: Final = 64 << 10
BROKEN: Final = (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm)
"""What certificates raise that are not in order."""


def serial_of(certificate: Certificate) -> str:
    """The number (证书序列号) by which Alipay names a certificate: of its issuer's name and serial.

    The name is written from its last part to its first (RFC 2253), the serial in decimals. MD5 names here, it does not
    protect: whoever is named is still verified.
    """
    text = f"{certificate.issuer.rfc4514_string()}{certificate.serial_number}"
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def root_serial(roots: Iterable[Certificate]) -> str:
    """The number of a bundle of roots: those of its RSA certificates, in their order, with "_" between them."""
    return "_".join(map(serial_of, filter(_signed_by_rsa, roots)))


def _signed_by_rsa(certificate: Certificate) -> bool:
    return certificate.signature_algorithm_oid.dotted_string.startswith(RSA_SIGNED)


def read_certificates(text: str) -> list[Certificate]:
    """The certificates of a PEM file, at least one. Raises UnsafeKey."""
    if len(text) > MOST_BYTES:
        raise UnsafeKey("not certificates: too large")
    try:
        return load_pem_x509_certificates(text.encode())
    except ValueError as error:
        raise UnsafeKey("not certificates") from error


class OneKey:
    """Alipay's one public key, of public-key mode. Implements ``Keys``."""

    def __init__(self, key: RSAPublicKey) -> None:
        self._key = key

    def verifies(self, message: bytes, signature: str, serial: str) -> bool:
        """Whether Alipay signed ``message``, whatever certificate it names."""
        return verifies(self._key, message, signature)


class Certificates:
    """Alipay's certificates that are believed: each leads to one of ``roots``. Implements ``Keys``.

    Shared by whatever talks to Alipay in a process: one that is added is known to all.
    """

    def __init__(self, roots: Iterable[Certificate], *, clock: Clock) -> None:
        self._roots = [root for root in roots if _signed_by_rsa(root)]
        self._clock = clock
        self._known: dict[str, tuple[Certificate, RSAPublicKey]] = {}
        if not self._roots:
            raise UnsafeKey("without a root certificate of RSA")

    @property
    def root_serial(self) -> str:
        """The number of the roots."""
        return root_serial(self._roots)

    def add(self, text: str) -> str:
        """Believe the first certificate of a PEM file, which the others lead to a root; its number.

        Raises UnsafeKey when it does not lead there now, may not sign, or has no RSA key of 2048 bits or more.
        """
        leaf, *others = read_certificates(text)
        if not self._leads_to_root(leaf, others):
            raise UnsafeKey("the certificate does not lead to a root")
        key = _signing_key(leaf)
        serial = serial_of(leaf)
        self._known[serial] = leaf, key
        return serial

    def add_download(self, content: object, serial: str) -> None:
        """Believe what Alipay answered when asked for the certificate ``serial``: a PEM file in base64.

        Raises UnsafeKey, also when it is another certificate.
        """
        try:
            text = base64.b64decode(str(content), validate=True).decode("ascii")
        except (binascii.Error, UnicodeDecodeError, ValueError) as error:
            raise UnsafeKey("not certificates") from error
        if serial_of(read_certificates(text)[0]) != serial:
            raise UnsafeKey("another certificate than asked for")
        self.add(text)

    def knows(self, serial: str) -> bool:
        """Whether an answer that names ``serial`` can be verified; one that names none is tried with every key."""
        return not serial or serial in self._known

    def verifies(self, message: bytes, signature: str, serial: str) -> bool:
        """Whether the certificate that is named, or else any that is believed, signed ``message`` and is in force."""
        now = self._clock()
        known = self._known.values() if not serial else filter(None, [self._known.get(serial)])
        return any(_in_force(leaf, now) and verifies(key, message, signature) for leaf, key in known)

    def _leads_to_root(self, certificate: Certificate, others: list[Certificate]) -> bool:
        """Whether each certificate is in force and signed by the next, which may sign others, up to a root."""
        now, above = self._clock(), certificate
        for _ in range(LONGEST_CHAIN):
            if not _in_force(above, now):
                return False
            if above in self._roots or any(_issued(above, root) and _in_force(root, now) for root in self._roots):
                return True
            issuer = next((each for each in others if _issued(above, each) and _may_issue(each)), None)
            if issuer is None:
                return False
            above = issuer
        return False


def _in_force(certificate: Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _issued(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except BROKEN:
        return False
    return True


def _may_issue(certificate: Certificate) -> bool:
    try:
        found = certificate.extensions
        constraints, usage = found.get_extension_for_class(BasicConstraints), found.get_extension_for_class(KeyUsage)
    except (ExtensionNotFound, *BROKEN):
        return False
    return constraints.value.ca and usage.value.key_cert_sign


def _signing_key(certificate: Certificate) -> RSAPublicKey:
    try:
        usage = certificate.extensions.get_extension_for_class(KeyUsage).value
        signs = usage.digital_signature or usage.content_commitment
    except ExtensionNotFound:
        signs = True
    except BROKEN as error:
        raise UnsafeKey("a certificate that is not in order") from error
    try:
        key = certificate.public_key()
    except BROKEN as error:
        raise UnsafeKey("a key of no kind that is known") from error
    if not signs or not isinstance(key, RSAPublicKey) or key.key_size < LEAST_BITS:
        raise UnsafeKey(f"not a certificate that signs with an RSA key of {LEAST_BITS} bits or more")
    return key
