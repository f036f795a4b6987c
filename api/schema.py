"""The GraphQL schema: the slices' root types merged, the policy table's gates put on, errors shaped."""

from __future__ import annotations

from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLObjectType
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types
from strawberry.types import ExecutionContext

from api import permissions
from api.community import roots as community
from api.errors import DEFAULT_LANGUAGE, present
from api.estate import queries as estate
from api.identity import queries as identity
from api.identity.audit import AuditQuery
from api.identity.authenticators import AuthenticatorMutation
from api.identity.mutations import IdentityMutation
from api.identity.numbers import NumberMutation
from api.nodes import NodeQuery, NodeReader
from api.outbox import queries as outbox
from api.outbox.mutations import OutboxMutation
from api.scalars import SCALARS
from api.security import queries as security
from api.security.mutations import SecurityMutation
from api.security.subscriptions import SecuritySubscription

QUERIES: tuple[type, ...] = (
    NodeQuery,
    identity.IdentityQuery,
    AuditQuery,
    estate.EstateQuery,
    security.SecurityQuery,
    outbox.OutboxQuery,
    *community.QUERIES,
)
MUTATIONS: tuple[type, ...] = (
    IdentityMutation,
    AuthenticatorMutation,
    NumberMutation,
    SecurityMutation,
    OutboxMutation,
    *community.MUTATIONS,
)
SUBSCRIPTIONS: tuple[type, ...] = (SecuritySubscription, *community.SUBSCRIPTIONS)
NODE_READERS: dict[str, NodeReader] = {
    **identity.NODE_READERS,
    **estate.NODE_READERS,
    **security.NODE_READERS,
    **outbox.NODE_READERS,
    **community.NODE_READERS,
}


class ZhianSchema(strawberry.Schema):
    """The schema with its node readers; shapes errors of every operation, also of subscriptions."""

    node_readers: dict[str, NodeReader]

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Called by Strawberry with every error before it leaves."""
        context: Any = execution_context.context if execution_context is not None else None
        language = getattr(context, "language", DEFAULT_LANGUAGE)
        for error in errors:
            present(error, language=language, request_id=getattr(context, "request_id", ""))


def _merged(name: str, types: tuple[type, ...]) -> type | None:
    return merge_types(name, types) if types else None


def _check_nodes(schema: ZhianSchema) -> None:
    node = schema._schema.get_type("Node")  # noqa: SLF001 - the built schema knows who implements Node
    implementing = {
        kind.name
        for kind in schema._schema.type_map.values()  # noqa: SLF001
        if isinstance(kind, GraphQLObjectType) and node in kind.interfaces
    }
    if not implementing == schema.node_readers.keys() == permissions.NODES.keys():
        odd = (implementing | schema.node_readers.keys() | permissions.NODES.keys()) - (
            implementing & schema.node_readers.keys() & permissions.NODES.keys()
        )
        raise permissions.Ungated(f"node types without a reader or a row in the policy table: {sorted(odd)}")


def build_schema(**options: Any) -> ZhianSchema:
    """Build the schema; ``options`` go to Strawberry (extensions, execution_context_class).

    Raises Ungated when a root field, node type or sensitive leaf and the policy table do not match.
    """
    query = _merged("Query", QUERIES)
    assert query is not None  # noqa: S101 - there are queries
    schema = ZhianSchema(
        query=query,
        mutation=_merged("Mutation", MUTATIONS),
        subscription=_merged("Subscription", SUBSCRIPTIONS),
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
        **options,
    )
    schema.node_readers = NODE_READERS
    _check_nodes(schema)
    permissions.enforce(schema)
    return schema
