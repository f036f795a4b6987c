"""The schedule's steps and how often each runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from domain.community.bills.service import accrue
from domain.community.housekeeping.retention import forget_words as forget_words_of_visits
from domain.community.repairs.following import sweep_late
from domain.community.repairs.retention import forget_words as forget_words_of_repairs
from domain.identity.numbers.retention import forget_moves
from domain.identity.ports import Vault
from domain.identity.retention import (
    forget_allowances,
    forget_codes,
    forget_enrolment_codes,
    forget_enrolments,
    forget_refresh_tokens,
    forget_sent,
    forget_sessions,
)
from domain.kernel import relay
from domain.kernel.nonces import forget_nonces
from domain.kernel.uow import Database, UnitOfWork
from domain.security.events.gone import close_gone
from domain.security.events.retention import ensure_partitions, fold_tally, forget_judged, purge_inbox
from domain.security.events.retry import retry_rules
from domain.security.retention import Log, Months, drop_months, purge_beside_months, purge_log
from workers.pictures import PictureFiles, forget_expired, forget_unused, remove_left_behind
from workers.schedule import Step, alone

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BATCH = 500
OUTBOX_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Kept:
    """How long what devices told is kept: their raw messages, events with the changes of alerts, sightings, and alerts
    with who was told of them."""

    raw: timedelta = timedelta(days=30)
    events: timedelta = timedelta(days=400)
    sightings: timedelta = timedelta(days=90)
    alerts: timedelta = timedelta(days=1095)


def _batched(
    name: str, every: timedelta, work: Callable[..., Awaitable[int]], *, everywhere: bool = False, batch: int = BATCH
) -> Step:
    run = alone(name, partial(work, limit=batch), everywhere=everywhere)
    return Step(name, every, run, batch=batch)


async def _forget_outbox(uow: UnitOfWork, *, limit: int) -> int:
    return await relay.forget_done(uow, before=uow.now - OUTBOX_KEPT, limit=limit)


async def _fold(uow: UnitOfWork) -> int:
    return await fold_tally(uow, most=10 * BATCH)


def _months(table: Months, kept: timedelta) -> tuple[Step, Step]:
    """Drop the months of ``table`` that are over, and delete what stands beside them."""
    name = f"{table.name.lower()}.drop"
    drop = alone(name, partial(drop_months, table=table, older_than=kept))
    beside = partial(purge_beside_months, table=table, older_than=kept)
    return Step(name, DAY, drop), _batched(f"{table.name.lower()}.purge", HOUR, beside)


def _log(table: Log, kept: timedelta) -> Step:
    # Daily in large batches: where nothing is left to delete a run reads the whole table.
    return _batched(
        f"{table.name.lower()}.purge", DAY, partial(purge_log, table=table, older_than=kept), batch=10 * BATCH
    )


def retention_steps(files: PictureFiles, *, kept: Kept) -> tuple[Step, ...]:
    """Steps that forget: everything kept has an end that a test sees pass."""

    async def expire(database: Database) -> int:
        return await forget_expired(database, files, batch=BATCH)

    async def unused(database: Database) -> int:
        return await forget_unused(database, files, batch=BATCH)

    async def sweep(database: Database) -> int:
        return await remove_left_behind(database, files)

    return (
        *_months(Months.RAW_MESSAGES, kept.raw),
        *_months(Months.EVENTS, kept.events),
        *_months(Months.SIGHTINGS, kept.sightings),
        _log(Log.QUARANTINED, kept.raw),
        _log(Log.ALERT_CHANGES, kept.events),
        _log(Log.ALERTS, kept.alerts),
        _log(Log.NOTIFICATIONS, kept.alerts),
        _batched("rule_retries.forget", HOUR, forget_judged),
        Step("pictures.expired", MINUTE, expire, batch=BATCH),
        Step("uploads.expired", MINUTE, unused, batch=BATCH // 2),
        Step("pictures.left_behind", 5 * MINUTE, sweep),
        _batched("sent_messages.forget", HOUR, forget_sent),
        _batched("sign_in_codes.forget", MINUTE, forget_codes),
        _batched("enrolments.forget", MINUTE, forget_enrolments),
        _batched("enrolment_codes.forget", MINUTE, forget_enrolment_codes),
        _batched("number_moves.forget", DAY, forget_moves),
        _batched("allowances.forget", MINUTE, forget_allowances),
        _batched("nonces.forget", MINUTE, forget_nonces),
        _batched("sessions.forget", HOUR, forget_sessions),
        _batched("refresh_tokens.forget", HOUR, forget_refresh_tokens),
        _batched("outbox.forget", HOUR, _forget_outbox),
        _batched("inbox.purge", HOUR, purge_inbox),
    )


def security_steps(vault: Vault) -> tuple[Step, ...]:
    """Steps that notice what nobody reports: a tag that is gone, a rule that failed."""
    close = alone("tags.close", partial(close_gone, vault=vault, most=BATCH), everywhere=True)
    retry = alone("rules.retry", partial(retry_rules, vault=vault, most=BATCH), everywhere=True)
    return (Step("tags.close", SECOND, close, batch=BATCH), Step("rules.retry", 10 * SECOND, retry, batch=BATCH))


def community_steps() -> tuple[Step, ...]:
    """Steps that do what a day brings to what homes owe, notice what is late, and forget what was said."""
    return (
        _batched("bills.accrue", HOUR, accrue, everywhere=True),
        _batched("repairs.late", MINUTE, sweep_late, everywhere=True),
        _batched("housekeeping.forget", DAY, forget_words_of_visits, everywhere=True),
        _batched("repairs.forget", DAY, forget_words_of_repairs, everywhere=True),
    )


def steps(files: PictureFiles, vault: Vault, *, kept: Kept, hooks: tuple[Step, ...] = ()) -> tuple[Step, ...]:
    """All steps. ``hooks``: those that need more than a database."""
    return (
        Step("partitions.ensure", DAY, alone("partitions.ensure", ensure_partitions)),
        *security_steps(vault),
        *community_steps(),
        *hooks,
        Step("tally.fold", 10 * SECOND, alone("tally.fold", _fold)),
        *retention_steps(files, kept=kept),
    )
