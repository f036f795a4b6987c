"""Documents: parsed, held to the limits, validated; the good ones kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    Node,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)

from api.execution.limits import Limits, Profile
from api.execution.measure import NOTHING, Measure, Measurer

KEPT_COSTS = 64


class Refused(Exception):
    """The operation will not be run; ``errors`` say why."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


def refusal(message: str, code: str) -> Refused:
    """A refusal of one error with ``extensions.code``."""
    return Refused([GraphQLError(message, extensions={"code": code})])


@dataclass(slots=True)
class Document:
    """A valid document within the limits, with its operations by name ("" for one without)."""

    text: str
    ast: DocumentNode
    operations: dict[str, OperationDefinitionNode]
    page_variables: tuple[str, ...]
    _costs: dict[tuple[Any, ...], int] = field(default_factory=dict)
    _item_variables: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run; Refused when it is unknown or not named among several."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is None:
            raise refusal("Several operations: say which with `operationName`", "OPERATION_NOT_NAMED")
        if name not in self.operations:
            raise refusal("There is no operation of that name", "OPERATION_UNKNOWN")
        return self.operations[name]

    def cost(self, schema: GraphQLSchema, node: OperationDefinitionNode, variables: Mapping[str, Any]) -> int:
        """The cost of one operation with these variables; reckoned once per set of page sizes."""
        given = _with_defaults(node, variables)
        sizes = tuple(given.get(name) for name in self.page_variables)
        key = (id(node), *(size if isinstance(size, int) else None for size in sizes))
        cost = self._costs.get(key)
        if cost is None:
            cost = Measurer(schema, self.ast, given).operation(node).cost
            if len(self._costs) < KEPT_COSTS:
                self._costs[key] = cost
        return cost

    def item_variables(self, node: OperationDefinitionNode) -> tuple[str, ...]:
        """Names of the variables that decide how one item of a subscription reads.

        The root field's own arguments decide which items come, not how they read.
        """
        name = node.name.value if node.name else ""
        if name not in self._item_variables:
            parts: list[Node] = [d for d in self.ast.definitions if isinstance(d, FragmentDefinitionNode)]
            for selection in node.selection_set.selections:
                parts.extend(selection.directives or ())
                if not isinstance(selection, FieldNode):
                    parts.append(selection)
                elif selection.selection_set:
                    parts.append(selection.selection_set)
            names = _VariableNames()
            for part in parts:
                visit(part, names)
            self._item_variables[name] = tuple(sorted(names.found))
        return self._item_variables[name]


class _VariableNames(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.found.add(node.name.value)


def _with_defaults(node: OperationDefinitionNode, variables: Mapping[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for definition in node.variable_definitions or ():
        raw = getattr(definition.default_value, "value", None)
        if isinstance(raw, str) and raw.isdecimal() and len(raw) < 10:
            given[definition.variable.name.value] = int(raw)
    given.update(variables)
    return given


class Documents:
    """Reads document texts for one schema and profile. Valid ones are kept, the least recently used leave first."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, profile: Profile) -> None:
        self._schema = schema
        self._limits = limits
        self._rules: Collection[type[ASTValidationRule]] = specified_rules
        if not profile.introspection:
            self._rules = (*specified_rules, NoSchemaIntrospectionCustomRule)
        self._kept: OrderedDict[str, Document] = OrderedDict()

    def knows(self, text: str) -> bool:
        """Whether ``text`` was read before and is kept."""
        return text in self._kept

    def read(self, text: str) -> Document:
        """The document of ``text``; raises Refused when it does not parse, is too big or is not valid."""
        document = self._kept.get(text)
        if document is not None:
            self._kept.move_to_end(text)
            return document
        document = self._read(text)
        self._kept[text] = document
        if len(self._kept) > self._limits.cached_documents:
            self._kept.popitem(last=False)
        return document

    def _read(self, text: str) -> Document:
        limits = self._limits
        if len(text) > limits.document_characters:
            raise refusal(f"The document is longer than {limits.document_characters} characters", "LIMIT_EXCEEDED")
        try:
            ast = parse(text, max_tokens=limits.tokens)
            operations = [d for d in ast.definitions if isinstance(d, OperationDefinitionNode)]
            measurer = Measurer(self._schema, ast, {})
            self._check(measurer, operations, len(ast.definitions) - len(operations))
        except GraphQLSyntaxError as error:
            error.extensions = {"code": "GRAPHQL_PARSE_FAILED"}
            raise Refused([error]) from error
        except RecursionError as error:
            raise refusal("The document is nested too deeply", "LIMIT_EXCEEDED") from error
        errors = validate(self._schema, ast, self._rules, max_errors=limits.errors, hide_suggestions=True)
        if errors:
            for found in errors:
                found.extensions = {"code": "GRAPHQL_VALIDATION_FAILED", **(found.extensions or {})}
            raise Refused(errors[: limits.errors])
        if not operations:
            raise refusal("The document has no operation", "GRAPHQL_VALIDATION_FAILED")
        by_name = {o.name.value if o.name else "": o for o in operations}
        return Document(text, ast, by_name, tuple(sorted(measurer.page_variables)))

    def _check(self, measurer: Measurer, operations: list[OperationDefinitionNode], fragments: int) -> None:
        total: Measure = NOTHING
        for operation in operations:
            total = total.beside(measurer.operation(operation))
        everything = total.beside(measurer.fragments())
        checks = (
            ("depth", everything.depth, self._limits.depth),
            ("aliases", total.aliases, self._limits.aliases),
            ("directives", total.directives, self._limits.directives),
            ("repetitions of one field", everything.repeats, self._limits.repeats),
            ("fields", max(total.fields, measurer.written), self._limits.fields),
            ("fragments", fragments, self._limits.fragments),
        )
        for what, found, most in checks:
            if found > most:
                raise refusal(f"Over a limit: {what} at most {most}", "LIMIT_EXCEEDED")
