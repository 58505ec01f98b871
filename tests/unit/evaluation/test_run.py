"""Evaluations: what is measured of which answers, and what is said of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from microprompt import abi, settings
from microprompt.answer import Answer
from microprompt.engines import loaded
from microprompt.errors import DeadlineExceeded, ModelError, ScriptError
from microprompt.evaluation.figures import measure
from microprompt.evaluation.outcomes import outcomes
from microprompt.evaluation.rows import LabelledRows
from microprompt.evaluation.run import Evaluated, Evaluation, compare, run, warm
from microprompt.evaluation.variants import Variant, on_models, with_program
from microprompt.function import PromptFunction
from microprompt.testing import ScriptedEngine, scripted
from microprompt.types import kind
from microprompt.types.leaves import leaves

from .programs import Act, Ticket, classify, maybe, price, same, stars, title, triage

AnyFunction = PromptFunction[..., Any]
QUESTION, COMMAND, STATEMENT = Act.question, Act.command, Act.statement


def labelled(*rows: tuple[str, object]) -> LabelledRows:
    """Rows of a function of one text."""
    return LabelledRows(
        source="rows.jsonl",
        lines=tuple(range(1, len(rows) + 1)),
        arguments=tuple({"text": text} for text, _ in rows),
        warnings=(),
        labels=tuple(label for _, label in rows),
    )


def evaluated(function: AnyFunction, script: Mapping[str, object], *rows: tuple[str, object]) -> Evaluated:
    """What is measured when the function answers each text as the script says."""
    with scripted({function.program.name: lambda text: script[text]}):
        return run(Variant(name="it", function=function), labelled(*rows), lambda more: None)


# ------------------------------------------------------------------------------------------- outcomes


def test_an_error_is_one_rows_outcome() -> None:
    def answer(text: str) -> object:
        if text == "b":
            raise DeadlineExceeded("too slow")
        return QUESTION

    with scripted({"classify": answer}):
        found = list(outcomes(classify, [{"text": text} for text in "abcd"]))
    assert [isinstance(each, Answer) for each in found] == [True, False, True, True]
    assert isinstance(found[1], DeadlineExceeded)


def test_a_missing_model_is_no_rows_outcome() -> None:
    def answer(text: str) -> object:
        raise ModelError("it is gone")

    with scripted({"classify": answer}), pytest.raises(ModelError):
        list(outcomes(classify, [{"text": "a"}]))


# -------------------------------------------------------------------------------------------- choices


SURE = {QUESTION: 0.8, COMMAND: 0.1, STATEMENT: 0.1}
UNSURE = {QUESTION: 0.25, COMMAND: 0.5, STATEMENT: 0.25}


@pytest.fixture(scope="module")
def choices() -> Evaluated:
    """Four rows: sure and right, sure and wrong, unsure and right twice."""
    script = {"a": SURE, "b": SURE, "c": UNSURE, "d": UNSURE}
    return evaluated(classify, script, ("a", QUESTION), ("b", STATEMENT), ("c", COMMAND), ("d", COMMAND))


def test_accuracy_is_told_with_its_interval(choices: Evaluated) -> None:
    figures = choices.figures
    assert (figures.n, figures.right.tolist(), figures.accuracy) == (4, [True, False, True, True], 0.75)
    assert figures.interval == pytest.approx((0.3006, 0.9544), abs=1e-4)


def test_choices_have_a_confusion_and_f1(choices: Evaluated) -> None:
    choice = choices.figures.choice
    assert choice is not None
    assert choice.labels == ("question", "command", "statement")
    assert choice.confusion == ((1, 0, 0), (0, 2, 0), (1, 0, 0))
    assert choice.macro_f1 == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_choices_have_calibration_and_risk(choices: Evaluated) -> None:
    figures = choices.figures
    assert figures.calibration_error == pytest.approx(0.5 * 0.3 + 0.5 * 0.5, abs=1e-3)
    assert figures.brier == pytest.approx((0.06 + 1.46 + 0.375 + 0.375) / 4, abs=1e-3)
    assert figures.risk.risk == pytest.approx([0.5, 0.5, 1 / 3, 0.25])


def test_what_is_neither_number_nor_text_has_no_such_measures(choices: Evaluated) -> None:
    figures = choices.figures
    assert (figures.numbers, figures.text, figures.selective, choices.fields) == (None, None, None, ())


def test_what_answered_is_counted(choices: Evaluated) -> None:
    assert choices.figures.answered_by == {"labels": 4}


def test_the_surest_mistake_comes_first() -> None:
    script = {"a": UNSURE, "b": SURE, "c": SURE}
    found = evaluated(classify, script, ("a", QUESTION), ("b", COMMAND), ("c", QUESTION)).worst
    assert [(each.line, each.answer, each.expected) for each in found] == [
        (2, "question", "command"),
        (1, "command", "question"),
    ]
    assert found[0].arguments == {"text": "b"}
    assert found[0].confidence == pytest.approx(0.8, abs=1e-3)


def test_a_label_that_takes_nearly_all_answers_is_warned_of() -> None:
    script = {str(number): QUESTION for number in range(9)} | {"9": COMMAND}
    rows = [(str(number), QUESTION if number % 2 else COMMAND) for number in range(10)]
    (said,) = evaluated(classify, script, *rows).warnings
    assert said.startswith("`question` takes 9 of 10 answers and is right in 5 rows")


def test_rows_that_are_nearly_all_alike_are_no_reason_to_warn() -> None:
    script = {str(number): QUESTION for number in range(10)}
    rows = [(str(number), QUESTION if number else COMMAND) for number in range(10)]
    assert evaluated(classify, script, *rows).warnings == ()


def test_a_row_without_an_answer_is_wrong_and_told() -> None:
    def answer(text: str) -> object:
        if text == "b":
            raise DeadlineExceeded("too slow")
        return QUESTION

    with scripted({"classify": answer}):
        rows = labelled(("a", QUESTION), ("b", QUESTION))
        found = run(Variant(name="it", function=classify), rows, lambda more: None)
    assert found.figures.accuracy == 0.5
    assert found.figures.macro_f1 == pytest.approx(2 / 3)
    assert found.figures.calibration_error == pytest.approx(0, abs=1e-3)
    assert found.warnings == ("1 row counts as wrong for having no answer; line 2: too slow",)
    assert found.worst == ()


def test_no_answer_at_all_is_an_error() -> None:
    rows = labelled(("a", QUESTION), ("b", QUESTION))
    with scripted({}), pytest.raises(ScriptError) as raised:
        run(Variant(name="it", function=classify), rows, lambda more: None)
    assert "no row of rows.jsonl has an answer; this is why line 1 has none" in raised.value.__notes__


def test_every_row_is_counted_as_it_is_done() -> None:
    told: list[int] = []
    with scripted({"classify": QUESTION}) as engine:
        rows = labelled(*((str(number), QUESTION) for number in range(70)))
        found = run(Variant(name="it", function=classify), rows, told.append)
    assert (sum(told), len(engine.calls)) == (70, 70)
    assert (found.cost.timed, len(found.outcomes)) == (32, 70)
    assert found.cost.p50_ms <= found.cost.p95_ms


# --------------------------------------------------------------------------------------- other types


def test_numbers_are_measured_by_how_far_they_are_off() -> None:
    script = {"a": 10.0, "b": 100.0, "c": 52.0}
    found = evaluated(price, script, ("a", 10.0), ("b", 60.0), ("c", 50.0)).figures
    assert found.accuracy == pytest.approx(1 / 3)
    assert found.numbers is not None
    assert found.numbers.error == pytest.approx(14)
    assert (found.numbers.tolerance, found.numbers.near) == pytest.approx((2.5, 2 / 3))
    assert (found.choice, found.text, found.numbers.error_of_mean) == (None, None, None)


def test_a_choice_among_numbers_is_measured_as_both() -> None:
    found = evaluated(stars, {"a": {1: 0.5, 2: 0.25, 5: 0.25}, "b": 5}, ("a", 2), ("b", 5)).figures
    assert found.choice is not None
    assert found.numbers is not None
    assert found.numbers.error == pytest.approx(0.5)
    assert found.numbers.error_of_mean == pytest.approx(0.125, abs=1e-3)


def test_texts_are_measured_by_how_alike_they_are() -> None:
    found = evaluated(title, {"a": "abcd", "b": "same"}, ("a", "abce"), ("b", "same")).figures
    assert found.accuracy == 0.5
    assert found.text is not None
    assert found.text.similarity == pytest.approx(0.875)
    assert (found.choice, found.numbers) == (None, None)


def test_answers_that_may_be_none_are_measured_among_those_that_are_not() -> None:
    script = {"a": QUESTION, "b": None, "c": None, "d": COMMAND}
    rows = (("a", QUESTION), ("b", None), ("c", QUESTION), ("d", QUESTION))
    found = evaluated(maybe, script, *rows).figures
    assert found.accuracy == 0.5
    assert found.selective is not None
    assert (found.selective.coverage, found.selective.accuracy) == (0.5, 0.5)
    assert found.choice is not None
    assert found.choice.labels == ("question", "command", "statement", "none")


def test_an_abstention_is_judged_by_its_first_guess_and_is_no_mistake() -> None:
    with scripted({"classify": SURE}):
        sure: Answer[Any] = classify.detail("x")
    abstained = replace(sure, value=None, abstained=True, returns=maybe.program.returns)
    found = measure("", kind(maybe.program.returns), [QUESTION], [abstained])
    assert found.accuracy == 0
    assert found.risk.risk.tolist() == [0]
    assert found.calibration_error == pytest.approx(0.2, abs=1e-3)


def test_a_record_is_measured_whole_and_by_field() -> None:
    right = Ticket(act=QUESTION, urgency=3, note="a")
    script = {"a": right, "b": Ticket(act=COMMAND, urgency=5, note="ab")}
    found = evaluated(triage, script, ("a", right), ("b", Ticket(act=COMMAND, urgency=4, note="aa")))
    assert found.figures.accuracy == 0.5
    assert [(each.name, each.type, each.accuracy) for each in found.fields] == [
        ("act", "Act", 1),
        ("urgency", "int(1..5)", 0.5),
        ("note", "str", 0.5),
    ]
    act, urgency, note = found.fields
    assert act.choice is not None
    assert urgency.numbers is not None
    assert note.text is not None
    assert (urgency.numbers.error, note.text.similarity) == pytest.approx((0.5, 0.75))
    assert found.figures.choice is None


def test_leaves_are_the_fields_of_records() -> None:
    assert [name for name, _ in leaves(kind(triage.program.returns))] == ["act", "urgency", "note"]
    assert [name for name, _ in leaves(kind(same.program.returns))] == [""]


# ------------------------------------------------------------------------------------------- variants


def compared() -> Evaluation:
    """Two functions: the first is right in row 1, the second in rows 2 and 3."""
    script = {"classify": lambda text: QUESTION if text == "a" else COMMAND, "maybe": QUESTION}
    rows = labelled(("a", QUESTION), ("b", STATEMENT), ("c", COMMAND))
    variants = (Variant(name="one", function=classify), Variant(name="two", function=maybe))
    with scripted(script):
        return compare("classify", rows, tuple(run(each, rows, lambda more: None) for each in variants))


def test_variants_are_compared_with_the_first_on_the_same_rows() -> None:
    (paired,) = compared().paired
    assert (paired.only_first, paired.only_second, paired.p) == (1, 0, 1)


def test_the_json_data_have_the_figures_of_the_first_and_of_all() -> None:
    found = json.loads(json.dumps(compared().to_json()))
    wanted = {"n", "accuracy", "interval", "macro_f1", "ece", "brier", "confusion", "p50_ms"}
    assert wanted <= found.keys()
    assert (found["n"], found["function"], found["rows"]) == (3, "classify", "rows.jsonl")
    first, second = found["models"]
    assert {key: first[key] for key in wanted} == {key: found[key] for key in wanted}
    assert (first["model"], second["model"]) == ("one", "two")
    assert second["paired"] == {"with": "one", "only_it_right": 1, "only_this_right": 0, "p": 1.0}
    assert "paired" not in first
    assert found["confusion"]["counts"] == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]


def test_json_data_of_other_types_are_null_where_nothing_fits() -> None:
    found = evaluated(title, {"a": "x"}, ("a", "x")).to_json()
    assert (found["macro_f1"], found["brier"], found["confusion"]) == (None, None, None)
    assert found["similarity"] == 1


def test_json_data_of_a_record_have_its_fields() -> None:
    ticket = Ticket(act=QUESTION, urgency=3, note="a")
    found: Any = evaluated(triage, {"a": ticket}, ("a", ticket)).to_json()
    assert list(found["fields"]) == ["act", "urgency", "note"]
    assert found["fields"]["urgency"]["mean_absolute_error"] == 0


@pytest.fixture
def two_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The models "one" and "two", of which the one always says question and the other command."""
    engines = {
        abi.Model(name=name, context=settings.current().context): ScriptedEngine({"classify": answer})
        for name, answer in (("one", QUESTION), ("two", COMMAND))
    }
    monkeypatch.setattr(loaded, "_engines", engines)
    monkeypatch.setattr(loaded, "_embedders", {})
    settings.configure(home=tmp_path, auto_pull=False)  # no embedder, so that their labels decide
    yield
    settings.reset()
    for engine in engines.values():
        engine.close()


@pytest.mark.usefixtures("two_models")
def test_a_function_is_evaluated_on_other_models() -> None:
    rows = labelled(("a", QUESTION), ("b", COMMAND), ("c", QUESTION))
    scored = with_program(classify, replace(classify.program, using=abi.Using(decide=abi.LABELS)))
    found = [run(each, rows, lambda more: None) for each in on_models(scored, ["one", "two", "one"])]
    assert [(each.name, each.figures.right.tolist()) for each in found] == [
        ("one", [True, False, True]),
        ("two", [False, True, False]),
    ]
    assert classify.program.using.model is None


def test_without_models_the_functions_own_is_named() -> None:
    (variant,) = on_models(classify, [])
    assert (variant.name, variant.function) == (settings.current().model, classify)
    own = replace(classify.program, using=abi.Using(model=abi.Model(name="one")))
    assert on_models(with_program(classify, own), [])[0].name == "one"


def test_a_model_that_is_not_there_is_told_before_any_row() -> None:
    (variant,) = on_models(classify, ["no-such-model"])
    with pytest.raises(ModelError):
        warm(variant, labelled(("a", QUESTION)))
