"""The scheduled step that signs the ends of the audit log's chains."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from domain.identity.audit.service import sign_heads
from integrations.identity.audit import AuditKeys, HeadFiles
from integrations.settings import Settings
from workers.schedule import Step, alone

EVERY = timedelta(minutes=5)
BATCH = 500


def signing(settings: Settings) -> Step:
    """Sign what has grown, with the deployment's key, into its files."""
    sign = partial(sign_heads, signer=AuditKeys(settings.key_dir), log=HeadFiles(settings.audit_dir), limit=BATCH)
    return Step("audit.sign", EVERY, alone("audit.sign", sign), batch=BATCH)
