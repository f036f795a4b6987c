"""Keys of a merchant and of a platform that exist only here."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key


@pytest.fixture(scope="session")
def ours() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def theirs() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)
