"""A fleet as ``zhian demo info`` would tell it, without a database."""

from __future__ import annotations

import pytest

from cli.demo_world.addresses import Speaker, address_of
from cli.demo_world.devices import planned
from cli.demo_world.places import COMPOUNDS
from cli.simulate.fleet import Fleet
from cli.simulate.shot import thing
from domain.security.devices.secrets import WeakWay, new_secret


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    """Every device of the demo, numbered in the order of the plan."""
    things = []
    for compound in COMPOUNDS:
        numbers: dict[str, int] = {}
        for device in planned(compound):
            number = numbers[device.name] = 1000 * (compound.index + 1) + len(numbers)
            speaking = number if device.gateway is None else numbers[device.gateway]
            speaker = Speaker(speaking, compound.index + 1, device.vendor, device.kind, device.external_id)
            address = address_of(speaker, {speaking: new_secret((WeakWay.PATH_SECRET,))}, "http://127.0.0.1:8000")
            things.append(
                thing(
                    {
                        "mqtt_user": str(address.number),
                        "mqtt_topic": address.mqtt_topics[0],
                        "kind": device.kind,
                        "vendor": device.vendor,
                        "compound_name": compound.name,
                        "name": device.name,
                        "zone": device.zone,
                        "home": None if device.home is None else str(device.home),
                        "external_id": device.external_id,
                        "gateway": device.gateway,
                        "path_url": address.path_url,
                        "credential": address.credential,
                    }
                )
            )
    return Fleet(tuple(things))
