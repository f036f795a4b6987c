"""What the audit log knows of: the name of every action, and how it is told in zh-CN and en."""

from __future__ import annotations

CHANGES = {
    "session.started": ("登录", "Signed in"),
    "session.refused": ("登录被拒绝", "Refused a sign-in"),
    "session.ended": ("退出登录", "Signed out"),
    "session.ended_everywhere": ("退出全部登录", "Signed out everywhere"),
    "session.reuse_refused": (
        "已用过的登录凭证再次出现，登录被终止",
        "A used token came back, which ended the sign-in",
    ),
    "account.disabled": ("停用账号", "Disabled an account"),
    "role.granted": ("授予角色", "Granted a role"),
    "role.revoked": ("撤销角色", "Revoked a role"),
    "household.added": ("加入住户成员", "Brought somebody into a home"),
    "household.verified": ("认证住户", "Vouched for a resident"),
    "household.ended": ("结束住户关系", "Ended somebody's belonging to a home"),
    "device.registered": ("注册设备", "Registered a device"),
    "device.credential_rotated": ("更换设备凭证", "Gave a device a new credential"),
    "device.retired": ("停用设备", "Took a device out of service"),
    "alert.acknowledged": ("确认告警", "Took notice of an alert"),
    "alert.assigned": ("指派告警", "Assigned an alert"),
    "alert.resolved": ("解除告警", "Cleared an alert"),
    "ebike.registered": ("登记电动车", "Registered an e-bike"),
    "ebike.tag_added": ("绑定电动车标签", "Fixed a tag to an e-bike"),
    "ebike.tag_removed": ("解绑电动车标签", "Took a tag off an e-bike"),
    "ebike.armed": ("电动车布防", "Guarded an e-bike"),
    "ebike.disarmed": ("电动车撤防", "Guarded an e-bike no longer"),
    "payment.received": ("收到付款", "Received a payment"),
    "payment.returned": ("退回多付款项", "Had money returned for which nothing was owed"),
    "refund.asked": ("申请退款", "Asked for a refund"),
    "refund.made": ("退款完成", "Made a refund"),
    "order.opened": ("创建支付订单", "Opened an order"),
    "order.cancelled": ("取消支付订单", "Cancelled an order"),
    "invoice.asked": ("申请发票", "Asked for an invoice"),
    "invoice.settled": ("处理发票申请", "Dealt with a request for an invoice"),
    "reconciliation.settled": ("处理对账差异", "Dealt with a difference in the accounts"),
    "housekeeping.provider_added": ("登记家政服务商", "Entered a housekeeping provider"),
    "housekeeping.provider_retired": ("停用家政服务商", "Retired a housekeeping provider"),
    "housekeeping.service_added": ("添加家政价目", "Added an entry to a housekeeping price list"),
    "housekeeping.service_retired": ("停用家政价目", "Took an entry off a housekeeping price list"),
    "housekeeping.worker_added": ("登记家政人员", "Added a housekeeping worker"),
    "housekeeping.worker_retired": ("停用家政人员", "Retired a housekeeping worker"),
    "housekeeping.booked": ("预约家政服务", "Booked housekeeping"),
    "housekeeping.reassigned": ("改派家政预约", "Reassigned a housekeeping booking"),
    "housekeeping.cancelled": ("取消家政预约", "Cancelled a housekeeping booking"),
    "housekeeping.checked_in": ("家政人员签到", "Checked in at a housekeeping visit"),
    "housekeeping.checked_out": ("家政人员签退", "Checked out of a housekeeping visit"),
    "housekeeping.rated": ("评价家政服务", "Rated a housekeeping visit"),
    "housekeeping.hours_set": ("设置家政人员工作时间", "Set a housekeeping worker's hours"),
    "housekeeping.absence_added": ("登记家政人员请假", "Entered a housekeeping worker's absence"),
    "housekeeping.absence_removed": ("撤销家政人员请假", "Took a housekeeping worker's absence back"),
    "bill_account.registered": ("登记户号", "Noted a home's account at a supplier"),
    "bill_account.ended": ("停用户号", "Ended a home's account at a supplier"),
    "fee_rule.created": ("新增收费规则", "Made a fee rule"),
    "fee_rule.ended": ("停用收费规则", "Ended a fee rule"),
    "fee_area.set": ("设置计费面积", "Set the area a home is charged by"),
    "meter.registered": ("登记表具", "Registered a meter"),
    "meter.ended": ("拆除表具", "Took a meter out"),
    "reading.judged": ("确认或驳回读数", "Judged a meter's reading"),
    "bills.published": ("出账", "Issued a period's bills"),
    "bill.corrected": ("更正账单", "Corrected a bill"),
    "bill.written_off": ("核销账单", "Wrote a bill off"),
    "bill_import.uploaded": ("上传账单文件", "Handed in a file of bills"),
    "bill_import.confirmed": ("确认导入账单", "Had a file of bills applied"),
    "bill_import.cancelled": ("取消导入账单", "Cancelled a file of bills"),
    "bill_import.applied": ("账单导入完成", "Made bills of a file"),
    "prepaid.deposited": ("登记预存款", "Took a deposit"),
    "price.recorded": ("录入菜价", "Entered a price"),
    "price.withdrawn": ("撤回菜价", "Took back a price"),
    "prices.imported": ("导入菜价", "Entered a list of prices"),
    "dead_letters.retried": ("重新投递失败的事件", "Had dead letters tried again"),
    "documents.registered": ("登记可信操作文档", "Registered trusted documents"),
    "documents.retired": ("停用可信操作文档", "Retired trusted documents"),
    "key.rotated": ("更换密钥", "Rotated a key"),
    "key.erased": ("销毁小区密钥", "Destroyed a compound's keys"),
}
"""Changes; each is written in the transaction that makes it."""

READS = {
    "sighting.searched": ("查询轨迹", "Looked up where somebody was seen"),
    "sighting.read": ("查看轨迹记录", "Looked at a sighting"),
    "event.attributes_read": ("查看事件中的个人信息", "Looked at what tells who was in an event"),
    "event.pictures_read": ("查看事件图片", "Looked at pictures of an event"),
    "picture.opened": ("打开图片", "Opened a picture"),
    "bills.exported": ("导出账单", "Exported a compound's bills"),
    "account.phone_read": ("查看手机号", "Looked at a phone number"),
    "household.condition_read": ("查看独居或残障信息", "Looked at whether somebody lives alone or is disabled"),
    "audit.read": ("查阅审计日志", "Read the audit log"),
    "feed.opened": ("订阅含个人信息的动态", "Followed a live feed with personal data"),
}
"""Looks at personal data of others, and at this log itself; each is written before the answer leaves."""

ACTIONS = CHANGES | READS


def told(action: str, language: str) -> str:
    """What ``action`` is called in ``language``; the name itself for one of another version."""
    texts = ACTIONS.get(action)
    return action if texts is None else texts[0 if language == "zh-CN" else 1]
