"""The syntax tree. Nouns, frozen, spans into the source; nothing here knows what a name means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import TypeAlias

from ..source import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntaxNode:
    """What every node has: the place it came from, which does not count when nodes are compared."""

    span: Span = field(compare=False, repr=False)


def walk(node: SyntaxNode) -> Iterator[SyntaxNode]:
    """A node and all that are inside it, the outer ones first."""
    yield node
    for each in fields(node):
        held = getattr(node, each.name)
        for inner in held if isinstance(held, tuple) else (held,):
            if isinstance(inner, SyntaxNode):
                yield from walk(inner)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemAst(SyntaxNode):
    """What a file is a sequence of: a docstring, an import, a declaration or a clause."""

    @property
    def entries(self) -> tuple[SyntaxNode, ...]:
        """The nodes of the lines below the head, each on a line of its own."""
        return ()


# ------------------------------------------------------------------------------------------------ words


@dataclass(frozen=True, slots=True, kw_only=True)
class Name(SyntaxNode):
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Path(SyntaxNode):
    """`a.b.c`; at least one name."""

    names: tuple[Name, ...]

    @property
    def text(self) -> str:
        return ".".join(name.text for name in self.names)

    @property
    def qualifier(self) -> Path | None:
        """What stands before the last name."""
        *names, _ = self.names
        return Path(names=tuple(names), span=names[0].span.to(names[-1].span)) if names else None


@dataclass(frozen=True, slots=True, kw_only=True)
class StringAst(SyntaxNode):
    """A string; `text` has its escapes resolved."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberAst(SyntaxNode):
    """A number as it is written; the checker reads it, for it knows which kind is wanted."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentAst(SyntaxNode):
    """A date, a time or both as it is written; the checker reads it, for it may not exist."""

    text: str


# ------------------------------------------------------------------------------------------------ types


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeAst(SyntaxNode):
    """`(low..high)`, either side may be open."""

    low: BoundAst | None
    high: BoundAst | None


BoundAst: TypeAlias = NumberAst | MomentAst


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternAst(SyntaxNode):
    """`(/regex/)`; `text` is the regular expression without its slashes."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedAst(SyntaxNode):
    """`(text)`, `(doc.body, ..80)`: the argument that a text is copied from."""

    source: Path
    limit: RangeAst | PatternAst | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedTypeAst(SyntaxNode):
    """`int(1..5)`, `list[str]`, `Act`, `q.Act`, `span(text)`."""

    path: Path
    arguments: tuple[TypeAst, ...]
    constraint: RangeAst | PatternAst | CopiedAst | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOfAst(SyntaxNode):
    """`one of options`, `one of tools by name`, `one of tools by Tool.name`."""

    source: Path
    by: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiteralTypeAst(SyntaxNode):
    value: StringAst | NumberAst


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionalTypeAst(SyntaxNode):
    item: TypeAst


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionTypeAst(SyntaxNode):
    items: tuple[TypeAst, ...]


TypeAst: TypeAlias = NamedTypeAst | LiteralTypeAst | OneOfAst | OptionalTypeAst | UnionTypeAst


