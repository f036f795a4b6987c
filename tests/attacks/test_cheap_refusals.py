"""What is made to cost much is refused within 50 ms of CPU, read and answered; measured in the thread that serves."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.attacks.target import Target
from tests.factories.patience import PATIENCE

JSON = {"content-type": "application/json"}
INIT = '{"type":"connection_init"}'


def bomb(levels: int) -> str:
    """Fragments that each spread the next one twice: 2^levels fields when expanded."""
    chain = "".join(f"fragment F{n} on Node{{...F{n + 1} ...F{n + 1}}}" for n in range(levels))
    return f'{{node(id:"x"){{...F0}}}}{chain}fragment F{levels} on Node{{id}}'


def spread(count: int, selection: str) -> str:
    """``count`` fragments side by side, which validation compares pairwise."""
    fragments = "".join(f"fragment F{n} on Query{{{selection}}}" for n in range(count))
    return "{" + " ".join(f"...F{n}" for n in range(count)) + "}" + fragments


DOCUMENTS = {
    "a fragment bomb of 200 levels": bomb(200),
    "a fragment bomb within the tokens": bomb(90),
    "1,000 duplicate fields": "{" + "__typename " * 1_000 + "}",
    "duplicate fields within the tokens": "{" + "__typename " * 990 + "}",
    "duplicates of duplicates": "{" + ("devices{edges{node{" + "id " * 19 + "}}} ") * 19 + "}",
    "duplicates in a fragment nobody spreads": "{__typename}fragment F on Query{"
    + "devices{" * 5
    + "a " * 900
    + "}" * 6,
    "10,000 aliases": "{" + " ".join(f"a{n}:__typename" for n in range(10_000)) + "}",
    "aliases within the tokens": "{" + " ".join(f"a{n}:__typename" for n in range(330)) + "}",
    "fragments side by side": spread(100, "__typename"),
    "fragments with fields side by side": spread(45, "devices{edges{node{id name}}}"),
    "a ring of fragments": '{node(id:"x"){...F0}}'
    + "".join(f"fragment F{n} on Node{{id ...F{(n + 1) % 80}}}" for n in range(80)),
    "each fragment in each": '{node(id:"x"){...F0}}'
    + "".join(f"fragment F{n} on Node{{{' '.join(f'...F{m}' for m in range(16))}}}" for n in range(16)),
    "spreads of nothing": "{" + " ".join(f"...U{n}" for n in range(300)) + "}",
    "selections 480 deep": "{a" * 480 + "}" * 480,
    "lists 150 deep": "{node(id:" + "[" * 150 + "]" * 150 + "){id}}",
    "objects 150 deep": "{node(id:" + "{a:" * 150 + "1" + "}" * 150 + "){id}}",
    "types 480 deep": "query($a:" + "[" * 480 + "Int" + "]" * 480 + "){__typename}",
    "450 directives on a variable": "query($a:Int " + "@x " * 450 + "){__typename}",
    "180 operations of one name": " ".join("query a{__typename}" for _ in range(180)),
    "240 arguments of one name": '{node(id:"x" ' + 'id:"x" ' * 240 + "){id}}",
    "a number of 19,000 digits": "{devices(first:" + "9" * 19_000 + "){edges{cursor}}}",
    "a text of a megabyte": '{node(id:"' + "a" * 900_000 + '"){id}}',
    "an escape past the last letter": '{node(id:"\\u{110000}"){id}}',
    "half a letter": '{node(id:"\\uD800"){id}}',
    "9,900 comments": "#\n" * 9_900 + "{__typename}",
}
BODIES = {
    "100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "100,000 deep and open": b'{"query":' * 100_000,
    "1,000 deep": b'{"query":"{__typename}","variables":{"a":' + b"[" * 1_000 + b"]" * 1_000 + b"}}",
    "a megabyte of lists": b'{"query":"{__typename}","variables":{"a":[' + b"[]," * 330_000 + b"1]}}",
    "a megabyte of objects": b'{"query":"{__typename}","variables":{"a":[' + b"{}," * 330_000 + b"1]}}",
    "a megabyte of numbers": b'{"query":"{__typename}","variables":{"a":[' + b"1," * 490_000 + b"1]}}",
    "a megabyte of members": json.dumps(
        {"query": "{__typename}", "variables": {f"m{n}": n for n in range(60_000)}}
    ).encode(),
    "just too many values": json.dumps({"query": "{__typename}", "variables": {"a": [{}] * 2_000}}).encode(),
    "a number of a megabyte": b'{"query":"{__typename}","variables":{"a":' + b"9" * 900_000 + b"}}",
    "half a letter": b'{"query":"{node(id:\\"x\\"){id}}","variables":{"a":"\\ud800"}}',
    "escapes of a megabyte": b'{"query":"' + b"\\u0041" * 160_000 + b'"}',
    "surrogates of a megabyte": b'{"query":"' + b"\\ud83d\\ude00" * 80_000 + b'"}',
    "no text at all": b"\xff" * 900_000,
}


@pytest.fixture
def http(target: Target) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=target.url, timeout=PATIENCE) as client:
        yield client


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_made_to_cost(target: Target, http: httpx.Client, name: str) -> None:
    def attack(number: int) -> None:
        answer = http.post("/graphql", json={"query": f"{DOCUMENTS[name]}#{number}"}).json()
        assert "data" not in answer
        assert {e["extensions"]["code"] for e in answer["errors"]} <= {
            "LIMIT_EXCEEDED",
            "GRAPHQL_PARSE_FAILED",
            "GRAPHQL_VALIDATION_FAILED",
        }

    assert target.affords(attack)


@pytest.mark.parametrize(
    "document",
    [
        "{" + "devices(first:1){edges{node{id name kind place zone}}} " * 19 + "}",
        spread(30, "devices{edges{node{id name}}}"),
        '{node(id:"x"){...F0}}'
        + "".join(f"fragment F{n} on Node{{id ...F{n + 1}}}" for n in range(29))
        + "fragment F29 on Node{id}",
    ],
    ids=["fields", "fragments", "chain"],
)
def test_the_worst_valid_document_costs_no_more(target: Target, http: httpx.Client, document: str) -> None:
    def attack(number: int) -> None:
        (error,) = http.post("/graphql", json={"query": f"{document}#{number}"}).json()["errors"][:1]
        assert error["extensions"]["code"] in ("UNAUTHENTICATED", "TOO_COSTLY")  # either comes after validation

    assert target.affords(attack)


@pytest.mark.parametrize("name", BODIES)
def test_a_body_made_to_cost(target: Target, http: httpx.Client, name: str) -> None:
    def attack(_: int) -> None:
        response = http.post("/graphql", content=BODIES[name], headers=JSON)
        assert response.status_code in (200, 400, 413)
        assert "data" not in response.json()

    assert target.affords(attack)


def head(length: str) -> bytes:
    return f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{length}\r\n\r\n".encode()


def send(target: Target, opening: bytes, part: bytes, times: int) -> tuple[bytes, int]:
    """What is answered to so many parts before the server hangs up, and how many of them it let us send."""
    sent = 0
    with socket.create_connection(target.host.split(":"), timeout=PATIENCE) as connection:
        try:
            connection.sendall(opening)
            for _ in range(times):
                connection.sendall(part)
                sent += 1
        except OSError:
            pass
        answer = b""
        try:
            while more := connection.recv(65_536):
                answer += more
        except OSError:
            pass
    return answer, sent


MEGABYTE = b" " * 1_000_000
CHUNK = b"f4240\r\n" + MEGABYTE + b"\r\n"


def test_a_body_of_60_megabytes_that_says_so_is_not_read(target: Target) -> None:
    def attack(_: int) -> None:
        answer, sent = send(target, head("Content-Length: 60000000"), MEGABYTE, 60)
        assert answer.startswith(b"HTTP/1.1 413 ") or not answer  # a reset may overtake it
        assert sent < 20

    assert target.affords(attack)


def test_a_body_of_60_megabytes_in_chunks_is_cut_at_the_first(target: Target) -> None:
    def attack(_: int) -> None:
        answer, sent = send(target, head("Transfer-Encoding: chunked"), CHUNK, 60)
        assert answer.startswith(b"HTTP/1.1 413 ") or not answer
        assert sent < 20

    assert target.affords(attack)


@pytest.mark.parametrize(
    "length",
    [
        "Content-Length: 100",
        "Content-Length: 100\r\nContent-Length: 60000000",
        "Content-Length: 60000000\r\nTransfer-Encoding: chunked",
        "Content-Length: -1",
        "Content-Length: 9999999999999999999999",
        "Content-Length: 1e9",
        "Transfer-Encoding: chunked, gzip",
    ],
)
def test_a_length_that_lies_ends_the_connection(target: Target, length: str) -> None:
    def attack(_: int) -> None:
        answer, sent = send(target, head(length), MEGABYTE, 60)
        assert not answer or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 413 "))
        assert b"data" not in answer
        assert sent < 20

    assert target.affords(attack)


@pytest.mark.parametrize(
    ("opening", "part", "times"),
    [
        (b"POST /graphql HTTP/1.1\r\nX: ", b"a" * 65_536, 1_000),
        (b"GET /", b"a" * 65_536, 1_000),
        (b"POST /graphql HTTP/1.1\r\n", b"".join(b"X-%d: a\r\n" % n for n in range(5_000)), 1_000),
        (b"POST /graphql HTTP/1.1\r\nAccept: " + b"text/a;q=0.1," * 6_000 + b"\r\n\r\n", b"", 0),
        (b"POST /graphql HTTP/1.1\r\nAuthorization: Bearer " + b"a." * 40_000 + b"\r\n\r\n", b"", 0),
    ],
    ids=["one header", "the path", "many headers", "accept", "token"],
)
def test_a_head_without_end_is_not_kept(target: Target, opening: bytes, part: bytes, times: int) -> None:
    def attack(_: int) -> None:
        answer, sent = send(target, opening, part, times)
        assert not answer or answer.startswith(b"HTTP/1.1 400 ")
        assert sent < 100

    assert target.affords(attack)


WORDS = {
    "one word": "a" * 60_000,
    "one word that fits": "a" * 4_000,
    "words": "a " * 30_000 + "a",
    "names without an end": 'a="' + "b" * 60_000,
    "quotes": 'a="' * 20_000,
    "escapes": 'a="' + "\\" * 59_000,
    "spaces": "a" + " " * 60_000 + "a",
    "pairs": "a=b," * 15_000,
}


@pytest.mark.parametrize("scheme", ["Digest", "Basic", "Bearer"])
@pytest.mark.parametrize("name", WORDS)
def test_a_devices_credential_made_to_cost(target: Target, http: httpx.Client, scheme: str, name: str) -> None:
    def attack(_: int) -> None:
        answer = http.get("/devices/me", headers={"Authorization": f"{scheme} {WORDS[name]}"})
        assert answer.status_code == 401

    assert target.affords(attack)


def on_socket(target: Target, *frames: str | bytes) -> tuple[int | None, list[str]]:
    """The close code, None when there was none, and what was heard."""
    heard: list[str] = []
    with connect(f"ws://{target.host}/graphql", subprotocols=["graphql-transport-ws"], max_size=None) as peer:
        try:
            for frame in frames:
                peer.send(frame)
            while not heard or '"error"' not in heard[-1]:
                heard.append(str(peer.recv(timeout=PATIENCE)))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None, heard
    return None, heard


def test_a_frame_of_10_megabytes_is_refused_by_its_length(target: Target) -> None:
    def attack(number: int) -> None:
        frame: str | bytes = b"a" * 10_000_000 if number % 2 else "a" * 10_000_000
        code, heard = on_socket(target, frame)
        assert code in (1009, None)  # None: a reset overtook the close frame
        assert heard == []

    assert target.affords(attack)


@pytest.mark.parametrize("frame", ["[" * 65_000, "[" + "[]," * 20_000 + "1]", '{"type":"ping","payload":' * 2_000])
def test_a_frame_made_to_cost(target: Target, frame: str) -> None:
    def attack(_: int) -> None:
        assert on_socket(target, INIT, frame) == (4400, ['{"type":"connection_ack"}'])

    assert target.affords(attack)


@pytest.mark.parametrize(
    "document", [bomb(90), bomb(200), "{" + "__typename " * 990 + "}"], ids=["90", "200", "fields"]
)
def test_a_document_made_to_cost_on_a_socket(target: Target, document: str) -> None:
    def attack(_: int) -> None:
        subscribe = json.dumps({"id": "1", "type": "subscribe", "payload": {"query": document}})
        _, heard = on_socket(target, INIT, subscribe)
        assert json.loads(heard[-1])["type"] == "error"

    assert target.affords(attack)
