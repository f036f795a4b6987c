"""Alipay's RSA2: sorted parameters out, raw substrings and forms in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from integrations.payments import rsa
from integrations.payments.alipay.certificates import OneKey
from integrations.payments.alipay.signing import Merchant, Unverified, answered, notified

NOW = datetime(2026, 3, 1, 17, tzinfo=UTC)
METHOD = "alipay.trade.query"


def test_all_parameters_but_the_signature_are_signed_in_order(ours: RSAPrivateKey) -> None:
    said = Merchant("2021000000000001", ours).signed(
        METHOD, {"out_trade_no": "A-1", "subject": "物业费"}, now=NOW, notify_url="https://zhian.test/n", return_url=""
    )
    assert said["timestamp"] == "2026-03-02 01:00:00"  # Shanghai's, whatever the server's zone
    assert said["biz_content"] == '{"out_trade_no":"A-1","subject":"物业费"}'
    assert "return_url" not in said
    signature = said.pop("sign")
    text = "&".join(f"{name}={value}" for name, value in sorted(said.items()))
    assert rsa.verifies(ours.public_key(), text.encode(), signature)


def answer(key: RSAPrivateKey, raw: str, *, first: bool = False, name: str = "alipay_trade_query_response") -> str:
    signature = json.dumps(rsa.sign(key, raw.encode()))
    member, sign = f'"{name}":{raw}', f'"sign":{signature}'
    return "{" + (f"{sign},{member}" if first else f"{member},{sign}") + "}"


RAW = r'{"code":"10000","msg":"Success","subject":"物业\/费","note":"\"sign\":\"x\"}"}'


@pytest.mark.parametrize("first", [False, True])
def test_an_answer_is_verified_as_it_was_written(theirs: RSAPrivateKey, first: bool) -> None:
    said = answered(OneKey(theirs.public_key()), answer(theirs, RAW, first=first), METHOD)
    assert said["subject"] == "物业/费"


def test_an_error_answer_is_verified_too(theirs: RSAPrivateKey) -> None:
    body = answer(theirs, '{"code":"40004","sub_code":"ACQ.TRADE_NOT_EXIST"}', name="error_response")
    assert answered(OneKey(theirs.public_key()), body, METHOD)["code"] == "40004"


def test_a_changed_or_foreign_answer_is_refused(theirs: RSAPrivateKey, ours: RSAPrivateKey) -> None:
    good, key = answer(theirs, RAW), OneKey(theirs.public_key())
    name = '"alipay_trade_query_response":'
    for body in (
        good.replace("10000", "10001"),
        good.replace(r"\/", "/"),
        answer(ours, RAW),
        answer(theirs, RAW, name="alipay_trade_pay_response"),
        "{" + f'{name}{{"code":"10000"}},' + good[1:],
        '{"other":' + good + f',"sign":{json.loads(good)["sign"]!r}' + "}",
        json.dumps({"sign": 1, "alipay_trade_query_response": {}}),
        "[]",
        "",
        "{}",
    ):
        with pytest.raises(Unverified):
            answered(key, body, METHOD)


def form(key: RSAPrivateKey, **said: str) -> dict[str, str]:
    text = "&".join(f"{name}={value}" for name, value in sorted(said.items()) if value)
    return {**said, "sign": rsa.sign(key, text.encode()), "sign_type": "RSA2"}


SAID = {
    "app_id": "2021000000000001",
    "out_trade_no": "A-1",
    "total_amount": "12.30",
    "fund_bill_list": '[{"amount":"12.30","fundChannel":"ALIPAYACCOUNT"}]',
    "subject": "物业费 +&=",
    "empty": "",
}


def test_a_notification_is_verified_and_its_nested_json_stays_text(theirs: RSAPrivateKey) -> None:
    told = notified(OneKey(theirs.public_key()), urlencode(form(theirs, **SAID)).encode())
    assert told == SAID


@pytest.mark.parametrize("name", ["app_id", "out_trade_no", "total_amount", "fund_bill_list", "subject", "sign"])
def test_each_changed_parameter_is_refused(theirs: RSAPrivateKey, name: str) -> None:
    said = form(theirs, **SAID)
    with pytest.raises(Unverified):
        notified(OneKey(theirs.public_key()), urlencode(said | {name: said[name] + "0"}).encode())
    with pytest.raises(Unverified):
        notified(OneKey(theirs.public_key()), urlencode({n: v for n, v in said.items() if n != name}).encode())


def test_added_doubled_and_otherwise_signed_parameters_are_refused(theirs: RSAPrivateKey) -> None:
    good = urlencode(form(theirs, **SAID))
    for body in (good + "&extra=1", good + "&out_trade_no=A-1", good.replace("RSA2", "RSA"), "", "%ff=1", "a"):
        with pytest.raises(Unverified):
            notified(OneKey(theirs.public_key()), body.encode())
