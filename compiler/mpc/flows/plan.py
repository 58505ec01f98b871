"""A flow as it is run: its statements, with the calls that are asked together in waves of their own.

What an answer of a wave is called is a name of the flow, or one that was made for it: then the name stands
where the call stood.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from ..expressions import Checked
from ..expressions.checked import Invoked
from ..expressions.signatures import CheckedNode
from ..sema.checked_flows import CheckedAppend, CheckedAssign, CheckedDo, CheckedLoop, CheckedReturn
from .states import SharedState
from .walks import names_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A call of a wave, what its answer is called, and the line that it is from. Where the flow assigns the
    answer, `assigns` is that statement."""

    call: Invoked
    name: str
    line: int
    assigns: CheckedAssign | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Calls that none needs another's answer of, at least two; they are asked together, about a `state` if
    that is laid out first."""

    asked: tuple[Asked, ...]
    state: SharedState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWave:
    """Calls that every round of a loop makes, asked together for all items.

    `lists` says what the list of the answers to each call is called. `over` are the answers of waves before
    that this one takes, each with the list that it is from.
    """

    asked: tuple[Asked, ...]
    lists: tuple[str, ...]
    over: tuple[tuple[str, str], ...]
    state: SharedState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedArm(CheckedNode):
    condition: Checked
    steps: PlannedBlock
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedBranch:
    arms: tuple[PlannedArm, ...]
    otherwise: PlannedBlock


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLoop:
    """A loop, and the waves before its first round. What it goes over is `named` where it is gone over more
    than once and has no name in the flow."""

    loop: CheckedLoop
    named: str | None
    waves: tuple[ListWave, ...]
    steps: PlannedBlock


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedWhile(CheckedNode):
    """A loop with a bound, and the name of what counts its rounds."""

    condition: Checked
    bound: int
    counter: str
    steps: PlannedBlock
    line: int


PlannedStep: TypeAlias = (
    Wave | PlannedBranch | PlannedLoop | PlannedWhile
    | CheckedAssign | CheckedAppend | CheckedDo | CheckedReturn
)
PlannedBlock: TypeAlias = tuple[PlannedStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPlan:
    """What a flow does. `names` are all names of values in it, its parameters among them; `answers` those
    that hold an answer with its confidence, and `growing` the lists that something is appended to."""

    steps: PlannedBlock
    names: frozenset[str]
    answers: frozenset[str]
    growing: frozenset[str]


def read_in(steps: PlannedBlock) -> frozenset[str]:
    """The names that steps read, those inside of others among them."""
    return frozenset[str]().union(*map(_read, steps))


def _read(step: PlannedStep) -> frozenset[str]:
    match step:
        case Wave():
            return _read_by(step.asked)
        case CheckedAssign() | CheckedReturn():
            return names_in(step.value)
        case CheckedAppend():
            return names_in(step.item) | {step.name}
        case CheckedDo():
            return names_in(step.call)
        case PlannedBranch():
            arms = (names_in(arm.condition) | read_in(arm.steps) for arm in step.arms)
            return read_in(step.otherwise).union(*arms)
        case PlannedLoop():
            waves = (_read_by(wave.asked) for wave in step.waves)
            return names_in(step.loop.each).union(read_in(step.steps), *waves)
        case PlannedWhile():
            return names_in(step.condition) | read_in(step.steps)
        case _:
            assert_never(step)


def _read_by(asked: Iterable[Asked]) -> frozenset[str]:
    return frozenset[str]().union(*(names_in(each.call) for each in asked))
