"""What whoever signed auto-pay is told by a push: how much, when, and how to stop it; not for what, nor of whom."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import select

from domain.community.payments.autopay.events import AutopayTold
from domain.community.payments.autopay.models import Autopay, AutopayPlan
from domain.community.payments.autopay.schedule import PlanState, Why
from domain.estate.models import Area
from domain.identity.telling import CHINESE, ENGLISH, Words, moment, spoken
from domain.kernel.money import yuan_of
from domain.kernel.uow import UnitOfWork


class News(StrEnum):
    """What is told. AGAIN: it could not be taken and is tried again; BY_HAND: it is not."""

    PLANNED = "planned"
    RAISED = "raised"
    OVER_LIMIT = "over_limit"
    OVER_MONTH = "over_month"
    AGAIN = "again"
    BY_HAND = "by_hand"
    PAID = "paid"
    OVER = "over"


TITLES: Final[dict[News, dict[str, str]]] = {
    News.PLANNED: {CHINESE: "自动缴费提醒", ENGLISH: "Auto-pay is due"},
    News.RAISED: {CHINESE: "自动缴费金额有变", ENGLISH: "Auto-pay: the amount has changed"},
    News.OVER_LIMIT: {CHINESE: "未自动缴费：超过单笔限额", ENGLISH: "Not paid: over the limit of one payment"},
    News.OVER_MONTH: {CHINESE: "未自动缴费：超过每月限额", ENGLISH: "Not paid: over the month's limit"},
    News.AGAIN: {CHINESE: "自动扣款未成功", ENGLISH: "Auto-pay did not succeed"},
    News.BY_HAND: {CHINESE: "自动扣款未成功", ENGLISH: "Auto-pay did not succeed"},
    News.PAID: {CHINESE: "已自动缴费", ENGLISH: "Paid by auto-pay"},
    News.OVER: {CHINESE: "自动缴费已结束", ENGLISH: "Auto-pay has ended"},
}
_STOP: Final = {
    CHINESE: "{yuan} 元将于 {when} 自动扣款；如不需要，请在此前跳过、暂停或结束自动缴费",
    ENGLISH: "¥{yuan} will be taken on {when}; skip it, pause or end auto-pay before if you do not want that",
}
_PAY: Final = {CHINESE: "{yuan} 元未扣款，请手动缴纳", ENGLISH: "¥{yuan} was not taken; please pay it yourself"}
BODIES: Final[dict[News, dict[str, str]]] = {
    News.PLANNED: _STOP,
    News.RAISED: _STOP,
    News.OVER_LIMIT: _PAY,
    News.OVER_MONTH: _PAY,
    News.AGAIN: {CHINESE: "{yuan} 元未扣款，将于 {when} 再试", ENGLISH: "¥{yuan} was not taken; next try on {when}"},
    News.BY_HAND: _PAY,
    News.PAID: {CHINESE: "{yuan} 元", ENGLISH: "¥{yuan}"},
    News.OVER: {CHINESE: "此后不再自动扣款，请手动缴纳", ENGLISH: "Nothing is taken any more; please pay yourself"},
}
STANDS: Final = {
    News.PLANNED: PlanState.PLANNED,
    News.RAISED: PlanState.PLANNED,
    News.AGAIN: PlanState.PLANNED,
    News.OVER_LIMIT: PlanState.FAILED,
    News.OVER_MONTH: PlanState.FAILED,
    News.BY_HAND: PlanState.FAILED,
    News.PAID: PlanState.PAID,
}
"""The state in which the news still goes."""
NEWS_OF: Final = {Why.OVER_LIMIT: News.OVER_LIMIT, Why.OVER_MONTH: News.OVER_MONTH, Why.RAISED: News.RAISED}


def tell(uow: UnitOfWork, autopay: Autopay, plan: Any, what: News, *, at: datetime | None = None) -> None:
    """Tell whoever signed it what becomes of a plan: anything with its id and amount."""
    said = AutopayTold(
        autopay.account_id, autopay.id, plan.id, str(what), plan.amount_fen, "" if at is None else at.isoformat()
    )
    uow.emit(said, compound_id=autopay.compound_id)


def tell_planned(uow: UnitOfWork, made: Any) -> None:
    """Tell whoever signed it of a plan as it is made: a row of its columns, with the ``account_id``."""
    over = made["why"] is not None
    what, at = (News.OVER_LIMIT, "") if over else (News.PLANNED, made["take_at"].isoformat())
    said = AutopayTold(made["account_id"], made["autopay_id"], made["id"], str(what), made["amount_fen"], at)
    uow.emit(said, compound_id=made["compound_id"])


def tell_over(uow: UnitOfWork, autopay: Autopay) -> None:
    """Tell whoever signed it that it has ended, unless they ended it themselves."""
    if uow.actor.account_id != autopay.account_id:
        uow.emit(AutopayTold(autopay.account_id, autopay.id, 0, str(News.OVER)), compound_id=autopay.compound_id)


async def words_for(uow: UnitOfWork, said: dict[str, Any]) -> Words | None:
    """The words for an ``AutopayTold``; None when it is no longer so, or the account may not sign in any more."""
    what = News(said["what"])
    found = await uow.session.execute(
        select(Area.timezone, AutopayPlan.state)
        .join(Autopay, Autopay.compound_id == Area.id)
        .outerjoin(AutopayPlan, (AutopayPlan.autopay_id == Autopay.id) & (AutopayPlan.id == said["plan_id"]))
        .where(Autopay.id == said["autopay_id"])
    )
    row, language = found.first(), await spoken(uow, said["account_id"])
    if row is None or language is None or STANDS.get(what, row.state) != row.state:
        return None
    when = moment(datetime.fromisoformat(said["at"]), row.timezone, language) if said["at"] else ""
    return Words(
        said["account_id"],
        TITLES[what][language],
        BODIES[what][language].format(yuan=yuan_of(said["fen"]), when=when),
        link=f"zhian://autopay/{said['autopay_id']}",
        collapse=f"autopay-{said['autopay_id']}-{said['plan_id']}",
    )
