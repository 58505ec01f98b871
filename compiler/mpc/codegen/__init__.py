"""Plain data of a module to Python text."""

from .module import MARKS, emit

__all__ = ["MARKS", "emit"]
