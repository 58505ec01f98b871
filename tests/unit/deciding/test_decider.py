"""The decider as a caller sees it: what answers, what it costs, and what becomes of what is not sure."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from microprompt import Answer, abi
from microprompt.deciding import evidence as gathering
from microprompt.deciding.decider import Decider, decider_for
from microprompt.engines.loaded import override
from microprompt.errors import DeadlineExceeded, EngineError, ModelError, TuningError
from microprompt.heads import tuning
from microprompt.heads.evidence import RECIPE, Embedding, Evidence, Labels, Readout
from microprompt.heads.head import Head, HeadPart
from microprompt.heads.linear import Linear
from microprompt.heads.tuning import Entry, Resolved, Thresholds
from microprompt.program import Program
from microprompt.scheduling.jobs import run_many
from microprompt.types import BoolType, IntType, OptionalType, StrType

from ..runtime.programs import ACT, INNER, Act, Inner, program
from .fakes import EXAMPLES, LARGE, FakeSources, ask, call, direction, with_using

OWN = Readout(1, "own")
TEXT = Embedding("minilm-l6", "text")
KEY = "0123456789abcdef" * 2


@pytest.fixture
def sources() -> Iterator[FakeSources]:
    scores = {Act.question: 0.5, Act.command: 0.375, Act.other: 0.125}
    found = FakeSources({"ask": scores}, larger={"ask": Act.other})
    yield found
    found.close()


def decider(laid_out: Program, sources: FakeSources, folder: Path = Path()) -> Decider:
    return Decider(laid_out, folder, sources=sources)


@pytest.fixture
def tuned(tmp_path: Path) -> Callable[..., Program]:
    """A program with a tuning file in `tmp_path`."""

    def make(laid_out: Program, head: Head, name: str = "", **other: Any) -> Program:
        usual = {"key": KEY, "model": "smollm2-135m", "heads": {name: head}, "report": {"rows": 150}}
        found = Entry(**(usual | other))
        tuning.write(tmp_path / "ask.tuning.json", {"ask": (found,)})
        return replace(laid_out, tuning=abi.Tuning(file="ask.tuning.json", key=KEY))

    return make


def towards(*texts: str, evidence: Evidence = OWN, sure: float = 4.0, calibrated: bool = True) -> Head:
    """A head that says a label of texts that are like the label's."""
    weights = np.stack([sure * direction(text) for text in texts])
    part = HeadPart(evidence, 1.0, Linear(weights, np.zeros(len(texts), dtype=np.float32)))
    return Head(parts=(part,), calibrated=calibrated)


HEAD = towards("is", "close", "falling")


# ------------------------------------------------------------------------------------- what is decided


def test_programs_without_choices_and_thresholds_have_no_decider() -> None:
    assert decider_for(program(StrType()), Path()) is None
    assert decider_for(program(ACT, using=abi.Using(decide=abi.LABELS)), Path()) is None
    assert decider_for(program(ACT), Path()) is not None
    assert decider_for(program(StrType(), using=abi.Using(escalate=abi.Escalation(
        model=LARGE, when=abi.Threshold(below=0.5)))), Path()) is not None


def test_a_choice_is_answered_from_its_source(sources: FakeSources) -> None:
    asked = decider(program(ACT, examples=EXAMPLES), sources)
    answer = ask(asked, "Is it near?")
    assert answer.value is Act.question
    assert (answer.answered_by, answer.calibrated) == ("readout+embedder", False)
    assert answer.confidence == max(answer.distribution.values())
    assert list(answer.distribution) == [Act.question, Act.command, Act.other]
    assert sum(answer.distribution.values()) == pytest.approx(1.0)
    assert (answer.coverage, answer.mean, answer.model) == (None, None, "smollm2-135m")


def test_what_only_the_embedder_decides_loads_no_language_model(sources: FakeSources) -> None:
    asked = decider(program(ACT), sources)
    answer = ask(asked, "asks for something")
    assert (answer.value, answer.model) == (Act.question, "minilm-l6")
    assert "small" not in sources.loaded


