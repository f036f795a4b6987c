"""SHA256 with RSA (PKCS #1 v1.5), base64: how WeChat Pay v3 and Alipay's RSA2 sign."""

from __future__ import annotations

import base64
import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

LEAST_BITS = 2048


class UnsafeKey(ValueError):
    """Not an RSA key, or one too short to trust."""


def sign(key: RSAPrivateKey, message: bytes) -> str:
    """The signature of ``message``, base64."""
    return base64.b64encode(key.sign(message, PKCS1v15(), SHA256())).decode()


def verifies(key: RSAPublicKey, message: bytes, signature: str) -> bool:
    """Whether ``signature`` (base64) is the key's of ``message``. Never raises, whatever the text."""
    try:
        key.verify(base64.b64decode(signature, validate=True), message, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def private_key(text: str) -> RSAPrivateKey:
    """A merchant's key: PEM, or the bare base64 DER (PKCS #1 or #8) that Alipay's tool makes. Raises UnsafeKey."""
    try:
        if "-----BEGIN" in text:
            key = load_pem_private_key(text.encode(), None)
        else:
            key = load_der_private_key(base64.b64decode("".join(text.split()), validate=True), None)
    except (ValueError, TypeError) as error:
        raise UnsafeKey("not a private key") from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < LEAST_BITS:
        raise UnsafeKey(f"not an RSA key of {LEAST_BITS} bits or more")
    return key


def public_key(text: str) -> RSAPublicKey:
    """A platform's key: a PEM certificate, a PEM public key, or its bare base64 body. Raises UnsafeKey."""
    if "-----BEGIN" not in text:
        text = f"-----BEGIN PUBLIC KEY-----\n{text.strip()}\n-----END PUBLIC KEY-----\n"
    try:
        key: object = (
            load_pem_x509_certificate(text.encode()).public_key()
            if "CERTIFICATE" in text
            else load_pem_public_key(text.encode())
        )
    except ValueError as error:
        raise UnsafeKey("not a public key") from error
    if not isinstance(key, RSAPublicKey) or key.key_size < LEAST_BITS:
        raise UnsafeKey(f"not an RSA key of {LEAST_BITS} bits or more")
    return key
