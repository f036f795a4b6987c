"""What a Hikvision device is answered. With ``remoteCheck`` a door waits for the answer: it is told to stay shut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from domain.security.devices.observation import Observation, Record


def reply(records: Sequence[Record]) -> tuple[int, str, bytes]:
    """200 with an empty body, or the refusal of the remote check of the last record that asks for one."""
    for record in reversed(records):
        if isinstance(record, Observation) and record.attributes.get("remote_check"):
            answer: dict[str, Any] = {"checkResult": "failed"}
            if record.serial is not None:
                answer = {"serialNo": record.serial, **answer}
            return 200, "application/json", orjson.dumps({"RemoteCheck": answer})
    return 200, "text/plain", b""
