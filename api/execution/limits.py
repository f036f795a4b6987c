"""What one request, one socket and one document may ask for. Everything above is refused cheaply."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from domain.kernel.actor import Role


@dataclass(frozen=True, slots=True)
class Rate:
    """What may be spent: ``burst`` at once, of which ``per_second`` comes back. A field of a result costs about one."""

    per_second: float
    burst: float


COST = 5_000
# Role -> what one operation may cost.
BUDGETS: Mapping[str, int] = MappingProxyType(
    {
        "anonymous": 500,
        "guest": 500,
        Role.TOWN_OPERATOR: 10_000,
        Role.COUNTY_OPERATOR: 10_000,
    }
)
RATE = Rate(200, 12_000)
STAFF_RATE, OPERATOR_RATE = Rate(1_000, 60_000), Rate(2_000, 120_000)
# Role -> what all operations of an account may cost; of an address for the anonymous, who may be many behind one.
RATES: Mapping[str, Rate] = MappingProxyType(
    {
        "anonymous": Rate(50, 3_000),
        "guest": Rate(50, 3_000),
        Role.SERVICE_WORKER: RATE,
        Role.PROPERTY_STAFF: STAFF_RATE,
        Role.PROPERTY_MANAGER: STAFF_RATE,
        Role.COMMUNITY_POLICE: STAFF_RATE,
        Role.TOWN_OPERATOR: OPERATOR_RATE,
        Role.COUNTY_OPERATOR: OPERATOR_RATE,
    }
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps of the GraphQL endpoint; sizes in bytes unless said, times in seconds.

    ``cost`` is the budget of a caller whose roles are not in ``budgets``, ``rate_else`` the rate of one whose are not
    in ``rates``; with several roles the largest counts. A text that has to be read costs one for ``read_characters``.
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
    cost: int = COST
    budgets: Mapping[str, int] = field(default_factory=lambda: BUDGETS)
    rate_else: Rate = RATE
    rates: Mapping[str, Rate] = field(default_factory=lambda: RATES)
    read_characters: int = 100
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
        return max((self.budgets.get(role, self.cost) for role in roles), default=self.cost)

    def rate(self, roles: Collection[str]) -> Rate:
        """What a caller with ``roles`` may spend."""
        found = (self.rates.get(role, self.rate_else) for role in roles)
        return max(found, key=lambda rate: rate.burst, default=self.rate_else)


@dataclass(frozen=True, slots=True)
class Profile:
    """What the endpoint shows of itself: schema introspection, operations by GET."""

    name: str
    introspection: bool
    get: bool


DEVELOPER = Profile("developer", introspection=True, get=True)
PRODUCTION = Profile("production", introspection=False, get=False)
