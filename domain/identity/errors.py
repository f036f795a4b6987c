"""Errors of identity."""

from __future__ import annotations

from typing import ClassVar

from domain.kernel.errors import Conflict, Forbidden, Invalid, Messages, Unauthenticated


class InvalidPhone(Invalid):
    """Not a phone number that can receive a message."""

    code = "INVALID_PHONE"
    messages: ClassVar[Messages] = {"zh-CN": "手机号码无效", "en": "The phone number is not valid"}


class InvalidName(Invalid):
    """A name that is too long, or holds control characters."""

    code = "INVALID_NAME"
    messages: ClassVar[Messages] = {"zh-CN": "姓名无效", "en": "The name is not valid"}


class WrongCode(Unauthenticated):
    """The one-time code is wrong, used, expired, or was tried too often: all the same to the caller."""

    code = "WRONG_CODE"
    messages: ClassVar[Messages] = {"zh-CN": "验证码错误或已失效", "en": "The code is wrong or no longer valid"}


class AccountDisabled(Forbidden):
    """The phone's holder has proven it, but the account was disabled."""

    code = "ACCOUNT_DISABLED"
    messages: ClassVar[Messages] = {"zh-CN": "账号已停用", "en": "This account is disabled"}


class SessionEnded(Unauthenticated):
    """The refresh token's session is over: signed out, expired, or ended because an old token came back."""

    code = "SESSION_ENDED"
    messages: ClassVar[Messages] = {
        "zh-CN": "登录已失效，请重新登录",
        "en": "The sign-in has ended; please sign in again",
    }


class RoleNotForLevel(Invalid):
    """This role is not held over areas of this level."""

    code = "ROLE_NOT_FOR_LEVEL"
    messages: ClassVar[Messages] = {
        "zh-CN": "该角色不适用于此级区域",
        "en": "This role is not held over an area of this level",
    }


class OwnRole(Forbidden):
    """Nobody changes roles or trust of their own."""

    code = "OWN_ROLE"
    messages: ClassVar[Messages] = {"zh-CN": "不能更改自己的角色或认证", "en": "You may not change your own standing"}


class NumbersInWords(Invalid):
    """A remark that is kept for good holds what may be the number of a person or a phone."""

    code = "NUMBERS_IN_WORDS"
    messages: ClassVar[Messages] = {
        "zh-CN": "请勿填写证件号码或电话号码",
        "en": "Leave out numbers of documents and phones",
    }


class AlreadyGranted(Conflict):
    """The account holds this role over this area already."""

    code = "ALREADY_GRANTED"
    messages: ClassVar[Messages] = {"zh-CN": "该账号已拥有此角色", "en": "The account holds this role already"}


class AlreadyRevoked(Conflict):
    """The role was revoked before."""

    code = "ALREADY_REVOKED"
    messages: ClassVar[Messages] = {"zh-CN": "该角色已被撤销", "en": "The role was revoked already"}


class AlreadyMember(Conflict):
    """The account belongs to this home already."""

    code = "ALREADY_MEMBER"
    messages: ClassVar[Messages] = {"zh-CN": "该用户已在此住户中", "en": "The account belongs to this home already"}


class HouseholdEnded(Conflict):
    """The resident no longer belongs to the home."""

    code = "HOUSEHOLD_ENDED"
    messages: ClassVar[Messages] = {"zh-CN": "该住户关系已结束", "en": "The resident no longer belongs to this home"}