def test_what_a_text_names_decides_without_a_language_model(sources: FakeSources) -> None:
    laid_out = program(ACT, examples={"A command, and loud.": Act.command})
    found = ask(decider(laid_out, sources), "two loud commands")
    assert (found.value, found.answered_by) == (Act.command, "embedder+names")
    assert "small" not in sources.loaded


def test_labels_are_scored_where_the_source_says_nothing_else(sources: FakeSources) -> None:
    sources.small._script = {"ask": {True: 0.25, False: 0.75}}
    answer = ask(decider(program(BoolType()), sources), "Hm.")
    assert (answer.value, answer.answered_by) == (False, "labels")
    assert answer.coverage == pytest.approx(1.0)


def test_a_head_is_fitted_once_for_all_processes(sources: FakeSources) -> None:
    laid_out = program(ACT, examples=EXAMPLES)
    first = ask(decider(laid_out, sources), "Is it near?")
    readings = len(sources.small.readings.asked)
    gathering.forget()
    again = ask(decider(laid_out, sources), "Is it near?")
    assert again.distribution == first.distribution
    assert len(sources.small.readings.asked) == readings + 1


def test_a_kept_head_that_is_damaged_is_fitted_again(sources: FakeSources, home: Path) -> None:
    laid_out = program(ACT, examples=EXAMPLES)
    first = ask(decider(laid_out, sources), "Is it near?")
    (file,) = (home / "heads").iterdir()
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert ask(decider(laid_out, sources), "Is it near?").distribution == first.distribution


def test_without_the_embedder_it_is_said_once_and_tried_again(
    sources: FakeSources, capsys: pytest.CaptureFixture[str]
) -> None:
    embedder, sources.fake_embedder = sources.fake_embedder, None
    laid_out = program(ACT, examples=EXAMPLES)
    for _ in range(2):
        assert ask(decider(laid_out, sources), "Is it near?").answered_by == "readout"
    assert capsys.readouterr().err.count("without the embedder") == 1
    sources.fake_embedder = embedder
    assert ask(decider(laid_out, sources), "Is it near?").answered_by == "readout+embedder"


def test_inside_an_override_no_head_answers(sources: FakeSources) -> None:
    laid_out = with_using(program(ACT, examples=EXAMPLES), escalate=None)
    with override(sources.small):
        assert not decider(laid_out, sources).decides
        assert ask(decider(laid_out, sources), "Rain.").answered_by == "labels"


def test_by_chance_an_answer_is_taken_from_what_the_head_says(
    sources: FakeSources, tuned: Any, tmp_path: Path
) -> None:
    warm = with_using(tuned(program(ACT), towards("a", "b", "c", sure=1.0)), temperature=1.0)

    def taken(seed: int) -> object:
        return ask(decider(with_using(warm, seed=seed), sources, tmp_path), "a b c").value

    assert {taken(seed) for seed in range(20)} == set(Act)
    assert len({taken(3) for _ in range(5)}) == 1


def test_what_is_nearly_as_likely_is_a_near_tie(sources: FakeSources, tuned: Any, tmp_path: Path) -> None:
    asked = decider(tuned(program(ACT), towards("is", "is", "falling")), sources, tmp_path)
    assert ask(asked, "is").near_tie
    assert not ask(asked, "falling").near_tie


def test_whole_numbers_have_a_mean(sources: FakeSources, tuned: Any, tmp_path: Path) -> None:
    laid_out = tuned(program(IntType(minimum=1, maximum=3)), HEAD)
    answer = ask(decider(laid_out, sources, tmp_path), "is falling")
    assert answer.mean == pytest.approx(sum(value * p for value, p in answer.distribution.items()))


# ------------------------------------------------------------------------------------------- records


