"""The program that is served in `tests/unit/serving`, as tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from mcp.server.lowlevel import Server

from microprompt.mcp_server.server import create_server
from microprompt.serving.served import Served

from ..serving.conftest import engine, functions, program

__all__ = ["engine", "functions", "program", "server"]


@pytest.fixture
def server(functions: Sequence[Served]) -> Server[Any]:
    """A server of the program's functions."""
    return create_server(functions)
