"""Some of the functions that are served in `tests/unit/serving`, as tools."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pytest
from mcp.server.lowlevel import Server

from microprompt.mcp_server.server import create_server
from microprompt.serving.readiness import Readiness
from microprompt.serving.served import Served

from ..serving.conftest import engine, program

__all__ = ["engine", "functions", "program", "server", "serving"]


def serving(functions: Sequence[Served]) -> Server[Any]:
    """A server of functions."""
    return create_server(functions, Readiness(functions))


@pytest.fixture
def functions(program: ModuleType) -> Sequence[Served]:
    """Three prompts and a flow, as the module `intake`."""
    names = ("classify", "rate", "reply", "answer")
    return [Served(module="intake", function=getattr(program, name)) for name in names]


@pytest.fixture
def server(functions: Sequence[Served]) -> Server[Any]:
    """A server of these functions."""
    return serving(functions)
