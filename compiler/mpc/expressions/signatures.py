"""What a call can be of: prompts, flows and functions of Python, as those who call them see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from ..source import Span
from ..types import Type, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedNode:
    """What every checked node has: its place in the file that it is from."""

    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedParameter(CheckedNode):
    """A parameter; `default` counts only when `has_default` is true."""

    name: str
    type: Type
    has_default: bool
    default: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSignature(CheckedNode):
    """A prompt, as others see it; `origin` is the path of the source file that has it. `sources` are the
    parameters that an answer is chosen from, which need not be shown."""

    kind: ClassVar[str] = "prompt"

    origin: str
    name: str
    parameters: tuple[CheckedParameter, ...]
    returns: Type
    sources: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSignature(CheckedNode):
    """A flow, as others see it; `origin` is the path of the source file that has it."""

    kind: ClassVar[str] = "flow"

    origin: str
    name: str
    parameters: tuple[CheckedParameter, ...]
    returns: Type


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSignature(CheckedNode):
    """A function of Python; `origin` is `types.base.PYTHON` and the module that it was imported from.

    A parameter's default is left to the function: `default` is `None` where there is one, whatever it is. One
    that does not give a value can only be called alone.
    """

    kind: ClassVar[str] = "function of Python"

    origin: str
    name: str
    parameters: tuple[CheckedParameter, ...]
    returns: Type
    gives_value: bool = True


Signature: TypeAlias = PromptSignature | FlowSignature | FunctionSignature
