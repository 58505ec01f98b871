"""Lark's parse tree becomes the syntax tree: one short method for each rule of the grammar."""

from __future__ import annotations

import inspect
from typing import Never, TypeAlias, TypeVar

from lark import Token, Transformer, v_args
from lark.tree import Meta

from ..diagnostics import InternalError, Reporter
from ..source import Span
from .nodes import (
    ArgumentAst,
    BelowAst,
    BoundAst,
    CaseAst,
    CopiedAst,
    DictAst,
    Docstring,
    EntryAst,
    EnumDecl,
    ExamplesAst,
    FallbackAst,
    FieldAst,
    ImportedAst,
    ImportModule,
    ImportNames,
    Item,
    ListAst,
    LiteralTypeAst,
    MemberAst,
    ModelDecl,
    MomentAst,
    Name,
    NamedTypeAst,
    NumberAst,
    OneOfAst,
    OptionalTypeAst,
    ParameterAst,
    Path,
    PatternAst,
    PromptDecl,
    RangeAst,
    ReachAst,
    RecordAst,
    RecordDecl,
    ReferenceAst,
    SetAst,
    SettingAst,
    StringAst,
    TestsAst,
    ThresholdAst,
    TypeAst,
    TypeDecl,
    UnionTypeAst,
    UsingAst,
    ValueAst,
)
from .strings import unescape
from .template import parse_template

_Limit: TypeAlias = RangeAst | PatternAst
_Constraint: TypeAlias = _Limit | CopiedAst
T = TypeVar("T")


def _span(meta: Meta) -> Span:
    return Span(meta.start_pos, meta.end_pos)


def _token_span(token: Token) -> Span:
    assert token.start_pos is not None
    assert token.end_pos is not None
    return Span(token.start_pos, token.end_pos)


