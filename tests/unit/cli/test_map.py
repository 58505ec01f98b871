"""`mpc map`: many rows, whatever happens on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from microprompt.errors import DeadlineExceeded
from microprompt.function import PromptFunction
from microprompt.testing import ScriptedEngine

from .conftest import Mpc

COUNT = 50


@pytest.fixture
def rows(folder: Path) -> Path:
    path = folder / "rows.jsonl"
    lines = [json.dumps({"id": f"r{number}", "inputs": {"text": text(number)}}) for number in range(COUNT)]
    path.write_text("\n".join(lines) + "\n")
    return path


def text(number: int) -> str:
    return f"Row {number}{'?' if number % 3 else '.'}"


def run_map(mpc: Mpc, out: str = "out.jsonl", rows: str = "rows.jsonl") -> tuple[int, str]:
    result = mpc("map", "intake.mp", "classify", rows, "--out", out)
    assert result.stdout == ""
    return result.exit_code, result.stderr


def read(path: Path) -> list[dict[str, Any]]:
    """The rows without what depends on the clock."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [{key: value for key, value in row.items() if key != "seconds"} for row in found]


def test_every_row_has_an_answer_with_its_id(
    mpc: Mpc, engine: ScriptedEngine, rows: Path, folder: Path
) -> None:
    assert run_map(mpc)[0] == 0
    found = read(folder / "out.jsonl")
    assert [row["id"] for row in found] == [f"r{number}" for number in range(COUNT)]
    assert [row["value"] for row in found] == ["question" if n % 3 else "command" for n in range(COUNT)]


def test_a_row_may_hold_the_arguments_itself(mpc: Mpc, engine: ScriptedEngine, folder: Path) -> None:
    (folder / "rows.jsonl").write_text('{"text": "Why?", "label": "x"}\n\n{"id": 7, "text": "Go."}\n')
    assert run_map(mpc)[0] == 0
    found = read(folder / "out.jsonl")
    assert ["id" in row for row in found] == [False, True]
    assert found[1]["id"] == 7


def test_no_rows_give_an_empty_file(mpc: Mpc, engine: ScriptedEngine, folder: Path) -> None:
    (folder / "rows.jsonl").write_text("")
    assert run_map(mpc)[0] == 0
    assert (folder / "out.jsonl").read_text() == ""


@pytest.mark.parametrize("answered", [0, 5, 16, 33, 49])
def test_an_interrupted_run_continues_to_the_same_file(
    mpc: Mpc,
    engine: ScriptedEngine,
    rows: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    answered: int,
) -> None:
    run_map(mpc, "whole.jsonl")
    run_map(mpc)
    out = folder / "out.jsonl"
    lines = out.read_text().splitlines(keepends=True)
    out.write_text("".join(lines[:answered]) + lines[answered][:20])
    engine.calls.clear()
    assert run_map(mpc)[0] == 0
    assert read(out) == read(folder / "whole.jsonl")
    assert len(engine.calls) <= COUNT - answered + 17


def test_a_finished_run_started_again_asks_nothing(
    mpc: Mpc, engine: ScriptedEngine, rows: Path, folder: Path
) -> None:
    run_map(mpc)
    before = (folder / "out.jsonl").read_bytes()
    engine.calls.clear()
    status, said = run_map(mpc)
    assert (status, engine.calls) == (0, [])
    assert "all 50 rows are answered" in said
    assert (folder / "out.jsonl").read_bytes() == before


def test_rows_added_at_the_end_are_answered(
    mpc: Mpc, engine: ScriptedEngine, rows: Path, folder: Path
) -> None:
    run_map(mpc)
    with rows.open("a") as file:
        file.write('{"id": "new", "text": "What else?"}\n')
    assert run_map(mpc)[0] == 0
    found = read(folder / "out.jsonl")
    assert (len(found), found[-1]["id"]) == (COUNT + 1, "new")


def test_the_output_of_other_rows_is_not_continued(
    mpc: Mpc, engine: ScriptedEngine, rows: Path, folder: Path
) -> None:
    run_map(mpc)
    before = (folder / "out.jsonl").read_bytes()
    rows.write_text(rows.read_text().replace("Row 3.", "Row three."))
    status, said = run_map(mpc)
    assert status == 1
    assert "was made from other rows" in said
    assert (folder / "out.jsonl").read_bytes() == before


def test_the_output_of_another_program_is_not_continued(
    mpc: Mpc, engine: ScriptedEngine, rows: Path, folder: Path
) -> None:
    run_map(mpc)
    program = folder / "intake.mp"
    program.write_text(program.read_text().replace("Is it a question", "Is this a question"))
    status, said = run_map(mpc)
    assert status == 1
    assert "was made by another program" in said


def test_a_file_of_another_kind_is_not_overwritten(
    mpc: Mpc, engine: ScriptedEngine, rows: Path, folder: Path
) -> None:
    (folder / "out.jsonl").write_text("precious\n")
    status, said = run_map(mpc)
    assert status == 1
    assert "was not begun by this command" in said
    assert (folder / "out.jsonl").read_text() == "precious\n"


def test_wrong_rows_are_all_named_before_anything_is_asked(
    mpc: Mpc, engine: ScriptedEngine, folder: Path
) -> None:
    wrong = (
        b'{"text": 3}',
        b'{"txt": "x"}',
        b"nonsense",
        b"[1]",
        b'{"inputs": {"text": "x", "y": 1}}',
        b"\xff",
    )
    (folder / "rows.jsonl").write_bytes(b"\n".join((b'{"text": "fine"}', *wrong)))
    status, said = run_map(mpc)
    assert (status, engine.calls) == (1, [])
    assert "rows.jsonl:2: `text` must be str, not 3" in said
    assert "rows.jsonl:3: classify needs `text`" in said
    assert "rows.jsonl:4: not JSON" in said
    assert "rows.jsonl:5: the row is not a JSON object" in said
    assert "rows.jsonl:6: classify has no parameter `y`" in said
    assert "and 1 more" in said
    assert not (folder / "out.jsonl").exists()


def test_a_row_that_fails_is_named_and_what_is_answered_is_kept(
    mpc: Mpc, engine: ScriptedEngine, rows: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_map(mpc, "whole.jsonl")
    real = PromptFunction._call

    def call(self: PromptFunction[..., Any], args: Any, kwargs: Any) -> Any:
        if kwargs.get("text") == text(20):
            raise DeadlineExceeded("too slow")
        return real(self, args, kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(PromptFunction, "_call", call)
        status, said = run_map(mpc)
    assert status == 1
    assert "rows.jsonl:21: too slow" in said
    assert len(read(folder / "out.jsonl")) == 20
    assert run_map(mpc)[0] == 0
    assert read(folder / "out.jsonl") == read(folder / "whole.jsonl")
