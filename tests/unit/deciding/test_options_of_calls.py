"""Choices among options that a call brings along: their words decide, as those of an enum do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from microprompt import abi
from microprompt.deciding.decider import Decider, decider_for
from microprompt.deciding.shortlist import SHORTLIST
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
from mpc.cli.explain import _function as lines

from .fakes import LARGE, FakeSources


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
ALL_WORDS = {text for tool in TOOLS for text in (tool.name, tool.does)}
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


MANY = [Tool(f"tool_{number}", f"does number {number}") for number in range(SHORTLIST)]


def test_of_very_many_options_the_nearest_ones_come_into_question(sources: FakeSources) -> None:
    answer = ask(program(ONE_OF), sources, "weather: tells rain and sun", [*MANY, *TOOLS])
    assert answer.value is TOOLS[0]
    assert answer.shortlist == answer.to_json()["shortlist"] == SHORTLIST
    assert len(answer.distribution) == len(MANY) + len(TOOLS)
    assert sum(each > 0 for each in answer.distribution.values()) == SHORTLIST
    assert sum(answer.distribution.values()) == pytest.approx(1)
    assert sources.fake_embedder is not None
    assert len(sources.fake_embedder.texts.asked[0]) == 2 * SHORTLIST


def test_what_was_read_for_other_calls_is_not_read_again(sources: FakeSources) -> None:
    for text in ("does number 7", "does number 9"):
        ask(program(ONE_OF), sources, text, [*MANY, *TOOLS])
    ask(program(ONE_OF), sources, "songs", TOOLS)
    assert sources.fake_embedder is not None
    asked = [texts for texts in sources.fake_embedder.texts.asked if len(texts) > 1 or texts[0] in ALL_WORDS]
    read = [text for texts in asked for text in texts]
    assert len(read) == len(set(read))


def test_of_few_options_all_come_into_question(sources: FakeSources) -> None:
    answer = ask(program(ONE_OF), sources, "rain", MANY)
    assert answer.shortlist is None
    assert "shortlist" not in answer.to_json()


def test_that_it_is_none_comes_into_question_always(sources: FakeSources) -> None:
    answer = ask(program(OptionalType(item=ONE_OF)), sources, "tells rain and sun", [*MANY, *TOOLS])
    assert answer.value is TOOLS[0]
    assert answer.distribution[None] > 0


def test_the_shortlist_of_a_field_stands_beside_the_field(sources: FakeSources) -> None:
    tools = [*MANY, *TOOLS]
    sources.small._script = {"ask": Step(TOOLS[0], 4)}
    assert ask(program(STEP), sources, "rain", tools).fields["tool"].shortlist == SHORTLIST


def test_where_words_have_no_vectors_the_scores_of_labels_decide(sources: FakeSources) -> None:
    assert sources.fake_embedder is not None
    sources.fake_embedder.hides_words = True
    sources.small._script = {"ask": MANY[0]}
    answer = ask(program(ONE_OF), sources, "rain", [*MANY, *TOOLS])
    assert (answer.value, answer.answered_by) == (MANY[0], "labels")


def test_explain_says_what_decides_among_options_of_a_call(sources: FakeSources) -> None:
    asked = program(STEP)
    found = Decider(asked, Path(), sources=sources).explain(asked)
    (choice,) = found.choices
    assert (choice.name, choice.answered_by, choice.origin) == ("tool", "embedder", "call")
    text = "\n".join(lines(found))
    assert f"of more than {SHORTLIST} options, the {SHORTLIST} nearest come into question" in text


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


ESCALATES = abi.Escalation(model=LARGE, when=abi.Threshold(below=0.99))


@pytest.mark.parametrize("decide", [None, abi.LABELS])
def test_an_answer_that_is_not_sure_is_put_to_the_larger_model(decide: str | None) -> None:
    scores = {TOOLS[0]: 0.05, TOOLS[1]: 0.05, TOOLS[2]: 0.9}
    sources = FakeSources({"ask": TOOLS[0]} if decide is None else {"ask": scores}, larger={"ask": scores})
    answer = ask(program(ONE_OF, abi.Using(escalate=ESCALATES, decide=decide)), sources, "rain songs")
    sources.close()
    assert answer.value is TOOLS[2]
    assert (answer.first.model, answer.second.model) == (answer.model.partition("+")[0], LARGE.name)
    assert list(answer.distribution) == ["weather", "send_mail", "music"]
    assert sum(answer.distribution.values()) == pytest.approx(1)


def test_without_an_embedder_it_is_put_to_the_larger_model_too(sources: FakeSources) -> None:
    sources.fake_embedder = None
    sources.large._script = {"ask": TOOLS[0]}
    answer = ask(program(ONE_OF, abi.Using(escalate=ESCALATES)), sources, "rain")
    assert (answer.first.value, answer.second.value) == (TOOLS[2], TOOLS[0])


def test_what_both_models_say_of_a_shortlist_stays_on_it(sources: FakeSources) -> None:
    sources.large._script = {"ask": MANY[0]}
    asked = program(ONE_OF, abi.Using(escalate=ESCALATES))
    answer = ask(asked, sources, "weather: tells rain and sun", [*MANY, *TOOLS])
    assert answer.shortlist == SHORTLIST
    assert sum(each > 1e-9 for each in answer.distribution.values()) <= SHORTLIST


def test_bad_options_are_refused_before_anything_is_asked(sources: FakeSources) -> None:
    with pytest.raises(ArgumentError, match="send_mail"):
        ask(program(ONE_OF), sources, "rain", [TOOLS[1], TOOLS[1]])
    with pytest.raises(NoAnswer):
        ask(program(ONE_OF), sources, "rain", [])
    assert sources.fake_embedder is not None
    assert sources.fake_embedder.texts.asked == []


@pytest.mark.parametrize(("returns", "loads"), [(ONE_OF, False), (STEP, True)], ids=["choice", "record"])
def test_the_language_model_is_warmed_up_where_every_call_needs_it(
    returns: DeclaredType, loads: bool, sources: FakeSources
) -> None:
    Decider(program(returns), Path(), sources=sources).warm_up()
    assert ("small" in sources.loaded) is loads
