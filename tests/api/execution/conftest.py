"""A toy and an endpoint that serves it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from api.execution.limits import DEVELOPER, Limits
from tests.api.execution.serving import endpoint_of, serving
from tests.api.execution.toy import Toy, schema


@pytest.fixture
def toy() -> Toy:
    return Toy()


@pytest.fixture
async def host(toy: Toy) -> AsyncIterator[str]:
    """``host:port`` of the toy on the developer profile, with a short heartbeat."""
    limits = Limits(heartbeat_seconds=0.1)
    async with serving(endpoint_of(toy, schema, limits=limits, profile=DEVELOPER)) as address:
        yield address
    await toy.hub.close()
