"""Syntax tree to checked tree: names, types, holes, examples, settings."""

from .check import check
from .checked import CheckedModule
from .hints import hints

__all__ = ["CheckedModule", "check", "hints"]
