"""Source text becomes a syntax tree, item by item."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, assert_never, cast

from ..diagnostics import Diagnostic, Reporter
from ..source import Source, Span
from .chunks import Chunk, chunks
from .direction import refuse_direction_controls
from .flow_nodes import FlowDecl
from .grammar import parser
from .items import Declaration, Item, Module
from .keywords import CLAUSES, KEYWORDS
from .lalr import Derivation
from .nodes import (
    Clause,
    Docstring,
    EnumDecl,
    ExamplesAst,
    GrammarDecl,
    Import,
    ImportModule,
    ImportNames,
    ModelDecl,
    PromptDecl,
    RecordDecl,
    TestsAst,
    TypeDecl,
    UsingAst,
)
from .problems import explain
from .recovery import MAX_MISTAKES, body_of, without_broken_part
from .statements import parse_statements
from .tags import margin_of
from .template import parse_template
from .tree import TreeBuilder

MAX_NESTING: Final = 32

_OWNERS: Final = ("prompt", "flow")
"""The declarations that have clauses."""

_TAB: Final = re.compile(r"^ *\t[ \t]*(?=\S)", re.MULTILINE)
_BRACKET: Final = re.compile(r'"(?:\\.|[^"\\\n])*"|#[^\n]*|([\[({])|([\])}])')
_SECOND_WORD: Final = re.compile(r"\w+\s+([^\W\d]\w*)")


def parse(source: Source) -> tuple[Module, list[Diagnostic]]:
    """The tree of what could be read, and a diagnostic for every item that could not."""
    reporter = Reporter(source)
    refuse_direction_controls(reporter)
    module = _assemble(source, list(_items(source, reporter)), reporter)
    return module, reporter.found


def _items(source: Source, reporter: Reporter) -> Iterator[tuple[Chunk, Item | None]]:
    """Each chunk with its item, `None` where it could not be read."""
    lost = False  # whether text that starts no item is the consequence of a mistake that has been reported
    for chunk in chunks(source):
        if not chunk.is_docstring and chunk.word not in KEYWORDS:
            if not lost:
                _refuse(chunk, reporter)
            lost = True
            continue
        item = _item(chunk, reporter)
        # What stands below an empty block is often the block itself, not indented.
        lost = item is None and (chunk.is_docstring or reporter.found[-1].code == "MP0107")
        yield chunk, item


def _item(chunk: Chunk, reporter: Reporter) -> Item | None:
    has_tab = not chunk.is_docstring and _report_tab(chunk, reporter)
    if _report_nesting(chunk, reporter):
        return None
    derivation = _derivation(chunk, reporter)
    if derivation is None:
        return None
    item = cast(Item, parser().build(derivation, reporter.source.text, TreeBuilder(reporter)))
    if not has_tab:
        _report_uneven(item, reporter)
    return item


def _derivation(chunk: Chunk, reporter: Reporter) -> Derivation | None:
    """What is read of a chunk; `None` after a mistake, with all those that could be found reported."""
    text = reporter.source.text
    for count in range(MAX_MISTAKES):
        derivation = parser().read(text, chunk.span, "item")
        found = derivation.stop
        if found is None:
            return None if count else derivation
        if count and (found.at == chunk.span.end or not found.found.strip()):
            return None  # what is missing there may be what was blanked
        explain(found, chunk, reporter)
        if not count and chunk.word == "prompt":
            body = body_of(text, chunk)
            parse_template(text[body.start : body.end], body.start, reporter)
        elif not count and chunk.word == "flow":
            parse_statements(body_of(text, chunk), reporter)
        rest = without_broken_part(text, chunk, found.last_end)
        if rest is None:
            return None
        text = rest
    return None


# ----------------------------------------------------------------------------------------- putting together


def _assemble(source: Source, read: list[tuple[Chunk, Item | None]], reporter: Reporter) -> Module:
    """Put every item in its place: the docstring first, clauses with the prompt above them."""
    docstring: Docstring | None = None
    imports: list[Import] = []
    declarations: list[Declaration] = []
    broken: set[str] = set()
    follows = ""  # the word of the item above, clauses aside
    for index, (chunk, item) in enumerate(read):
        match item:
            case None:
                declared = _SECOND_WORD.match(source.text, chunk.span.start, chunk.span.end)
                if declared and not chunk.is_docstring and KEYWORDS[chunk.word].names:
                    broken.add(declared.group(1))
            case Docstring():
                if index == 0:
                    docstring = item
                else:
                    _misplaced_docstring(item, reporter)
            case ImportModule() | ImportNames():
                imports.append(item)
            case ExamplesAst() | TestsAst() | UsingAst():
                owner = declarations[-1] if declarations else None
                if isinstance(owner, PromptDecl | FlowDecl) and follows in _OWNERS:
                    if _may_attach(item, chunk.word, owner, reporter):
                        declarations[-1] = replace(owner, clauses=(*owner.clauses, item))
                elif not follows.startswith("broken"):
                    _stray_clause(item, chunk.word, reporter)
            case ModelDecl() | TypeDecl() | EnumDecl() | RecordDecl() | GrammarDecl():
                declarations.append(item)
            case PromptDecl() | FlowDecl():
                declarations.append(item)
            case _:
                assert_never(item)
        if chunk.word not in CLAUSES:
            follows = f"broken {chunk.word}" if item is None else chunk.word
    return Module(
        docstring=docstring,
        imports=tuple(imports),
        declarations=tuple(declarations),
        broken=frozenset(broken),
        span=Span(0, len(source.text)),
    )


def _may_attach(clause: Clause, word: str, owner: PromptDecl | FlowDecl, reporter: Reporter) -> bool:
    """Whether a clause is the first of its kind; reported where it is not."""
    for other in owner.clauses:
        if type(other) is type(clause):
            reporter.report(
                "MP0112",
                _head(clause, word),
                f"`{owner.name.text}` has a second `{word}:`",
                label="this is the second",
                help="put all its entries below one",
                also=[(_head(other, word), "this is the first")],
            )
            return False
    return True


def _head(clause: Clause, word: str) -> Span:
    return Span(clause.span.start, clause.span.start + len(word))


# --------------------------------------------------------------------------------------------- refusing


def _refuse(chunk: Chunk, reporter: Reporter) -> None:
    """Report a chunk that starts no item."""
    source = reporter.source
    first_line = source.line_text(source.line_of(chunk.span.start))
    if first_line[0] in " \t":
        indent = len(first_line) - len(first_line.lstrip())
        at = Span(chunk.span.start, chunk.span.start + indent)
        reporter.report(
            "MP0109",
            at,
            "indented text without a declaration",
            label="nothing above this owns it",
            help="start the declaration at the beginning of the line",
        )
        return
    width = len(chunk.word) or 1
    at = Span(chunk.span.start, chunk.span.start + width)
    reporter.report(
        "MP0105",
        at,
        f"`{source.slice(at)}` starts no declaration",
        label="expected `prompt`, `flow`, `enum`, `record`, `type`, `model` or an import",
        help=reporter.suggestion(chunk.word, KEYWORDS)
        or "indent the line if it belongs to the declaration above it",
    )


def _misplaced_docstring(docstring: Docstring, reporter: Reporter) -> None:
    reporter.report(
        "MP0111",
        Span(docstring.span.start, docstring.span.start + 3),
        "a docstring cannot stand here",
        label="only the head of a file has one",
        help="move it to the first line, or make it a comment with `#`",
    )


def _stray_clause(clause: Clause, word: str, reporter: Reporter) -> None:
    reporter.report(
        "MP0112",
        _head(clause, word),
        f"`{word}:` without a prompt",
        label="the declaration above is neither a prompt nor a flow",
        help="move it below the body of the prompt it belongs to",
    )


def _report_tab(chunk: Chunk, reporter: Reporter) -> bool:
    text = reporter.source.text
    found = _TAB.finditer(text, chunk.span.start, chunk.span.end)
    if chunk.word == "prompt":
        # Behind the margin that all lines of a body have, a tab is text: the indentation of code.
        body = body_of(text, chunk)
        margin = margin_of(text[body.start : body.end].split("\n"))
        found = (tab for tab in found if tab.start() < body.start or _column(tab) < margin)
    match = next(iter(found), None)
    if match is None:
        return False
    reporter.report(
        "MP0103",
        Span(match.start(), match.end()),
        "tab in indentation",
        label="this line is indented with a tab",
        help="indent with spaces",
    )
    return True


def _column(tab: re.Match[str]) -> int:
    return tab.group().index("\t")


def _report_nesting(chunk: Chunk, reporter: Reporter) -> bool:
    """Whether brackets are nested beyond `MAX_NESTING`; what follows recurses on them."""
    if chunk.is_docstring:
        return False
    depth = 0
    for match in _BRACKET.finditer(reporter.source.text, chunk.span.start, chunk.span.end):
        opening, closing = match.groups()
        depth += bool(opening) - bool(closing)
        if depth > MAX_NESTING:
            reporter.report(
                "MP0113",
                Span(match.start(), match.end()),
                "brackets nested too deeply",
                label=f"brackets may be nested {MAX_NESTING} deep",
                help="declare records or types for the inner parts",
            )
            return True
    return False


def _report_uneven(item: Item, reporter: Reporter) -> None:
    """Report the first entry that is not indented as the block's first entry is."""
    source = reporter.source
    entries = item.entries
    for entry in entries[1:]:
        wanted = source.position(entries[0].span.start).column - 1
        indent = source.position(entry.span.start).column - 1
        if indent != wanted:
            reporter.report(
                "MP0108",
                Span(entry.span.start - indent, entry.span.start),
                "uneven indentation",
                label=f"{indent} spaces, where the block has {wanted}",
                help=f"indent the line with {wanted} spaces",
            )
            return
