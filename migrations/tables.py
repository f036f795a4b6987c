"""Every table of the product, imported for its effect on the metadata."""

from __future__ import annotations

import importlib
import pkgutil

import domain
from domain.kernel import documents, log, nonces, outbox  # noqa: F401 - register their tables
from domain.kernel.base import Base

for module in pkgutil.walk_packages(domain.__path__, "domain."):
    if module.name.endswith(".models"):
        importlib.import_module(module.name)

metadata = Base.metadata
