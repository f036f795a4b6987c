"""GraphiQL for the developer profile, with ready example operations in its tabs."""

from __future__ import annotations

from pathlib import Path

import orjson

HERE = Path(__file__).parent
PLACE = b"/*EXAMPLES*/ []"


def examples() -> dict[str, str]:
    """The example operations by file name, in order; tests run each against the schema."""
    return {path.stem: path.read_text("utf-8") for path in sorted((HERE / "examples").glob("*.graphql"))}


def graphiql() -> bytes:
    """The page."""
    return (HERE / "graphiql.html").read_bytes().replace(PLACE, orjson.dumps(list(examples().values())))
