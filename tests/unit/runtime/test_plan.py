"""The plan of every type: what is chosen, what is guided, what is forced."""

from __future__ import annotations

import pytest
from llguidance import LLMatcher, LLTokenizer

from microprompt.prompts.plan import (
    Branch,
    Chain,
    Choice,
    Forced,
    Guided,
    Maybe,
    Node,
    Plan,
    SideBySide,
    make_plan,
)
from microprompt.types import (
    BoolType,
    DeclaredType,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    OptionalType,
    PatternType,
    StrType,
    UnionType,
    kind,
)
from microprompt.types.grammar import Terminals

from .programs import ACT, INNER, OUTER, Act, Inner, Outer

TEXT = StrType()


EITHER = UnionType(items=(INNER, LiteralType(values=("unknown",)), IntType(minimum=0, maximum=1000)))


def optional(item: DeclaredType) -> DeclaredType:
    return OptionalType(item=item)


def only_leaf(returns: DeclaredType) -> Choice | Guided:
    leaf = make_plan(returns).root
    assert isinstance(leaf, (Choice, Guided))
    assert (leaf.name, leaf.after) == ("", "\n")
    return leaf


@pytest.mark.parametrize(
    ("returns", "options"),
    [
        (ACT, ((Act.question, " question"), (Act.command, " command"), (Act.other, " something else"))),
        (BoolType(), ((True, " yes"), (False, " no"))),
        (LiteralType(values=("a", "b c")), (("a", " a"), ("b c", " b c"))),
        (IntType(minimum=-1, maximum=1), ((-1, " -1"), (0, " 0"), (1, " 1"))),
        (optional(BoolType()), ((True, " yes"), (False, " no"), (None, " none"))),
    ],
)
def test_types_that_can_be_listed_are_choices(
    returns: DeclaredType, options: tuple[tuple[object, str], ...]
) -> None:
    assert only_leaf(returns) == Choice("", kind(returns), options, "\n")


@pytest.mark.parametrize(("most", "node"), [(255, Choice), (256, Guided)])
def test_int_ranges_are_listed_up_to_256_values(most: int, node: type[Node]) -> None:
    assert isinstance(only_leaf(IntType(minimum=0, maximum=most)), node)


def leaves(plan: Plan) -> list[Choice | Guided]:
    assert isinstance(plan.root, Chain)
    return [part for part in plan.root.parts if isinstance(part, (Choice, Guided))]


def test_a_record_is_a_chain_of_leaves_with_forced_text_between() -> None:
    plan = make_plan(OUTER)
    assert isinstance(plan.root, Chain)
    assert plan.root.parts[0] == Forced(' {"inner": {"act":')
    assert [(leaf.name, leaf.after) for leaf in leaves(plan)] == [
        ("inner.act", ', "how urgent":'),
        ("inner.urgency", '}, "the note":'),
        ("note", ', "paid":'),
        ("paid", ', "tags":'),
        ("tags", "}"),
    ]
    assert [type(leaf) for leaf in leaves(plan)] == [Choice, Choice, Guided, Choice, Guided]


def test_independent_fields_have_leads_past_the_others() -> None:
    plan = make_plan(OUTER, independent=True)
    assert isinstance(plan.root, SideBySide)
    parts = [part.parts for part in plan.root.parts if isinstance(part, Chain)]
    assert [lead for lead, _ in parts] == [
        Forced(' {"inner": {"act":'),
        Forced(' {"inner": {"how urgent":'),
        Forced(' {"the note":'),
        Forced(' {"paid":'),
        Forced(' {"tags":'),
    ]
    assert [leaf for _, leaf in parts] == leaves(make_plan(OUTER))
    assert make_plan(ACT, independent=True) == make_plan(ACT)


def test_choices_in_a_record_are_written_as_json() -> None:
    paid = leaves(make_plan(OUTER))[3]
    assert isinstance(paid, Choice)
    assert paid.options == ((True, " true"), (False, " false"), (None, " null"))


def test_what_the_prompt_leaves_over_begins_the_answer() -> None:
    assert make_plan(ACT, before=" ").root == Chain((Forced(" "), make_plan(ACT).root))
    record = make_plan(INNER, before=" ", space="").root
    assert isinstance(record, Chain)
    assert record.parts[0] == Forced(' {"act":')


TICKET = Outer(inner=Inner(act=Act.other, urgency=3), note="n", paid=None, tags=["t"])
WRITTEN = (
    ' {"inner": {"act": "something else", "how urgent": 3}, "the note": "n", "paid": null, "tags": ["t"]}'
)


def test_a_record_is_written_in_one_text() -> None:
    assert make_plan(OUTER).texts(TICKET) == (WRITTEN,)


def test_each_independent_field_is_written_in_a_text_of_its_own() -> None:
    value = Inner(act=Act.question, urgency=1)
    assert make_plan(INNER, independent=True).texts(value) == (
        ' {"act": "question", "how urgent":',
        ' {"how urgent": 1}',
    )


