"""Answers that are as their records assert: the next best one, in order, and never one twice."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from microprompt import PromptFunction
from microprompt.deciding.search import Search, _values
from microprompt.errors import AnswerRefused, ArgumentError, AssertionFailed
from microprompt.testing import scripted
from mpc import project

PROGRAM = """\
enum Kind:
    bill
    offer

record Item:
    name: str(..20)
    amount: float(0..1000)
    assert amount != 7 "nothing costs 7"

record Invoice:
    kind: Kind
    items: list[Item](1..4)
    total: float(0..5000)
    note: str(..20)?
    assert total == sum(items.amount) "the items add up"
    assert kind == bill or total < 10 "an offer is small"
    check note

prompt read(text: str) -> Invoice:
    Read the invoice.

    {text}

prompt maybe(text: str) -> Invoice?:
    Read the invoice.

    {text}

prompt again(text: str) -> Invoice:
    Read the invoice.

    {text}
using:
    retries = 5
"""


class Weighted(dict[Any, Any]):
    """Values that cannot be the keys of a mapping, with their probabilities."""

    def __init__(self, *pairs: tuple[object, float]) -> None:
        super().__init__(enumerate(pairs))

    def items(self) -> Any:
        return list(self.values())


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path: Path = tmp_path_factory.mktemp("program") / "invoices.mp"
    path.write_text(PROGRAM, encoding="utf-8")
    return project.load(path)


def invoice(program: Any, amounts: list[float], total: float, kind: str = "bill", name: str = "pen") -> Any:
    items = [program.Item(name=name, amount=amount) for amount in amounts]
    return program.Invoice(kind=program.Kind(kind), items=items, total=total, note=None)


def test_the_next_best_answer_is_given_and_all_that_was_asked_is_counted(program: Any) -> None:
    good, bad = invoice(program, [1, 2], 3), invoice(program, [1, 2], 4)
    with scripted({"read": good}):
        alone = program.read.detail("x")
    with scripted({"read": Weighted((bad, 0.6), (good, 0.4))}):
        answer = program.read.detail("x")
    assert answer.value == good
    assert answer.fields["total"].confidence == pytest.approx(0.4, abs=1e-3)
    assert answer.usage.decoded_tokens > 2 * alone.usage.decoded_tokens
    assert [(check.message, check.passed) for check in answer.checks] == [("note", False)]


def test_answers_come_in_the_order_of_their_probability(program: Any) -> None:
    bad = [invoice(program, [1, 2], total) for total in (4, 50, 6)]
    with (
        scripted({"read": Weighted(*zip(bad, (0.5, 0.2, 0.3), strict=True))}),
        pytest.raises(AssertionFailed) as raised,
    ):
        program.read("x")
    assert [answer.total for answer in raised.value.answers] == [4, 6, 50]  # type: ignore[attr-defined]
    assert raised.value.problems == ("the items add up",) * 3


def test_what_the_assertion_does_not_name_is_left_as_it_is(program: Any) -> None:
    first = invoice(program, [1, 2], 4)
    other_name = invoice(program, [1, 2], 4, name="ink")
    good = invoice(program, [2, 2], 4)
    with scripted({"read": Weighted((first, 0.5), (other_name, 0.3), (good, 0.2))}):
        assert program.read("x") == good


def test_labels_are_exchanged_too(program: Any) -> None:
    bad, good = invoice(program, [20], 20, "offer"), invoice(program, [20], 20)
    with scripted({"read": Weighted((bad, 0.7), (good, 0.3))}):
        assert program.read("x") == good


def test_records_inside_are_held_to_what_they_say(program: Any) -> None:
    bad, good = invoice(program, [7], 7), invoice(program, [8], 8)
    with scripted({"again": Weighted((bad, 0.7), (good, 0.3))}):
        assert program.again("x") == good
    with scripted({"maybe": Weighted((bad, 0.7), (None, 0.3))}):
        assert program.maybe("x") is None
    with scripted({"read": bad}), pytest.raises(AssertionFailed) as raised:
        program.read("x")
    assert raised.value.problems[0] == "items[0]: nothing costs 7"


def test_no_answer_is_asked_for_twice(program: Any) -> None:
    bad = invoice(program, [1, 2], 4)
    with scripted({"again": bad}), pytest.raises(AssertionFailed) as raised:
        program.again("x")
    assert raised.value.answers == (bad,)


def test_all_ways_to_call_hold_to_it(program: Any) -> None:
    good, bad = invoice(program, [1, 2], 3), invoice(program, [1, 2], 4)
    read: PromptFunction[..., Any] = program.read
    with scripted({"read": Weighted((bad, 0.6), (good, 0.4))}):
        assert read.map(["a", "b", "c"]) == [good] * 3
        assert asyncio.run(read.acall("d")) == good


def test_an_argument_is_held_to_it_in_depth(program: Any, tmp_path: Path) -> None:
    path = tmp_path / "mail.mp"
    text = PROGRAM + "\nprompt remind(bills: list[Invoice]) -> bool:\n    Is one of {bills} due?\n"
    path.write_text(text, encoding="utf-8")
    module: Any = project.load(path)
    with pytest.raises(ArgumentError, match=r"remind\[1\]\.items\[0\] is not as asserted: nothing costs"):
        module.remind([invoice(module, [1], 1), invoice(module, [7], 7)])


SHOP = """
from pydantic import BaseModel, model_validator

