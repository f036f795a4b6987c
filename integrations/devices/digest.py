"""HTTP Digest (RFC 7616, and RFC 2069 as old firmware speaks it) and Basic, as devices use them towards us. Pure.

MD5 is what the devices have; the secret behind it is random, and path secrets or Bearer stand beside it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

NONCE_SECONDS = 300
_MADE = re.compile(r"[0-9a-f]{1,12}")
_PAIR = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')

Mac = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class DigestAnswer:
    """The members of an ``Authorization: Digest`` header."""

    username: str
    nonce: str
    uri: str
    response: str
    qop: str
    nc: str
    cnonce: str


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
    """The members of an ``Authorization: Digest`` header; None when it is none or lacks one."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "digest":
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
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def answers(said: DigestAnswer, *, method: str, path: str, ha1: str) -> bool:
    """Whether the response was made with the secret behind ``ha1`` for this method and this path (with its query)."""
    if said.uri != path and not said.uri.endswith(path):
        return False
    ha2 = _md5(f"{method}:{said.uri}")
    middle = f"{said.nonce}:{said.nc}:{said.cnonce}:{said.qop}" if said.qop else said.nonce
    if said.qop not in ("", "auth"):
        return False
    return _same(_md5(f"{ha1}:{middle}:{ha2}"), said.response)


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


def challenge(realm: str, nonce: str, *, stale: bool = False) -> str:
    """The ``WWW-Authenticate`` header."""
    return f'Digest realm="{realm}", qop="auth", algorithm=MD5, nonce="{nonce}"' + (", stale=true" if stale else "")
