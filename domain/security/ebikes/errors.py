"""What can go wrong with commands on e-bikes."""

from __future__ import annotations

from typing import ClassVar

from domain.kernel.errors import Conflict, Invalid, Messages


class TagInUse(Conflict):
    """The tag is fixed to an e-bike already."""

    code = "TAG_IN_USE"
    messages: ClassVar[Messages] = {"zh-CN": "标签 {tag} 已被使用", "en": "Tag {tag} is in use already"}


class TooManyTags(Invalid):
    """More tags than an e-bike, its battery and a spare need."""

    code = "TOO_MANY_TAGS"
    messages: ClassVar[Messages] = {"zh-CN": "每辆车最多 {most} 个标签", "en": "An e-bike has at most {most} tags"}


class NotAMember(Invalid):
    """The owner does not belong to the home, or is not said although the caller is not a resident."""

    code = "NOT_A_MEMBER"
    messages: ClassVar[Messages] = {"zh-CN": "车主须为该住户成员", "en": "The owner must belong to the home"}


class TagRemoved(Conflict):
    """The tag was taken off before."""

    code = "TAG_REMOVED"
    messages: ClassVar[Messages] = {"zh-CN": "该标签已移除", "en": "This tag was removed already"}
