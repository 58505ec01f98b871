"""The Dockerfile and the unit of systemd: what they copy is there, and what they run are commands."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
import pytest

from mpc.cli import cli

ROOT: Final = Path(__file__).parents[2]
DOCKERFILE: Final = ROOT / "runtime" / "deploy" / "Dockerfile"
UNIT: Final = ROOT / "runtime" / "deploy" / "microprompt.service"


def commands() -> list[Sequence[str]]:
    """What is run of `mpc`, by the image and by the unit."""
    text = DOCKERFILE.read_text()
    steps = re.findall(r"^RUN (mpc .*)$", text, re.MULTILINE)
    found: list[Sequence[str]] = [shlex.split(step) for line in steps for step in line.split(" && ")]
    found += [json.loads(line) for line in re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)]
    found += [shlex.split(line) for line in re.findall(r"^ExecStart=(.*)$", UNIT.read_text(), re.MULTILINE)]
    return found


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text("secret\n")
    return path


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_what_is_run_is_a_command(command: Sequence[str], key: Path) -> None:
    program, name, *arguments = command
    assert Path(program).name == "mpc"
    program_here = str(ROOT / "examples" / "intake")
    here = {"/srv/program": program_here, "/run/secrets/key": str(key), "%d/key": str(key)}
    context = click.Context(cli)
    found = cli.get_command(context, name)
    assert found is not None
    found.make_context(name, [here.get(each, each) for each in arguments], parent=context)


def test_what_is_copied_is_there() -> None:
    text = DOCKERFILE.read_text()
    (program,) = re.findall(r"^ARG PROGRAM=(.*)$", text, re.MULTILINE)
    assert list((ROOT / program).glob("*.mp"))


def _has_docker() -> bool:
    command = shutil.which("docker")
    return command is not None and not subprocess.run([command, "info"], capture_output=True).returncode


@pytest.mark.model
def test_the_image_serves(key: Path) -> None:
    if not _has_docker():
        pytest.skip("no docker runs here")
    bases = set(re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(), re.MULTILINE))
    if any(subprocess.run(["docker", "pull", "-q", base], capture_output=True).returncode for base in bases):
        pytest.skip("the image that it starts from can't be fetched")
    subprocess.run(["docker", "build", "-q", "-f", DOCKERFILE, "-t", "microprompt-test", ROOT], check=True)
    run = ["docker", "run", "--rm", "-d", "-p", "127.0.0.1:0:8000", "-v", f"{key}:/run/secrets/key:ro"]
    started = subprocess.run([*run, "microprompt-test"], capture_output=True, text=True, check=True)
    container = started.stdout.strip()
    try:
        port = subprocess.check_output(["docker", "port", container, "8000"], text=True).rpartition(":")[2]
        for _ in range(240):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{int(port)}/readyz") as found:
                    assert found.status == 200
                    return
            except OSError:
                time.sleep(0.5)
        pytest.fail("it was never ready")
    finally:
        subprocess.run(["docker", "stop", container], capture_output=True)
