"""Examples left out in turn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from microprompt import abi, settings
from microprompt.deciding.source import Unseen
from microprompt.engines import loaded
from microprompt.errors import ScriptError
from microprompt.evaluation.leave_out import MOST, leave_out
from microprompt.evaluation.variants import with_program
from microprompt.function import PromptFunction
from microprompt.testing import scripted

from ..deciding.fakes import FakeSources
from .programs import Act, classify, title


def with_examples(*examples: abi.Example) -> PromptFunction[..., Any]:
    return with_program(classify, replace(classify.program, examples=examples))


def test_examples_are_asked_and_counted_against_the_most_frequent_label() -> None:
    with scripted({"classify": lambda text: Act.question if text.endswith("?") else Act.command}) as engine:
        found = leave_out(classify)
    assert found == Unseen(examples=4, right=3, chance=2)
    assert {call[1]["text"] for call in engine.calls} == {"Who is it?", "Sit down.", "Where?", "It rains."}


def test_an_example_is_not_in_the_prompt_that_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    real = PromptFunction.detail

    def detail(self: PromptFunction[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        shown.append(self.render(*args, **kwargs))
        return real(self, *args, **kwargs)

    monkeypatch.setattr(PromptFunction, "detail", detail)
    with scripted({"classify": Act.question}):
        leave_out(classify)
    assert len(shown) == 4
    for prompt in shown:
        assert [prompt.count(str(example.arguments[0])) for example in classify.program.examples] == [1] * 4


@pytest.mark.parametrize("count", [0, 3, MOST + 1])
def test_too_few_or_too_many_examples_are_not_left_out(count: int) -> None:
    examples = [abi.Example(arguments=(str(at),), answer=Act.command, line=1) for at in range(count)]
    with scripted({"classify": Act.question}) as engine:
        assert leave_out(with_examples(*examples)) is None
    assert engine.calls == []


def test_only_choices_are_left_out() -> None:
    examples = [abi.Example(arguments=(str(at),), answer="x", line=1) for at in range(5)]
    with scripted({"title": "x"}):
        assert leave_out(with_program(title, replace(title.program, examples=tuple(examples)))) is None


def test_an_example_without_an_answer_is_an_error() -> None:
    with scripted({}), pytest.raises(ScriptError):
        leave_out(classify)


def test_a_head_from_the_source_tells_it_without_another_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sources = FakeSources()
    of = sources(None, Path())
    monkeypatch.setattr(loaded, "engine_for", lambda model, folder: of.engine())
    monkeypatch.setattr(loaded, "embedder_for", lambda name, folder: of.embedder(name))
    settings.configure(home=tmp_path)
    try:
        examples = [
            abi.Example(arguments=(f"{word} it {n}",), answer=act, line=1)
            for word, act in (("Who", Act.question), ("Do", Act.command), ("So", Act.statement))
            for n in range(3)
        ]
        asked = with_examples(*examples)
        # What it is tuned to, and what it may abstain from, is not looked at: neither is there.
        using = abi.Using(abstain=abi.Threshold(reach=0.9))
        program = replace(asked.program, using=using, tuning=abi.Tuning(file="no.tuning.json", key="0"))
        assert leave_out(with_program(asked, program)) == Unseen(examples=9, right=9, chance=3)
    finally:
        settings.reset()
        sources.close()
    assert sources.small.calls == []
