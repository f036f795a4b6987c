"""Operations made from the schema: every field of a type, every argument of a root field. No list of fields by hand."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)
from strawberry.extensions import ParserCache, ValidationCache

from api.schema import ZhianSchema, build_schema

HOPS = 1
"""From a row to those it leads to; where those lead is asked of their own type."""
PLUMBING = ("Connection", "Edge", "PageInfo")


@cache
def schema() -> ZhianSchema:
    """The schema; each document is read and validated once for everybody who asks it."""
    parsed, validated = ParserCache(maxsize=None), ValidationCache(maxsize=None)
    return build_schema(extensions=[lambda: parsed, lambda: validated])


def core_type(name: str) -> GraphQLObjectType:
    """An object type of the schema."""
    kind = schema()._schema.type_map[name]
    assert isinstance(kind, GraphQLObjectType)
    return kind


def roots(kind: str) -> dict[str, GraphQLField]:
    """The fields of Query, Mutation or Subscription."""
    return dict(core_type(kind).fields)


def listed_type(root: str) -> str | None:
    """The type that a root field lists; None when it lists nothing."""
    kind, _, name = root.partition(".")
    target = get_named_type(roots(kind)[name].type).name
    return target.removesuffix("Connection") if target.endswith("Connection") else None


@cache
def selection(type_name: str, hops: int = HOPS) -> str:
    """Everything that can be asked of a type: its own leaves, and those of what it leads to, ``hops`` times."""
    kind = schema()._schema.type_map[type_name]
    if isinstance(kind, GraphQLInterfaceType):
        return "{ __typename id }"
    if isinstance(kind, GraphQLUnionType):
        return f"{{ __typename {' '.join(f'... on {each.name} {selection(each.name, hops)}' for each in kind.types)} }}"
    assert isinstance(kind, GraphQLObjectType)
    left = hops if type_name.endswith(PLUMBING) else hops - 1
    fields = [part for name, field in kind.fields.items() if (part := _field(name, field, left))]
    return f"{{ __typename {' '.join(fields)} }}"


def _field(name: str, field: GraphQLField, left: int) -> str:
    target = get_named_type(field.type)
    asked = f"{name}(first: 100)" if "first" in field.args else name
    if is_leaf_type(target):
        return asked
    return f"{asked} {selection(target.name, left)}" if left >= 0 else ""


def node_document(type_name: str, count: int) -> str:
    """``node(id)`` for ``count`` ids, each under an alias of its own: n0, n1, …"""
    declared = ", ".join(f"$i{n}: ID!" for n in range(count))
    asked = " ".join(f"n{n}: node(id: $i{n}) {{ __typename id ...all }}" for n in range(count))
    return f"query({declared}) {{ {asked} }} fragment all on {type_name} {selection(type_name)}"


def root_document(kind: str, name: str, given: tuple[str, ...], *, hops: int = HOPS) -> str:
    """An operation of one root field, with a variable for each of the arguments ``given``."""
    field = core_type(kind).fields[name]
    declared = ", ".join(f"${n}: {field.args[n].type}" for n in given)
    passed = ", ".join([*(f"{n}: ${n}" for n in given), *(["first: 100"] if "first" in field.args else [])])
    target = get_named_type(field.type)
    inner = "" if is_leaf_type(target) else f" {selection(target.name, hops)}"
    head = f"{kind.lower()}({declared})" if declared else kind.lower()
    return f"{head} {{ {name}{f'({passed})' if passed else ''}{inner} }}"


def arguments(field: GraphQLField) -> Iterator[tuple[str, GraphQLArgument]]:
    """The field's arguments but those of paging."""
    yield from ((name, argument) for name, argument in field.args.items() if name not in ("first", "after"))
