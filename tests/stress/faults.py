"""Commands that something happens to: a full disk, Ctrl-C, files that vanish, the end of the process.

In each trial `mpc build` or `mpc map` runs in a folder, and something happens at the n-th step, before the
thing that the command does to the files there. Afterwards every file is the old one or the new one, whole,
and the same command, started again without a fault, gives what it would have given at once.

Started as a program, with a folder, a step and a command, the module is the process that is killed.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Final, NoReturn, TypeAlias
from unittest.mock import patch

from microprompt.testing import scripted

from .commands import INTERRUPTED, Ran, mpc
from .findings import Search, Wrong, write

BUILD: Final = ("build",)
MAP: Final = ("map", "main.mp", "classify", "rows.jsonl", "--out", "out.jsonl")
ROWS: Final = 5

_PROGRAM: Final = """\
from parts import Act

prompt classify(text: str) -> Act:
    Which VERSION is it?

    Text: {text}
"""
_PARTS: Final = 'type Act = "question" | "command"\n'
_ROWS: Final = "".join(json.dumps({"id": n, "text": "?" * n}) + "\n" for n in range(ROWS))

_ROOT: Final = Path(__file__).parents[2]

# What Python tells an audit hook that it is about to do with a path; `os.replace` is told as a rename.
_EVENTS: Final = frozenset(
    (
        "open",
        *(f"os.{name}" for name in ("rename", "remove", "mkdir", "truncate", "chmod", "listdir", "scandir")),
    )
)

# --------------------------------------------------------------------------------------------- injection

Act: TypeAlias = Callable[[str], None]
"""Something that happens, told the path that the command is about to touch."""


@dataclass(slots=True)
class _Watch:
    """What the audit hook does: `act` for paths below `folder`. There is one, for hooks cannot be removed."""

    installed: bool = False
    folder: str = ""
    act: Act | None = None

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if (
            self.act is None
            or event not in _EVENTS
            or not isinstance(arguments[0], (str, bytes, os.PathLike))
        ):
            return
        path = os.fsdecode(arguments[0])
        if os.path.join(self._here(), path).startswith(self.folder):
            self.act(path)

    def _here(self) -> str:
        try:
            return os.getcwd()
        except FileNotFoundError:  # a trial has deleted it
            return self.folder


_watch: Final = _Watch()


@contextmanager
def at_each_step(act: Act, folder: Path) -> Iterator[None]:
    """Call `act` before each thing that the block does to files below a folder."""
    if not _watch.installed:
        sys.addaudithook(_watch)
        _watch.installed = True
    real = os.fsync

    def fsync(number: int) -> None:
        act("")
        real(number)

    _watch.folder, _watch.act = str(folder.resolve()), act
    try:
        with patch.object(os, "fsync", fsync):  # which has no event
            yield
    finally:
        _watch.act = None


def nth(number: int, act: Act) -> Act:
    """`act` at the n-th step, and nothing at the others."""
    steps = count(1)

    def at_step(path: str) -> None:
        if next(steps) == number:
            act(path)

    return at_step


def refuse(code: int, path: str) -> NoReturn:
    """What the operating system does."""
    raise OSError(code, os.strerror(code), path or None)


@contextmanager
def small_files(most: int) -> Iterator[None]:
    """Let the disk be full for every file behind its first `most` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


ERRORS: Final = (errno.ENOSPC, errno.EACCES, errno.EIO, errno.EMFILE, errno.EINTR)

# ------------------------------------------------------------------------------------------------- trials


