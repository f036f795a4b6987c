"""What can go wrong with commands on alerts."""

from __future__ import annotations

from typing import ClassVar

from domain.kernel.errors import Conflict, Invalid, Messages


class AlreadyAcknowledged(Conflict):
    """Somebody else has acknowledged the alert."""

    code = "ALREADY_ACKNOWLEDGED"
    messages: ClassVar[Messages] = {"zh-CN": "该告警已由他人确认", "en": "Somebody else has acknowledged this alert"}


class AlreadyCleared(Conflict):
    """The alert is over."""

    code = "ALREADY_CLEARED"
    messages: ClassVar[Messages] = {"zh-CN": "该告警已解除", "en": "This alert is cleared already"}


class NotResponsible(Invalid):
    """The assignee holds no role over the alert's place, or is nobody the caller knows of: the two look the same."""

    code = "NOT_RESPONSIBLE"
    messages: ClassVar[Messages] = {
        "zh-CN": "被指派人不负责该区域",
        "en": "The assignee holds no role over this place",
    }
