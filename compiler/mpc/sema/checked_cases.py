"""Examples and tests in the checked tree: calls with what should come of them."""

from __future__ import annotations

from dataclasses import dataclass

from ..expressions.signatures import CheckedNode, Signature
from ..types import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedCase(CheckedNode):
    """The arguments in the order of the parameters, defaults filled in."""

    arguments: tuple[Value, ...]
    answer: Value
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRowsFile(CheckedNode):
    """A file of tests, relative to the source, and the least that its answers must measure, by measure."""

    file: str
    bounds: tuple[tuple[str, float], ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedScript(CheckedNode):
    """What something that a flow calls answers in a test: the first call the first, and so on; the last one
    answers all calls that are left."""

    callee: Signature
    answers: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFlowCase(CheckedCase):
    """A test of a flow. What no script answers is asked as ever."""

    scripts: tuple[CheckedScript, ...]
