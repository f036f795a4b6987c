"""``python -m tests.faults.wrong BUILD MODULE``: run MODULE as it would run, with BUILD's fault in it."""

from __future__ import annotations

import runpy
import sys
from importlib import import_module


def main() -> None:
    """Break, then run."""
    build, module = sys.argv[1:]
    import_module(f"tests.faults.wrong.{build}").in_process()
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
