"""Coroutines begun at once: what does not wait for anything is done without a task, a timer or a turn of the loop."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from types import coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """It had nothing to wait for; its result."""

    value: T


def begin(work: Coroutine[Any, Any, T]) -> Done[T] | Coroutine[Any, Any, T]:
    """Run ``work`` to where it first waits: ``Done``, or the rest of it, to be awaited once. Raises what it raises."""
    try:
        suspended = work.send(None)
    except StopIteration as end:
        return Done(end.value)
    return _rest(work, suspended)


@coroutine
def _rest(begun: Coroutine[Any, Any, T], suspended: Any) -> Generator[Any, Any, T]:
    """The rest of a coroutine that was begun and is suspended on ``suspended``."""
    step: Callable[[Any], Any]
    value: Any
    while True:
        try:
            answer = yield suspended
        except BaseException as error:  # noqa: BLE001 - cancellation is for the coroutine to hear
            step, value = begun.throw, error
        else:
            step, value = begun.send, answer
        try:
            suspended = step(value)
        except StopIteration as end:
            result: T = end.value
            return result
