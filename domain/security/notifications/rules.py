"""What a push says. Pure: words from the alert's kind, severity and place."""

from __future__ import annotations

from domain.security.alerts.models import AlertKind, Severity

WORDS: dict[str, dict[str, str]] = {
    AlertKind.FIRE: {"zh-CN": "火警", "en": "Fire"},
    AlertKind.SMOKE: {"zh-CN": "烟雾报警", "en": "Smoke"},
    AlertKind.GAS: {"zh-CN": "燃气泄漏", "en": "Gas leak"},
    AlertKind.WATER_LEAK: {"zh-CN": "漏水", "en": "Water leak"},
    AlertKind.DOOR_FORCED: {"zh-CN": "门被强行打开", "en": "Door forced open"},
    AlertKind.DOOR_HELD_OPEN: {"zh-CN": "门长时间未关", "en": "Door held open"},
    AlertKind.TAMPER: {"zh-CN": "设备被拆动", "en": "Device tampered with"},
    AlertKind.DURESS: {"zh-CN": "胁迫求助", "en": "Duress call"},
    AlertKind.BODY_TEMPERATURE: {"zh-CN": "体温异常", "en": "High body temperature"},
    AlertKind.HEALTH_CODE: {"zh-CN": "健康码未通过", "en": "Health code refused"},
    AlertKind.REPEATED_REFUSAL: {"zh-CN": "多次被拒绝通行", "en": "Refused repeatedly"},
    AlertKind.EBIKE_MOVED: {"zh-CN": "电动车异动", "en": "E-bike moved"},
    AlertKind.THROWN_OBJECT: {"zh-CN": "高空抛物", "en": "Object thrown from a height"},
    AlertKind.FIRE_LANE_BLOCKED: {"zh-CN": "消防通道被占用", "en": "Fire lane blocked"},
}
OTHER = {"zh-CN": "安全告警", "en": "Security alert"}
LEVELS: dict[str, tuple[str, str, str, str]] = {
    "zh-CN": ("提示", "注意", "重要", "紧急"),
    "en": ("Notice", "Warning", "Major", "Critical"),
}
ROSE = {"zh-CN": "级别升高：", "en": "Raised to "}


def cause_of(change: str, severity: int) -> str:
    """The cause a notification is written for: every rise to another severity is one of its own."""
    return "raised" if change == "raised" else f"risen:{severity}"


def words_of(*, kind: str, severity: int, place: str, cause: str, language: str) -> tuple[str, str]:
    """Title and body of the push. ``severity``: rank 1 to 4. Languages other than zh-CN read English."""
    language = language if language in LEVELS else "en"
    level = LEVELS[language][severity - 1]
    title = WORDS.get(kind, OTHER)[language]
    rise = "" if cause == "raised" else ROSE[language]
    separator = "，" if language == "zh-CN" else ", "
    return title, f"{rise}{level}{separator}{place}" if place else f"{rise}{level}"


def is_urgent(severity: int) -> bool:
    """Whether the push may sound in quiet hours."""
    return severity >= Severity.MAJOR.rank
