"""Digest and Basic headers against the examples of their RFCs, and whatever else a header may hold."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.security.devices.secrets import Algorithm
from integrations.devices.digest import (
    LONGEST,
    NONCE_SECONDS,
    DigestAnswer,
    answers,
    basic,
    challenge,
    digest,
    new_nonce,
    nonce_holds,
)

NONCE = "dcd98b7102dd2f0e8b11d0f600bfb0c093"
PATH = "/dir/index.html"
RFC_2617 = (
    f'Digest username="Mufasa", realm="testrealm@host.com", nonce="{NONCE}", uri="{PATH}", qop=auth, nc=00000001, '
    'cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)
RFC_2069 = (
    f'Digest username="Mufasa", realm="testrealm@host.com", nonce="{NONCE}", uri="{PATH}", '
    'response="1949323746FE6A43EF61F9606E7FEBEA"'
)
RFC_7616 = (
    'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", {}'
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, '
    'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="{}", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
MD5_RESPONSE = "8ca523f5e9506fed4657c9700eebdbec"
SHA256_RESPONSE = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"


def ha1(password: str) -> str:
    return hashlib.md5(f"Mufasa:testrealm@host.com:{password}".encode(), usedforsecurity=False).hexdigest()


def said(header: str) -> DigestAnswer:
    found = digest(header)
    assert found is not None
    return found


@pytest.mark.parametrize(("header", "password"), [(RFC_2617, "Circle Of Life"), (RFC_2069, "CircleOfLife")])
def test_the_examples_of_the_rfcs_hold_for_their_secret_method_and_path_only(header: str, password: str) -> None:
    right = {"method": "GET", "path": PATH, "ha1": ha1(password)}

    assert answers(said(header), **right)
    for wrong in ({"method": "POST"}, {"path": "/dir/index.htm"}, {"path": f"{PATH}?a=1"}, {"ha1": ha1("other")}):
        assert not answers(said(header), **(right | wrong))
    assert answers(said(header.replace(", ", ",").replace('realm="testrealm@host.com"', "realm=x")), **right)


@pytest.mark.parametrize(
    ("named", "response", "algorithm"),
    [
        ("algorithm=SHA-256, ", SHA256_RESPONSE, Algorithm.SHA256),
        ('algorithm="sha-256", ', SHA256_RESPONSE.upper(), Algorithm.SHA256),
        ("algorithm=MD5, ", MD5_RESPONSE, Algorithm.MD5),
        ("", MD5_RESPONSE, Algorithm.MD5),
    ],
)
def test_the_examples_of_rfc_7616_hold_for_both_algorithms(named: str, response: str, algorithm: Algorithm) -> None:
    found = said(RFC_7616.format(named, response))
    right = {"method": "GET", "path": PATH}
    known = {each: each.of("Mufasa:http-auth@example.org:Circle of Life") for each in Algorithm}

    assert found.algorithm is algorithm
    assert answers(found, **right, ha1=known[algorithm])
    for other in set(Algorithm) - {algorithm}:  # neither the other's response nor the other's secret
        mixed = said(RFC_7616.format(f"algorithm={other}, ", response))
        assert not any(answers(mixed, **right, ha1=ha1) for ha1 in known.values())
        assert not answers(found, **right, ha1=known[other])
    assert not answers(found, **right, ha1=algorithm.of("Mufasa:http-auth@example.org:circle of life"))


@pytest.mark.parametrize("named", ["MD5-sess", "SHA-256-sess", "SHA-512-256", "SHA-1", "", "x"])
def test_an_algorithm_that_is_not_offered_is_refused_whatever_is_said_with_it(named: str) -> None:
    for response in (MD5_RESPONSE, SHA256_RESPONSE):
        found = said(RFC_7616.format(f'algorithm="{named}", ', response))
        known = [each.of("Mufasa:http-auth@example.org:Circle of Life") for each in Algorithm]
        assert not any(answers(found, method="GET", path=PATH, ha1=ha1) for ha1 in known)


def test_a_response_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    monkeypatch.setattr(hmac, "compare_digest", lambda *pair: compared.append(pair) or False)

    assert not answers(
        said(RFC_7616.format("algorithm=SHA-256, ", SHA256_RESPONSE)),
        method="GET",
        path=PATH,
        ha1=Algorithm.SHA256.of("Mufasa:http-auth@example.org:Circle of Life"),
    )
    assert compared == [(SHA256_RESPONSE.encode(), SHA256_RESPONSE.encode())]


@pytest.mark.parametrize("change", ["qop=auth-int", "qop=other"])
def test_a_protection_we_did_not_offer_is_refused(change: str) -> None:
    assert not answers(said(RFC_2617.replace("qop=auth", change)), method="GET", path=PATH, ha1=ha1("Circle Of Life"))


def test_a_path_before_ours_is_a_proxys_and_the_query_counts() -> None:
    prefixed = said(RFC_2617.replace(PATH, f"http://front/zhian{PATH}"))
    ha2 = hashlib.md5(f"GET:{prefixed.uri}".encode(), usedforsecurity=False).hexdigest()
    whole = f"{ha1('x')}:{NONCE}:00000001:0a4f113b:auth:{ha2}"
    answer = said(
        RFC_2617.replace(PATH, prefixed.uri).replace(
            prefixed.response, hashlib.md5(whole.encode(), usedforsecurity=False).hexdigest()
        )
    )

    assert answers(answer, method="GET", path=PATH, ha1=ha1("x"))
    assert not answers(answer, method="GET", path="/other", ha1=ha1("x"))


@pytest.mark.parametrize("missing", ["username", "nonce", "uri", "response"])
def test_a_header_that_lacks_a_member_is_none(missing: str) -> None:
    assert digest(RFC_2617.replace(f'{missing}="', f'x{missing}="')) is None
    assert digest("Basic " + RFC_2617) is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Basic " + base64.b64encode(b"7:geheim:mit:doppelpunkt").decode(), ("7", "geheim:mit:doppelpunkt")),
        ("bAsIc   " + base64.b64encode("7:密".encode()).decode(), ("7", "密")),
        ("Basic " + base64.b64encode(b"7").decode(), None),
        ("Basic " + base64.b64encode(b"7:\xff").decode(), None),
        ("Basic ====", None),
        ("Basic ünïcode", None),
        ("Bearer x", None),
        ("", None),
    ],
)
def test_basic(header: str, expected: tuple[str, str] | None) -> None:
    assert basic(header) == expected


def mac(text: str) -> bytes:
    return hashlib.sha256(b"key" + text.encode()).digest()


def test_a_nonce_holds_for_five_minutes_and_only_if_it_is_ours() -> None:
    nonce = new_nonce(1000.7, mac)

    assert [nonce_holds(nonce, 1000.7 + s, mac) for s in (0, NONCE_SECONDS - 1, NONCE_SECONDS + 1, -10)] == [
        True,
        True,
        False,
        False,
    ]
    assert not nonce_holds(nonce, 1000, lambda text: b"other")
    assert not nonce_holds(nonce.replace(".", ".0"), 1000, mac)
    assert "stale=true" in challenge("zhian", nonce, stale=True)
    assert "stale" not in challenge("zhian", nonce)
    assert "algorithm=SHA-256," in challenge("zhian", nonce)
    assert "algorithm=MD5," in challenge("zhian", nonce, algorithm=Algorithm.MD5)


@given(st.text())
def test_no_header_raises(text: str) -> None:
    basic("Basic " + text)
    found = digest("Digest " + text)
    assert found is None or not answers(found, method="POST", path="/x", ha1="0" * 32)
    assert not nonce_holds(text, 1000.0, mac)


@given(st.text(), st.text(), st.text(), st.text(), st.sampled_from([None, *Algorithm]))
def test_no_member_raises(uri: str, response: str, qop: str, nonce: str, algorithm: Algorithm | None) -> None:
    made = DigestAnswer("7", nonce, uri, response, qop, "1", "c", algorithm)

    assert not answers(made, method="POST", path="/never/this", ha1="0" * 32)


def test_a_header_longer_than_any_devices_is_none() -> None:
    padded = RFC_2617 + ", x=" + "a" * LONGEST
    assert digest(padded[:LONGEST]) is not None
    assert digest(padded[: LONGEST + 1]) is None
