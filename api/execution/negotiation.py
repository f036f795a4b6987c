"""Which media type answers an ``Accept`` header (RFC 9110 §12.5.1 with q-values)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

RESPONSE_JSON = "application/graphql-response+json"
JSON = "application/json"
EVENT_STREAM = "text/event-stream"
HTML = "text/html"


@dataclass(frozen=True, slots=True)
class Offer:
    """What the caller accepts: media ranges with their weights, 0 to 1."""

    ranges: tuple[tuple[str, float], ...]

    def weight(self, media_type: str) -> float:
        """How much ``media_type`` is wanted: by its own name, else its family, else ``*/*``; 0 is not at all."""
        weights = dict(self.ranges)
        family = media_type.partition("/")[0] + "/*"
        for name in (media_type, family, "*/*"):
            if name in weights:
                return weights[name]
        return 0.0

    def names(self, media_type: str) -> bool:
        """Whether ``media_type`` is named as such and wanted."""
        return any(name == media_type and weight > 0 for name, weight in self.ranges)

    @property
    def document(self) -> str | None:
        """The media type of a single response, or None when none of ours is accepted."""
        if not self.ranges:
            return JSON
        new, old = self.weight(RESPONSE_JSON), self.weight(JSON)
        if new <= 0 and old <= 0:
            return None
        if new > old or (new == old and self.names(RESPONSE_JSON)):
            return RESPONSE_JSON
        return JSON

    @property
    def stream(self) -> bool:
        """Whether an event stream is asked for: named, and no ``application/*`` type is offered beside it.

        Clients that can read several kinds of answer list them all; they get a single response.
        """
        return self.names(EVENT_STREAM) and not any(
            name.startswith("application/") and weight > 0 for name, weight in self.ranges
        )


@lru_cache(maxsize=256)
def read_accept(header: str) -> Offer:
    """The offer in an ``Accept`` header; members that cannot be read are passed over."""
    ranges: list[tuple[str, float]] = []
    for member in header[:2_000].split(","):
        name, *parameters = (part.strip().lower() for part in member.split(";"))
        if "/" not in name:
            continue
        weight = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                try:
                    weight = min(1.0, max(0.0, float(value)))
                except ValueError:
                    weight = 0.0
        ranges.append((name, weight))
    return Offer(tuple(ranges))
