"""Every column that can hold a text says how it is kept: a new one is not stored in clear by oversight."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import ARRAY, Column, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.types import TypeEngine

from migrations.tables import metadata

TEXTUAL: tuple[type[TypeEngine[object]], ...] = (String, JSONB, LargeBinary, UUID)

SEALED = {
    "account.phone_sealed",
    "authenticator.secret_sealed",
    "bill_account.number",
    "bill_import.content",
    "data_key.wrapped",
    "device_credential.digest_md5",
    "device_credential.digest_sha256",
    "ebike.plate",
    "ebike_tag.tag",
    "event.personal",
    "invoice_request.tax_number",
    "invoice_request.title",
    "quarantined.detail",
    "raw_message.body",
    "refresh_token.successor_sealed",
    "sent_message.address_sealed",
    "sent_message.body_sealed",
    "sighting.subject",
    "tag_presence.tag",
}
"""Ciphertext, bound to its row."""
INDEX = {
    "account.phone_index",
    "bill_account.number_index",
    "ebike_tag.tag_index",
    "inbox.key",
    "number_move.phone_index",
    "rate_limit.subject",
    "sighting.subject_index",
    "sign_in_code.phone_index",
    "tag_presence.tag_index",
}
"""Keyed blind indexes: equal values are seen to be equal, and nothing else."""
DIGEST = {
    "device_credential.path_hash",
    "device_credential.secret_hash",
    "enrolment_code.code_hash",
    "recovery_code.code_hash",
    "refresh_token.token_hash",
    "sign_in_code.code_hash",
}
"""Digests of secrets: random ones, or keyed."""
PLAIN = {
    "account.name",
    "alert.note",
    "alert_change.snapshot",
    "application.title",
    "application_change.note",
    "application_change.title",
    "bill.reason",
    "building.name",
    "repair_item.name",
    "repair_quotation.note",
    "repair_request.address",
    "repair_request.description",
    "repair_request.rating",
    "repair_request.result",
    "repair_request.title",
    "repair_request.visit_note",
    "repair_request.worker_name",
    "home.door",
    "home.unit",
    "housekeeping_booking.address",
    "housekeeping_booking.note",
    "housekeeping_booking.review",
    "housekeeping_worker.name",
    "ledger_entry.note",
    "session.client",
}
"""Of a person or a place and in clear, as docs/privacy.md says: what people wrote to be read by those around them."""
PUBLIC = {
    "account": "language",
    "alert": "audience cleared_because explanation kind place source",
    "alert_change": "change",
    "application": "kind state",
    "application_change": "kind state",
    "area": "kind level name timezone",
    "attachment": "label sha256 subject",
    "audit_entry": "action actor details hash object_id object_type previous request_id roles",
    "audit_head": "hash",
    "audit_signature": "hash kid signature",
    "charge": "kind state subject title",
    "autopay": "closed_because kinds number state vendor",
    "autopay_plan": "state why",
    "bill": "kind lines source source_key state title",
    "bill_account": "institution kind",
    "bill_import": "fault format name state",
    "bill_import_row": "fault fault_column kind source_key title",
    "data_key": "kek",
    "device": "direction external_id kind model name place vendor zone",
    "device_property": "name value",
    "ebike": "color make",
    "ebike_tag": "place",
    "event": "attributes kind",
    "fee_rule": "basis kind tiers title unit",
    "handled": "handler",
    "household": "role trust",
    "housekeeping_provider": "contact licence name",
    "housekeeping_booking": "state",
    "housekeeping_series": "every",
    "housekeeping_service": "description name unit",
    "ingest_tally": "channel",
    "invoice_request": "invoice_number kind note state",
    "ledger_entry": "credit debit kind subject",
    "log_epoch": "log server",
    "meter": "kind name",
    "meter_reading": "source state",
    "market": "failed name source",
    "number_move": "outcome",
    "notification": "cause receipt",
    "payment_attempt": "app_id channel launch out_trade_no refused_because seller_id state transaction_id vendor",
    "payment_notice": "kind notice_id outcome vendor",
    "payment_order": "closed_because state title",
    "outbox_event": "last_error name payload state",
    "picture": "name sha256",
    "price": "category external_id name origin spec unit",
    "price_alert": "name",
    "price_index": "name",
    "quarantined": "reason",
    "rate_limit": "name",
    "raw_message": "channel content_type",
    "reconciliation": "vendor",
    "reconciliation_item": "kind note out_refund_no out_trade_no state transaction_id vendor",
    "refund": "failed_because note out_refund_no reason state vendor_refund_id",
    "repair_item": "kind",
    "repair_quotation": "state",
    "repair_request": "kind skill state",
    "repair_worker": "skills",
    "role_grant": "level role",
    "rule_retry": "error rule",
    "seen_nonce": "nonce source",
    "sent_message": "channel key",
    "session": "end_reason",
    "sign_in_code": "purpose",
    "sighting": "direction subject_kind",
    "trusted_document": "app operations sha256 text",
    "upload": "sha256",
}
"""Words of ours, measurements, names of things: who it was is told by none of them."""
DOCUMENT = Path(__file__).parents[2] / "docs" / "privacy.md"


def columns(of: MetaData) -> set[str]:
    """``table.column`` of everything that can hold a text."""
    return {
        f"{table.name}.{column.name}"
        for table in of.tables.values()
        for column in table.columns
        if isinstance(column.type.item_type if isinstance(column.type, ARRAY) else column.type, TEXTUAL)
    }


def classified() -> Counter[str]:
    public = {f"{table}.{name}" for table, names in PUBLIC.items() for name in names.split()}
    return Counter([*SEALED, *INDEX, *DIGEST, *PLAIN, *public])


def test_every_column_is_classified_once() -> None:
    found = classified()
    assert columns(metadata) - found.keys() == set(), "say how this column is kept, here and in docs/privacy.md"
    assert found.keys() - columns(metadata) == set()
    assert [name for name, times in found.items() if times > 1] == []


def test_a_new_column_is_noticed() -> None:
    more = MetaData()
    Table(
        "visitor",
        more,
        Column("phone", Text),
        Column("said", JSONB),
        Column("face", LargeBinary),
        Column("tags", ARRAY(String)),
        Column("homes", ARRAY(Integer)),
    )
    assert columns(more) == {"visitor.phone", "visitor.said", "visitor.face", "visitor.tags"}
    assert not columns(more) & classified().keys()


def test_what_is_sealed_or_indexed_is_bytes() -> None:
    kinds = {f"{t.name}.{c.name}": type(c.type) for t in metadata.tables.values() for c in t.columns}
    assert {kinds[name] for name in SEALED} == {LargeBinary}
    assert {kinds[name] for name in INDEX} == {LargeBinary, UUID}


@pytest.mark.parametrize("name", sorted((SEALED | INDEX | PLAIN) - {"data_key.wrapped"}))
def test_the_document_names_every_column_about_people(name: str) -> None:
    assert f"`{name}`" in DOCUMENT.read_text(encoding="utf-8")
