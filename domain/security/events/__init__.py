"""From observations to stored events: dedupe, group commit, tally."""
