"""Topics: who may publish and subscribe where."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.devices.mqtt.topics import Topic, is_downlink, may_subscribe, message_for, read_topic

DEVICE = SimpleNamespace(id=7, compound_id=3)


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("c/3/d/7/sensor", Topic(3, 7, "sensor")),
        ("c/3/d/7/zigbee2mqtt/Kitchen smoke", Topic(3, 7, "zigbee2mqtt/Kitchen smoke")),
        ("c/3/d/7/downstairs", Topic(3, 7, "downstairs")),
        ("c/3/d/7/down", None),
        ("c/3/d/7/down/open", None),
        ("c/3/d/7/", None),
        ("c/3/d/7", None),
        ("c/03/d/7/sensor", None),
        ("c/3/d/-7/sensor", None),
        ("c/３/d/7/sensor", None),
        ("c/3/d/12345678901/sensor", None),
        ("/c/3/d/7/sensor", None),
        ("c/3/d/7/sensor\x00", None),
        ("c/3/d/7/+/x", None),
        ("c/3/d/7/" + "x" * 257, None),
        ("$SYS/broker", None),
    ],
)
def test_a_topic_is_read_or_refused(name, topic):
    assert read_topic(name) == topic


@pytest.mark.parametrize(
    ("name", "message"),
    [("c/3/d/7/sensor", "sensor"), ("c/3/d/8/sensor", None), ("c/4/d/7/sensor", None), ("c/3/d/77/sensor", None)],
)
def test_the_login_must_be_the_topics_device(name, message):
    assert message_for(DEVICE, name) == message


@given(st.text(alphabet="c3d7/+#down$ ", max_size=30))
def test_a_device_never_subscribes_beyond_its_downlink(topic_filter):
    if may_subscribe(DEVICE, topic_filter):
        assert topic_filter.startswith("c/3/d/7/down/")
        assert "+" not in topic_filter
        assert "#" not in topic_filter.removesuffix("#")


@pytest.mark.parametrize("name", ["c/3/d/7/down", "c/3/d/7/down/a/b"])
def test_a_downlink_is_known(name):
    assert is_downlink(name)
    assert not is_downlink(name.replace("down", "downs"))
