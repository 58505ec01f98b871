"""`mpc studio` as a user starts it: a process of its own, on the default model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.model

PROGRAM = """\
prompt classify(text: str) -> "question" | "command":
    Is the input a question or a command?

    Input: {text}
examples:
    "What time does the shop close?" -> "question"
    "Turn off the lights in the hall." -> "command"
    "Who wrote this report?" -> "question"
    "Remind me to call the dentist." -> "command"
"""


def ask(address: str, path: str, body: object = None) -> Any:
    base, _, token = address.partition("/#token=")
    request = urllib.request.Request(
        base + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=200) as found:
        return json.load(found)


def test_it_answers_until_it_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "intake.mp").write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, "-m", "mpc", "studio"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    try:
        assert [each["file"] for each in ask(address, "/api/files")["files"]] == ["intake.mp"]
        call = {"file": "intake.mp", "function": "classify", "arguments": {"text": "Where is it?"}}
        answer = ask(address, "/api/run", call)
        assert answer["value"] in answer["distribution"]
        prompt = ask(address, "/api/prompt", call)
        assert [each["text"] for each in prompt["pieces"] if each["role"] == "argument"] == ["Where is it?"]
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
