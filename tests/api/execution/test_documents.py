"""Limits hold in time linear in the text, whatever the text is; good documents are kept."""

from __future__ import annotations

from itertools import pairwise

import pytest
from graphql import build_schema, get_introspection_query

from api.execution.documents import Documents, Refused
from api.execution.limits import DEVELOPER, PRODUCTION, Limits
from tests.factories.cpu import allowed, least

SCHEMA = build_schema(
    """
    type Query { node: N list: [N!]! page(first: Int, last: Int): NConnection
      some(first: Int! = 48): [N!]! }
    type N { id: ID node: N list: [N] }
    type NConnection { edges: [Edge] }
    type Edge { node: N }
    type Subscription { feed(after: String): N }
    """
)
SCHEMA.type_map["Query"].fields["some"].args["first"].default_value = 48  # type: ignore[attr-defined] # as ours has it
CPU_SECONDS = 0.05


def bomb(levels: int, body: str) -> str:
    names = [f"F{n}" for n in range(levels)]
    links = " ".join(f"fragment {a} on N{{{body.replace('X', b)}}}" for a, b in pairwise(names))
    return f"{{node{{...F0}}}} {links} fragment {names[-1]} on N{{id}}"


def measured(text: str, limits: Limits | None = None) -> str | None:
    """Read ``text``; the first error, if any. Fails when that took more CPU than a request may."""
    documents, most = Documents(SCHEMA, limits or Limits(), DEVELOPER), allowed(CPU_SECONDS)
    error: str | None = None

    def read() -> None:
        nonlocal error
        error = None
        try:
            documents.read(text)
        except Refused as refused:
            error = refused.errors[0].message

    assert least(read, most) < most
    return error


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (bomb(200, "...X ...X"), "1000 tokens"),
        (bomb(60, "...X ...X"), "fields"),
        (bomb(40, "a:node{...X} b:node{...X}"), "depth"),
        ("{" + "node{id}" * 1_000 + "}", "tokens"),
        ("{" + "node{id}" * 240 + "}", "repetitions"),
        ("{" + "...{node{id}}" * 120 + "}", "repetitions"),
        ("{" + " ".join(f"a{n}:node{{id}}" for n in range(101)) + "}", "aliases"),
        ("{node{id " + " ".join(f"@x{n}" for n in range(50)) + "}}", "directives"),
        ("{" + "node{" * 13 + "id" + "}" * 14, "depth"),
        ("{" * 990, "yntax"),
        ("{page(first:" + "[" * 900, "nested"),
        ("#" * 20_001, "characters"),
        ("{node{...Missing}}", "Unknown fragment"),
        ("{node{...A}} fragment A on N{...B} fragment B on N{...A}", "itself"),
        ("{__schema{types{fields{type{fields{type{fields{type{name}}}}}}}}}", "introspection depth"),
    ],
)
def test_attack_is_refused_cheaply(text: str, said: str) -> None:
    message = measured(text)
    assert message is not None
    assert said in message


def test_a_fragment_bomb_of_200_levels_is_measured_not_only_cut_off() -> None:
    roomy = Limits(tokens=10_000)
    message = measured(bomb(200, "...X ...X"), roomy)
    assert message is not None
    assert "fields" in message


def test_unused_fragments_are_held_to_the_limits_too() -> None:
    message = measured("{node{id}} fragment A on N{" + "node{id}" * 50 + "}")
    assert message is not None
    assert "repetitions" in message


@pytest.mark.parametrize(
    ("text", "variables", "cost"),
    [
        ("{node{id}}", {}, 2),
        ("{list{id}}", {}, 11),
        ("{page{edges{node{id}}}}", {}, 1 + 20 * 3),
        ("{some{id}}", {}, 1 + 48),
        ("{some(first:3){id}}", {}, 1 + 3),
        ("{page(first:50){edges{node{id}}}}", {}, 1 + 50 * 3),
        ("query($n:Int){page(first:$n){edges{node{id}}}}", {"n": 100}, 1 + 100 * 3),
        ("query($n:Int=7){page(last:$n){edges{node{id}}}}", {}, 1 + 7 * 3),
        ("query($n:Int){page(first:$n){edges{node{id}}}}", {"n": "many"}, 1 + 20 * 3),
        ("query($n:Int){page(first:$n){edges{node{id}}}}", {"n": -5}, 1),
        ("query($n:Int){page(first:$n){edges{node{list{list{id}}}}}}", {"n": 10**30}, 1_000_000_000),
        ("{...A} fragment A on Query{page(first:2){edges{node{...B}}}} fragment B on N{id node{id}}", {}, 1 + 2 * 5),
        ("{__schema{types{name}}}", {}, 100),
    ],
)
def test_cost_counts_pages_from_literals_variables_and_defaults(
    text: str, variables: dict[str, object], cost: int
) -> None:
    document = Documents(SCHEMA, Limits(), DEVELOPER).read(text)
    assert document.cost(SCHEMA, document.operation(None), variables) == cost
    assert document.cost(SCHEMA, document.operation(None), variables) == cost


def test_tools_may_introspect_on_the_developer_profile_only() -> None:
    text = get_introspection_query()
    assert Documents(SCHEMA, Limits(), DEVELOPER).read(text).operations
    with pytest.raises(Refused):
        Documents(SCHEMA, Limits(), PRODUCTION).read(text)


def test_good_documents_are_kept_and_the_oldest_leave_first() -> None:
    documents = Documents(SCHEMA, Limits(cached_documents=2), DEVELOPER)
    first, second = documents.read("{node{id}}"), documents.read("{list{id}}")
    assert documents.read("{node{id}}") is first
    documents.read("{page{edges{node{id}}}}")
    assert documents.read("{node{id}}") is first
    assert documents.read("{list{id}}") is not second


def test_several_operations_need_a_name() -> None:
    document = Documents(SCHEMA, Limits(), DEVELOPER).read("query A{node{id}} query B{list{id}}")
    assert document.operation("B").name.value == "B"  # type: ignore[union-attr]
    for name in (None, "C"):
        with pytest.raises(Refused):
            document.operation(name)


def test_only_variables_below_the_root_field_decide_how_an_item_reads() -> None:
    text = (
        "subscription($after:String,$deep:Boolean!,$inner:Boolean!)"
        "{feed(after:$after){id node @include(if:$deep){...A}}} fragment A on N{id @skip(if:$inner)}"
    )
    document = Documents(SCHEMA, Limits(), DEVELOPER).read(text)
    assert document.item_variables(document.operation(None)) == ("deep", "inner")
