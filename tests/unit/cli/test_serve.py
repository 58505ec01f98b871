"""`mpc serve`, before it serves: the bounds that its options set."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from microprompt.serving import app, server
from microprompt.serving.limits import ServingLimits
from mpc.cli.serve import command

from .conftest import Mpc

DOCS = Path(__file__).parents[3] / "runtime" / "docs" / "serving.md"


@pytest.fixture
def limits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[ServingLimits]:
    """The limits of what was to be served: the server ends at once."""
    found: list[ServingLimits] = []
    create = app.create_app

    def create_app(*arguments: Any, limits: ServingLimits, **options: Any) -> Any:
        found.append(limits)
        return create(*arguments, limits=limits, **options)

    def run(
        _: object,
        listener: socket.socket,
        *,
        readiness: object,
        grace_seconds: int,
        on_start: Callable[[], None],
    ) -> None:
        listener.close()
        assert grace_seconds == found[-1].grace_seconds
        on_start()

    monkeypatch.setattr(app, "create_app", create_app)
    monkeypatch.setattr(server, "run", run)
    return found


def test_without_options_the_limits_are_the_usual_ones(mpc: Mpc, limits: list[ServingLimits]) -> None:
    result = mpc("serve", "intake.mp", "--port", "0")
    assert result.stderr.startswith("serving 2 functions at http://127.0.0.1:")
    assert limits == [ServingLimits()]


def test_every_limit_has_an_option(mpc: Mpc, limits: list[ServingLimits]) -> None:
    options = "--limit-body 2MiB --limit-rows 5 --limit-concurrency 6 --timeout-body 7 --timeout-response 8"
    mpc("serve", "intake.mp", "--port", "0", *options.split(), "--timeout-graceful-shutdown", "9")
    wanted = ServingLimits(
        body_bytes=2 << 20, rows=5, queue=6, receive_seconds=7, send_seconds=8, grace_seconds=9
    )
    assert limits == [wanted]
    assert {each.name for each in fields(ServingLimits)} <= {each.name for each in command.params}


@pytest.mark.parametrize(
    ("said", "size"),
    [("1", 1), ("64k", 65_536), ("10 MB", 10_000_000), ("3B", 3), ("1GiB", 1 << 30), ("2kb", 2_000)],
)
def test_a_size_is_bytes_or_has_a_unit(mpc: Mpc, limits: list[ServingLimits], said: str, size: int) -> None:
    mpc("serve", "intake.mp", "--port", "0", "--limit-body", said)
    assert [each.body_bytes for each in limits] == [size]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        *(("--limit-body", said) for said in ("", "0", "0MiB", "-1", "1.5MiB", "2 tons", "1" * 16, "nan")),
        *(("--limit-rows", said) for said in ("0", "many")),
        *(("--limit-concurrency", said) for said in ("0", "1k")),
        *(("--timeout-body", said) for said in ("0", "nan", "inf", "90000")),
        ("--timeout-response", "soon"),
        ("--timeout-graceful-shutdown", "-1"),
    ],
)
def test_a_limit_that_is_none_is_refused(
    mpc: Mpc, limits: list[ServingLimits], option: str, said: str
) -> None:
    result = mpc("serve", "intake.mp", option, said)
    assert result.exit_code == 2
    assert f"Invalid value for '{option}'" in result.stderr
    assert not limits


def test_the_docs_name_every_option_and_what_holds_without_it() -> None:
    page = DOCS.read_text(encoding="utf-8")
    for each in command.params:
        (name,) = each.opts
        if name.startswith(("--limit", "--timeout")):
            assert f"| `{name} {each.default}` |" in page
