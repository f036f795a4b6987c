"""One operation on a transport that can send many results: WebSocket and event stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable
from typing import Any, Protocol

import orjson
from graphql import ExecutionResult, GraphQLError, OperationType
from graphql.execution import Executor
from starlette.requests import HTTPConnection

from api.execution.access import SignIn
from api.execution.documents import Refused
from api.execution.engine import Operation
from api.execution.requests import GraphQLRequest
from api.execution.results import was_executed
from api.execution.wiring import Wiring, client_of
from api.live import Feed, LogItem
from domain.kernel.paging import LogCursor, StaleCursor

Stop = Callable[[], None]
RETIRED = "The document is no longer registered", "PERSISTED_QUERY_NOT_FOUND"


class Outlet(Protocol):
    """Where the results of one operation go."""

    def offer(self, payload: str, cursor: LogCursor | None) -> bool:
        """One result, rendered as JSON. False when it must wait for the peer to read."""

    async def room(self) -> None:
        """Wait until there is room for a result."""

    def fail(self, errors: list[dict[str, Any]]) -> None:
        """The operation was not executed; nothing follows."""

    def complete(self) -> None:
        """All results were sent; nothing follows."""


class StreamedOperation:
    """Runs one operation for one caller into an outlet."""

    def __init__(self, wiring: Wiring, sign_in: SignIn, connection: HTTPConnection, outlet: Outlet) -> None:
        self._wiring = wiring
        self._engine = wiring.engine
        self._sign_in = sign_in
        self._connection = connection
        self._outlet = outlet
        self._refusing: set[asyncio.Task[None]] = set()

    async def run(self, request: GraphQLRequest, *, resume: LogCursor | None = None) -> Stop | None:
        """Check and run ``request`` to its end; a live feed goes on after this returns, until the result is called.

        ``resume`` is where a feed goes on instead of where its ``after`` says.
        """
        try:
            operation = await self._engine.prepare(request, self._sign_in.actor, client_of(self._connection))
        except Refused as refused:
            await self._refuse(refused.errors)
            return None
        return await self.run_prepared(operation, resume=resume)

    async def run_prepared(self, operation: Operation, *, resume: LogCursor | None = None) -> Stop | None:
        """Run an operation that has been checked; as ``run``."""
        try:
            return await self._run(operation, resume)
        except Exception as error:  # noqa: BLE001 - shown or masked and logged like an error of a resolver
            await self._refuse([GraphQLError("Internal error", original_error=error)])
            return None

    async def _refuse(self, errors: list[GraphQLError]) -> None:
        context = self._wiring.make_context(self._sign_in, self._connection)  # it knows the caller's language
        try:
            self._outlet.fail(self._engine.results.errors(errors, context))
        finally:
            await context.close()

    async def _run(self, operation: Operation, resume: LogCursor | None) -> Stop | None:
        context = self._wiring.make_context(self._sign_in, self._connection)
        try:
            if operation.kind is not OperationType.SUBSCRIPTION:
                self._finish(await self._engine.execute(operation, context), context)
                return None
            opened = await self._engine.open(operation, context)
            if isinstance(opened, ExecutionResult):
                self._outlet.fail(self._engine.results.errors(opened.errors or (), context))
                return None
            executor, source = opened
            if not isinstance(source, Feed):
                await self._follow(operation, executor, source)
                return None
        finally:
            await context.close()
        if resume is not None:
            source.after = resume
        return self._attach(operation, executor, source)

    def _finish(self, result: ExecutionResult, context: Any) -> None:
        if not was_executed(result):
            self._outlet.fail(self._engine.results.errors(result.errors or (), context))
            return
        body, _ = self._engine.results.body(result, context)
        self._outlet.offer(body.decode(), None)
        self._outlet.complete()

    async def _follow(self, operation: Operation, executor: Executor[Any], source: AsyncIterable[Any]) -> None:
        running = asyncio.current_task()
        assert running is not None  # noqa: S101 - this runs in one
        remove = self._stand(operation, running.cancel)
        try:
            async for item in source:
                await self._outlet.room()
                self._outlet.offer(await self._render(executor, item), None)
        finally:
            remove()
        self._outlet.complete()

    def _stand(self, operation: Operation, stop: Callable[[], object]) -> Stop:
        """End the subscription with ``stop`` when its document is retired; the result takes that back."""
        if operation.trusted is None:
            return lambda: None

        def end() -> None:
            remove()
            stop()
            self._later([GraphQLError(RETIRED[0], extensions={"code": RETIRED[1]})])

        remove = self._wiring.standing.add(operation.trusted, end)
        return remove

    def _later(self, errors: list[GraphQLError]) -> None:
        """Refuse after the fact, from where nothing can be awaited."""
        refusing = asyncio.create_task(self._refuse(errors))
        self._refusing.add(refusing)
        refusing.add_done_callback(self._refusing.discard)

    def _attach(self, operation: Operation, executor: Executor[Any], feed: Feed) -> Stop:
        async def render(item: LogItem) -> str:
            try:
                return await self._render(executor, feed.present(item))
            except Exception as error:  # noqa: BLE001 - shown masked and logged: without it the gap would be silent
                return await self._unrendered(error)

        names = operation.document.item_variables(operation.node)
        given = operation.request.variables or {}
        variables = orjson.dumps({n: given[n] for n in names if n in given}, option=orjson.OPT_SORT_KEYS)
        key = (operation.document.text, operation.request.operation_name, variables)

        def lost() -> None:
            remove()
            self._later([GraphQLError("Stale", original_error=StaleCursor())])

        detach = feed.attach(key, render, self._outlet, lost)
        remove = self._stand(operation, detach)

        def stop() -> None:
            remove()
            detach()

        return stop

    async def _unrendered(self, error: Exception) -> str:
        """What stands in the place of an item that could not be made."""
        context = self._wiring.make_context(self._sign_in, self._connection)
        try:
            errors = [GraphQLError("Internal error", original_error=error)]
            return orjson.dumps({"data": None, "errors": self._engine.results.errors(errors, context)}).decode()
        finally:
            await context.close()

    async def _render(self, executor: Executor[Any], item: Any) -> str:
        context = self._wiring.make_context(self._sign_in, self._connection)
        try:
            return (await self._engine.render(executor, item, context)).decode()
        finally:
            await context.close()
