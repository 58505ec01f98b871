"""`mpc map`: many rows, whatever happens on the way."""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from microprompt import storage
from microprompt.errors import DeadlineExceeded, EngineError, MicropromptError, ModelError
from microprompt.function import PromptFunction
from microprompt.heads import tuning
from microprompt.heads.tuning import Entry
from microprompt.testing import ScriptedEngine
from mpc import project

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


def test_rows_that_another_tuning_answered_are_not_continued(
    mpc: Mpc, engine: ScriptedEngine, rows: Path, folder: Path
) -> None:
    for model in ("smollm2-135m", "gemma3-270m"):
        key = project.keys(folder / "intake.mp")["classify"]
        tuning.write(folder / "intake.tuning.json", {"classify": (Entry(key=key, model=model, heads={}),)})
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


WRONG = (
    (b'{"id": "w", "text": 3}', "`text` must be str, not 3"),
    (b'{"id": "w", "txt": "x"}', "classify needs `text`"),
    (b"nonsense", "not JSON"),
    (b"[1]", "the row is not a JSON object"),
    (b'{"id": "w", "inputs": {"text": "x", "y": 1}}', "classify has no parameter `y`"),
    (b'{"text": "\xff"}', "not UTF-8: byte 11 of the line"),
    (b"[" * 100_000, "nested too deeply"),
    (b'{"text": ' + b"9" * 5000 + b"}", "not JSON"),
    (b'{"id": "\\ud800", "text": 1}', "`text` must be str, not 1"),
)


@pytest.mark.parametrize(("wrong", "said"), WRONG, ids=lambda value: str(value)[:20])
def test_a_wrong_row_is_one_line_and_the_rest_goes_on(
    mpc: Mpc, engine: ScriptedEngine, folder: Path, wrong: bytes, said: str
) -> None:
    (folder / "rows.jsonl").write_bytes(b'{"text": "Go."}\n' + wrong + b'\n{"text": "Why?"}\n')
    status, told = run_map(mpc)
    assert status == 1
    assert f"rows.jsonl:2: {said}" in told or said in told
    found = read(folder / "out.jsonl")
    assert [row.get("value") for row in found] == ["command", None, "question"]
    assert said in found[1]["error"]
    assert ("id" in found[1]) == (b'"id"' in wrong)


def test_many_wrong_rows_are_counted(mpc: Mpc, engine: ScriptedEngine, folder: Path) -> None:
    (folder / "rows.jsonl").write_text("nonsense\n" * 8)
    status, told = run_map(mpc)
    assert (status, engine.calls) == (1, [])
    assert "8 rows, 8 of them with an error" in told
    assert told.count("not JSON") == 5
    assert "and 3 more" in told


def test_started_again_only_rows_without_an_answer_are_asked(
    mpc: Mpc, engine: ScriptedEngine, folder: Path
) -> None:
    rows = folder / "rows.jsonl"
    rows.write_text('{"text": "Go."}\n{"text": 3}\n{"text": "Why?"}\n')
    assert run_map(mpc)[0] == 1
    engine.calls.clear()
    assert run_map(mpc)[0] == 1
    assert engine.calls == []
    rows.write_text('{"text": "Go."}\n{"text": "Who?"}\n{"text": "Why?"}\n')
    assert run_map(mpc)[0] == 0
    assert {call[1]["text"] for call in engine.calls} == {"Who?"}
    assert [row["value"] for row in read(folder / "out.jsonl")] == ["command", "question", "question"]


def test_a_byte_order_mark_is_skipped(mpc: Mpc, engine: ScriptedEngine, folder: Path) -> None:
    (folder / "rows.jsonl").write_bytes(codecs.BOM_UTF8 + b'{"text": "Why?"}\r\n')
    assert run_map(mpc)[0] == 0
    assert read(folder / "out.jsonl")[0]["value"] == "question"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
def test_rows_in_another_encoding_are_named(
    mpc: Mpc, engine: ScriptedEngine, folder: Path, encoding: str
) -> None:
    text = '{"text": "Why?"}\n'
    (folder / "rows.jsonl").write_bytes(
        f"{'' if encoding in ('utf-16', 'utf-32') else chr(0xFEFF)}{text}".encode(encoding)
    )
    status, told = run_map(mpc)
    assert status == 1
    assert "UTF-16" in told
    assert not (folder / "out.jsonl").exists()


def test_rows_that_are_no_regular_file_are_not_read(mpc: Mpc, engine: ScriptedEngine, folder: Path) -> None:
    os.mkfifo(folder / "rows.jsonl")
    status, told = run_map(mpc)
    assert status == 3
    assert "rows.jsonl: it is not a regular file" in told


def test_an_output_that_is_no_regular_file_is_refused(
    mpc: Mpc, engine: ScriptedEngine, rows: Path, folder: Path
) -> None:
    os.mkfifo(folder / "out.jsonl")
    status, told = run_map(mpc)
    assert status == 1
    assert "out.jsonl is not a regular file" in told


def test_a_second_run_on_one_output_is_refused(
    mpc: Mpc, engine: ScriptedEngine, rows: Path, folder: Path
) -> None:
    with storage.locked(folder / ".out.jsonl.mpc.lock"):
        status, told = run_map(mpc)
    assert status == 1
    assert f"another mpc map is writing out.jsonl (process {os.getpid()})" in told
    assert engine.calls == []
    assert run_map(mpc)[0] == 0


@pytest.mark.parametrize("failing", [ModelError("it is gone"), EngineError("it broke")])
def test_what_is_no_rows_fault_ends_the_run(
    mpc: Mpc,
    engine: ScriptedEngine,
    rows: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    failing: MicropromptError,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(PromptFunction, "_asked", failing_at(20, failing))
        assert run_map(mpc)[0] == 3
    assert len(read(folder / "out.jsonl")) == 20
    assert run_map(mpc)[0] == 0
    assert len(read(folder / "out.jsonl")) == COUNT


def test_ctrl_c_says_where_it_will_go_on(
    mpc: Mpc, engine: ScriptedEngine, rows: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_map(mpc, "whole.jsonl")
    with monkeypatch.context() as patch:
        patch.setattr(PromptFunction, "_asked", failing_at(20, KeyboardInterrupt()))
        status, told = run_map(mpc)
    done = len(read(folder / "out.jsonl"))
    assert (status, told) == (130, f"stopped; start again to continue from row {done + 1}\n")
    assert run_map(mpc)[0] == 0
    assert read(folder / "out.jsonl") == read(folder / "whole.jsonl")


def test_a_row_that_fails_is_named_and_asked_again(
    mpc: Mpc, engine: ScriptedEngine, rows: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_map(mpc, "whole.jsonl")
    with monkeypatch.context() as patch:
        patch.setattr(PromptFunction, "_asked", failing_at(20, DeadlineExceeded("too slow")))
        status, said = run_map(mpc)
    assert status == 1
    assert "rows.jsonl:21: too slow" in said
    assert read(folder / "out.jsonl")[20] == {"id": "r20", "error": "too slow"}
    assert run_map(mpc)[0] == 0
    assert read(folder / "out.jsonl") == read(folder / "whole.jsonl")


def failing_at(number: int, error: BaseException) -> Callable[..., Any]:
    """In the place of a function's `_asked`, one that raises at this row."""
    real = PromptFunction._asked

    def asked(self: PromptFunction[..., Any], arguments: Any) -> Any:
        if arguments.get("text") == text(number):
            raise error
        return real(self, arguments)

    return asked
