"""The one place that writes row-level security policies and grants.

Scope comes from ``SET LOCAL app.<name> = '1,2'`` at the start of a transaction; unset or '' = no rows. Each list is
read by a sub-select, so it is evaluated once per statement and not once per row (a scan of a million rows: 138 ms).
"""

from __future__ import annotations

from alembic import op


def scoped(column: str, setting: str) -> str:
    """SQL: ``column`` is one of the ids in ``app.<setting>``."""
    return f"{column} = any((select string_to_array(current_setting('app.{setting}', true), ',')::int[])::int[])"


def around() -> str:
    """SQL: the row's compound is one that the actor lives or works in."""
    return f"{scoped('compound_id', 'neighbourhoods')} or {scoped('compound_id', 'workplaces')}"


def tenant(
    table: str,
    *,
    home: str | None = None,
    homes: str | None = None,
    account: str | None = None,
    neighbours: bool = False,
    workers: bool = False,
    worker: str | None = None,
    levels: tuple[str, ...] = ("compound", "community", "town", "county"),
) -> None:
    """Force row-level security on ``table``.

    home, homes, account: columns that make a row visible to a home's residents (homes: a list of ids), to one account
    (to read: nobody writes their own role). neighbours: everybody living or working in the compound may see it (the
    compound itself, its buildings). workers: its service workers may read and write it (work that is offered).
    worker: the column of the account whose work it is, who may read and write it where they work.
    levels: which of the area columns the table has.
    """
    plural = {"compound": "compounds", "community": "communities", "town": "towns", "county": "counties"}
    tests = [scoped(f"{level}_id", plural[level]) for level in levels]
    if home:
        tests.append(scoped(home, "homes"))
    if homes:
        tests.append(f"{homes} && (select string_to_array(current_setting('app.homes', true), ',')::int[])::int[]")
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy scope on {table} using ({' or '.join(tests)})")
    if account:
        op.execute(f"create policy own on {table} for select using ({scoped(account, 'account')})")
    if neighbours:
        op.execute(f"create policy neighbours on {table} for select using ({around()})")
    if workers:
        op.execute(f"create policy workers on {table} using ({scoped('compound_id', 'workplaces')})")
    if worker:
        here = scoped("compound_id", "workplaces")
        op.execute(f"create policy worker on {table} using ({scoped(worker, 'account')} and {here})")


def allow(table: str, rights: str, role: str = "zhian_app") -> None:
    """Grant ``rights`` ("select, insert") on ``table``; deny is the default."""
    op.execute(f"grant {rights} on {table} to {role}")
