"""The policy table and the schema are the same: nothing ungated, nothing left over, every gate shut without a row."""

from __future__ import annotations

from typing import Any

import pytest
import strawberry
from graphql import GraphQLNonNull, GraphQLObjectType, GraphQLScalarType, is_enum_type, is_input_object_type

from api import permissions
from api import schema as schema_module
from api.errors import format_error, language_of
from api.permissions import LEAVES, NODES, ROOTS, Ungated, enforce
from api.policy import ANONYMOUS, EVERYBODY, GUEST, RESIDENT, Reach, Rule
from domain.kernel.actor import HomeRole, Role
from tests.factories.api import Api, schema
from tests.factories.world import Person, World

ROLE_AREAS = {
    Role.SERVICE_WORKER: "a111",
    Role.PROPERTY_STAFF: "a111",
    Role.PROPERTY_MANAGER: "a111",
    Role.COMMUNITY_POLICE: "a11",
    Role.TOWN_OPERATOR: "a1",
    Role.COUNTY_OPERATOR: "a",
}


def value_of(kind: Any) -> Any:
    """Some value that coerces to an input type."""
    kind = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if is_enum_type(kind):
        return next(iter(kind.values))
    if is_input_object_type(kind):
        return {name: value_of(f.type) for name, f in kind.fields.items() if isinstance(f.type, GraphQLNonNull)}
    if isinstance(kind, GraphQLScalarType):
        known = {"Int": 1, "Boolean": False, "Float": 1.0, "DateTime": "2026-01-01T00:00:00Z", "Date": "2026-01-01"}
        return known.get(kind.name, "x")
    return []


def operation(root: str) -> tuple[str, dict[str, Any]]:
    """An operation that asks for one root field, with all required arguments."""
    kind_name, _, name = root.partition(".")
    kind = schema()._schema.type_map[kind_name]
    assert isinstance(kind, GraphQLObjectType)
    field = kind.fields[name]
    given = {n: a for n, a in field.args.items() if isinstance(a.type, GraphQLNonNull)}
    declared = ", ".join(f"${n}: {a.type}" for n, a in given.items())
    passed = ", ".join(f"{n}: ${n}" for n in given)
    inner = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    selection = "" if isinstance(inner, GraphQLScalarType) or is_enum_type(inner) else " { __typename }"
    head = f"{kind_name.lower()}{f'({declared})' if declared else ''}"
    text = f"{head} {{ {name}{f'({passed})' if passed else ''}{selection} }}"
    return text, {n: value_of(a.type) for n, a in given.items()}


async def holder(world: World, role: str) -> Person | None:
    if role == ANONYMOUS:
        return None
    if role == GUEST:
        return await world.person()
    if role == RESIDENT:
        return await world.living_in("a111/1", HomeRole.OWNER)
    return await world.with_role(Role(role), ROLE_AREAS[Role(role)])


@pytest.mark.parametrize("role", sorted(EVERYBODY))
async def test_every_root_field_is_shut_for_every_role_without_a_row(api: Api, world: World, role: str) -> None:
    person = await holder(world, role)
    refusal = "UNAUTHENTICATED" if person is None else "NOT_FOUND"
    shut = [root for root, rule in ROOTS.items() if role not in rule.roles and not root.startswith("Subscription")]
    for root in shut:
        text, variables = operation(root)
        answer = await api.ask(text, person, **variables)
        assert answer.codes == [refusal], (root, answer.errors)
    if person is not None:
        for root in ROOTS.keys() - set(shut):
            if root.startswith("Query"):
                text, variables = operation(root)
                answer = await api.ask(text, person, **variables)
                # Past the gate, the field itself may find nothing behind made-up ids or refuse a made-up subject.
                inside = {"NOT_FOUND", "INVALID_SUBJECT"}
                assert set(answer.codes) <= inside if variables else answer.codes == [], (root, answer.errors)


def test_every_root_field_and_node_type_has_a_row_and_every_row_its_field() -> None:
    core = schema()._schema
    roots = {
        f"{kind.name}.{name}"
        for kind in (core.query_type, core.mutation_type, core.subscription_type)
        if kind is not None
        for name in kind.fields
    }
    assert roots == ROOTS.keys()
    node = core.type_map["Node"]
    nodes = {k.name for k in core.type_map.values() if isinstance(k, GraphQLObjectType) and node in k.interfaces}
    assert nodes == NODES.keys()
    for path in LEAVES:
        type_name, _, name = path.partition(".")
        assert name in core.type_map[type_name].fields  # type: ignore[union-attr]