def test_the_model_writes_a_record_around_what_a_head_decides(sources: FakeSources) -> None:
    written = Inner(act=Act.question, urgency=4)
    sources.small._script = {"ask": written}
    answer = ask(decider(program(INNER), sources), "asks for something")
    act, urgency = answer.fields["act"], answer.fields["urgency"]
    assert answer.value == written
    assert (act.value, act.answered_by) == (Act.question, "embedder")
    assert (urgency.value, urgency.answered_by) == (4, "labels")
    assert urgency.mean == pytest.approx(4.0)
    assert (answer.answered_by, answer.confidence) == ("model", act.confidence * urgency.confidence)
    assert answer.usage.prompt_tokens > 35  # the text was embedded too


def test_what_a_head_decides_stands_before_what_the_model_writes(sources: FakeSources) -> None:
    """The script would have another act, but it is the head's that the model writes on."""
    sources.small._script = {
        "ask": {Inner(act=Act.other, urgency=4): 0.5, Inner(act=Act.question, urgency=2): 0.5}
    }
    answer = ask(decider(program(INNER), sources), "asks for something")
    assert answer.value == Inner(act=Act.question, urgency=2)


def test_a_record_that_heads_decide_needs_no_model(sources: FakeSources, tuned: Any, tmp_path: Path) -> None:
    act = towards("is", "close", "falling", evidence=TEXT)
    urgency = towards("a", "b", "c", "d", "e", evidence=TEXT)
    laid_out = tuned(program(INNER), act, heads={"act": act, "urgency": urgency})
    answer = ask(decider(laid_out, sources, tmp_path), "is c")
    assert answer.value == Inner(act=Act.question, urgency=3)
    assert sources.loaded.count("small") == 0
    assert {field.answered_by for field in answer.fields.values()} == {"embedder"}


def test_label_scores_of_a_field_are_corrected(sources: FakeSources, tuned: Any, tmp_path: Path) -> None:
    """The first answer has the scores; where another label comes out of them, the rest is written again."""
    sources.small._script = {
        "ask": {Inner(act=Act.question, urgency=4): 0.6, Inner(act=Act.command, urgency=2): 0.4}
    }
    same = Linear(np.eye(3, dtype=np.float32), np.array([-3, 0, 0], dtype=np.float32))
    corrected = Head(parts=(HeadPart(Labels(), 1.0, same),))
    laid_out = tuned(program(INNER), corrected, heads={"act": corrected})
    answer = ask(decider(laid_out, sources, tmp_path), "Hm.")
    assert answer.value == Inner(act=Act.command, urgency=2)
    assert answer.fields["act"].answered_by == "labels"
    once = sources.small.answer(call(laid_out, "Hm."))
    assert answer.usage.prompt_tokens == 2 * once.usage.prompt_tokens


# -------------------------------------------------------------------------------------------- tuning


def test_a_tuned_head_answers(sources: FakeSources, tuned: Any, tmp_path: Path) -> None:
    laid_out = tuned(program(ACT, examples=EXAMPLES), HEAD)
    answer = ask(decider(laid_out, sources, tmp_path), "is falling falling")
    assert (answer.value, answer.answered_by, answer.calibrated) == (Act.other, "readout", True)
    assert [reading for _, reading in sources.small.readings.asked] == [OWN]


