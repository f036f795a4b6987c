"""What stands outside GraphQL: every other address × everybody × every place, and what leaves the product by the way:
figures, exports, logs, and what Valkey is told. No canary of another tenant may be in any of it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from api.community.uploads.rights import RIGHTS
from api.nodes import global_id
from api.permissions import NODES, ROOTS
from api.policy import OFFICE
from cli.audit.command import app as audit
from domain.community.uploads.rules import Subject
from domain.security.devices.models import DeviceKind, Vendor
from domain.security.devices.service import NewDevice, register_device
from integrations.devices.intake import VENDORS
from tests.api.matrix.cast import ACTORS, BY_NAME, COMPOUNDS, Standing, Who
from tests.api.matrix.documents import listed_type, root_document, roots, schema
from tests.api.matrix.ground import Ground
from tests.api.matrix.outside import Outside, listening, outside, told
from tests.api.matrix.reach import may_read, reaches
from tests.api.matrix.rows import CANARY, Row
from tests.api.matrix.stage import without_canaries_in_logs
from tests.api.matrix.targets import representatives, required
from tests.factories.world import World

ADDRESSES = {
    "/graphql": "all of the matrix, and the tour below",
    "/devices/me": "here",
    "/devices/events": "takes in, and answers with numbers: tests/api/devices/test_answers.py",
    "/devices/{vendor}": "the same",
    "/devices/{vendor}/{device}/{path_secret}": "the same",
    "/callbacks/delivery": "takes in, and answers with nothing: tests/contract/messaging",
    "/callbacks/wechat": "takes in, and answers the vendor alone: tests/api/community/test_payment_callbacks.py",
    "/callbacks/alipay": "the same",
    "/healthz": "here",
    "/readyz": "here",
    "/metrics": "here",
    "/imports/bills": "takes in, and answers with the sender's own: tests/api/community/bills/test_files.py",
    "/exports/bills": "here",
    "/uploads": "takes in, and answers with the sender's own",
    "/attachments/{id}": "here",
    "/pictures/{compound}/{sha256}": "here",
    "/.well-known/jwks.json": "here",
}
"""Every address of the application, and where it is asked by everybody."""
FOR_ALL = ("/healthz", "/readyz", "/metrics", "/.well-known/jwks.json", "/nowhere", "/")
SHOWS: dict[Subject, str] = {Subject.REPAIR: "RepairRequest"}
"""The node type behind each thing that pictures are attached to; who sees it sees its pictures."""
NEVER = 2**31 - 2
JPEG = b"\xff\xd8\xff picture"
CARD, PERSON = "8812345678", "canary-person-who-passes-1"
TOURISTS = ("anonymous", "owner", "staff", "manager", "police", "town", "county", "owner_of_two", "disabled")
LABELS = {"digest_md5", "path_secret", "http", "mqtt", "test", "received", "stored", "duplicate", "quarantined", "late"}


@pytest.fixture
async def out(
    copy: Ground, redis_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Outside]:
    monkeypatch.setattr("api.app.build_schema", schema)  # once for all tests
    with without_canaries_in_logs(caplog):
        async with outside(copy, redis_url) as opened:
            yield opened


async def test_no_address_was_forgotten(out: Outside) -> None:
    paths = {getattr(route, "path", "") for route in out.app.routes}
    assert {path for path in paths if not path.startswith("/graphiql/")} == ADDRESSES.keys()


async def test_a_picture_is_for_those_who_see_pictures_of_its_place(out: Outside) -> None:
    pictures = [row for row in out.seeded.rows if row.table == "picture"]
    assert {row.compound for row in pictures} == set(COMPOUNDS)
    for row in pictures:
        keep(out.services.pictures.path(row.facts["sha256"]))
    opened = 0
    for who in ACTORS:
        for row in pictures:
            digest, compound = row.facts["sha256"], row.facts["compound_id"]
            (mark,) = out.seeded.canaries[digest]
            seen = who.standing is Standing.GOOD and may_read(who, mark)
            opened += seen
            await hold(out, who, f"/pictures/{compound}/{digest}", f"/pictures/{compound}/{'0' * 64}", row, seen=seen)
            elsewhere = next(each.facts["compound_id"] for each in pictures if each.compound != row.compound)
            await hold(
                out, who, f"/pictures/{elsewhere}/{digest}", f"/pictures/{elsewhere}/{'0' * 64}", row, seen=False
            )
    assert opened > 5
    assert out.odd == []


async def test_an_attachment_is_for_those_who_see_what_it_shows(out: Outside) -> None:
    assert RIGHTS.keys() == SHOWS.keys(), "say in SHOWS of which node type the things are that have pictures"
    attached = [row for row in out.seeded.rows if row.table == "attachment"]
    assert {row.compound for row in attached} == set(COMPOUNDS)
    for row in attached:
        keep(out.services.uploads.path(row.facts["sha256"]))
    for subject in Subject:
        shown: dict[str, Row] = {}
        for thing in out.seeded.of(SHOWS.get(subject, "")):
            shown.setdefault(thing.place, thing)
        for row in attached:
            number = shown[row.place].number if row.place in shown else NEVER
            change = "update attachment set subject = $1, subject_id = $2 where id = $3"
            await out.stored.execute(change, str(subject), number, row.number)
        for who in ACTORS:
            for row in representatives(who, attached):
                thing = shown.get(row.place)
                seen = (
                    thing is not None and who.standing is Standing.GOOD and reaches(who, NODES[SHOWS[subject]], thing)
                )
                await hold(out, who, f"/attachments/{row.number}", "/attachments/2147483646", row, seen=seen)
    assert out.odd == []


async def test_a_compounds_bills_are_handed_out_to_its_office_alone(out: Outside) -> None:
    compounds = [row for row in out.seeded.of("Area") if row.compound is not None]
    handed = 0
    for who in ACTORS:
        for row in compounds:
            path, good = f"/exports/bills?compound={out.id_of(row)}", who.standing is Standing.GOOD
            answer = await out.get(who, path)
            if good and who.over(row.place) & OFFICE:
                handed += 1
                right = answer.status_code == 200 and f"canary-{row.place}-bill-title" in answer.text
            elif good and who.roles & OFFICE and reaches(who, NODES["Area"], row):
                right = answer.status_code == 403
            else:
                never = await out.told_of_nothing(who, f"/exports/bills?compound={global_id('Area', 2147483646)}")
                right = told(answer) == never and answer.status_code == (404 if good else 401)
            if not right:
                out.odd.append(f"{who.name}: {path} of {row.place} answers {answer.status_code}")
    assert handed > 3
    assert out.odd == []


def keep(path: Path) -> None:
    """Put a picture's file where the product looks for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(JPEG)


