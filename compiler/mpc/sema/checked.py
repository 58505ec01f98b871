"""The checked tree: what a file means, with every name resolved. Complete only when no error was reported.

Its nodes know where they come from; places do not count when nodes are compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ..source import Source, Span
from ..types.alias import CheckedAlias
from ..types.base import Broken, NamedType, Type, Value
from ..types.circles import CheckedAgain
from ..types.enums import CheckedEnum
from ..types.records import CheckedRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedNode:
    """What every node has: its place in the file that it is from."""

    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedModel(CheckedNode):
    """A model; `location` is a registered name or a path relative to the folder of `origin`."""

    origin: str
    name: str
    location: str
    context: int | None = None
    layout: str | None = None


@dataclass(frozen=True, slots=True)
class PromptName:
    """A prompt, as far as other files see it."""

    name: str


Symbol: TypeAlias = (
    CheckedEnum | CheckedRecord | CheckedAgain | CheckedAlias
    | CheckedModel | PromptName | Broken
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedImported(CheckedNode):
    """A name of another file, what it is called here, and whether anything here needs it. `name as name`
    says that it is there for others."""

    name: str
    local: str
    is_used: bool
    is_for_others: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedImport(CheckedNode):
    """`import path [as alias]`, or `from path import names` when there are any.

    `python` is the Python module that the imported file becomes; where files lie is not for the checker to
    know, so it is told afterwards.
    """

    path: str
    alias: str | None
    names: tuple[CheckedImported, ...]
    module: CheckedModule | None
    is_used: bool
    python: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedParameter(CheckedNode):
    """A parameter; `default` counts only when `has_default` is true."""

    name: str
    type: Type
    has_default: bool
    default: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedHole(CheckedNode):
    """The parameter that fills the hole, then the record fields on the way."""

    parameter: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedCase(CheckedNode):
    """The arguments in the order of the parameters, defaults filled in."""

    arguments: tuple[Value, ...]
    answer: Value
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedThreshold(CheckedNode):
    """A confidence, or an accuracy that one is to be found for: one of the two is `None`."""

    below: float | None = None
    reach: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedEscalation:
    """The model that is asked again, and when."""

    model: CheckedModel
    when: CheckedThreshold


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedUsing:
    """A prompt's settings; what was not set is `None`."""

    model: CheckedModel | None = None
    temperature: float | None = None
    seed: int | None = None
    timeout: float | None = None
    max_tokens: int | None = None
    independent: bool = False
    decide: str | None = None
    abstain: CheckedThreshold | None = None
    escalate: CheckedEscalation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedTuning:
    """An entry of a tuning file that is of the prompt as it is now; `file` is the file's name."""

    file: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPrompt(CheckedNode):
    """A prompt; `english` is its body as written, `parts` the same with its holes told apart.

    `tuning` is told afterwards, for what lies beside a file is not for the checker to know.
    """

    name: str
    line: int
    english: str
    parts: tuple[str | CheckedHole, ...]
    parameters: tuple[CheckedParameter, ...]
    returns: Type
    examples: tuple[CheckedCase, ...]
    tests: tuple[CheckedCase, ...]
    using: CheckedUsing
    tuning: CheckedTuning | None = None


@dataclass(frozen=True, slots=True)
class CheckedModule:
    """A file. `types` are its own, each after those it needs; `exports` is what other files may import."""

    source: Source
    docstring: str | None
    imports: tuple[CheckedImport, ...]
    models: tuple[CheckedModel, ...]
    types: tuple[NamedType, ...]
    prompts: tuple[CheckedPrompt, ...]
    exports: Mapping[str, Symbol]
