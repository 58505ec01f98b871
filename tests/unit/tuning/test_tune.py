"""Tuning as a whole, on models that say what a text's words tell them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from microprompt import abi, settings
from microprompt.deciding.settle import Heads, settle
from microprompt.errors import ArgumentError, ModelError, PromptTooLong, TuningError
from microprompt.evaluation.rows import InputRows, LabelledRows
from microprompt.heads import tuning
from microprompt.heads.evidence import Embedding, Evidence, Labels, Readout
from microprompt.program import Parameter, Program
from microprompt.tuning.request import Request
from microprompt.tuning.tune import Tuned, candidates, tune, write
from microprompt.types import BoolType, DeclaredType, IntType, OptionalType, StrType

from ..deciding.fakes import LARGE, FakeSources, with_examples, with_using
from ..runtime.programs import ACT, INNER, Act, Inner, program

KEY = "0123456789abcdef" * 2
SMALL = abi.Model(name="smollm2-135m")
OPENINGS = {Act.question: "Is", Act.command: "Close", Act.other: "Falling"}
THINGS = ("box", "door", "snow", "rain", "night", "lamp", "car", "train", "road", "stone")


class Told:
    """A listener that remembers what it is told."""

    def __init__(self) -> None:
        self.read: list[tuple[Evidence, int]] = []
        self.done = 0
        self.not_tried: list[Evidence] = []
        self.lacks: list[str] = []
        self.models: list[str] = []

    @contextmanager
    def reading(self, evidence: Evidence, rows: int) -> Iterator[Callable[[int], None]]:
        self.read.append((evidence, rows))
        yield self._advance

    @contextmanager
    def comparing(self, ways: int, rows: int) -> Iterator[Callable[[int], None]]:
        yield lambda more: None

    def _advance(self, more: int) -> None:
        self.done += more

    def turning_to(self, model: str) -> None:
        self.models.append(model)

    def skipped(self, evidence: Evidence, seconds: float) -> None:
        self.not_tried.append(evidence)

    def lacking(self, error: ModelError) -> None:
        self.lacks.append(error.message)


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[None]:
    settings.configure(home=tmp_path / "home")
    yield
    settings.reset()


@pytest.fixture
def sources() -> Iterator[FakeSources]:
    scores = {Act.question: 0.5, Act.command: 0.375, Act.other: 0.125}
    found = FakeSources({"ask": scores}, larger={"ask": Act.other})
    yield found
    found.close()


def acts(n: int = 30) -> list[tuple[str, Act]]:
    """Texts whose first word tells what they are."""
    return [
        (f"{OPENINGS[act]} the {THINGS[at % 10]} {THINGS[at % 7]}", act)
        for at, act in enumerate([*Act] * (n // 3))
    ]


def labelled(rows: Sequence[tuple[str, object]]) -> LabelledRows:
    return LabelledRows(
        source="rows.jsonl",
        lines=tuple(range(1, len(rows) + 1)),
        arguments=tuple({"text": text} for text, _ in rows),
        labels=tuple(label for _, label in rows),
        warnings=(),
    )


def inputs(rows: Sequence[tuple[str, object]]) -> InputRows:
    found = labelled(rows)
    return InputRows(source=found.source, lines=found.lines, arguments=found.arguments, warnings=())


def request(returns: DeclaredType | Program = ACT, **more: Any) -> Request:
    asked = returns if isinstance(returns, Program) else program(returns)
    usual: dict[str, Any] = {"program": asked, "key": KEY, "model": SMALL, "folder": Path()}
    return Request(**(usual | more))


def tuned(sources: FakeSources, asked: Request, told: Told | None = None) -> Tuned:
    return tune(asked, told or Told(), sources=sources)


# -------------------------------------------------------------------------------------- labelled rows


def test_what_the_source_alone_says_of_the_rows_stands_beside_what_was_learnt(sources: FakeSources) -> None:
    rows = acts()
    plain = program(ACT)
    shown = with_examples(plain, dict(rows[:6]))

    (learnt,) = tuned(sources, request(shown, labelled=labelled(rows[6:]))).found
    (without,) = tuned(sources, request(plain, labelled=labelled(rows[6:]), candidates=((Labels(),),))).found

    assert learnt.untuned is not None
    assert learnt.untuned.said.shape == (24, 3)
    assert learnt.untuned.accuracy <= 1
    assert without.untuned is None


def test_balanced_rows_say_nothing_of_how_often_a_label_comes(sources: FakeSources) -> None:
    told = [row for row in acts(90) if row[1] is not Act.command] + acts(90)[1:10:3]
    heads = [
        tuned(
            sources,
            request(labelled=labelled(told), candidates=((Labels(),),), strength=1e-6, balanced=balanced),
        ).entry.heads[""]
        for balanced in (False, True)
    ]
    scores = np.log(np.array([0.5, 0.375, 0.125], dtype=np.float32))
    natural, even = (np.exp(head.log_probs({Labels(): scores})) for head in heads)
    assert natural[1] < 0.1
    assert even == pytest.approx([1 / 3] * 3, abs=0.02)


def test_rows_teach_a_head(sources: FakeSources) -> None:
    told = Told()
    found = tuned(sources, request(labelled=labelled(acts())), told)
    head = found.entry.heads[""]
    assert head.calibrated
    assert (found.entry.key, found.entry.model) == (KEY, "smollm2-135m")
    assert [each.evidence for each in found.found[0].tried] == [*candidates(program(ACT), 1)]
    assert found.found[0].taken is not None
    assert found.found[0].taken.accuracy > 0.9
    assert [rows for _, rows in told.read] == [30] * 4
    assert told.done == 120


def test_what_was_learnt_is_what_is_called(sources: FakeSources, tmp_path: Path) -> None:
    found = tuned(sources, request(labelled=labelled(acts())))
    write(tmp_path / "ask.mp", "ask", found.entry)
    asked = replace(program(ACT), tuning=abi.Tuning(file="ask.tuning.json", key=KEY))
    (settled,) = settle(asked, tmp_path, SMALL, sources(SMALL, tmp_path), Heads.ANY).settled
    assert settled.origin == "tuning"
    assert settled.report is not None


def test_the_report_says_what_was_tried(sources: FakeSources) -> None:
    asked = request(labelled=labelled(acts()), sources=("mine (CC0)",))
    report = tuned(sources, asked).entry.report
    assert (report["rows"], report["folds"], report["sources"]) == (30, 5, ["mine (CC0)"])
    choices: Any = report["choices"]
    assert choices[""]["labels"] == {"question": 10, "command": 10, "other": 10}
    assert len(choices[""]["tried"]) == 6
    assert {"accuracy", "interval", "log_loss", "ece"} <= choices[""]["tried"][0].keys()


def test_the_same_rows_give_the_same_bytes(sources: FakeSources, tmp_path: Path) -> None:
    written = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        paths = write(
            tmp_path / folder / "ask.mp", "ask", tuned(sources, request(labelled=labelled(acts()))).entry
        )
        written.append([path.read_bytes() for path in paths])
    assert written[0] == written[1]


def test_an_entry_takes_the_place_of_its_own_alone(sources: FakeSources, tmp_path: Path) -> None:
    entry = tuned(sources, request(labelled=labelled(acts()))).entry
    write(tmp_path / "ask.mp", "other", entry)
    write(tmp_path / "ask.mp", "ask", replace(entry, model="gemma3-270m"))
    path, _ = write(tmp_path / "ask.mp", "ask", entry)
    write(tmp_path / "ask.mp", "ask", entry)
    found = tuning.read(path)
    assert {name: [each.model for each in entries] for name, entries in found.items()} == {
        "ask": ["gemma3-270m", "smollm2-135m"],
        "other": ["smollm2-135m"],
    }


def test_sharing_tries_no_reading_behind_the_prompt(sources: FakeSources) -> None:
    found = tuned(sources, request(labelled=labelled(acts()), shares=True))
    tried = {each for trial in found.found[0].tried for each in trial.evidence}
    assert tried == {Readout(1, "none"), Embedding("minilm-l6", "text"), Labels()}


def test_two_texts_are_compared() -> None:
    two = replace(
        program(ACT), input=("A: ", abi.Hole(parameter="text"), "\nB: ", abi.Hole(parameter="other"))
    )
    near, pair = Embedding("minilm-l6", "cosine"), Embedding("minilm-l6", "pair")
    assert candidates(two, None) == ((near,), (pair,), (Labels(),))
    assert candidates(two, 9, shares=True)[2:5] == (
        (Readout(9, "none"),),
        (Readout(9, "none"), near),
        (Readout(9, "none"), pair),
    )


def test_rows_that_were_made_up_promise_nothing(sources: FakeSources) -> None:
    asked = program(
        OptionalType(item=ACT), using=abi.Using(abstain=abi.Threshold(reach=0.9))
    )
    found = tuned(sources, request(asked, labelled=labelled(acts(120)), is_written=True))
    assert not found.entry.heads[""].calibrated
    assert (found.entry.report["written"], dict(found.cut_points)) == (True, {})
    assert "made up" in found.refused[0]
    assert found.found[0].taken is not None
    assert found.found[0].taken.strength == 0.3


@pytest.mark.parametrize(
    ("returns", "answer"),
    [
        (BoolType(), lambda act: act is Act.question),
        (IntType(minimum=1, maximum=5), lambda act: 1 + [*Act].index(act)),
        (OptionalType(item=ACT), lambda act: None if act is Act.other else act),
    ],
    ids=["bool", "a range", "what may be none"],
)
def test_every_choice_can_be_tuned(
    sources: FakeSources, returns: DeclaredType, answer: Callable[[Act], object]
) -> None:
    sources.small._script = {"ask": answer(Act.question)}
    rows = labelled([(text, answer(act)) for text, act in acts()])
    found = tuned(sources, request(returns, labelled=rows))
    assert found.found[0].taken is not None
    assert found.found[0].taken.accuracy > 0.8
    assert found.entry.heads[""].n_labels == len(found.found[0].question.options)


def test_the_choices_of_a_record_are_tuned_one_by_one(sources: FakeSources) -> None:
    rows = labelled([(text, Inner(act, 1 + (act is Act.command))) for text, act in acts()])
    found = tuned(sources, request(INNER, labelled=rows))
    assert found.entry.heads.keys() == {"act", "urgency"}
    assert all(Labels() not in trial.evidence for one in found.found for trial in one.tried)


def test_a_field_that_is_always_the_same_is_left_to_the_source(sources: FakeSources) -> None:
    rows = labelled([(text, Inner(act, 3)) for text, act in acts()])
    found = tuned(sources, request(INNER, labelled=rows))
    assert found.entry.heads.keys() == {"act"}
    assert found.found[1].note == "nothing was learnt: all 30 rows have the label `3`"




# ------------------------------------------------------------------------------------------ what is refused

OF_NUMBER = replace(program(BoolType()), parameters=(Parameter(name="text", type=IntType()),))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (request(labelled=labelled(acts(18))), "18 labelled rows are too few to tune on; it takes 20"),
        (request(labelled=labelled([(text, Act.other) for text, _ in acts()])), "have the label `other`"),
        (request(StrType(), labelled=labelled(acts())), "returns str, and there is no choice in that"),
        (request(OF_NUMBER), "the source of ask says nothing to learn from"),
        (request(BoolType(), inputs=inputs(acts(6))), "6 inputs say too little"),
        (request(labelled=labelled(acts()), seconds=1e-9), "is too short"),
        (
            request(program(ACT, using=abi.Using(decide=abi.LABELS)), labelled=labelled(acts())),
            "decided on the scores of its labels alone",
        ),
    ],
    ids=["few rows", "one label", "a text", "no words", "few inputs", "no time", "labels only"],
)
def test_what_cannot_be_tuned_is_refused(sources: FakeSources, asked: Request, said: str) -> None:
    with pytest.raises(ArgumentError) as raised:
        tuned(sources, asked)
    assert said in raised.value.message
    assert raised.value.help


def test_a_text_that_is_too_long_is_named_by_its_line_before_any_is_read(
    sources: FakeSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sources.small.passage

    def passage(call: Any, reading: Readout) -> Any:
        if "stone" in call.arguments["text"]:
            raise PromptTooLong("too long", parameter="text", tokens=9, room=1, help="shorten it")
        return real(call, reading)

    monkeypatch.setattr(sources.small, "passage", passage)
    rows = acts()
    rows[20] = (f"{rows[20][0]} stone", rows[20][1])
    rows = [(text if at == 20 else text.replace("stone", "rock"), act) for at, (text, act) in enumerate(rows)]
    with pytest.raises(PromptTooLong) as raised:
        tuned(sources, request(labelled=labelled(rows)))
    assert raised.value.__notes__ == ["this is line 21 of rows.jsonl"]
    assert sources.small.readings.asked == []


def test_without_the_embedder_it_goes_on_and_says_so(sources: FakeSources) -> None:
    sources.fake_embedder = None
    told = Told()
    found = tuned(sources, request(labelled=labelled(acts())), told)
    assert told.lacks == ["the model `minilm-l6` is not here"]
    assert {each.name for trial in found.found[0].tried for each in trial.evidence} == {"readout", "labels"}


def test_what_there_is_no_time_for_is_said(sources: FakeSources, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr("microprompt.tuning.features.time.monotonic", lambda: float(next(clock)))
    told = Told()
    # A reading of 8 rows takes 10 s, and so 30 rows take about 38 s.
    found = tuned(sources, request(labelled=labelled(acts()), seconds=75.0), told)
    assert [type(evidence) for evidence, _ in told.read] == [Embedding]
    assert told.not_tried == [Readout(1, "none"), Readout(1, "own"), Labels()]
    assert [trial.evidence for trial in found.found[0].tried] == [(Embedding("minilm-l6", "text"),)]


# ------------------------------------------------------------------------------- inputs, and the source alone


def test_inputs_correct_the_scores_of_labels_that_say_nothing(sources: FakeSources) -> None:
    sources.small._script = {"ask": {True: 0.75, False: 0.25}}
    found = tuned(sources, request(BoolType(), inputs=inputs(acts())))
    head = found.entry.heads[""]
    assert (head.evidence, head.calibrated) == ((Labels(),), False)
    true_first = found.found[0].question.options[0] is True
    said = np.exp(head.log_probs({Labels(): np.log(np.array([0.75, 0.25][:: 1 if true_first else -1]))}))
    assert abs(said[0] - said[1]) < 0.2
    assert found.found[0].note == "label scores, corrected by 30 inputs"


def test_inputs_stand_beside_what_the_labels_say(sources: FakeSources) -> None:
    head = tuned(sources, request(inputs=inputs(acts()))).entry.heads[""]
    assert head.answered_by == "labels+embedder"
    assert [part.weight for part in head.parts] == [0.5, 0.5]


def test_examples_are_worth_more_than_inputs(sources: FakeSources) -> None:
    asked = program(ACT, examples=dict(acts(12)))
    told = Told()
    found = tuned(sources, request(asked, inputs=inputs(acts())), told)
    assert Labels() not in found.entry.heads[""].evidence
    assert told.read == []


def test_the_source_alone_is_written_down(sources: FakeSources, tmp_path: Path) -> None:
    found = tuned(sources, request(program(ACT, examples=dict(acts(12)))))
    assert found.entry.heads[""].answered_by == "readout+embedder"
    assert "of 12 examples, left out in turn," in found.found[0].note
    path, _ = write(tmp_path / "ask.mp", "ask", found.entry)
    assert tuning.read(path).keys() == {"ask"}


def test_a_field_that_the_source_says_nothing_of_has_no_head(sources: FakeSources, tmp_path: Path) -> None:
    found = tuned(sources, request(INNER))
    assert found.entry.heads.keys() == {"act"}
    path, _ = write(tmp_path / "ask.mp", "ask", found.entry)
    assert tuning.read(path)["ask"][0].heads.keys() == {"act"}


# ------------------------------------------------------------------------------------------- thresholds

MAY_BE_NONE = OptionalType(item=ACT)


EXAMPLES = {**dict(acts(12)), "hm hm": None, "hm so": None}


def reaching(
    reach: float = 0.9, *, decide: str | None = None, examples: Mapping[str, object] | None = None
) -> Program:
    using = abi.Using(abstain=abi.Threshold(reach=reach), decide=decide)
    return program(MAY_BE_NONE, examples=examples, using=using)


def escalating(reach: float = 0.9) -> Program:
    return with_using(
        program(ACT), escalate=abi.Escalation(model=LARGE, when=abi.Threshold(reach=reach))
    )


def noisy(n: int = 120) -> LabelledRows:
    """Rows of which every fourth has a label that its text does not tell."""
    rows = acts(n)
    return labelled([(text, Act.other if at % 4 == 0 else act) for at, (text, act) in enumerate(rows)])


def test_the_number_for_an_accuracy_is_found(sources: FakeSources) -> None:
    found = tuned(sources, request(reaching(0.7), labelled=noisy()))
    number = found.entry.thresholds.abstain
    assert number is not None
    assert (number.reach, number.model) == (0.7, None)
    assert 0 <= number.below < 1
    assert found.cut_points["abstain"].provisional
    points: Any = found.entry.report["cut_points"]
    assert points["abstain"]["rows"] == 120
    assert found.refused == ()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (request(reaching(), labelled=labelled(acts(30))), "can't be found on 30 rows"),
        (request(reaching(0.999), labelled=noisy()), "no threshold gets"),
        (request(reaching(examples=EXAMPLES)), "it takes labelled rows"),
        (request(escalating(), labelled=labelled(acts(30))), "can't be found on 30 rows"),
    ],
    ids=["few rows", "too much", "no rows", "few rows to escalate"],
)
def test_heads_are_there_where_a_number_is_not(sources: FakeSources, asked: Request, said: str) -> None:
    found = tuned(sources, asked)
    assert found.entry.heads.keys() == {""}
    (refused,) = found.refused
    assert said in refused
    assert "to reach" in refused


def test_numbers_are_for_whole_answers(sources: FakeSources) -> None:
    using = abi.Using(abstain=abi.Threshold(reach=0.9))
    rows = labelled([(text, Inner(act, 1 + (act is Act.command))) for text, act in acts(60)])
    found = tuned(sources, request(program(INNER, using=using), labelled=rows))
    assert "not for records" in found.refused[0]


def test_label_scores_get_a_number_too(sources: FakeSources) -> None:
    sources.small._script = {"ask": lambda text: {Act.question: 0.9, Act.command: 0.1}}
    rows = labelled([(f"{n} so?", Act.question) for n in range(60)])
    found = tuned(sources, request(reaching(0.9, decide=abi.LABELS), labelled=rows))
    assert (dict(found.entry.heads), found.refused) == ({}, ())
    assert found.entry.thresholds.abstain is not None


def test_a_larger_model_is_tuned_on_the_same_rows(sources: FakeSources, tmp_path: Path) -> None:
    told = Told()
    found = tuned(sources, request(escalating(0.9), labelled=labelled(acts(60))), told)
    number = found.entry.thresholds.escalate
    assert number is not None
    assert (number.reach, number.model) == (0.9, LARGE.name)
    assert told.models == [LARGE.name, SMALL.name]
    assert found.larger is not None
    assert [trial.evidence for trial in found.larger.found[0].tried] == [
        (Readout(1, "none"),),
        (Readout(1, "own"),),
        (Labels(),),
    ]
    path, _ = write(tmp_path / "ask.mp", "ask", *found.entries)
    assert [entry.model for entry in tuning.read(path)["ask"]] == [LARGE.name, SMALL.name]


def test_a_larger_model_reads_some_rows_of_each_label(sources: FakeSources) -> None:
    rows = labelled([*acts(30), *((f"Falling snow {n}", Act.other) for n in range(400))])
    found = tuned(sources, request(escalating(0.9), labelled=rows))
    assert found.larger is not None
    report: Any = found.larger.entry.report
    assert report["choices"][""]["labels"] == {"question": 10, "command": 10, "other": 130}
    points: Any = found.entry.report["cut_points"]
    assert points["escalate"]["rows"] == 150


def test_a_larger_model_without_labelled_rows_is_not_tuned(sources: FakeSources) -> None:
    found = tuned(sources, request(with_examples(escalating(0.9), dict(acts(12)))))
    assert found.larger is None
    assert [entry.model for entry in found.entries] == [SMALL.name]
    assert "large" not in sources.loaded


def test_where_only_labels_are_scored_the_larger_model_gets_no_head(sources: FakeSources) -> None:
    sources.large._script = {"ask": lambda text: next(act for act in Act if text.startswith(OPENINGS[act]))}
    asked = with_using(escalating(0.9), decide=abi.LABELS)
    found = tuned(sources, request(asked, labelled=labelled(acts(60))))
    assert found.refused == ()
    assert found.entry.thresholds.escalate is not None
    assert [entry.model for entry in found.entries] == [SMALL.name]


def test_the_number_to_abstain_is_found_on_the_answers_of_both(sources: FakeSources) -> None:
    asked = with_using(
        reaching(0.7), escalate=abi.Escalation(model=LARGE, when=abi.Threshold(reach=0.65))
    )
    found = tuned(sources, request(asked, labelled=noisy()))
    assert [*found.cut_points] == ["escalate", "abstain"]
    assert found.entry.thresholds.abstain is not None
    assert found.entry.thresholds.abstain.model == LARGE.name
    impossible = with_using(asked, escalate=abi.Escalation(model=LARGE, when=abi.Threshold(reach=0.999)))
    found = tuned(sources, request(impossible, labelled=noisy()))
    assert "which answers go on to the larger model has no number" in found.refused[1]


def test_a_larger_model_is_asked_of_rows_that_it_has_not_learnt(sources: FakeSources) -> None:
    random = np.random.default_rng(1)
    # Nothing in a text tells its label: who has seen the rows is right, and who has not is not.
    words = [" ".join(random.choice(THINGS, 6)) + f" {n}" for n in range(60)]
    rows = labelled([(text, [*Act][random.integers(3)]) for text in words])
    found = tuned(sources, request(escalating(0.9), labelled=rows))
    assert "no threshold gets 90%" in found.refused[0]


def test_the_larger_model_can_be_tuned_by_itself(sources: FakeSources) -> None:
    asked = escalating(0.9)
    larger = replace(asked, using=replace(asked.using, model=LARGE))
    found = tuned(sources, request(larger, model=LARGE, labelled=labelled(acts(60))))
    assert (found.larger, found.refused) == (None, ())
    assert found.entry.thresholds.escalate is None


def test_a_damaged_tuning_file_is_not_written_over(sources: FakeSources, tmp_path: Path) -> None:
    entry = tuned(sources, request(labelled=labelled(acts()))).entry
    path, numbers = write(tmp_path / "ask.mp", "ask", entry)
    numbers.write_bytes(numbers.read_bytes()[:100])
    before = path.read_bytes()
    with pytest.raises(TuningError, match="can't be used"):
        write(tmp_path / "ask.mp", "ask", entry)
    assert path.read_bytes() == before
