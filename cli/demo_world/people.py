"""Who lives and works in the county. Names say that they are invented, phones are of an unused row (199 0000 …)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cli.demo_world.places import COMMUNITIES, COMPOUNDS, COUNTY, TOWNS, Compound
from domain.kernel.actor import HomeRole, Role, Trust

LIVED_THERE: Final = timedelta(days=1100)
"""How long the residents have lived in their homes: all that is told of these was in their time."""
_DIGITS: Final = "零一二三四五六七八九"


@dataclass(frozen=True, slots=True)
class Official:
    """Somebody with a role over an area, named by the area's name."""

    phone: str
    name: str
    role: Role
    area: str


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody in a home; ``home`` counts the homes that are lived in."""

    phone: str
    name: str
    home: int
    role: HomeRole
    trust: Trust = Trust.OFFICE
    lives_alone: bool = False
    disabled_person: bool = False
    language: str = "zh-CN"


def numeral(number: int) -> str:
    """1 to 99 in Chinese: 1 一, 10 十, 21 二十一."""
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else "十" if tens == 1 else f"{_DIGITS[tens]}十"
    return head + (_DIGITS[ones] if ones else "")


def officials() -> list[Official]:
    """County and town operators, community police; of each compound its manager, staff and service workers."""
    people = [Official("19900000001", "示例县级值班员", Role.COUNTY_OPERATOR, COUNTY)]
    for n, town in enumerate(TOWNS, start=1):
        people.append(Official(f"1990000001{n}", f"示例镇级值班员{numeral(n)}", Role.TOWN_OPERATOR, town))
    for n, (_, community) in enumerate(COMMUNITIES, start=1):
        people.append(Official(f"1990000002{n}", f"示例社区民警{numeral(n)}", Role.COMMUNITY_POLICE, community))
    for compound in COMPOUNDS:
        first = 19900000100 + 10 * compound.index
        manager = f"示例物业经理{compound.mark}"
        people.append(Official(str(first), manager, Role.PROPERTY_MANAGER, compound.name))
        people += [
            Official(str(first + n), f"示例物业员工{compound.mark}{numeral(n)}", Role.PROPERTY_STAFF, compound.name)
            for n in (1, 2)
        ]
        people += [
            Official(str(first + n), f"示例服务人员{compound.mark}{numeral(n - 2)}", Role.SERVICE_WORKER, compound.name)
            for n in (3, 4)
        ]
    return people


_OWNER, _TENANT, _MEMBER = HomeRole.OWNER, HomeRole.TENANT, HomeRole.MEMBER
# Who lives in the homes of a compound, one row per home: role, lives alone, disabled, how far it is proven.
_HOMES: Final[tuple[tuple[tuple[HomeRole, str], ...], ...]] = (
    ((_OWNER, ""), (_MEMBER, "")),
    ((_OWNER, ""), (_MEMBER, ""), (_MEMBER, "phone")),
    ((_OWNER, "alone"),),
    ((_OWNER, "alone disabled"),),
    ((_TENANT, "phone"),),
    ((_OWNER, ""), (_MEMBER, "disabled")),
    ((_TENANT, ""), (_MEMBER, "phone")),
    ((_OWNER, "alone"),),
    ((_OWNER, "english"),),
    ((_OWNER, ""),),
    ((_TENANT, "phone alone"),),
    ((_OWNER, ""), (_MEMBER, "")),
    ((_OWNER, ""),),
    ((_TENANT, ""),),
    ((_OWNER, "alone disabled"),),
)


def residents(compound: Compound) -> list[Resident]:
    """The 21 residents of a compound."""
    people: list[Resident] = []
    for home, members in enumerate(_HOMES):
        for role, notes in members:
            number = len(people) + 1
            people.append(
                Resident(
                    phone=str(19900001000 + 100 * compound.index + number),
                    name=f"住户{compound.mark}{numeral(number)}",
                    home=home,
                    role=role,
                    trust=Trust.PHONE if "phone" in notes else Trust.OFFICE,
                    lives_alone="alone" in notes,
                    disabled_person="disabled" in notes,
                    language="en" if "english" in notes else "zh-CN",
                )
            )
    return people
