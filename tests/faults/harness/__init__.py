"""The fault harness: the whole tree under seeded load and seeded faults, and what came of it compared row by row."""
