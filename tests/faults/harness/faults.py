"""What goes wrong, and when: a deck of faults, shuffled by the seed.

Every link has every kind of fault of a network:

| | clients and devices - API, MQTT | API, worker, MQTT - PostgreSQL | API, worker, MQTT - Valkey |
| --- | --- | --- | --- |
| latency | slow clients | slow database | slow valkey |
| stall | stall clients | stall database | stall valkey |
| reset | reset clients | reset servers | reset servers |
| half-open | lose clients | lose database | lose valkey |
| cut in a message | cut answers, cut messages | cut database | cut valkey |

Nobody mends a lost connection to a server: the product has to notice by itself.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Callable, Coroutine, Iterable, Iterator

from tests.faults.harness.proxy import Link, Side
from tests.faults.harness.stage import Stage

STALL_SECONDS = 2.0
LATENCY = (0.01, 0.05)
CUTS = 3

Fault = Callable[[Stage, random.Random], Coroutine[None, None, None]]


def _kill(name: str) -> Fault:
    async def kill(stage: Stage, _: random.Random) -> None:
        await stage.signal(name, signal.SIGKILL)

    return kill


def _restart(name: str) -> Fault:
    async def restart(stage: Stage, _: random.Random) -> None:
        await stage.signal(name, signal.SIGTERM)

    return restart


async def _flush(stage: Stage, _: random.Random) -> None:
    await stage.flush_valkey()


async def _stall(links: Iterable[Link]) -> None:
    stalled = list(links)
    for link in stalled:
        link.stall()
    await asyncio.sleep(STALL_SECONDS)
    for link in stalled:
        link.heal()


async def _stall_clients(stage: Stage, _: random.Random) -> None:
    await _stall([stage.http, stage.mqtt])


async def _stall_database(stage: Stage, _: random.Random) -> None:
    await _stall(stage.databases.values())


async def _stall_valkey(stage: Stage, _: random.Random) -> None:
    await _stall(stage.valkeys.values())


async def _kill_while_stalled(stage: Stage, _: random.Random) -> None:
    """Nothing can be committed, then the process that waits for it is gone."""
    link = stage.databases["api"]
    link.stall()
    await asyncio.sleep(STALL_SECONDS / 2)
    await stage.signal("api", signal.SIGKILL)
    link.heal()


async def _cut_answers(stage: Stage, _: random.Random) -> None:
    """Acknowledgements and feed items break off half-way."""
    stage.http.cut(Side.TO_CLIENT, CUTS)
    stage.mqtt.cut(Side.TO_CLIENT, CUTS)


async def _cut_messages(stage: Stage, _: random.Random) -> None:
    stage.http.cut(Side.TO_SERVER, CUTS)
    stage.mqtt.cut(Side.TO_SERVER, CUTS)


async def _cut_database(stage: Stage, rng: random.Random) -> None:
    """A commit whose answer never comes, or a statement that comes in half."""
    for link in stage.databases.values():
        link.cut(rng.choice(list(Side)), 2)


async def _cut_valkey(stage: Stage, rng: random.Random) -> None:
    """News, a wake-up or a count in half."""
    for link in stage.valkeys.values():
        link.cut(rng.choice(list(Side)), 2)


async def _reset_clients(stage: Stage, _: random.Random) -> None:
    stage.http.reset()
    stage.mqtt.reset()


async def _reset_servers(stage: Stage, _: random.Random) -> None:
    for link in (*stage.databases.values(), *stage.valkeys.values()):
        link.reset()


async def _lose_clients(stage: Stage, _: random.Random) -> None:
    """Connections that both ends believe in, and that carry nothing."""
    stage.http.lose()
    stage.mqtt.lose()
    await asyncio.sleep(STALL_SECONDS * 2)
    stage.http.heal()
    stage.mqtt.heal()


async def _lose_database(stage: Stage, _: random.Random) -> None:
    """Also in the middle of transactions, which then hold their locks and every feed until the server ends them."""
    for link in stage.databases.values():
        link.lose()


async def _lose_valkey(stage: Stage, _: random.Random) -> None:
    for link in stage.valkeys.values():
        link.lose()


async def _slow(links: Iterable[Link], rng: random.Random) -> None:
    slowed = list(links)
    for link in slowed:
        link.latency = rng.uniform(*LATENCY)
    await asyncio.sleep(STALL_SECONDS)
    for link in slowed:
        link.latency = 0.0


async def _slow_clients(stage: Stage, rng: random.Random) -> None:
    await _slow([stage.http, stage.mqtt], rng)


async def _slow_database(stage: Stage, rng: random.Random) -> None:
    """Transactions overlap and end in another order than they began."""
    await _slow(stage.databases.values(), rng)


async def _slow_valkey(stage: Stage, rng: random.Random) -> None:
    await _slow(stage.valkeys.values(), rng)


FAULTS: dict[str, Fault] = {
    "kill api": _kill("api"),
    "kill worker": _kill("worker"),
    "kill mqtt": _kill("mqtt"),
    "kill postgres": _kill("postgres"),
    "kill valkey": _kill("valkey"),
    "flush valkey": _flush,
    "restart mqtt": _restart("mqtt"),
    "kill while stalled": _kill_while_stalled,
    "restart api": _restart("api"),
    "stall clients": _stall_clients,
    "stall database": _stall_database,
    "stall valkey": _stall_valkey,
    "cut answers": _cut_answers,
    "cut messages": _cut_messages,
    "cut database": _cut_database,
    "reset clients": _reset_clients,
    "reset servers": _reset_servers,
    "lose clients": _lose_clients,
    "slow database": _slow_database,
    "slow clients": _slow_clients,
    "slow valkey": _slow_valkey,
    "cut valkey": _cut_valkey,
    "lose database": _lose_database,
    "lose valkey": _lose_valkey,
}
FIRST = tuple(FAULTS)[:8]
"""Every run has these; the rest of the deck comes after them."""


def deck(rng: random.Random, only: tuple[str, ...] = ()) -> Iterator[str]:
    """Names of faults without end: rounds of ``only``, or a round of FIRST and then rounds of all, each shuffled."""
    hand = list(only or FIRST)
    while True:
        rng.shuffle(hand)
        yield from hand
        hand = list(only or FAULTS)
