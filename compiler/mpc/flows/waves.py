"""Which calls of a flow are asked together: from its statements to a plan with waves.

A call of a prompt, or of a flow without effects, only gives an answer, so it may be asked as soon as all is
known that it reads. It moves up to a call before it, and is asked in one wave with that, if it needs no
answer of that wave, and if nothing between the two writes what it reads, reads or writes the name that its
answer gets, or can leave the flow. Nothing is asked that might not be needed: out of a branch, a loop, the
second operand of `and` or the condition of a `while`, no call moves. What every round of a loop asks about
the item, and about what the loop does not write, is asked for all items at once before the first round, if
the loop cannot leave the flow. Functions of Python have effects: they stay where they are.

The order in a block is a list of entries. Each call joins the first wave that it can reach from the end of
the list, or begins a wave of its own there. A wave that stays alone is none: its call goes back to where it
stood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, assert_never

from microprompt.abi import DEFAULT_LIST_COUNT

from ..expressions import Checked
from ..expressions.checked import Invoked, Reached, with_children
from ..sema.checked_flows import (
    CheckedAppend,
    CheckedAssign,
    CheckedBranch,
    CheckedDo,
    CheckedFlow,
    CheckedFlowStatement,
    CheckedLoop,
    CheckedReturn,
    CheckedWhile,
)
from ..sema.flow_walks import calls_of
from .effects import FlowKey, has_effects
from .plan import (
    Asked,
    FlowPlan,
    ListWave,
    PlannedArm,
    PlannedBlock,
    PlannedBranch,
    PlannedLoop,
    PlannedStep,
    PlannedWhile,
    Wave,
)
from .states import PromptCost, PromptKey, SharedState, state_of
from .walks import Traffic, certain_calls, growing_in, names_in, names_of

WIDEST: Final = 12
"""The most calls of a wave: so many the runtime's `gather` has types for."""

WIDEST_LISTS: Final = 6
"""The most calls of each round: so many `gather_lists` has types for."""


def plan(
    flow: CheckedFlow,
    effectful: frozenset[FlowKey],
    costs: Mapping[PromptKey, PromptCost],
    is_taken: Callable[[str], bool],
) -> FlowPlan:
    """What a flow does. `effectful` are the flows with effects, `costs` what prompts cost; no name is made
    that `is_taken` in the module."""
    names = _Names(is_taken, names_of(flow))
    planner = _Planner(effectful, costs, names)
    steps = planner.block(flow.statements)
    return FlowPlan(
        steps=steps,
        names=names.own,
        answers=flow.answers | planner.answers,
        growing=frozenset(growing_in(flow.statements)),
    )


class _Names:
    """The names of a flow, those that were made for it among them."""

    def __init__(self, is_taken: Callable[[str], bool], own: frozenset[str]) -> None:
        self._is_taken = is_taken
        self._own = set(own)

    @property
    def own(self) -> frozenset[str]:
        return frozenset(self._own)

    def make(self, name: str) -> str:
        """A name that is free, like `name`."""
        while name in self._own or self._is_taken(name):
            name += "_"
        self._own.add(name)
        return name


@dataclass(slots=True)
class _OpenWave:
    """Calls that are asked together; more may join."""

    asked: list[Asked]

    @property
    def traffic(self) -> Traffic:
        return Traffic.total(map(_traffic, self.asked))

    def takes(self, asked: Asked) -> bool:
        written = self.traffic.writes
        return len(self.asked) < WIDEST and asked.name not in written and not names_in(asked.call) & written


@dataclass(slots=True)
class _Done:
    """A step that is where it stays."""

    step: PlannedStep
    traffic: Traffic


_Entry: TypeAlias = _OpenWave | _Done


def _traffic(asked: Asked) -> Traffic:
    return Traffic(reads=names_in(asked.call), writes=frozenset({asked.name}))


def _passes(asked: Asked, traffic: Traffic) -> bool:
    """Whether a call could as well be asked before what has this traffic."""
    return not (
        traffic.leaves
        or names_in(asked.call) & traffic.writes
        or asked.name in traffic.reads | traffic.writes
    )


