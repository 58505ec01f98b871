"""What a build did."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from ..diagnostics import Diagnostic, has_errors

Status: TypeAlias = Literal["written", "unchanged", "stale", "failed"]

_GOOD: Final = ("written", "unchanged")


@dataclass(frozen=True, slots=True)
class BuiltFile:
    """A source, the module it becomes, and what a build did: `stale` is what `check` did not write.

    Below another folder a module takes its tuning along, whose files are sources and outputs too.
    """

    source: Path
    output: Path
    status: Status

    @property
    def is_good(self) -> bool:
        """Whether the output is what it should be."""
        return self.status in _GOOD


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did, file by file and in a fixed order, and what it has to say."""

    files: tuple[BuiltFile, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no error and nothing is stale."""
        return not has_errors(self.diagnostics) and all(file.is_good for file in self.files)
