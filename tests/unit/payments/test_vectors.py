"""The published vectors and the real bill, where they are at hand."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from integrations.payments import rsa
from integrations.payments.wechat.bill import read_bill
from integrations.payments.wechat.notification import opened, unsealed
from integrations.payments.wechat.signing import Platform, Unverified

FOLDER = Path(__file__).parents[4] / "shared" / "vectors"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the vectors are not here")


def test_the_published_notification_verifies_and_opens_and_no_changed_byte_does() -> None:
    said = orjson.loads((FOLDER / "wechatpay_v3.json").read_bytes())["notify"]
    headers = {name.lower(): value for name, value in said["headers"].items()}
    body, now = said["body"].encode(), datetime.fromtimestamp(int(said["now"]), UTC)
    platform = Platform({headers["wechatpay-serial"]: rsa.public_key(said["certificate_pem"])})

    platform.verify(headers, body, now=now)

    assert opened(body, said["apiv3_key_16_bytes"].encode()).id == orjson.loads(body)["id"]
    for at in range(0, len(body), 7):
        with pytest.raises(Unverified):
            platform.verify(headers, body[:at] + bytes([body[at] ^ 4]) + body[at + 1 :], now=now)


def test_the_published_signer_and_seal_agree_with_ours() -> None:
    said = orjson.loads((FOLDER / "wechatpay_v3.json").read_bytes())
    signer, seal = said["sign"], said["aes"]
    assert rsa.sign(rsa.private_key(signer["private_key_pem"]), signer["message"].encode()) == signer["signature"]
    assert base64.b64decode(seal["ciphertext"])
    assert unsealed(seal["key"].encode(), seal["nonce"], seal["aad"], seal["ciphertext"]) == seal["plaintext"].encode()


def test_the_real_bill_adds_up_to_its_own_totals() -> None:
    read = read_bill((FOLDER / "wechat_bill.ALL.csv").read_bytes())
    assert (len(read.rows), read.total, read.refunded, str(read.fee)) == (45, 47, 14, "0.08")
