"""How a device signs in, told once: addresses and topics as its vendor's firmware takes them."""

from __future__ import annotations

from api.context import Context
from api.security.types.devices import DeviceSecret
from domain.kernel.uow import AnyRow
from domain.security.devices.models import Vendor
from domain.security.devices.secrets import Secret


def device_secret(context: Context, device: AnyRow, secret: Secret) -> DeviceSecret:
    """The sign-in of ``device``. MQTT messages are published below ``mqtt_topic``."""
    base = f"{context.services.public_url.rstrip('/')}/devices"
    ours = device.vendor == Vendor.ZHIAN
    topic = f"c/{device.compound_id}/d/{device.id}/"
    path = f"{base}/{device.vendor}/{device.id}/{secret.path_secret}" if secret.path_secret is not None else None
    return DeviceSecret(
        username=str(device.id),
        credential=secret.credential,
        push_url=f"{base}/events" if ours else f"{base}/{device.vendor}",
        secret_push_url=path,
        mqtt_topic=topic if ours else f"{topic}{device.vendor}/",
        weak_ways=list(secret.weak_ways),
        warnings=[way.warning.get(context.language, way.warning["en"]) for way in secret.weak_ways],
    )
