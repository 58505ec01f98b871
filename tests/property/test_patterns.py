"""Random patterns: all that reads one means the same by it, proved on generated modules and random logits."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from llguidance import LLMatcher, LLTokenizer
from pydantic import ValidationError

from microprompt import PromptFunction
from microprompt.engines.engine import Call, Engine
from microprompt.engines.scripted import ByteBackend
from microprompt.errors import ArgumentError
from microprompt.patterns import MAX_TEXT, Pattern, PatternError
from microprompt.prompts.plan import Guided, make_plan
from microprompt.types import AnyKind, kind
from mpc import project

from .test_answers import random_voice

LITERALS = (*'abA1_"/,é日🙂 -<&~', r"\\", r"\n", r"\t", r"\.", r"\"", r"\x01", r"\u2028", r"\[", r"\-")
CLASSES = (
    *(r"\w", r"\d", r"\s", r"\W", r"\D", r"\S", ".", "[a-z]", "[^,]", "[^\\n]", '["a]', "[^a-z]", r"[^\"\\]"),
    *(r"[\W\d]", r"[^\W_]", r"[\x00-\x1f]", r"[^\S\t]", r"[\w.-]", r"[^\d\s]", r"[\S\s]", "[é-日]", "[]a]"),
)
COUNTS = ("*", "+", "?", "{2}", "{0,3}", "{2,}", "{1,300}", "*?")


def joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda options: f"(?:{'|'.join(options)})"),
        st.tuples(inner, st.sampled_from(COUNTS)).map(lambda pair: f"({pair[0]}){pair[1]}"),
        inner.map(lambda item: f"(?i:{item})"),
    )


PATTERNS = st.recursive(st.sampled_from(LITERALS + CLASSES), joined, max_leaves=6)
TEXTS = st.text(st.sampled_from('abA1_"/,é日🙂 -<&~\\\n\t\r.[]\x01\u2028ß٣\x7f'), max_size=6)
FEW = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def usable(pattern: str) -> str:
    try:
        Pattern(pattern).require_use()
    except PatternError:
        assume(False)
    return pattern


# ---------------------------------------------------------------------------------- the meaning of one


@settings(FEW, max_examples=400)
@given(PATTERNS, st.data())
def test_a_pattern_means_what_pythons_re_means_by_it_on_one_line_of_ascii(
    pattern: str, data: st.DataObject
) -> None:
    usable(pattern)
    text = data.draw(st.one_of(TEXTS, st.from_regex(pattern, fullmatch=True)))
    # Beyond ASCII the versions of Unicode differ, and a text of several lines is told elsewhere.
    assume(text.isascii() and not re.search(r"[\r\n\x1c-\x1f]", text) and len(text) <= MAX_TEXT)
    assert Pattern(pattern).matches(text) == (re.fullmatch(pattern, text) is not None)


@settings(FEW, max_examples=300)
@given(PATTERNS)
def test_what_is_spelt_out_means_the_same(pattern: str) -> None:
    usable(pattern)
    spelt_out = Pattern(pattern).regex()
    assume(len(spelt_out) <= 1000)
    again = Pattern(spelt_out.replace("[^\\s\\S]", "[^\\w\\W]"))
    assert (again.shortest, again.longest) == (Pattern(pattern).shortest, Pattern(pattern).longest)


def writes(guided: Guided, text: str) -> bool:
    """Whether the decoder can write a text, between what surrounds it."""
    matcher = LLMatcher(LLTokenizer("byte"), guided.grammar())
    assert not matcher.is_error(), matcher.get_error()
    data = list(f"{guided.space}{text}{guided.after}".encode())
    return matcher.try_consume_tokens(data) == len(data) and matcher.is_accepting()


# -------------------------------------------------------------------------------- in generated modules


@dataclass(frozen=True)
class Module:
    """What is compiled of a pattern: functions that answer it alone, in a record and in a list."""

    folder: Path
    alone: PromptFunction[..., Any]
    inside: PromptFunction[..., Any]
    several: PromptFunction[..., Any]
    taking: PromptFunction[..., Any]
    Cell: Any

    @classmethod
    def of(cls, pattern: str, folder: Path) -> Module:
        return cls.loaded(folder, _program(pattern))

    @classmethod
    def loaded(cls, folder: Path, text: str) -> Module:
        (folder / "cells.mp").write_text(text, encoding="utf-8")
        found = project.load(folder / "cells.mp")
        return cls(folder, found.alone, found.inside, found.several, found.taking, found.Cell)


def _program(pattern: str) -> str:
    # Slashes may or may not be written with a backslash already.
    source = re.sub(r"\\.|/", lambda found: "\\/" if found[0] == "/" else found[0], pattern)
    return f"""\