def test_a_branch_is_written_as_the_choice_and_its_arm() -> None:
    choice = Choice("kind", kind(ACT), ((Act.question, " ask"), (Act.command, " do")), ":")
    number = Guided("count", kind(IntType()), False, " ", "\n")
    branch = Branch(choice, (Forced(" what\n"), number))
    assert list(branch.texts({"kind": Act.question})) == [" ask: what\n"]
    assert list(branch.texts({"kind": Act.command, "count": 12})) == [" do: 12\n"]


def branch(returns: DeclaredType, *, before: str = "") -> Branch:
    root = make_plan(returns, before=before).root
    assert isinstance(root, Branch)
    return root


def test_which_type_of_a_union_it_is_is_a_choice_of_words_each_with_what_follows_it() -> None:
    found = branch(EITHER)
    assert found.choice.options == (
        ("Inner", ' Inner: {"act":'),
        ("unknown", " unknown\n"),
        ("int", " number:"),
    )
    inner, unknown, number = found.arms
    assert isinstance(inner, Chain)
    assert [part.name for part in inner.parts if isinstance(part, Choice)] == ["Inner.act", "Inner.urgency"]
    assert unknown == Forced("")
    assert number == Chain((Guided("int", kind(EITHER.items[2]), False, " ", "\n"),))


def test_that_a_union_is_missing_is_one_of_its_ways() -> None:
    assert branch(optional(EITHER)).choice.options[-1] == ("none", " none\n")


def test_that_a_record_is_missing_is_told_from_how_it_begins() -> None:
    assert branch(optional(INNER)).choice.options == (("some", ' {"act":'), ("none", " none\n"))


def test_text_that_may_be_missing_begins_with_no_label() -> None:
    root = make_plan(optional(TEXT)).root
    assert isinstance(root, Maybe)
    assert (root.name, root.none, root.some.name) == ("", " none\n", "some")
    assert matched(root.some, " nonesuch\n")
    assert matched(root.either, " none\n")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Inner(act=Act.other, urgency=3), ' Inner: {"act": "something else", "how urgent": 3}\n'),
        ("unknown", " unknown\n"),
        (12, " number: 12\n"),
        (None, " none\n"),
    ],
)
def test_a_value_of_a_union_is_written_behind_its_word(value: object, text: str) -> None:
    plan = make_plan(optional(EITHER))
    assert plan.texts(value) == (text,)
    assert plan.value(dict(plan.kind.take_apart("", value))) == value
    assert f" {plan.kind.plain(value)}\n" == text
    assert plan.kind.read_plain(text.strip()) == value


def test_a_records_value_is_put_together_from_its_slots() -> None:
    plan = make_plan(OUTER)
    value = plan.value({"inner.act": Act.other, "inner.urgency": 3, "note": "n", "paid": None, "tags": ["t"]})
    assert value == Outer(inner=Inner(act=Act.other, urgency=3), note="n", paid=None, tags=["t"])


def matched(leaf: Choice | Guided, text: str) -> bool:
    """Whether the grammar of a leaf allows exactly a text, its end included."""
    assert isinstance(leaf, Guided)
    matcher = LLMatcher(LLTokenizer("byte"), leaf.grammar())
    assert not matcher.is_error(), matcher.get_error()
    return bool(matcher.consume_tokens(list(text.encode())) and matcher.is_accepting())


