"""Refusals on HTTP routes that people's clients call, outside GraphQL: a code, and words in the caller's language."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from api.json import JsonResponse
from domain.kernel.errors import DomainError, Limited, Messages, Unauthenticated, Unavailable
from domain.kernel.pictures import PictureRefused

STATUSES: Final[Mapping[str, int]] = {
    "unauthenticated": 401, "forbidden": 403, "not_found": 404, "conflict": 409, "limited": 429, "unavailable": 503,
}  # fmt: skip
OF_PICTURES: Final[Mapping[str, int]] = {"too_large": 413, "dimensions": 413, "format": 415}
HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
SAYS: Final[Mapping[str, tuple[int, Messages]]] = {
    "TOO_LARGE": (413, {"zh-CN": "文件不能超过 {limit} 字节", "en": "A file has at most {limit} bytes"}),
    "TOO_SLOW": (408, {"zh-CN": "上传超时，请重试", "en": "This took too long; try again"}),
    "NOT_A_FORM": (
        415,
        {"zh-CN": "请用 multipart/form-data 上传一张图片", "en": "Send one picture as multipart/form-data"},
    ),
}


def refused(error: DomainError, language: str) -> Response:
    """A refusal of the domain with its status, code and words."""
    told: dict[str, Any] = {"code": error.code, "message": error.message(language)}
    headers = dict(HEADERS)
    status = STATUSES.get(error.kind, 400)
    if isinstance(error, PictureRefused):
        told["reason"] = error.reason
        status = OF_PICTURES.get(error.reason, 422)
    if isinstance(error, Limited):
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    if isinstance(error, Unavailable):
        headers["Retry-After"] = "5"
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return JsonResponse(told, status, headers=headers)


def said(code: str, language: str, **params: int) -> Response:
    """A refusal of the request itself, as ``SAYS`` names them. One that came too slowly ends its connection."""
    status, texts = SAYS[code]
    headers = HEADERS | ({"Connection": "close"} if code == "TOO_SLOW" else {})
    return JsonResponse({"code": code, "message": texts[language].format(**params)} | params, status, headers=headers)
