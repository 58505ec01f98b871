"""Engines: what runs a laid-out, planned call on a model."""
