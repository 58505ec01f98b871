"""Lark's parse tree becomes the syntax tree: one short method for each rule of the grammar."""

from __future__ import annotations

import inspect
from typing import TypeAlias

from lark import Token, v_args
from lark.tree import Meta

from .expressions import ExpressionBuilder
from .expressions import present as _present
from .expressions import span_of as _span
from .nodes import (
    ArgumentAst,
    AssertionAst,
    AtLeastAst,
    BelowAst,
    BoundAst,
    CaseAst,
    CopiedAst,
    Docstring,
    EnumDecl,
    ExamplesAst,
    ExpressionAst,
    FallbackAst,
    FieldAst,
    GrammarDecl,
    ImportedAst,
    ImportModule,
    ImportNames,
    Item,
    LiteralTypeAst,
    MemberAst,
    ModelDecl,
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
    RecordDecl,
    RowsFileAst,
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
from .tags import margin_of
from .template import parse_template

_Limit: TypeAlias = RangeAst | PatternAst
_Constraint: TypeAlias = _Limit | CopiedAst


@v_args(inline=True, meta=True)
class TreeBuilder(ExpressionBuilder):  # pyright: ignore[reportGeneralTypeIssues]  # v_args gives the class
    """Builds an item; a bad hole is reported, and the node is built all the same."""

    def item(self, meta: Meta, found: Item) -> Item:
        return found

    # ------------------------------------------------------------------------------------ declarations

    def docstring(self, meta: Meta, token: Token) -> Docstring:
        return Docstring(text=inspect.cleandoc(token[3:-3]), span=_span(meta))

    def import_module(self, meta: Meta, path: Path, alias: Name | None) -> ImportModule:
        return ImportModule(path=path, alias=alias, span=_span(meta))

    def import_names(self, meta: Meta, path: Path, *names: ImportedAst) -> ImportNames:
        return ImportNames(path=path, names=names, is_python=False, span=_span(meta))

    def import_python(self, meta: Meta, path: Path, *names: ImportedAst) -> ImportNames:
        return ImportNames(path=path, names=names, is_python=True, span=_span(meta))

    def imported(self, meta: Meta, name: Name, alias: Name | None) -> ImportedAst:
        return ImportedAst(name=name, alias=alias, span=_span(meta))

    def model(
        self, meta: Meta, name: Name, location: StringAst, options: tuple[SettingAst, ...] | None
    ) -> ModelDecl:
        return ModelDecl(name=name, location=location, options=options or (), span=_span(meta))

    def options(self, meta: Meta, *settings: SettingAst | None) -> tuple[SettingAst, ...]:
        return _present(settings)

    def type_alias(
        self, meta: Meta, name: Name, type: TypeAst, label: StringAst | None, description: StringAst | None
    ) -> TypeDecl:
        return TypeDecl(name=name, type=type, words=_present((label, description)), span=_span(meta))

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
        depth: NumberAst | None,
        label: StringAst | None,
        description: StringAst | None,
        *entries: FieldAst | AssertionAst,
    ) -> RecordDecl:
        return RecordDecl(
            name=name,
            depth=depth,
            label=label,
            description=description,
            lines=entries,
            span=_span(meta),
        )

    def depth(self, meta: Meta, number: NumberAst) -> NumberAst:
        return number

    def assertion(
        self, meta: Meta, word: Token, condition: ExpressionAst, message: StringAst | None
    ) -> AssertionAst:
        return AssertionAst(word=str(word), condition=condition, message=message, span=_span(meta))

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

    def grammar(self, meta: Meta, name: Name, body: Token) -> GrammarDecl:
        assert body.start_pos is not None
        lines_start = body.index("\n") + 1
        lines = body[lines_start:].split("\n")
        indent = margin_of(lines)
        text = "\n".join(line[indent:].rstrip() for line in lines)
        start = body.start_pos + lines_start
        return GrammarDecl(name=name, text=text, start=start, indent=indent, span=_span(meta))

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

    def parameter(
        self,
        meta: Meta,
        name: Name,
        type: TypeAst,
        default: ValueAst | None,
        label: StringAst | None,
        description: StringAst | None,
    ) -> ParameterAst:
        words = _present((label, description))
        return ParameterAst(name=name, type=type, default=default, words=words, span=_span(meta))

    def examples(self, meta: Meta, *entries: CaseAst | RowsFileAst) -> ExamplesAst:
        return ExamplesAst(lines=entries, span=_span(meta))

    def tests(self, meta: Meta, *entries: CaseAst | RowsFileAst) -> TestsAst:
        return TestsAst(lines=entries, span=_span(meta))

    def rows_file(self, meta: Meta, file: StringAst, *bounds: AtLeastAst | None) -> RowsFileAst:
        return RowsFileAst(file=file, bounds=_present(bounds), span=_span(meta))

    def at_least(self, meta: Meta, measure: Name, sign: Token, number: NumberAst) -> AtLeastAst:
        return AtLeastAst(measure=measure, sign=str(sign), number=number, span=_span(meta))

    def case(self, meta: Meta, *found: ArgumentAst | ValueAst | None) -> CaseAst:
        *_, answer = found
        assert not isinstance(answer, ArgumentAst | None)
        arguments = tuple(argument for argument in found if isinstance(argument, ArgumentAst))
        return CaseAst(arguments=arguments, answer=answer, span=_span(meta))

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
