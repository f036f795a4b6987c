"""Addresses that must not be connected to, however they are written; and the ones that may."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.outgoing.addresses import is_allowed, read_networks

REFUSED = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.8.8.8"),  # noqa: S104 - text
    *("169.254.1.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.8", "192.0.0.170"),
    *("192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9"),
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
    *("::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
    *("::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1"),
    *("64:ff9b:1::808:808", "2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::"),
    *("2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:0:7f00:1::", "100::1", "2001:db8::1", "2001:2::1", "3fff::1"),
    *("5f00::1", "fc00::1", "fd00:ec2::254", "fdab::1", "fe80::1", "fe80::1%1", "fec0::1", "ff02::1", "ff0e::1"),
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "223.5.5.5", "2400:3200::1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
NEVER = ["169.254.169.254", "100.100.100.200", "::ffff:169.254.169.254", "224.0.0.1", "::"]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_public_is_refused(text: str) -> None:
    assert not is_allowed(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_what_is_public_is_allowed(text: str) -> None:
    assert is_allowed(ip_address(text))


@pytest.mark.parametrize("text", ["10.2.0.9", "::ffff:10.2.0.9", "64:ff9b::a02:9", "2002:a02:9::1"])
def test_a_named_network_is_allowed_in_every_form(text: str) -> None:
    networks = read_networks("10.2.0.0/16, fd11::/64")
    assert is_allowed(ip_address(text), networks)
    assert not is_allowed(ip_address("10.3.0.9"), networks)
    assert is_allowed(ip_address("fd11::9"), networks)


@pytest.mark.parametrize("text", NEVER)
def test_no_list_of_networks_opens_metadata_or_multicast(text: str) -> None:
    assert not is_allowed(ip_address(text), read_networks("0.0.0.0/0,::/0"))


@pytest.mark.parametrize("text", ["10.2.0.1/16", "10.2.0.0/33", "nowhere", "10.2.0.0/16;10.3.0.0/16"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"network|bits|appear"):
        read_networks(text)


@given(st.integers(0, 2**32 - 1))
def test_no_form_of_an_address_is_freer_than_the_address(number: int) -> None:
    plain = IPv4Address(number)
    mapped, nat64 = (IPv6Address(prefix | number) for prefix in (0xFFFF << 32, 0x64FF9B << 96))
    six_to_four = IPv6Address(0x2002 << 112 | number << 80)
    teredo = IPv6Address(0x20010000 << 96 | 0x08080808 << 64 | (number ^ 0xFFFFFFFF))
    for form in (mapped, nat64):
        assert is_allowed(form) == is_allowed(plain)
    for form in (six_to_four, teredo):
        assert is_allowed(plain) or not is_allowed(form)
