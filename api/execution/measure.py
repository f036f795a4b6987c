"""How big an operation is, in time linear in its text.

Every fragment is measured once and the result reused, so fragments that spread each other twice cost nothing extra;
counters saturate. Undefined and cyclic fragments count as empty: validation names them.

Cost: every field weighs one, and what stands under a list weighs as often as the list is long: ``first`` or ``last``
(from variables too), else ``PAGE`` where the field could have been given one, else ``LIST`` for a plain list. The
``edges`` and ``nodes`` of a connection are as long as the connection was asked to be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_list_type,
    is_non_null_type,
)

MOST = 1_000_000_000
PAGE = 20
LIST = 10
PAGE_ARGUMENTS = ("first", "last")
INTROSPECTION_COST = 100


@dataclass(frozen=True, slots=True)
class Measure:
    """Totals of a selection set with its fragments expanded; ``repeats`` is the worst of its selection sets."""

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    fields: int = 0
    repeats: int = 0
    cost: int = 0

    def beside(self, other: Measure) -> Measure:
        """Both, next to each other."""
        return Measure(
            max(self.depth, other.depth),
            min(MOST, self.aliases + other.aliases),
            min(MOST, self.directives + other.directives),
            min(MOST, self.fields + other.fields),
            max(self.repeats, other.repeats),
            min(MOST, self.cost + other.cost),
        )


NOTHING = Measure()


class Measurer:
    """Measures the operations of one document under one set of variables.

    ``page_variables`` collects the variables that page sizes were read from: the cost depends on no others.
    ``written`` counts the fields that stand in what was measured, in fragments that nothing spreads too.
    """

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        self._variables = variables
        self._memo: dict[str, Measure] = {}
        self._open: set[str] = set()
        self.page_variables: set[str] = set()
        self.written = 0
        self._fragments: dict[str, FragmentDefinitionNode] = {
            d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)
        }

    def operation(self, node: OperationDefinitionNode) -> Measure:
        """The measure of one operation."""
        root = self._schema.get_root_type(node.operation)
        own = Measure(directives=len(node.directives or ()))
        return own.beside(self._selections(node.selection_set, root, Counter()))

    def fragments(self) -> Measure:
        """Every fragment next to each other, used or not: validation walks them all."""
        total = NOTHING
        for name in self._fragments:
            total = total.beside(self._fragment(name))
        return total

    def _fragment(self, name: str) -> Measure:
        if name in self._memo:
            return self._memo[name]
        fragment = self._fragments.get(name)
        if fragment is None or name in self._open:
            return NOTHING
        self._open.add(name)
        parent = self._schema.get_type(fragment.type_condition.name.value)
        own = Measure(directives=len(fragment.directives or ()))
        measure = own.beside(self._selections(fragment.selection_set, parent, Counter()))
        if fragment.type_condition.name.value.startswith("__"):  # introspection has a depth rule of its own
            measure = replace(measure, depth=0, cost=0)
        self._memo[name] = measure
        self._open.discard(name)
        return measure

    def _selections(self, node: SelectionSetNode, parent: GraphQLNamedType | None, names: Counter[str]) -> Measure:
        total = NOTHING
        for selection in node.selections:
            if isinstance(selection, FieldNode):
                names[(selection.alias or selection.name).value] += 1
                part = self._field(selection, parent)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                inner = self._schema.get_type(condition.name.value) if condition else parent
                part = self._selections(selection.selection_set, inner, names)
            elif isinstance(selection, FragmentSpreadNode):
                part = self._fragment(selection.name.value)
            else:
                continue
            total = total.beside(part)
            if selection.directives:
                total = total.beside(Measure(directives=len(selection.directives)))
        return total.beside(Measure(repeats=max(names.values(), default=0)))

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> Measure:
        self.written += 1
        name = node.name.value
        definition = _definition(parent, name)
        inner = NOTHING
        if node.selection_set:
            kind = get_named_type(definition.type) if definition else None
            inner = self._selections(node.selection_set, kind, Counter())
        introspection = name in ("__schema", "__type")
        times = self._times(node, definition, parent)
        return Measure(
            depth=1 if introspection else inner.depth + 1,
            aliases=min(MOST, inner.aliases + (node.alias is not None)),
            directives=inner.directives,
            fields=min(MOST, inner.fields + 1),
            repeats=inner.repeats,
            cost=INTROSPECTION_COST if introspection else min(MOST, 1 + times * inner.cost),
        )

    def _times(self, node: FieldNode, definition: GraphQLField | None, parent: GraphQLNamedType | None) -> int:
        if definition is None:
            return 1
        if any(name in definition.args for name in PAGE_ARGUMENTS):
            return self._page(node, definition)
        kind = definition.type.of_type if is_non_null_type(definition.type) else definition.type
        if is_list_type(kind) and not (parent is not None and parent.name.endswith("Connection")):
            return LIST
        return 1

    def _page(self, node: FieldNode, definition: GraphQLField) -> int:
        """How many are asked for; else the field's own default, else a page's."""
        sizes = []
        for argument in node.arguments or ():
            if argument.name.value not in PAGE_ARGUMENTS:
                continue
            value: Any = None
            if isinstance(argument.value, VariableNode):
                self.page_variables.add(argument.value.name.value)
                value = self._variables.get(argument.value.name.value)
            elif isinstance(argument.value, IntValueNode):
                value = int(argument.value.value) if len(argument.value.value) < 10 else MOST
            if isinstance(value, int | float) and value == value:
                sizes.append(int(max(0, min(MOST, value))))
        told = (definition.args[name].default_value for name in PAGE_ARGUMENTS if name in definition.args)
        return max(sizes, default=max((size for size in told if isinstance(size, int)), default=PAGE))


def _definition(parent: GraphQLNamedType | None, name: str) -> GraphQLField | None:
    if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
        found: GraphQLField | None = parent.fields.get(name)
        return found
    return None