# ----------------------------------------------------------------------------------------------- values


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceAst(SyntaxNode):
    """A bare or qualified name: a member, `true`, `false`, `none`, a model."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgumentAst(SyntaxNode):
    """`value` or `name=value`."""

    name: Name | None
    value: ValueAst


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAst(SyntaxNode):
    path: Path
    arguments: tuple[ArgumentAst, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAst(SyntaxNode):
    items: tuple[ValueAst, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAst(SyntaxNode):
    """`{a, b}`; at least one item."""

    items: tuple[ValueAst, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryAst(SyntaxNode):
    """`key: value`; the checker says what a key may be."""

    key: ValueAst
    value: ValueAst


@dataclass(frozen=True, slots=True, kw_only=True)
class DictAst(SyntaxNode):
    """`{"a": 1}`; without entries it is an empty set as well."""

    entries: tuple[EntryAst, ...]


ValueAst: TypeAlias = (
    StringAst | NumberAst | MomentAst | ReferenceAst | RecordAst | ListAst | SetAst | DictAst
)


# ----------------------------------------------------------------------------------------- expressions


@dataclass(frozen=True, slots=True, kw_only=True)
class LogicAst(SyntaxNode):
    """`a and b and c`; `word` is "and" or "or"."""

    word: str
    operands: tuple[ExpressionAst, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NegationAst(SyntaxNode):
    """`not a`."""

    operand: ExpressionAst


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedAst(SyntaxNode):
    """`<= b`: a comparison of what stands before it with `operand`."""

    sign: str
    operand: ExpressionAst


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonAst(SyntaxNode):
    """`a < b <= c`."""

    first: ExpressionAst
    rest: tuple[ComparedAst, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipAst(SyntaxNode):
    """`item in whole`, or `not in` where it is `negated`."""

    item: ExpressionAst
    whole: ExpressionAst
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NoneTestAst(SyntaxNode):
    """`a is none`, or `is not none` where it is `negated`."""

    operand: ExpressionAst
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchAst(SyntaxNode):
    """`text matches /pattern/`."""

    text: ExpressionAst
    pattern: PatternAst


@dataclass(frozen=True, slots=True, kw_only=True)
class CalculationAst(SyntaxNode):
    """`a + b`; `sign` is one of `+ - * / %`."""

    sign: str
    left: ExpressionAst
    right: ExpressionAst


@dataclass(frozen=True, slots=True, kw_only=True)
class NegativeAst(SyntaxNode):
    """`-a`."""

    operand: ExpressionAst


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAst(SyntaxNode):
    """`sum(items.amount)`: a function of the language."""

    function: Name
    arguments: tuple[ExpressionAst, ...]


# ------------------------------------------------------------------------------ expressions of flows alone


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedAst(SyntaxNode):
    """`value` or `name=value`, where the value is an expression."""

    name: Name | None
    value: ExpressionAst


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationAst(SyntaxNode):
    """`classify(text)`: a call of whatever the path names, or a record."""

    path: Path
    arguments: tuple[PassedAst, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDisplayAst(SyntaxNode):
    """`[note, other]`: a list of expressions."""

    items: tuple[ExpressionAst, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOfAst(SyntaxNode):
    """`classify(text).topic`: a field of what is called, or its confidence."""

    operand: InvocationAst | FieldOfAst
    name: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeTestAst(SyntaxNode):
    """`asked is Weather`, or `is not` where it is `negated`."""

    operand: ExpressionAst
    path: Path
    negated: bool


ExpressionAst: TypeAlias = (
    StringAst
    | NumberAst
    | MomentAst
    | ReferenceAst
    | ListAst
    | LogicAst
    | NegationAst
    | ComparisonAst
    | MembershipAst
    | NoneTestAst
    | MatchAst
    | CalculationAst
    | NegativeAst
    | CallAst
    | SetAst
    | DictAst
    | InvocationAst
    | ListDisplayAst
    | FieldOfAst
    | TypeTestAst
)
"""A reference is the way to a value (`items.amount`), a member of an enum, or `true`, `false`, `none`."""


# ---------------------------------------------------------------------------------------------- bodies


@dataclass(frozen=True, slots=True, kw_only=True)
class TextAst(SyntaxNode):
    """Literal text of a body or a format, dedented, with `{{`, `}}` and escapes resolved."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceAst(SyntaxNode):
    """In a format: `{}`, what is shown, or `{name}`, a field of it; `path` is `None` for the former."""

    path: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberingAst(SyntaxNode):
    """In a format: `{#}`, the number of an item, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatAst(SyntaxNode):
    """`"{#}. {name}"` behind the colon of a hole: how what it shows, or each item of it, is written."""

    parts: tuple[TextAst | PlaceAst | NumberingAst, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoleAst(SyntaxNode):
    """`{name}`, `{name.field}`, `{name: "format"}`."""

    path: Path
    format: FormatAst | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptCallAst(SyntaxNode):
    """`{summary(text)}`: the answer of another prompt."""

    path: Path
    arguments: tuple[ArgumentAst, ...]
    format: FormatAst | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmAst(SyntaxNode):
    """`{if condition}` or `{elif condition}`, which is the span, and what stands below it."""

    condition: ExpressionAst
    parts: tuple[PartAst, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IfAst(SyntaxNode):
    """`{if x}...{elif y}...{else}...{end}`. `ends_line` is true where `{end}` has its line to itself."""

    arms: tuple[ArmAst, ...]
    otherwise: tuple[PartAst, ...]
    ends_line: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ForAst(SyntaxNode):
    """`{for variable in each}...{end}`. `ends_line` is true where `{end}` has its line to itself."""

    variable: Name
    each: Path
    parts: tuple[PartAst, ...]
    ends_line: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnAst(SyntaxNode):
    """A line `@user`: what follows is said by `role`."""

    role: str


PartAst: TypeAlias = TextAst | HoleAst | PromptCallAst | IfAst | ForAst | TurnAst


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateAst(SyntaxNode):
    """A prompt's body. `english` is its text as written, dedented; `parts` are the same, taken apart.

    `complete` is false when something in braces could not be read and is missing from the parts. `doubled`
    are the words that stand alone between two braces on each side, which are text.
    """

    english: str
    complete: bool
    parts: tuple[PartAst, ...]
    doubled: tuple[Name, ...]


# --------------------------------------------------------------------------------------- declarations


@dataclass(frozen=True, slots=True, kw_only=True)
class Docstring(ItemAst):
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportModule(ItemAst):
    path: Path
    alias: Name | None

    @property
    def key(self) -> str:
        """What the file or module that is imported is known by."""
        return self.path.text


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedAst(SyntaxNode):
    """`name` or `name as alias`."""

    name: Name
    alias: Name | None

    @property
    def local(self) -> Name:
        """What it is called in the file that imports it."""
        return self.alias or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportNames(ItemAst):
    """`from a.b import name`; where it `is_python`, `from python a.b import name`."""

    path: Path
    names: tuple[ImportedAst, ...]
    is_python: bool

    @property
    def key(self) -> str:
        """What the file or module that is imported is known by."""
        return f"python {self.path.text}" if self.is_python else self.path.text


Import: TypeAlias = ImportModule | ImportNames


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingAst(SyntaxNode):
    name: Name
    value: ValueAst


@dataclass(frozen=True, slots=True, kw_only=True)
class BelowAst(SyntaxNode):
    """`below 0.6`: a confidence."""

    number: NumberAst


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachAst(SyntaxNode):
    """`to reach 0.95`: an accuracy."""

    number: NumberAst


ThresholdAst: TypeAlias = BelowAst | ReachAst


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackAst(SyntaxNode):
    """A setting that says when it takes hold: `abstain below 0.6`, `escalate = large to reach 0.9`.

    At least one threshold; that there is only one, the checker says.
    """

    name: Name
    value: ValueAst | None
    thresholds: tuple[ThresholdAst, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDecl(ItemAst):
    name: Name
    location: StringAst
    options: tuple[SettingAst, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeDecl(ItemAst):
    """`words` are those that were written behind the type, where they have no place."""

    name: Name
    type: TypeAst
    words: tuple[StringAst, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberAst(SyntaxNode):
    name: Name
    label: StringAst | None
    description: StringAst | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumDecl(ItemAst):
    """An enum; `label` and `description` are what the model sees of it among the types of a union."""

    name: Name
    label: StringAst | None
    description: StringAst | None
    members: tuple[MemberAst, ...]

    @property
    def entries(self) -> tuple[SyntaxNode, ...]:
        return self.members


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldAst(SyntaxNode):
    name: Name
    type: TypeAst
    default: ValueAst | None
    label: StringAst | None
    description: StringAst | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionAst(SyntaxNode):
    """`assert condition "message"`, or `check`, which is the `word`."""

    word: str
    condition: ExpressionAst
    message: StringAst | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDecl(ItemAst):
    """A record; `label` and `description` are what the model sees of it among the types of a union. `depth`
    is how many of it lie inside one another at most."""

    name: Name
    depth: NumberAst | None
    label: StringAst | None
    description: StringAst | None
    lines: tuple[FieldAst | AssertionAst, ...]

    @property
    def entries(self) -> tuple[FieldAst | AssertionAst, ...]:
        return self.lines

    @property
    def fields(self) -> tuple[FieldAst, ...]:
        return tuple(entry for entry in self.lines if isinstance(entry, FieldAst))

    @property
    def assertions(self) -> tuple[AssertionAst, ...]:
        return tuple(entry for entry in self.lines if isinstance(entry, AssertionAst))


@dataclass(frozen=True, slots=True, kw_only=True)
class GrammarDecl(ItemAst):
    """A Lark grammar: `text` is dedented; its first line stands at offset `start` of the source, and every
    line has been indented by `indent` more."""

    name: Name
    text: str
    start: int = field(compare=False, repr=False)
    indent: int = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterAst(SyntaxNode):
    """`words` are those that were written behind it, where they have no place."""

    name: Name
    type: TypeAst
    default: ValueAst | None
    words: tuple[StringAst, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptAst(SyntaxNode):
    """`classify -> question`: what something that a flow calls answers in a test."""

    path: Path
    answer: ValueAst


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseAst(SyntaxNode):
    """A line of `examples:` or `tests:`: the arguments of a call and the answer, and what it is given."""

    arguments: tuple[ArgumentAst, ...]
    answer: ValueAst
    scripts: tuple[ScriptAst, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeastAst(SyntaxNode):
    """`accuracy >= 0.8`; `sign` is the comparison that was written."""

    measure: Name
    sign: str
    number: NumberAst


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsFileAst(SyntaxNode):
    """`from "cases.jsonl" (accuracy >= 0.8)`: a file of labelled rows, with what its answers must measure."""

    file: StringAst
    bounds: tuple[AtLeastAst, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamplesAst(ItemAst):
    lines: tuple[CaseAst | RowsFileAst, ...]

    @property
    def entries(self) -> tuple[CaseAst | RowsFileAst, ...]:
        return self.lines


@dataclass(frozen=True, slots=True, kw_only=True)
class TestsAst(ItemAst):
    lines: tuple[CaseAst | RowsFileAst, ...]

    @property
    def entries(self) -> tuple[CaseAst | RowsFileAst, ...]:
        return self.lines


@dataclass(frozen=True, slots=True, kw_only=True)
class UsingAst(ItemAst):
    settings: tuple[SettingAst | FallbackAst, ...]

    @property
    def entries(self) -> tuple[SyntaxNode, ...]:
        return self.settings


Clause: TypeAlias = ExamplesAst | TestsAst | UsingAst


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptDecl(ItemAst):
    """A prompt. The parser attaches the clauses that follow it; each kind is there at most once."""

    name: Name
    parameters: tuple[ParameterAst, ...]
    returns: TypeAst
    body: TemplateAst
    clauses: tuple[Clause, ...] = ()
