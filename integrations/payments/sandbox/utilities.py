"""Suppliers of water and gas behind Alipay's gateway: bills of made account numbers, the same at every question.

An account is 14 digits that begin with 3300. It has one bill a month, for the month before; what it comes to follows
from the number. Those that end in 0 owe nothing, those that end in 9 are late.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import uuid4

from domain.kernel.money import yuan_of
from integrations.payments.alipay.signing import CHINA
from integrations.payments.sandbox.keys import CHARGE_INSTS

ACCOUNT: Final = re.compile(r"3300[0-9]{10}")
BILL_MODE: Final = "2"
LEAST_FEN, MOST_FEN, FINES_FEN = 1_850, 9_600, 125


def instbills(sub_biz_type: str, charge_inst: str, bill_key: str, now: datetime) -> dict[str, Any] | None:
    """What the query answers; None when the supplier does not know the account."""
    if CHARGE_INSTS.get(sub_biz_type) != charge_inst or not ACCOUNT.fullmatch(bill_key):
        return None
    month = f"{now.astimezone(CHINA).replace(day=1) - timedelta(days=1):%Y%m}"
    answer = uuid4().hex
    return {
        "biz_type": "JF",
        "sub_biz_type": sub_biz_type,
        "charge_inst": charge_inst,
        "bill_key": bill_key,
        "owner_name": "*例",
        "cache_key": f"utility_{answer}",
        "charge_mode": BILL_MODE,
        "inst_bills": [] if bill_key.endswith("0") else [_bill(charge_inst, bill_key, month, answer)],
    }


def _bill(charge_inst: str, bill_key: str, month: str, answer: str) -> dict[str, str]:
    number = sha256(f"{charge_inst} {bill_key} {month}".encode()).hexdigest()
    return {
        "amount": yuan_of(LEAST_FEN + int(number[:8], 16) % (MOST_FEN - LEAST_FEN)),
        "balance": "0.00",
        "bill_date": month,
        "bill_fines": yuan_of(FINES_FEN if bill_key.endswith("9") else 0),
        "bill_key": bill_key,
        "inst_bill_no": f"{charge_inst}{month}{number[:16].upper()}",
        "owner_name": "*例",
        "uniq_id": answer,
    }
