"""Flows in the checked tree: statements with every name resolved, every value typed, and every way out known.

A name has one type in all of a flow. What a statement reads may be known to be narrower there, which the
expression says: the `type` of a `Reached` is what its value is at that place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ..expressions import Checked
from ..expressions.checked import Invoked
from ..expressions.signatures import CheckedNode, CheckedParameter
from ..types import Type
from .checked_cases import CheckedFlowCase, CheckedRowsFile


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedStatement(CheckedNode):
    """What every statement has: the line, from 1, that it begins on."""

    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedAssign(CheckedStatement):
    """`name = value`. `type` is the name's; `is_first` where no assignment to it stands above, and `is_typed`
    where the program says the type behind the name."""

    name: str
    type: Type
    value: Checked
    is_first: bool
    is_typed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedAppend(CheckedStatement):
    """`name.append(item)`. The list is the flow's own: no argument and no part of a record."""

    name: str
    item: Checked


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDo(CheckedStatement):
    """A call whose value nobody asks for."""

    call: Invoked


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedBranchArm(CheckedNode):
    """What happens where a condition holds; `line` is that of its `if` or `elif`."""

    condition: Checked
    statements: tuple[CheckedFlowStatement, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedBranch(CheckedStatement):
    """`if ...: elif ...: else:`; `otherwise` is empty where there is no `else`."""

    arms: tuple[CheckedBranchArm, ...]
    otherwise: tuple[CheckedFlowStatement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedLoop(CheckedStatement):
    """`for variable in each:`; the items have the type `item`. Behind it the variable is not known."""

    variable: str
    item: Type
    each: Checked
    statements: tuple[CheckedFlowStatement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedWhile(CheckedStatement):
    """`while condition up to bound:`, which goes round `bound` times at most; a condition that holds even
    then is an error at run time."""

    condition: Checked
    bound: int
    statements: tuple[CheckedFlowStatement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedReturn(CheckedStatement):
    value: Checked


CheckedFlowStatement: TypeAlias = (
    CheckedAssign | CheckedAppend | CheckedDo | CheckedBranch | CheckedLoop | CheckedWhile | CheckedReturn
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFlow(CheckedNode):
    """A flow. `answers` are the names whose confidence is asked for somewhere: each holds an answer with its
    confidence, and all that is assigned to it is a call that wants it."""

    name: str
    line: int
    docstring: str | None
    parameters: tuple[CheckedParameter, ...]
    returns: Type
    statements: tuple[CheckedFlowStatement, ...]
    answers: frozenset[str]
    tests: tuple[CheckedFlowCase, ...]
    tests_from: tuple[CheckedRowsFile, ...]
    timeout: float | None
