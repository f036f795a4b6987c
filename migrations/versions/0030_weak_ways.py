"""Weak ways in only for devices registered for them; what checks HTTP Digest is sealed.

The MD5 HA1s stood in clear and are dropped: whoever read them could sign in with them. A device that signs in by Digest
gets a new credential. Bearer, Basic and MQTT go on; path secrets too, where the deployment allows them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.drop_column("device_credential", "digest_ha1")
    op.add_column("device_credential", sa.Column("digest_sha256", sa.LargeBinary(), nullable=True))
    op.add_column("device_credential", sa.Column("digest_md5", sa.LargeBinary(), nullable=True))
    op.alter_column("device_credential", "path_hash", nullable=True)
