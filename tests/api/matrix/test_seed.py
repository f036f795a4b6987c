"""The matrix sees only what is seeded: every node type, every table, every text, in every compound."""

from __future__ import annotations

from sqlalchemy import LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB

from migrations.tables import metadata
from tests.api.matrix.cast import COMPOUNDS
from tests.api.matrix.ground import Ground
from tests.api.matrix.reach import RULES

# Texts that hold a word of the product's own, a digest or something sealed: nothing of a tenant to be told by.
NO_CANARY = {
    "autopay.closed_because", "autopay.number", "autopay.state", "autopay.vendor", "autopay_plan.state",
    "autopay_plan.why",
    "event.personal", "sighting.subject_index", "ebike_tag.tag_index",
    "account.language", "account.phone_index", "account.phone_sealed", "alert.audience", "alert.cleared_because",
    "alert.kind", "alert_change.change", "area.kind", "area.level", "area.path", "area.timezone", "device.direction",
    "device.kind", "device.vendor", "ebike_tag.place", "event.kind", "household.role", "household.trust",
    "ingest_tally.channel", "outbox_event.state", "refresh_token.successor_sealed", "refresh_token.token_hash",
    "application.kind", "application.state", "application_change.kind", "application_change.state",
    "invoice_request.kind", "invoice_request.state", "invoice_request.invoice_number", "payment_attempt.channel",
    "payment_attempt.launch", "payment_attempt.out_trade_no", "payment_attempt.refused_because",
    "payment_attempt.state", "payment_attempt.transaction_id", "payment_attempt.vendor", "payment_notice.vendor",
    "payment_order.closed_because", "payment_order.state", "reconciliation.vendor",
    "reconciliation_item.state", "reconciliation_item.vendor",
    "refund.note", "refund.out_refund_no", "refund.state",
    "bill_import.format", "bill_import.state",
    "bill.kind", "bill.lines", "bill.source", "bill.state", "bill_account.kind", "bill_account.number_index",
    "fee_rule.basis", "fee_rule.kind", "fee_rule.tiers", "meter.kind", "meter_reading.source", "meter_reading.state",
    "market.source", "price.category",
    "repair_item.kind", "repair_quotation.state", "repair_request.kind", "repair_request.skill", "repair_request.state",
    "charge.kind", "charge.state", "charge.subject", "ledger_entry.credit", "ledger_entry.debit", "ledger_entry.kind",
    "ledger_entry.subject",
    "housekeeping_service.unit", "housekeeping_booking.state", "housekeeping_series.every",
    "number_move.outcome", "sign_in_code.purpose",
    "role_grant.level", "role_grant.role", "session.end_reason", "sighting.direction", "sighting.subject_kind",
}  # fmt: skip

OF_NOBODY = {"audit_head", "data_key", "trusted_document"}
"""Tables of hashes, wrapped keys and texts of operations: no words of a tenant."""


def test_every_type_that_is_read_stands_in_every_compound(ground: Ground) -> None:
    for node in RULES:
        compounds = {row.compound for row in ground.seeded.of(node)} - {None}
        assert compounds == set(COMPOUNDS), node


def test_every_table_has_rows(ground: Ground) -> None:
    assert {row.table for row in ground.seeded.rows} | {"refresh_token"} == set(metadata.tables) - OF_NOBODY


def test_what_can_be_over_is_also_there_when_it_is_over(ground: Ground) -> None:
    over = {row.table for row in ground.seeded.rows if row.gone}
    assert over == {
        "household", "role_grant", "device", "ebike", "ebike_tag", "housekeeping_provider", "housekeeping_service",
        "housekeeping_worker", "housekeeping_hold", "housekeeping_absence", "housekeeping_series",
        "bill_account", "fee_rule", "meter",
    }  # fmt: skip


def test_every_text_of_every_compound_has_its_canary(ground: Ground) -> None:
    marked: dict[str, set[str | None]] = {}
    for marks in ground.seeded.canaries.values():
        for mark in marks:
            column = mark.column.removesuffix("_shown")
            marked.setdefault(f"{mark.row.table}.{column}", set()).add(mark.row.compound)
    texts = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if table.name not in OF_NOBODY
        and (isinstance(column.type, Text | JSONB | LargeBinary) or column.name == "path")
    }
    assert {name for name in texts - NO_CANARY if not set(COMPOUNDS) <= marked.get(name, set())} == set()
    assert texts >= NO_CANARY
