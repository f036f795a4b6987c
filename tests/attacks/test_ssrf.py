"""Requests to addresses others chose: where they go, what they carry, and how much may come back."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from integrations.outgoing.addresses import Address, read_networks
from integrations.outgoing.transport import GuardedTransport, NotAllowed, TooMuch, guarded_client
from tests.factories.gateway import SiteGateway, gateway_running

HERE = read_networks("127.0.0.0/8")


class Names:
    """A name server an attacker holds: each answer is given once, the last one for ever."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [ip_address(text) for text in answer.split()]


async def ask(url: str, names: Names, **options: object) -> httpx.Response:
    ports = {443, 80, httpx.URL(url).port or 443}
    transport = GuardedTransport(ports=ports, resolve=names, **options)  # type: ignore[arg-type]
    async with guarded_client(transport, seconds=2) as client:
        return await client.post(url, content=b"{}")


@pytest.mark.parametrize(
    "answer",
    [
        "127.0.0.1",
        "::1",
        "10.0.0.1",
        "169.254.169.254",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "224.0.0.1",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_name_of_an_inner_address_is_refused(scheme: str, answer: str) -> None:
    with pytest.raises(NotAllowed):
        await ask(f"{scheme}://gateway.example/x", Names(answer))


async def test_one_inner_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(NotAllowed):
        await ask("https://gateway.example/x", Names("8.8.8.8 10.0.0.1"))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x", "http://127.1/x", "http://2130706433/x", "http://0x7f000001/x", "http://0177.0.0.1/x",
        "http://[::1]/x", "http://[::ffff:7f00:1]/x", "http://localhost/x", "http://169.254.169.254/latest/meta-data",
        "https://127.0.0.1/x",
    ],
)  # fmt: skip
async def test_an_inner_address_in_any_spelling_is_refused_by_the_system_resolver(url: str) -> None:
    async with guarded_client(GuardedTransport(ports={80, 443}), seconds=2) as client:
        with pytest.raises((NotAllowed, httpx.ConnectError, httpx.InvalidURL)):
            await client.get(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://x.example:22/",
        "https://x.example:6379/",
        "https://user:secret@x.example/",
        "ftp://x.example/",
        "file:///etc/passwd",
    ],
)
async def test_another_port_scheme_or_user_is_refused_before_a_name_is_looked_up(url: str) -> None:
    names = Names("8.8.8.8")
    async with guarded_client(GuardedTransport(resolve=names), seconds=2) as client:
        with pytest.raises((NotAllowed, httpx.UnsupportedProtocol)):
            await client.get(url)
    assert names.asked == []


async def test_without_tls_only_named_networks_are_spoken_to() -> None:
    with pytest.raises(NotAllowed):
        await ask("http://gateway.example/x", Names("8.8.8.8"))


async def test_who_may_speak_without_tls_to_publishers_still_reaches_no_inner_address() -> None:
    for answer in ("10.0.0.1", "127.0.0.1", "64:ff9b::7f00:1", "8.8.8.8 10.0.0.1", "169.254.169.254"):
        with pytest.raises(NotAllowed):
            await ask("http://publisher.example/x", Names(answer), plain=True)
    transport = GuardedTransport(ports={80}, resolve=Names("8.8.8.8"), plain=True)
    assert str(await transport._checked(httpx.URL("http://publisher.example/x"))) == "8.8.8.8"


async def test_a_name_that_changes_its_answer_is_asked_once_and_the_checked_address_connected_to() -> None:
    """DNS rebinding: the second answer would be the metadata service's."""
    names = Names("127.0.0.1", "169.254.169.254")
    async with gateway_running(SiteGateway("whsec_" + "A" * 32)) as gateway:
        port = gateway.host.rpartition(":")[2]
        answer = await ask(f"http://gateway.example:{port}/messages", names, networks=HERE)
        assert answer.status_code == 401  # it is the gateway that answers
        assert gateway.asked == [f"gateway.example:{port}"]
    assert names.asked == ["gateway.example"]


async def test_a_redirect_is_not_followed_and_an_answer_too_large_is_cut() -> None:
    async with gateway_running(SiteGateway("whsec_" + "A" * 32)) as gateway:

        async def in_mood(mood: str) -> httpx.Response:
            gateway.mood = mood
            return await ask(f"http://{gateway.host}/mood", Names("127.0.0.1"), networks=HERE)

        assert (await in_mood("moved")).status_code == 307
        assert (await in_mood("well")).status_code == 200
        for mood in ("large", "squeezed"):
            with pytest.raises(TooMuch):
                await in_mood(mood)
        assert gateway.taken == {}


def certificate(folder: Path, name: str) -> tuple[str, str]:
    """Files of a key and a certificate of its own for ``name``."""
    key = Ed25519PrivateKey.generate()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, None)
    )
    files = (folder / "key.pem", folder / "certificate.pem")
    files[0].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    files[1].write_bytes(made.public_bytes(Encoding.PEM))
    return str(files[0]), str(files[1])


@asynccontextmanager
async def over_tls(folder: Path, name: str) -> AsyncIterator[tuple[SiteGateway, ssl.SSLContext]]:
    key, own = certificate(folder, name)
    async with gateway_running(SiteGateway("whsec_" + "A" * 32), ssl_keyfile=key, ssl_certfile=own) as gateway:
        yield gateway, ssl.create_default_context(cafile=own)


async def test_tls_is_spoken_under_the_name_not_the_address(tmp_path: Path) -> None:
    async with over_tls(tmp_path, "gateway.example") as (gateway, trust):
        port = gateway.host.rpartition(":")[2]
        url = f"https://gateway.example:{port}/messages"
        answer = await ask(url, Names("127.0.0.1"), networks=HERE, context=trust)
        assert answer.status_code == 401
        assert gateway.asked == [f"gateway.example:{port}"]


async def test_a_certificate_of_another_name_is_refused(tmp_path: Path) -> None:
    async with over_tls(tmp_path, "other.example") as (gateway, trust):
        port = gateway.host.rpartition(":")[2]
        with pytest.raises(httpx.ConnectError, match=r"other\.example|Hostname mismatch"):
            await ask(f"https://gateway.example:{port}/x", Names("127.0.0.1"), networks=HERE, context=trust)
        assert gateway.asked == []


async def test_a_name_server_that_hangs_does_not_hold_up_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.outgoing.transport.CONNECT_SECONDS", 0.05)

    async def never(host: str, port: int) -> Sequence[Address]:
        return await asyncio.Future()

    async with guarded_client(GuardedTransport(resolve=never), seconds=2) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("https://gateway.example/")
