"""`mpc tune`: what is printed and written, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from microprompt import abi
from microprompt.engines import loaded
from mpc import project

from ..deciding.fakes import FakeSources
from .conftest import Mpc

Write = Callable[..., None]


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSources]:
    """Models that take texts for what their words are like."""
    found = FakeSources({"classify": "command"})
    of = found(None, Path())
    monkeypatch.setattr(loaded, "engine_for", lambda model, folder: of.engine())
    monkeypatch.setattr(loaded, "embedder_for", lambda name, folder: of.embedder(name))
    yield found
    found.close()


@pytest.fixture
def rows(folder: Path) -> Write:
    """Writes `rows.jsonl`: so many rows whose first word tells their label, and what else is given."""

    def write(n: int, *others: dict[str, object]) -> None:
        found: list[dict[str, object]] = [
            {"text": f"{'Who' if at % 2 else 'Close'} it {at}", "label": "question" if at % 2 else "command"}
            for at in range(n)
        ]
        (folder / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in [*found, *others]))

    return write


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "intake.mp"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.usefixtures("sources")
def test_what_was_tried_is_shown_and_the_best_is_written(mpc: Mpc, rows: Write, folder: Path) -> None:
    rows(30)
    result = mpc("tune", "intake.mp", "classify", "--on", "rows.jsonl")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "30 rows, each answered by what was learnt from the others"
    assert lines[1].split() == ["accuracy", "log-loss", "ECE"]
    assert [line.split("  ")[1] for line in lines[2:8]] == [
        "embedder (text)",
        "readout of the input alone",
        "readout behind the prompt",
        "readout of the input alone + embedder (text)",
        "readout behind the prompt + embedder (text)",
        "label scores",
    ]
    assert sum("<- taken" in line for line in lines) == 1
    assert lines[-1] == "next: `mpc build intake.mp`"
    assert "wrote intake.tuning.json (" in result.stdout
    assert "reading 30 rows: embedder (text)" in result.stderr
    assert project.check([folder]) == ()
    assert "tuning=abi.Tuning(" in (mpc("build").stdout and (folder / "intake.py").read_text())


@pytest.mark.usefixtures("sources")
def test_options_are_kept_in_the_file(mpc: Mpc, rows: Write, folder: Path) -> None:
    rows(30)
    result = mpc(
        *("tune", "intake.mp", "classify", "--on", "rows.jsonl", "--on", "rows.jsonl"),
        *("--model", "gemma3-270m", "--share", "--written", "--source", "mine (CC0)"),
    )
    assert result.exit_code == 0
    assert "behind the prompt" not in result.stdout
    found = json.loads((folder / "intake.tuning.json").read_text())
    (entry,) = found["functions"]["classify"]
    assert entry["model"] == "gemma3-270m"
    assert entry["heads"][""]["calibrated"] is False
    report = entry["report"]
    assert (report["rows"], report["written"], report["sources"]) == (60, True, ["mine (CC0)"])


def test_the_path_of_a_model_begins_in_the_current_folder(
    mpc: Mpc, rows: Write, folder: Path, sources: FakeSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows(30)
    asked: list[str] = []

    def engine_for(model: abi.Model, _: Path) -> object:
        asked.append(model.name)
        return sources.small

    monkeypatch.setattr(loaded, "engine_for", engine_for)
    (folder / "inner").mkdir()
    (folder / "intake.mp").rename(folder / "inner" / "intake.mp")
    result = mpc("tune", "inner/intake.mp", "classify", "--on", "rows.jsonl", "--model", "./own.gguf")
    assert result.exit_code == 0
    assert set(asked) == {str(folder.resolve() / "own.gguf")}


@pytest.mark.usefixtures("sources")
def test_without_rows_the_source_is_what_there_is(mpc: Mpc, folder: Path) -> None:
    result = mpc("tune", "intake.mp", "classify")
    assert result.exit_code == 0
    assert "from the source alone" in result.stdout
    assert (folder / "intake.tuning.safetensors").exists()


@pytest.mark.usefixtures("sources")
def test_inputs_may_have_labels_that_are_not_looked_at(mpc: Mpc, rows: Write) -> None:
    rows(10)
    result = mpc("tune", "intake.mp", "classify", "--unlabelled", "rows.jsonl")
    assert (result.exit_code, "warning" in result.stderr) == (0, False)
    assert "inputs" in result.stdout


@pytest.mark.usefixtures("sources")
def test_rows_may_leave_out_what_has_a_default(mpc: Mpc, rows: Write, folder: Path) -> None:
    edit(folder, "prompt classify(text: str)", 'prompt classify(text: str, hint: str = "none")')
    edit(folder, "{text}", "{text}\n  Hint: {hint}")
    rows(30)
    result = mpc("tune", "intake.mp", "classify", "--on", "rows.jsonl")
    assert (result.exit_code, result.exception) == (0, None)


@pytest.mark.usefixtures("sources")
def test_heads_are_written_where_a_threshold_has_no_number(mpc: Mpc, rows: Write, folder: Path) -> None:
    edit(folder, '-> "question" | "command":', '-> ("question" | "command")?:')
    edit(
        folder,
        '    "Sit down." -> "command"\n',
        '    "Sit down." -> "command"\nusing:\n    abstain to reach 0.9\n',
    )
    rows(30)
    result = mpc("tune", "intake.mp", "classify", "--on", "rows.jsonl")
    assert result.exit_code == 1
    assert "error: no number was found for `abstain to reach 0.9`: " in result.stderr
    assert "can't be found on 30 rows; it takes 50" in result.stderr
    assert (folder / "intake.tuning.safetensors").exists()
    assert [each.code for each in project.check([folder])] == ["MP0804"]
    rows(60)
    result = mpc("tune", "intake.mp", "classify", "--on", "rows.jsonl")
    assert result.exit_code == 0
    assert "abstain below " in result.stdout
    assert "provisional" in result.stdout
    assert project.check([folder]) == ()


@pytest.mark.usefixtures("sources")
def test_the_model_that_unsure_answers_go_on_to_is_tuned_too(mpc: Mpc, rows: Write, folder: Path) -> None:
    escalate = 'using:\n    escalate = "gemma3-270m" to reach 0.8\n'
    edit(folder, '    "Sit down." -> "command"\n', f'    "Sit down." -> "command"\n{escalate}')
    result = mpc("tune", "intake.mp", "classify")
    assert "gemma3-270m, which unsure answers go on to, is not tuned: give rows (`--on`)" in result.stdout
    rows(60)
    result = mpc("tune", "intake.mp", "classify", "--on", "rows.jsonl")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "gemma3-270m, which unsure answers go on to:"
    assert "smollm2-135m:" in lines
    assert "escalate below " in result.stdout
    assert "% put to both models, " in result.stdout
    assert "microprompt: tuning gemma3-270m" in result.stderr
    found = json.loads((folder / "intake.tuning.json").read_text())
    assert [entry["model"] for entry in found["functions"]["classify"]] == ["gemma3-270m", "smollm2-135m"]
    assert project.check([folder]) == ()


def test_help_says_what_rows_are_for(mpc: Mpc) -> None:
    result = mpc("tune", "--help")
    assert result.exit_code == 0
    assert all(option in result.stdout for option in ("--on", "--unlabelled", "--budget", "--share"))


# ---------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("intake.mp", "clasify"), 1, "did you mean `classify`?"),
        (("intake.mp", "rate", "--on", "none.jsonl"), 2, "does not exist"),
        (("absent.mp", "classify"), 2, "absent.mp"),
        (("intake.py", "classify"), 1, "only a .mp file of yours can be tuned"),
        (("std.request", "classify"), 1, "only a .mp file of yours can be tuned"),
        (("user.mp", "classify"), 1, "user.mp imports `classify`"),
        (("intake.mp", "classify", "--budget", "soon"), 2, "`soon` is no time"),
        (("intake.mp", "classify", "--budget", "0m"), 2, "`0m` is no time"),
        (("intake.mp", "classify", "--on", "rows.jsonl"), 1, "10 labelled rows are too few"),
        (("intake.mp", "classify", "--on", "wrong.jsonl"), 1, 'wrong.jsonl:1: `label` is "comand"'),
        (("intake.mp", "classify", "--on", "alike.jsonl"), 1, "all 20 rows have the label `command`"),
        (("intake.mp", "classify", "--on", "latin.csv"), 1, "latin.csv"),
        (("intake.mp", "classify", "--on", "rows.jsonl", "--label", "act"), 1, "there is no `act`"),
        (("intake.mp", "classify", "--on", "alike.jsonl", "--unlabelled", "rows.jsonl"), 2, "--unlabelled"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
@pytest.mark.usefixtures("sources")
def test_what_cannot_be_tuned_is_said(
    mpc: Mpc, rows: Write, folder: Path, arguments: tuple[str, ...], status: int, said: str
) -> None:
    (folder / "user.mp").write_text("from intake import classify\n")
    (folder / "wrong.jsonl").write_text('{"text": "Go.", "label": "comand"}\n')
    (folder / "alike.jsonl").write_text('{"text": "Go.", "label": "command"}\n' * 20)
    (folder / "latin.csv").write_bytes("text,label\nsch\u00f6n,command\n".encode("latin-1"))
    rows(10)
    result = mpc("tune", *arguments)
    assert result.exit_code == status
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert not (folder / "intake.tuning.json").exists()


@pytest.mark.usefixtures("sources")
def test_too_short_a_budget_says_what_would_do(mpc: Mpc, rows: Write) -> None:
    rows(30)
    result = mpc("tune", "intake.mp", "classify", "--on", "rows.jsonl", "--budget", "0.000001s")
    assert result.exit_code == 1
    assert "is too short" in result.stderr
    assert "help: give --budget 1m" in result.stderr


def test_a_damaged_tuning_beside_the_program_is_left_as_it_is(
    mpc: Mpc, rows: Write, folder: Path, sources: FakeSources
) -> None:
    rows(30)
    mpc("tune", "intake.mp", "classify", "--on", "rows.jsonl")
    numbers = folder / "intake.tuning.safetensors"
    torn = numbers.read_bytes()[:99]
    numbers.write_bytes(torn)
    asked = len(sources.small.readings.asked)
    result = mpc("tune", "intake.mp", "classify", "--on", "rows.jsonl")
    assert result.exit_code == 1
    assert "intake.tuning.safetensors" in result.stderr
    assert "delete it" in result.stderr
    assert numbers.read_bytes() == torn
    assert len(sources.small.readings.asked) == asked
    (folder / "intake.tuning.json").write_text('{"format": ')
    result = mpc("tune", "intake.mp", "classify")
    assert (result.exit_code, "MP0803" in result.stderr) == (1, True)


def test_the_embedder_may_be_missing(mpc: Mpc, rows: Write, sources: FakeSources) -> None:
    sources.fake_embedder = None
    rows(30)
    result = mpc("tune", "intake.mp", "classify", "--on", "rows.jsonl")
    assert result.exit_code == 0
    assert "tuning without the embedder: the model `minilm-l6` is not here" in result.stderr
    assert "embedder" not in result.stdout
