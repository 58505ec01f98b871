"""What heads leave of a record for the model, where its fields do not see one another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from microprompt import abi
from microprompt.deciding.decider import Decider
from microprompt.deciding.rest import rest_of
from microprompt.heads import tuning
from microprompt.heads.evidence import Embedding, Evidence, Labels
from microprompt.heads.head import Head, HeadPart
from microprompt.heads.linear import Linear
from microprompt.heads.tuning import Entry
from microprompt.program import USUAL, Program
from microprompt.types import StrType, kind
from microprompt.types.records import RecordField, RecordType
from mpc.cli.explain import _function as lines

from ..runtime.programs import ACT, OUTER, Act, program
from .fakes import FakeSources, ask, call, direction

APART = abi.Using(independent=True)
KEY = "0123456789abcdef" * 2


@dataclass(frozen=True)
class Report:
    act: Act
    note: str


REPORT = RecordType(
    python=Report,
    fields=(
        RecordField(name="act", label="act", type=ACT),
        RecordField(name="note", label="the note", type=StrType(max_length=20), description="few words"),
    ),
)
EXAMPLES = {
    "Is it late?": Report(act=Act.question, note="the time"),
    "Close it.": Report(act=Act.command, note="a lid"),
}


@pytest.fixture
def sources() -> Iterator[FakeSources]:
    answers = {Report(act=Act.question, note="snow"): 0.6, Report(act=Act.command, note="rain"): 0.4}
    found = FakeSources({"ask": answers})
    yield found
    found.close()


def report(using: abi.Using = APART) -> Program:
    return program(REPORT, examples=EXAMPLES, using=using)


def fields(laid_out: Program) -> list[str]:
    assert isinstance(laid_out.returns, RecordType)
    return [field.name for field in laid_out.returns.fields]


def tuned(folder: Path, evidence: Evidence, linear: Linear) -> Program:
    """The report with a tuning, which has a head for `act`."""
    head = Head(parts=(HeadPart(evidence, 1.0, linear),))
    entry = Entry(key=KEY, model="smollm2-135m", heads={"act": head}, report={"rows": 150})
    tuning.write(folder / "ask.tuning.json", {"ask": (entry,)})
    return replace(report(), tuning=abi.Tuning(file="ask.tuning.json", key=KEY))


def tuned_on_words(folder: Path) -> Program:
    """Its head says `command` of what is like "close"."""
    weights = np.stack([4 * direction(text) for text in ("is", "close", "falling")])
    return tuned(folder, Embedding("minilm-l6", "text"), Linear(weights, np.zeros(3, dtype=np.float32)))


# -------------------------------------------------------------------------------------- what is left


def test_the_rest_is_a_record_of_the_other_fields_and_so_are_its_examples() -> None:
    rest = rest_of(report(), frozenset({"act"}))
    written = [kind(rest.returns).plain(each.answer) for each in rest.examples]
    assert written == ['{"the note": "the time"}', '{"the note": "a lid"}']
    assert [each.arguments for each in rest.examples] == [("Is it late?",), ("Close it.",)]
    assert list(kind(rest.returns).meanings()) == ["- the note: few words"]


@pytest.mark.parametrize("decided", [set(), {"act", "note"}], ids=["nothing", "all"])
def test_the_program_stays_as_it_is_where_nothing_is_decided_or_all(decided: set[str]) -> None:
    laid_out = report()
    assert rest_of(laid_out, decided) is laid_out


def test_fields_that_see_those_before_them_stay_together() -> None:
    laid_out = report(abi.Using())
    assert rest_of(laid_out, frozenset({"act"})) is laid_out


def test_a_record_that_asserts_something_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next best answer may be one with another act."""
    monkeypatch.setattr(Report, "__mp_checks__", (object(),), raising=False)
    laid_out = program(replace(REPORT, left=1), using=APART)
    assert rest_of(laid_out, frozenset({"act"})) is laid_out


def test_a_record_inside_is_left_out_when_all_of_it_is_decided() -> None:
    laid_out = program(OUTER, using=APART)
    assert fields(rest_of(laid_out, frozenset({"inner.act"}))) == ["inner", "note", "paid", "tags"]
    assert fields(rest_of(laid_out, frozenset({"inner.act", "inner.urgency", "paid"}))) == ["note", "tags"]


def test_two_rests_of_one_record_are_types_of_their_own() -> None:
    laid_out = program(OUTER, using=APART)
    one = rest_of(laid_out, frozenset({"paid"}))
    other = rest_of(laid_out, frozenset({"inner.act", "inner.urgency"}))
    assert one.returns != other.returns
    assert kind(one.returns).fields() != kind(other.returns).fields()


# ------------------------------------------------------------------------------------------- answers


def test_the_model_writes_what_heads_leave(sources: FakeSources, tmp_path: Path) -> None:
    decider = Decider(tuned_on_words(tmp_path), tmp_path, sources=sources)
    rest = decider.rest(USUAL, frozenset({"act"}))
    sources.small._script = {"ask": rest.examples[1].answer}
    answer = ask(decider, "close")
    assert answer.value == Report(act=Act.command, note="a lid")
    assert list(answer.fields) == ["act", "note"]
    assert (answer.fields["act"].answered_by, answer.fields["note"].answered_by) == ("embedder", "model")
    assert "act" not in sources.small.render(call(rest, "close"))
    written = sources.small.answer(call(rest, "close")).usage
    assert answer.usage.prompt_tokens == written.prompt_tokens + 1  # the embedder reads the one word


def test_a_head_of_label_scores_has_the_model_write_all(sources: FakeSources, tmp_path: Path) -> None:
    less = Linear(np.eye(3, dtype=np.float32), np.array([-9, 0, 0], dtype=np.float32))
    laid_out = tuned(tmp_path, Labels(), less)
    answer = ask(Decider(laid_out, tmp_path, sources=sources), "Hm.")
    assert answer.value == Report(act=Act.command, note="snow")
    once = sources.small.answer(call(laid_out, "Hm.")).usage
    assert answer.usage.prompt_tokens == 2 * once.prompt_tokens


def test_it_is_explained_as_the_model_reads_it(sources: FakeSources, tmp_path: Path) -> None:
    laid_out = tuned_on_words(tmp_path)
    found = Decider(laid_out, tmp_path, sources=sources).explain(laid_out)
    text = "\n".join(lines(found))
    assert '{"the note": "a lid"}' in text
    assert '"act"' not in text
    assert "answered by act: embedder" in text
