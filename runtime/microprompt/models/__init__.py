"""The models: a registry of names, `resolve` to find one, `ensure` to fetch and prepare it first if need be.

Imports run one way: registry, facts <- header, files <- prepared <- trial, attuned <- pull, prepare <-
resolve.
Importing this package loads neither llama.cpp nor numpy.
"""

from __future__ import annotations

from .files import Progress, check_hash, is_here, shipped_path, tell
from .prepared import read_record
from .registry import REGISTRY, ModelInfo, ModelKind, find
from .resolve import ResolvedModel, check_thoroughly, ensure, report_to, resolve

__all__ = [
    "REGISTRY",
    "ModelInfo",
    "ModelKind",
    "Progress",
    "ResolvedModel",
    "check_hash",
    "check_thoroughly",
    "ensure",
    "find",
    "is_here",
    "read_record",
    "report_to",
    "resolve",
    "shipped_path",
    "tell",
]
