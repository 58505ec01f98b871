"""Limits of a type, as they stand in annotations."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """In an annotation: its limits, by the names that annotations of generated modules have for them."""

    named: tuple[tuple[str, object], ...]