SOLD_OUT = set()

class Item(BaseModel):
    amount: int

    @model_validator(mode="after")
    def is_there(self):
        if self.amount in SOLD_OUT:
            raise ValueError("sold out")
        return self
"""
BILL = """
from python shop_of_assertions import Item

record Bill:
    item: Item
    total: int(0..1000)
    assert total == item.amount "they add up"

prompt read(text: str) -> Bill:
    Read the bill.

    {text}
"""


def test_an_answer_that_a_class_of_the_user_refuses_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop_of_assertions.py").write_text(SHOP, encoding="utf-8")
    (tmp_path / "bills.mp").write_text(BILL, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    program: Any = project.load(tmp_path / "bills.mp")

    def bill(amount: int, total: int) -> Any:
        return program.Bill(item=program.Item(amount=amount), total=total)

    bad, refused, good = bill(1, 2), bill(2, 2), bill(3, 3)
    monkeypatch.setattr("shop_of_assertions.SOLD_OUT", {2})
    with scripted({"read": Weighted((bad, 0.5), (refused, 0.3), (good, 0.2))}):
        assert program.read("x") == good
    with scripted({"read": Weighted((bad, 0.5), (refused, 0.3))}), pytest.raises(AssertionFailed):
        program.read("x")
    with scripted({"read": refused}), pytest.raises(AnswerRefused, match="sold out"):
        program.read("x")


LINES = """
from typing_extensions import TypedDict

class Line(TypedDict):
    amount: int
    items: str
"""
READ = """
from python lines_of_assertions import Line

record Bill:
    lines: list[Line](1..3)
    named: dict[str, Line](..2)
    last: Line?
    other: Line | "nothing"
    total: int(0..1000)
    assert total == sum(lines.amount) "they add up"
    assert last is none or last.items != "x" "the last is known"

prompt read(text: str, line: Line?, lines: list[Line]) -> Bill:
    {text}{if line and line.amount > 1 and all(lines.amount > 0)} of {line.amount}{end}.
"""


def test_the_fields_of_a_typed_dict_are_read_as_those_of_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lines_of_assertions.py").write_text(LINES, encoding="utf-8")
    (tmp_path / "typed.mp").write_text(READ, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    program: Any = project.load(tmp_path / "typed.mp")

    def bill(amount: int, last: str) -> Any:
        lines, end = [{"amount": amount, "items": "a"}], {"amount": 1, "items": last}
        return program.Bill(lines=lines, named={"b": end}, last=end, other=end, total=2)

    with scripted({"read": Weighted((bill(1, "y"), 0.6), (bill(2, "y"), 0.4))}):
        assert program.read("x", {"amount": 2, "items": "z"}, []) == bill(2, "y")
        assert "x of 2." in program.read.render("x", {"amount": 2, "items": "z"}, [])
        assert "x." in program.read.render("x", {"amount": 1, "items": "z"}, [])
    with scripted({"read": bill(2, "x")}), pytest.raises(AssertionFailed, match="the last is known"):
        program.read("x", None, [])


# ----------------------------------------------------------------------------------------------- the search


def test_values_are_found_by_their_keys() -> None:
    text = b' [{"name": "a: {x}", "amount": 1.5}, {"name": "amount", "amount": 2, "tags": ["x", "y"]}]'

    def found(*labels: str) -> list[bytes]:
        return [text[start:end] for start, end in _values(text, labels)]

    assert found("amount") == [b" 1.5", b" 2"]
    assert found("name") == [b' "a: {x}"', b' "amount"']
    assert found("tags") == [b'"x"', b' "y"']
    assert not found("x")


def test_nothing_is_left_of_nothing() -> None:
    assert Search().next() is None