class Trial:
    """A command in a folder of its own, where an older run has left its files."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self.command = command
        self.folder = folder
        self.prepare()
        self.old = _contents(folder)
        self.steps = 0
        with at_each_step(self._count, folder):
            self.run()
        self.new = _contents(folder)

    def _count(self, path: str) -> None:
        self.steps += 1

    def prepare(self) -> None:
        """Make the folder anew: for a build with modules of older sources, for a map without answers."""
        shutil.rmtree(self.folder, ignore_errors=True)
        sources = {"main.mp": _PROGRAM, "parts.mp": _PARTS, "rows.jsonl": _ROWS, "pyproject.toml": ""}
        write({name: text.encode() for name, text in sources.items()}, self.folder)
        if self.command == BUILD:
            with chdir(self.folder):
                mpc("build")
            (self.folder / "main.mp").write_text(_PROGRAM.replace("VERSION", "kind"))
            (self.folder / "parts.mp").write_text(_PARTS.replace("\n", ' | "other"\n'))

    def run(self) -> Ran:
        with chdir(self.folder), scripted({"classify": _answer}):
            return mpc(*self.command)

    def check_whole(self) -> None:
        """Every file is the old one or the new one; an output of `map`, the beginning of the new one."""
        found = _contents(self.folder)
        for name in self.old | self.new:
            now = found.get(name)
            if name == "out.jsonl":
                whole = (now or b"")[: (now or b"").rfind(b"\n") + 1]
                rows = _without_clock(whole)
                if rows != _without_clock(self.new[name])[: len(rows)]:
                    raise Wrong(f"{self.command[0]} writes other rows", repr(now))
            elif not name.startswith(".") and now not in (self.old.get(name), self.new.get(name)):
                raise Wrong(f"{self.command[0]} loses a file or leaves half of it", f"{name} is {now!r}")

    def check_again(self) -> None:
        """Started again, the command gives what it gives at once, and nothing is left over."""
        ran = self.run()
        if ran.status != 0:
            raise Wrong(f"{self.command[0]} ends with status {ran.status} after a fault", ran.output)
        found = _contents(self.folder)
        if found.keys() != self.new.keys():
            names = sorted(found.keys() ^ self.new.keys())
            raise Wrong(f"{self.command[0]} leaves files behind, or none", ", ".join(names))
        for name in found:
            if not name.startswith(".") and _without_clock(found[name]) != _without_clock(self.new[name]):
                raise Wrong(f"{self.command[0]} gives another {name} after a fault", repr(found[name]))

    # ---------------------------------------------------------------------------------------- kinds

    def fail(self, code: int, step: int) -> None:
        """An error of the operating system at one step."""
        self.prepare()
        with at_each_step(nth(step, partial(refuse, code)), self.folder):
            self.run()
        self.check_whole()
        self.check_again()

    def interrupt(self, step: int) -> None:
        """Ctrl-C at one step."""
        self.prepare()
        told: list[str] = []

        def interrupt(path: str) -> NoReturn:
            told.append(path)
            raise KeyboardInterrupt

        with at_each_step(nth(step, interrupt), self.folder):
            ran = self.run()
        if told and ran.status != INTERRUPTED:  # two runs may differ by a step
            raise Wrong(f"{self.command[0]} ends with status {ran.status} after Ctrl-C", ran.output)
        self.check_whole()
        self.check_again()

    def overflow(self, most: int) -> None:
        """A disk that is full in the middle of a file."""
        self.prepare()
        with small_files(most):
            self.run()
        self.check_whole()
        self.check_again()

    def vanish(self, step: int, victim: str) -> None:
        """A file, or the folder itself, that is deleted in the middle: all that can be asked is a message."""
        self.prepare()

        def delete(path: str) -> None:
            if victim == ".":
                shutil.rmtree(self.folder, ignore_errors=True)
            else:
                (self.folder / victim).unlink(missing_ok=True)

        with at_each_step(nth(step, delete), self.folder):
            self.run()
        self.folder.mkdir(exist_ok=True)

    def tear(self, victim: str, place: float, *, flip: bool) -> None:
        """A damaged output or note: the command mends it, or refuses and leaves the output."""
        self.prepare()
        self.run()
        path = self.folder / victim
        data = bytearray(path.read_bytes())
        at = int(place * len(data))
        if flip:
            data[at] ^= 1
        path.write_bytes(data if flip else data[:at])
        before = _contents(self.folder)
        if self.run().status == 0:
            self.check_again()
        elif _contents(self.folder) | {victim: b""} != before | {victim: b""}:
            raise Wrong(f"{self.command[0]} refuses a damaged {victim}, and changes other files")

    def kill(self, step: int) -> None:
        """The end of the process."""
        self.prepare()
        child = [sys.executable, "-m", "tests.stress.faults", str(self.folder), str(step), *self.command]
        ended = subprocess.run(child, cwd=_ROOT, capture_output=True, text=True, timeout=120, check=False)
        if ended.returncode not in (-signal.SIGKILL, 0):  # two runs may differ by a step
            raise Wrong(f"{self.command[0]} ends with {ended.returncode} before it is killed", ended.stderr)
        self.check_whole()
        self.check_again()


def search(round: Search) -> None:
    """Let everything go wrong, at steps that the seed chooses."""
    chance = Random(round.seed)
    for command, outputs in ((BUILD, ("main.py", "parts.py")), (MAP, ("out.jsonl", ".out.jsonl.mpc"))):
        trial = Trial(command, round.folder)
        largest = max(map(len, trial.new.values()))
        for number in range(round.tries):
            step = chance.randint(1, trial.steps)
            victim = chance.choice([".", *trial.new])
            output = chance.choice(outputs)
            place = chance.random()
            faults: dict[str, Callable[[], None]] = {
                f"Ctrl-C at step {step}": partial(trial.interrupt, step),
                f"full behind byte {int(place * largest)}": partial(trial.overflow, int(place * largest)),
                f"{victim} is deleted at step {step}": partial(trial.vanish, step, victim),
                f"{output} is cut at {place:.3f}": partial(trial.tear, output, place, flip=False),
                f"{outputs[-1]} has a flipped bit at {place:.3f}": partial(
                    trial.tear, outputs[-1], place, flip=True
                ),
            }
            for code in ERRORS:
                faults[f"{errno.errorcode[code]} at step {step}"] = partial(trial.fail, code, step)
            if number == 0:  # processes are slow
                faults[f"killed at step {step}"] = partial(trial.kill, step)
            for what, fault in faults.items():
                try:
                    fault()
                except Wrong as wrong:
                    round.add(wrong, {"fault.txt": f"mpc {' '.join(command)}: {what}\n".encode()})


# ------------------------------------------------------------------------------------------------ details


def _answer(text: str) -> str:
    return "question" if len(text) % 2 else "command"


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def _without_clock(data: bytes) -> list[object]:
    """The lines of a file; of rows of answers, all but how long they took."""
    found: list[object] = []
    for line in data.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            row = line
        found.append({name: row[name] for name in row if name != "seconds"} if isinstance(row, dict) else row)
    return found


def _die(path: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _main(folder: str, step: str, *command: str) -> None:
    from mpc.cli import main

    with chdir(folder), scripted({"classify": _answer}), at_each_step(nth(int(step), _die), Path(folder)):
        main(command)


if __name__ == "__main__":
    _main(*sys.argv[1:])
