"""A place for pictures: what keeps them re-encoded, and why one is not kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from domain.kernel.errors import Invalid, Messages


class PictureRefused(Invalid):
    """A picture is not kept; ``reason``: empty, too_large, format, dimensions, damaged, deadline, crashed."""

    code = "PICTURE_REFUSED"
    messages: ClassVar[Messages] = {
        "zh-CN": "图片无法接受：{why}",
        "en": "The picture is refused: {why}",
    }
    REASONS: ClassVar[dict[str, Messages]] = {
        "empty": {"zh-CN": "文件是空的", "en": "the file is empty"},
        "too_large": {"zh-CN": "文件太大", "en": "the file is too large"},
        "format": {"zh-CN": "只接受 JPEG、PNG 和 WebP", "en": "JPEG, PNG and WebP are taken"},
        "dimensions": {"zh-CN": "像素太多", "en": "it has too many pixels"},
        "damaged": {"zh-CN": "文件已损坏", "en": "the file is damaged"},
        "deadline": {"zh-CN": "解码超时", "en": "decoding took too long"},
        "crashed": {"zh-CN": "无法解码", "en": "it cannot be decoded"},
    }

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason=reason)

    def message(self, language: str = "en") -> str:
        """Why, in the words of ``language``."""
        why = self.REASONS[self.reason]
        return self.messages.get(language, self.messages["en"]).format(why=why.get(language, why["en"]))


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture as kept: JPEG, named by the ``sha256`` (hex) of its bytes; ``size`` in bytes."""

    sha256: str
    width: int
    height: int
    size: int


class PictureStore(Protocol):
    """Keeps pictures re-encoded. Who refers to one, and until when, is the domain's matter."""

    async def admit(self, content: bytes) -> StoredPicture:
        """Decode, re-encode and keep a picture.

        Raises PictureRefused (this picture never), Unavailable (no picture now): neither is a reason to refuse the
        event it came with.
        """
        ...

    async def delete(self, sha256: str, *, spare_seconds: float = 600.0) -> bool:
        """Remove a picture; False when there is none, or it was admitted less than ``spare_seconds`` ago.

        Sparing new ones keeps a sweep from taking a picture whose event is just being committed.
        """
        ...

    def path(self, sha256: str) -> Path:
        """Where a picture is, if it is kept. Raises ValueError when ``sha256`` is not 64 hex digits."""
        ...
