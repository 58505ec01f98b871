"""The models: a registry of names, `pull` to fetch one, `prepare` to make it fast here, `resolve` to find it.

Importing this package loads neither llama.cpp nor numpy.
"""

from __future__ import annotations

from .files import (
    Progress,
    ResolvedModel,
    check_hash,
    ensure,
    is_path,
    report_to,
    resolve,
    shipped_path,
    tell,
)
from .registry import REGISTRY, ModelInfo, find

__all__ = [
    "REGISTRY",
    "ModelInfo",
    "Progress",
    "ResolvedModel",
    "check_hash",
    "ensure",
    "find",
    "is_path",
    "report_to",
    "resolve",
    "shipped_path",
    "tell",
]
