"""Settings: read once from the environment, handed on as values. Only ``bootstrap`` and the command line read them."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.config import Config
from starlette.datastructures import Secret

from domain.identity.policies import SecondFactor
from integrations.graphiql import default_folder
from integrations.outgoing.addresses import Network, read_networks
from integrations.payments.settings import AlipaySettings, WechatSettings, read_alipay, read_wechat


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a deployment may choose.

    data_dir: where keys, pictures and embedded servers live.
    database_url: PostgreSQL as ``postgresql://…``; the login may become zhian_owner and zhian_app.
    redis_url: Valkey or Redis as ``redis://…`` or ``unix://…``; None = no wake-ups, everything polls.
    mqtt_url: an outside broker as ``mqtt://user:password@host:port``; None = the embedded broker on ``mqtt_port``.
    public_url: how devices and clients reach the API, for push URLs.
    profile: "developer" (introspection, GraphiQL, GET) or "production".
    …_retention_days: how long each is kept, at least a day; sightings, which tell who went where, the shortest.
    documents: "any" (every operation the limits allow) or "registered" (trusted documents only).
    second_factor: of whom an authenticator is asked: required (roles over other people's rows) in production.
    forwarded_allow_ips: addresses and networks of proxies whose word on the client's address is taken, with commas.
    weak_device_auth: whether devices that were registered for it may use Digest with MD5 or a secret in their address.
    rate_factor: what the rates of operations (``api.execution.limits``) are multiplied by.
    graphiql_dir: where ``zhian graphiql`` puts what the developer page is made of.
    sms_url, push_url: a site's own gateway for text messages and pushes; None = the local outbox keeps them.
    gateway_secrets, callback_secrets: files of the secrets that sign what goes to the gateway and what comes from it.
    wechat, alipay: the accounts payments go through; None = that vendor is not offered.
    outgoing_networks: private networks that URLs of this deployment may lead to; without TLS to these only.
    bill_inbox: a folder with one of each compound, into which property systems drop files of bills; None = none.
    xinfadi_url, moa_url: sites that publish prices of food, asked once a day; None = not asked.
    """

    data_dir: Path
    database_url: Secret
    redis_url: Secret | None
    mqtt_url: Secret | None
    host: str
    port: int
    mqtt_port: int
    public_url: str
    profile: str
    log_level: str
    raw_retention_days: int
    picture_retention_days: int
    event_retention_days: int
    sighting_retention_days: int
    alert_retention_days: int
    forwarded_allow_ips: str
    graphiql_dir: Path
    documents: str
    weak_device_auth: bool
    second_factor: SecondFactor
    rate_factor: float
    sms_url: Secret | None
    push_url: Secret | None
    gateway_secrets: Path | None
    callback_secrets: Path | None
    outgoing_networks: tuple[Network, ...]
    bill_inbox: Path | None
    xinfadi_url: Secret | None
    moa_url: Secret | None
    wechat: WechatSettings | None
    alipay: AlipaySettings | None

    def __post_init__(self) -> None:
        """Raises ValueError for a gateway without secrets."""
        if self.gateway_secrets is None and (self.sms_url or self.push_url) is not None:
            raise ValueError(
                "ZHIAN_SMS_URL and ZHIAN_PUSH_URL need ZHIAN_GATEWAY_SECRETS, the file that signs for them"
            )

    @property
    def key_dir(self) -> Path:
        """Key files, 0600."""
        return self.data_dir / "keys"

    @property
    def picture_dir(self) -> Path:
        """Pictures by sha256."""
        return self.data_dir / "pictures"

    @property
    def audit_dir(self) -> Path:
        """Signed ends of the audit log's chains, for another system to take away."""
        return self.data_dir / "audit"


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read ``ZHIAN_*`` from ``environ`` (the process environment by default).

    Raises KeyError or ValueError, naming the setting, when one is missing or not of its type.
    """
    config = Config(environ=dict(os.environ if environ is None else environ), env_prefix="ZHIAN_")
    port = config("PORT", cast=int, default=8000)
    host = config("HOST", default="127.0.0.1")
    profile = config("PROFILE", default="production")
    if profile not in ("developer", "production"):
        raise ValueError(f"ZHIAN_PROFILE must be developer or production, not {profile!r}")
    documents = config("DOCUMENTS", default="any")
    if documents not in ("any", "registered"):
        raise ValueError(f"ZHIAN_DOCUMENTS must be any or registered, not {documents!r}")
    weak = config("WEAK_DEVICE_AUTH", default="allow" if profile == "developer" else "refuse")
    if weak not in ("allow", "refuse"):
        raise ValueError(f"ZHIAN_WEAK_DEVICE_AUTH must be allow or refuse, not {weak!r}")
    asked = SecondFactor.REQUIRED if profile == "production" else SecondFactor.OPTIONAL
    return Settings(
        data_dir=config("DATA_DIR", cast=Path, default=Path(".zhian")).absolute(),
        database_url=config("DATABASE_URL", cast=Secret),
        redis_url=config("REDIS_URL", cast=Secret, default=None),
        mqtt_url=config("MQTT_URL", cast=Secret, default=None),
        host=host,
        port=port,
        mqtt_port=config("MQTT_PORT", cast=int, default=1883),
        public_url=config("PUBLIC_URL", default=f"http://127.0.0.1:{port}"),
        profile=profile,
        log_level=config("LOG_LEVEL", default="info"),
        raw_retention_days=config("RAW_RETENTION_DAYS", cast=number_of_days, default=30),
        picture_retention_days=config("PICTURE_RETENTION_DAYS", cast=number_of_days, default=30),
        event_retention_days=config("EVENT_RETENTION_DAYS", cast=number_of_days, default=400),
        sighting_retention_days=config("SIGHTING_RETENTION_DAYS", cast=number_of_days, default=90),
        alert_retention_days=config("ALERT_RETENTION_DAYS", cast=number_of_days, default=1095),
        forwarded_allow_ips=config("FORWARDED_ALLOW_IPS", default="127.0.0.1"),
        graphiql_dir=config("GRAPHIQL_DIR", cast=Path, default=default_folder()).absolute(),
        documents=documents,
        weak_device_auth=weak == "allow",
        second_factor=config("SECOND_FACTOR", cast=SecondFactor, default=asked),
        rate_factor=config("RATE_FACTOR", cast=positive, default=1.0),
        sms_url=config("SMS_URL", cast=web_address, default=None),
        push_url=config("PUSH_URL", cast=web_address, default=None),
        gateway_secrets=config("GATEWAY_SECRETS", cast=Path, default=None),
        callback_secrets=config("CALLBACK_SECRETS", cast=Path, default=None),
        outgoing_networks=config("OUTGOING_NETWORKS", cast=read_networks, default=()),
        bill_inbox=config("BILL_INBOX", cast=Path, default=None),
        xinfadi_url=config("XINFADI_URL", cast=web_address, default=None),
        moa_url=config("MOA_URL", cast=web_address, default=None),
        wechat=read_wechat(config),
        alipay=read_alipay(config),
    )


def web_address(value: Any) -> Secret | None:
    """An ``http(s)://host…`` URL, kept as a secret: it may hold a token. None stays None."""
    if value is None:
        return None
    parts = urlsplit(str(value))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError("a gateway is an http:// or https:// address without a user name")
    _ = parts.port  # raises ValueError when it is none
    return Secret(str(value))


def number_of_days(value: Any) -> int:
    """Whole days, at least one: a slip must not forget everything at the first start."""
    days = int(value)
    if days < 1:
        raise ValueError(f"days of retention must be 1 or more, not {days}")
    return days


def positive(value: Any) -> float:
    """A number above zero."""
    number = float(value)
    if not 0 < number < math.inf:
        raise ValueError(f"a factor must be above 0, not {value}")
    return number
