"""XML from devices: entities, DTDs and sizes that parsers have fallen for. Each is refused, unread, and soon."""

from __future__ import annotations

from pathlib import Path

import pytest

from integrations.devices import xml_text
from integrations.devices.limits import BODY_BYTES, XML_DEPTH, XML_ELEMENTS
from integrations.devices.push import Refused
from tests.factories.cpu import allowed, least

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
ATTACKS = {
    "billion laughs": f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a>&l9;</a>',
    "quadratic growth": f'<!DOCTYPE a [<!ENTITY x "{"x" * 50_000}">]><a>{"&x;" * 20_000}</a>',
    "a file": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///FILE">]><a>&x;</a>',
    "an address": '<!DOCTYPE a [<!ENTITY x SYSTEM "http://169.254.169.254/">]><a>&x;</a>',
    "a parameter entity": '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x.dtd"> %x;]><a/>',
    "a DTD elsewhere": '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><a/>',
    "a public DTD": '<!DOCTYPE a PUBLIC "-//X//Y" "http://127.0.0.1:1/x.dtd"><a/>',
    "an empty DTD": "<!DOCTYPE a><a/>",
    "an entity nobody declared": "<a>&x;</a>",
    "an entity that names itself": '<!DOCTYPE a [<!ENTITY x "&x;">]><a>&x;</a>',
    "attributes by default": '<!DOCTYPE a [<!ATTLIST a b CDATA "c">]><a/>',
    "100,000 levels": "<a>" * 100_000 + "</a>" * 100_000,
    "one level too many": "<a>" * (XML_DEPTH + 1) + "</a>" * (XML_DEPTH + 1),
    "one element too many": "<a>" + "<b/>" * XML_ELEMENTS + "</a>",
    "an attribute twice": '<a b="1" b="2"/>',
    "two roots": "<a/><a/>",
    "an end that never comes": "<a><![CDATA[" + "x" * 1_000_000,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_hostile_xml_is_refused_soon(name: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary")
    body = ATTACKS[name].replace("file:///FILE", secret.as_uri()).encode()

    def attack() -> None:
        with pytest.raises(Refused) as refused:
            xml_text.load(body)
        assert "canary" not in str(refused.value)

    most = allowed(0.05)
    assert least(attack, most) < most


@pytest.mark.parametrize("encoding", ["utf-16", "gb18030", "utf-8-sig"])
def test_another_encoding_hides_no_dtd(encoding: str) -> None:
    body = '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'.encode(encoding)
    with pytest.raises(Refused):
        xml_text.load(body, f"application/xml; charset={encoding.removesuffix('-sig')}")


def test_a_whole_body_of_attributes_takes_no_longer_than_its_size() -> None:
    attributes = " ".join(f'a{n}="1"' for n in range(BODY_BYTES // 40))
    body, most = f"<a {attributes}/>".encode(), allowed(1.0)

    def read() -> None:
        name, _ = xml_text.load(body)
        assert name == "a"

    assert least(read, most) < most