class _Planner:
    """Plans one flow.

    While a block is planned, what stands for a call in its statement is a *mark*, which no program can name.
    Once the block is whole, the mark becomes a name, or the call itself where that was left alone.
    """

    def __init__(
        self, effectful: frozenset[FlowKey], costs: Mapping[PromptKey, PromptCost], names: _Names
    ) -> None:
        self._effectful = effectful
        self._costs = costs
        self._names = names
        self._likely: dict[str, str] = {}  # for each mark, what its name is to be like
        self.answers: set[str] = set()

    def block(self, statements: Sequence[CheckedFlowStatement]) -> PlannedBlock:
        return self._settled(self._in_order(statements), {})

    # ------------------------------------------------------------------------------------ what joins what

    def _in_order(self, statements: Sequence[CheckedFlowStatement]) -> list[_Entry]:
        entries: list[_Entry] = []
        for statement in statements:
            self._add(statement, entries)
        return entries

    def _add(self, statement: CheckedFlowStatement, entries: list[_Entry]) -> None:
        """Add a statement, with its calls where they can be asked."""
        marks: dict[int, Checked] = {}
        for call, role in self._movable(statement):
            made = _put(call, marks)
            assert isinstance(made, Invoked)
            if isinstance(statement, CheckedAssign) and call is statement.value:
                whole = Asked(call=made, name=statement.name, line=statement.line, assigns=statement)
                self._place(whole, entries)
                return
            mark = self._mark(role or call.callee.name)
            self._place(Asked(call=made, name=mark, line=statement.line), entries)
            marks[id(call)] = Reached(way=(mark,), type=call.type)
        entries.append(self._done(statement, marks))

    def _movable(self, statement: CheckedFlowStatement) -> Iterator[tuple[Invoked, str]]:
        """The calls of a statement that only give an answer and are made in any case."""
        match statement:
            case CheckedAssign() | CheckedReturn():
                value = statement.value
            case CheckedAppend():
                value = statement.item
            case CheckedDo():
                value = statement.call
            case CheckedBranch():
                value = statement.arms[0].condition
            case CheckedLoop():
                value = statement.each
            case CheckedWhile():
                return  # it is looked at again in every round
            case _:
                assert_never(statement)
        for call, role in certain_calls(value):
            is_whole = call is value
            if isinstance(statement, CheckedDo) and is_whole:
                continue  # its answer has no name to get
            # A function of Python in its arguments stays in order with all others if nothing is around it.
            if self._only_answers(call) or (
                isinstance(statement, CheckedAssign) and is_whole and not has_effects(call, self._effectful)
            ):
                yield call, role

    def _only_answers(self, call: Invoked) -> bool:
        """Whether neither a call nor any in its arguments has effects."""
        return not any(has_effects(each, self._effectful) for each in calls_of(call))

    def _mark(self, likely: str) -> str:
        mark = f"{likely} {len(self._likely)}"
        self._likely[mark] = likely
        return mark

    def _place(self, asked: Asked, entries: list[_Entry]) -> None:
        """Add a call to the first wave that it can be moved to, or else at the end."""
        home: _OpenWave | None = None
        for entry in reversed(entries if self._only_answers(asked.call) else ()):
            if isinstance(entry, _OpenWave) and entry.takes(asked):
                home = entry
            if not _passes(asked, entry.traffic):
                break
        if home is None:
            entries.append(_OpenWave([asked]))
        else:
            home.asked.append(asked)

    def _done(self, statement: CheckedFlowStatement, marks: Mapping[int, Checked]) -> _Done:
        """A statement with its inner blocks planned, and what stands for the calls that were placed."""
        step: PlannedStep
        match statement:
            case CheckedAssign() | CheckedReturn() | CheckedAppend() | CheckedDo():
                step = statement
            case CheckedBranch():
                step = PlannedBranch(
                    arms=tuple(
                        PlannedArm(
                            condition=arm.condition,
                            steps=self.block(arm.statements),
                            line=arm.line,
                            span=arm.span,
                        )
                        for arm in statement.arms
                    ),
                    otherwise=self.block(statement.otherwise),
                )
            case CheckedWhile():
                step = PlannedWhile(
                    condition=statement.condition,
                    bound=statement.bound,
                    counter=self._names.make("rounds"),
                    steps=self.block(statement.statements),
                    line=statement.line,
                    span=statement.span,
                )
            case CheckedLoop():
                step = self._loop(statement)
            case _:
                assert_never(statement)
        return _Done(_changed(step, lambda value: _put(value, marks)), Traffic.of([statement]))

    # ---------------------------------------------------------------------------------- waves over a list

    def _loop(self, loop: CheckedLoop) -> PlannedLoop:
        entries = self._in_order(loop.statements)
        inside = Traffic.of(loop.statements)
        stand: dict[str, Checked] = {}
        waves: tuple[ListWave, ...] = ()
        if not inside.leaves:
            waves = tuple(self._lifted(loop, entries, inside.writes, stand))
        steps = self._settled(entries, stand)
        is_at_hand = isinstance(loop.each, Reached)
        name = self._names.make(f"{loop.variable}s") if waves and not is_at_hand else None
        return PlannedLoop(loop=loop, named=name, waves=waves, steps=steps)

    def _lifted(
        self, loop: CheckedLoop, entries: Sequence[_Entry], written: frozenset[str], stand: dict[str, Checked]
    ) -> Iterator[ListWave]:
        """Take the calls out of a loop's entries that can be asked for all items before the first round.

        Those that take answers of others come in a wave behind them: each has the number of its wave.
        """
        number: dict[str, int] = {}
        waves: list[list[Asked]] = []
        lifted: set[str] = set()
        before = Traffic()
        for entry in entries:
            for asked in list(entry.asked) if isinstance(entry, _OpenWave) else ():
                changing = {
                    name for name in names_in(asked.call) if name in written or name in self._likely
                }
                # What stays in this wave may read what the name was in the round before.
                earlier = before.reads | before.writes | entry.traffic.reads
                is_free = asked.name not in earlier | lifted
                if changing <= number.keys() and is_free and self._only_answers(asked.call):
                    assert isinstance(entry, _OpenWave)
                    entry.asked.remove(asked)
                    lifted.add(asked.name)
                    place = 1 + max((number[name] for name in changing), default=-1)
                    waves.extend([] for _ in range(place + 1 - len(waves)))
                    waves[place].append(asked)
                    number[asked.name] = place
            left = entry.traffic
            before = Traffic.total([before, left])
            for name in left.writes:
                number.pop(name, None)
        lists: dict[str, str] = {}
        for wave in waves:
            for start in range(0, len(wave), WIDEST_LISTS):
                yield self._list_wave(loop, wave[start : start + WIDEST_LISTS], lists, stand)

    def _list_wave(
        self, loop: CheckedLoop, wave: Sequence[Asked], lists: dict[str, str], stand: dict[str, Checked]
    ) -> ListWave:
        """`lists` holds the lists of the answers before, by the name of the answer."""
        asked = tuple(self._named(each, stand) for each in wave)
        read = frozenset[str]().union(*(names_in(each.call) for each in asked))
        over = tuple((name, list) for name, list in lists.items() if name in read)
        made = tuple(self._names.make(f"all_{each.name.rstrip('_')}") for each in asked)
        changing = frozenset({loop.variable, *lists})
        lists.update(zip((each.name for each in asked), made, strict=True))
        rounds = loop.each.type.most_items or DEFAULT_LIST_COUNT
        return ListWave(asked=asked, lists=made, over=over, state=self._state(asked, changing, rounds))

    def _state(
        self, asked: Sequence[Asked], changing: frozenset[str] = frozenset(), rounds: int | None = None
    ) -> SharedState | None:
        calls = [each.call for each in asked]
        return state_of(calls, changing, rounds=rounds, costs=self._costs)

    # ------------------------------------------------------------------------------------ what marks become

    def _settled(self, entries: Iterable[_Entry], stand: dict[str, Checked]) -> PlannedBlock:
        """The entries as steps. `stand` holds what stands for marks already."""
        steps: list[PlannedStep] = []
        for entry in entries:
            if isinstance(entry, _Done):
                steps.append(_changed(entry.step, lambda value: _resolved(value, stand)))
            elif len(entry.asked) == 1:
                (only,) = entry.asked
                call = _resolved(only.call, stand)
                if only.assigns is not None:
                    steps.append(replace(only.assigns, value=call))
                else:
                    stand[only.name] = call
            elif entry.asked:
                asked = tuple(self._named(each, stand) for each in entry.asked)
                steps.append(Wave(asked=asked, state=self._state(asked)))
        return tuple(steps)

    def _named(self, asked: Asked, stand: dict[str, Checked]) -> Asked:
        """A call of a wave under a name that Python can have."""
        call = _resolved(asked.call, stand)
        assert isinstance(call, Invoked)
        if asked.assigns is not None:
            return replace(asked, call=call)
        name = self._names.make(self._likely[asked.name])
        if call.wants_confidence:
            self.answers.add(name)
        stand[asked.name] = Reached(way=(name,), type=call.type)
        return replace(asked, call=call, name=name)


