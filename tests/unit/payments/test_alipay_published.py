"""Alipay's own notification: a real one of 2019, which Alipay publishes for readers of notifications to be tried on.

Source: ``test/alipay.test.ts`` of alipay/alipay-sdk-nodejs-all (MIT), "checkNotifySign".
"""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from integrations.payments import rsa
from integrations.payments.alipay.certificates import OneKey
from integrations.payments.alipay.signing import Unverified, notified

KEY = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAqObrdC7hrgAVM98tK0nv3hSQRGGKT4lBsQjHiGjeYZjOPIPHR5knm2jnnz/YGIXIofVH"
    "kA/tAlBAd5DrY7YpvI4tP5EONLtZKC2ghBMx7McI2wRD0xiqzxOQr1FuhZGJ8/AUokBzJrzY+aGX2xcOrxFYRlFilvVLTXg4LWjR1tdPkO6+i7wQ"
    "ZAIVMClPkwVRZEbaERRHlKqTzv2gGv5rDU8gRoe1LeaN+6BlbTqHWkQcNCUNrA8C6l17XAXGKDsm/9TFWwO8EPHHHCaQdjtV5/FdcWIt+L8SR1ss"
    "7EXTjYDFtxcKVv9rEoY1lX8T4mX+GbXfZHraG5NCF1+XioL5JwIDAQAB"
)
SIGN = (
    "QfTb8tqE1BMhS5qAnXtvsF3/jBkEvu9q9en0pdbBUDDjvKycZhQb7h8GDs4FKfi049PynaNuatxSgLb/nLWZpXyyh0LEWdK2S6Ri7nPwrVgOs08z"
    "ugLO20vOQz44y3ti2Ncm8/wZts1Fr2gZ7pShnVX3d1B50hbsXnObT1r/U8ONNQjWXd0HIul4TG+Q3fm3svmSvFEy0WnzuhcyHPX5Gm4ELNctL6Qd"
    "5YniGJFNcc7kopHYtI/XD9YCKCH6Ct02rzUs9i11C9CsadtZn+WhxF26Dqt9sGEFajkJ8cxUTLi8+VCpLHsgPE8P0y095uQcDdK0YjCh4x7wVSov"
    "+lrmOQ=="
)
SAID = {
    "gmt_create": "2019-08-15 15:56:22",
    "charset": "utf-8",
    "seller_email": "z97-yuquerevenue@service.aliyun.com",
    "subject": "语雀空间 500人规模",
    "buyer_id": "2088102534368455",
    "invoice_amount": "0.10",
    "notify_id": "2019081500222155624068450559358070",
    "fund_bill_list": '[{"amount":"0.10","fundChannel":"ALIPAYACCOUNT"}]',
    "notify_type": "trade_status_sync",
    "trade_status": "TRADE_SUCCESS",
    "receipt_amount": "0.10",
    "buyer_pay_amount": "0.10",
    "app_id": "2019073166072302",
    "seller_id": "2088531891668739",
    "gmt_payment": "2019-08-15 15:56:24",
    "notify_time": "2019-08-15 15:56:25",
    "version": "1.0",
    "out_trade_no": "20190815155618536-564-57",
    "total_amount": "0.10",
    "trade_no": "2019081522001468450512505578",
    "auth_app_id": "2019073166072302",
    "buyer_logon_id": "xud***@126.com",
    "point_amount": "0.00",
}


@pytest.fixture(scope="module")
def alipay() -> RSAPublicKey:
    return rsa.public_key(KEY)


def body(**changed: str) -> bytes:
    return urlencode(SAID | {"sign": SIGN, "sign_type": "RSA2"} | changed).encode()


def test_the_published_notification_verifies(alipay: RSAPublicKey) -> None:
    assert notified(OneKey(alipay), body()) == SAID


@pytest.mark.parametrize("name", sorted(SAID))
def test_with_any_of_its_parameters_changed_it_does_not(alipay: RSAPublicKey, name: str) -> None:
    with pytest.raises(Unverified):
        notified(OneKey(alipay), body(**{name: SAID[name] + "0"}))


def test_its_nested_json_written_anew_does_not_verify(alipay: RSAPublicKey) -> None:
    with pytest.raises(Unverified):
        notified(OneKey(alipay), body(fund_bill_list='[{"amount": "0.10", "fundChannel": "ALIPAYACCOUNT"}]'))
