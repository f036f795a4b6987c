"""Checks of how devices sign in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cli.doctor.finding import Finding, judged
from domain.kernel.actor import NOTHING
from domain.kernel.uow import Database
from domain.security.devices.queries import weak_device_counts
from domain.security.devices.secrets import WeakWay
from integrations.settings import Settings

_WORDS: Final = {WeakWay.DIGEST_MD5: "Digest with MD5", WeakWay.PATH_SECRET: "a secret in the address"}


@dataclass(frozen=True, slots=True)
class DeviceChecks:
    """Checks of the devices of all counties."""

    settings: Settings
    database: Database

    async def weak_ways(self) -> list[Finding]:
        """How many devices are registered for a weak way in, and whether they are let in by it.

        A demo (developer profile) has them on purpose; anywhere else each is a risk or a device that is shut out.
        """
        async with self.database.reader(NOTHING) as reader:
            counts = await weak_device_counts(reader)
        allowed = self.settings.weak_device_auth
        registered = [f"{count} may use {_WORDS[way]}" for way, count in counts.items() if count]
        said = f"{'allowed' if allowed else 'refused'}; {', '.join(registered) or 'no device is registered for any'}"
        do = "give them another way and rotate their credentials: rotateDeviceCredential without weakWays"
        if not allowed:
            do += "; until then they are not let in by it (ZHIAN_WEAK_DEVICE_AUTH)"
        warn = bool(registered) and self.settings.profile == "production"
        return [judged("weak device sign-ins", said, warn=warn, do=do)]
