"""The plan of every type: what is chosen, what is guided, what is forced."""

from __future__ import annotations

import pytest
from llguidance import LLMatcher, LLTokenizer

from microprompt import abi
from microprompt.prompts.plan import Choice, Guided, Plan, make_plan
from microprompt.prompts.tokenized import BoundGuided

from .programs import ACT, INNER, OUTER, Act, Inner, Outer, WatchedBackend, random_voice

TEXT = abi.StrType()


def optional(item: abi.Type) -> abi.Type:
    return abi.OptionalType(item=item)


def only_shape(returns: abi.Type) -> Choice | Guided:
    [slot] = make_plan(returns).slots
    assert (slot.name, slot.after) == ("", "\n")
    return slot.shape


@pytest.mark.parametrize(
    ("returns", "options"),
    [
        (ACT, ((Act.question, " question"), (Act.command, " command"), (Act.other, " something else"))),
        (abi.BoolType(), ((True, " yes"), (False, " no"))),
        (abi.LiteralType(values=("a", "b c")), (("a", " a"), ("b c", " b c"))),
        (abi.IntType(minimum=-1, maximum=1), ((-1, " -1"), (0, " 0"), (1, " 1"))),
        (optional(abi.BoolType()), ((True, " yes"), (False, " no"), (None, " none"))),
    ],
)
def test_types_that_can_be_listed_are_choices(
    returns: abi.Type, options: tuple[tuple[object, str], ...]
) -> None:
    assert only_shape(returns) == Choice(options)


@pytest.mark.parametrize(("most", "kind"), [(255, Choice), (256, Guided)])
def test_int_ranges_are_listed_up_to_256_values(most: int, kind: type) -> None:
    assert isinstance(only_shape(abi.IntType(minimum=0, maximum=most)), kind)


def test_a_record_is_a_chain_of_slots_with_forced_text_between() -> None:
    plan = make_plan(OUTER)
    assert plan.lead == ' {"inner": {"act":'
    assert [(slot.name, slot.after) for slot in plan.slots] == [
        ("inner.act", ', "how urgent":'),
        ("inner.urgency", '}, "the note":'),
        ("note", ', "paid":'),
        ("paid", ', "tags":'),
        ("tags", "}"),
    ]
    assert [type(slot.shape) for slot in plan.slots] == [Choice, Choice, Guided, Choice, Guided]


def test_independent_fields_have_leads_past_the_others() -> None:
    assert make_plan(OUTER, independent=True).leads == (
        ' {"inner": {"act":',
        ' {"inner": {"how urgent":',
        ' {"the note":',
        ' {"paid":',
        ' {"tags":',
    )
    assert make_plan(OUTER).leads == make_plan(ACT, independent=True).leads == ()


def test_choices_in_a_record_are_written_as_json() -> None:
    shape = make_plan(OUTER).slots[3].shape
    assert shape == Choice(((True, " true"), (False, " false"), (None, " null")))


def test_a_records_value_is_put_together_from_its_slots() -> None:
    plan = make_plan(OUTER)
    value = plan.value({"inner.act": Act.other, "inner.urgency": 3, "note": "n", "paid": None, "tags": ["t"]})
    assert value == Outer(inner=Inner(act=Act.other, urgency=3), note="n", paid=None, tags=["t"])


def matched(plan: Plan, text: str) -> bool:
    """Whether the grammar of a plan's only slot allows exactly a text, its end included."""
    [slot] = plan.slots
    assert isinstance(slot.shape, Guided)
    grammar = BoundGuided(slot, slot.shape, WatchedBackend(random_voice(0))).grammar
    matcher = LLMatcher(LLTokenizer("byte"), grammar)
    assert not matcher.is_error(), matcher.get_error()
    return bool(matcher.consume_tokens(list(text.encode())) and matcher.is_accepting())


