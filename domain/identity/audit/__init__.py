"""The audit log: who did and looked at what, in hash chains that show every later change."""
