"""The HTTP application: GraphQL, device pushes, keys and operations, on services made elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.routing import Route, WebSocketRoute

from api.auth import Authenticator, Identity
from api.charging import Charging, neighbourhood
from api.community.bills.files import BillFiles
from api.community.payments.callbacks import PaymentCallbacks
from api.community.payments.intake import NoticeIntake
from api.community.uploads.routes import Uploads
from api.context import Context, make_context
from api.device_access import NOT_ALLOWED, DeviceAccess
from api.devices import DevicePush, PushFirst
from api.errors import format_error
from api.execution.access import Credentials
from api.execution.endpoint import GraphQLEndpoint
from api.execution.limits import DEVELOPER, PRODUCTION, Limits
from api.execution.wiring import client_of
from api.feeds import FeedServices, feed_hub
from api.identity.jwks import jwks_route
from api.operations import Operations
from api.page import Page
from api.protection import Protection, not_served
from api.requests import RequestId, request_id_of
from api.schema import build_schema
from api.security.pictures import picture_endpoint
from api.trusted import TrustedDocuments
from api.webhooks import Callbacks
from domain.kernel.documents import TOPIC as DOCUMENTS
from domain.kernel.uow import News
from domain.security.devices.secrets import WeakWay
from integrations.bootstrap import Services


def create_app(services: Services) -> Starlette:
    """The application of one API process."""
    database, settings = services.database, services.settings
    authenticator = Authenticator(database, services.tokens, second_factor=settings.second_factor)
    hub = feed_hub(services)
    page = Page(settings.graphiql_dir) if settings.profile == "developer" else None
    trusted = TrustedDocuments(database)
    charging = Charging(services.spending, services.vault, Limits(), factor=settings.rate_factor)
    graphql = _endpoint(services, FeedServices(services, hub), authenticator, trusted, charging, page)
    access = DeviceAccess(services.directory, services.vault, weak=settings.weak_device_auth)
    push = DevicePush(access, services.intake)
    operations = Operations(database, live=lambda: _live(graphql, hub.members(), services, charging, access))

    def on_news(news: News) -> None:
        hub.on_news(news)
        if "access" in news.topics:
            authenticator.forget(news.accounts)
            graphql.access_changed(news.accounts)
        if DOCUMENTS in news.topics:
            trusted.forget()
            graphql.documents_changed()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        with services.hear(on_news):
            yield
            await hub.close()

    routes = [
        Route("/graphql", graphql, methods=None),
        WebSocketRoute("/graphql", graphql),
        *push.routes(),
        *Callbacks(database, services.callbacks).routes(),
        *PaymentCallbacks(NoticeIntake(services.notices), services.payment_notices).routes(),
        *operations.routes(),
        *BillFiles(authenticator, database, services.vault).routes(),
        *Uploads(authenticator, database, services.vault, services.uploads).routes(),
        Route("/pictures/{compound}/{sha256}", picture_endpoint(authenticator, database, services.pictures.path)),
        jwks_route(services.tokens.keys, clock=database.clock),
        *(page.routes() if page else ()),
    ]
    secure = settings.public_url.startswith("https://")
    protection = Middleware(Protection, secure=secure)
    middleware = [Middleware(RequestId), protection, Middleware(PushFirst, push=push.push)]
    refusals = {HTTPException: not_served}
    app = Starlette(routes=routes, lifespan=lifespan, middleware=middleware, exception_handlers=refusals)
    app.router.redirect_slashes = False  # it would send callers where their own Host header says
    return app


def _endpoint(
    services: Services,
    with_feeds: FeedServices,
    authenticator: Authenticator,
    trusted: TrustedDocuments,
    charging: Charging,
    page: Page | None,
) -> GraphQLEndpoint:
    """``/graphql``."""

    async def authenticate(credentials: Credentials) -> Identity:
        return await authenticator.identify(credentials.get("authorization"))

    def context(identity: Any, connection: HTTPConnection) -> Context:
        return make_context(
            identity.actor,
            services=with_feeds,
            language=getattr(identity, "language", None),
            accept_language=connection.headers.get("accept-language"),
            request_id=request_id_of(connection.scope),
            client=neighbourhood(client_of(connection)),
        )

    return GraphQLEndpoint(
        build_schema(),
        authenticate=authenticate,
        make_context=context,
        profile=DEVELOPER if page else PRODUCTION,
        format_error=format_error,
        charge=charging,
        registry=trusted,
        only_registered=services.settings.documents == "registered",
        page=page,
        clock=services.database.clock,
    )


def _live(
    graphql: GraphQLEndpoint, members: dict[str, int], services: Services, charging: Charging, access: DeviceAccess
) -> dict[str, float]:
    """Gauges of this process."""
    return {
        "open_connections": graphql.open_connections,
        "documents_refused_total": graphql.documents_refused,
        "operations_limited_total": charging.refused,
        "operations_counted_here_total": services.spending.local,
        **{f"{name}_subscribers": count for name, count in members.items()},
        "pushes_by_weak_digest_total": access.counts[WeakWay.DIGEST_MD5],
        "pushes_by_path_secret_total": access.counts[WeakWay.PATH_SECRET],
        "pushes_refused_as_weak_total": access.counts[NOT_ALLOWED],
        "news_failed_total": services.news.failed,
        "news_connected": float(services.news.connected),
    }
