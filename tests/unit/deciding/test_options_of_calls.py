"""Choices among options that a call brings along: their words decide, as those of an enum do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from microprompt import abi, settings
from microprompt.deciding import evidence as gathering
from microprompt.deciding.decider import Decider, decider_for
from microprompt.engines.base import Call
from microprompt.errors import ArgumentError, NoAnswer
from microprompt.program import Parameter, Program
from microprompt.types import (
    DeclaredType,
    IntType,
    ListType,
    OneOfType,
    OptionalType,
    RecordField,
    RecordType,
    StrType,
)

from .fakes import FakeSources


@dataclass(frozen=True)
class Tool:
    name: str
    does: str


@dataclass(frozen=True)
class Step:
    tool: Tool
    stars: int


TOOL = RecordType(
    python=Tool,
    fields=(
        RecordField(name="name", label="name", type=StrType()),
        RecordField(name="does", label="does", type=StrType()),
    ),
)
TOOLS = [
    Tool("weather", "tells rain and sun"),
    Tool("send_mail", "writes letters"),
    Tool("music", "plays songs"),
]
ONE_OF = OneOfType(source="tools", item=TOOL, by="name")
STEP = RecordType(
    python=Step,
    fields=(
        RecordField(name="tool", label="tool", type=ONE_OF),
        RecordField(name="stars", label="stars", type=IntType(minimum=0, maximum=10**9)),
    ),
)


def program(returns: DeclaredType, using: abi.Using | None = None) -> Program:
    return Program(
        name="ask",
        source="tests/ask.mp",
        line=7,
        instruction="Pick.",
        input=("Tools: ", abi.Hole(parameter="tools"), "\nInput: ", abi.Hole(parameter="text")),
        cue="Answer:",
        parameters=(
            Parameter(name="text", type=StrType()),
            Parameter(name="tools", type=ListType(item=TOOL)),
        ),
        returns=returns,
        using=using or abi.Using(),
    )


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[None]:
    gathering.forget()
    settings.configure(home=tmp_path / "home")
    yield
    settings.reset()


@pytest.fixture
def sources() -> Iterator[FakeSources]:
    scores = {TOOLS[0]: 0.25, TOOLS[1]: 0.125, TOOLS[2]: 0.625}
    found = FakeSources({"ask": scores})
    yield found
    found.close()


def ask(asked: Program, sources: FakeSources, text: str, tools: Sequence[Tool] = TOOLS) -> Any:
    decider = Decider(asked, Path(), sources=sources)
    return decider.result(decider.submit(Call(asked, {"text": text, "tools": list(tools)})))


@pytest.mark.parametrize(
    ("text", "tool"), [("rain tomorrow", 0), ("letters to Ann", 1), ("send mail", 1), ("songs", 2)]
)
def test_the_words_of_options_decide_without_the_model(sources: FakeSources, text: str, tool: int) -> None:
    answer = ask(program(ONE_OF), sources, text)
    assert answer.value is TOOLS[tool]
    assert (answer.answered_by, answer.model) == ("embedder", "minilm-l6")
    assert list(answer.distribution) == ["weather", "send_mail", "music"]
    assert answer.confidence == max(answer.distribution.values())
    assert sources.small.calls == []


def test_the_list_that_is_chosen_from_is_no_part_of_what_is_asked(sources: FakeSources) -> None:
    ask(program(ONE_OF), sources, "rain")
    assert sources.fake_embedder is not None
    assert sources.fake_embedder.texts.asked == [
        ("weather", "tells rain and sun", "send mail", "writes letters", "music", "plays songs"),
        ("rain",),
    ]


def test_options_of_the_call_before_are_not_embedded_again(sources: FakeSources) -> None:
    for text in ("rain", "songs"):
        ask(program(ONE_OF), sources, text)
    assert sources.fake_embedder is not None
    assert sources.fake_embedder.texts.asked[1:] == [("rain",), ("songs",)]


def test_the_scores_of_labels_decide_where_the_prompt_says_so(sources: FakeSources) -> None:
    asked = program(ONE_OF, abi.Using(decide=abi.LABELS))
    assert decider_for(asked, Path()) is None
    answer = ask(asked, sources, "rain")
    assert (answer.value, answer.answered_by) == (TOOLS[2], "labels")


def test_without_an_embedder_the_scores_of_labels_decide(sources: FakeSources) -> None:
    sources.fake_embedder = None
    answer = ask(program(ONE_OF), sources, "rain")
    assert (answer.value, answer.answered_by) == (TOOLS[2], "labels")


def test_the_rest_of_a_record_is_written_around_what_is_chosen(sources: FakeSources) -> None:
    sources.small._script = {"ask": Step(TOOLS[0], 4)}
    answer = ask(program(STEP), sources, "rain")
    assert answer.value == Step(TOOLS[0], 4)
    assert answer.fields["tool"].answered_by == "embedder"
    assert answer.fields["stars"].answered_by == "model"


def test_an_answer_that_is_not_sure_is_held_back(sources: FakeSources) -> None:
    asked = program(OptionalType(item=ONE_OF), abi.Using(abstain=abi.Threshold(below=0.99)))
    answer = ask(asked, sources, "rain")
    assert answer.abstained
    assert answer.value is None


def test_bad_options_are_refused_before_anything_is_asked(sources: FakeSources) -> None:
    with pytest.raises(ArgumentError, match="send_mail"):
        ask(program(ONE_OF), sources, "rain", [TOOLS[1], TOOLS[1]])
    with pytest.raises(NoAnswer):
        ask(program(ONE_OF), sources, "rain", [])
    assert sources.fake_embedder is not None
    assert sources.fake_embedder.texts.asked == []
