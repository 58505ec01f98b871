"""Types: what the type notation of a file means, and whether anything can be of that type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

from microprompt.notation import one_of, optional

from ..diagnostics import Reporter
from ..expressions.signatures import CheckedParameter, FlowSignature, FunctionSignature, PromptSignature
from ..source import Span
from ..syntax import nodes
from ..syntax.flow_nodes import FlowDecl
from ..syntax.items import TypeDeclaration
from ..types import BUILTINS, ErrorType, NamedType, Type, Value
from ..types.alias import CheckedAlias
from ..types.base import Broken, Circle, Reading
from ..types.circles import CheckedAgain
from ..types.constraints import takes_no_arguments, takes_no_pattern, takes_no_range, takes_no_source
from ..types.enums import CheckedEnum, CheckedMember
from ..types.grammars import CheckedGrammar
from ..types.literals import CheckedLiterals
from ..types.one_of import CheckedOneOf
from ..types.optional import CheckedOptional
from ..types.records import CheckedField, CheckedRecord
from ..types.unions import CheckedUnion
from ..types.words import DistinctWords, check_word, report_unseen
from .assertions import check_assertions
from .checked import CheckedModel, Symbol
from .circles import circles_of
from .distinct import Distinct
from .names import Scope
from .python_names import check_field_name, check_member_name
from .sources import source_type

MAX_DEPTH: Final = 32
"""How many named types may be inside one another; every walk over types recurses on them."""

_OTHER_WORDS: Final = {"string": "str", "text": "str", "integer": "int", "number": "float", "boolean": "bool"}


class TypeResolver:
    """Resolves the types of one file, each declaration once and after those it needs.

    `complete` holds the named types in that order, `used` the names and qualifiers that were looked up.
    `signatures` are those of the file's prompts, for whoever looks them up after the types are resolved.
    """

    def __init__(
        self, scope: Scope, reporter: Reporter, origins: Mapping[str, str] | None = None
    ) -> None:
        self._scope = scope
        self._reporter = reporter
        self._path = reporter.source.path
        self._origins = origins
        self._found: dict[str, Symbol] = {}
        self._pending: list[str] = []
        self._type_names = scope.type_names()
        self._parameters: Mapping[str, CheckedParameter] | None = None
        self._circles = circles_of(scope.declared, reporter)
        self._inlined: set[str] = set()
        self._behind: dict[Circle, list[NamedType]] = {}
        self.complete: list[NamedType] = []
        self.used: set[str] = set()
        self.signatures: dict[str, PromptSignature] = {}
        self.flow_signatures: dict[str, FlowSignature] = {}

    # ------------------------------------------------------------------------------------------- names

    def lookup(self, path: nodes.Path) -> Symbol | None:
        """What a path names, without a diagnostic; `None` for an unknown name."""
        if path.qualifier is not None:
            self.used.add(path.qualifier.text)
            return self._scope.member(path)
        name = path.text
        self.used.add(name)
        if name in self._scope.imported:
            return self._scope.imported[name]
        declaration = self._scope.declared.get(name)
        match declaration:
            case None:
                return Broken() if name in self._scope.broken else None
            case nodes.PromptDecl():
                unresolved = PromptSignature(
                    origin=self._path,
                    name=name,
                    parameters=(),
                    returns=ErrorType(),
                    span=declaration.name.span,
                )
                return self.signatures.get(name, unresolved)
            case FlowDecl():
                unknown = FlowSignature(
                    origin=self._path,
                    name=name,
                    parameters=(),
                    returns=ErrorType(),
                    span=declaration.name.span,
                )
                return self.flow_signatures.get(name, unknown)
            case nodes.ModelDecl():
                location = declaration.location.text
                return CheckedModel(
                    origin=self._path, name=name, location=location, span=declaration.name.span
                )
            case nodes.TypeDecl() | nodes.EnumDecl() | nodes.RecordDecl() | nodes.GrammarDecl():
                return self.declared(declaration)
            case _:
                assert_never(declaration)

    def type_names(self) -> frozenset[str]:
        """The names of types in scope, for suggestions."""
        return self._type_names

    def prompt_names(self) -> frozenset[str]:
        """The names of prompts in scope, for suggestions."""
        imported = self._scope.imported
        others = {name for name, found in imported.items() if isinstance(found, PromptSignature)}
        return frozenset(others | self.signatures.keys())

    def callable_names(self) -> frozenset[str]:
        """The names of what flows can call or make, for suggestions."""
        signatures = PromptSignature | FlowSignature | FunctionSignature
        others = {
            name
            for name, found in self._scope.imported.items()
            if isinstance(found, signatures) or (isinstance(found, NamedType) and found.made_of is not None)
        }
        records = {
            name for name, found in self._scope.declared.items() if isinstance(found, nodes.RecordDecl)
        }
        return frozenset(others | records | self.signatures.keys() | self.flow_signatures.keys())

    def declared(self, declaration: TypeDeclaration) -> Symbol:
        """The type that a declaration of this file makes; `Broken` when it makes none."""
        name = declaration.name.text
        if name in self._found:
            return self._found[name]
        if name in self._pending:
            return self._again(declaration)
        if len(self._pending) > MAX_DEPTH:
            return self._found.setdefault(name, Broken())  # the outermost one is reported, as it is too deep
        self._pending.append(name)
        made = self._made(declaration)
        self._pending.pop()
        if name in self._found:  # it turned out to contain itself
            return self._found[name]
        if made.depth > MAX_DEPTH:
            self._report_depth(declaration)
            return self._found.setdefault(name, Broken())
        self._found[name] = made
        self._complete(made)
        return made

    def _again(self, declaration: TypeDeclaration) -> Symbol:
        """What a declaration means inside itself."""
        name = declaration.name.text
        circle = self._circles.get(name)
        if circle is not None and isinstance(declaration, nodes.RecordDecl):
            called = name if declaration.label is None else declaration.label.text
            return CheckedAgain(self._path, name, called, circle, span=declaration.name.span)
        if circle is not None and name not in self._inlined:
            self._inlined.add(name)
            made = self._made(declaration)
            self._inlined.discard(name)
            return made
        self._report_cycle(declaration)
        return self._found.setdefault(name, Broken())

    def _complete(self, made: NamedType) -> None:
        """Keep the order in which Python can read them: an alias is evaluated where it stands, so one of a
        circle comes behind all of its records."""
        circle = self._circles.get(made.name)
        if circle is None:
            self.complete.append(made)
            return
        if made.in_circle is None:
            self._behind.setdefault(circle, []).append(made)
        else:
            self.complete.append(made)
        if len(circle.records) == len(circle.names):
            self.complete += self._behind.pop(circle, [])

    def check_circles(self) -> None:
        """Report records that contain themselves without an end."""
        for made in self.complete:
            if made.in_circle is not None and not made.ends:
                self._reporter.report(
                    "MP0306",
                    made.span,
                    f"no `{made.name}` ever ends",
                    label=f"at most {made.in_circle.depth} lie inside one another, and each needs another",
                    help="let the inner one be missing (`?`), or let it be in a list that may be empty",
                )

    def _made(
        self, declaration: TypeDeclaration
    ) -> CheckedAlias | CheckedEnum | CheckedRecord | CheckedGrammar:
        match declaration:
            case nodes.TypeDecl():
                name, help = declaration.name.text, "write it behind the field that has the type"
                report_unseen(declaration.words, f"the alias `{name}`", help, self._reporter)
                return CheckedAlias.to(self.type(declaration.type), declaration, self._path)
            case nodes.EnumDecl():
                return self._enum(declaration)
            case nodes.RecordDecl():
                return self._record(declaration)
            case nodes.GrammarDecl():
                return CheckedGrammar.of(declaration, self._path, self._reporter)
            case _:
                assert_never(declaration)

    def _report_cycle(self, declaration: TypeDeclaration) -> None:
        name = declaration.name
        way = [*self._pending[self._pending.index(name.text) :], name.text]
        through = " -> ".join(f"`{step}`" for step in way)
        self._reporter.report(
            "MP0306",
            name.span,
            f"`{name.text}` contains itself",
            label=through,
            help="only records contain themselves: give the inner part a record",
        )

    def _report_depth(self, declaration: TypeDeclaration) -> None:
        self._reporter.report(
            "MP0113",
            declaration.name.span,
            "types nested too deeply",
            label=f"types may be inside one another {MAX_DEPTH} deep",
            help="leave out some of the types between",
        )

    # ------------------------------------------------------------------------------------ declarations

    def _enum(self, declaration: nodes.EnumDecl) -> CheckedEnum:
        members: dict[str, CheckedMember] = {}
        names = Distinct(self._reporter, code="MP0202", kind="member")
        labels = DistinctWords(self._reporter, help="give one of the two another word with `as`")
        for node in declaration.members:
            if not names.take(node.name):
                continue
            if self._origins is None:
                check_member_name(node.name, self._reporter)
            members[node.name.text] = CheckedMember(
                name=node.name.text,
                label=_label(node, labels),
                description=_text(node.description),
                span=node.span,
            )
        self._check_head(declaration)
        return CheckedEnum(
            self._origin(declaration),
            declaration.name.text,
            members,
            _text(declaration.label),
            _text(declaration.description),
            span=declaration.name.span,
        )

    def _record(self, declaration: nodes.RecordDecl) -> CheckedRecord:
        fields: dict[str, CheckedField] = {}
        names = Distinct(self._reporter, code="MP0202", kind="field")
        labels = DistinctWords(self._reporter, help="give one of the two another word with `as`")
        for node in declaration.fields:
            if not names.take(node.name):
                continue
            if self._origins is None:
                check_field_name(node.name, self._type_names, self._reporter)
            type = self._inside(node.type)
            fields[node.name.text] = CheckedField(
                name=node.name.text,
                label=_label(node, labels),
                type=type,
                description=_text(node.description),
                has_default=node.default is not None,
                default=self.default(node.default, type),
                span=node.span,
            )
        self._check_head(declaration)
        rules = check_assertions(declaration.assertions, fields, self, self._reporter)
        circle = self._circles.get(declaration.name.text)
        return CheckedRecord.of(fields, rules, declaration, self._origin(declaration), circle)

    def _origin(self, declaration: nodes.EnumDecl | nodes.RecordDecl) -> str:
        return self._path if self._origins is None else self._origins[declaration.name.text]

    def _check_head(self, declaration: nodes.EnumDecl | nodes.RecordDecl) -> None:
        if declaration.label is not None:
            check_word(declaration.label.text, declaration.label.span, self._reporter)

    def default(self, node: nodes.ValueAst | None, type: Type) -> Value:
        """The value of a default; `None` without one."""
        if node is None:
            return None
        return Reading(names=self, reporter=self._reporter, wanted=type).read(node)

    # ------------------------------------------------------------------------------------------- types

    def type(self, node: nodes.TypeAst) -> Type:
        """The type that a notation means; `ErrorType` when it has been reported."""
        match node:
            case nodes.NamedTypeAst():
                return self._named(node)
            case nodes.OneOfAst():
                return self._one_of(node)
            case nodes.LiteralTypeAst():
                return CheckedLiterals.written([node], self._reporter)
            case nodes.UnionTypeAst():
                return self._union(node)
            case nodes.OptionalTypeAst():
                return CheckedOptional.written(node, self.type(node.item), self._reporter)
            case _:
                assert_never(node)

    def _inside(self, node: nodes.TypeAst) -> Type:
        """The type of a field or an item, which an answer has inside JSON."""
        found = self.type(node)
        if found.stands_alone:
            self._reporter.report(
                "MP0374",
                node.span,
                f"`{found.describe()}` cannot stand inside a record or a list",
                label="more than one character of its texts is written with a backslash there",
                help="leave out quotes, backslashes or line ends, or let a prompt return it by itself",
            )
        return found

    def answer(self, node: nodes.TypeAst, parameters: Mapping[str, CheckedParameter]) -> Type:
        """The type of a prompt's answers, which may be items of its parameters' lists."""
        self._parameters = parameters
        found = self.type(node)
        self._parameters = None
        return found

    def _one_of(self, node: nodes.OneOfAst) -> Type:
        way = node.source.text
        if node.by is None:
            return CheckedOneOf(way)
        record = self._record_of(node.by, node)
        if isinstance(record, ErrorType):
            return record
        name = node.by.names[-1]
        field = record.field(name, record.describe(), record.describe(), self._reporter)
        if isinstance(field, ErrorType):
            return field
        if not field.is_text:
            self._reporter.report(
                "MP0362",
                name.span,
                f"records are not told apart by `{name.text}`",
                label=f"it is a `{field.describe()}`, not text",
                help="name a field that is a `str`, which the model is to answer with",
            )
            return ErrorType()
        return CheckedOneOf(way, name.text, record)

    def _record_of(self, by: nodes.Path, node: nodes.OneOfAst) -> NamedType | ErrorType:
        """The type of the records that one is chosen from: named, or that of the parameter's items."""
        if by.qualifier is not None:
            found: Type = self._declared_or_imported(by.qualifier)
        elif self._parameters is None:
            self._reporter.report(
                "MP0364",
                by.span,
                f"`{by.text}` is a field of which record?",
                label="outside of a prompt's header no parameter tells",
                help=f"name the record: `{one_of(node.source.text, f'Tool.{by.text}')}`",
            )
            return ErrorType()
        else:
            type = source_type(node.source.text, node.source.span, self._parameters, self._reporter)
            found = type.item_type or type
        if (isinstance(found, NamedType) and found.has_fields) or isinstance(found, ErrorType):
            return found
        self._reporter.report(
            "MP0362",
            by.span,
            f"`{found.describe()}` has no fields to tell by",
            label="only records are told apart by a field",
            help=f"leave it out: `{one_of(node.source.text, None)}`",
        )
        return ErrorType()

    def _union(self, node: nodes.UnionTypeAst) -> Type:
        """Literals are one type together, where the first of them stands."""
        literals = [item for item in node.items if isinstance(item, nodes.LiteralTypeAst)]
        if len(literals) == len(node.items):
            return CheckedLiterals.written(literals, self._reporter)
        items: list[tuple[Type, Span]] = []
        for item in node.items:
            if isinstance(item, nodes.LiteralTypeAst):
                if item is literals[0]:
                    items.append((CheckedLiterals.written(literals, self._reporter), item.span))
            elif isinstance(item, nodes.NamedTypeAst) and item.path.text in ("none", "None"):
                return self._report_none(node, item)
            else:
                items.append((self.type(item), item.span))
        return CheckedUnion.written(items, self._reporter)

    def _report_none(self, node: nodes.UnionTypeAst, none: nodes.NamedTypeAst) -> ErrorType:
        others = " | ".join(self._reporter.source.slice(item.span) for item in node.items if item is not none)
        self._reporter.report(
            "MP0341",
            none.span,
            f"`{none.path.text}` is not a type",
            label="what may be missing has a `?`",
            help=f"write `{optional(others)}`",
        )
        return ErrorType()

    def _named(self, node: nodes.NamedTypeAst) -> Type:
        name = node.path.text
        if not (name in BUILTINS and BUILTINS[name].takes_source) and (
            error := takes_no_source(node, self._reporter)
        ):
            return error
        if name in BUILTINS:
            items = tuple(self._inside(argument) for argument in node.arguments)
            return BUILTINS[name].written(node, items, self._reporter)
        found = self._declared_or_imported(node.path)
        if isinstance(found, ErrorType):
            return found
        if error := takes_no_arguments(node, self._reporter):
            return error
        help = found.instead_of_constraint(name)
        return (
            found.constrained(node, self._reporter)
            or takes_no_pattern(node, help, self._reporter)
            or takes_no_range(node, help, self._reporter)
            or found
        )

    def _declared_or_imported(self, path: nodes.Path) -> NamedType | ErrorType:
        found = self.lookup(path)
        match found:
            case NamedType():
                return found
            case Broken():
                return ErrorType()
            case PromptSignature() | FlowSignature() | FunctionSignature() | CheckedModel():
                self._reporter.report(
                    "MP0204",
                    path.span,
                    f"`{path.text}` is not a type",
                    label=f"it is a {'model' if isinstance(found, CheckedModel) else found.kind}",
                    help="name an enum, a record or a type alias",
                )
            case None:
                self._report_unknown(path)
            case _:
                assert_never(found)
        return ErrorType()

    def _report_unknown(self, path: nodes.Path) -> None:
        name = path.text
        help = self._reporter.suggestion(name, (*BUILTINS, *self._type_names))
        if help and name.casefold() not in BUILTINS:
            nearest = help.split("`")[1]
            declaration = self._scope.declared.get(nearest)
            if declaration is not None and help.count("`") == 2:
                line = self._reporter.source.line_of(declaration.span.start)
                help = f"did you mean `{nearest}`, declared on line {line}?"
        if help is None and name.casefold() in _OTHER_WORDS:
            help = f"did you mean `{_OTHER_WORDS[name.casefold()]}`?"
        self._reporter.report(
            "MP0203",
            path.span,
            f"unknown type `{name}`",
            label="no type with this name is in scope",
            help=help or "declare it with `enum`, `record` or `type`, or import it",
        )


def _text(node: nodes.StringAst | None) -> str | None:
    return None if node is None else node.text


def _label(node: nodes.MemberAst | nodes.FieldAst, words: DistinctWords) -> str:
    """The word the model sees, checked to be a word and to be the only one of its kind."""
    written = node.name if node.label is None else node.label
    words.take(written.text, written.span)
    return written.text
