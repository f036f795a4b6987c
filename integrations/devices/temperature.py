"""Body temperatures: Celsius; 0, -1 and absent mean "not measured"; outside 20 to 45 °C is no body's."""

from __future__ import annotations

from typing import Any, Final

from integrations.devices.fields import number

COLDEST: Final = 20.0
HOTTEST: Final = 45.0
_NOT_MEASURED: Final = (0.0, -1.0)


def body_temperature(value: object, unit: str | None = None) -> dict[str, Any]:
    """``temperature_c``, or ``temperature_rejected`` when a value was sent that no body has, or nothing.

    unit: celsius (also when None), fahrenheit or kelvin, as the device names it.
    """
    sent = number(value)
    if sent is None or sent in _NOT_MEASURED:
        return {}
    scale = (unit or "celsius").strip().lower()
    if scale.startswith("f"):
        sent = (sent - 32) / 1.8
    elif scale.startswith("k"):
        sent -= 273.15
    celsius = round(sent, 2)
    return {"temperature_c": celsius} if COLDEST <= celsius <= HOTTEST else {"temperature_rejected": True}
