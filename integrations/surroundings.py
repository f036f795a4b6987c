"""What of our environment a process that reads files of strangers is told."""

from __future__ import annotations

import os


def surroundings() -> dict[str, str]:
    """Where programs and libraries are, and that arithmetic needs one thread; nothing else, above all no secret."""
    return {"OPENBLAS_NUM_THREADS": "1"} | {
        name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ
    }
