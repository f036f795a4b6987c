"""The client's address, which rate limits count by: the peer's own, or what a trusted proxy tells."""

from __future__ import annotations

from typing import Any

import pytest

from api.main import server_config
from integrations.settings import read_settings


async def seen_from(peer: str, forwarded: str, **environ: str) -> tuple[str, str]:
    """(client address, scheme) the application sees."""
    seen: list[tuple[str, str]] = []

    async def app(scope: Any, *_: object) -> None:
        seen.append((scope["client"][0], scope["scheme"]))

    async def nothing(*_: object) -> Any:
        raise AssertionError("the application says nothing")

    config = server_config(app, read_settings({"ZHIAN_DATABASE_URL": "postgresql://x", **environ}))
    config.load()
    headers = [(b"x-forwarded-for", forwarded.encode()), (b"x-forwarded-proto", b"https")]
    scope: Any = {"type": "http", "client": (peer, 4711), "scheme": "http", "headers": headers}
    await config.loaded_app(scope, nothing, nothing)
    return seen[0]


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        (None, "127.0.0.1", "203.0.113.7", "203.0.113.7"),
        (None, "10.0.0.5", "203.0.113.7", "10.0.0.5"),
        ("10.0.0.5", "10.0.0.5", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.5", "127.0.0.1", "203.0.113.7", "127.0.0.1"),
        ("10.0.0.5,10.1.0.0/16", "10.1.2.3", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.5,10.1.0.0/16", "10.0.0.5", "198.51.100.9, 203.0.113.7, 10.1.2.3", "203.0.113.7"),
    ],
)
async def test_only_a_named_proxy_is_believed(trusted: str | None, peer: str, forwarded: str, client: str) -> None:
    environ = {} if trusted is None else {"ZHIAN_FORWARDED_ALLOW_IPS": trusted}

    seen = await seen_from(peer, forwarded, **environ)

    assert seen == (client, "http" if client == peer else "https")


async def test_the_server_does_not_hear_the_names_other_software_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")

    assert await seen_from("10.0.0.5", "203.0.113.7") == ("10.0.0.5", "http")
