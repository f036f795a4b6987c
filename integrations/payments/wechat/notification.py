"""Notifications of WeChat Pay v3: a signed envelope around a sealed resource (AES-256-GCM under the APIv3 key)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ALGORITHM = "AEAD_AES_256_GCM"


class Unreadable(ValueError):
    """Signed, but not a notification of this form or not sealed under this key."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One notification. ``id`` is the same for every delivery of it; resource: opened, as WeChat Pay wrote it."""

    id: str
    event_type: str
    resource_type: str
    resource: dict[str, Any] = field(repr=False)


def opened(body: bytes, api_key: bytes) -> Notification:
    """The notification in a verified ``body``. Raises Unreadable."""
    try:
        said = orjson.loads(body)
        sealed = said["resource"]
        plain = unsealed(api_key, sealed["nonce"], sealed.get("associated_data") or "", sealed["ciphertext"])
        resource = orjson.loads(plain)
        told = Notification(str(said["id"]), str(said["event_type"]), str(said["resource_type"]), resource)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable("not a notification") from error
    if sealed.get("algorithm", ALGORITHM) != ALGORITHM or not isinstance(resource, dict):
        raise Unreadable("not sealed as agreed")
    return told


def unsealed(key: bytes, nonce: str, associated: str, ciphertext: str) -> bytes:
    """Open a sealed value; ``ciphertext`` is base64 with the tag behind it. Raises Unreadable.

    The key's length is not checked here but where it is configured (32 bytes): published vectors have 16.
    """
    try:
        return AESGCM(key).decrypt(nonce.encode(), base64.b64decode(ciphertext, validate=True), associated.encode())
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise Unreadable("not sealed under this key") from error