def test_label_scores_are_corrected_by_a_tuned_head(sources: FakeSources, tuned: Any, tmp_path: Path) -> None:
    same = Linear(np.eye(3, dtype=np.float32), np.array([-3, 0, 0], dtype=np.float32))
    corrected = Head(parts=(HeadPart(Labels(), 1.0, same),))
    answer = ask(decider(tuned(program(ACT), corrected), sources, tmp_path), "Hm.")
    assert (answer.value, answer.answered_by) == (Act.command, "labels")
    assert answer.coverage == pytest.approx(1.0)
    assert answer.usage.decoded_tokens > 0


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"key": "f" * 32}, "another version of this prompt"),
        ({"model": "gemma3-270m"}, "tuned for gemma3-270m, not for smollm2-135m"),
        ({"recipe": RECIPE + 1}, "another version of microprompt"),
    ],
)
def test_the_tuning_of_something_else_is_not_used_and_that_is_said_once(
    sources: FakeSources,
    tuned: Any,
    tmp_path: Path,
    entry: dict[str, Any],
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("microprompt.deciding.settle._told", set())
    laid_out = tuned(program(ACT, examples=EXAMPLES), HEAD, **entry)
    for asked in (decider(laid_out, sources, tmp_path), decider(laid_out, sources, tmp_path)):
        assert ask(asked, "Is it near?").answered_by == "readout+embedder"
        assert why in str(asked.settlement().untuned)
    said = capsys.readouterr().err
    assert said.count("answers untuned") == 1
    assert why in said


@pytest.mark.parametrize(
    ("returns", "name"), [(BoolType(), ""), (ACT, "act"), (INNER, "")], ids=["labels", "field", "record"]
)
def test_a_tuning_that_does_not_fit_the_type_is_an_error(
    sources: FakeSources, tuned: Any, tmp_path: Path, returns: Any, name: str
) -> None:
    asked = decider(tuned(program(returns), HEAD, name=name), sources, tmp_path)
    with pytest.raises(TuningError, match=r"does not fit its type(?s:.*)mpc tune"):
        ask(asked, "Hm.")


def test_a_tuning_file_that_is_gone_is_an_error(sources: FakeSources, tuned: Any, tmp_path: Path) -> None:
    laid_out = tuned(program(ACT), HEAD)
    (tmp_path / "ask.tuning.safetensors").unlink()
    with pytest.raises(TuningError, match="mpc tune"):
        ask(decider(laid_out, sources, tmp_path), "Hm.")


def test_a_tuned_head_does_without_an_embedder_that_is_not_to_be_had(
    sources: FakeSources, tuned: Any, tmp_path: Path
) -> None:
    both = replace(HEAD, parts=(*HEAD.parts, *towards("a", "b", "c", evidence=TEXT).parts))
    laid_out = tuned(program(ACT), both)
    assert ask(decider(laid_out, sources, tmp_path), "is").answered_by == "readout+embedder"
    sources.fake_embedder = None
    answer = ask(decider(laid_out, sources, tmp_path), "is")
    assert (answer.answered_by, answer.calibrated) == ("readout", False)


# ------------------------------------------------------------------------------------ several questions


def test_questions_about_one_text_share_what_was_read_of_it(
    sources: FakeSources, tuned: Any, tmp_path: Path
) -> None:
    alone = replace(HEAD, parts=(replace(HEAD.parts[0], evidence=Readout(1, "none")),))
    laid_out = tuned(program(ACT), alone)
    other = replace(laid_out, instruction="Another one.")
    first = ask(decider(laid_out, sources, tmp_path), "Is it?")
    second = ask(decider(other, sources, tmp_path), "Is it?")
    assert len(sources.small.readings.asked) == 1
    assert second.usage.prompt_tokens == first.usage.prompt_tokens > 0
    assert (first.usage.cached_tokens, second.usage.cached_tokens) == (0, second.usage.prompt_tokens)


def test_gathered_calls_wait_for_one_reading(sources: FakeSources, tuned: Any, tmp_path: Path) -> None:
    asked = decider(tuned(program(ACT), HEAD), sources, tmp_path)
    asked.settlement()
    sources.small.readings.holds = True
    running = [asked.submit(call(asked.program, "Is it?")) for _ in range(3)]
    sources.small.readings.finish()
    assert [answer.value for answer in run_many(((asked, each) for each in running), in_flight=3)] == [
        Act.question
    ] * 3
    assert len(sources.small.readings.asked) == 1


# ------------------------------------------------------------------------------------------- how it ends


def test_a_reading_is_given_up_with_the_last_call_for_it(
    sources: FakeSources, tuned: Any, tmp_path: Path
) -> None:
    asked = decider(tuned(program(ACT), HEAD), sources, tmp_path)
    asked.settlement()
    sources.small.readings.holds = True
    one, other = (asked.submit(call(asked.program, "Is it?")) for _ in range(2))
    asked.abandon(one)
    assert not sources.small.readings.abandoned
    asked.abandon(other)
    assert len(sources.small.readings.abandoned) == 1


def test_a_call_that_takes_too_long_ends_and_gives_up_its_work(
    sources: FakeSources, tuned: Any, tmp_path: Path
) -> None:
    asked = decider(tuned(program(ACT), HEAD), sources, tmp_path)
    asked.settlement()
    sources.small.readings.holds = True
    with pytest.raises(DeadlineExceeded):
        ask(asked, "Is it?", timeout=0.01)
    assert len(sources.small.readings.abandoned) == 1


def test_the_time_of_one_call_among_many_counts_from_when_its_texts_are_embedded(
    sources: FakeSources, tuned: Any, tmp_path: Path
) -> None:
    head = towards("is", "close", "falling", evidence=TEXT)
    asked = decider(tuned(program(ACT), head), sources, tmp_path)
    list(asked.run_many([call(asked.program, "Is it?", timeout=5)], in_flight=1))
    assert sources.fake_embedder is not None
    assert sources.fake_embedder.waited == [True]


def test_what_fails_ends_the_call_and_gives_up_the_rest(
    sources: FakeSources, tuned: Any, tmp_path: Path
) -> None:
    both = replace(HEAD, parts=(*HEAD.parts, *towards("a", "b", "c", evidence=TEXT).parts))
    asked = decider(tuned(program(ACT), both), sources, tmp_path)
    asked.settlement()
    assert sources.fake_embedder is not None
    sources.small.readings.holds = sources.fake_embedder.texts.holds = True
    pending = asked.submit(call(asked.program, "Is it?"))
    sources.fake_embedder.texts.fail(EngineError("no"))
    with pytest.raises(EngineError, match="no"):
        asked.result(pending)
    assert len(sources.small.readings.abandoned) == 1


def test_many_calls_are_answered_in_order(sources: FakeSources) -> None:
    asked = decider(program(ACT, examples=EXAMPLES), sources)
    texts = ["Is it near?", "Close the lid.", "Hail was falling."] * 5
    answers = asked.run_many((call(asked.program, text) for text in texts), in_flight=4)
    assert [answer.value for answer in answers] == [Act.question, Act.command, Act.other] * 5


def test_tasks_are_answered_and_can_be_cancelled(sources: FakeSources) -> None:
    asked = decider(program(ACT, examples=EXAMPLES), sources)

    async def main() -> Answer[object]:
        answer = await asked.aanswer(call(asked.program, "Is it near?"))
        sources.small.readings.holds = True
        task = asyncio.create_task(asked.aanswer(call(asked.program, "Close it.")))
        while not any(text == "Close it." for text, _ in sources.small.readings.asked):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return answer

    assert asyncio.run(main()).value is Act.question
    assert len(sources.small.readings.abandoned) == 1


def test_a_task_that_takes_too_long_ends(sources: FakeSources, tuned: Any, tmp_path: Path) -> None:
    asked = decider(tuned(program(ACT), HEAD), sources, tmp_path)
    asked.settlement()
    sources.small.readings.holds = True
    with pytest.raises(DeadlineExceeded):
        asyncio.run(asked.aanswer(call(asked.program, "Is it?", timeout=0.01)))
    assert len(sources.small.readings.abandoned) == 1


def test_what_ends_a_call_of_a_task_is_raised_there_and_told_to_nobody_else(
    sources: FakeSources, tuned: Any, tmp_path: Path
) -> None:
    asked = decider(tuned(program(ACT), HEAD), sources, tmp_path)
    asked.settlement()
    sources.small.readings.holds = True
    told: list[str] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, found: told.append(found["message"]))
        task = asyncio.create_task(asked.aanswer(call(asked.program, "Is it?")))
        while not sources.small.readings.asked:
            await asyncio.sleep(0)
        sources.small.readings.fail(EngineError("no"))
        with pytest.raises(EngineError, match="no"):
            await task

    asyncio.run(main())
    gc.collect()  # asyncio complains when a future goes whose error nobody has asked for
    assert told == []


