"""Digest over HTTP: httpx as an independent client, stale and foreign nonces, replays; and old firmware with MD5,
which is let in where the deployment allows it and the device was registered for it.
"""

from __future__ import annotations

import hashlib
import re

import httpx
import pytest

from domain.identity.ports import KeyErased
from domain.security.devices.secrets import WeakWay
from integrations.devices.digest import NONCE_SECONDS
from tests.factories.ingest import Ingest, Speaker

BODY = b'{"eventType":"heartBeat"}'
URL = "/devices/hikvision"


OLD = frozenset({WeakWay.DIGEST_MD5})


def md5(*parts: str) -> str:
    return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()


async def challenge(ingest: Ingest) -> str:
    """A nonce from a 401."""
    answer = await ingest.client.post(URL, content=BODY)
    found = re.search(r'nonce="([^"]+)"', answer.headers["www-authenticate"])
    assert answer.status_code == 401
    assert found
    return found[1]


def header(
    gate: Speaker, nonce: str, *, uri: str = URL, method: str = "POST", password: str | None = None, user: str = ""
) -> dict[str, str]:
    """The header as firmware of RFC 2069's time makes it."""
    ha1 = md5(str(gate.id), "zhian", password or gate.secret.credential)
    said = md5(ha1, nonce, md5(method, uri))
    name = user or str(gate.id)
    value = f'Digest username="{name}", realm="zhian", nonce="{nonce}", uri="{uri}", response="{said}"'
    return {"Authorization": value}


async def ask(ingest: Ingest, headers: dict[str, str], method: str = "POST", url: str = URL) -> httpx.Response:
    return await ingest.client.request(method, url, content=BODY, headers=headers)


async def test_an_independent_client_is_let_in_by_sha_256_and_its_nonce_can_be_used_again(ingest: Ingest) -> None:
    gate = await ingest.device("hikvision")
    auth = httpx.DigestAuth(*gate.login)

    answers = [await ingest.client.post(URL, content=BODY, auth=auth) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert [len(answer.history) for answer in answers] == [1, 0, 0]
    assert all("algorithm=SHA-256," in answer.request.headers["authorization"] for answer in answers)
    assert (await ingest.tally("http"))["received"] == 3


async def test_sha_256_is_offered_before_md5(ingest: Ingest) -> None:
    offered = (await ingest.client.post(URL, content=BODY)).headers.get_list("www-authenticate")

    assert [re.findall("algorithm=([^,]+)", said) for said in offered] == [["SHA-256"], ["MD5"]]
    assert len({re.search('nonce="([^"]+)"', said)[1] for said in offered}) == 1  # firmware that takes any of them


async def test_a_client_that_knows_md5_alone_is_let_in_only_with_a_device_registered_for_it(ingest: Ingest) -> None:
    new, old = await ingest.device("hikvision"), await ingest.device("hikvision", weak_ways=OLD)

    class Older(httpx.DigestAuth):
        def _build_auth_header(self, request, challenge):
            return super()._build_auth_header(request, challenge._replace(algorithm="MD5"))

    answers = [await ingest.client.post(URL, content=BODY, auth=Older(*gate.login)) for gate in (new, old)]

    assert [answer.status_code for answer in answers] == [401, 200]
    assert all("algorithm=MD5," in answer.request.headers["authorization"] for answer in answers)
    better = await ingest.client.post(URL, content=BODY, auth=httpx.DigestAuth(*old.login))
    assert better.status_code == 200
    scraped = (await ingest.client.get("/metrics")).text
    assert "zhian_pushes_by_weak_digest_total 1.0" in scraped
    assert 'zhian_devices_weak{way="digest_md5"} 1.0' in scraped
    assert 'zhian_devices_weak{way="path_secret"} 1.0' in scraped


async def test_a_device_whose_compounds_key_was_erased_is_let_in_no_more(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = await ingest.device("hikvision")

    async def erased(*_: object, **__: object) -> str:
        raise KeyErased

    monkeypatch.setattr(type(ingest.services.vault), "open", erased)
    assert (await ingest.client.post(URL, content=BODY, auth=httpx.DigestAuth(*gate.login))).status_code == 401


async def test_a_credential_from_before_sha_256_goes_on_as_bearer_alone(ingest: Ingest) -> None:
    gate = await ingest.device("hikvision")
    await ingest.stored.execute("update device_credential set digest_sha256 = null")

    assert (await ingest.client.post(URL, content=BODY, auth=httpx.DigestAuth(*gate.login))).status_code == 401
    assert (await ingest.client.post(URL, content=BODY, headers=gate.bearer)).status_code == 200


async def test_what_checks_digest_stands_nowhere_in_clear(ingest: Ingest) -> None:
    gate = await ingest.device("hikvision", weak_ways=OLD)
    parts = (str(gate.id), "zhian", gate.secret.credential)
    ha1s = md5(*parts), hashlib.sha256(":".join(parts).encode()).hexdigest()

    row = await ingest.stored.fetchrow("select digest_sha256, digest_md5, path_hash from device_credential")

    assert row["path_hash"] is None
    assert row["digest_sha256"] != row["digest_md5"]
    stored = b"".join(filter(None, row.values()))
    assert not any(ha1.encode() in stored or bytes.fromhex(ha1) in stored for ha1 in ha1s)


async def test_a_query_is_part_of_what_is_signed(ingest: Ingest) -> None:
    gate = await ingest.device("hikvision", weak_ways=OLD)
    nonce = await challenge(ingest)

    with_query = await ingest.client.post(f"{URL}?a=%20b", content=BODY, auth=httpx.DigestAuth(*gate.login))
    without = await ask(ingest, header(gate, nonce), url=f"{URL}?a=1")

    assert (with_query.status_code, without.status_code) == (200, 401)


async def test_old_firmware_without_qop_is_let_in(ingest: Ingest) -> None:
    gate = await ingest.device("hikvision", weak_ways=OLD)
    nonce = await challenge(ingest)

    assert (await ask(ingest, header(gate, nonce))).status_code == 200
    assert (await ask(ingest, header(gate, nonce, uri=f"http://zhian.test{URL}"))).status_code == 200
    assert (await ask(ingest, header(gate, nonce, method="PUT"), "PUT")).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "wrong"},
        {"uri": "/devices/zhian"},
        {"uri": "/devices/hikvision/x"},
        {"method": "PUT"},
        {"user": "7777"},
        {"user": "gate"},
    ],
    ids=str,
)
async def test_what_was_signed_for_something_else_is_refused(ingest: Ingest, wrong: dict[str, str]) -> None:
    gate = await ingest.device("hikvision", weak_ways=OLD)

    answer = await ask(ingest, header(gate, await challenge(ingest), **wrong))

    assert answer.status_code == 401
    assert "stale" not in answer.headers["www-authenticate"]
    assert (await ingest.tally())["received"] == 0


