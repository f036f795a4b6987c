"""Errors of authenticators and of the second factor at sign-in."""

from __future__ import annotations

from typing import ClassVar

from domain.identity.errors import WrongCode
from domain.kernel.errors import Conflict, Forbidden, Invalid, Messages, Unauthenticated


class SecondFactorNeeded(Unauthenticated):
    """The code sent to the phone is right and still good, but the account also asks for its authenticator."""

    code = "SECOND_FACTOR_NEEDED"
    messages: ClassVar[Messages] = {
        "zh-CN": "请输入身份验证器中的动态码或恢复码",
        "en": "Please add a code of your authenticator, or a recovery code",
    }


class WrongAuthenticatorCode(Invalid):
    """The authenticator's code is wrong, of another time, or was used before; or the recovery code is none or used."""

    code = "WRONG_AUTHENTICATOR_CODE"
    messages: ClassVar[Messages] = WrongCode.messages


class AlreadyEnrolled(Conflict):
    """The account has a confirmed authenticator; it is removed before another takes its place."""

    code = "ALREADY_ENROLLED"
    messages: ClassVar[Messages] = {
        "zh-CN": "已绑定身份验证器，请先解除绑定",
        "en": "There is an authenticator already; remove it first",
    }


class NoAuthenticator(Conflict):
    """The account has no authenticator, or its enrolment was not confirmed in time."""

    code = "NO_AUTHENTICATOR"
    messages: ClassVar[Messages] = {
        "zh-CN": "尚未绑定身份验证器，或绑定已超时",
        "en": "There is no authenticator, or its enrolment has run out",
    }


class SignInAgain(Forbidden):
    """What decides who may sign in is changed only shortly after signing in."""

    code = "SIGN_IN_AGAIN"
    messages: ClassVar[Messages] = {
        "zh-CN": "为了账号安全，请重新登录后再操作",
        "en": "Please sign in again first: this is done within a quarter of an hour of signing in",
    }


class EnrolmentCodeNeeded(Forbidden):
    """The account holds a role over other people's rows: who gave it shows a code, without which nobody enrols."""

    code = "ENROLMENT_CODE_NEEDED"
    messages: ClassVar[Messages] = {
        "zh-CN": "请输入授予您角色的管理员提供的绑定码",
        "en": "Please add the enrolment code; whoever gave you your role can show you one",
    }


class WrongEnrolmentCode(Invalid):
    """The enrolment code is wrong, was used, is too old, or was tried too often."""

    code = "WRONG_ENROLMENT_CODE"
    messages: ClassVar[Messages] = {
        "zh-CN": "绑定码错误或已失效，请联系授予您角色的管理员",
        "en": "The enrolment code is wrong or no longer good; ask whoever gave you your role for another",
    }
