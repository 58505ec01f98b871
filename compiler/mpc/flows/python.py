"""The plan of a flow in Python, as a person would write it: once for threads, once for tasks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from ..expressions import Checked
from ..expressions.checked import Assembled, Reached
from ..expressions.python import in_python, later_in_python
from ..sema.checked_flows import CheckedAppend, CheckedAssign, CheckedDo, CheckedReturn
from ..spec import (
    ArmSpec,
    AssignSpec,
    Attribute,
    Awaited,
    CallOf,
    Comprehension,
    Constant,
    DoSpec,
    EitherOf,
    Expr,
    ForSpec,
    IfSpec,
    OrNone,
    Ref,
    ReturnSpec,
    StatementSpec,
    Subscript,
    Targets,
    Unpacked,
    WhileSpec,
)
from ..types import Type
from ..types.base import Naming
from ..types.operands import Sort
from ..types.python import abi_call
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
    read_in,
)
from .walks import names_in


def statements(plan: FlowPlan, naming: Naming, *, in_tasks: bool) -> tuple[StatementSpec, ...]:
    """What a flow does, with calls that block or, `in_tasks`, with those that are awaited."""
    roots = {name: Ref((name, "value") if name in plan.answers else (name,)) for name in plan.names}
    return _Statements(plan, naming, roots, in_tasks).block(plan.steps)


@dataclass(frozen=True, slots=True)
class _Statements:
    plan: FlowPlan
    naming: Naming
    roots: dict[str, Ref]
    in_tasks: bool

    def block(self, steps: PlannedBlock) -> tuple[StatementSpec, ...]:
        return tuple(statement for step in steps for statement in self._step(step))

    def _step(self, step: PlannedStep) -> Iterator[StatementSpec]:
        match step:
            case Wave():
                yield from self._declared(step.asked)
                names = tuple(each.name for each in step.asked)
                yield self._gathered(names, "gather", tuple(map(self._later, step.asked)), step)
            case CheckedAssign():
                yield AssignSpec(
                    targets=(step.name,),
                    annotation=self._annotation(step),
                    value=self._own(step.value, step.name),
                    line=step.line,
                )
            case CheckedAppend():
                append = CallOf(Attribute(Ref((step.name,)), "append"), (self._own(step.item),))
                yield DoSpec(value=append, line=step.line)
            case CheckedDo():
                yield DoSpec(value=self._value(step.call), line=step.line)
            case CheckedReturn():
                yield ReturnSpec(value=self._value(step.value), line=step.line)
            case PlannedBranch():
                yield IfSpec(
                    arms=tuple(
                        ArmSpec(
                            condition=self._value(arm.condition),
                            statements=self.block(arm.steps),
                            line=arm.line,
                        )
                        for arm in step.arms
                    ),
                    otherwise=self.block(step.otherwise),
                )
            case PlannedLoop():
                yield from self._loop(step)
            case PlannedWhile():
                rounds = abi_call("Rounds", Constant(step.bound))
                yield AssignSpec(targets=(step.counter,), value=rounds, line=step.line)
                count = CallOf(Ref((step.counter, "count")))
                yield WhileSpec(
                    condition=self._value(step.condition),
                    statements=(DoSpec(value=count, line=step.line), *self.block(step.steps)),
                    line=step.line,
                )
            case _:
                assert_never(step)

    # ----------------------------------------------------------------------------------------- values

    def _value(self, value: Checked) -> Expr:
        return in_python(value, self.roots, self.naming, in_tasks=self.in_tasks)

    def _own(self, value: Checked, name: str = "") -> Expr:
        """A value that goes into a list or gets a name. Lists are values: where one of the two is appended
        to, the other stays as it is."""
        found = self._value(value)
        is_list = isinstance(value, Reached) and value.type.operand.sort is Sort.LIST
        if is_list and {name, *names_in(value)} & self.plan.growing:
            return CallOf(self.naming.builtin("list"), (found,))
        return found

    def _later(self, asked: Asked) -> Expr:
        return later_in_python(asked.call, self.roots, self.naming, in_tasks=self.in_tasks)

    def _annotation(self, assign: CheckedAssign) -> Expr | None:
        """The type of a name where it is first assigned, if the program says it or Python would guess
        another."""
        is_told = assign.is_typed or (isinstance(assign.value, Assembled) and _is_joined(assign.type))
        if not (assign.is_first and is_told):
            return None
        annotation = _plain(assign.type.annotation(self.naming))
        if assign.name in self.plan.answers:
            return Subscript(self.naming.runtime("Answer"), (annotation,))
        return annotation

    # ------------------------------------------------------------------------------------------ waves

    def _declared(self, asked: Iterable[Asked]) -> Iterator[StatementSpec]:
        """The types that the program says of names which a wave assigns: of several names there is no place
        for one."""
        for each in asked:
            annotation = None if each.assigns is None else self._annotation(each.assigns)
            if annotation is not None:
                yield AssignSpec(targets=(each.name,), annotation=annotation, value=None, line=each.line)

    def _gathered(
        self, targets: Targets, function: str, arguments: tuple[Expr, ...], wave: Wave | ListWave
    ) -> StatementSpec:
        called = self.naming.runtime(f"a{function}" if self.in_tasks else function)
        keywords: tuple[tuple[str, Expr], ...] = ()
        if wave.state is not None:
            first, *rest = wave.state.way
            keywords = (("state", Ref((*self.roots[first].path, *rest))),)
        value: Expr = CallOf(called, arguments, keywords)
        if self.in_tasks:
            value = Awaited(value)
        parts = tuple(each.line for each in wave.asked)
        return AssignSpec(
            targets=targets, value=value, line=parts[0], parts=parts if len(set(parts)) > 1 else ()
        )

    def _loop(self, step: PlannedLoop) -> Iterator[StatementSpec]:
        loop = step.loop
        each = self._value(loop.each)
        if step.named is not None:
            yield AssignSpec(targets=(step.named,), value=each, line=loop.line)
            each = Ref((step.named,))
        taken = [(loop.variable, each)]
        read = read_in(step.steps)
        for wave in step.waves:
            yield from self._declared(wave.asked)
            yield self._list_wave(wave, loop.variable, each)
            for asked, answers in zip(wave.asked, wave.lists, strict=True):
                taken.append((asked.name, Ref((answers,))))
                if asked.assigns is not None and not asked.assigns.is_first:
                    read |= {asked.name}  # by what comes behind the loop, perhaps
        targets, source = self._together(taken, read)
        yield ForSpec(targets=targets, each=source, statements=self.block(step.steps), line=loop.line)

    def _list_wave(self, wave: ListWave, variable: str, each: Expr) -> StatementSpec:
        taken = [(variable, each), *((name, Ref((answers,))) for name, answers in wave.over)]
        asked = [
            Comprehension(
                self._later(one), (self._together(taken, names_in(one.call)),), in_brackets=True
            )
            for one in wave.asked
        ]
        if len(asked) == 1:
            return self._gathered(wave.lists, "gather", (Unpacked(asked[0]),), wave)
        return self._gathered(wave.lists, "gather_lists", tuple(asked), wave)

    def _together(
        self, taken: Sequence[tuple[str, Expr]], read: frozenset[str]
    ) -> tuple[tuple[str, ...], Expr]:
        """What the rounds of a loop take, each from its list, where it is read: the names, and the lists
        beside one another."""
        needed = [pair for pair in taken if pair[0] in read] or taken[:1]
        names, lists = zip(*needed, strict=True)
        if len(lists) == 1:
            return names, lists[0]
        return names, CallOf(self.naming.builtin("zip"), lists, (("strict", Constant(True)),))


def _is_joined(type: Type) -> bool:
    """Whether a list holds values of several types, of which Python would guess what they have in common."""
    return type.item_type is not None and (type.item_type.may_be_none or len(type.item_type.alternatives) > 1)


def _plain(annotation: Expr) -> Expr:
    """An annotation without constraints: inside a flow they hold of nothing."""
    if isinstance(annotation, Subscript):
        if annotation.of == Ref(("Annotated",)):
            return _plain(annotation.items[0])
        return replace(annotation, items=tuple(map(_plain, annotation.items)))
    if isinstance(annotation, OrNone):
        return OrNone(_plain(annotation.item))
    if isinstance(annotation, EitherOf):
        return EitherOf(tuple(map(_plain, annotation.items)))
    return annotation
