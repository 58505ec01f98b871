"""What the compiler knows of prompts, for commands that work on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..diagnostics import Diagnostic
from ..key import key_of
from ..sema.checked import CheckedPrompt, CheckedUsing
from .looks import real
from .named import collect
from .paths import absolute
from .units import Unit, all_diagnostics, compile_all, compile_whole

ENOUGH_EXAMPLES: Final = 2
"""With so many examples of each label, a choice is answered by what they have in common."""


def keys(path: Path) -> Mapping[str, str]:
    """The keys of the prompts that a file declares, by their names: what a tuning of each is kept under.

    Raises `CompileError`, and `ToolError` for a file that cannot be read.
    """
    units, _ = compile_whole(path)
    own = next(unit for unit in units if real(unit.file.path) == real(absolute(path)))
    assert own.compiled is not None
    return {prompt.name: key_of(prompt, own.compiled.checked) for prompt in own.compiled.checked.prompts}


@dataclass(frozen=True, slots=True)
class BareChoice:
    """A choice that is not tuned and has labels with too few examples: `lacking` of its `labels`.

    `model` is what its `using:` names, a registered name or a path.
    """

    file: Path
    function: str
    model: str | None
    labels: int
    lacking: int


def check_with_choices(paths: Sequence[Path]) -> tuple[tuple[Diagnostic, ...], tuple[BareChoice, ...]]:
    """What `check` says, and the choices of which their source says little, in the order of files and lines.

    The choices are those of files that compile. A prompt that asks for label scores has all that it asks for.
    Raises `ToolError`.
    """
    named = collect(paths)
    units = compile_all(named)
    found = [
        choice
        for unit in units
        if unit.is_whole and unit.file.path in named
        for choice in _bare_choices(unit)
    ]
    return all_diagnostics(units), tuple(sorted(found, key=lambda choice: choice.file))


def _bare_choices(unit: Unit) -> list[BareChoice]:
    assert unit.compiled is not None
    return [
        BareChoice(
            unit.file.path,
            prompt.name,
            prompt.using.model.location if prompt.using.model else None,
            prompt.labels or 0,
            lacking,
        )
        for prompt in unit.compiled.checked.prompts
        if prompt.tuning is None and not _is_scored(prompt.using) and (lacking := _lacking(prompt))
    ]


def _is_scored(using: CheckedUsing) -> bool:
    """As `abi.Using.is_scored`: then it was chosen."""
    return using.decide is not None or using.reasoning is not None


def _lacking(prompt: CheckedPrompt) -> int:
    """How many labels have too few examples; 0 for what is no choice."""
    labels = prompt.labels
    return lacking(labels, (example.answer for example in prompt.examples)) if labels else 0


def lacking(labels: int, answers: Iterable[Hashable]) -> int:
    """How many of so many labels too few of the examples with these answers have."""
    return labels - sum(count >= ENOUGH_EXAMPLES for count in Counter(answers).values())