# -------------------------------------------------------------------------------------------- thresholds

MAYBE = OptionalType(item=ACT)


@pytest.mark.parametrize(("text", "value"), [("is", Act.question), ("is falling", None)])
def test_an_answer_that_is_not_sure_is_none(
    sources: FakeSources, tuned: Any, tmp_path: Path, text: str, value: object
) -> None:
    head = towards("is", "close", "falling", "nothing")
    laid_out = with_using(tuned(program(MAYBE), head), abstain=abi.Threshold(below=0.7))
    answer = ask(decider(laid_out, sources, tmp_path), text)
    assert (answer.value, answer.abstained) == (value, value is None)
    assert answer.distribution[Act.question] == pytest.approx(answer.confidence, abs=0.1)


def test_none_as_a_label_is_not_abstaining(sources: FakeSources, tuned: Any, tmp_path: Path) -> None:
    head = towards("is", "close", "falling", "nothing")
    laid_out = with_using(tuned(program(MAYBE), head), abstain=abi.Threshold(below=0.7))
    answer = ask(decider(laid_out, sources, tmp_path), "nothing")
    assert (answer.value, answer.abstained) == (None, False)


@pytest.mark.parametrize(("resolved", "value"), [(0.5, Act.question), (0.999, None)])
def test_an_accuracy_to_reach_is_the_number_that_tuning_found(
    sources: FakeSources, tuned: Any, tmp_path: Path, resolved: float, value: object
) -> None:
    head = towards("is", "close", "falling", "nothing")
    thresholds = Thresholds(abstain=Resolved(reach=0.95, below=resolved))
    laid_out = tuned(program(MAYBE), head, thresholds=thresholds)
    asked = decider(with_using(laid_out, abstain=abi.Threshold(reach=0.95)), sources, tmp_path)
    assert ask(asked, "is").value == value
    assert asked.settlement().abstain == resolved