GUIDED: dict[str, tuple[abi.Type, list[str], list[str]]] = {
    "str": (
        TEXT,
        [" a b\n", " é🙂\n", ' "\n', " " + "x" * 200 + "\n"],
        [" " + "x" * 201 + "\n", "  a\n", " a\tb\n"],
    ),
    "str, empty": (TEXT, [" \n"], ["\n", " a"]),
    "str(3..4)": (abi.StrType(min_length=3, max_length=4), [" abc\n", " éüöä\n"], [" ab\n", " abcde\n"]),
    "str(1..1)": (abi.StrType(min_length=1, max_length=1), [" a\n"], [" \n", " ab\n"]),
    "str(..0)": (abi.StrType(max_length=0), [" \n"], [" a\n"]),
    "str(300..)": (abi.StrType(min_length=300), [" " + "x" * 300 + "\n"], [" " + "x" * 299 + "\n"]),
    "pattern": (abi.StrType(pattern="[A-Z]{2}-[0-9]+"), [" AB-1\n"], [" AB-\n", " xAB-1\n"]),
    "pattern with classes": (
        abi.StrType(pattern=r"\d\w[\d-][^\w\s]\S\\d"),
        [" 1_-é!\\d\n", " 0x9.é\\d\n"],
        [" ٣_-é!\\d\n", " 1é-é!\\d\n", " 1_-é \\d\n", " 1_-é!3\n"],
    ),
    "pattern with a slash": (abi.StrType(pattern="a/b|c"), [" a/b\n", " c\n"], [" a\n"]),
    "pattern without end": (abi.StrType(pattern=".*"), [" " + "x" * 200 + "\n"], [" " + "x" * 201 + "\n"]),
    "int": (abi.IntType(), [" 0\n", " -17\n"], [" 01\n", " 1.0\n", " " + "1" * 16 + "\n"]),
    "int(0..1000)": (abi.IntType(minimum=0, maximum=1000), [" 1000\n"], [" 1001\n", " -1\n"]),
    "float(0..1)": (abi.FloatType(minimum=0, maximum=1), [" 0.5\n", " 1\n", " 1.0\n"], [" 1.1\n", " .5\n"]),
    "str?": (optional(TEXT), [" none\n", " nonesuch\n"], []),
    "float?": (optional(abi.FloatType()), [" none\n", " 1.5\n"], [" null\n"]),
    "record?": (
        optional(INNER),
        [" none\n", ' {"act": "something else", "how urgent": 5}\n'],
        [" null\n", ' {"act": "other", "how urgent": 5}\n', ' {"act": "question", "how urgent": 6}\n'],
    ),
    "list[str](..2)": (
        abi.ListType(item=TEXT, max_count=2),
        [" []\n", ' ["a"]\n', ' ["a", "b\\n\\"\\\\"]\n'],
        [' ["a", "b", "c"]\n', ' ["a","b"]\n', " [a]\n", ' ["\\u0041"]\n', ' ["a\nb"]\n'],
    ),
    "list[int](2..2)": (
        abi.ListType(item=abi.IntType(minimum=1, maximum=20), min_count=2, max_count=2),
        [" [1, 20]\n"],
        [" [1]\n", " [1, 21]\n", " [1, 2, 3]\n"],
    ),
    "list(..1)": (
        abi.ListType(item=ACT, max_count=1),
        [" []\n", ' ["command"]\n'],
        [' ["command", "command"]\n'],
    ),
    "list(1..1)": (abi.ListType(item=ACT, min_count=1, max_count=1), [' ["question"]\n'], [" []\n"]),
    "list(..0)": (abi.ListType(item=ACT, max_count=0), [" []\n"], [' ["question"]\n']),
    "list": (
        abi.ListType(item=optional(abi.BoolType())),
        [" [" + ", ".join(["null"] * 16) + "]\n"],
        [" [" + ", ".join(["true"] * 17) + "]\n"],
    ),
    "list of lists of records": (
        abi.ListType(item=abi.ListType(item=INNER)),
        [' [[], [{"act": "command", "how urgent": 1}]]\n'],
        [' [{"act": "command", "how urgent": 1}]\n'],
    ),
    "pattern in a list": (
        abi.ListType(item=abi.StrType(pattern='[a"]+')),
        [' ["aa"]\n'],
        [' ["a\\"a"]\n', ' ["a"a"]\n'],
    ),
}  # fmt: skip


def guided(right: bool) -> list[object]:
    return [
        pytest.param(returns, text, id=f"{name}: {text[:20]!r}")
        for name, (returns, allowed, refused) in GUIDED.items()
        for text in (allowed if right else refused)
    ]


@pytest.mark.parametrize(("returns", "text"), guided(True))
def test_a_guided_slot_allows_what_the_type_has(returns: abi.Type, text: str) -> None:
    assert matched(make_plan(returns), text)


@pytest.mark.parametrize(("returns", "text"), guided(False))
def test_a_guided_slot_refuses_what_the_type_has_not(returns: abi.Type, text: str) -> None:
    assert not matched(make_plan(returns), text)


@pytest.mark.parametrize(("returns", "text"), guided(True))
def test_no_text_is_longer_than_the_bound(returns: abi.Type, text: str) -> None:
    [slot] = make_plan(returns).slots
    assert isinstance(slot.shape, Guided)
    assert len(text.removesuffix("\n").encode()) <= slot.shape.max_bytes
