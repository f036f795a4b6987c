"""GraphQL types of security: devices, events and sightings, alerts, e-bikes. The domain's enumerations become types
here, before any type or input names one."""

from __future__ import annotations

import strawberry

from domain.security.alerts.models import AlertKind, Severity
from domain.security.alerts.queries import AlertState
from domain.security.devices.models import DeviceKind, Vendor
from domain.security.devices.observation import EventKind
from domain.security.devices.secrets import WeakWay
from domain.security.ebikes.rules import TagPlace
from domain.security.sightings.subjects import SubjectKind

strawberry.enum(AlertKind, description="What an alert is about. 告警类型。")
strawberry.enum(Severity, description="How bad, in rising order. 严重程度（递增）。")
strawberry.enum(AlertState, description="ACTIVE until CLEARED. 告警状态。")
strawberry.enum(DeviceKind, description="What a device is. 设备类型。")
strawberry.enum(Vendor, description="Whose messages it speaks. 设备厂商协议。")
strawberry.enum(
    WeakWay, name="WeakDeviceWay", description="A way in that only old firmware needs. 仅旧固件需要的弱认证方式。"
)
strawberry.enum(EventKind, description="What kind of thing was observed. 事件类型。")
strawberry.enum(SubjectKind, description="What sightings are kept of. 轨迹对象类型。")
strawberry.enum(TagPlace, name="EBikeTagPlace", description="What a tag is fixed to. 标签位置。")