async def hold(out: Outside, who: Who, path: str, never: str, row: Row, *, seen: bool) -> None:
    """Hold one answer against what it should be: the bytes, or just what is answered of what never was."""
    answer = await out.get(who, path)
    if seen:
        right = (answer.status_code, answer.content) == (200, JPEG)
    else:
        right = told(answer) == await out.told_of_nothing(who, never) and answer.status_code in (401, 404)
        right &= (answer.status_code == 401) == (who.standing is not Standing.GOOD)
    if not right:
        out.odd.append(f"{who.name}: {path} of {row.place} answers {answer.status_code}, should be {seen}")


async def test_a_devices_address_is_for_devices(out: Outside) -> None:
    nobody = await out.client.get("/devices/me")
    assert nobody.status_code == 401
    for who in ACTORS:
        answer = await out.get(who, "/devices/me")
        assert (answer.status_code, answer.content) == (401, nobody.content), who.name
    world = World(out.services.database, out.services.vault, areas=out.seeded.areas)
    for compound in COMPOUNDS:
        kind = {"kind": DeviceKind.GATE, "vendor": Vendor.ZHIAN, "name": "gate"}
        async with out.services.database.unit_of_work(world.everywhere) as uow:
            made = await register_device(
                uow, vault=out.services.vault, new=NewDevice(compound_id=out.seeded.areas[compound], **kind)
            )
        assert made.secret is not None
        good = {"Authorization": f"Bearer {made.secret.credential}"}
        answer = await out.client.get("/devices/me", headers=good)
        assert (answer.status_code, answer.content) == (204, b"")
        # A device is nobody among people.
        asked = await out.client.post("/graphql", json={"query": "{ areas { edges { cursor } } }"}, headers=good)
        assert asked.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        await out.stored.execute("update device set retired_at = now() where id = $1", made.device_id)
        out.services.directory.forget()
        answer = await out.client.get("/devices/me", headers=good)
        assert (answer.status_code, answer.content) == (401, nobody.content)
    assert out.odd == []


async def tour(out: Outside) -> None:
    """Much of what the product can do, by many, with something of somebody in all of it."""
    for name in TOURISTS:
        who = BY_NAME[name]
        await out.ask(who, "{ viewer { account { phone } sessions { id } } }")
        for root in (root for root in ROOTS if root.startswith("Query.") and listed_type(root) is not None):
            field = roots("Query")[root.partition(".")[2]]
            given: dict[str, Any] = {"subject": {"kind": "PERSON", "value": PERSON}} if "subject" in field.args else {}
            if required(field) <= given.keys():
                await out.ask(who, root_document("Query", root.partition(".")[2], tuple(given), hops=0), **given)
    phone = out.seeded.phones["resident_b111/1"]
    nobody, staff = BY_NAME["anonymous"], BY_NAME["staff"]
    await out.ask(nobody, "mutation($p: String!) { requestSignInCode(phone: $p) { expiresIn } }", p=phone)
    await out.ask(nobody, 'mutation($p: String!) { signIn(phone: $p, code: "000000") { accessToken } }', p=phone)
    await out.ask(nobody, 'mutation { refreshSession(refreshToken: "zhr_canary") { accessToken } }')
    alert = next(row for row in out.seeded.of("Alert") if reaches(staff, NODES["Alert"], row))
    document = "mutation($id: ID!) { acknowledgeAlert(id: $id) { id note } }"
    await out.ask(staff, document, id=out.id_of(alert))
    await passage(out)


