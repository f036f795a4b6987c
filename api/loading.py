"""Loaders of one operation: relations of many rows are read in one statement. Never kept longer, never shared."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from strawberry.dataloader import DataLoader

if TYPE_CHECKING:
    from api.context import Context

K = TypeVar("K")
V = TypeVar("V")

Batch = Callable[["Context", Sequence[K]], Awaitable[Mapping[K, V]]]


class Loaders:
    """One loader per batch function, made when first asked for."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._made: dict[Any, DataLoader[Any, Any]] = {}

    def _loader(self, batch: Batch[K, V]) -> DataLoader[K, V | None]:
        if batch not in self._made:

            async def load(keys: list[K]) -> list[V | None]:
                found = await batch(self._context, keys)
                return [found.get(key) for key in keys]

            self._made[batch] = DataLoader(load_fn=load)
        return self._made[batch]

    async def one(self, batch: Batch[K, V], key: K) -> V | None:
        """What ``batch`` finds for ``key``, read together with its siblings; None when it finds nothing."""
        return await self._loader(batch).load(key)

    def forget(self) -> None:
        """Drop what was loaded, after a write in the same operation."""
        self._made.clear()