type Text = str(/{source}/)

record Cell:
    text: Text

prompt alone(x: str) -> Text:
    Say {{x}}.

prompt inside(x: str) -> Cell:
    Say {{x}}.

prompt several(x: str) -> list[Text](1..2):
    Say {{x}}.

prompt taking(x: Text) -> bool:
    Say {{x}}.
"""


def quoted(text: str) -> str:
    """A text as the language writes it."""
    short = "".join(char if char > "\uffff" else f"\\u{ord(char):04x}" for char in text)
    return f'"{short}"'


def is_taken_everywhere(module: Module, text: str) -> bool:
    """Whether a text is of the type; fails unless all that checks one agrees."""
    parameter: AnyKind = kind(module.taking.program.parameters[0].type)
    cell: AnyKind = kind(module.inside.program.returns)
    said = {
        "check": not raises(ArgumentError, lambda: parameter.check(text, "it")),
        "class": not raises(ValidationError, lambda: module.Cell(text=text)),
        "json": not raises(ValueError, lambda: cell.read_json({"text": text})),
        "decoder alone": writes(guided(module.alone), text),
        "decoder inside": writes(guided(module.inside), json.dumps(text, ensure_ascii=False)),
        "compiler": not raises(Exception, lambda: with_example(module.folder, text)),
    }
    assert len(set(said.values())) == 1, said
    return said["check"]


def raises(error: type[Exception], call: Any) -> bool:
    try:
        call()
    except error:
        return True
    return False


def with_example(folder: Path, text: str) -> None:
    program = (folder / "cells.mp").read_text(encoding="utf-8")
    (folder / "shown.mp").write_text(f"{program}examples:\n    {quoted(text)} -> true\n", encoding="utf-8")
    project.load(folder / "shown.mp")


def guided(function: PromptFunction[..., Any]) -> Guided:
    root = make_plan(function.program.returns).root
    leaf = getattr(root, "parts", (root,))[-1]
    assert isinstance(leaf, Guided)
    return leaf


@settings(FEW, max_examples=40)
@given(PATTERNS, st.integers(0, 2**32))
def test_what_the_decoder_writes_all_else_takes(pattern: str, seed: int) -> None:
    usable(pattern)
    with TemporaryDirectory() as folder:
        module = Module.of(pattern, Path(folder))
        engine = Engine(ByteBackend(random_voice(seed), context=10**6))
        answers: list[Any] = [
            engine.answer(Call(function.program, {"x": "Hm."})).value
            for function in (module.alone, module.inside, module.several)
        ]
        engine.close()
        for text in (answers[0], answers[1].text, *answers[2]):
            assert is_taken_everywhere(module, text)


@settings(FEW, max_examples=60)
@given(PATTERNS, TEXTS)
def test_what_is_refused_anywhere_is_refused_everywhere(pattern: str, text: str) -> None:
    usable(pattern)
    with TemporaryDirectory() as folder:
        is_taken_everywhere(Module.of(pattern, Path(folder)), text)


EDGES = [
    (r"\w+", "Müller", True),
    (r"\W{3}", "ééé", False),
    (r"\S+", "a\u3000b", False),
    (r"\D{2}", "٣٣", False),
    (r"[^,]+", "Rome\nOslo", False),
    (r"[^,]+", "Rome\rOslo", False),
    (r"\s+", "\n", False),
    (r"[^,\n]+;[^,]+", "a;\n", False),
    (r"[^,]+(\n[^,]+)?", "Rome\nOslo", True),
    (r".\n", "\n\n", False),
    (r'"[a-z]+"', '"hi"', True),
    (r"\\+\t", "\\\\\t", True),
    (r"[\x01-\x04]", "\x03", True),
    (r".*", "x" * MAX_TEXT, True),
    (r".*", "x" * (MAX_TEXT + 1), False),
    (r"(\w{1,30} ){1,10}", "one two ", True),
    (r"(a+)+b", "a" * 100, False),
    (r"(?i)straße", "STRAßE", True),
    (r"|a", "", True),
]


@pytest.mark.parametrize(("pattern", "text", "is_of_it"), EDGES)
def test_texts_at_the_edge_of_a_pattern(pattern: str, text: str, is_of_it: bool, tmp_path: Path) -> None:
    assert is_taken_everywhere(Module.of(pattern, tmp_path), text) == is_of_it
