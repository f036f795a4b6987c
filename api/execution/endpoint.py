"""The one ASGI application of ``/graphql``."""

from __future__ import annotations

from collections.abc import Collection

from starlette.types import Receive, Scope, Send
from strawberry import Schema

from api.execution.access import Authenticate, Connections
from api.execution.admission import Registry
from api.execution.engine import Charge, Engine
from api.execution.http import Exchange, ShowPage
from api.execution.limits import PRODUCTION, Limits, Profile
from api.execution.results import FormatError, mask_error
from api.execution.standing import Standing
from api.execution.websocket import Socket
from api.execution.wiring import MakeContext, Wiring
from domain.kernel.clock import Clock, system_clock


class GraphQLEndpoint:
    """Serves a schema over HTTP, graphql-transport-ws and event streams.

    Mount it for both kinds of connection: ``Route("/graphql", endpoint)`` and ``WebSocketRoute("/graphql", endpoint)``,
    under uvicorn with ``uvicorn_settings``. ``page`` is shown to browsers that ask for HTML. ``origins``: pages other
    than our own host's that may open a WebSocket. ``registry``: the trusted documents; with ``only_registered`` no
    others are run.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        authenticate: Authenticate,
        make_context: MakeContext,
        limits: Limits | None = None,
        profile: Profile = PRODUCTION,
        format_error: FormatError = mask_error,
        charge: Charge | None = None,
        registry: Registry | None = None,
        only_registered: bool = False,
        origins: Collection[str] = (),
        page: ShowPage | None = None,
        clock: Clock = system_clock,
    ) -> None:
        limits = limits or Limits()
        self._page = page
        self._connections = Connections(
            authenticate, send_seconds=limits.send_seconds, recheck_seconds=limits.recheck_seconds
        )
        engine = Engine(
            schema,
            limits=limits,
            profile=profile,
            format_error=format_error,
            charge=charge,
            registry=registry,
            only_registered=only_registered,
        )
        self._wiring = Wiring(
            engine=engine,
            authenticate=authenticate,
            make_context=make_context,
            connections=self._connections,
            standing=Standing(engine.admission.still_runs, recheck_seconds=limits.recheck_seconds),
            limits=limits,
            profile=profile,
            origins=frozenset(origins),
            clock=clock,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await Socket(self._wiring, scope, receive, send).run()
        else:
            await Exchange(self._wiring, self._page, scope, receive, send).run()

    @property
    def open_connections(self) -> int:
        """Signed-in WebSockets and event streams, for metrics."""
        return len(self._connections)

    @property
    def documents_refused(self) -> int:
        """Requests refused because no trusted document was named or sent, for metrics."""
        return self._wiring.engine.admission.refused

    def access_changed(self, accounts: frozenset[int]) -> None:
        """Sessions or roles of ``accounts`` changed: check their open connections now; everybody's when empty."""
        self._connections.access_changed(accounts)

    def documents_changed(self) -> None:
        """Documents were registered or retired: end the subscriptions of those that are registered no longer."""
        self._wiring.standing.changed()
