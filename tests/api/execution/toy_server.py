"""The toy endpoint as an application of its own process, for measurements: ``uvicorn --factory``."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from api.execution.limits import DEVELOPER
from domain.kernel.uow import News
from tests.api.execution.serving import endpoint_of
from tests.api.execution.toy import Toy, schema


def app() -> Starlette:
    """A toy whose log tells the hub of news at once."""
    toy = Toy()
    add = toy.log.add
    news = News(topics=frozenset({"toys"}))

    def adding(*args: object, **options: object) -> object:
        item = add(*args, **options)  # type: ignore[arg-type]
        toy.hub.on_news(news)
        return item

    toy.log.add = adding  # type: ignore[method-assign,assignment]
    endpoint = endpoint_of(toy, schema, profile=DEVELOPER)
    return Starlette(routes=[Route("/graphql", endpoint), WebSocketRoute("/graphql", endpoint)])
