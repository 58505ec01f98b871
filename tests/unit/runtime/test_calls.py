"""Answers that depend on the call: copied from a text, chosen from a list. Random logits, no model."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, make_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from microprompt import Answer, abi, settings
from microprompt.engines.base import Call
from microprompt.engines.engine import Engine
from microprompt.errors import ArgumentError, NoAnswer, PromptTooLong
from microprompt.program import Parameter, Program
from microprompt.spans import pieces, place_of
from microprompt.types import (
    DeclaredType,
    IntType,
    ListType,
    LiteralType,
    OneOfType,
    OptionalType,
    RecordField,
    RecordType,
    SetType,
    SpanType,
    StrType,
    kind,
    outlines_type,
)

from .programs import WatchedBackend, random_voice, wait_until_idle

TEXT = 'My order #12345 of "2 pens" is late.\nThanks,\tBob O\'Hara \\ Grüße'


@dataclass(frozen=True)
class Tool:
    name: str
    does: str = ""
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Ticket:
    order: str | None
    tool: Tool
    stars: int
    quotes: list[str]


TOOL = RecordType(
    python=Tool,
    fields=(
        RecordField(name="name", label="name", type=StrType()),
        RecordField(name="does", label="does", type=StrType()),
        RecordField(name="tags", label="tags", type=ListType(item=StrType())),
    ),
)
TOOLS = [Tool("weather", "tells the weather"), Tool("mail", "sends mail", ["a"]), Tool("web search")]
SPAN = SpanType(source="text")
NUMBER = SpanType(source="text", pattern="#[0-9]{4,8}")
ONE_OF_TOOLS = OneOfType(source="tools", item=TOOL, by="name")
ONE_OF_WORDS = OneOfType(source="words", item=StrType())
TICKET = RecordType(
    python=Ticket,
    fields=(
        RecordField(name="order", label="order", type=OptionalType(item=NUMBER)),
        RecordField(name="tool", label="the tool", type=ONE_OF_TOOLS),
        RecordField(name="stars", label="stars", type=IntType(minimum=1, maximum=5)),
        RecordField(name="quotes", label="quotes", type=ListType(item=SPAN, max_count=2)),
    ),
)


def program(returns: DeclaredType, using: abi.Using | None = None, shows: str = "text") -> Program:
    return Program(
        name="ask",
        source="tests/ask.mp",
        line=7,
        instruction="Say what it is.",
        input=("Input: ", abi.Hole(parameter=shows)),
        cue="Answer:",
        parameters=(
            Parameter(name="text", type=StrType()),
            Parameter(name="tools", type=ListType(item=TOOL)),
            Parameter(name="words", type=ListType(item=StrType())),
        ),
        returns=returns,
        using=using or abi.Using(),
    )


def engine(seed: int = 1) -> Engine:
    return Engine(WatchedBackend(random_voice(seed)))


def call(asked: Program, **arguments: object) -> Call:
    return Call(asked, {"text": TEXT, "tools": TOOLS, "words": ["yes", "no"], **arguments})


def ask(returns: DeclaredType, seed: int = 1, **arguments: object) -> Answer[Any]:
    made = engine(seed)
    answer = made.answer(call(program(returns), **arguments))
    made.close()
    return answer


# ------------------------------------------------------------------------------------------------- spans


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("ab 12kg, #7", ["ab", " ", "12", "kg", ",", " ", "#", "7"]),
        ("Grüße, Ann", ["Grüße", ",", " ", "Ann"]),
        ("a\u0301b_1½", ["a\u0301b", "_", "1½"]),
        ("नमस्ते", ["नमस्ते"]),
        ("日本 ab", ["日", "本", " ", "ab"]),
    ],
)
def test_a_text_is_cut_between_words_and_numbers(text: str, found: list[str]) -> None:
    assert list(pieces(text)) == found


@pytest.mark.parametrize(
    ("span", "place"),
    [("order", (3, 8)), ("der", None), ("#12345", (9, 15)), ("#1234", None), ("Bob", (45, 48)), ("", None)],
)
def test_a_span_stands_where_no_word_is_cut(span: str, place: tuple[int, int] | None) -> None:
    assert place_of(span, TEXT) == place


def test_a_span_is_found_behind_a_word_that_begins_like_it() -> None:
    assert place_of("car", "scar cart car") == (10, 13)


@hypothesis_settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.text(st.sampled_from('ab1 "\\\n\t,é日🙂_'), max_size=30),
    st.sampled_from((SPAN, SpanType(source="text", min_length=2, max_length=4))),
    st.booleans(),
    st.integers(0, 100),
)
def test_any_logits_copy_from_any_text(text: str, span: SpanType, in_list: bool, seed: int) -> None:
    returns = ListType(item=span, min_count=1, max_count=3) if in_list else span
    try:
        answer = ask(returns, seed, text=text)
    except NoAnswer:
        assert not any(
            len(line[start:end].strip()) >= max(1, span.min_length)
            for line in text.splitlines()
            for start in range(len(line))
            for end in range(start, len(line) + 1)
            if span.max_length is None and place_of(line[start:end], text)
        )
        return
    found = answer.value if in_list else [answer.value]
    assert len(answer.spans) == len(found)
    for copied, (start, end) in zip(found, answer.spans, strict=True):
        assert text[start:end] == copied
        assert "\n" not in copied


@pytest.mark.parametrize("seed", range(10))
def test_a_span_with_a_pattern_matches_it(seed: int) -> None:
    text = "Orders #12345, #99, #4711 and 1234567"
    answer = ask(NUMBER, seed, text=text)
    assert answer.value in {"#12345", "#4711"}


@pytest.mark.parametrize("text", ["", " \n", "order #12 is late"])
def test_without_anything_to_copy_the_call_is_refused_or_the_answer_is_none(text: str) -> None:
    made = engine()
    with pytest.raises(NoAnswer, match="argument `text` has nothing"):
        made.answer(call(program(NUMBER), text=text))
    assert made.answer(call(program(OptionalType(item=NUMBER)), text=text)).value is None
    assert made.answer(call(program(ListType(item=NUMBER)), text=text)).value == []
    with pytest.raises(NoAnswer):
        made.answer(call(program(ListType(item=NUMBER, min_count=1)), text=text))
    wait_until_idle(made)


def test_a_span_may_have_line_ends_if_its_pattern_names_them() -> None:
    answer = ask(SpanType(source="text", pattern=r"[a-z]+\n[a-z]+"), text="12 main street\nrome 7")
    assert answer.value == "street\nrome"


def test_very_long_texts_are_refused_before_they_are_read() -> None:
    made = engine()
    with pytest.raises(PromptTooLong, match="argument `text`"):
        made.answer(call(program(SPAN), text="word " * 2_000_000))
    with pytest.raises(ArgumentError, match=r"10,000,000 characters; .* 1,000,000 at most"):
        made.answer(call(program(SPAN, shows="words"), text="word " * 2_000_000))
    wait_until_idle(made)


# ----------------------------------------------------------------------------------------------- options


def test_one_of_a_list_is_a_choice_with_its_probabilities() -> None:
    answer = ask(ONE_OF_WORDS, words=["yes", "no", "not now"])
    assert answer.distribution is not None
    assert list(answer.distribution) == ["yes", "no", "not now"]
    assert sum(answer.distribution.values()) == pytest.approx(1)
    assert answer.value == max(answer.distribution, key=lambda word: answer.distribution[word])  # type: ignore[index]


def test_one_of_records_gives_the_record() -> None:
    answer = ask(ONE_OF_TOOLS)
    assert answer.value in TOOLS
    assert list(answer.distribution or {}) == ["weather", "mail", "web search"]
    assert answer.to_json()["value"] == kind(TOOL).to_data(answer.value)


@pytest.mark.parametrize(
    ("returns", "value"), [(ONE_OF_WORDS, "yes"), (LiteralType(values=("no",)), "no")], ids=str
)
def test_a_lone_option_is_taken_without_the_model(returns: DeclaredType, value: str) -> None:
    made = engine()
    answer = made.answer(call(program(returns), words=["yes"]))
    wait_until_idle(made)
    assert isinstance(made.backend, WatchedBackend)
    assert not made.backend.steps
    assert (answer.value, answer.confidence, answer.distribution) == (value, 1.0, {value: 1.0})
    assert (answer.coverage, answer.answered_by) == (None, "labels")
    made.close()


def test_what_follows_a_lone_option_sees_it() -> None:
    whole = RecordType(
        python=make_dataclass("Sorted", [("word", str), ("stars", int)], frozen=True),
        fields=(
            RecordField(name="word", label="word", type=ONE_OF_WORDS),
            RecordField(name="stars", label="stars", type=IntType(minimum=1, maximum=5)),
        ),
    )
    answer = ask(whole, words=["yes"])
    assert (answer.value.word, answer.fields["word"].confidence) == ("yes", 1.0)
    assert answer.confidence == answer.fields["stars"].confidence < 1


@pytest.mark.parametrize("seed", range(5))
def test_a_list_may_hold_items_of_a_list(seed: int) -> None:
    words = ["red", 'a "b"', "blue\\green", "reddish"]
    answer = ask(ListType(item=ONE_OF_WORDS, min_count=1, max_count=3), seed, words=words)
    assert set(answer.value) <= set(words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a", "b", "a"], r'`words`\[2\] is "a", and so is item 0'),
        (["a", ""], r"`words`\[1\] .* empty"),
        (["a", " "], r"`words`\[1\] .* empty"),
        ([" a"], r"`words`\[0\] .* blank around it"),
        (["a\nb"], r"`words`\[0\] .* line end"),
        (["a" * 201], r"`words`\[0\] .* 201 characters"),
        ([str(number) for number in range(100_001)], "has 100,001 items"),
    ],
)
def test_options_that_no_model_could_answer_with_are_refused(words: list[str], message: str) -> None:
    made = engine()
    for returns in (ONE_OF_WORDS, OptionalType(item=ONE_OF_WORDS), ListType(item=ONE_OF_WORDS)):
        with pytest.raises(ArgumentError, match=message) as raised:
            made.answer(call(program(returns), words=words))
        assert raised.value.help
    wait_until_idle(made)


def test_the_word_for_no_answer_is_no_option() -> None:
    with pytest.raises(ArgumentError, match='an option in argument `words` is "none"'):
        ask(OptionalType(item=ONE_OF_WORDS), words=["none", "all"])
    assert ask(ONE_OF_WORDS, words=["none"]).value == "none"


def test_records_of_equal_labels_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"`tools`\[1\].name is .*mail"):
        ask(ONE_OF_TOOLS, tools=[Tool("mail"), Tool("mail", "reads mail")])


def test_without_options_the_call_is_refused_or_the_answer_is_none() -> None:
    with pytest.raises(NoAnswer, match="`words` is empty"):
        ask(ONE_OF_WORDS, words=[])
    assert ask(OptionalType(item=ONE_OF_WORDS), words=[]).value is None
    assert ask(ListType(item=ONE_OF_WORDS, max_count=3), words=[]).value == []


# ----------------------------------------------------------------------------------------------- records


@pytest.mark.parametrize("independent", [False, True])
def test_fields_may_depend_on_the_call(independent: bool) -> None:
    made = engine()
    asked = program(TICKET, abi.Using(independent=independent))
    answer = made.answer(call(asked))
    assert isinstance(answer.value, Ticket)
    assert answer.value.order in {None, "#12345"}
    assert answer.value.tool in TOOLS
    places = answer.fields["quotes"].spans
    assert [TEXT[start:end] for start, end in places] == answer.value.quotes
    assert kind(TICKET).given(call(asked).arguments).check(answer.value, "it") is answer.value
    made.close()


def test_what_does_not_depend_on_the_call_is_made_once() -> None:
    bound = engine().bind(program(TICKET))
    given = [bound.given(call(bound.program, words=[word]).arguments) for word in ("a", "b")]
    leaves = [{leaf.name: leaf for leaf in each.answer.leaves()} for each in given]
    assert leaves[0]["stars"] is leaves[1]["stars"]
    assert leaves[0]["tool"] is not leaves[1]["tool"]
    assert kind(TICKET).depends_on == {"text", "tools"}


@pytest.mark.parametrize(
    "found",
    [
        IntType(minimum=1, maximum=5),
        SetType(item=IntType(minimum=1, maximum=5)),
        StrType(max_length=9),
        OptionalType(item=StrType(max_length=9)),
    ],
)
def test_a_slot_is_made_once_for_all_calls_beside_a_text_of_the_call(found: DeclaredType) -> None:
    fields = (
        RecordField(name="quote", label="quote", type=SPAN),
        RecordField(name="found", label="found", type=found),
    )
    quoted = make_dataclass("Quoted", ["quote", "found"], frozen=True)
    bound = engine().bind(program(RecordType(python=quoted, fields=fields)))
    one, other = (bound.given(call(bound.program, text=text).arguments).answer for text in ("a b", "c"))
    assert [mine is theirs for mine, theirs in zip(one.leaves(), other.leaves(), strict=True)] == [
        leaf.name != "quote" for leaf in one.leaves()
    ]


def test_a_program_that_does_not_depend_on_the_call_is_taken_as_it_is() -> None:
    bound = engine().bind(program(IntType(minimum=1, maximum=5)))
    assert bound.given(call(bound.program).arguments) is bound


def test_before_the_call_it_is_told_what_an_answer_depends_on() -> None:
    slots = engine().explain(program(TICKET)).slots
    assert [(slot.name, slot.kind) for slot in slots] == [
        ("order", "open"),
        ("tool", "open"),
        ("stars", "choice"),
        ("quotes", "open"),
    ]
    assert slots[1].type == "one of tools by name"


def test_answers_are_kept_by_what_could_be_answered(tmp_path: Path) -> None:
    settings.configure(home=tmp_path, answer_cache=True)
    try:
        made = engine()
        made.identity = "tiny 1"
        asked = program(TICKET)
        first = made.answer(call(asked))
        again = made.answer(call(asked))
        other = made.answer(call(asked, tools=TOOLS[:2]))
    finally:
        settings.reset()
    assert again == replace(first, usage=again.usage, seconds=again.seconds, is_kept=True)
    assert again.usage.decoded_tokens == 0
    assert other.usage.decoded_tokens > 0
    made.close()


def test_outlines_is_told_what_is_known_before_the_call_and_in_it() -> None:
    whole = str(outlines_type(ONE_OF_WORDS))
    given = str(outlines_type(ONE_OF_WORDS, {"words": ["yes", "no"]}))
    assert "yes" not in whole
    assert re.search("yes.*no", given)
    assert outlines_type(SPAN, {"text": "Ann and Bob"})
