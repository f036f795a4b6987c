"""Digest as clients of others make it: httpx and requests answer what we challenge, by both algorithms."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import httpx
import pytest
from requests.auth import HTTPDigestAuth
from requests.utils import parse_dict_header

from domain.security.devices.secrets import REALM, Algorithm, ha1, new_secret
from integrations.devices.digest import answers, challenge, digest, new_nonce

URL = "http://zhian.test/devices/hikvision?a=%20b"
PATH = "/devices/hikvision?a=%20b"
SECRET = new_secret()
Client = Callable[[Sequence[str]], str]


def by_httpx(challenges: Sequence[str]) -> str:
    flow = httpx.DigestAuth("7", SECRET.credential).auth_flow(httpx.Request("POST", URL))
    request = next(flow)
    headers = [("WWW-Authenticate", said) for said in challenges]
    return str(flow.send(httpx.Response(401, headers=headers, request=request)).headers["Authorization"])


def by_requests(challenges: Sequence[str]) -> str:
    """As requests reads headers of one name: joined by commas, and the last of two members counts."""
    auth = HTTPDigestAuth("7", SECRET.credential)
    auth.init_per_thread_state()
    auth._thread_local.chal = parse_dict_header(", ".join(challenges).replace("Digest ", "", 1))
    return str(auth.build_digest_header("POST", URL))


def offered(*algorithms: Algorithm) -> list[str]:
    nonce = new_nonce(1000, lambda text: text.encode())
    return [challenge(REALM, nonce, algorithm=algorithm) for algorithm in algorithms]


def algorithm_of(header: str) -> Algorithm | None:
    """The algorithm of an answer that is right; None when it is wrong."""
    said = digest(header)
    assert said is not None
    assert said.algorithm is not None
    right = answers(said, method="POST", path=PATH, ha1=ha1(said.algorithm, 7, SECRET.credential))
    return said.algorithm if right else None


@pytest.mark.parametrize("client", [by_httpx, by_requests])
@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_client_answers_the_one_challenge_it_gets(client: Client, algorithm: Algorithm) -> None:
    assert algorithm_of(client(offered(algorithm))) is algorithm


@pytest.mark.parametrize(("client", "taken"), [(by_httpx, Algorithm.SHA256), (by_requests, Algorithm.MD5)])
def test_of_two_challenges_most_take_the_first_and_some_the_last(client: Client, taken: Algorithm) -> None:
    assert algorithm_of(client(offered(*Algorithm))) is taken