def test_a_number_for_another_accuracy_or_model_is_refused(
    sources: FakeSources, tuned: Any, tmp_path: Path
) -> None:
    resolved = Thresholds(
        abstain=Resolved(reach=0.9, below=0.5), escalate=Resolved(reach=0.9, below=0.5, model="other")
    )
    laid_out = tuned(program(MAYBE), towards("a", "b", "c", "d"), thresholds=resolved)
    abstaining = with_using(laid_out, abstain=abi.Threshold(reach=0.95))
    with pytest.raises(TuningError, match=r"its tuning has the confidence for 0\.9\n"):
        ask(decider(abstaining, sources, tmp_path), "is")
    larger = abi.Escalation(model=LARGE, when=abi.Threshold(reach=0.9))
    with pytest.raises(TuningError, match=r"0\.9 with gemma3-270m, and .* for 0\.9 with other\n"):
        ask(decider(with_using(laid_out, escalate=larger), sources, tmp_path), "is")


@pytest.mark.parametrize("has_tuning", [False, True])
def test_an_accuracy_to_reach_needs_a_tuning(
    sources: FakeSources, tuned: Any, tmp_path: Path, has_tuning: bool
) -> None:
    laid_out = tuned(program(MAYBE), towards("a", "b", "c", "d")) if has_tuning else program(MAYBE)
    asked = decider(with_using(laid_out, abstain=abi.Threshold(reach=0.95)), sources, tmp_path)
    with pytest.raises(TuningError, match=r"to abstain to reach 0\.95(?s:.*)mpc tune tests/ask\.mp ask --on"):
        ask(asked, "is")


