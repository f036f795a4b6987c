"""The toy endpoint as an application of its own process, for measurements: ``uvicorn --factory``."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from api.execution.limits import DEVELOPER
from tests.api.execution.serving import endpoint_of
from tests.api.execution.toy import Toy, schema


def app() -> Starlette:
    """A toy that lives as long as its process."""
    endpoint = endpoint_of(Toy(), schema, profile=DEVELOPER)
    return Starlette(routes=[Route("/graphql", endpoint), WebSocketRoute("/graphql", endpoint)])
