"""The directions of imports: import-linter's contracts, run as a test."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.architecture.source import PRODUCT, ROOT

SECONDS = 120
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    return subprocess.run(
        command, cwd=folder, env=dict(os.environ), capture_output=True, text=True, timeout=SECONDS, check=False
    )


def test_imports_keep_their_directions() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contracts_cover_every_folder_of_the_product() -> None:
    assert set(SETTINGS["root_packages"]) == set(PRODUCT)
    contracts = {contract["id"]: contract for contract in SETTINGS["contracts"]}
    assert contracts["layers"]["layers"] == ["cli", "api | workers", "integrations | migrations", "domain"]
    assert contracts["domain-slices"]["exhaustive"] is True
    assert {"strawberry", "starlette", "httpx", "redis", "arq", "cv2", "gmqtt", "amqtt"} <= set(
        contracts["domain-pure"]["forbidden_modules"]
    )


def test_a_folder_of_the_domain_is_a_slice_of_the_contract() -> None:
    slices = {path.name for path in (ROOT / "domain").iterdir() if (path / "__init__.py").exists()}
    (contract,) = (c for c in SETTINGS["contracts"] if c["id"] == "domain-slices")
    assert slices == {name for layer in contract["layers"] for name in layer.split(" | ")}