def _put(value: Checked, marks: Mapping[int, Checked]) -> Checked:
    """An expression with the marks of calls in their place, by the identity of the call: the same call may
    stand there twice."""
    return marks[id(value)] if id(value) in marks else with_children(value, lambda child: _put(child, marks))


def _resolved(value: Checked, stand: Mapping[str, Checked]) -> Checked:
    """An expression with what stands for marks in their place."""
    if isinstance(value, Reached):
        return stand.get(value.way[0], value)
    return with_children(value, lambda child: _resolved(child, stand))


def _changed(step: PlannedStep, change: Callable[[Checked], Checked]) -> PlannedStep:
    """A step with its expressions changed, as far as calls move out of them: not those of inner blocks, and
    none that is looked at again, or perhaps not at all."""
    match step:
        case CheckedAssign() | CheckedReturn():
            return replace(step, value=change(step.value))
        case CheckedAppend():
            return replace(step, item=change(step.item))
        case CheckedDo():
            call = change(step.call)
            assert isinstance(call, Invoked)
            return replace(step, call=call)
        case PlannedBranch(arms=(first, *others)):
            first = replace(first, condition=change(first.condition))
            return replace(step, arms=(first, *others))
        case PlannedLoop():
            return replace(step, loop=replace(step.loop, each=change(step.loop.each)))
        case Wave() | PlannedBranch() | PlannedWhile():
            return step
        case _:
            assert_never(step)
