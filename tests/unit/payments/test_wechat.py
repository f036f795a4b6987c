"""WeChat Pay v3: what is signed, what is refused, what a notification holds."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from integrations.payments import rsa
from integrations.payments.wechat.notification import Unreadable, opened
from integrations.payments.wechat.signing import Merchant, Platform, Unverified

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
API_KEY = b"0123456789abcdef0123456789abcdef"
SERIAL = "PUB_KEY_ID_0000000000000000000000000001"


def headers_of(key: RSAPrivateKey, body: bytes, at: datetime = NOW) -> dict[str, str]:
    stamp, nonce = str(int(at.timestamp())), "wishing-well-7"
    return {
        "wechatpay-timestamp": stamp,
        "wechatpay-nonce": nonce,
        "wechatpay-serial": SERIAL,
        "wechatpay-signature": rsa.sign(key, f"{stamp}\n{nonce}\n".encode() + body + b"\n"),
    }


@pytest.fixture
def platform(theirs: RSAPrivateKey) -> Platform:
    return Platform({SERIAL: theirs.public_key()})


def test_a_request_is_signed_over_the_bytes_that_are_sent(ours: RSAPrivateKey) -> None:
    body = '{"description":"物业费","out_trade_no":"A-1"}'.encode()
    merchant = Merchant("1900000109", "5157F09EFDC096DE15EBE81A47057A72", ours)

    said = merchant.authorization("POST", "/v3/pay/transactions/native?x=1", body, now=NOW, nonce="n1")

    scheme, _, rest = said.partition(" ")
    parts = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    assert scheme == "WECHATPAY2-SHA256-RSA2048"
    assert (parts["mchid"], parts["nonce_str"], parts["timestamp"]) == ("1900000109", "n1", "1772352000")
    signed = b"POST\n/v3/pay/transactions/native?x=1\n1772352000\nn1\n" + body + b"\n"
    assert rsa.verifies(ours.public_key(), signed, parts["signature"])
    assert not rsa.verifies(ours.public_key(), signed.replace("物".encode(), rb"\u7269"), parts["signature"])


def test_jsapi_signs_the_package_and_the_app_the_bare_prepay_id(ours: RSAPrivateKey) -> None:
    merchant, key = Merchant("1900000109", "S", ours), ours.public_key()

    page = merchant.jsapi("wx1", "wx_p_1", now=NOW, nonce="n")
    app = merchant.app("wx1", "wx_p_1", now=NOW, nonce="n")

    assert page["package"] == "prepay_id=wx_p_1"
    assert rsa.verifies(key, b"wx1\n1772352000\nn\nprepay_id=wx_p_1\n", page["paySign"])
    assert app["package"] == "Sign=WXPay"
    assert rsa.verifies(key, b"wx1\n1772352000\nn\nwx_p_1\n", app["sign"])


@pytest.mark.parametrize("body", [b'{"a":1}', b"", '{"名":"物业"}'.encode()])
def test_what_the_platform_signed_is_believed(platform: Platform, theirs: RSAPrivateKey, body: bytes) -> None:
    platform.verify(headers_of(theirs, body), body, now=NOW)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("wechatpay-timestamp", "1772352001"),
        ("wechatpay-timestamp", ""),
        ("wechatpay-timestamp", "soon"),
        ("wechatpay-timestamp", "9" * 40),
        ("wechatpay-nonce", "wishing-well-8"),
        ("wechatpay-serial", "PUB_KEY_ID_2"),
        ("wechatpay-serial", ""),
        ("wechatpay-signature", ""),
        ("wechatpay-signature", "!"),
        ("wechatpay-signature", base64.b64encode(bytes(256)).decode()),
    ],
)
def test_another_header_is_refused(platform: Platform, theirs: RSAPrivateKey, name: str, value: str) -> None:
    body = b'{"id":"1"}'
    with pytest.raises(Unverified):
        platform.verify(headers_of(theirs, body) | {name: value}, body, now=NOW)


@pytest.mark.parametrize("at", range(10))
def test_a_changed_byte_of_the_body_is_refused(platform: Platform, theirs: RSAPrivateKey, at: int) -> None:
    body = b'{"id":"1"}'
    changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
    with pytest.raises(Unverified):
        platform.verify(headers_of(theirs, body), changed, now=NOW)


@pytest.mark.parametrize("seconds", [300, -300, 86_400])
def test_stale_and_early_messages_are_refused(platform: Platform, theirs: RSAPrivateKey, seconds: int) -> None:
    said = headers_of(theirs, b"{}", NOW - timedelta(seconds=seconds))
    with pytest.raises(Unverified, match="five minutes"):
        platform.verify(said, b"{}", now=NOW)
    platform.verify(said, b"{}", now=NOW - timedelta(seconds=seconds * 299 // 300))


def test_our_own_signature_is_not_theirs(platform: Platform, ours: RSAPrivateKey) -> None:
    with pytest.raises(Unverified):
        platform.verify(headers_of(ours, b"{}"), b"{}", now=NOW)


def envelope(plain: bytes, *, key: bytes = API_KEY, associated: str = "transaction") -> dict[str, object]:
    nonce = "0123456789ab"
    sealed = base64.b64encode(AESGCM(key).encrypt(nonce.encode(), plain, associated.encode())).decode()
    resource = {"algorithm": "AEAD_AES_256_GCM", "ciphertext": sealed, "nonce": nonce, "associated_data": associated}
    said = {"id": "EV-1", "event_type": "TRANSACTION.SUCCESS", "resource_type": "encrypt-resource"}
    return said | {"resource": resource}


@pytest.mark.parametrize("associated", ["transaction", ""])
def test_a_notification_opens(associated: str) -> None:
    told = opened(orjson.dumps(envelope(b'{"out_trade_no":"A-1"}', associated=associated)), API_KEY)
    assert (told.id, told.event_type, told.resource) == ("EV-1", "TRANSACTION.SUCCESS", {"out_trade_no": "A-1"})
    assert "A-1" not in repr(told)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"id":"1"}',
        b'{"id":"1","resource":null}',
        orjson.dumps(envelope(b"{}") | {"resource": {"ciphertext": "!", "nonce": "0123456789ab"}}),
        orjson.dumps(envelope(b"{}") | {"resource": {"ciphertext": "AAAA", "nonce": "short"}}),
        orjson.dumps(envelope(b"{}", key=b"f" * 32)),
        orjson.dumps(envelope(b"not json")),
        orjson.dumps(envelope(b"[1]")),
    ],
)
def test_what_is_no_notification_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        opened(body, API_KEY)


def test_keys_come_as_pem_certificate_or_bare_body_and_short_ones_are_refused(ours: RSAPrivateKey) -> None:
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    pem = ours.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    bare = "".join(pem.splitlines()[1:-1])
    assert rsa.public_key(pem) == rsa.public_key(bare) == ours.public_key()
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        own = ours.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
        der = base64.b64encode(ours.private_bytes(Encoding.DER, form, NoEncryption())).decode()
        assert (
            rsa.private_key(own).private_numbers() == rsa.private_key(der).private_numbers() == ours.private_numbers()
        )
    short = generate_private_key(65537, 1024).public_key()  # noqa: S505 - to be refused
    for text in ("", "nonsense", short.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()):
        with pytest.raises(rsa.UnsafeKey):
            rsa.public_key(text)
        with pytest.raises(rsa.UnsafeKey):
            rsa.private_key(text)
