"""No exception passes the command line: each kind is a message and a status, in every command."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

import click
import pytest

from microprompt import models, rows
from microprompt.errors import ArgumentError, EngineError, ModelError
from mpc import cli, codes, project
from mpc.cli import console, functions, logs, new, replay, served
from mpc.diagnostics import InternalError, ToolError

from .conftest import Mpc

# Each command with arguments, and a function that it calls early on.
SEAMS: dict[str, tuple[tuple[str, ...], object, str]] = {
    "new": (("new", "there"), new, "_project_name"),
    "build": (("build",), project, "build_changed"),
    "check": (("check",), project, "check_with_choices"),
    "run": (("run", "intake.mp", "classify", "x"), rows, "from_words"),
    "map": (("map", "intake.mp", "classify", "rows.jsonl", "--out", "out.jsonl"), rows, "read_rows"),
    "test": (("test",), project, "collect"),
    "eval": (("eval", "intake.mp", "classify", "rows.jsonl"), functions, "find"),
    "tune": (("tune", "intake.mp", "classify"), functions, "find"),
    "decide": (("decide", "x", "--noul", "Is it?"), console, "model_progress"),
    "serve": (("serve", "intake.mp"), served, "functions_at"),
    "mcp": (("mcp", "intake.mp"), served, "functions_at"),
    "logs": (("logs",), logs, "record_at"),
    "replay": (("replay", "intake.mp"), replay, "record_at"),
    "studio": (("studio",), project, "collect"),
    "explain a code": (("explain", "MP0101"), codes, "explain"),
    "explain a function": (("explain", "intake.mp", "classify"), functions, "find"),
    "models": (("models", "path"), models, "resolve"),
    "doctor": (("doctor",), console, "model_progress"),
}

ERRORS: dict[str, tuple[BaseException, int, str]] = {
    "a full disk": (OSError(errno.ENOSPC, "No space left on device"), 3, "No space left on device"),
    "a file of bytes": (OSError(errno.EACCES, "Permission denied", b"/a\xff"), 3, "Permission denied"),
    "an error without a number": (OSError("it is odd"), 3, "it is odd"),
    "a missing folder": (FileNotFoundError(2, "No such file or directory"), 3, "No such file or directory"),
    "no memory": (MemoryError(), 3, "there is not enough memory"),
    "deep input": (RecursionError("maximum depth"), 1, "nested too deeply"),
    "a large number": (OverflowError("int too large"), 1, "too large"),
    "text of another encoding": (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"), 1, "encoding"),
    "text that can't be encoded": (UnicodeEncodeError("ascii", "\ud800", 0, 1, "no"), 1, "encoding"),
    "torn JSON": (json.JSONDecodeError("Expecting value", "", 0), 1, "not JSON"),
    "the environment": (ToolError("no way", help="another"), 3, "help: another"),
    "the program": (project.CompileError(()), 1, ""),
    "an argument": (ArgumentError("wrong", help="right"), 1, "help: right"),
    "the model": (ModelError("gone", help="fetch it"), 3, "help: fetch it"),
    "the engine": (EngineError("broken"), 3, "internal error in the engine: broken"),
    "the compiler": (InternalError("lower", "lost"), 3, "internal error in lower: lost"),
    "a defect": (ZeroDivisionError("by zero"), 3, "ZeroDivisionError: by zero"),
    "no reader": (BrokenPipeError(errno.EPIPE, "Broken pipe"), 141, ""),
    "Ctrl-C": (KeyboardInterrupt(), 130, "stopped\n"),
    "Ctrl-C with a next step": (KeyboardInterrupt("start again"), 130, "stopped; start again\n"),
}


def raising(error: BaseException) -> Callable[..., object]:
    def fail(*arguments: object, **options: object) -> object:
        raise error

    return fail


@pytest.mark.parametrize("command", SEAMS)
@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_is_a_message_and_a_status(
    mpc: Mpc, folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str, command: str
) -> None:
    arguments, owner, name = SEAMS[command]
    error, status, said = ERRORS[kind]
    (folder / "rows.jsonl").write_text('{"text": "x"}\n')
    monkeypatch.setattr(owner, name, raising(error))
    result = mpc(*arguments)
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code == status
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert ("internal error" in result.stderr) == (kind in ("the engine", "the compiler", "a defect"))


def test_every_command_has_a_seam() -> None:
    assert {arguments[0] for arguments, _, _ in SEAMS.values()} == set(
        cli.cli.list_commands(click.Context(cli.cli))
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("build", "--check"),
        ("run", "intake.mp", "rate", "[" * 100_000),
        ("run", "intake.mp", "rate", '{"mood": "calm", "urgency": ' + "9" * 5000 + "}"),
        ("run", "intake.mp", "rate", '{"mood": "calm", "urgency": 1e999}'),
        ("run", "intake.mp", "classify", "\ud800"),
        ("new", "intake.mp/x"),
        ("new", "x" * 300),
        ("build", "--out", "intake.mp"),
        ("test", "--junit", "absent/report.xml"),
        ("map", "intake.mp", "classify", "intake.mp", "--out", "intake.mp/out.jsonl"),
        ("eval", "intake.mp", "classify", "intake.mp"),
        ("eval", "intake.mp", "classify", "odd.mp"),
        ("tune", "intake.mp", "classify", "--on", "intake.mp"),
        ("tune", "intake.mp", "classify", "--on", "odd.mp"),
        ("tune", "intake.mp", "classify", "--model", "\0.gguf"),
        ("eval", "intake.mp", "classify", "rows.csv", "--html", "intake.mp/report.html"),
        ("eval", "intake.mp", "classify", "rows.csv", "--model", "\0.gguf"),
    ],
    ids=lambda arguments: " ".join(arguments)[:40],
)
def test_no_input_leads_to_an_internal_error(
    mpc: Mpc, folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("MICROPROMPT_AUTO_PULL", "false")
    (folder / "odd.mp").write_bytes(b"\xff\xfe")
    (folder / "rows.csv").write_text("text,label\nx,question\n")
    result = mpc(*arguments)
    assert result.exit_code in (0, 1, 2, 3)
    assert "internal error" not in result.stderr
    assert "Traceback" not in result.stderr


# ----------------------------------------------------------------------------------- in a real process


def run(
    folder: Path,
    *arguments: str,
    stdout: int | IO[str] = subprocess.PIPE,
    encoding: str = "utf-8",
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mpc", *arguments]
    return subprocess.run(
        command, cwd=folder, stdout=stdout, stderr=subprocess.PIPE, encoding=encoding, env=env
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full disk here")
@pytest.mark.parametrize("arguments", [("--help",), ("build", "--help"), ("check",), ("explain", "MP0101")])
def test_a_full_disk_behind_standard_output_is_named(folder: Path, arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        result = run(folder, *arguments, stdout=full)
    assert result.returncode == 3
    assert result.stderr == "error: No space left on device\n"


def test_nobody_reading_is_quiet(folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    result = run(folder, "explain", "MP0101", stdout=writing)
    os.close(writing)
    assert (result.returncode, result.stderr) == (141, "")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_what_the_encoding_of_a_terminal_lacks_is_escaped(folder: Path, encoding: str) -> None:
    (folder / "intake.mp").unlink()
    (folder / "greet.mp").write_text(
        "prompt greet(text: str) -> Gr\u00fc\u00df\u043f:\n    {text}\n", encoding="utf-8"
    )
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    for arguments in (("check",), ("check", "--json"), ("check", "--format", "github")):
        result = run(folder, *arguments, env=environment, encoding=encoding)
        assert result.returncode == 1
        assert "\\u043f" in result.stdout + result.stderr
    assert json.loads(run(folder, "check", "--json", env=environment, encoding=encoding).stdout)


INTERRUPTING = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nraise ImportError('it went on')\n"


@pytest.mark.parametrize("module", ["click", "pydantic", "rich"])
def test_ctrl_c_while_modules_are_imported_is_one_line(folder: Path, module: str) -> None:
    (folder / "early").mkdir()
    (folder / "early" / f"{module}.py").write_text(INTERRUPTING)
    path = os.pathsep.join((str(folder / "early"), *sys.path))
    result = run(folder, "run", "intake.mp", "classify", "x", env={**os.environ, "PYTHONPATH": path})
    assert (result.returncode, result.stderr) == (130, "stopped\n")


def test_the_command_line_starts_without_the_compiler_and_the_runtime() -> None:
    code = "import sys, mpc.cli\nprint(*sorted({'mpc.project', 'microprompt', 'lark'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def test_ctrl_c_while_it_waits_is_one_line(folder: Path) -> None:
    command = [sys.executable, "-m", "mpc", "build", "--watch"]
    with subprocess.Popen(
        command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stderr is not None
        assert "watching" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert (process.stderr.read(), process.wait()) == ("stopped\n", 130)


def test_who_is_not_to_be_stopped_is_not(folder: Path) -> None:
    (folder / "early").mkdir()
    (folder / "early" / "click.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nos._exit(7)\n"
    )
    path = os.pathsep.join((str(folder / "early"), *sys.path))
    ignoring = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", sys.executable, "-m", "mpc", "check"]
    result = subprocess.run(ignoring, cwd=folder, env={**os.environ, "PYTHONPATH": path})
    assert result.returncode == 7


def test_a_working_folder_that_is_gone_is_named(folder: Path) -> None:
    (folder / "gone").mkdir()
    for arguments, said in ((("build",), "the working folder is gone"), (("check", str(folder)), "")):
        script = ["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", sys.executable, "-m", "mpc", *arguments]
        (folder / "gone").mkdir(exist_ok=True)
        result = subprocess.run(script, cwd=folder / "gone", capture_output=True, text=True)
        assert result.returncode == (3 if said else 0)
        assert said in result.stderr
        assert "Traceback" not in result.stderr
