"""Kinds of engines: what answers a call."""
