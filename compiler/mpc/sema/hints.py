"""Prompts that are right and will not do what is wanted: each hint is a warning with one thing to try.

They are looked for in programs without errors, so everything here is complete.
"""

from __future__ import annotations

import re
from typing import Final

from ..diagnostics import Diagnostic, Reporter
from ..source import Span
from ..syntax.keywords import CLAUSES
from ..types.base import Value
from .checked import CheckedModule, CheckedPrompt, CheckedTurn
from .checked_cases import CheckedCase

_CLAUSE: Final = re.compile(rf"\s+({'|'.join(CLAUSES)}):\s*(?:#.*)?")

MUCH_TEXT: Final = 200
"""So many characters of English, some forty tokens, cost a call as much as its own argument does."""


def hints(module: CheckedModule) -> list[Diagnostic]:
    """What the prompts of a file say that works against them."""
    reporter = Reporter(module.source)
    _unused_imports(module, reporter)
    for prompt in module.prompts:
        _indented_clauses(prompt, reporter)
        _late_text(prompt, reporter)
        _contradictions(prompt, reporter)
        _known_tests(prompt, reporter)
        _bare_labels(prompt, reporter)
        _copied_texts(prompt, reporter)
    return reporter.found


def _indented_clauses(prompt: CheckedPrompt, reporter: Reporter) -> None:
    """Clauses that are indented, and so are English."""
    source = reporter.source
    for line in range(prompt.line + 1, source.line_of(len(source.text)) + 1):
        text = source.line_text(line)
        if text.strip() and not text.startswith((" ", "\t", ")")):
            return  # the first clause, or the next declaration
        if clause := _CLAUSE.fullmatch(text):
            word = clause.group(1)
            start = source.line_span(line).start
            reporter.report(
                "MP1107",
                Span(start + clause.start(1), start + clause.end(1) + 1),
                f"`{word}:` is part of what the model is told",
                label="indented, so it belongs to the body",
                help=f"start `{word}:` at the beginning of the line",
            )


def _unused_imports(module: CheckedModule, reporter: Reporter) -> None:
    for item in module.imports:
        if not item.names and not item.is_used:
            _report_unused(item.span, item.alias or item.path, "remove the line", reporter)
        for each in item.names:
            if not each.is_used and not each.is_for_others:
                help = f"remove it, or write `{each.local} as {each.local}` if it is there for other files"
                _report_unused(each.span, each.local, help, reporter)


def _report_unused(at: Span, name: str, help: str, reporter: Reporter) -> None:
    reporter.report(
        "MP0705", at, f"`{name}` is imported and not used", label="nothing in this file needs it", help=help
    )


def _late_text(prompt: CheckedPrompt, reporter: Reporter) -> None:
    """English behind the first hole's paragraph that is more than what stands before it."""
    fixed = (str, CheckedTurn)
    first = next((place for place, part in enumerate(prompt.parts) if not isinstance(part, fixed)), None)
    if first is None:
        return
    hole = prompt.parts[first]
    assert not isinstance(hole, str)
    before = sum(len(part) for part in prompt.parts[:first] if isinstance(part, str))
    behind = sum(len(part) for part in prompt.parts[first:] if isinstance(part, str))
    if behind >= MUCH_TEXT and behind > before:
        reporter.report(
            "MP1102",
            hole.span,
            f"{behind} characters of English are evaluated anew in every call",
            label="they stand behind this hole",
            help="move the hole into a paragraph of its own at the end; what stands before that is kept",
        )


def _contradictions(prompt: CheckedPrompt, reporter: Reporter) -> None:
    first: dict[tuple[Value, ...], CheckedCase] = {}
    for example in prompt.examples:
        other = first.setdefault(example.arguments, example)
        if other.answer != example.answer:
            reporter.report(
                "MP1103",
                example.span,
                "two examples contradict each other",
                label="the same arguments, another answer",
                help="leave one of the two out",
                also=[(other.span, "the other is here")],
            )


def _known_tests(prompt: CheckedPrompt, reporter: Reporter) -> None:
    shown = {example.arguments: example for example in prompt.examples}
    for test in prompt.tests:
        example = shown.get(test.arguments)
        if example is not None:
            reporter.report(
                "MP1104",
                test.span,
                "the model is shown the answer to this test",
                label="the arguments of an example",
                help="test with arguments that no example has",
                also=[(example.span, "the example is here")],
            )


def _bare_labels(prompt: CheckedPrompt, reporter: Reporter) -> None:
    labels = prompt.labels
    shown = len({example.answer for example in prompt.examples})
    if labels is not None and 0 < shown < labels:
        reporter.report(
            "MP1105",
            prompt.span,
            f"the examples show {shown} of {labels} labels",
            label=f"{labels - shown} without an example",
            help="give every label an example, or leave `examples:` out",
        )


def _copied_texts(prompt: CheckedPrompt, reporter: Reporter) -> None:
    """Fields of free text that have one and the same text in all examples."""
    found: dict[str, list[str]] = {}
    for example in prompt.examples:
        for name, text in prompt.returns.free_texts(example.answer):
            found.setdefault(name, []).append(text)
    for name, texts in found.items():
        if len(set(texts)) == 1 and texts[0]:
            reporter.report(
                "MP1106",
                prompt.examples[0].span,
                f"a small model copies this text into other answers: {_short(texts[0])}",
                label=f"the only text that the examples have for {f'`{name}`' if name else 'the answer'}",
                help="add examples with other texts",
            )


def _short(text: str) -> str:
    return f'"{text}"' if len(text) <= 40 else f'"{text[:39]}…"'
