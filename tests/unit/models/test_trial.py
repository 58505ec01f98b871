"""A file is tried in a process of its own: what that finds, what is made of it, and what is remembered."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from microprompt import children, models
from microprompt.errors import ModelError
from microprompt.llamacpp import probe
from microprompt.models.trial import tried

from .conftest import quiet


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.gguf"
    path.write_bytes(b"GGUF and nothing that llama.cpp could read")
    return path


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have the child run other code: the path of the file is `sys.argv[1]`, what is asked `sys.argv[2]`."""

    def become(code: str) -> None:
        monkeypatch.setattr(
            children, "command", lambda module, *arguments: [sys.executable, "-c", code, *arguments]
        )

    return become


FINE = "print('null')"


def test_what_llama_cpp_refuses_is_told_in_its_words(own: Path) -> None:
    for _ in range(2):
        with pytest.raises(ModelError, match=r"llama\.cpp can't load own\.gguf: ."):
            models.resolve(str(own)).load()


def test_a_file_that_comes_through_is_tried_once(own: Path, child: Callable[[str], None], home: Path) -> None:
    child(FINE)
    assert tried(own, quiet).extra_buffers
    child("raise SystemExit(9)")
    assert tried(own, quiet).extra_buffers
    own.rename(own.with_name("another.gguf"))
    assert tried(own.with_name("another.gguf"), quiet).extra_buffers


def test_a_file_that_has_changed_is_tried_again(own: Path, child: Callable[[str], None]) -> None:
    child(FINE)
    tried(own, quiet)
    own.write_bytes(own.read_bytes()[::-1])
    child("import os; os.abort()")
    with pytest.raises(ModelError):
        tried(own, quiet)


@pytest.mark.parametrize("damage", [b"", b"true", b"nonsense"])
def test_a_damaged_verdict_is_none(
    own: Path, child: Callable[[str], None], home: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    child(FINE)
    tried(own, quiet)
    [verdict] = (home / "facts").glob("trial-*")
    verdict.write_bytes(damage)
    monkeypatch.setattr("microprompt.models.facts._here", {})
    child("import os; os.abort()")
    with pytest.raises(ModelError):
        tried(own, quiet)


def test_kernels_that_crash_are_left_out(own: Path, child: Callable[[str], None]) -> None:
    child("import os, sys, json; json.loads(sys.argv[2])['extra_buffers'] and os.abort(); print('null')")
    assert not tried(own, quiet).extra_buffers


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("os.abort()", "it ended with SIGABRT, and said last: nothing"),
        ("os.kill(os.getpid(), 11)", "it ended with SIGSEGV"),
        (
            "say('a.cpp: GGML_ASSERT(n > 0) failed'); say('more'); os.abort()",
            r"GGML_ASSERT\(n > 0\) failed",
        ),
        ("say('libgomp: Thread creation failed'); sys.exit(1)", "status 1, and said last: libgomp: Thread"),
        ('print(\'{"unsafe": true, "message": "not finite", "help": null}\')', "not finite"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="the signals are those of other systems")
def test_a_file_that_ends_the_process_is_an_error_that_is_remembered(
    own: Path, child: Callable[[str], None], code: str, said: str
) -> None:
    child(f"import os, sys; say = lambda text: print(text, file=sys.stderr, flush=True)\n{code}")
    with pytest.raises(ModelError, match=said):
        tried(own, quiet)
    child(FINE)
    with pytest.raises(ModelError, match=said):
        tried(own, quiet)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("os.kill(os.getpid(), 9)", "ended from outside"),
        ("import no_such_module", "install microprompt in this Python"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="the signals are those of other systems")
def test_what_says_nothing_of_the_file_is_not_remembered(
    own: Path, child: Callable[[str], None], code: str, said: str
) -> None:
    child(f"import os\n{code}")
    with pytest.raises(ModelError, match=said):
        tried(own, quiet)
    child(FINE)
    assert tried(own, quiet).extra_buffers


def test_a_child_that_does_not_end_is_ended(
    own: Path, child: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "_SECONDS", 1)
    child("import time; time.sleep(600)")
    with pytest.raises(ModelError, match="took more than 1 seconds"):
        tried(own, quiet)


def test_a_python_that_is_not_there_is_named(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(ModelError, match="/nowhere/python can't be started"):
        tried(own, quiet)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems don't hold the limit")
def test_the_child_has_a_bound_on_its_memory(own: Path) -> None:
    code = """
import sys
from pathlib import Path
from microprompt.llamacpp import probe
probe._limit(Path(sys.argv[1]), 60)
try:
    bytearray(8 << 30)
except MemoryError:
    print("refused")
"""
    done = subprocess.run([sys.executable, "-c", code, str(own)], capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n"


def test_the_child_imports_nothing_from_the_current_folder(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("numpy", "llama_cpp", "microprompt", "json"):
        (tmp_path / f"{name}.py").write_text("open('executed', 'w')\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", ".", os.environ.get("PYTHONPATH", "")]))
    with pytest.raises(ModelError, match="can't load"):
        tried(own, quiet)
    assert not (tmp_path / "executed").exists()


def test_a_home_that_can_not_be_written_is_no_obstacle(
    own: Path, child: Callable[[str], None], home: Path
) -> None:
    home.write_text("in the way")
    child(FINE)
    assert tried(own, quiet).extra_buffers
    child("raise SystemExit(9)")
    assert tried(own, quiet).extra_buffers
