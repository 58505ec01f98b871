"""A flow for people: its statements with their waves, and a diagram of them, without running it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

from ..expressions.signatures import FlowSignature, FunctionSignature
from ..sema.checked_flows import (
    CheckedAppend,
    CheckedAssign,
    CheckedDo,
    CheckedFlow,
    CheckedLoop,
    CheckedReturn,
)
from ..sema.flow_walks import calls_in
from ..source import Source
from .effects import FlowKey, has_effects
from .plan import (
    Asked,
    FlowPlan,
    ListWave,
    PlannedBlock,
    PlannedBranch,
    PlannedLoop,
    PlannedStep,
    PlannedWhile,
    Wave,
)
from .walks import Traffic


@dataclass(frozen=True, slots=True)
class OutlinedWave:
    """A wave: its number in the outline, the variable of the loop if it is one over a list, its calls as the
    program says them, each with its line, and why a text is laid out first in it, if one is."""

    number: int
    variable: str | None
    calls: tuple[tuple[int, str], ...]
    why: str | None

    def to_json(self) -> dict[str, object]:
        calls = [{"line": line, "call": call} for line, call in self.calls]
        return {"number": self.number, "over": self.variable, "calls": calls, "state_first": self.why}


@dataclass(frozen=True, slots=True)
class RoundByRound:
    """A loop that asks something in each round by itself, by its line, and why it does not ask for all items
    at once."""

    line: int
    why: str

    def to_json(self) -> dict[str, object]:
        return {"line": self.line, "why": self.why}


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowOutline:
    """A flow before it runs. `lines` are its statements, each with its line, as they are run: calls of a wave
    stand together above what they are for. `rounds` are the loops that are no wave though they look like one.
    `diagram` is a flowchart in Mermaid's notation."""

    flow: str
    source: str
    line: int
    lines: tuple[str, ...]
    waves: tuple[OutlinedWave, ...]
    rounds: tuple[RoundByRound, ...]
    diagram: str

    def to_json(self) -> dict[str, object]:
        return {
            "flow": self.flow,
            "source": self.source,
            "line": self.line,
            "lines": list(self.lines),
            "waves": [wave.to_json() for wave in self.waves],
            "round_by_round": [each.to_json() for each in self.rounds],
            "mermaid": self.diagram,
        }


def outline(
    flow: CheckedFlow, plan: FlowPlan, source: Source, effectful: frozenset[FlowKey]
) -> FlowOutline:
    """A flow for people who look at it before it runs. `effectful` are the flows with effects."""
    listing = _Listing(source, effectful)
    lines = tuple(listing.block(plan.steps, 0))
    return FlowOutline(
        flow=flow.name,
        source=source.path,
        line=flow.line,
        lines=lines,
        waves=tuple(listing.waves),
        rounds=tuple(listing.rounds),
        diagram=_mermaid(flow, plan, source),
    )


@dataclass
class _Listing:
    source: Source
    effectful: frozenset[FlowKey]
    waves: list[OutlinedWave] = field(default_factory=list)
    rounds: list[RoundByRound] = field(default_factory=list)

    def block(self, steps: PlannedBlock, depth: int) -> Iterator[str]:
        for step in steps:
            yield from self._step(step, depth)

    def _step(self, step: PlannedStep, depth: int) -> Iterator[str]:
        match step:
            case Wave():
                yield from self._wave(step, depth, None)
            case CheckedAssign() | CheckedAppend() | CheckedDo() | CheckedReturn():
                yield _line(step.line, depth, self.source.slice(step.span))
            case PlannedBranch():
                for arm in step.arms:
                    yield _line(arm.line, depth, self.source.slice(arm.span))
                    yield from self.block(arm.steps, depth + 1)
                if step.otherwise:
                    yield _line(None, depth, "else")
                    yield from self.block(step.otherwise, depth + 1)
            case PlannedLoop():
                for wave in step.waves:
                    yield from self._wave(wave, depth, step.loop.variable)
                self.rounds += (RoundByRound(step.loop.line, why) for why in self._alone(step.loop))
                yield _line(step.loop.line, depth, self.source.slice(step.loop.span))
                yield from self.block(step.steps, depth + 1)
            case PlannedWhile():
                yield _line(step.line, depth, self.source.slice(step.span))
                yield from self.block(step.steps, depth + 1)
            case _:
                assert_never(step)

    def _alone(self, loop: CheckedLoop) -> Iterator[str]:
        """Why calls of a loop are not asked for all items at once, where the program does not show it."""
        calls = list(calls_in(loop.statements))
        is_free = any(not has_effects(each, self.effectful) for each in calls)
        if is_free and Traffic.of(loop.statements).leaves:
            yield "a round may return, so the next might not be needed"
        flows = (each.callee for each in calls if isinstance(each.callee, FlowSignature))
        for name in dict.fromkeys(each.name for each in flows if (each.origin, each.name) in self.effectful):
            yield f"{name} calls functions of Python, which are called in order"

    def _wave(self, wave: Wave | ListWave, depth: int, variable: str | None) -> Iterator[str]:
        calls = tuple((each.line, _said(each, self.source)) for each in wave.asked)
        number, why = len(self.waves) + 1, None if wave.state is None else wave.state.why
        self.waves.append(OutlinedWave(number, variable, calls, why))
        yield _line(None, depth, f"wave {number}" + (f" for each {variable}" if variable else ""))
        for line, call in calls:
            yield _line(line, depth, f"| {call}")


