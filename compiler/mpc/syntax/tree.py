"""What was read becomes the syntax tree: one short method for each rule of the grammar."""

from __future__ import annotations

from ..source import Span
from .expressions import present as _present
from .flow_nodes import FlowDecl
from .items import Item
from .nodes import (
    ArgumentAst,
    AssertionAst,
    AtLeastAst,
    BelowAst,
    CaseAst,
    EnumDecl,
    ExamplesAst,
    ExpressionAst,
    FallbackAst,
    FieldAst,
    GrammarDecl,
    ImportedAst,
    ImportModule,
    ImportNames,
    MemberAst,
    ModelDecl,
    Name,
    NumberAst,
    ParameterAst,
    Path,
    PromptDecl,
    ReachAst,
    RecordDecl,
    RowsFileAst,
    ScriptAst,
    SettingAst,
    StringAst,
    TestsAst,
    ThresholdAst,
    TypeAst,
    TypeDecl,
    UsingAst,
    ValueAst,
)
from .statements import parse_statements
from .tags import margin_of
from .template import parse_template
from .type_tree import TypeBuilder


class TreeBuilder(TypeBuilder):
    """Builds an item; a bad hole is reported, and the node is built all the same."""

    def item(self, span: Span, found: Item) -> Item:
        return found

    # ------------------------------------------------------------------------------------ declarations

    def import_module(self, span: Span, path: Path, alias: Name | None) -> ImportModule:
        return ImportModule(path=path, alias=alias, span=span)

    def import_names(self, span: Span, path: Path, *names: ImportedAst) -> ImportNames:
        return ImportNames(path=path, names=names, is_python=False, span=span)

    def import_python(self, span: Span, path: Path, *names: ImportedAst) -> ImportNames:
        return ImportNames(path=path, names=names, is_python=True, span=span)

    def imported(self, span: Span, name: Name, alias: Name | None) -> ImportedAst:
        return ImportedAst(name=name, alias=alias, span=span)

    def model(
        self, span: Span, name: Name, location: StringAst, options: tuple[SettingAst, ...] | None
    ) -> ModelDecl:
        return ModelDecl(name=name, location=location, options=options or (), span=span)

    def options(self, span: Span, *settings: SettingAst | None) -> tuple[SettingAst, ...]:
        return _present(settings)

    def type_alias(
        self, span: Span, name: Name, type: TypeAst, label: StringAst | None, description: StringAst | None
    ) -> TypeDecl:
        return TypeDecl(name=name, type=type, words=_present((label, description)), span=span)

    def enum(
        self,
        span: Span,
        name: Name,
        label: StringAst | None,
        description: StringAst | None,
        *members: MemberAst,
    ) -> EnumDecl:
        return EnumDecl(
            name=name, label=label, description=description, members=members, span=span
        )

    def member(
        self, span: Span, name: Name, label: StringAst | None, description: StringAst | None
    ) -> MemberAst:
        return MemberAst(name=name, label=label, description=description, span=span)

    def record(
        self,
        span: Span,
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
            span=span,
        )

    def depth(self, span: Span, number: NumberAst) -> NumberAst:
        return number

    def assertion(
        self, span: Span, word: str, condition: ExpressionAst, message: StringAst | None
    ) -> AssertionAst:
        return AssertionAst(word=word, condition=condition, message=message, span=span)

    def field(
        self,
        span: Span,
        name: Name,
        type: TypeAst,
        default: ValueAst | None,
        label: StringAst | None,
        description: StringAst | None,
    ) -> FieldAst:
        return FieldAst(
            name=name, type=type, default=default, label=label, description=description, span=span
        )

    def grammar(self, span: Span, name: Name, body: str) -> GrammarDecl:
        lines_start = body.index("\n") + 1
        lines = body[lines_start:].split("\n")
        indent = margin_of(lines)
        text = "\n".join(line[indent:].rstrip() for line in lines)
        start = span.end - len(body) + lines_start
        return GrammarDecl(name=name, text=text, start=start, indent=indent, span=span)

    # ----------------------------------------------------------------------------------------- prompts

    def prompt(
        self, span: Span, name: Name, parameters: tuple[ParameterAst, ...], returns: TypeAst, body: str
    ) -> PromptDecl:
        lines_start = body.index("\n") + 1  # a comment may follow the header's colon
        lines = body[lines_start:]
        template = parse_template(lines, span.end - len(lines), self._reporter)
        return PromptDecl(name=name, parameters=parameters, returns=returns, body=template, span=span)

    def flow(
        self, span: Span, name: Name, parameters: tuple[ParameterAst, ...], returns: TypeAst, body: str
    ) -> FlowDecl:
        return FlowDecl(
            name=name,
            parameters=parameters,
            returns=returns,
            body=parse_statements(Span(span.end - len(body), span.end), self._reporter),
            span=span,
        )

    def parameters(self, span: Span, *found: ParameterAst | None) -> tuple[ParameterAst, ...]:
        return _present(found)

    def parameter(
        self,
        span: Span,
        name: Name,
        type: TypeAst,
        default: ValueAst | None,
        label: StringAst | None,
        description: StringAst | None,
    ) -> ParameterAst:
        words = _present((label, description))
        return ParameterAst(name=name, type=type, default=default, words=words, span=span)

    def examples(self, span: Span, *entries: CaseAst | RowsFileAst) -> ExamplesAst:
        return ExamplesAst(lines=entries, span=span)

    def tests(self, span: Span, *entries: CaseAst | RowsFileAst) -> TestsAst:
        return TestsAst(lines=entries, span=span)

    def rows_file(self, span: Span, file: StringAst, *bounds: AtLeastAst | None) -> RowsFileAst:
        return RowsFileAst(file=file, bounds=_present(bounds), span=span)

    def at_least(self, span: Span, measure: Name, sign: str, number: NumberAst) -> AtLeastAst:
        return AtLeastAst(measure=measure, sign=sign, number=number, span=span)

    def case(self, span: Span, *found: ArgumentAst | ValueAst | tuple[ScriptAst, ...] | None) -> CaseAst:
        *_, answer, scripts = found
        assert not isinstance(answer, ArgumentAst | tuple | None)
        assert isinstance(scripts, tuple | None)
        arguments = tuple(argument for argument in found if isinstance(argument, ArgumentAst))
        return CaseAst(arguments=arguments, answer=answer, scripts=scripts or (), span=span)

    def given(self, span: Span, *scripts: ScriptAst) -> tuple[ScriptAst, ...]:
        return scripts

    def script(self, span: Span, path: Path, answer: ValueAst) -> ScriptAst:
        return ScriptAst(path=path, answer=answer, span=span)

    def using(self, span: Span, *settings: SettingAst | FallbackAst) -> UsingAst:
        return UsingAst(settings=settings, span=span)

    def setting(self, span: Span, name: Name, value: ValueAst) -> SettingAst:
        return SettingAst(name=name, value=value, span=span)

    def fallback(
        self, span: Span, name: Name, value: ValueAst | None, *thresholds: ThresholdAst
    ) -> FallbackAst:
        return FallbackAst(name=name, value=value, thresholds=thresholds, span=span)

    def below(self, span: Span, number: NumberAst) -> BelowAst:
        return BelowAst(number=number, span=span)

    def reach(self, span: Span, number: NumberAst) -> ReachAst:
        return ReachAst(number=number, span=span)
