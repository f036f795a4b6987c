"""What the two adapters need of the rest: who a device is, and where its messages go."""

from __future__ import annotations

from typing import Protocol

from domain.security.devices.directory import DeviceRef
from domain.security.devices.observation import Rejection


class DeviceDirectory(Protocol):
    """Finds devices by what they present."""

    async def authenticate(self, username: str, password: str) -> DeviceRef | None:
        """The device whose id (as text, or its global id) and credential these are; None when they are not.

        Raises when it cannot tell (the database is away): that must never look like a wrong password.
        """
        ...

    async def find(self, device_id: int) -> DeviceRef | None:
        """A device that is registered and not retired; for messages whose sender an outside broker has checked."""
        ...


class Sink(Protocol):
    """Where messages go. Returning means committed; raising means not stored, so not acknowledged.

    Calls of one device are started in the order of its messages and run concurrently, so that they share a group
    commit: an implementation reaches its queue without waiting for anything.
    """

    async def handle(self, device: DeviceRef, message: str, payload: bytes) -> None:
        """Store ``payload``; ``message`` is the topic after ``c/{compound}/d/{device}/``."""
        ...

    async def reject(self, device: DeviceRef, message: str, rejection: Rejection) -> None:
        """Store that ``device`` sent something that can never be taken, such as a packet over the limit."""
        ...
