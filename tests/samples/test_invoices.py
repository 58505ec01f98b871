"""The invoices of examples/extract: their answers are what the program can give, and stand in their texts."""

from __future__ import annotations

from typing import Any

import pytest

from microprompt import PromptFunction
from microprompt.evaluation.rows import LabelledRows
from microprompt.testing import scripted

from ..accuracy import invoices


@pytest.fixture(scope="module", name="loaded")
def _loaded() -> tuple[PromptFunction[..., Any], LabelledRows]:
    return invoices.load()


def test_there_are_twenty_and_nothing_is_odd_about_them(
    loaded: tuple[PromptFunction[..., Any], LabelledRows],
) -> None:
    _, rows = loaded
    assert (len(rows), rows.warnings) == (20, ())


def test_the_function_gives_their_answers(loaded: tuple[PromptFunction[..., Any], LabelledRows]) -> None:
    function, rows = loaded
    for arguments, label in zip(rows.arguments, rows.labels, strict=True):
        with scripted({"read_invoice": label}):
            assert function(**arguments) == label


def test_every_amount_of_the_answers_stands_in_the_text(
    loaded: tuple[PromptFunction[..., Any], LabelledRows],
) -> None:
    _, rows = loaded
    for arguments, label in zip(rows.arguments, rows.labels, strict=True):
        invoice: Any = label
        amounts = [invoice.total, *(item.amount for item in invoice.items)]
        assert [str(amount) for amount in amounts if str(amount) not in str(arguments["text"])] == []


def test_the_page_tells_what_was_right_and_what_no_text_says(
    loaded: tuple[PromptFunction[..., Any], LabelledRows],
) -> None:
    _, rows = loaded
    pairs = zip(rows.arguments, rows.labels, strict=True)
    labels = {str(arguments["text"]): label for arguments, label in pairs}

    def answer(text: str) -> object:
        return labels[text]

    with scripted({"read_invoice": answer}):
        lines = list(invoices.page(invoices.measured(["smollm2-135m"])))

    assert lines[-1].startswith("| smollm2-135m | 1.0")
    assert " | 0 | 0 | 0 | " in lines[-1]
