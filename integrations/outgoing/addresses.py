"""Which addresses may be connected to. Pure.

``ipaddress.is_global`` alone lets IPv6 forms of private addresses and multicast through, and its ranges differ between
versions of Python: what is special is listed here too (IANA's special-purpose registries).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

NAT64: Final = IPv6Network("64:ff9b::/96")
SPECIAL: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        "::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20",
        "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    )
)  # fmt: skip
# Where clouds tell a machine its secrets; never, whatever a list of networks allows.
METADATA: Final = frozenset(
    ip_address(text)
    for text in ("169.254.169.254", "169.254.170.2", "169.254.169.123", "100.100.100.200", "168.63.129.16",
                 "192.0.0.192", "fd00:ec2::254", "fd20:ce::254")
)  # fmt: skip


def read_networks(text: str | Sequence[Network]) -> tuple[Network, ...]:
    """The networks of a list with commas between them. Raises ValueError for what is no network."""
    if not isinstance(text, str):
        return tuple(text)
    return tuple(ip_network(each.strip()) for each in text.split(",") if each.strip())


def forms(address: Address) -> Iterator[Address]:
    """``address`` and the IPv4 addresses it stands for: mapped, compatible, NAT64, 6to4, both ends of Teredo."""
    yield address
    if isinstance(address, IPv4Address):
        return
    last = IPv4Address(int(address) & 0xFFFFFFFF)
    if address.ipv4_mapped is not None or address in NAT64 or 1 < int(address) < 2**32:
        yield last
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo


def is_allowed(address: Address, networks: Sequence[Network] = ()) -> bool:
    """Whether ``address`` may be connected to: each of its forms is public, or the last one lies in ``networks``.

    Multicast, the unspecified address and metadata services are never allowed.
    """
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return False
    found = list(forms(address))
    if any(each in METADATA or each.is_multicast or each.is_unspecified for each in found):
        return False
    if any(found[-1] in network for network in networks):
        return True
    return all(_is_public(each) for each in found)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and (address.ipv4_mapped is not None or address in NAT64):
        return True  # as public as what it stands for, which is looked at too
    return address.is_global and not any(address in network for network in SPECIAL)
