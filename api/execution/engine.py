"""Runs operations: document, limits, cost, then graphql-core. The same for all three transports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, Protocol

from graphql import ExecutionResult, GraphQLError, GraphQLSchema, OperationDefinitionNode, OperationType
from graphql.execution import Executor, create_source_event_stream, execute_subscription_event
from strawberry import Schema

from api.execution.admission import Admission, NoRegistry, Registry
from api.execution.documents import Document, Documents, Refused, refusal
from api.execution.limits import Limits, Profile
from api.execution.requests import GraphQLRequest
from api.execution.results import FormatError, Results
from domain.kernel.actor import Actor
from domain.kernel.errors import DomainError

Charge = Callable[[Actor, str, int], Awaitable[None]]
"""Books a cost on the actor, or on the client's address; raises ``Limited`` when the allowance is used up."""


class OperationContext(Protocol):
    """What resolvers get as ``info.context``: made for one operation, closed at its end."""

    async def close(self) -> None:
        """Give back what the operation held."""

    async def settle(self) -> None:
        """What the answer shows must be on record before it leaves. Raises when it cannot be: nothing is shown then."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A checked operation, ready to run. trusted: the SHA-256 under which its document must stay registered, if any."""

    request: GraphQLRequest
    document: Document
    node: OperationDefinitionNode
    cost: int
    trusted: bytes | None = None

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""
        return self.node.operation


Opened = tuple[Executor[Any], AsyncIterable[Any]]


class Engine:
    """Checks and executes operations of one Strawberry schema."""

    def __init__(
        self,
        schema: Schema,
        *,
        limits: Limits,
        profile: Profile,
        format_error: FormatError,
        charge: Charge | None = None,
        registry: Registry | None = None,
        only_registered: bool = False,
    ) -> None:
        self._core: GraphQLSchema = schema._schema  # noqa: SLF001 - Strawberry has no public name for it
        self._executor_class = schema.execution_context_class
        self._documents = Documents(self._core, limits, profile)
        most = limits.document_characters
        self.admission = Admission(
            NoRegistry() if registry is None else registry, only_registered=only_registered, most_characters=most
        )
        self._limits = limits
        self._charge = charge
        self.results = Results(format_error, limits.errors)

    async def prepare(self, request: GraphQLRequest, actor: Actor, client: str) -> Operation:
        """Check ``request`` for ``actor`` and charge it; raises Refused.

        A text that this process does not know is charged for before it is read, whatever it then turns out to be.
        """
        try:
            return await self._prepare(request, actor, client)
        except DomainError as error:
            raise Refused([GraphQLError(str(error), original_error=error)]) from error

    async def _prepare(self, request: GraphQLRequest, actor: Actor, client: str) -> Operation:
        admitted = await self.admission.admit(request)
        text = admitted.text
        if self._charge is not None and not self._documents.knows(text):
            length = min(len(text), self._limits.document_characters)
            await self._charge(actor, client, 1 + length // self._limits.read_characters)
        document = self._documents.read(text)
        node = document.operation(request.operation_name)
        cost = document.cost(self._core, node, request.variables or {})
        budget = self._limits.budget(actor.roles)
        if cost > budget:
            raise refusal(f"The operation costs {cost}, the budget is {budget}", "TOO_COSTLY")
        if self._charge is not None:
            await self._charge(actor, client, cost)
        return Operation(request, document, node, cost, admitted.trusted)

    async def execute(self, operation: Operation, context: Any) -> ExecutionResult:
        """Run a query or mutation to its end."""
        executor = self._build(operation, context)
        if isinstance(executor, ExecutionResult):
            return executor
        serially = operation.kind is OperationType.MUTATION
        try:
            result: Any = executor.execute_operation(serially)
            finished: ExecutionResult = await result if isawaitable(result) else result
        finally:
            await stop_left_behind(executor)
        return await _settled(context, [*(finished.data or ())][:1]) or finished

    async def open(self, operation: Operation, context: Any) -> Opened | ExecutionResult:
        """The source stream of a subscription with the executor that renders its items, or what went wrong."""
        executor = self._build(operation, context)
        if isinstance(executor, ExecutionResult):
            return executor
        source: Any = create_source_event_stream(executor)
        if isawaitable(source):
            source = await source
        if isinstance(source, ExecutionResult):
            return source
        return await _settled(context) or (executor, source)

    async def render(self, executor: Executor[Any], item: Any, context: Any) -> bytes:
        """One item of a subscription as a response body."""
        once = executor.build_per_event_executor(item)
        once.context_value = context
        context.follow(executor.context_value)
        try:
            result: Any = execute_subscription_event(once)
            if isawaitable(result):
                result = await result
        finally:
            await stop_left_behind(once)
        await context.settle()
        return self.results.body(result, context)[0]

    def _build(self, operation: Operation, context: Any) -> Executor[Any] | ExecutionResult:
        built = self._executor_class.build(
            self._core,
            operation.document.ast,
            context_value=context,
            raw_variable_values=operation.request.variables,
            operation_name=operation.request.operation_name,
            max_coercion_errors=self._limits.errors,
            hide_suggestions=True,
            operation_extensions=operation.request.extensions,
        )
        return ExecutionResult(None, built) if isinstance(built, list) else built


async def stop_left_behind(executor: Executor[Any]) -> None:
    """Cancel what is still running of an operation that is over, and wait for its end.

    At an error raised without waiting graphql-core answers at once and lets the fields beside it run on by themselves:
    on a context that is closed.
    """
    left = list(executor.background_futures)
    if not left:
        return
    await asyncio.sleep(0)  # let each begin: of one cancelled before, what it was to await is never awaited
    for future in left:
        future.cancel()
    await asyncio.gather(*left, return_exceptions=True)


async def _settled(context: OperationContext, path: list[str | int] | None = None) -> ExecutionResult | None:
    """What to answer instead when the looks of an operation could not be put on record; None when they were.

    path: the first field it had resolved, so that the answer says that the operation was executed.
    """
    try:
        await context.settle()
    except Exception as error:  # noqa: BLE001 - whatever it is, nothing is shown; presented like a resolver's error
        return ExecutionResult(None, [GraphQLError("Not recorded", path=path, original_error=error)])
    return None
