"""Policy rows of uploads: a picture that is not attached to anything is its sender's alone."""

from __future__ import annotations

from api.policy import GUEST, NOBODY, SIGNED_IN, Reach, Rule, Tie

SENDERS = SIGNED_IN - {GUEST}
"""Who may send pictures: everybody with a home or a role."""

ROOTS = {"Query.uploads": Rule(SENDERS, Reach.SELF, over=NOBODY, resident=Tie.NONE, own=True)}
NODES = {"Upload": Rule(SENDERS, Reach.SELF, over=NOBODY, resident=Tie.NONE, own=True)}
LEAVES: dict[str, Rule] = {}
