"""The scratchpad before an answer: how it begins and ends, what follows it, and what is told of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from microprompt import Answer, abi, settings
from microprompt.engines.engine import Engine
from microprompt.engines.loaded import override
from microprompt.engines.scripted import VOCABULARY, ByteBackend, Voice
from microprompt.errors import AnswerTooLong, PromptTooLong, ScriptError
from microprompt.prompts.reasoning import Markers
from microprompt.testing import Reasoned, scripted
from microprompt.types import DeclaredType, StrType

from .programs import ACT, INNER, Act, Inner, function, program
from .test_layout import turns

END = VOCABULARY - 1
MARKERS = Markers(opening="<think>\n", closing="\n</think>\n\n", empty="<think>\n\n</think>\n\n")


def asking(returns: DeclaredType = ACT, reasoning: int = 40, **using: Any) -> Any:
    return function(program(returns, name="ask", using=abi.Using(reasoning=reasoning, **using)))


def thinking(thought: str, opening: str = "Reasoning:", heard: list[str] | None = None) -> Voice:
    """A model that writes a thought, ends, and answers that something is a question."""

    def voice(text: bytes) -> NDArray[np.float32]:
        if heard is not None:
            heard.append(text.decode())
        said = text.decode().rpartition(opening)[2]
        logits = np.zeros(VOCABULARY, dtype=np.float32)
        going_on = thought.startswith(said)
        logits[(ord(thought[len(said)]) if len(thought) > len(said) else END) if going_on else ord("q")] = 20
        return logits

    return voice


def scored(heard: list[str]) -> str:
    """What was read when labels were scored; what comes behind is only a draft."""
    return next(text for text in heard if text.endswith(("\nAnswer: ", "\n</think>\n\n")))


def thought_about(thought: str, reasoning: int = 40) -> tuple[Answer[object], str]:
    """The answer of a model that thinks so, and what it had read when its labels were scored."""
    heard: list[str] = []
    with override(Engine(ByteBackend(thinking(thought, heard=heard)))):
        answer = asking(reasoning=reasoning).detail("Is it?")
    return answer, scored(heard).removeprefix("Say what it is.\n- question: asks for something\n\nInput: ")


# ------------------------------------------------------------------------------------- how it ends


@pytest.mark.parametrize(
    "written",
    [
        " It asks.",
        " It asks.\n\nInput: More",
        " It asks. \n \nMore",
        " It asks.\nAnswer: question",
        "\n\nIt asks.\n\n",
        "It asks.\n",
    ],
)
def test_it_ends_with_its_paragraph_or_where_the_model_answers(written: str) -> None:
    answer, read = thought_about(written)
    assert (answer.value, answer.reasoning, answer.reasoning_cut) == (Act.question, "It asks.", False)
    before = f"Is it?\nReasoning:{written[: written.index('It asks.')]}It asks."
    assert read.startswith(before)
    assert read.removeprefix(before).split() == ["Answer:"]


def test_it_is_cut_at_its_bound_and_the_answer_follows() -> None:
    answer, read = thought_about(" It asks for much.", reasoning=8)
    assert (answer.value, answer.reasoning, answer.reasoning_cut) == (Act.question, "It asks", True)
    assert read == "Is it?\nReasoning: It asks\nAnswer: "
    assert answer.usage.decoded_tokens == len(" It asks\nAnswer: ")


def test_a_bound_in_the_midst_of_the_cue_cuts_nothing() -> None:
    answer, read = thought_about(" It asks.\nAnswer: question", reasoning=13)
    assert (answer.reasoning, answer.reasoning_cut) == ("It asks.", False)
    assert read == "Is it?\nReasoning: It asks.\nAnswer: "


def test_it_may_be_empty() -> None:
    answer, read = thought_about("")
    assert (answer.reasoning, answer.reasoning_cut) == ("", False)
    assert read == "Is it?\nReasoning:\nAnswer: "


def test_lines_of_a_paragraph_are_one_thought() -> None:
    answer, _ = thought_about("1. It asks\n2. and waits\n\n")
    assert answer.reasoning == "1. It asks\n2. and waits"


# ------------------------------------------------------------------------------- models with markers


def test_a_model_with_markers_thinks_between_them() -> None:
    heard: list[str] = []
    backend = ByteBackend(thinking("It asks.\n</think>\n\nquestion", "<think>\n", heard))
    backend.template = replace(turns, markers=MARKERS)
    with override(Engine(backend, layout="chat")):
        answer = asking().detail("Is it?")
        assert asking().render("Is it?").endswith("Is it?\nAnswer:<assistant><think>\n")
        plain = function(program(ACT)).render("Is it?")
    assert (answer.value, answer.reasoning) == (Act.question, "It asks.")
    assert scored(heard).endswith("Answer:<assistant><think>\nIt asks.\n</think>\n\n")
    assert plain.endswith("Answer:<assistant><think>\n\n</think>\n\n")


def test_a_thought_between_markers_is_closed_at_its_bound() -> None:
    heard: list[str] = []
    backend = ByteBackend(thinking("It asks.\n\nOr so", "<think>\n", heard))
    backend.template = replace(turns, markers=MARKERS)
    with override(Engine(backend, layout="chat")):
        answer = asking(reasoning=11).detail("Is it?")
    assert (answer.reasoning, answer.reasoning_cut) == ("It asks.\n\nO", True)
    assert scored(heard).endswith("<think>\nIt asks.\n\nO\n</think>\n\n")


def test_without_markers_a_turn_has_both_the_reasoning_and_the_answer() -> None:
    heard: list[str] = []
    backend = ByteBackend(thinking("It asks:\n\n1. now", "<assistant>", heard))
    backend.template = turns
    with override(Engine(backend, layout="chat")):
        answer = asking().detail("Is it?")
    # A turn may have several paragraphs.
    assert (answer.reasoning, answer.reasoning_cut) == ("It asks:\n\n1. now", False)
    assert scored(heard).endswith("Is it?\nReasoning:<assistant>It asks:\n\n1. now\nAnswer: ")


# ----------------------------------------------------------------------------------- what is told


def test_choices_are_scored_behind_it() -> None:
    with scripted({"ask": Reasoned("It asks.", {Act.question: 0.75, Act.command: 0.25})}):
        answer = asking().detail("Is it?")
    assert (answer.value, answer.reasoning, answer.answered_by) == (Act.question, "It asks.", "labels")
    assert answer.distribution == pytest.approx({Act.question: 0.75, Act.command: 0.25, Act.other: 0.0})
    found = answer.to_json()
    assert (found["reasoning"], found["reasoning_cut"]) == ("It asks.", False)


def test_other_answers_say_nothing_of_it() -> None:
    with scripted({"ask": Act.question}):
        answer = function(program(ACT)).detail("Is it?")
    assert answer.reasoning is None
    assert "reasoning" not in answer.to_json()


@pytest.mark.parametrize("independent", [False, True])
def test_records_are_written_behind_it(independent: bool) -> None:
    inner = Inner(act=Act.command, urgency=4)
    with scripted({"ask": Reasoned("It is loud.", inner)}):
        ask = asking(INNER, independent=independent)
        answer = ask.detail("Now!")
        assert bool(ask.explain().waves) == independent
    assert (answer.value, answer.reasoning, [*answer.fields]) == (inner, "It is loud.", ["act", "urgency"])


def test_texts_are_written_behind_it() -> None:
    with scripted({"ask": lambda text: Reasoned(f"{text} is short.", "Yes.")}):
        assert [each.reasoning for each in asking(StrType()).map_detail(["a", "b"])] == [
            "a is short.",
            "b is short.",
        ]


def test_what_the_answer_may_have_is_counted_without_it() -> None:
    with scripted({"ask": Reasoned("It has many more words than that.", "Yes.")}):
        assert asking(StrType(), max_tokens=6)("Is it?") == "Yes."
    with scripted({"ask": Reasoned("It has.", "Yes, it is.")}), pytest.raises(AnswerTooLong):
        asking(StrType(), max_tokens=6)("Is it?")


def test_its_worst_case_is_in_that_of_the_answer() -> None:
    with scripted({}):
        bare, found = function(program(ACT)).explain(), asking(reasoning=40).explain()
    assert (bare.reasoning, found.reasoning) == (None, 40)
    assert found.max_tokens - bare.max_tokens == 40 + len("\nAnswer:")
    assert (found.slots[0].kind, found.slots[0].max_tokens) == ("reasoning", 40 + len("\nAnswer:"))


def test_room_is_kept_for_it() -> None:
    backend = ByteBackend(thinking(" It asks."), context=256)
    with override(Engine(backend)):
        asking(reasoning=100)("Is it?")
        with pytest.raises(PromptTooLong):
            asking(reasoning=200)("Is it?")


def test_it_is_kept_with_the_answer(tmp_path: Path) -> None:
    settings.configure(home=tmp_path, answer_cache=True)
    try:
        made = [Engine(ByteBackend(thinking(" It asks for much."))) for _ in range(2)]
        for engine in made:
            engine.identity = "tiny 1"
        answers = []
        for engine in made:
            with override(engine):
                answers.append(asking(reasoning=8).detail("Is it?"))
        assert isinstance(made[1].backend, ByteBackend)
        assert made[1].backend.decoded_batches == 0
        assert [(each.reasoning, each.reasoning_cut) for each in answers] == [("It asks", True)] * 2
    finally:
        settings.reset()


# ------------------------------------------------------------------------------------- in scripts


def test_a_script_without_it_leaves_it_empty() -> None:
    with scripted({"ask": Act.command}):
        answer = asking().detail("Go!")
    assert (answer.value, answer.reasoning) == (Act.command, "")


def test_what_is_too_long_in_a_script_is_cut() -> None:
    with scripted({"ask": Reasoned("It asks for much.", Act.question)}):
        answer = asking(reasoning=7).detail("Is it?")
    assert (answer.value, answer.reasoning, answer.reasoning_cut) == (Act.question, "It asks", True)


def test_a_script_cannot_reason_where_the_prompt_does_not() -> None:
    with scripted({"ask": Reasoned("It asks.", Act.question)}), pytest.raises(ScriptError, match="reason"):
        function(program(ACT))("Is it?")


def test_a_script_says_no_more_than_one_paragraph() -> None:
    with scripted({"ask": Reasoned("It asks.\n\nMuch.", Act.command)}), pytest.raises(ScriptError):
        asking()("Is it?")