async def passage(out: Outside) -> None:
    """Somebody passes a gate."""
    world = World(out.services.database, out.services.vault, areas=out.seeded.areas)
    new = NewDevice(out.seeded.areas["a111"], DeviceKind.GATE, Vendor.ZHIAN, "gate")
    async with out.services.database.unit_of_work(world.everywhere) as uow:
        made = await register_device(uow, vault=out.services.vault, new=new)
    assert made.secret is not None
    out.secrets.append(made.secret.credential)
    data = {"decision": "granted", "card_no": CARD, "person_no": PERSON}
    headers = {"Authorization": f"Bearer {made.secret.credential}"}
    pushed = await out.client.post(
        "/devices/events", json={"id": "p", "type": "passage", "data": data}, headers=headers
    )
    assert pushed.json()["stored"] == 1


async def test_figures_and_keys_are_the_same_for_everybody_and_of_nobody(out: Outside) -> None:
    await tour(out)
    for path in FOR_ALL:
        answers = [await out.get(who, path) for who in ACTORS]
        texts = {re.sub(r"(_created|_seconds|_total|_connections) [0-9.e+-]+", "", told(answer)) for answer in answers}
        assert len(texts) == 1, path
        assert not told_of_somebody(out, texts.pop()), path
    metrics = (await out.get(BY_NAME["anonymous"], "/metrics")).text
    labels = {
        value
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        for value in sample.labels.values()
    }
    assert labels <= LABELS | set(VENDORS)
    assert out.odd == []


async def test_valkey_is_told_of_nobody(out: Outside, redis_url: str) -> None:
    async with listening(redis_url) as ear:
        await tour(out)
        await ear.until("PUBLISH")
        await ear.redis.echo("the end of the tour")
        await ear.until("the end of the tour")
        kept = await ear.kept()
    assert any("EVALSHA" in said for said in ear.said)  # what operations cost is kept there
    assert kept
    for said in (*ear.said, *kept):
        assert not told_of_somebody(out, said), said
    assert out.odd == []


def told_of_somebody(out: Outside, text: str) -> list[str]:
    """What in ``text`` is of a person, a device or a place."""
    phones = [phone.removeprefix("+86") for phone in out.seeded.phones.values()]
    signatures = [token.rpartition(".")[2] for token in out.seeded.tokens.values()]
    words = (CARD, PERSON, "zhr_", *out.secrets, *phones, *signatures)
    digests = re.compile(r"\b[0-9a-f]{64}\b")  # of which some are keyed: only those of somebody's picture are of them
    canaries = [word for word in CANARY.findall(text) if not digests.fullmatch(word) or word in out.seeded.canaries]
    return [*canaries, *(word for word in words if word in text)]


@pytest.mark.parametrize("how", [("export",), ("export", "--format", "csv"), ("list", "--json", "--first", "10000")])
def test_an_export_of_a_compound_holds_no_other_compounds_words(
    copy: Ground, how: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHIAN_DATABASE_URL", copy.url)
    for compound in ("a111", "b111"):
        chosen = ("--compound", str(copy.seeded.areas[compound]), "--data-dir", str(copy.keys.parent))
        said = CliRunner().invoke(audit, [*how, *chosen], terminal_width=200)
        assert said.exit_code == 0, said.output
        marks = [mark for word in CANARY.findall(said.stdout) for mark in copy.seeded.canaries.get(word, ())]
        assert {mark.row.table for mark in marks} == {"audit_entry"}
        assert {mark.row.compound for mark in marks} == {compound}


def test_an_export_of_all_holds_what_the_log_holds_and_nothing_else(
    copy: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHIAN_DATABASE_URL", copy.url)
    said = CliRunner().invoke(audit, ["export", "--data-dir", str(copy.keys.parent)], terminal_width=200)
    marks = [mark for word in CANARY.findall(said.stdout) for mark in copy.seeded.canaries.get(word, ())]
    assert {mark.row.table for mark in marks} == {"audit_entry"}
    assert {mark.row.compound for mark in marks} == set(COMPOUNDS)
    assert not any(phone.removeprefix("+86") in said.stdout for phone in copy.seeded.phones.values())
