"""What the studio's page is told."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Message

from microprompt.evaluation import kept
from microprompt.testing import ScriptedEngine
from mpc.studio.workspace import Workspace

from ..runtime.programs import wait_until_idle
from .conftest import PORT, PROGRAM, TOKEN, Gate, Page

# ------------------------------------------------------------------------------------------------ files


def test_the_files_are_listed_with_what_they_declare(page: Page, folder: Path) -> None:
    (folder / "broken.mp").write_text("prompt f(text: str) -> Nothing:\n    {text}\n")
    found = {each["file"]: each for each in page.ask("GET", "/api/files").json()["files"]}
    assert [each["name"] for each in found["support.mp"]["functions"]] == [
        *("classify", "ticket", "rate", "reply"),
    ]
    assert found["support.mp"]["functions"][3]["kind"] == "flow"
    assert found["broken.mp"] == {"file": "broken.mp", "functions": [], "errors": 1}


def test_a_function_is_described_by_its_types_labels_and_cases(page: Page) -> None:
    found = {each["name"]: each for each in page.post("/api/functions").json()["functions"]}
    assert found["classify"]["labels"][""][0] == {"key": "question", "word": "question", "meaning": None}
    assert [each["origin"] for each in found["classify"]["cases"]] == [*["test"] * 2, *["example"] * 4]
    item, tone, tags, note, loud = found["rate"]["parameters"]
    assert item["schema"]["properties"]["topic"]["enum"] == ["phone", "laptop"]
    assert "calm: polite, or plain" in tone["schema"]["description"]
    assert (tags["default"], note["default"], loud["default"]) == ([], None, False)
    assert list(found["ticket"]["labels"]) == ["topic", "urgent"]


@pytest.mark.parametrize(
    "file", ["../support.mp", "/etc/passwd", "secret.txt", "./support.mp", "support.mp/", "support.mp\0", ""]
)
def test_only_the_files_that_it_was_started_for_are_there(page: Page, file: str) -> None:
    assert page.ask("GET", "/api/file", params={"file": file}).status_code == 404
    assert page.ask("PUT", "/api/file", json={"file": file, "text": "", "version": ""}).status_code == 404
    assert page.post("/api/check", file=file).status_code == 404
    assert page.post("/api/check", drafts={file: "x"}).status_code == 404


def test_a_link_that_leads_out_is_not_there(
    page: Page, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "other.mp"
    outside.write_text(PROGRAM)
    (folder / "link.mp").symlink_to(outside)
    assert "link.mp" not in page.ask("GET", "/api/files").text
    assert page.ask("GET", "/api/file", params={"file": "link.mp"}).status_code == 404


@pytest.mark.parametrize(
    "path", ["/../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "/page/main.js", "/app.py", "/x"]
)
def test_the_page_has_no_other_parts(page: Page, path: str) -> None:
    assert page.ask("GET", path).status_code == 404


def test_a_file_is_saved_only_over_what_was_edited(page: Page, folder: Path) -> None:
    first = page.ask("GET", "/api/file", params={"file": "support.mp"}).json()
    saved = {"file": "support.mp", "text": f"{PROGRAM}\n# more\n", "version": first["version"]}
    second = page.ask("PUT", "/api/file", json=saved)
    assert second.status_code == 200
    assert (folder / "support.mp").read_text().endswith("# more\n")
    third = page.ask("PUT", "/api/file", json={**saved, "text": "lost"})
    assert third.status_code == 409
    assert third.json()["error"]["now"]["version"] == second.json()["version"]
    assert (folder / "support.mp").read_text().endswith("# more\n")


# ---------------------------------------------------------------------------------------------- compiling


def test_a_draft_is_checked_and_nothing_is_written(page: Page, folder: Path) -> None:
    draft = PROGRAM.replace("-> Ticket:", "-> Tickt:", 1)
    (found,) = page.post("/api/check", drafts={"support.mp": draft}).json()["diagnostics"]
    assert (found["code"], found["primary"]["line"]) == ("MP0203", 25)
    assert "did you mean `Ticket`" in found["help"]
    assert (folder / "support.mp").read_text() == PROGRAM
    assert page.post("/api/check").json() == {"diagnostics": []}


def test_a_broken_draft_cannot_be_run(page: Page, engine: ScriptedEngine) -> None:
    asked = {"function": "classify", "arguments": {"text": "x"}, "drafts": {"support.mp": "prompt"}}
    refused = page.post("/api/run", **asked)
    assert refused.status_code == 422
    assert refused.json()["error"]["kind"] == "compile"
    assert refused.json()["error"]["diagnostics"]


def test_a_draft_is_what_runs(page: Page, engine: ScriptedEngine) -> None:
    draft = PROGRAM.replace('return "done"', 'return "drafted"')
    asked = {"function": "reply", "arguments": {"text": "Sit down."}}
    assert page.post("/api/run", **asked, drafts={"support.mp": draft}).json()["value"] == "drafted"
    assert page.post("/api/run", **asked).json()["value"] == "done"


def test_a_module_is_loaded_again_only_when_something_has_changed(page: Page, folder: Path) -> None:
    workspace = Workspace([folder])
    first = workspace.load("support.mp", {})
    assert workspace.load("support.mp", {}) is first
    (folder / "support.mp").write_text(PROGRAM.replace("Answers questions", "Answers all"))
    assert workspace.load("support.mp", {}) is not first
    workspace.close()


def test_what_a_code_means_is_told(page: Page) -> None:
    assert page.ask("GET", "/api/code/MP0203").json()["title"] == "unknown type"
    assert page.ask("GET", "/api/code/MP9999").status_code == 422


# ------------------------------------------------------------------------------------------------ running


def test_an_answer_comes_with_its_distribution(page: Page, engine: ScriptedEngine) -> None:
    found = page.post("/api/run", function="classify", arguments={"text": "Is it?"}).json()
    assert found["value"] == "question"
    assert found["distribution"] == {"question": pytest.approx(0.75), "command": pytest.approx(0.25)}
    assert found["usage"]["prompt_tokens"] > 0


def test_a_flow_comes_with_its_decisions(page: Page, engine: ScriptedEngine) -> None:
    found = page.post("/api/run", function="reply", arguments={"text": "Is it?"}).json()
    assert found["value"] == "an answer about the phone is slow"
    assert [each["function"] for each in found["decisions"]] == ["classify", "ticket"]


def test_a_flow_is_run_again_with_another_answer_in_a_decisions_place(
    page: Page, engine: ScriptedEngine
) -> None:
    given = [{"function": "classify", "answers": ["command"]}]
    found = page.post("/api/run", function="reply", arguments={"text": "Is it?"}, given=given).json()
    assert found["value"] == "done"
    given[0]["answers"] = ["nothing of the kind"]
    refused = page.post("/api/run", function="reply", arguments={"text": "Is it?"}, given=given)
    assert refused.status_code == 422
    given[0]["function"] = "print"
    assert page.post("/api/run", function="reply", arguments={"text": "x"}, given=given).status_code == 422


def test_what_would_follow_another_label_is_written_behind_it(page: Page, engine: ScriptedEngine) -> None:
    asked = {"function": "ticket", "arguments": {"text": "It is slow."}}
    assert page.post("/api/run", **asked).json()["value"]["topic"] == "phone"
    other = page.post("/api/other", **asked, field="topic", label="laptop").json()
    assert other["value"] == {"topic": "laptop", "urgent": True, "summary": "the laptop burns"}
    assert other["fields"]["topic"]["confidence"] == pytest.approx(0.4)
    assert page.post("/api/other", **asked, field="topic", label="car").status_code == 422
    assert page.post("/api/other", **asked, field="summary", label="x").status_code == 422
    assert page.post("/api/other", **asked, field="", label="x").status_code == 422


def test_a_prompt_is_told_apart_into_what_is_kept_and_what_each_call_reads(
    page: Page, engine: ScriptedEngine
) -> None:
    found = page.post("/api/prompt", function="classify", arguments={"text": "Is (it)?"}).json()
    roles = [each["role"] for each in found["pieces"]]
    assert roles == ["prefix", "tail", "argument", "tail"] or roles == ["prefix", "argument", "tail"]
    (argument,) = (each["text"] for each in found["pieces"] if each["role"] == "argument")
    assert argument == "Is (it)?"
    assert found["explanation"]["prefix_tokens"] > 0
    assert page.post("/api/prompt", function="reply", arguments={"text": "x"}).status_code == 422


def test_a_flow_has_a_plan(page: Page) -> None:
    found = page.post("/api/outline", function="reply").json()
    assert len(found["waves"][0]["calls"]) == 2
    assert page.post("/api/outline", function="classify").status_code == 422


@pytest.mark.parametrize(
    ("function", "arguments", "said"),
    [
        ("classify", {}, "needs `text`"),
        ("classify", {"text": 3}, "must be str"),
        ("classify", {"text": "x", "more": 1}, "has no parameter `more`"),
        ("rate", {"item": {"topic": "car"}, "tone": "calm"}, "topic"),
        ("rate", {"item": {"topic": "phone", "urgent": True, "summary": "x"}, "tone": "loud"}, "tone"),
        ("nothing", {}, "no prompt or flow `nothing`"),
    ],
)
def test_bad_arguments_are_refused_in_words(
    page: Page, engine: ScriptedEngine, function: str, arguments: object, said: str
) -> None:
    refused = page.post("/api/run", function=function, arguments=arguments)
    assert refused.status_code == 422
    assert said in refused.json()["error"]["message"]


OF = '{"file": "support.mp", "function": "classify", "arguments": '


@pytest.mark.parametrize(
    "body",
    [
        *("", "{", "[]", '"x"', '{"file": 3, "function": "classify", "arguments": {}}'),
        *(OF + "{}", OF + '{}, "more": 1}', OF + "{}, 3}", OF + '{"text": NaN}}', OF + '{"text": 1e999}}'),
        *(OF + '{"text": "\\ud800"}}', OF + '{}, "drafts": {"support.mp": "\\ud800"}}'),
        *(OF.replace("support.mp", "\\ud800") + "{}}", OF.replace("classify", "\\ud800") + "{}}"),
        *(OF + "[" * 100_000, OF + '{"text": ' + "[" * 5000 + "]" * 5000 + "}}"),
        *(OF + '{"text": ' + "9" * 5000 + "}}", "\xff\xfe"),
    ],
)
def test_what_cannot_be_read_is_refused(page: Page, engine: ScriptedEngine, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    refused = page.ask("POST", "/api/run", content=body.encode("latin-1"), headers=headers)
    assert 400 <= refused.status_code < 500
    assert refused.json()["error"]["message"]


# ------------------------------------------------------------------------------------- tests, evaluation


def test_tests_come_line_by_line(page: Page, engine: ScriptedEngine) -> None:
    lines = [json.loads(line) for line in page.post("/api/tests").text.splitlines()]
    assert [each["passed"] for each in lines] == [True, False, True]
    assert lines[1]["difference"][0].startswith("expected question")
    assert len(page.post("/api/tests", function="reply").text.splitlines()) == 1


def test_what_keeps_tests_from_running_is_a_line_too(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROPROMPT_MODEL", "no-such-model")
    (line,) = page.post("/api/tests", function="classify").text.splitlines()
    assert json.loads(line)["error"]["kind"] == "model"


def test_the_last_evaluation_is_kept(page: Page, folder: Path) -> None:
    asked = {"file": "support.mp", "function": "classify"}
    assert page.ask("GET", "/api/evaluation", params=asked).json() == {"evaluation": None}
    kept.keep(folder / "support.mp", "classify", {"n": 3})
    found = page.ask("GET", "/api/evaluation", params=asked).json()["evaluation"]
    assert found["report"] == {"n": 3}
    version = page.ask("GET", "/api/file", params={"file": "support.mp"}).json()["version"]
    assert found["source"] == version


# ---------------------------------------------------------------------------------------------- the record


def test_calls_are_shown_once_they_are_recorded(
    page: Page, engine: ScriptedEngine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert page.post("/api/logs").json() == {"record": None, "count": 0, "calls": []}
    monkeypatch.setenv("MICROPROMPT_RECORD", str(folder / "calls.sqlite"))
    assert page.post("/api/logs").json()["count"] == 0
    page.post("/api/run", function="reply", arguments={"text": "Is it?"})
    page.post("/api/run", function="classify", arguments={"text": "Sit."})
    every = page.post("/api/logs").json()
    assert (every["count"], every["calls"][0]["arguments"]) == (4, {"text": "Sit."})
    assert page.post("/api/logs", function="classify").json()["count"] == 2
    assert page.post("/api/logs", function="classify", below=0.5).json()["count"] == 0
    assert page.post("/api/logs", function="classify", below=1).json()["count"] == 2
    assert page.post("/api/logs", hours=1, limit=1).json()["count"] == 4
    assert page.post("/api/logs", errors=True).json()["count"] == 0
    assert page.post("/api/logs", trace=every["calls"][1]["trace"]).json()["count"] == 3
    assert page.post("/api/logs", limit=0).status_code == 422


def test_what_looks_into_the_program_is_not_recorded(
    page: Page, engine: ScriptedEngine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICROPROMPT_RECORD", str(folder / "calls.sqlite"))
    (folder / "rows.jsonl").write_text('{"text": "Who?", "label": "question"}\n')
    draft = PROGRAM.replace('tests:\n    "Is it', 'tests:\n    from "rows.jsonl"\n    "Is it')
    tested = page.post("/api/tests", drafts={"support.mp": draft}).text.splitlines()
    assert [json.loads(line)["passed"] for line in tested] == [True, False, True, True]
    asked = {"function": "ticket", "arguments": {"text": "It is slow."}}
    assert page.post("/api/other", **asked, field="topic", label="laptop").status_code == 200
    given = [{"function": "classify", "answers": ["command"]}]
    run = page.post("/api/run", function="reply", arguments={"text": "Is it?"}, given=given)
    assert run.status_code == 200
    assert len(engine.calls) > 4
    assert page.post("/api/logs").json()["count"] == 0


# ---------------------------------------------------------------------------------- who does not wait


JUDGE = """
prompt judge(text: str) -> bool:
    Is it good? {text}
