"""The command line inside this process, and what holds for every program that it is given."""

from __future__ import annotations

import importlib
import io
import json
import linecache
import re
import shutil
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mpc.cli import main

from .findings import Files, Wrong, raised, write

INTERRUPTED: Final = 130
_STATUSES: Final = (0, 1, 2, 3, INTERRUPTED)


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended and what it said on both streams."""

    status: int
    output: str


def mpc(*arguments: str) -> Ran:
    """Run `mpc`. Raises `Wrong` if it shows what is nobody's business but ours."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    status: object = 0
    with redirect_stdout(stream), redirect_stderr(stream):
        try:
            main(arguments)
        except SystemExit as end:
            status = end.code or 0
        except BaseException as error:
            raise raised(f"{arguments[0]} raises", error) from error
    assert isinstance(stream.buffer, io.BytesIO)
    output = stream.buffer.getvalue().decode(errors="replace")
    if "internal error" in output or "Traceback" in output:
        raise Wrong(f"{arguments[0]} shows {_defect_in(output)}", output)
    if not isinstance(status, int) or status not in _STATUSES:
        raise Wrong(f"{arguments[0]} ends with status {status}", output)
    return Ran(status, output)


def _defect_in(output: str) -> str:
    """An internal error without what changes from one input to the next: numbers, and what is in quotes."""
    line = next((line for line in output.splitlines() if "internal error" in line), "a traceback")
    return re.sub(r"\d+|['\"`/].*", "...", line.removeprefix("error: "))[:80]


def compile_program(files: Files, folder: Path, *, slow: float | None = None) -> bool:
    """Give a program to `mpc check` and `mpc build`; whether it is accepted.

    The folder is emptied first. Raises `Wrong` if the two disagree, if a second build gives anything else, or
    if a module cannot be imported. `slow` is as in `Search`.
    """
    shutil.rmtree(folder, ignore_errors=True)
    linecache.clearcache()  # of other programs in the same place
    write(files, folder)
    with chdir(folder):
        start = time.process_time()
        checked = mpc("check", "--format", "json")
        took = time.process_time() - start
        size = sum(map(len, files.values()))
        if slow is not None and took > slow * (1 + size / 1000):
            raise Wrong("check is slow", f"{took:.2f} s of CPU time for {size:,} bytes")
        try:
            diagnostics = json.loads(checked.output) if checked.status in (0, 1) else None
        except ValueError:
            raise Wrong("check writes JSON that is none", checked.output) from None
        if diagnostics:
            for form in ("text", "github"):
                if mpc("check", "--format", form).status != checked.status:
                    raise Wrong(f"check ends otherwise with {form}", checked.output)
        built = mpc("build")
        if (built.status == 0) != (checked.status == 0):
            raise Wrong("check and build disagree", f"{checked.output}\n{built.output}")
        if checked.status == 0:
            _build_again(folder)
            import_modules(folder)
    return checked.status == 0


def modules(folder: Path) -> dict[str, bytes]:
    """The Python files of a folder, by their paths in it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.py"))}


def import_modules(folder: Path) -> None:
    """Import every module of a folder as Python does, and forget them. A warning is wrong too."""
    for name in modules(folder):
        with imported(folder, name.removesuffix(".py").replace("/", ".")):
            pass


@contextmanager
def imported(folder: Path, name: str) -> Iterator[object]:
    """A module of a folder, which is forgotten at the end of the block."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    dont_write, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                module = importlib.import_module(name)
            except Exception as error:
                raise raised("a module that was built cannot be imported:", error) from error
        yield module
    finally:
        sys.dont_write_bytecode = dont_write
        sys.path.remove(str(folder))
        for new in set(sys.modules) - before:
            origin = getattr(sys.modules[new], "__file__", None) or getattr(sys.modules[new], "__path__", "")
            if str(folder) in str(origin):
                del sys.modules[new]


def _build_again(folder: Path) -> None:
    before = modules(folder)
    if mpc("build", "--check").status != 0:
        raise Wrong("a build is not up to date at once")
    for path in folder.rglob("*.py"):
        path.unlink()
    mpc("build")
    if modules(folder) != before:
        raise Wrong("a second build gives other bytes")
