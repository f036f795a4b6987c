"""The demo devices' secrets, in a file for ``zhian demo info``: the database has only their hashes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from domain.security.devices.secrets import Secret
from integrations.identity.keyfile import read_key_file, replace_key_file

FILE: Final = "demo.json"


def write_secrets(data_dir: Path, county_id: int, secrets: Mapping[int, Secret]) -> None:
    """Replace the file, mode 0600."""
    devices = {
        str(number): {"credential": secret.credential, "path_secret": secret.path_secret}
        for number, secret in secrets.items()
    }
    replace_key_file(data_dir / FILE, {"county": county_id, "devices": devices})


def read_secrets(data_dir: Path, county_id: int) -> dict[int, Secret] | None:
    """The secrets by device; None when there is no file, or it was written for another county.

    Raises UnsafeKeyFile when others may read it.
    """
    try:
        content = read_key_file(data_dir / FILE)
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    if content.get("county") != county_id:
        return None
    return {int(number): Secret(**secret) for number, secret in content["devices"].items()}