tests:
    from "rows.jsonl"

flow twice(text: str) -> bool:
  first = classify(text)
  return first == classify(text + "?")
tests:
    "Sit down." -> false
"""
CALL = {"function": "classify", "arguments": {"text": "Sit."}}
TICKET = {"function": "ticket", "arguments": {"text": "It is slow."}}


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/api/run", CALL),
        ("/api/other", {**TICKET, "field": "topic", "label": "laptop"}),
        ("/api/tests", {"function": "classify"}),
        ("/api/tests", {"function": "twice"}),
        ("/api/tests", {"function": "judge"}),
    ],
    ids=["run", "other", "tests", "flow", "rows"],
)
def test_a_call_is_given_up_when_the_page_has_gone(
    app: ASGIApp,
    engine: ScriptedEngine,
    go: Gate,
    folder: Path,
    path: str,
    asked: dict[str, object],
) -> None:
    (folder / "rows.jsonl").write_text('{"text": "Who?", "label": true}\n' * 3)
    told: list[Message] = []

    async def ask() -> None:
        body = {"file": "support.mp", "drafts": {"support.mp": PROGRAM + JUDGE}, **asked}
        left: list[Message] = [{"type": "http.request", "body": json.dumps(body).encode()}]

        async def receive() -> Message:
            if left:
                return left.pop()
            while not go.is_reached:
                await asyncio.sleep(0.001)
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            told.append(message)

        headers = {
            "host": f"127.0.0.1:{PORT}",
            "authorization": f"Bearer {TOKEN}",
            "content-type": "application/json",
        }
        await app(
            {
                "type": "http",
                "method": "POST",
                "path": path,
                "query_string": b"",
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            },
            receive,
            send,
        )

    asyncio.run(ask())  # which waits for threads
    assert not engine.scheduler.is_idle()  # it has not answered meanwhile
    go.set()
    wait_until_idle(engine)
    # Tests come line by line, and there was none yet.
    assert told[0]["status"] == (200 if path == "/api/tests" else 499)
    assert [body for each in told if (body := each.get("body"))] == []