def escalated(laid_out: Program, below: float) -> Program:
    return with_using(
        laid_out, escalate=abi.Escalation(model=LARGE, when=abi.Threshold(below=below))
    )


def test_an_answer_that_is_not_sure_is_put_to_the_larger_model_as_well(
    sources: FakeSources, tuned: Any, tmp_path: Path
) -> None:
    asked = decider(escalated(tuned(program(BoolType()), towards("is", "close")), 0.9), sources, tmp_path)
    sources.large._script = {"ask": {True: 0.25, False: 0.75}}
    sure, unsure = ask(asked, "is"), ask(asked, "is close")
    assert (sure.value, sure.first, sure.second, sure.model) == (True, None, None, "smollm2-135m")
    assert (unsure.value, unsure.model) == (False, "smollm2-135m+gemma3-270m")
    assert (unsure.answered_by, unsure.calibrated) == ("readout+labels", False)
    assert (unsure.first.answered_by, unsure.first.model) == ("readout", "smollm2-135m")
    assert (unsure.second.answered_by, unsure.second.model) == ("labels", "gemma3-270m")
    assert unsure.seconds >= unsure.first.seconds
    assert len(sources.large.calls) == 1
    assert unsure.usage.prompt_tokens == (
        unsure.first.usage.prompt_tokens + unsure.second.usage.prompt_tokens
    )


def test_the_answer_of_both_models_is_the_product_of_what_they_say(
    sources: FakeSources, tuned: Any, tmp_path: Path
) -> None:
    sources.large._script = {"ask": {Act.question: 0.5, Act.command: 0.375, Act.other: 0.125}}
    asked = decider(escalated(tuned(program(ACT), towards("is", "close", "x")), 0.9), sources, tmp_path)
    answer = ask(asked, "close is close")
    product = {act: answer.first.distribution[act] * answer.second.distribution[act] for act in Act}
    expected = {act: each / sum(product.values()) for act, each in product.items()}
    assert answer.distribution == pytest.approx(expected)
    assert answer.confidence == answer.distribution[answer.value] == max(answer.distribution.values())
    assert {*answer.to_json()} >= {"first", "second"}


def test_two_models_that_disagree_are_a_near_tie(sources: FakeSources, tuned: Any, tmp_path: Path) -> None:
    laid_out = tuned(program(BoolType()), towards("is", "is"))
    sources.large._script = {"ask": {True: 0.5, False: 0.5}}
    assert ask(decider(escalated(laid_out, 0.9), sources, tmp_path), "is").near_tie


def test_the_larger_model_has_a_tuning_of_its_own(sources: FakeSources, tuned: Any, tmp_path: Path) -> None:
    laid_out = tuned(program(ACT), towards("a", "b", "c"))
    path = tmp_path / "ask.tuning.json"
    larger = Entry(key=KEY, model="gemma3-270m", heads={"": towards("x", "is", "y")})
    tuning.write(path, tuning.with_entry(tuning.read(path), "ask", larger))
    answer = ask(decider(escalated(laid_out, 0.9), sources, tmp_path), "is")
    assert (answer.value, answer.calibrated) == (Act.command, True)
    assert answer.answered_by == "readout+readout"
    assert len(sources.large.readings.asked) == 1


