"""``zhian graphiql``: what the developer page is made of, fetched once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from cli.running import fail
from integrations import graphiql


def command(
    registry: Annotated[
        str | None,
        typer.Option(envvar="ZHIAN_NPM_REGISTRY", help="A mirror, instead of the registry npm is set up for."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(envvar="ZHIAN_GRAPHIQL_DIR", help="Where to keep it; by default with the environment."),
    ] = None,
) -> None:
    """Fetch GraphiQL from the npm registry for the page at /graphql, checked by its published hashes. Once suffices."""
    kept = folder or graphiql.default_folder()
    if graphiql.is_fetched(kept):
        return
    try:
        graphiql.fetch(kept, environ=os.environ, registry=registry)
    except graphiql.NotFetched as error:
        code, _, text = str(error).partition(": ")
        raise fail(code, f"the page at /graphql stays without GraphiQL, all else works. {text}") from None
    typer.echo(f"GraphiQL is in {kept}")
