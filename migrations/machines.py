"""The one place that writes triggers of state machines."""

from __future__ import annotations

from collections.abc import Mapping

from alembic import op


def machine(table: str, always: str, states: Mapping[str, tuple[str, str]]) -> None:
    """A trigger that refuses a change of state that does not follow, and of columns that are frozen in a state.

    always: the columns that never change. states: of each the columns that are frozen too, and what it may become.
    """
    tests = [f"old.{column} is distinct from new.{column}" for column in always.split()]
    for state, (frozen, then) in states.items():
        tests += [f"old.state = '{state}' and old.{c} is distinct from new.{c}" for c in frozen.split()]
        allowed = ", ".join(f"'{each}'" for each in (state, *then.split()))
        tests.append(f"old.state = '{state}' and new.state not in ({allowed})")
    condition = "\n or ".join(f"({test})" for test in tests)
    op.execute(f"""
        create trigger machine before update on {table} for each row when ({condition})
        execute function zhian_refuse_change()
    """)
