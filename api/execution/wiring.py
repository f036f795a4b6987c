"""What every transport of the endpoint works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import HTTPConnection

from api.execution.access import Authenticate, Connections, SignIn
from api.execution.engine import Engine, OperationContext
from api.execution.limits import Limits, Profile
from api.execution.standing import Standing
from domain.kernel.clock import Clock

MakeContext = Callable[[Any, HTTPConnection], OperationContext]
"""Makes the context of one operation (or of one rendered item) from what ``authenticate`` returned; opens nothing."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """The endpoint's parts."""

    engine: Engine
    authenticate: Authenticate
    make_context: MakeContext
    connections: Connections
    standing: Standing
    limits: Limits
    profile: Profile
    origins: frozenset[str]
    clock: Clock

    def seconds_left(self, sign_in: SignIn) -> float | None:
        """How long ``sign_in`` still holds; None without end."""
        if sign_in.expires_at is None:
            return None
        return max(0.0, (sign_in.expires_at - self.clock()).total_seconds())


def client_of(connection: HTTPConnection) -> str:
    """The caller's network address; "" when there is none."""
    return connection.client.host if connection.client else ""
