"""`mpc studio`, before it serves: what it needs, and what it says when it can't."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from microprompt.serving import server

from .conftest import Mpc


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[ASGIApp]:
    """What was to be served: the server ends at once."""
    found: list[ASGIApp] = []

    def run(app: ASGIApp, listener: socket.socket, *, on_start: Callable[[], None]) -> None:
        with listener:
            assert listener.getsockname()[0] == "127.0.0.1"
            found.append(app)
            on_start()

    monkeypatch.setattr(server, "run", run)
    return found


def test_the_address_is_on_loopback_and_has_a_new_token_each_time(
    mpc: Mpc, served: list[ASGIApp]
) -> None:
    addresses = [mpc("studio", "intake.mp").stdout for _ in range(2)]
    found = [re.fullmatch(r"http://127\.0\.0\.1:\d+/#token=([\w-]{32})\n", each) for each in addresses]
    assert all(found)
    assert len({each[1] for each in found if each}) == len(served) == 2


def test_a_folder_without_programs_is_said(mpc: Mpc, folder: Path, served: list[ASGIApp]) -> None:
    (folder / "intake.mp").unlink()
    result = mpc("studio")
    assert result.exit_code == 1
    assert "there is no .mp file" in result.stderr
    assert not served


def test_a_port_that_is_taken_is_said(mpc: Mpc, served: list[ASGIApp]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = mpc("studio", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 3
    assert "can't listen at 127.0.0.1" in result.stderr


def test_without_the_extra_it_is_named(mpc: Mpc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mpc.studio.app", None)
    result = mpc("studio")
    assert result.exit_code == 1
    assert "pip install 'microprompt[serve]'" in result.stderr