def _line(line: int | None, depth: int, text: str) -> str:
    number = "" if line is None else str(line)
    first, *more = text.split("\n")
    margin = "  " * depth
    below = (f"{'':5}  {margin}  {each.strip()}" for each in more)
    return "\n".join([f"{number:>5}  {margin}{first}", *below])


def _said(asked: Asked, source: Source) -> str:
    """A call of a wave as the program says it."""
    return source.slice(asked.call.span if asked.assigns is None else asked.assigns.span)


# ---------------------------------------------------------------------------------------------- diagram


def _mermaid(flow: CheckedFlow, plan: FlowPlan, source: Source) -> str:
    """The flow as a Mermaid flowchart: a wave is one node, with a line for each of its calls."""
    diagram = _Diagram(source)
    parameters = ", ".join(parameter.name for parameter in flow.parameters)
    start = diagram.node("([", f"{flow.name}({parameters})", "])")
    diagram.block(plan.steps, [(start, "")])
    return "\n".join(["flowchart TD", *diagram.lines])


_Ends: TypeAlias = Sequence[tuple[str, str]]
"""The nodes from which the next one is reached, each with what the arrow says."""


@dataclass
class _Diagram:
    source: Source
    lines: list[str] = field(default_factory=list)
    count: int = 0

    def node(self, opening: str, text: str, closing: str, ends: _Ends = ()) -> str:
        """A new node, which is reached from `ends`."""
        name = f"n{self.count}"
        self.count += 1
        self.lines.append(f'    {name}{opening}"{_escaped(text)}"{closing}')
        self._arrows(ends, name)
        return name

    def _arrows(self, ends: _Ends, name: str) -> None:
        for end, says in ends:
            self.lines.append(f"    {end} -->{f'|{says}|' if says else ''} {name}")

    def block(self, steps: PlannedBlock, ends: _Ends) -> _Ends:
        """Draw steps that are reached from `ends`; the ends that are open behind them."""
        for step in steps:
            ends = self._step(step, ends)
        return ends

    def _step(self, step: PlannedStep, ends: _Ends) -> _Ends:
        match step:
            case Wave():
                return [(self._wave(step.asked, "", ends), "")]
            case CheckedReturn():
                self.node("([", self.source.slice(step.span), "])", ends)
                return []
            case CheckedAssign() | CheckedAppend() | CheckedDo():
                has_effects = any(isinstance(call.callee, FunctionSignature) for call in calls_in([step]))
                opening, closing = ("[[", "]]") if has_effects else ("[", "]")
                return [(self.node(opening, self.source.slice(step.span), closing, ends), "")]
            case PlannedBranch():
                return self._branch(step, ends)
            case PlannedLoop():
                over = f"for each {step.loop.variable}: "
                for wave in step.waves:
                    ends = [(self._wave(wave.asked, over, ends), "")]
                return self._rounds(self.source.slice(step.loop.span), step.steps, ends)
            case PlannedWhile():
                return self._rounds(self.source.slice(step.span), step.steps, ends)
            case _:
                assert_never(step)

    def _wave(self, asked: Sequence[Asked], over: str, ends: _Ends) -> str:
        text = "\n".join(over + _said(each, self.source) for each in asked)
        return self.node("[/", text, "/]", ends)

    def _branch(self, branch: PlannedBranch, ends: _Ends) -> _Ends:
        behind: list[tuple[str, str]] = []
        for arm in branch.arms:
            text = self.source.slice(arm.span).removeprefix("el")
            test = self.node("{", text.removeprefix("if").strip(), "}", ends)
            behind += self.block(arm.steps, [(test, "yes")])
            ends = [(test, "no")]
        return [*behind, *self.block(branch.otherwise, ends)]

    def _rounds(self, text: str, steps: PlannedBlock, ends: _Ends) -> _Ends:
        head = self.node("{{", text, "}}", ends)
        self._arrows(self.block(steps, [(head, "each round")]), head)
        return [(head, "then")]


def _escaped(text: str) -> str:
    """Text in a label, where Mermaid reads names of characters between `#` and `;`."""
    signs = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "\n": "<br/>"}
    return "".join(signs.get(sign, sign) for sign in "\n".join(line.strip() for line in text.split("\n")))