def test_what_both_models_are_unsure_of_is_abstained_from(
    sources: FakeSources, tuned: Any, tmp_path: Path
) -> None:
    laid_out = escalated(tuned(program(MAYBE), towards("a", "b", "c", "d")), 0.9)
    laid_out = with_using(laid_out, abstain=abi.Threshold(below=0.6), decide=None)
    path = tmp_path / "ask.tuning.json"
    unsure = Entry(key=KEY, model="gemma3-270m", heads={"": towards("is", "is", "c", "d")})
    tuning.write(path, tuning.with_entry(tuning.read(path), "ask", unsure))
    answer = ask(decider(laid_out, sources, tmp_path), "is")
    assert (answer.value, answer.abstained, answer.first is None) == (None, True, False)
    assert not answer.first.abstained
    assert not answer.second.abstained
    sure = Entry(key=KEY, model="gemma3-270m", heads={"": towards("is", "b", "c", "d")})
    tuning.write(path, tuning.with_entry(tuning.read(path), "ask", sure))
    answer = ask(decider(laid_out, sources, tmp_path), "is")
    assert (answer.value, answer.abstained) == (Act.question, False)


def test_the_number_to_abstain_is_for_the_answers_of_both_models(
    sources: FakeSources, tuned: Any, tmp_path: Path
) -> None:
    alone = Thresholds(abstain=Resolved(reach=0.95, below=0.5))
    asked = escalated(tuned(program(MAYBE), towards("is", "b", "c", "d"), thresholds=alone), 0.9)
    with pytest.raises(TuningError, match=r"to abstain to reach 0\.95 with gemma3-270m"):
        ask(decider(with_using(asked, abstain=abi.Threshold(reach=0.95)), sources, tmp_path), "is")
    both = Thresholds(abstain=Resolved(reach=0.95, below=0.5, model="gemma3-270m"))
    asked = escalated(tuned(program(MAYBE), towards("is", "b", "c", "d"), thresholds=both), 0.9)
    asked = with_using(asked, abstain=abi.Threshold(reach=0.95))
    assert decider(asked, sources, tmp_path).settlement().abstain == 0.5


def test_a_larger_model_that_is_not_to_be_had_is_said_at_the_first_call(
    sources: FakeSources, tuned: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = decider(escalated(tuned(program(ACT), towards("is", "close", "x")), 0.9), sources, tmp_path)

    def check(of: FakeSources.Of) -> None:
        if of.is_large:
            raise ModelError("there is no model `gemma3-270m`")

    monkeypatch.setattr(FakeSources.Of, "check", check)
    with pytest.raises(ModelError, match="no model `gemma3-270m`"):
        ask(asked, "is is is")  # of which the smaller model is sure


def test_thresholds_hold_where_labels_are_scored(sources: FakeSources) -> None:
    laid_out = with_using(program(MAYBE), abstain=abi.Threshold(below=0.6), decide=abi.LABELS)
    answer = ask(decider(laid_out, sources), "Hm.")
    assert (answer.value, answer.abstained, answer.answered_by) == (None, True, "labels")
    assert answer.confidence == pytest.approx(0.5)


def test_thresholds_hold_for_scripted_answers(sources: FakeSources) -> None:
    laid_out = with_using(program(MAYBE), abstain=abi.Threshold(below=0.6))
    with override(sources.small):
        asked = decider(laid_out, sources)
        assert asked.decides
        assert ask(asked, "Hm.").abstained


def test_who_answers_in_a_model_s_place_is_not_said_to_be_untuned(
    sources: FakeSources,
    tuned: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("microprompt.deciding.settle._told", set())
    laid_out = with_using(tuned(program(ACT), HEAD, model="gemma3-270m"), abstain=abi.Threshold(below=0.6))
    with override(sources.small):
        ask(decider(laid_out, sources, tmp_path), "Hm.")
    assert capsys.readouterr().err == ""


def test_a_failure_of_the_larger_model_ends_the_call(
    sources: FakeSources, tuned: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = decider(escalated(tuned(program(ACT), towards("a", "b", "c")), 0.9), sources, tmp_path)
    asked.settlement()

    def refuse(*_: object, **__: object) -> None:
        raise ModelError("no memory for it")

    monkeypatch.setattr(sources.large, "submit", refuse)
    monkeypatch.setattr(sources.large, "read", refuse)
    with pytest.raises(ModelError, match="no memory"):
        ask(asked, "is")
