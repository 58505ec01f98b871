"""Text in any alphabet is welcome; what makes people read something else than the model is not."""

from __future__ import annotations

import unicodedata

import pytest

from mpc.diagnostics import Diagnostic
from mpc.pipeline import compile_module
from mpc.source import Source
from mpc.syntax import parse

CONTROLS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
PLACES = {
    "docstring": '"""A {}."""\nenum A:\n    a\n',
    "comment": "# a {}\nenum A:\n    a\n",
    "body": "prompt f(x: str) -> bool:\n    Say {} {{x}}\n",
    "word": 'enum A:\n    a as "b{}c"\n',
    "description": 'enum A:\n    a "b {} c"\n',
    "example": 'prompt f(x: str) -> bool:\n    {{x}}\nexamples:\n    "{}" -> true\n',
    "unreadable": "what {}\n",
}
# Names as people write them, some with letters of a second alphabet that nobody confuses.
NAMES = (
    *(
        "question",
        "\u0438\u043c\u044f",
        "\u043f\u043e\u043b\u044c\u0437\u043e\u0432\u0430\u0442\u0435\u043b\u044c",
    ),
    *("\u03cc\u03bd\u03bf\u03bc\u03b1", "\u0646\u0627\u0645", "\u0928\u092e\u0915", "\u05e9\u05dd"),
    *("\u540d\u524d", "\u306a\u307e\u3048", "\u30e6\u30fc\u30b6\u30fc\u540d", "\uc774\ub984"),
    *(
        "user_\u0438\u043c\u044f",
        "HTTP\u0437\u0430\u043f\u0440\u043e\u0441",
        "IP\u0430\u0434\u0440\u0435\u0441",
    ),
    *(
        "\u0394t",
        "caf\xe9",
        "stra\xdfe",
        "s\u0131n\u0131r",
        "T\u30b7\u30e3\u30c4",
        "\u0561\u0576\u0578\u0582\u0576",
    ),
)
WORDS = (
    *(
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0915\u094d\u200d\u0937",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    ),
    *(
        "\U0001f3f3\ufe0f\u200d\U0001f308",
        "10\xa0000\u202f\u20ac",
        "\u5168\u3000\u89d2",
        "\u05e9\u05dc\u05d5\u05dd",
        "na\xefve",
    ),
)


def reported(text: str) -> tuple[Diagnostic, ...]:
    source = Source("a.mp", text)
    tree, found = parse(source)
    return compile_module(source, tree, found, {}).diagnostics


@pytest.mark.parametrize("control", CONTROLS, ids=unicodedata.name)
@pytest.mark.parametrize("place", PLACES)
def test_a_character_that_reorders_text_is_refused_wherever_it_stands(place: str, control: str) -> None:
    text = PLACES[place].format(control)
    found = next(diagnostic for diagnostic in reported(text) if diagnostic.code == "MP0114")
    assert text[found.primary.span.start] == control
    assert f"U+{ord(control):04X}" in found.message


def test_a_string_may_hold_such_a_character_where_it_can_be_seen() -> None:
    assert not reported('enum A:\n    a "b \\u202e c"\n')


@pytest.mark.parametrize("mark", "\u200e\u200f\u061c", ids=unicodedata.name)
def test_the_marks_of_ordinary_writing_are_left_alone(mark: str) -> None:
    assert not reported(f"prompt f(x: str) -> bool:\n    \u05e9\u05dc\u05d5\u05dd{mark}! {{x}}\n")


def test_names_in_any_alphabet_are_left_alone() -> None:
    members = "".join(f"    {name}\n" for name in NAMES)
    assert not reported(f"enum A:\n{members}")
    assert not reported("".join(f"type {name} = str\n" for name in NAMES))


@pytest.mark.parametrize(
    "name",
    [
        "p\u0430y",
        "\u0420ay",
        "scop\u0435_x",
        "x_\u03bfpen",
        "\u043a\u043eo\u043f",
        "\u03bb\u03cco\u03b3\u03bf\u03c2",
    ],
)
@pytest.mark.parametrize(
    "form",
    [
        "enum A:\n    {}\n",
        "enum {}:\n    a\n",
        "record A:\n    {}: str\n",
        "type {} = str\n",
        'model {} = "m"\n',
        "prompt {}(x: str) -> str:\n    {{x}}\n",
        "prompt f({}: str) -> str:\n    {{{}}}\n",
    ],
)
def test_a_name_in_two_alphabets_that_look_alike_gets_a_warning(form: str, name: str) -> None:
    assert [d.code for d in reported(form.format(name, name))] == ["MP0206"]


def test_names_that_look_alike_get_a_warning_where_both_could_be_meant() -> None:
    (found,) = reported("enum A:\n    pay\n    \u0440\u0430\u0443\n")
    assert found.code == "MP0206"
    assert found.primary.source.line_of(found.primary.span.start) == 3
    assert not reported("enum A:\n    pay\nenum B:\n    \u0440\u0430\u0443\n")


@pytest.mark.parametrize("word", WORDS, ids=ascii)
def test_a_word_is_one_line_of_any_text(word: str) -> None:
    assert not reported(f'enum A:\n    a as "{word}"\n    b\ntype T = "{word}" | "b"\n')


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("a\\nb", "U+000A"),
        ("a\\tb", "U+0009"),
        ("a\\u2028b", "U+2028 LINE SEPARATOR"),
        ("a\\u202eb", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("a\\ufeffb", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("a\\u00adb", "U+00AD SOFT HYPHEN"),
        ("\\u200d", "the word is empty"),
        ("\\u00a0", "the word is empty"),
        ("a\\u00a0", "ends with a space"),
    ],
)
def test_what_is_no_word_is_refused_with_the_character_named(written: str, named: str) -> None:
    found = reported(f'enum A:\n    a as "{written}"\ntype T = "{written}"\n')
    assert [diagnostic.code for diagnostic in found] == ["MP0308", "MP0308"]
    assert all(named in diagnostic.primary.text for diagnostic in found)
