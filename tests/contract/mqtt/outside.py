"""Real brokers that speak MQTT 5, as processes: rumqttd from PyPI everywhere, and mosquitto where it is installed."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from pathlib import Path

from tests.factories.patience import PATIENCE
from tests.factories.ports import free_port

RUMQTTD = """
id = 0
[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 10485760
max_segment_count = 10
"""
RUMQTTD_LISTENER = """
[{version}.1]
name = "{version}"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[{version}.1.connections]
connection_timeout_ms = 60000
max_payload_size = 1200000
max_inflight_count = 500
dynamic_filters = true
"""
MOSQUITTO = "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_inflight_messages 0\n"


def names() -> list[str]:
    """The brokers there are on this machine."""
    return ["rumqttd", *(["mosquitto"] if shutil.which("mosquitto") else [])]


class OutsideBroker:
    """One broker process. ``device_port`` speaks 3.1.1 to devices, ``port`` MQTT 5 to us."""

    def __init__(self, name: str, folder: Path) -> None:
        self.port = free_port()
        self.device_port = self.port if name == "mosquitto" else free_port()
        config = folder / f"{name}.toml"
        if name == "mosquitto":
            config.write_text(MOSQUITTO.format(port=self.port))
            self._command = [shutil.which("mosquitto") or name, "-c", str(config)]
        else:
            listeners = (("v4", self.device_port), ("v5", self.port))
            config.write_text(RUMQTTD + "".join(RUMQTTD_LISTENER.format(version=v, port=p) for v, p in listeners))
            self._command = [sys.executable, "-m", "iotcore", "--config", str(config), "--log-level", "CRITICAL"]
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        null = asyncio.subprocess.DEVNULL
        self._process = await asyncio.create_subprocess_exec(*self._command, stdout=null, stderr=null)
        async with asyncio.timeout(PATIENCE):
            for port in (self.port, self.device_port):
                while True:
                    try:
                        _, writer = await asyncio.open_connection("127.0.0.1", port)
                        writer.close()
                        break
                    except OSError:  # the only sign of readiness it gives
                        assert self._process.returncode is None
                        await asyncio.sleep(0.02)

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()
