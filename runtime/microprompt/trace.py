"""What a flow decided on its way: each call with what answered it, how sure that was, and its time. As data,
as a tree, and as a diagram."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, groupby
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeAlias, TypeVar

from .answer import Answer
from .program import Signature
from .types import DeclaredType, kind

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

R = TypeVar("R", covariant=True)

Called: TypeAlias = Literal["prompt", "flow", "function"]
"""What a flow calls; a function is one of Python."""

CACHE: Final = "cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A call that a flow made, and what came of it.

    `line` is the flow's line that made it. Calls of one `wave` were made side by side; waves are counted from
    1 in each flow. `answer` is that of a prompt, with all that it tells. `decisions` are those on the way: of
    a flow that was called, or of a function of Python that calls prompts. `seconds` is wall time.
    """

    called: Called
    line: int
    wave: int
    arguments: Mapping[str, object]
    value: object
    seconds: float
    answer: Answer[object] | None = None
    decisions: tuple[Decision, ...] = ()
    signature: Signature = field(repr=False)

    @property
    def function(self) -> str:
        """The name of what was called."""
        return self.signature.name

    @property
    def confidence(self) -> float | None:
        """How sure a prompt was (see `Answer`); `None` of all else."""
        return None if self.answer is None else self.answer.confidence

    @property
    def distribution(self) -> Mapping[object, float] | None:
        """Over the labels of a prompt that is a choice; `None` of all else."""
        return None if self.answer is None else self.answer.distribution

    @property
    def answered_by(self) -> str:
        """What answered: of a prompt what `Answer.answered_by` says, or "cache" where the answer was kept
        from an earlier call; "flow" and "function" of the others."""
        if self.answer is None:
            return self.called
        return CACHE if self.answer.is_kept else self.answer.answered_by

    @property
    def escalated(self) -> bool:
        """Whether a prompt was put to a larger model as well."""
        return self.answer is not None and self.answer.first is not None

    def to_json(self) -> dict[str, object]:
        """As JSON data."""
        return {
            "function": self.function,
            "called": self.called,
            "line": self.line,
            "wave": self.wave,
            "arguments": data_of(self.signature, self.arguments),
            "value": kind(self.signature.returns).to_data(self.value),
            **self._answer_to_json(),
            "answered_by": self.answered_by,
            "seconds": self.seconds,
            **({"decisions": [each.to_json() for each in self.decisions]} if self.decisions else {}),
        }

    def _answer_to_json(self) -> dict[str, object]:
        if self.answer is None:
            return {}
        told = self.answer.to_json()
        of_prompts = ("confidence", "calibrated", "distribution", "abstained", "near_tie", "usage", "model")
        found = {name: told[name] for name in of_prompts}
        found |= {name: told[name] for name in told if name.startswith("reasoning")}
        return {**found, "escalated": self.escalated}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace(Generic[R]):
    """The value of a flow, and the decisions that led to it, in the order in which the flow names them.

    `source` and `line` say where the flow is written. `seconds` is wall time.
    """

    value: R
    arguments: Mapping[str, object]
    decisions: tuple[Decision, ...]
    seconds: float
    source: str
    line: int
    signature: Signature = field(repr=False)

    @property
    def function(self) -> str:
        """The name of the flow."""
        return self.signature.name

    def walk(self) -> Iterator[Decision]:
        """All decisions at any depth, each before those on its way."""
        yield from _walk(self.decisions)

    def tree(self) -> Tree:
        """The decisions as a tree for `rich`, which shows a trace so: a line for each, those of a wave below
        one node, and those on the way of a decision below that."""
        from rich.text import Text  # not at the top: most programs need no Rich
        from rich.tree import Tree

        given, value = _given(self.signature, self.arguments), _shown(self.signature.returns, self.value)
        head = Text.assemble(
            f"{self.function}({given}) -> ", (value, "bold"), (f"  {_ms(self.seconds)}", "dim")
        )
        tree = Tree(head)
        _grow(tree, self.decisions)
        return tree

    def mermaid(self) -> str:
        """The decisions as a diagram in the language of Mermaid, from top to bottom; those of a wave side by
        side."""
        names = (f"d{number}" for number in count(1))
        lines = [f"start([{_label(self.function)}])"]
        last = _draw(lines, self.decisions, names, "start")
        lines += [f"value([{_label(_shown(self.signature.returns, self.value))}])", f"{last} --> value"]
        return "\n    ".join(("flowchart TD", *lines)) + "\n"

    def __rich__(self) -> Tree:
        return self.tree()

    def __str__(self) -> str:
        from rich.console import Console

        lines = io.StringIO()
        Console(file=lines, width=_WIDTH, color_system=None, legacy_windows=False).print(self.tree())
        return lines.getvalue()

    def to_json(self) -> dict[str, object]:
        """As JSON data."""
        return {
            "function": self.function,
            "source": f"{self.source}:{self.line}",
            "arguments": data_of(self.signature, self.arguments),
            "value": kind(self.signature.returns).to_data(self.value),
            "seconds": self.seconds,
            "decisions": [each.to_json() for each in self.decisions],
        }


