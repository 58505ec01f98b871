"""Types: what the type notation of a file means, and whether anything can be of that type."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from ..diagnostics import Reporter, suggestion
from ..source import Span
from ..syntax import nodes
from .checked import Broken, Model, PromptName, Symbol
from .constraints import bounds, lengths, pattern_type, whole_bounds
from .names import Scope
from .python_names import BUILTIN_TYPES, RESERVED_TYPES, check_field_name, check_member_name
from .types import (
    DEFAULT_MAX_CHARACTERS,
    DEFAULT_MAX_ITEMS,
    MAX_DEPTH,
    AliasType,
    BoolType,
    EnumType,
    ErrorType,
    Field,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    Member,
    NamedType,
    OptionalType,
    RecordType,
    StrType,
    Type,
    Value,
    depth,
    describe,
    resolved,
)
from .values import ValueChecker


class TypeResolver:
    """Resolves the types of one file, each declaration once and after those it needs.

    `complete` holds the named types in that order.
    """

    def __init__(self, scope: Scope, reporter: Reporter) -> None:
        self._scope = scope
        self._reporter = reporter
        self._found: dict[str, Type] = {}
        self._pending: list[str] = []
        self.complete: list[NamedType] = []

    # ------------------------------------------------------------------------------------------- names

    def lookup(self, path: nodes.Path) -> Symbol | None:
        """What a path names, without a diagnostic; `None` for an unknown name."""
        if len(path.names) > 1:
            return self._scope.member(path)
        name = path.text
        if name in self._scope.imported:
            return self._scope.imported[name]
        declaration = self._scope.declared.get(name)
        match declaration:
            case None:
                return Broken() if name in self._scope.broken else None
            case nodes.PromptDecl():
                return PromptName(name)
            case nodes.ModelDecl():
                return Model(self._reporter.source.path, name, declaration.location.text)
            case _:
                found = self.declared(declaration)
                return Broken() if isinstance(found, ErrorType) else found

    def type_names(self) -> set[str]:
        """The names of types in scope, for suggestions."""
        own = {
            name
            for name, declaration in self._scope.declared.items()
            if not isinstance(declaration, nodes.PromptDecl | nodes.ModelDecl)
        }
        imported = {
            name
            for name, symbol in self._scope.imported.items()
            if isinstance(symbol, EnumType | RecordType | AliasType)
        }
        return own | imported

    def declared(
        self, declaration: nodes.TypeDecl | nodes.EnumDecl | nodes.RecordDecl
    ) -> NamedType | ErrorType:
        """The type that a declaration of this file makes."""
        name = declaration.name.text
        found = self._found.get(name)
        if found is not None:
            assert isinstance(found, EnumType | RecordType | AliasType | ErrorType)
            return found
        if name in self._pending:
            self._report_cycle(declaration)
            self._found[name] = ErrorType()
            return ErrorType()
        if len(self._pending) > MAX_DEPTH:
            self._report_depth(declaration)
            self._found[name] = ErrorType()
            return ErrorType()
        self._pending.append(name)
        made: NamedType
        match declaration:
            case nodes.TypeDecl():
                target = self.type(declaration.type)
                made = AliasType(self._origin, name, target, 1 + depth(target))
            case nodes.EnumDecl():
                made = self._enum(declaration)
            case nodes.RecordDecl():
                made = self._record(declaration)
            case _:
                assert_never(declaration)
        self._pending.pop()
        if name in self._found:  # it turned out to contain itself
            return ErrorType()
        if depth(made) > MAX_DEPTH:
            self._report_depth(declaration)
            self._found[name] = ErrorType()
            return ErrorType()
        self._found[name] = made
        self.complete.append(made)
        return made

    @property
    def _origin(self) -> str:
        return self._reporter.source.path

    def _report_cycle(self, declaration: nodes.TypeDecl | nodes.EnumDecl | nodes.RecordDecl) -> None:
        name = declaration.name
        way = [*self._pending[self._pending.index(name.text) :], name.text]
        through = " -> ".join(f"`{step}`" for step in way)
        self._reporter.report(
            "MP0306",
            name.span,
            f"`{name.text}` contains itself",
            label=through,
            help="an answer of this type might never end; give the inner part a type of its own",
        )

    def _report_depth(self, declaration: nodes.TypeDecl | nodes.EnumDecl | nodes.RecordDecl) -> None:
        self._reporter.report(
            "MP0113",
            declaration.name.span,
            "types nested too deeply",
            label=f"types may be inside one another {MAX_DEPTH} deep",
            help="leave out some of the types between",
        )

    # ------------------------------------------------------------------------------------ declarations

    def _enum(self, declaration: nodes.EnumDecl) -> EnumType:
        members: dict[str, Member] = {}
        names: dict[str, Span] = {}
        labels: dict[str, Span] = {}
        for node in declaration.members:
            if not self._first(node.name, names, "member"):
                continue
            check_member_name(node.name, self._reporter)
            label = self._label(node.name, node.label, labels)
            members[node.name.text] = Member(node.name.text, label, _text(node.description))
        return EnumType(self._origin, declaration.name.text, tuple(members.values()))

    def _record(self, declaration: nodes.RecordDecl) -> RecordType:
        fields: list[Field] = []
        names: dict[str, Span] = {}
        labels: dict[str, Span] = {}
        for node in declaration.fields:
            if not self._first(node.name, names, "field"):
                continue
            check_field_name(node.name, self.type_names(), self._reporter)
            type = self.type(node.type)
            default: Value = None
            if node.default is not None:
                default = ValueChecker(self, self._reporter).value(node.default, type)
            fields.append(
                Field(
                    name=node.name.text,
                    label=self._label(node.name, node.label, labels),
                    type=type,
                    description=_text(node.description),
                    has_default=node.default is not None,
                    default=default,
                )
            )
        inner = max((depth(field.type) for field in fields), default=0)
        return RecordType(self._origin, declaration.name.text, tuple(fields), 1 + inner)

    def _first(self, name: nodes.Name, seen: dict[str, Span], kind: str) -> bool:
        if name.text not in seen:
            seen[name.text] = name.span
            return True
        self._reporter.report(
            "MP0202",
            name.span,
            f"the {kind} `{name.text}` is declared twice",
            label="declared again here",
            help="rename one of the two",
            also=[(seen[name.text], "first declared here")],
        )
        return False

    def _label(self, name: nodes.Name, written: nodes.StringValue | None, seen: dict[str, Span]) -> str:
        """The word the model sees, checked to be a word and to be the only one of its kind."""
        label = name.text if written is None else written.text
        span = name.span if written is None else written.span
        self.check_word(label, span)
        if label in seen:
            self._reporter.report(
                "MP0307",
                span,
                f'the model sees "{label}" twice',
                label="the same word again",
                help="give one of the two another word with `as`",
                also=[(seen[label], "first seen here")],
            )
        seen.setdefault(label, span)
        return label

    def check_word(self, label: str, span: Span) -> None:
        if not label.strip():
            problem = "the word is empty"
        elif label != label.strip():
            problem = "the word starts or ends with a space"
        elif not label.isprintable():
            problem = "the word is more than one line of plain text"
        else:
            return
        self._reporter.report(
            "MP0308", span, "the model cannot answer with this word", label=problem, help="write a plain word"
        )

    # ------------------------------------------------------------------------------------------- types

    def type(self, node: nodes.TypeNode) -> Type:
        """The type that a notation means; `ErrorType` when it has been reported."""
        match node:
            case nodes.NamedType():
                return self._named(node)
            case nodes.LiteralType():
                return self._literals([node])
            case nodes.UnionType():
                return self._union(node)
            case nodes.OptionalType():
                return self._optional(node)
            case _:
                assert_never(node)

    def _union(self, node: nodes.UnionType) -> Type:
        literals = [item for item in node.items if isinstance(item, nodes.LiteralType)]
        if len(literals) == len(node.items):
            return self._literals(literals)
        last = node.items[-1]
        only_literals = [
            item.item if isinstance(item, nodes.OptionalType) else item for item in (*node.items[:-1], last)
        ]
        help = "declare a record with an optional field for each"
        written = [self._reporter.source.slice(item.span) for item in node.items]
        present = [text for text in written if text not in ("none", "None")]
        if len(written) == 2 and len(present) == 1:
            help = f"write `{present[0]}?`"
        if all(isinstance(item, nodes.LiteralType) for item in only_literals):
            literal = " | ".join(self._reporter.source.slice(item.span) for item in only_literals)
            help = f"write `({literal})?` for one of these or none"
        self._reporter.report(
            "MP0106",
            node.span,
            "unions of types are not part of this version",
            label="only strings can be joined with `|`",
            help=help,
        )
        return ErrorType()

    def _literals(self, items: Iterable[nodes.LiteralType]) -> LiteralType:
        seen: dict[str, Span] = {}
        for item in items:
            text = item.value.text
            self.check_word(text, item.span)
            if text in seen:
                self._reporter.report(
                    "MP0307",
                    item.span,
                    f'the model sees "{text}" twice',
                    label="the same word again",
                    help="leave one of the two out",
                    also=[(seen[text], "first seen here")],
                )
            seen.setdefault(text, item.span)
        return LiteralType(tuple(seen))

    def _optional(self, node: nodes.OptionalType) -> Type:
        item = self.type(node.item)
        match resolved(item):
            case ErrorType():
                return ErrorType()
            case OptionalType():
                self._reporter.report(
                    "MP0311",
                    node.span,
                    f"`{describe(item)}` is optional already",
                    label="this `?` adds nothing",
                    help="leave the `?` out",
                )
                return item
            case EnumType(members=members) if any(member.label == "none" for member in members):
                self._report_none_twice(node, describe(item))
            case LiteralType(values=values) if "none" in values:
                self._report_none_twice(node, describe(item))
        return OptionalType(item)

    def _report_none_twice(self, node: nodes.OptionalType, type: str) -> None:
        self._reporter.report(
            "MP0307",
            node.span,
            'the model sees "none" twice',
            label=f"`{type}` has the word, and it stands for the missing value too",
            help="give it another word, or leave the `?` out",
        )

    def _named(self, node: nodes.NamedType) -> Type:
        name = node.path.text
        if name in RESERVED_TYPES:
            self._reporter.report(
                "MP0106",
                node.path.span,
                f"the type `{name}` is not part of this version",
                label="reserved",
                help="declare a `record`" if name == "dict" else "use `str`, or `str` with a pattern",
            )
            return ErrorType()
        if name in BUILTIN_TYPES:
            return self._builtin(node, name)
        type = self._declared_or_imported(node.path)
        if isinstance(type, ErrorType):
            return type
        if node.arguments:
            self._report_arguments(node, f"`{name}` takes no type arguments", "leave the brackets out")
            return ErrorType()
        if node.constraint is not None:
            help = f"write the constraint where `{name}` is declared"
            self._report_constraint(
                node.constraint, name, help if isinstance(type, AliasType) else "leave the parentheses out"
            )
            return ErrorType()
        return type

    def _declared_or_imported(self, path: nodes.Path) -> NamedType | ErrorType:
        found = self.lookup(path)
        match found:
            case EnumType() | RecordType() | AliasType():
                return found
            case Broken():
                return ErrorType()
            case PromptName() | Model():
                kind = "prompt" if isinstance(found, PromptName) else "model"
                self._reporter.report(
                    "MP0204",
                    path.span,
                    f"`{path.text}` is not a type",
                    label=f"it is a {kind}",
                    help="name an enum, a record or a type alias",
                )
            case None:
                self._report_unknown(path)
            case _:
                assert_never(found)
        return ErrorType()

    def _report_unknown(self, path: nodes.Path) -> None:
        known = {*BUILTIN_TYPES, *self.type_names()}
        name = path.text
        help = suggestion(name, known)
        if help and name.casefold() not in BUILTIN_TYPES:
            nearest = help.split("`")[1]
            declaration = self._scope.declared.get(nearest)
            if declaration is not None and help.count("`") == 2:
                line = self._reporter.source.line_of(declaration.span.start)
                help = f"did you mean `{nearest}`, declared on line {line}?"
        other_words = {"string": "str", "text": "str", "integer": "int", "number": "float", "boolean": "bool"}
        if help is None and name.casefold() in other_words:
            help = f"did you mean `{other_words[name.casefold()]}`?"
        self._reporter.report(
            "MP0203",
            path.span,
            f"unknown type `{name}`",
            label="no type with this name is in scope",
            help=help or "declare it with `enum`, `record` or `type`, or import it",
        )

    def _builtin(self, node: nodes.NamedType, name: str) -> Type:
        items = [self.type(argument) for argument in node.arguments]
        if name == "list":
            if len(items) != 1:
                self._report_arguments(
                    node, "a list names the type of its items", "write it in brackets: `list[str]`"
                )
                return ErrorType()
            low, high = lengths(node, "items", DEFAULT_MAX_ITEMS, self._reporter)
            if isinstance(node.constraint, nodes.Pattern):
                self._report_constraint(node.constraint, name, "put the pattern on the item's type")
            return (
                ErrorType()
                if isinstance(items[0], ErrorType)
                else ListType(item=items[0], low=low, high=high)
            )
        if items:
            self._report_arguments(node, f"`{name}` takes no type arguments", "leave the brackets out")
            return ErrorType()
        if isinstance(node.constraint, nodes.Pattern) and name != "str":
            self._report_constraint(node.constraint, name, "use `str` with the pattern")
            return ErrorType()
        match name:
            case "str" if isinstance(node.constraint, nodes.Pattern):
                return pattern_type(node.constraint, self._reporter)
            case "str":
                low, high = lengths(node, "characters", DEFAULT_MAX_CHARACTERS, self._reporter)
                return StrType(low=low, high=high)
            case "int":
                low, high = whole_bounds(node, self._reporter)
                return IntType(low=low, high=high)
            case "float":
                bottom, top = bounds(node, self._reporter)
                return FloatType(low=bottom, high=top)
            case _:
                if node.constraint is not None:
                    self._report_constraint(node.constraint, name, "leave the parentheses out")
                return BoolType()

    def _report_arguments(self, node: nodes.NamedType, message: str, help: str) -> None:
        label = f"{len(node.arguments)} given" if node.arguments else "none given"
        self._reporter.report("MP0309", node.span, message, label=label, help=help)

    def _report_constraint(self, node: nodes.Range | nodes.Pattern, name: str, help: str) -> None:
        kind = "pattern" if isinstance(node, nodes.Pattern) else "range"
        self._reporter.report(
            "MP0302",
            node.span,
            f"`{name}` takes no {kind}",
            label=f"this {kind} constrains nothing",
            help=help,
        )


def _text(node: nodes.StringValue | None) -> str | None:
    return None if node is None else node.text
