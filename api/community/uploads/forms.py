"""The one file in a form. The form's own names and types are not believed: what it holds is told by its first bytes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser


class NoForm(Exception):
    """The body is no form with one file."""


class _InMemory(MultiPartParser):
    """The body is in memory already, and capped: nothing of it is written to a disk."""

    spool_max_size = 1 << 30


async def one_file(headers: Mapping[str, str], body: bytes) -> bytes:
    """The file in the ``multipart/form-data`` of ``body``. Raises NoForm for another type, another number of files,
    and a form that cannot be read."""
    if not headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise NoForm

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body
        yield b""

    said: Any = headers
    parser = _InMemory(said if isinstance(said, Headers) else Headers(dict(said)), stream(), max_files=1, max_fields=4)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, UnicodeError, LookupError) as error:
        raise NoForm from error
    try:
        files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        if len(files) != 1:
            raise NoForm
        return await files[0].read()
    finally:
        await form.close()
