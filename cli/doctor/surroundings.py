"""Checks of what stands around the database: settings, key files, Valkey, the broker, the API."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from redis.asyncio import Redis

from cli.demo_world.secrets import FILE as DEMO_FILE
from cli.doctor.finding import Finding, State, judged
from cli.running import RunState
from domain.kernel.clock import system_clock
from integrations.identity.keyfile import UnsafeKeyFile
from integrations.payments.gateways import alipay_account, wechat_account
from integrations.settings import Settings

WAIT_SECONDS = 3.0
KEY_FILES = ("signing.json", "vault.json")


@dataclass(frozen=True, slots=True)
class SurroundingChecks:
    """Checks of one deployment. state: of the running tree, None when `zhian up` does not run here."""

    settings: Settings
    state: RunState | None

    async def profile(self) -> list[Finding]:
        """What is served, and whether devices can reach the address they are told."""
        settings = self.settings
        outside = settings.profile == "production" and _is_loopback(urlsplit(settings.public_url).hostname or "")
        return [
            judged(
                "settings",
                f"profile {settings.profile}, public address {settings.public_url}",
                warn=outside,
                do="set ZHIAN_PUBLIC_URL to the address devices and phones reach: push URLs and tokens carry it",
            )
        ]

    async def keys(self) -> list[Finding]:
        """Key files are there, and nobody but their owner can read them."""
        found = []
        folder = self.settings.key_dir
        for file in [*(folder / name for name in KEY_FILES), self.settings.data_dir / DEMO_FILE]:
            if not file.exists():
                if file.name != DEMO_FILE:
                    said = "not there; it is made at the first start"
                    do = "if there was one, restore it: without it sealed fields cannot be read"
                    found.append(Finding(f"key {file.name}", State.WARN, said, do))
                continue
            found.append(_mode(file))
        return found

    async def payments(self) -> list[Finding]:
        """The accounts of payment vendors are whole, and the vendors can report back."""
        settings = self.settings
        wechat, alipay, url = settings.wechat, settings.alipay, settings.public_url
        accounts = {
            "wechat": None if wechat is None else lambda: wechat_account(wechat, url).gateway,
            "alipay": None if alipay is None else lambda: alipay_account(alipay, url, system_clock).gateway,
        }
        return [_account(name, read, url) for name, read in accounts.items()]

    async def valkey(self) -> list[Finding]:
        """Wake-ups can travel; without them everything polls."""
        url = self.settings.redis_url
        if url is None:
            return [Finding("valkey", State.WARN, "none", "set ZHIAN_REDIS_URL: without it everything polls")]
        async with Redis.from_url(str(url), socket_connect_timeout=WAIT_SECONDS, socket_timeout=WAIT_SECONDS) as client:
            told = await client.info("server")
        version = told.get("valkey_version") or told.get("redis_version")
        return [Finding("valkey", State.OK, f"version {version}")]

    async def mqtt(self) -> list[Finding]:
        """The broker listens."""
        url = (self.state.urls.get("mqtt") if self.state else None) or (
            str(self.settings.mqtt_url) if self.settings.mqtt_url is not None else None
        )
        if url is None and (self.state is not None or not self.settings.mqtt_port):
            return [Finding("mqtt", State.OK, "not asked for")]
        at = urlsplit(url or f"mqtt://127.0.0.1:{self.settings.mqtt_port}")
        host, port = at.hostname or "127.0.0.1", at.port or 1883
        async with asyncio.timeout(WAIT_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
        writer.close()
        return [Finding("mqtt", State.OK, f"listens at {host}:{port}")]

    async def api(self) -> list[Finding]:
        """The API says that it is ready."""
        url = self.state.urls["api"] if self.state else self.settings.public_url
        async with httpx.AsyncClient(timeout=WAIT_SECONDS, trust_env=False) as client:
            status = (await client.get(f"{url}/readyz")).status_code
        return [judged("api", f"{url}/readyz answers {status}", fail=status != 200, do="see the API's log")]

    async def processes(self) -> list[Finding]:
        """The children of `zhian up` run and do not die again and again."""
        found = []
        for name, child in (self.state.children if self.state else {}).items():
            said = (
                f"process {child.pid}, {'ready' if child.ready else 'not ready'}, started again {child.restarts} times"
            )
            do = f"see {self.settings.data_dir / 'logs' / name}.log"
            found.append(judged(f"process {name}", said, fail=not child.ready, warn=child.restarts > 0, do=do))
        return found


def _mode(file: Path) -> Finding:
    mode = stat.S_IMODE(file.stat().st_mode)
    return judged(f"key {file.name}", f"mode {mode:04o}", fail=bool(mode & 0o077), do=f"chmod 600 {file}")


def _account(name: str, read: Callable[[], str] | None, public_url: str) -> Finding:
    """Whether the keys of an account are in order and the vendor can reach us: the real ones send to https only."""
    if read is None:
        return Finding(f"payments {name}", State.OK, "not offered")
    try:
        gateway = read()
    except (OSError, ValueError, UnsafeKeyFile) as error:
        do = f"see the ZHIAN_{name.upper()}_* settings and the key files they name"
        return Finding(f"payments {name}", State.FAIL, f"{type(error).__name__}: {error}", do)
    real = not _is_loopback(urlsplit(gateway).hostname or "")
    do = "set ZHIAN_PUBLIC_URL to an https:// address: vendors report payments there; until then they are asked"
    said = f"keys are in order, {gateway}"
    return judged(f"payments {name}", said, warn=real and not public_url.startswith("https://"), do=do)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
