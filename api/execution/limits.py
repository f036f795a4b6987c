"""What one request, one socket and one document may ask for. Everything above is refused cheaply."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps of the GraphQL endpoint; sizes in bytes unless said, times in seconds.

    ``cost`` is the budget of a caller whose roles are not in ``budgets``; with several roles the largest counts.
    ``repeats``: how often one response name may stand in one selection set. Validation compares these pairwise, and
    ``fragments`` too: within these limits it needs some 30 ms for the worst document.
    ``json_values``: values in the body, members and items; each costs about as much as a field when it is coerced.
    """

    body_bytes: int = 1_000_000
    body_seconds: float = 10.0
    frame_bytes: int = 65_536
    json_depth: int = 40
    json_values: int = 2_000
    document_characters: int = 20_000
    tokens: int = 1_000
    depth: int = 12
    aliases: int = 15
    directives: int = 20
    fields: int = 250
    fragments: int = 30
    repeats: int = 20
    cost: int = 5_000
    budgets: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    errors: int = 5
    cached_documents: int = 512
    init_seconds: float = 10.0
    operations_per_socket: int = 100
    queue: int = 256
    send_seconds: float = 20.0
    farewell_seconds: float = 5.0
    heartbeat_seconds: float = 15.0
    recheck_seconds: float = 60.0

    @property
    def most_cost(self) -> int:
        """The largest budget anybody has."""
        return max((self.cost, *self.budgets.values()))

    def budget(self, roles: Collection[str]) -> int:
        """The cost one operation of a caller with ``roles`` may have."""
        return max((self.budgets[role] for role in roles if role in self.budgets), default=self.cost)


@dataclass(frozen=True, slots=True)
class Profile:
    """What the endpoint shows of itself: schema introspection, operations by GET."""

    name: str
    introspection: bool
    get: bool


DEVELOPER = Profile("developer", introspection=True, get=True)
PRODUCTION = Profile("production", introspection=False, get=False)
