"""The checked tree: what a file means, with every name resolved. Complete only when no error was reported.

Its nodes know where they come from; places do not count when nodes are compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ..expressions import Checked
from ..expressions.signatures import (
    CheckedNode,
    CheckedParameter,
    FlowSignature,
    FunctionSignature,
    PromptSignature,
)
from ..source import Source
from ..types.alias import CheckedAlias
from ..types.base import Broken, NamedType, Type, Value
from ..types.circles import CheckedAgain
from ..types.enums import CheckedEnum
from ..types.grammars import CheckedGrammar
from ..types.records import CheckedRecord
from .checked_cases import CheckedCase, CheckedRowsFile
from .checked_flows import CheckedFlow


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedModel(CheckedNode):
    """A model; `location` is a registered name or a path relative to the folder of `origin`."""

    origin: str
    name: str
    location: str
    context: int | None = None
    layout: str | None = None


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


Symbol: TypeAlias = (
    CheckedEnum | CheckedRecord | CheckedAgain | CheckedAlias | CheckedGrammar
    | CheckedModel | PromptSignature | FlowSignature | FunctionSignature | Broken
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPlace(CheckedNode):
    """In a format: what is shown, or the field of it that `path` leads to."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedNumbering(CheckedNode):
    """In a format: the number of an item."""


CheckedFormatPart: TypeAlias = str | CheckedPlace | CheckedNumbering


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedHole(CheckedNode):
    """The parameter that fills the hole, or the item of a loop, then the record fields on the way; and the
    format of what is shown, if there is one."""

    parameter: str
    path: tuple[str, ...]
    format: tuple[CheckedFormatPart, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedGiven(CheckedNode):
    """An argument that is written in the program: a value of the type."""

    type: Type
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedCall(CheckedNode):
    """The answer of another prompt, written as `text`; and its format, if there is one. Parameters that have
    a default may be without an argument."""

    callee: PromptSignature
    text: str
    arguments: tuple[tuple[str, CheckedHole | CheckedGiven], ...]
    format: tuple[CheckedFormatPart, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedArm(CheckedNode):
    """Parts that are shown when a condition holds; it is written as `text`, and asks for `names`."""

    condition: Checked
    text: str
    names: tuple[str, ...]
    parts: tuple[CheckedPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedIf(CheckedNode):
    """`ends_line` is true where what follows stands at the beginning of a line."""

    arms: tuple[CheckedArm, ...]
    otherwise: tuple[CheckedPart, ...]
    ends_line: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFor(CheckedNode):
    """`ends_line` is true where what follows stands at the beginning of a line."""

    variable: str
    each: CheckedHole
    parts: tuple[CheckedPart, ...]
    ends_line: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedTurn(CheckedNode):
    """What follows is said by `role`."""

    role: str


CheckedPart: TypeAlias = str | CheckedHole | CheckedCall | CheckedIf | CheckedFor | CheckedTurn


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
    retries: int | None = None
    layout: str | None = None
    reasoning: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedTuning:
    """An entry of a tuning file that is of the prompt as it is now; `file` is the file's name."""

    file: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPrompt(CheckedNode):
    """A prompt; `english` is its body as written, `parts` the same taken apart.

    `tuning` is told afterwards, for what lies beside a file is not for the checker to know.
    """

    name: str
    line: int
    english: str
    parts: tuple[CheckedPart, ...]
    parameters: tuple[CheckedParameter, ...]
    returns: Type
    examples: tuple[CheckedCase, ...]
    tests: tuple[CheckedCase, ...]
    tests_from: tuple[CheckedRowsFile, ...]
    using: CheckedUsing
    tuning: CheckedTuning | None = None

    @property
    def labels(self) -> int | None:
        """How many labels the examples of a choice could show; `None` for other types. None is not among
        them where it is what an unsure answer becomes."""
        options = self.returns.options
        return options if options is None or self.using.abstain is None else options - 1


@dataclass(frozen=True, slots=True)
class CheckedModule:
    """A file. `types` are its own, each after those it needs; `exports` is what other files may import.

    A Python module, as far as files import from it, is one too: `digests` stand for what was seen of its
    classes.
    """

    source: Source
    docstring: str | None
    imports: tuple[CheckedImport, ...]
    models: tuple[CheckedModel, ...]
    types: tuple[NamedType, ...]
    prompts: tuple[CheckedPrompt, ...]
    flows: tuple[CheckedFlow, ...]
    exports: Mapping[str, Symbol]
    digests: Mapping[str, str] = field(default_factory=dict)
