"""What can go wrong with commands on devices."""

from __future__ import annotations

from typing import ClassVar

from domain.kernel.errors import Conflict, Invalid, Messages


class ElsewhereInEstate(Invalid):
    """A home, building or gateway that is not of the device's compound; ``field`` says which."""

    code = "NOT_IN_COMPOUND"
    messages: ClassVar[Messages] = {"zh-CN": "不属于该小区", "en": "This is not in the compound"}


class InvalidGateway(Invalid):
    """A gateway without the name it has for the device, or the other way round."""

    code = "INVALID_GATEWAY"
    messages: ClassVar[Messages] = {
        "zh-CN": "网关与网关内设备名须同时填写",
        "en": "Give both the gateway and its name for the device, or neither",
    }


class InvalidHeartbeat(Invalid):
    """A heartbeat period outside 5 seconds to a day."""

    code = "INVALID_HEARTBEAT"
    messages: ClassVar[Messages] = {
        "zh-CN": "心跳周期须为 {least} 到 {most} 秒",
        "en": "The heartbeat must be {least} to {most} seconds",
    }


class InvalidGrace(Invalid):
    """A period of grace longer than a week, or negative."""

    code = "INVALID_GRACE"
    messages: ClassVar[Messages] = {
        "zh-CN": "旧凭证的保留时间须为 0 到 {most} 分钟",
        "en": "The old credential may stay valid for 0 to {most} minutes",
    }


class ExternalIdInUse(Conflict):
    """The gateway knows another registered device by this name."""

    code = "EXTERNAL_ID_IN_USE"
    messages: ClassVar[Messages] = {
        "zh-CN": "该网关下已有同名设备",
        "en": "Another device behind this gateway has this name",
    }


class DeviceRetired(Conflict):
    """The device is no longer in service."""

    code = "DEVICE_RETIRED"
    messages: ClassVar[Messages] = {"zh-CN": "该设备已停用", "en": "This device is retired"}


class NoCredential(Conflict):
    """A device behind a gateway speaks through it and has no credential of its own."""

    code = "NO_CREDENTIAL"
    messages: ClassVar[Messages] = {
        "zh-CN": "网关下的设备没有独立凭证",
        "en": "A device behind a gateway has no credential of its own",
    }


class WeakWaysRefused(Invalid):
    """This deployment lets no device in by a weak way (``ZHIAN_WEAK_DEVICE_AUTH``)."""

    code = "WEAK_WAYS_REFUSED"
    messages: ClassVar[Messages] = {
        "zh-CN": "本系统不允许设备使用 MD5 摘要认证或地址密钥",
        "en": "This deployment lets no device in by MD5 Digest or a secret in its address",
    }
