"""Which waves lay out first what their calls are about: where that is cheaper, by what the program says."""

from __future__ import annotations

import textwrap
from dataclasses import replace

import pytest

from mpc.flows.states import SharedState, costs_of, state_of
from mpc.sema import CheckedModule
from mpc.sema.checked import CheckedTuning
from mpc.sema.flow_walks import calls_in
from mpc.source import Source

from . import programs

PROMPTS = """
enum Kind:
    question
    order

record Letter:
    body: str(..900)

prompt short(text: str) -> str(..40):
    Sum it up: {text}

prompt told(text: str(..400), other: str) -> bool:
    Does it tell {other}? {text}

prompt small(text: str(..200)) -> bool:
    Is it so? {text}

prompt sort(text: str) -> Kind:
    Sort {text}

prompt inside(text: str) -> bool:
    {if text}Is {text} so?{end} Say it.

prompt long(text: str) -> bool:
    Is it so?
    This takes many words to say, for there is much to know before anybody can answer it: all that follows.
    This takes many words to say, for there is much to know before anybody can answer it: all that follows.
    This takes many words to say, for there is much to know before anybody can answer it: all that follows.
    This takes many words to say, for there is much to know before anybody can answer it: all that follows.
    This takes many words to say, for there is much to know before anybody can answer it: all that follows.

    Text: {text}

prompt read(letter: Letter) -> bool:
    Is it polite? {letter}

prompt urgent(letter: Letter) -> bool:
    Is it urgent? {letter}

prompt shown(text: str) -> str(..40):
    Sum it up: {text}
examples:
    "It rains, and it rains." -> "Rain."

flow go(text: str, note: str(..400), page: str(..200), letter: Letter, texts: list[str](..5)) -> str:
"""


def checked(body: str) -> CheckedModule:
    body = textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
    return programs.checked(Source("a.mp", f"{PROMPTS}{body}\n"))


def shared(
    body: str,
    *,
    changing: frozenset[str] = frozenset(),
    rounds: int | None = None,
    module: CheckedModule | None = None,
) -> SharedState | None:
    """The state of a wave of all calls in a flow with this body."""
    module = module or checked(body)
    (flow,) = module.flows
    calls = tuple(calls_in(flow.statements))
    return state_of(calls, changing, rounds=rounds, costs=costs_of(module))


def way(body: str) -> str | None:
    found = shared(body)
    return None if found is None else ".".join(found.way)


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ("a = short(text)\nb = short(text)\nreturn a + b", "text"),
        ("a = short(text)\nreturn a", None),
        ('a = told(note, "a")\nb = told(note, "b")\nif a and b:\n    return "x"\nreturn "y"', "note"),
        ('a = small(page)\nb = small(page)\nif a and b:\n    return "x"\nreturn "y"', None),
        ('a = inside(text)\nb = inside(text)\nif a and b:\n    return "x"\nreturn "y"', None),
        ('a = long(text)\nb = long(text)\nif a and b:\n    return "x"\nreturn "y"', None),
        ('a = read(letter)\nb = urgent(letter)\nif a and b:\n    return "x"\nreturn "y"', "letter"),
        ('a = short(text)\nb = short(letter.body)\nreturn a + b', None),
        ('a = short(letter.body)\nb = short(letter.body)\nreturn a + b', "letter.body"),
        ('a = short("x")\nb = short("x")\nreturn a + b', None),
        ('a = short(text)\nb = short(text)\nc = shown(text)\nreturn a + b + c', None),
    ],
    ids=[
        "two", "one", "bounded", "short", "in a block", "long prompts", "record", "not the same", "field",
        "written", "examples",
    ],
)  # fmt: skip
def test_the_text_comes_first_where_that_is_cheaper(body: str, state: str | None) -> None:
    assert way(body) == state


def test_what_labels_words_decide_does_not_read_the_prompt() -> None:
    one = shared('a = sort(text)\nb = sort(text)\nif a == b:\n    return "x"\nreturn "y"')
    assert one is None


def test_a_choice_that_is_tuned_does_not_read_the_prompt_but_what_is_written_does() -> None:
    written = "a = short(text)\nb = short(text)\nreturn a + b"
    chosen = 'a = told(note, "a")\nb = told(note, "b")\nif a and b:\n    return "x"\nreturn "y"'
    for body, state in ((written, ("text",)), (chosen, None)):
        module = checked(body)
        tuning = CheckedTuning(file="a.tuning.json", key="k")
        tuned = tuple(replace(each, tuning=tuning) for each in module.prompts)
        found = shared(body, module=replace(module, prompts=tuned))
        assert (None if found is None else found.way) == state


def test_a_wave_over_a_list_asks_as_often_as_the_list_is_long() -> None:
    body = 'for each in texts:\n    a = told(note, each)\n    if a:\n        return "x"\nreturn "y"'
    assert shared(body, changing=frozenset({"each"})) is None
    found = shared(body, changing=frozenset({"each"}), rounds=5)
    assert found is not None
    assert (found.way, found.calls) == (("note",), 1)
    assert found.why.startswith("5 questions about note, up to 400 characters: evaluated once, that spares")
    assert shared(body, changing=frozenset({"each", "note"}), rounds=5) is None


def test_of_two_the_one_comes_first_that_spares_more() -> None:
    body = 'a = told(note, text)\nb = told(note, text)\nc = short(text)\nd = short(text)\nreturn c + d'
    found = shared(body)
    assert found is not None
    assert (found.way, found.calls) == (("text",), 4)
