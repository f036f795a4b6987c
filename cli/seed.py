"""The step of ``zhian up --demo`` that seeds the invented county, in a process of its own."""

from __future__ import annotations

import asyncio
import inspect
from importlib import import_module

from integrations.settings import read_settings


def main() -> None:
    """Seed the database the environment names; harmless when it is already seeded."""
    found = import_module("cli.demo").seed(read_settings())
    if inspect.iscoroutine(found):
        asyncio.run(found)


if __name__ == "__main__":
    main()
