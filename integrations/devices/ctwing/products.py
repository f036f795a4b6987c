"""What the fields of a CTWing product mean. The same name means different things for different products.

A product that is not here is stored with its measures and ``alarm_status`` as sent; it raises no alarm until its
maker's table stands here, because a guessed code would raise false fires or hide real ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Product:
    """``alarms``: field -> code -> the switches it stands for. ``fields``: further field -> our measure."""

    alarms: dict[str, dict[int, dict[str, bool]]] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)


PRODUCTS: Final[dict[str, Product]] = {
    "15014772": Product(fields={"TData": "temperature_c"}),  # NB-IoT smoke detector; its alarm codes are not published
    "15081413": Product(fields={"liquid_level": "liquid_level"}),
}
