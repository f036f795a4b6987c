"""Root mutations of security."""

from __future__ import annotations

import strawberry

from api.context import Info
from api.nodes import fresh, row_id
from api.security.inputs import RegisterDeviceInput, RegisterEBikeInput
from api.security.keys import alert_key
from api.security.queries import read_alert, read_device, read_ebike
from api.security.secrets import device_secret
from api.security.types import alerts, devices, ebikes
from domain.security.alerts import service as alert_service
from domain.security.devices import service as device_service
from domain.security.devices.secrets import WeakWay
from domain.security.ebikes import service as ebike_service
from domain.security.ebikes.rules import TagPlace


@strawberry.type
class SecurityMutation:
    """Root mutations of security."""

    @strawberry.mutation(description="Take notice of an alert. 确认告警。")
    async def acknowledge_alert(self, info: Info, id: strawberry.ID) -> alerts.Alert:
        key = alert_key(id)
        async with info.context.uow() as uow:
            await alert_service.acknowledge_alert(uow, key=key)
        return await fresh(info.context, read_alert, f"{key[0]}.{key[1]}")

    @strawberry.mutation(description="Clear an alert and say what was done. 解除告警。")
    async def resolve_alert(self, info: Info, id: strawberry.ID, note: str) -> alerts.Alert:
        key = alert_key(id)
        async with info.context.uow() as uow:
            await alert_service.resolve_alert(uow, key=key, note=note)
        return await fresh(info.context, read_alert, f"{key[0]}.{key[1]}")

    @strawberry.mutation(description="Let somebody responsible for the place deal with it. 指派告警。")
    async def assign_alert(self, info: Info, id: strawberry.ID, account: strawberry.ID) -> alerts.Alert:
        key, account_id = alert_key(id), row_id(account, "Account", field="account")
        async with info.context.uow() as uow:
            await alert_service.assign_alert(uow, key=key, account_id=account_id)
        return await fresh(info.context, read_alert, f"{key[0]}.{key[1]}")

    @strawberry.mutation(description="Put a device in service; its secret is told this once. 注册设备。")
    async def register_device(self, info: Info, input: RegisterDeviceInput) -> devices.RegisteredDevice:
        services, new = info.context.services, input.command()
        async with info.context.uow() as uow:
            registered = await device_service.register_device(
                uow, vault=services.vault, new=new, weak_allowed=services.weak_device_auth
            )
        device = await fresh(info.context, read_device, registered.device_id)
        secret = registered.secret
        told = device_secret(info.context, device.row, secret) if secret is not None else None
        return devices.RegisteredDevice(device=device, secret=told)

    @strawberry.mutation(
        description="A new secret; the present one ends after the grace; weak ways in are given anew or end. "
        "更换设备凭证，弱认证方式须重新指定。"
    )
    async def rotate_device_credential(
        self, info: Info, id: strawberry.ID, grace_minutes: int = 60, weak_ways: list[WeakWay] | None = None
    ) -> devices.RegisteredDevice:
        device_id, services = row_id(id, "Device"), info.context.services
        async with info.context.uow() as uow:
            secret = await device_service.rotate_credential(
                uow,
                vault=services.vault,
                device_id=device_id,
                grace_minutes=grace_minutes,
                weak_ways=frozenset(weak_ways or ()),
                weak_allowed=services.weak_device_auth,
            )
        device = await fresh(info.context, read_device, device_id)
        return devices.RegisteredDevice(device=device, secret=device_secret(info.context, device.row, secret))

    @strawberry.mutation(description="Take a device out of service. 停用设备。")
    async def retire_device(self, info: Info, id: strawberry.ID) -> devices.Device:
        device_id = row_id(id, "Device")
        async with info.context.uow() as uow:
            await device_service.retire_device(uow, device_id=device_id)
        return await fresh(info.context, read_device, device_id)

    @strawberry.mutation(name="registerEBike", description="Register an e-bike of a home. 登记电动车。")
    async def register_ebike(self, info: Info, input: RegisterEBikeInput) -> ebikes.EBike:
        async with info.context.uow() as uow:
            ebike_id = await ebike_service.register_ebike(uow, vault=info.context.services.vault, new=input.command())
        return await fresh(info.context, read_ebike, ebike_id)

    @strawberry.mutation(name="addEBikeTag", description="Fix a tag to an e-bike. 绑定电动车标签。")
    async def add_ebike_tag(
        self, info: Info, e_bike: strawberry.ID, tag: str, place: TagPlace = TagPlace.BIKE
    ) -> ebikes.EBike:
        ebike_id = row_id(e_bike, "EBike", field="eBike")
        async with info.context.uow() as uow:
            await ebike_service.add_tag(uow, vault=info.context.services.vault, ebike_id=ebike_id, tag=tag, place=place)
        return await fresh(info.context, read_ebike, ebike_id)

    @strawberry.mutation(name="removeEBikeTag", description="Take a tag off its e-bike. 解绑电动车标签。")
    async def remove_ebike_tag(self, info: Info, id: strawberry.ID) -> ebikes.EBike:
        tag_id = row_id(id, "EBikeTag")
        async with info.context.uow() as uow:
            ebike_id = await ebike_service.remove_tag(uow, tag_id=tag_id)
        return await fresh(info.context, read_ebike, ebike_id)

    @strawberry.mutation(name="armEBike", description="Guard an e-bike. 电动车布防。")
    async def arm_ebike(self, info: Info, id: strawberry.ID) -> ebikes.EBike:
        ebike_id = row_id(id, "EBike")
        async with info.context.uow() as uow:
            await ebike_service.arm(uow, ebike_id=ebike_id)
        return await fresh(info.context, read_ebike, ebike_id)

    @strawberry.mutation(name="disarmEBike", description="Guard it no longer; clears its alert. 电动车撤防。")
    async def disarm_ebike(self, info: Info, id: strawberry.ID) -> ebikes.EBike:
        ebike_id = row_id(id, "EBike")
        async with info.context.uow() as uow:
            await ebike_service.disarm(uow, ebike_id=ebike_id)
        return await fresh(info.context, read_ebike, ebike_id)
