"""What a search gives: findings, each with the smallest input that shows it.

An area of the search is a function from a seed to what is wrong. It describes its inputs as a Hypothesis
strategy and tries each one in a trial, which raises `Wrong`; what fails is then made smaller.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final, TypeAlias, TypeVar

from hypothesis import HealthCheck, Phase, Verbosity, find, settings
from hypothesis.errors import Flaky, NoSuchExample
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

Files: TypeAlias = Mapping[str, bytes]
"""An input: what the files of a folder hold, by their paths in it."""

_TRIALS: Final = 300
"""How often an input is tried to make it smaller."""

_UNHURRIED: Final = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)

_SEPARATORS: Final = (
    re.compile(rb"(?<=\n)(?=\n\w)"),  # before a declaration
    re.compile(rb"(?<=\n)"),
    re.compile(rb"(?=\W)"),
)

_FRAME: Final = re.compile(r'File "[^"\n]*/((?:mpc|mpstd|microprompt)/[^"\n]+)", line \d+, in (\S+)')


class Wrong(Exception):
    """Something that must not be. `kind` is the same for two inputs that show the same defect."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}\n{detail}" if detail else kind)
        self.kind = kind
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A defect: the area and the seed that find it again, and the smallest input that was found."""

    area: str
    seed: int
    kind: str
    detail: str
    files: Files

    def save(self, folder: Path) -> Path:
        """Write the input and a report into a folder of their own, and return that."""
        name = re.sub(r"\W+", "-", f"{self.area} {self.seed} {self.kind}")[:80].strip("-")
        place = folder / name
        write(self.files, place / "input")
        again = f"python -m tests.stress --only {self.area} --seed {self.seed} --seconds 0"
        report = f"{self.kind}\n\n{self.detail}\n\nagain: {again}\n"
        (place / "report.txt").write_text(report, encoding="utf-8", errors="backslashreplace")
        return place


@dataclass(slots=True, kw_only=True)
class Search:
    """One round of an area. `known` are the kinds that are found already; `tries` bounds the inputs.

    `slow` is the CPU time in seconds that a check of a kilobyte may take; by default it is not measured.
    """

    area: str
    seed: int
    folder: Path
    tries: int
    known: set[str] = field(default_factory=set)
    slow: float | None = None
    found: list[Finding] = field(default_factory=list)

    def try_all(self, inputs: SearchStrategy[Files], trial: Callable[[Files], None]) -> None:
        """Look for inputs for which `trial` raises a `Wrong`, one for each kind, and make them small."""
        while self._try_once(inputs, trial):
            pass  # the same inputs again, to see what the last kind hid

    def _try_once(self, inputs: SearchStrategy[Files], trial: Callable[[Files], None]) -> bool:
        first: tuple[Files, Wrong] | None = None

        def fails(files: Files) -> bool:
            nonlocal first
            wrong = attempt(trial, files)
            if wrong is None or wrong.kind in self.known:
                return False
            first = (files, wrong)
            return True

        options = settings(
            max_examples=self.tries,
            database=None,
            deadline=None,
            phases=(Phase.generate,),
            suppress_health_check=_UNHURRIED,
            verbosity=Verbosity.quiet,
        )
        with suppress(NoSuchExample, Flaky):  # what failed only once is kept all the same
            find(inputs, fails, settings=options, random=Random(self.seed))
        if first is None:
            return False
        self.add(*reduced(*first, trial))
        return True

    def add(self, wrong: Wrong, files: Files) -> None:
        """Keep a finding, unless there is one of its kind."""
        if wrong.kind not in self.known:
            self.known.add(wrong.kind)
            self.found.append(
                Finding(area=self.area, seed=self.seed, kind=wrong.kind, detail=wrong.detail, files=files)
            )


def attempt(trial: Callable[[T], None], one: T) -> Wrong | None:
    """What is wrong with an input."""
    try:
        trial(one)
    except Wrong as wrong:
        return wrong
    return None


def reduced(files: Files, wrong: Wrong, trial: Callable[[Files], None]) -> tuple[Wrong, Files]:
    """The same kind of finding with a smaller input: without files, then blocks, then lines, then words.

    Hypothesis could do this too, but needs hundreds of trials where deleting text needs dozens.
    """
    left = _TRIALS

    def still_fails(smaller: Files) -> bool:
        nonlocal left, wrong
        left -= 1
        found = attempt(trial, smaller)
        if found is None or found.kind != wrong.kind:
            return False
        wrong = found
        return True

    for name in sorted(files):
        fewer = {other: data for other, data in files.items() if other != name}
        if still_fails(fewer):
            files = fewer
    for separator in _SEPARATORS:
        for name in sorted(files):
            pieces = separator.split(files[name])
            size = len(pieces) // 2
            while size and left > 0:
                start = 0
                while start < len(pieces) and left > 0:
                    fewer_pieces = pieces[:start] + pieces[start + size :]
                    if still_fails({**files, name: b"".join(fewer_pieces)}):
                        pieces = fewer_pieces
                    else:
                        start += size
                size //= 2
            files = {**files, name: b"".join(pieces)}
    return wrong, files


def raised(what: str, error: BaseException) -> Wrong:
    """An exception that must not be: its kind is its type and the innermost of our functions on its way."""
    trace = "".join(traceback.format_exception(error))
    return Wrong(f"{what} {type(error).__name__} from {_place_in(trace)}", trace)


def _place_in(trace: str) -> str:
    """The innermost of our functions in a traceback that was printed."""
    frames: list[tuple[str, str]] = _FRAME.findall(trace)
    return ", ".join(frames[-1]) if frames else "elsewhere"


def write(files: Files, folder: Path) -> None:
    """Make a folder with these files in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
