"""Plain data of a module to Python text."""

from .module import MARK, emit

__all__ = ["MARK", "emit"]