GUIDED: dict[str, tuple[DeclaredType, list[str], list[str]]] = {
    "str": (
        TEXT,
        [" a b\n", " é🙂\n", ' "\n', " " + "x" * 200 + "\n"],
        [" " + "x" * 201 + "\n", "  a\n", " a\tb\n"],
    ),
    "str, empty": (TEXT, [" \n"], ["\n", " a"]),
    "str(3..4)": (StrType(min_length=3, max_length=4), [" abc\n", " éüöä\n"], [" ab\n", " abcde\n"]),
    "str(1..1)": (StrType(min_length=1, max_length=1), [" a\n"], [" \n", " ab\n"]),
    "str(..0)": (StrType(max_length=0), [" \n"], [" a\n"]),
    "str(300..)": (StrType(min_length=300), [" " + "x" * 300 + "\n"], [" " + "x" * 299 + "\n"]),
    "pattern": (PatternType(pattern="[A-Z]{2}-[0-9]+"), [" AB-1\n"], [" AB-\n", " xAB-1\n"]),
    "pattern with classes": (
        PatternType(pattern=r"\d\w[\d-][^\w\s]\S\\d"),
        [" 1_-·!\\d\n", " ٣é9.é\\d\n"],
        [" x_-.!\\d\n", " 1·-.!\\d\n", " 1_-é!\\d\n", " 1_-. \\d\n", " 1_-.!3\n"],
    ),
    "pattern with a slash": (PatternType(pattern="a/b|c"), [" a/b\n", " c\n"], [" a\n"]),
    "pattern without end": (PatternType(pattern=".*"), [" " + "x" * 200 + "\n"], [" " + "x" * 201 + "\n"]),
    "int": (IntType(), [" 0\n", " -17\n"], [" 01\n", " 1.0\n", " " + "1" * 16 + "\n"]),
    "int(0..1000)": (IntType(minimum=0, maximum=1000), [" 1000\n"], [" 1001\n", " -1\n"]),
    "float(0..1)": (FloatType(minimum=0, maximum=1), [" 0.5\n", " 1\n", " 1.0\n"], [" 1.1\n", " .5\n"]),
    "list[str?]": (ListType(item=optional(TEXT)), [" [null]\n", ' ["none"]\n'], [" [none]\n"]),
    "list[float?]": (ListType(item=optional(FloatType())), [" [null, 1.5]\n"], [" [none]\n"]),
    "list[record?]": (
        ListType(item=optional(INNER)),
        [" [null]\n", ' [{"act": "something else", "how urgent": 5}]\n'],
        [' [{"act": "other", "how urgent": 5}]\n', ' [{"act": "question", "how urgent": 6}]\n'],
    ),
    "list[union]": (
        ListType(item=optional(EITHER)),
        [' [{"Inner": {"act": "command", "how urgent": 5}}, {"number": 3}, "unknown", null]\n'],
        [' [{"act": "command", "how urgent": 5}]\n', " [3]\n", ' [{"unknown": "unknown"}]\n'],
    ),
    "list[str](..2)": (
        ListType(item=TEXT, max_count=2),
        [" []\n", ' ["a"]\n', ' ["a", "b\\n\\"\\\\"]\n'],
        [' ["a", "b", "c"]\n', ' ["a","b"]\n', " [a]\n", ' ["\\u0041"]\n', ' ["a\nb"]\n'],
    ),
    "list[int](2..2)": (
        ListType(item=IntType(minimum=1, maximum=20), min_count=2, max_count=2),
        [" [1, 20]\n"],
        [" [1]\n", " [1, 21]\n", " [1, 2, 3]\n"],
    ),
    "list(..1)": (
        ListType(item=ACT, max_count=1),
        [" []\n", ' ["command"]\n'],
        [' ["command", "command"]\n'],
    ),
    "list(1..1)": (ListType(item=ACT, min_count=1, max_count=1), [' ["question"]\n'], [" []\n"]),
    "list(..0)": (ListType(item=ACT, max_count=0), [" []\n"], [' ["question"]\n']),
    "list": (
        ListType(item=optional(BoolType())),
        [" [" + ", ".join(["null"] * 16) + "]\n"],
        [" [" + ", ".join(["true"] * 17) + "]\n"],
    ),
    "list of lists of records": (
        ListType(item=ListType(item=INNER)),
        [' [[], [{"act": "command", "how urgent": 1}]]\n'],
        [' [{"act": "command", "how urgent": 1}]\n'],
    ),
    "pattern in a list": (
        ListType(item=PatternType(pattern='[a"\\\\\t]+')),
        [' ["aa"]\n', ' ["a\\"\\\\\\t"]\n'],
        [' ["a"a"]\n', ' ["\\"]\n', ' ["\\n"]\n', ' ["\t"]\n'],
    ),
}  # fmt: skip


def guided(right: bool) -> list[object]:
    return [
        pytest.param(returns, text, id=f"{name}: {text[:20]!r}")
        for name, (returns, allowed, refused) in GUIDED.items()
        for text in (allowed if right else refused)
    ]


@pytest.mark.parametrize(("returns", "text"), guided(True))
def test_a_guided_slot_allows_what_the_type_has(returns: DeclaredType, text: str) -> None:
    assert matched(only_leaf(returns), text)


@pytest.mark.parametrize(("returns", "text"), guided(False))
def test_a_guided_slot_refuses_what_the_type_has_not(returns: DeclaredType, text: str) -> None:
    assert not matched(only_leaf(returns), text)


@pytest.mark.parametrize(("returns", "text"), guided(True))
def test_texts_are_as_long_as_is_said(returns: DeclaredType, text: str) -> None:
    leaf = only_leaf(returns)
    assert isinstance(leaf, Guided)
    size = leaf.kind.grammar(Terminals())
    written = text.removesuffix(leaf.after).removeprefix(leaf.space)
    assert size.shortest <= len(written.encode()) <= size.longest
    assert len(written) <= size.characters


@pytest.mark.parametrize(
    ("pattern", "longest"),
    [(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", 10), (r"[A-Z]{2}", 2), (r"[a-zé]+", 400), (r"yes|no|", 3), (r".*", 800)],
)
def test_a_pattern_is_bounded_by_what_it_can_match(pattern: str, longest: int) -> None:
    assert kind(PatternType(pattern=pattern)).grammar(Terminals()).longest == longest
