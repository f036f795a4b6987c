"""HTTP Digest (RFC 7616, and RFC 2069 as old firmware speaks it) and Basic, as devices use them towards us. Pure.

SHA-256 is offered first. MD5 is offered only where the site allows it and believed only of devices registered for it.
The ``-sess`` variants, SHA-512-256, ``auth-int`` and hashed user names are not offered, so what is said with them is
refused: no device needs them, and every further variant is one more thing to be downgraded to.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

from domain.security.devices.secrets import Algorithm

NONCE_SECONDS = 300
_MADE = re.compile(r"[0-9a-f]{1,12}")
LONGEST = 4096
"""Letters of a header that is read: several times what any device says."""
# Possessive and from the start of a word: else one long word is tried anew from each of its letters.
_PAIR = re.compile(r'\b(\w++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^\s,]+))')

_BY_NAME: dict[str, Algorithm] = {str(algorithm): algorithm for algorithm in Algorithm}

Mac = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class DigestAnswer:
    """The members of an ``Authorization: Digest`` header. ``algorithm``: None when it is none that we know.

    A header that names no algorithm means MD5 (RFC 7616 §3.3).
    """

    username: str
    nonce: str
    uri: str
    response: str
    qop: str
    nc: str
    cnonce: str
    algorithm: Algorithm | None


def basic(header: str) -> tuple[str, str] | None:
    """User name and password of an ``Authorization: Basic`` header; None when it is none."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        username, colon, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
    except ValueError:
        return None
    return (username, password) if colon else None


def digest(header: str) -> DigestAnswer | None:
    """The members of an ``Authorization: Digest`` header; None when it is none, lacks one or is too long."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "digest" or len(header) > LONGEST:
        return None
    said = {name.lower(): quoted or plain for name, quoted, plain in _PAIR.findall(rest)}
    if not {"username", "nonce", "uri", "response"} <= said.keys():
        return None
    return DigestAnswer(
        username=said["username"],
        nonce=said["nonce"],
        uri=said["uri"],
        response=said["response"].lower(),
        qop=said.get("qop", ""),
        nc=said.get("nc", ""),
        cnonce=said.get("cnonce", ""),
        algorithm=_BY_NAME.get(said.get("algorithm", Algorithm.MD5).upper()),
    )


def answers(said: DigestAnswer, *, method: str, path: str, ha1: str) -> bool:
    """Whether the response was made with the secret behind ``ha1`` for this method and this path (with its query).

    ``ha1`` is of the algorithm that is said.
    """
    if said.uri != path and not said.uri.endswith(path):
        return False
    if said.algorithm is None or said.qop not in ("", "auth"):
        return False
    ha2 = said.algorithm.of(f"{method}:{said.uri}")
    middle = f"{said.nonce}:{said.nc}:{said.cnonce}:{said.qop}" if said.qop else said.nonce
    return _same(said.algorithm.of(f"{ha1}:{middle}:{ha2}"), said.response)


def _same(right: str, said: str) -> bool:
    """Compared in constant time, whatever characters are said."""
    return hmac.compare_digest(right.encode(), said.encode())


def new_nonce(now: float, mac: Mac) -> str:
    """A nonce that says when it was made, signed, so that every API process accepts every other's."""
    made = f"{int(now):x}"
    return f"{made}.{mac(made).hex()}"


def nonce_holds(nonce: str, now: float, mac: Mac) -> bool:
    """Whether we made ``nonce`` within the last five minutes."""
    made, _, signature = nonce.partition(".")
    if not _MADE.fullmatch(made):
        return False
    return -5 <= now - int(made, 16) <= NONCE_SECONDS and _same(mac(made).hex(), signature)


def challenge(realm: str, nonce: str, *, algorithm: Algorithm = Algorithm.SHA256, stale: bool = False) -> str:
    """A ``WWW-Authenticate`` header."""
    said = f'Digest realm="{realm}", qop="auth", algorithm={algorithm}, nonce="{nonce}"'
    return said + (", stale=true" if stale else "")
