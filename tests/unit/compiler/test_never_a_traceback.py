"""Whatever bytes a file holds, the compiler answers with diagnostics, and what it accepts can be executed."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mpc import codes, render
from mpc.diagnostics import Diagnostic, has_errors, in_order
from mpc.pipeline import Compiled, compile_module
from mpc.project.read import decode
from mpc.syntax import parse

from ...golden import pages

FENCE = re.compile(r"^```mp\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXPLAINED: list[str] = [program for code in codes.REGISTRY.values() for program in FENCE.findall(code.page)]
SOURCES = [*map(pages.source, pages.NAMES), *EXPLAINED]
PIECES = (
    *("enum", "record", "prompt", "type", "model", "import", "from", "examples:", "tests:", "using:", "as"),
    *('"', '"""', "(", ")", "[", "]", "{", "}", "{{", "->", "|", "?", "..", ":", ",", ".", "=", "#", "/"),
    *(
        "\n",
        "\n    ",
        "\n\t",
        "\r\n",
        " ",
        "\\",
        "\\u",
        "\x0c",
        "\u2028",
        "\ufeff",
        "\0",
        "é",
        "语",
        "\N{MATHEMATICAL SCRIPT CAPITAL X}",
        "\u0301",
        "\u200d",
        "\u202e",
        "p\u0430y",
    ),
    *(
        "str",
        "int",
        "list",
        "none",
        "true",
        "0",
        "-1",
        "1e999",
        "9" * 5000,
        "x" * 300,
        "_",
        "class",
        "@system",
    ),
    *("str(/a+/)", "str(/(/)", "int(5..1)", "x: X?", "{if x}", "{x.y}", "Answer:", "flow f:", "std.request"),
    *('text="a", "b" -> other', ', "b"', "x=1, 2", "str(..9999999)", "list[list[list[list[str]]]]", "day"),
    *("    abstain below 0.6\n", "below 7", "to reach 0.9", "escalate = x", "decide"),
)

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def compile_bytes(data: bytes) -> tuple[Compiled | None, tuple[Diagnostic, ...]]:
    """Compile a file by itself: none of its imports is there."""
    source, found = decode(data, "fuzzed.mp")
    if source is None:
        return None, tuple(found)
    tree, parse_found = parse(source)
    imported = {node.key: None for node in tree.imports}
    compiled = compile_module(source, tree, [*found, *parse_found], imported)
    return compiled, compiled.diagnostics


@st.composite
def mutated_sources(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(SOURCES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 30)))
        inserted = draw(st.one_of(st.sampled_from(PIECES), st.just(text[start:end] * 2), st.just("")))
        text = text[:start] + inserted + text[end:]
    return text if draw(st.booleans()) else text[: draw(st.integers(0, len(text)))]


def assert_answers(data: bytes) -> None:
    compiled, diagnostics = compile_bytes(data)
    assert diagnostics or (compiled is not None and compiled.text is not None) or b"import" in data
    for diagnostic in diagnostics:
        span, text = diagnostic.primary.span, diagnostic.primary.source.text
        assert 0 <= span.start <= span.end <= len(text)
        assert diagnostic.message
    ordered = in_order(diagnostics)
    assert render.as_text(ordered).count("\x1b") == 0
    render.as_json(ordered)
    render.as_github(ordered)
    if compiled is not None and compiled.text is not None:
        assert not has_errors(diagnostics)
        exec(compile(compiled.text, "fuzzed.py", "exec"), {"__name__": "fuzzed"})


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(mutated_sources())
def test_mutated_sources_get_an_answer(text: str) -> None:
    assert_answers(text.encode("utf-8", errors="surrogatepass"))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_shuffled_pieces_get_an_answer(pieces: list[str]) -> None:
    assert_answers("".join(pieces).encode())


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_get_an_answer(data: bytes) -> None:
    assert_answers(data)


@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize(
    "form", ["type T{0} = T{1}", "record T{0}:\n    x: list[T{1}]?", "type T{0} = list[T{1}]"]
)
def test_deep_types_get_an_answer_in_any_order(form: str, step: int) -> None:
    chain = ["type T0 = str", *(form.format(n, n - 1) for n in range(1, 2000))]
    _, diagnostics = compile_bytes("\n".join(chain[::step]).encode())
    assert "MP0113" in {diagnostic.code for diagnostic in diagnostics}


@pytest.mark.parametrize("text", ["[" * 5000, "(" * 5000, "x(" * 5000, "[" * 30 + "]" * 30])
def test_deep_brackets_get_an_answer(text: str) -> None:
    assert_answers(f"prompt f(a: str) -> str:\n    {{a}}\nexamples:\n    {text} -> a\n".encode())
    assert_answers(f"type T = {text}\n".encode())
