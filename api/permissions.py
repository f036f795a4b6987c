"""The policy table and its gates.

Every root field, node type and sensitive leaf has a row, or the schema does not build. Gates are put on the built
schema, so no resolver can forget them; they are synchronous. A refused root field or node answers NOT_FOUND to those
signed in and UNAUTHENTICATED to those who are not; a refused leaf is null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import strawberry
from graphql import GraphQLField, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema

from api.community import policy as community
from api.estate import policy as estate
from api.identity import policy as identity
from api.outbox import policy as outbox
from api.policy import ANONYMOUS, Reach, Rule
from api.security import policy as security
from domain.identity.policies import Place, holds
from domain.kernel.actor import Actor
from domain.kernel.errors import NotFound, Unauthenticated

ROOTS: dict[str, Rule] = {**identity.ROOTS, **estate.ROOTS, **security.ROOTS, **outbox.ROOTS, **community.ROOTS}
NODES: dict[str, Rule] = {**identity.NODES, **estate.NODES, **security.NODES, **outbox.NODES, **community.NODES}
LEAVES: dict[str, Rule] = {**identity.LEAVES, **estate.LEAVES, **security.LEAVES, **outbox.LEAVES, **community.LEAVES}

Resolve = Callable[..., Any]


class Ungated(TypeError):
    """A field without a row in the policy table, a row without a field, or a leaf that cannot be gated."""


def passes(actor: Actor, rule: Rule | None) -> bool:
    """Whether one of the actor's roles opens the gate. No rule = nobody passes."""
    return rule is not None and not actor.roles.isdisjoint(rule.roles)


def check(actor: Actor, rule: Rule | None) -> None:
    """Pass, or raise what the caller shall see."""
    if passes(actor, rule):
        return
    if ANONYMOUS in actor.roles:
        raise Unauthenticated
    raise NotFound


def sees(actor: Actor, leaf: str, *, own: bool, places: Iterable[Place]) -> bool:
    """Whether ``actor`` sees the sensitive ``leaf`` of a row: their own, if it reaches that, or one at a place where a
    role lets them."""
    rule = LEAVES[leaf]
    return (own and rule.reach is Reach.SELF) or any(holds(actor, rule.others, place) for place in places)


def _root_gate(rule: Rule, resolve: Resolve) -> Resolve:
    def gated(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        check(info.context.actor, rule)
        return resolve(source, info, **arguments)

    return gated


def _leaf_gate(rule: Rule, resolve: Resolve) -> Resolve:
    def gated(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        if not passes(info.context.actor, rule):
            return None
        return resolve(source, info, **arguments)

    return gated


def _gate_root(kind: GraphQLObjectType, name: str, field: GraphQLField) -> None:
    rule = ROOTS.get(f"{kind.name}.{name}")
    if rule is None:
        raise Ungated(f"{kind.name}.{name} has no row in the policy table")
    if field.subscribe is not None:
        field.subscribe = _root_gate(rule, field.subscribe)
    else:
        assert field.resolve is not None  # noqa: S101 - Strawberry gives every root field a resolver
        field.resolve = _root_gate(rule, field.resolve)


def _gate_leaf(schema: GraphQLSchema, path: str, rule: Rule) -> None:
    type_name, _, name = path.partition(".")
    kind = schema.type_map.get(type_name)
    field = kind.fields.get(name) if isinstance(kind, GraphQLObjectType) else None
    if field is None or field.resolve is None:
        raise Ungated(f"{path} has a row in the policy table but is no field of the schema")
    definition = field.extensions["strawberry-definition"]
    if definition.base_resolver is None:
        # A plain attribute may be completed without its resolver being called.
        raise Ungated(f"{path} is sensitive: give it a resolver of its own")
    field.resolve = _leaf_gate(rule, field.resolve)


def enforce(schema: strawberry.Schema) -> None:
    """Put the gates of the policy table on ``schema``. Raises Ungated when table and schema do not match exactly."""
    core = schema._schema  # noqa: SLF001 - the one place that reaches the built schema
    seen = set()
    for kind in filter(None, (core.query_type, core.mutation_type, core.subscription_type)):
        for name, field in kind.fields.items():
            _gate_root(kind, name, field)
            seen.add(f"{kind.name}.{name}")
    if unused := ROOTS.keys() - seen:
        raise Ungated(f"rows without a field: {sorted(unused)}")
    for path, rule in LEAVES.items():
        _gate_leaf(core, path, rule)
