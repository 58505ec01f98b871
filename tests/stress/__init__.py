"""A search for faults, for a night or for a few seconds: `python -m tests.stress --help`."""