def test_fields_with_sensitive_names_have_a_row() -> None:
    sensitive = {"phone", "idNumber", "livesAlone", "disabledPerson"}
    found = {
        f"{kind.name}.{name}"
        for kind in schema()._schema.type_map.values()
        if isinstance(kind, GraphQLObjectType)
        for name in kind.fields
        if name in sensitive
    }
    assert found <= LEAVES.keys()


def test_only_the_way_in_is_open_to_everybody() -> None:
    assert {root for root, rule in ROOTS.items() if ANONYMOUS in rule.roles} == {
        "Mutation.confirmNumber",
        "Mutation.requestSignInCode",
        "Mutation.signIn",
        "Mutation.refreshSession",
    }
    assert all(rule.reach is Reach.ANY for rule in ROOTS.values() if ANONYMOUS in rule.roles)


@strawberry.type
class Bare:
    """A type with a field that is a plain attribute."""

    phone: str = "1"


@strawberry.type
class Query:
    """A root nobody wrote a row for."""

    @strawberry.field
    def open_to_all(self) -> Bare:
        return Bare()


def test_a_root_field_without_a_row_does_not_build() -> None:
    with pytest.raises(Ungated, match=r"Query\.openToAll"):
        enforce(strawberry.Schema(Query))


@pytest.mark.parametrize(
    ("leaves", "message"),
    [
        ({"Bare.phone": Rule(EVERYBODY)}, "resolver of its own"),
        ({"Bare.gone": Rule(EVERYBODY)}, "no field"),
        ({"Gone.phone": Rule(EVERYBODY)}, "no field"),
    ],
)
def test_a_leaf_that_cannot_be_gated_does_not_build(
    monkeypatch: pytest.MonkeyPatch, leaves: dict[str, Rule], message: str
) -> None:
    monkeypatch.setattr(permissions, "ROOTS", {"Query.openToAll": Rule(EVERYBODY)})
    monkeypatch.setattr(permissions, "LEAVES", leaves)
    with pytest.raises(Ungated, match=message):
        enforce(strawberry.Schema(Query))


def test_a_row_without_a_field_does_not_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permissions, "ROOTS", {**ROOTS, "Query.gone": Rule(EVERYBODY)})
    with pytest.raises(Ungated, match=r"Query\.gone"):
        schema_module.build_schema()


def test_a_node_type_without_a_row_or_reader_does_not_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permissions, "NODES", {n: r for n, r in NODES.items() if n != "Home"})
    with pytest.raises(Ungated, match="Home"):
        schema_module.build_schema()


@pytest.mark.parametrize(
    ("header", "account", "expected"),
    [
        (None, None, "zh-CN"),
        (None, "en", "en"),
        (None, "xx", "zh-CN"),
        ("en", "zh-CN", "en"),
        ("zh-TW", "en", "zh-CN"),
        ("de, en;q=0.5", None, "en"),
        (";;,,", "en", "en"),
    ],
)
def test_the_language_is_the_requests_then_the_accounts(header: str | None, account: str | None, expected: str) -> None:
    assert language_of(header, account) == expected


async def test_what_was_not_meant_for_callers_is_masked_and_logged(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("domain.estate.queries.area_page", broken)
    answer = await api.ask("{ areas { __typename } }", await world.person())
    (error,) = answer.errors
    assert "secret" not in str(error)
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["extensions"]["id"] in error["message"]
    assert error["extensions"]["id"] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("{ nope }", {}),
        ("{", {}),
        ("query($n: Int!) { areas(first: $n) { __typename } }", {"n": "x"}),
        ("query($n: Int!) { areas(first: $n) { __typename } }", {}),
        ("query($l: AreaLevel) { areas(level: $l) { __typename } }", {"l": "X"}),
    ],
)
async def test_a_bad_operation_is_the_callers_mistake(
    api: Api, world: World, text: str, variables: dict[str, Any]
) -> None:
    answer = await api.ask(text, await world.person(), **variables)
    assert set(answer.codes) == {"BAD_REQUEST"}
    assert "Did you mean" not in str(answer.errors)


def test_an_error_without_a_context_is_shaped_too() -> None:
    from graphql import GraphQLError

    assert format_error(GraphQLError("x"))["extensions"]["code"] == "BAD_REQUEST"
