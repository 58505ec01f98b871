"""Heads: what turns evidence for a choice into a distribution over its labels, how they are fitted, and how
they are kept in files."""
