"""Diagnostics as text for people, as JSON for tools, and as annotations for GitHub. Pure functions."""

from .github import as_github
from .json import as_json, to_data
from .text import as_text

__all__ = ["as_github", "as_json", "as_text", "to_data"]