def data_of(signature: Signature, arguments: Mapping[str, object]) -> dict[str, object]:
    """Arguments as JSON data."""
    return {
        parameter.name: kind(parameter.type).to_data(arguments[parameter.name])
        for parameter in signature.parameters
    }


def _walk(decisions: tuple[Decision, ...]) -> Iterator[Decision]:
    for each in decisions:
        yield each
        yield from _walk(each.decisions)


# ------------------------------------------------------------------------------------------- for people

_WIDTH: Final = 1000
"""So wide that no line is broken."""

_LONGEST: Final = 48


def _waves(decisions: Sequence[Decision]) -> Iterator[tuple[Decision, ...]]:
    for _, wave in groupby(decisions, key=lambda decision: decision.wave):
        yield tuple(wave)


def _grow(tree: Tree, decisions: Sequence[Decision]) -> None:
    from rich.text import Text

    for wave in _waves(decisions):
        below = tree
        if len(wave) > 1:
            took = max(decision.seconds for decision in wave)
            below = tree.add(Text(f"{len(wave)} side by side  {_ms(took)}", "dim"))
        for decision in wave:
            _grow(below.add(_told(decision)), decision.decisions)


def _told(decision: Decision) -> Text:
    from rich.text import Text

    given = _given(decision.signature, decision.arguments)
    sure = "" if decision.confidence is None else f" {decision.confidence:.2f}"
    return Text.assemble(
        (f"{decision.line}: ", "dim"),
        f"{decision.function}({given}) -> ",
        (_shown(decision.signature.returns, decision.value), "bold"),
        sure,
        (f"  {_evidence(decision)}, {_ms(decision.seconds)}", "dim"),
    )


def _evidence(decision: Decision) -> str:
    """What answered, in words."""
    if decision.answer is not None and decision.answer.abstained:
        return f"{decision.answered_by}, abstained"
    return f"{decision.answered_by}, escalated" if decision.escalated else decision.answered_by


def _draw(lines: list[str], decisions: Sequence[Decision], names: Iterator[str], before: str) -> str:
    """Draw decisions behind the node `before`; gives the last node."""
    for wave in _waves(decisions):
        name = next(names)
        if len(wave) == 1:
            _draw_one(lines, wave[0], names, name)
        else:
            lines.append(f"subgraph {name} [{_label(f'{len(wave)} side by side')}]")
            for decision in wave:
                _draw_one(lines, decision, names, next(names))
            lines.append("end")
        lines.append(f"{before} --> {name}")
        before = name
    return before


def _draw_one(lines: list[str], decision: Decision, names: Iterator[str], name: str) -> None:
    sure = "" if decision.confidence is None else f" {decision.confidence:.2f}"
    said = f"{decision.function}: {_shown(decision.signature.returns, decision.value)}{sure}"
    label = _label(said, f"{_evidence(decision)}, {_ms(decision.seconds)}")
    if not decision.decisions:
        lines.append(f"{name}[{label}]")
        return
    lines.append(f"subgraph {name} [{label}]")
    first = next(names)
    lines.append(f"{first}([{_label(f'line {decision.line}')}])")
    _draw(lines, decision.decisions, names, first)
    lines.append("end")


def _label(*lines: str) -> str:
    """Text in a diagram: what the language would take for its own stands there by its number."""
    return f'"{"<br/>".join("".join(map(_harmless, line)) for line in lines)}"'


def _harmless(character: str) -> str:
    is_plain = character.isalnum() or character in " .,:-_?!()/"
    return character if is_plain else f"#{ord(character)};"


def _given(signature: Signature, arguments: Mapping[str, object]) -> str:
    return ", ".join(
        _shown(parameter.type, arguments[parameter.name]) for parameter in signature.parameters
    )


def _shown(declared: DeclaredType, value: object) -> str:
    """A value in a line: labels as they are, other text in quotes; cut where it is long."""
    data = kind(declared).to_data(value)
    if data is None:
        return "none"
    is_label = isinstance(data, str) and kind(declared).options() is not None
    text = str(data) if is_label else json.dumps(data, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 8]}...{text[-5:]}"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms" if seconds < 0.01 else f"{1000 * seconds:.0f} ms"
