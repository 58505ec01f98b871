"""The types of single values, sets and dicts on the default model: whatever it says, it is a value."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from microprompt import PromptFunction
from microprompt.engines.engine import Engine
from microprompt.engines.loaded import override
from microprompt.types import kind
from mpc import project

pytestmark = pytest.mark.model

PROGRAM = """
enum Topic:
    bug      "something is broken"
    billing  "a price, a payment or a refund"
    praise

record Bill:
    issued: date(2020-01-01..2030-12-31)
    due: time(08:00..18:00)?
    total: decimal(0.00..9999.99) as "amount to pay"
    stars: 1 | 5 | 10
    topics: set[Topic](1..2)
    items: dict[str, decimal(0.00..)](1..3)

prompt bill(text: str) -> Bill:
    Read the bill.

    Bill: {text}

prompt noted(text: str) -> datetime:
    When was it? Write the date and the time.

    Note: {text}
examples:
    "On 3 May 2021 at 9 in the morning." -> 2021-05-03T09:00
    "24 December 2020, six in the evening." -> 2020-12-24T18:00

prompt topics(text: str) -> set[Topic]:
    What is the message about?

    Message: {text}
examples:
    "It crashed twice." -> {bug}
    "I was charged twice for a broken phone." -> {bug, billing}
    "Great service!" -> {praise}
"""
TEXTS = ("Ink 4.50, paper 12, of 29 February 2024.", "Pay by noon.", "")


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    path: Path = tmp_path_factory.mktemp("types") / "bills.mp"
    path.write_text(PROGRAM, encoding="utf-8")
    return project.load(path)


@pytest.mark.parametrize("name", ["bill", "noted", "topics"])
def test_every_answer_is_a_value_within_its_bound(name: str, module: ModuleType, engine: Engine) -> None:
    function: PromptFunction[[str], object] = getattr(module, name)
    returns = kind(function.program.returns)
    with override(engine):
        most = function.explain().max_tokens
        for text in TEXTS:
            answer = function.detail(text)
            assert returns.check(answer.value, "the answer") is answer.value
            assert returns.read_data(answer.to_json()["value"], "the answer") == answer.value
            assert answer.usage.decoded_tokens <= most


def test_the_labels_of_a_set_are_asked_for_in_one_batch(module: ModuleType, engine: Engine) -> None:
    with override(engine):
        explained = module.topics.explain()
        answer = module.topics.detail("The app is broken, and I want my money back.")
    assert [slot.passes for slot in explained.slots] == [1]
    assert answer.distribution.keys() == set(module.Topic)
    assert all(0 < chance < 1 for chance in answer.distribution.values())
    assert answer.value == {label for label, chance in answer.distribution.items() if chance > 0.5}
