"""Answers that depend on the call, on the real models: copied from an invoice, chosen among few and many."""

from __future__ import annotations

from types import ModuleType

import pytest

from microprompt.deciding.shortlist import SHORTLIST
from mpc import project

PROGRAM = '''
record Tool:
    name: str
    does: str

record Invoice:
    number: span(text, /[A-Z]{2,3}-[0-9]{3,6}/)
    seller: span(text, ..60)
    total: span(text, /[0-9]+[.][0-9]{2}/)

prompt invoice(text: str) -> Invoice:
    Read the invoice: its number, who sells, and the total to pay.

    {text}
examples:
    "Smith Ltd, 1 High Road. Invoice RE-2231. 3 chairs 150.00, delivery 12.50, total 162.50." ->
        Invoice(number="RE-2231", seller="Smith Ltd", total="162.50")

prompt pick(request: str, tools: list[Tool]) -> one of tools by name:
    Pick the tool that serves the request.

    Request: {request}

prompt score(request: str, tools: list[Tool]) -> one of tools by name:
    Pick the tool that serves the request.

    Request: {request}
using:
    decide = "labels"
'''
TEXT = """Green Garden GmbH
Rosenweg 4, 10115 Berlin
Invoice no. GG-48213
2 rose bushes   19.90
Total           48.30 EUR"""
TOOLS = {
    "get_weather": "tells the weather of a place",
    "send_mail": "sends an email to somebody",
    "play_music": "plays songs and albums",
    "set_timer": "sets a timer or an alarm",
    "book_flight": "books a flight",
}

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    path = tmp_path_factory.mktemp("calls") / "calls_of_models.mp"
    path.write_text(PROGRAM, encoding="utf-8")
    return project.load(path)


def test_an_invoice_is_copied_from_its_text(module: ModuleType) -> None:
    answer = module.invoice.detail(TEXT)
    for field in answer.fields.values():
        ((start, end),) = field.spans
        assert TEXT[start:end] == field.value
    assert answer.value.number == "GG-48213"


def test_a_tool_is_picked_among_five_by_what_it_does(module: ModuleType) -> None:
    tools = [module.Tool(name=name, does=does) for name, does in TOOLS.items()]
    answer = module.pick.detail("Will it rain in Rome tomorrow?", tools)
    assert (answer.value, answer.answered_by) == (tools[0], "embedder")


def test_a_tool_is_picked_among_two_thousand_in_few_batches(module: ModuleType) -> None:
    verbs = [f"{a}{b}" for a in ("get", "set", "send", "find", "list") for b in ("", "_all", "_new", "_old")]
    tools = [module.Tool(name=f"{verb}_{number}", does="") for verb in verbs for number in range(100)]
    answer = module.score.detail("Find all of number 42.", tools)
    assert answer.value in tools
    assert sum(answer.distribution.values()) == pytest.approx(1)
    assert answer.usage.decoded_tokens < 600


def test_of_two_thousand_tools_the_nearest_ones_are_read(module: ModuleType) -> None:
    tools = [module.Tool(name=name, does=does) for name, does in TOOLS.items()]
    others = [module.Tool(name=f"tool_{number}", does=f"counts to {number}") for number in range(2000)]
    answer = module.pick.detail("Will it rain in Rome tomorrow?", [*others, *tools])
    assert (answer.value, answer.shortlist) == (tools[0], SHORTLIST)
