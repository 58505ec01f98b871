"""`mpc mcp`, before it serves."""

from __future__ import annotations

import sys

import pytest

from .conftest import Mpc


def test_an_address_is_for_http(mpc: Mpc) -> None:
    result = mpc("mcp", "intake.mp", "--port", "9000")
    assert result.exit_code == 2
    assert "--host, --port and --key-file are for --http" in result.stderr


def test_another_address_needs_a_key(mpc: Mpc) -> None:
    result = mpc("mcp", "intake.mp", "--http", "--host", "0.0.0.0")
    assert result.exit_code == 1
    assert "there is no key" in result.stderr


def test_who_lacks_the_extra_is_told_its_name(mpc: Mpc, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("microprompt.mcp_server")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp.server.lowlevel", None)
    result = mpc("mcp", "intake.mp")
    assert result.exit_code == 1
    assert "pip install 'microprompt[mcp]'" in result.stderr
