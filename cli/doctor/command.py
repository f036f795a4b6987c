"""``zhian doctor``: every check, one line each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.doctor.components import ComponentChecks
from cli.doctor.database import DatabaseChecks
from cli.doctor.devices import DeviceChecks
from cli.doctor.finding import Check, Finding, State, guarded
from cli.doctor.people import PeopleChecks
from cli.doctor.prices import PriceChecks
from cli.doctor.surroundings import SurroundingChecks
from cli.running import DATA_DIR, DataDir, RunState, read_state, settings_for
from domain.kernel.uow import Database
from integrations.postgres import create_engine
from integrations.settings import Settings

FAILED = 1
WIDE = 200  # a terminal folds the line
_COLOURS = {State.OK: "green", State.WARN: "yellow", State.FAIL: "bold red"}


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False, data_dir: DataDir = DATA_DIR
) -> None:
    """Check settings, servers, schema, clock, queues and keys; each line says what to do. Status 1 when one fails."""
    findings = asyncio.run(examine(settings_for(data_dir), read_state(data_dir)))
    if as_json:
        print(json.dumps({"findings": [asdict(found) for found in findings]}, ensure_ascii=False, indent=1))
    else:
        Console(width=WIDE).print(_table(findings))
    raise typer.Exit(FAILED if any(found.state is State.FAIL for found in findings) else 0)


async def examine(settings: Settings, state: RunState | None) -> list[Finding]:
    """Every finding about a deployment."""
    url = str(settings.database_url)
    engine = create_engine(url, pool_size=2, application="zhian-doctor")
    data, around = DatabaseChecks(Database(engine), url), SurroundingChecks(settings, state)
    reach = "see that PostgreSQL runs and ZHIAN_DATABASE_URL names it; then `zhian migrate`"
    checks: tuple[tuple[str, Check, str], ...] = (
        ("settings", around.profile, ""),
        ("keys", around.keys, "see that the data directory can be read"),
        ("postgresql", data.server, reach),
        ("durability", data.durability, reach),
        ("role", data.role, reach),
        ("row-level security", data.row_security, reach),
        ("schema", data.schema, reach),
        ("origin", data.origin, reach),
        ("partitions", data.partitions, reach),
        ("clock", data.clock, reach),
        ("outbox", data.outbox, reach),
        ("ingest", data.ingest, reach),
        ("second factor", PeopleChecks(settings, data.database).second_factor, reach),
        ("weak device sign-ins", DeviceChecks(settings, data.database).weak_ways, reach),
        ("prices", PriceChecks(settings, data.database).sources, reach),
        ("valkey", around.valkey, "see that Valkey runs and ZHIAN_REDIS_URL names it; meanwhile everything polls"),
        ("payments", around.payments, "see the ZHIAN_WECHAT_* and ZHIAN_ALIPAY_* settings"),
        ("mqtt", around.mqtt, "see that the broker runs; without MQTT start `zhian up --no-mqtt`"),
        ("api", around.api, "start `zhian up`"),
        ("components", ComponentChecks(settings).reviewed, "restore cli/components/reviewed.json"),
        ("processes", around.processes, ""),
    )
    try:
        found = [await guarded(name, check, do) for name, check, do in checks]
    finally:
        await engine.dispose()
    return [finding for findings in found for finding in findings]


def _table(findings: Sequence[Finding]) -> Table:
    table = Table(show_header=False, box=None)
    for found in findings:
        table.add_row(Text(found.state, _COLOURS[found.state]), found.name, found.said, Text(found.do, "italic"))
    return table