async def test_a_header_of_another_device_is_refused(ingest: Ingest) -> None:
    gate, other = [await ingest.device("hikvision", weak_ways=OLD) for _ in range(2)]
    nonce = await challenge(ingest)

    mixed = header(gate, nonce)["Authorization"].replace(f'username="{gate.id}"', f'username="{other.id}"')

    assert (await ask(ingest, {"Authorization": mixed})).status_code == 401


async def test_an_old_nonce_is_called_stale_and_the_next_one_works(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = await ingest.device("hikvision", weak_ways=OLD)
    nonce = await challenge(ingest)
    monkeypatch.setattr("integrations.devices.digest.NONCE_SECONDS", -1)
    old = await ask(ingest, header(gate, nonce))
    monkeypatch.setattr("integrations.devices.digest.NONCE_SECONDS", NONCE_SECONDS)
    fresh = re.search(r'nonce="([^"]+)"', old.headers["www-authenticate"])

    assert old.status_code == 401
    assert "stale=true" in old.headers["www-authenticate"]
    assert fresh
    assert (await ask(ingest, header(gate, fresh[1]))).status_code == 200


@pytest.mark.parametrize(
    "nonce", ["", "x", "0.00", "f" * 400 + ".00", "\xe9.\xe9", "68f0.\xe9\xff", "-1.00", "1_0.00"], ids=repr
)
async def test_a_nonce_we_did_not_make_is_refused_whatever_it_holds(ingest: Ingest, nonce: str) -> None:
    gate = await ingest.device("hikvision", weak_ways=OLD)

    said = header(gate, nonce)["Authorization"].encode("latin-1")
    answer = await ingest.client.post(URL, content=BODY, headers=[(b"authorization", said)])

    assert answer.status_code == 401


async def test_an_answer_in_other_characters_is_refused(ingest: Ingest) -> None:
    gate = await ingest.device("hikvision", weak_ways=OLD)
    nonce = await challenge(ingest)

    for said in ("\xe9", "", "0" * 32, '\\"'):
        value = f'Digest username="{gate.id}", realm="zhian", nonce="{nonce}", uri="{URL}", response="{said}"'
        answer = await ingest.client.post(URL, content=BODY, headers=[(b"authorization", value.encode("latin-1"))])
        assert answer.status_code == 401
    answer = await ask(ingest, {"Authorization": "Digest username, realm"})
    assert answer.status_code == 401


@pytest.mark.parametrize("named", ["MD5-sess", "SHA-256-sess", "SHA-512-256", "none"])
async def test_an_algorithm_that_was_not_offered_is_refused(ingest: Ingest, named: str) -> None:
    gate = await ingest.device("hikvision", weak_ways=OLD)
    said = header(gate, await challenge(ingest))

    answer = await ask(ingest, {"Authorization": said["Authorization"] + f', algorithm="{named}"'})

    assert answer.status_code == 401
    assert "stale" not in answer.headers["www-authenticate"]
