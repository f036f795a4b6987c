"""What a check found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """ok; warn: works, but look at it; fail: broken, or about to lose or show something."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """``do``: what to do about it; empty when nothing is to be done."""

    name: str
    state: State
    said: str
    do: str = ""


Check = Callable[[], Awaitable[list[Finding]]]


def judged(name: str, said: str, *, fail: bool = False, warn: bool = False, do: str) -> Finding:
    """A finding that is ok unless ``fail`` or ``warn`` holds."""
    state = State.FAIL if fail else State.WARN if warn else State.OK
    return Finding(name, state, said, "" if state is State.OK else do)


async def guarded(name: str, check: Check, do: str) -> list[Finding]:
    """The findings of a check; one that cannot be made is a failure."""
    try:
        return await check()
    except Exception as error:  # noqa: BLE001 - whatever it is, the doctor tells it and goes on
        return [Finding(name, State.FAIL, f"{type(error).__name__}: {error}"[:300], do)]