@v_args(inline=True, meta=True)
class TreeBuilder(Transformer[Token, Item]):
    """Builds nodes bottom-up; a bad escape or hole is reported, and the node is built all the same."""

    def __init__(self, reporter: Reporter) -> None:
        super().__init__()
        self._reporter = reporter

    def __default__(self, data: Token, children: list[object], meta: Meta) -> Never:
        # Lark would keep a rule without a method as it is, and the mistake would show far from here.
        raise InternalError("syntax", f"no tree builder for the rule {data}")

    def item(self, meta: Meta, found: Item) -> Item:
        return found

    # ------------------------------------------------------------------------------------ declarations

    def docstring(self, meta: Meta, token: Token) -> Docstring:
        return Docstring(text=inspect.cleandoc(token[3:-3]), span=_span(meta))

    def import_module(self, meta: Meta, path: Path, alias: Name | None) -> ImportModule:
        return ImportModule(path=path, alias=alias, span=_span(meta))

    def import_names(self, meta: Meta, path: Path, *names: ImportedAst) -> ImportNames:
        return ImportNames(path=path, names=names, span=_span(meta))

    def imported(self, meta: Meta, name: Name, alias: Name | None) -> ImportedAst:
        return ImportedAst(name=name, alias=alias, span=_span(meta))

    def model(
        self, meta: Meta, name: Name, location: StringAst, options: tuple[SettingAst, ...] | None
    ) -> ModelDecl:
        return ModelDecl(name=name, location=location, options=options or (), span=_span(meta))

    def options(self, meta: Meta, *settings: SettingAst | None) -> tuple[SettingAst, ...]:
        return _present(settings)

    def type_alias(self, meta: Meta, name: Name, type: TypeAst) -> TypeDecl:
        return TypeDecl(name=name, type=type, span=_span(meta))

    def enum(
        self,
        meta: Meta,
        name: Name,
        label: StringAst | None,
        description: StringAst | None,
        *members: MemberAst,
    ) -> EnumDecl:
        return EnumDecl(
            name=name, label=label, description=description, members=members, span=_span(meta)
        )

    def member(
        self, meta: Meta, name: Name, label: StringAst | None, description: StringAst | None
    ) -> MemberAst:
        return MemberAst(name=name, label=label, description=description, span=_span(meta))

    def record(
        self,
        meta: Meta,
        name: Name,
        label: StringAst | None,
        description: StringAst | None,
        *fields: FieldAst,
    ) -> RecordDecl:
        return RecordDecl(name=name, label=label, description=description, fields=fields, span=_span(meta))

    def field(
        self,
        meta: Meta,
        name: Name,
        type: TypeAst,
        default: ValueAst | None,
        label: StringAst | None,
        description: StringAst | None,
    ) -> FieldAst:
        return FieldAst(
            name=name, type=type, default=default, label=label, description=description, span=_span(meta)
        )

    # ----------------------------------------------------------------------------------------- prompts

    def prompt(
        self, meta: Meta, name: Name, parameters: tuple[ParameterAst, ...], returns: TypeAst, body: Token
    ) -> PromptDecl:
        assert body.start_pos is not None
        lines_start = body.index("\n") + 1  # a comment may follow the header's colon
        template = parse_template(body[lines_start:], body.start_pos + lines_start, self._reporter)
        return PromptDecl(name=name, parameters=parameters, returns=returns, body=template, span=_span(meta))

    def parameters(self, meta: Meta, *found: ParameterAst | None) -> tuple[ParameterAst, ...]:
        return _present(found)

    def parameter(self, meta: Meta, name: Name, type: TypeAst, default: ValueAst | None) -> ParameterAst:
        return ParameterAst(name=name, type=type, default=default, span=_span(meta))

    def examples(self, meta: Meta, *cases: CaseAst) -> ExamplesAst:
        return ExamplesAst(cases=cases, span=_span(meta))

    def tests(self, meta: Meta, *cases: CaseAst) -> TestsAst:
        return TestsAst(cases=cases, span=_span(meta))

    def case(self, meta: Meta, *found: ArgumentAst | ValueAst | None) -> CaseAst:
        *_, answer = found
        assert not isinstance(answer, ArgumentAst | None)
        arguments = tuple(argument for argument in found if isinstance(argument, ArgumentAst))
        return CaseAst(arguments=arguments, answer=answer, span=_span(meta))

    def argument(self, meta: Meta, name: Name | None, value: ValueAst) -> ArgumentAst:
        return ArgumentAst(name=name, value=value, span=_span(meta))

    def using(self, meta: Meta, *settings: SettingAst | FallbackAst) -> UsingAst:
        return UsingAst(settings=settings, span=_span(meta))

    def setting(self, meta: Meta, name: Name, value: ValueAst) -> SettingAst:
        return SettingAst(name=name, value=value, span=_span(meta))

    def fallback(
        self, meta: Meta, name: Name, value: ValueAst | None, *thresholds: ThresholdAst
    ) -> FallbackAst:
        return FallbackAst(name=name, value=value, thresholds=thresholds, span=_span(meta))

    def below(self, meta: Meta, number: NumberAst) -> BelowAst:
        return BelowAst(number=number, span=_span(meta))

    def reach(self, meta: Meta, number: NumberAst) -> ReachAst:
        return ReachAst(number=number, span=_span(meta))

    # ------------------------------------------------------------------------------------------- types

    def union(self, meta: Meta, *items: TypeAst) -> UnionTypeAst:
        return UnionTypeAst(items=items, span=_span(meta))

    def optional(self, meta: Meta, item: TypeAst) -> OptionalTypeAst:
        return OptionalTypeAst(item=item, span=_span(meta))

    def named_type(
        self, meta: Meta, path: Path, arguments: tuple[TypeAst, ...] | None, constraint: _Constraint | None
    ) -> NamedTypeAst:
        return NamedTypeAst(path=path, arguments=arguments or (), constraint=constraint, span=_span(meta))

    def type_arguments(self, meta: Meta, *types: TypeAst) -> tuple[TypeAst, ...]:
        return types

    def literal(self, meta: Meta, value: StringAst | NumberAst) -> LiteralTypeAst:
        return LiteralTypeAst(value=value, span=_span(meta))

    def one_of(self, meta: Meta, source: Path, by: Path | None) -> OneOfAst:
        return OneOfAst(source=source, by=by, span=_span(meta))

    def copied(self, meta: Meta, source: Path, limit: _Limit | None) -> CopiedAst:
        return CopiedAst(source=source, limit=limit, span=_span(meta))

    def range(self, meta: Meta, low: BoundAst | None, high: BoundAst | None) -> RangeAst:
        return RangeAst(low=low, high=high, span=_span(meta))

    def pattern(self, meta: Meta, token: Token) -> PatternAst:
        return PatternAst(text=token[1:-1].replace(r"\/", "/"), span=_span(meta))

    # ------------------------------------------------------------------------------------------ values

    def reference(self, meta: Meta, path: Path) -> ReferenceAst:
        return ReferenceAst(path=path, span=_span(meta))

    def record_value(self, meta: Meta, path: Path, *arguments: ArgumentAst | None) -> RecordAst:
        return RecordAst(path=path, arguments=_present(arguments), span=_span(meta))

    def list_value(self, meta: Meta, *items: ValueAst | None) -> ListAst:
        return ListAst(items=_present(items), span=_span(meta))

    def set_value(self, meta: Meta, *items: ValueAst | None) -> SetAst:
        return SetAst(items=_present(items), span=_span(meta))

    def dict_value(self, meta: Meta, *entries: EntryAst | None) -> DictAst:
        return DictAst(entries=_present(entries), span=_span(meta))

    def entry(self, meta: Meta, key: ValueAst, value: ValueAst) -> EntryAst:
        return EntryAst(key=key, value=value, span=_span(meta))

    # ------------------------------------------------------------------------------------------- words

    def path(self, meta: Meta, *names: Name) -> Path:
        return Path(names=names, span=_span(meta))

    def name(self, meta: Meta, token: Token) -> Name:
        return Name(text=str(token), span=_token_span(token))

    def string(self, meta: Meta, token: Token) -> StringAst:
        span = _token_span(token)
        return StringAst(text=unescape(token, span.start, self._reporter), span=span)

    def number(self, meta: Meta, token: Token) -> NumberAst:
        return NumberAst(text=str(token), span=_token_span(token))

    def moment(self, meta: Meta, token: Token) -> MomentAst:
        return MomentAst(text=str(token), span=_token_span(token))


def _present(found: tuple[T | None, ...]) -> tuple[T, ...]:
    return tuple(child for child in found if child is not None)
