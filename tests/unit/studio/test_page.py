"""The studio's page in a real Chromium, view by view."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from microprompt.evaluation import kept
from microprompt.testing import ScriptedEngine
from mpc.studio.app import studio

from ..runtime.programs import wait_until_idle
from .browser import CHROMIUM, LACKING, arguments
from .conftest import PROGRAM, TOKEN, Remembering

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=LACKING)

VIEWS = ("Try", "Prompt", "Source", "Tests", "Evaluation", "Logs")
PATIENCE = 60_000  # milliseconds: the machine may have more to do
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments())
        yield browser
        browser.close()


@dataclass(frozen=True)
class Studio:
    """A page that shows the studio, and what went wrong on it."""

    page: Page
    address: str
    problems: list[str]

    def open(self, name: str, view: str = "Try") -> None:
        """Go to a function's view."""
        self.page.get_by_role("navigation", name="Functions").get_by_role("link", name=name).first.click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(name)
        self.page.get_by_role("navigation", name="Views").get_by_role("link", name=view).click()


@pytest.fixture
def shown(workspace: Remembering, engine: ScriptedEngine, browser: Browser) -> Iterator[Studio]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    app = studio(workspace, token=TOKEN, port=port)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
    serving = threading.Thread(target=server.run, args=([listening],))
    serving.start()
    problems: list[str] = []
    with closing(browser.new_context(viewport={"width": 1280, "height": 900})) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        address = f"http://127.0.0.1:{port}/#token={TOKEN}"
        page.goto(address)
        yield Studio(page, address, problems)
    server.should_exit = True
    serving.join()


# ------------------------------------------------------------------------------------------------- trying


def test_an_answer_is_shown_with_its_bars_and_another_label_is_explained(shown: Studio) -> None:
    page = shown.page
    shown.open("classify")
    page.get_by_label("text").fill("Is it raining?")
    page.get_by_role("button", name="Run").click()
    answer = page.get_by_role("region", name="Answer")
    expect(answer.locator(".value")).to_have_text("question")
    expect(answer.locator(".sure")).to_have_text("75 % sure")
    other = answer.get_by_role("button", name="command 25 %")
    expect(other).to_have_attribute("aria-expanded", "false")
    other.click()
    expect(answer.locator(".alternative")).to_contain_text("3.0 times less probable than question")
    expect(answer.locator(".alternative")).to_contain_text('2 in the source: "Go home."')
    assert not shown.problems


def test_the_token_is_taken_out_of_the_address(shown: Studio) -> None:
    expect(shown.page.get_by_role("heading", level=1)).to_be_visible()
    assert TOKEN not in shown.page.url
    shown.page.reload()
    expect(shown.page.get_by_role("heading", level=1)).to_be_visible()


def test_without_the_token_the_page_says_where_it_is(shown: Studio, browser: Browser) -> None:
    with closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(shown.address.partition("#")[0])
        expect(page.get_by_role("heading", level=1)).to_have_text("No token")


def test_parameters_of_all_types_are_filled_in_by_forms(shown: Studio, engine: ScriptedEngine) -> None:
    page = shown.page
    shown.open("rate")
    page.get_by_label("topic").select_option("laptop")
    page.get_by_role("group", name="item", exact=True).get_by_label("urgent").check()
    page.get_by_label("summary").fill("it burns")
    page.get_by_label("tone", exact=True).select_option("angry")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("textbox", name="tags").fill("hot")
    page.get_by_label("none").uncheck()
    page.get_by_label("note", exact=True).fill("be quick")
    page.get_by_label("yes").last.check()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".value")).to_have_text("4")
    (_, asked) = engine.calls[-1]
    assert (asked["tags"], asked["note"], asked["loud"]) == (["hot"], "be quick", True)
    assert str(asked["tone"]) == "angry"
    assert not shown.problems


def test_a_call_that_is_under_way_is_not_made_again_by_the_keys(shown: Studio) -> None:
    page = shown.page
    asked: list[Route] = []
    page.route("**/api/run", lambda route: asked.append(route))  # and nobody answers
    shown.open("classify")
    page.get_by_label("text").fill("Is it raining?")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.keyboard.press("Control+Enter")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("region", name="Answer")).to_have_text("stopped")
    assert len(asked) == 1


def test_a_record_can_be_written_as_json_which_is_checked(shown: Studio) -> None:
    page = shown.page
    shown.open("rate")
    page.get_by_role("button", name="as JSON").first.click()
    area = page.get_by_label("item, as JSON")
    assert '"topic": "phone"' in area.input_value()
    area.fill('{"topic": ')
    expect(area).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("alert").first).to_contain_text("item: not JSON")
    area.fill('{"topic": "car", "urgent": true, "summary": "x"}')
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".complaint")).to_contain_text("topic")


def test_the_rest_of_a_record_is_written_behind_another_label(shown: Studio) -> None:
    page = shown.page
    shown.open("ticket")
    page.get_by_label("text").fill("It is slow.")
    page.get_by_role("button", name="Run").click()
    page.get_by_role("list", name="Distribution of topic").get_by_role("button", name="laptop").click()
    page.get_by_role("button", name="What would have followed?").click()
    expect(page.locator(".changes")).to_contain_text("the laptop burns")


def test_what_would_have_followed_is_stopped(
    shown: Studio, engine: ScriptedEngine, go: threading.Event
) -> None:
    page = shown.page
    shown.open("ticket")
    page.get_by_label("text").fill("It is slow.")
    go.set()
    page.get_by_role("button", name="Run").click()
    page.get_by_role("list", name="Distribution of topic").get_by_role("button", name="laptop").click()
    go.clear()
    page.get_by_role("button", name="What would have followed?").click()
    page.locator(".following").get_by_role("button", name="Stop").click()
    expect(page.locator(".following")).to_contain_text("stopped")
    go.set()
    wait_until_idle(engine)
    page.get_by_role("button", name="What would have followed?").click()
    expect(page.locator(".changes")).to_contain_text("the laptop burns")
    assert not shown.problems


def test_a_flow_is_a_tree_of_decisions_and_goes_another_way(shown: Studio) -> None:
    page = shown.page
    shown.open("reply")
    page.get_by_label("text").fill("Is it?")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".value")).to_have_text("an answer about the phone is slow")
    expect(page.locator(".wave")).to_contain_text("2 side by side")
    decision = page.locator(".decision[data-function=classify]")
    decision.locator("summary").first.click()
    decision.get_by_role("button", name="command").click()
    decision.get_by_role("button", name="What would have followed?").click()
    expect(decision.locator(".changes ins")).to_have_text('"done"')
    assert not shown.problems


# -------------------------------------------------------------------------------------- prompt, evaluation


def test_the_prompt_is_coloured_by_what_each_call_pays_for(shown: Studio) -> None:
    shown.open("classify", "Prompt")
    text = shown.page.get_by_label("The prompt")
    expect(text.locator(".prefix")).to_contain_text("Is it a question or a command?")
    expect(text.locator(".argument")).to_have_text("Is it raining?")


def test_a_flow_has_a_plan(shown: Studio) -> None:
    shown.open("reply", "Plan")
    expect(shown.page.locator(".wave-line")).to_have_text(re.compile("wave 1"))


def test_the_last_evaluation_is_shown(shown: Studio, folder: Path) -> None:
    shown.open("classify", "Evaluation")
    expect(shown.page.get_by_text("It has not been evaluated")).to_be_visible()
    kept.keep(folder / "support.mp", "classify", EVALUATION)
    shown.open("classify", "Try")
    shown.open("classify", "Evaluation")
    page = shown.page
    expect(page.get_by_text("0.750").first).to_be_visible()
    expect(page.get_by_role("region", name="Right answers by row")).to_contain_text("command")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_label("text")).to_have_value("Go?")
    assert not shown.problems


_FIGURES = {
    "n": 4,
    "accuracy": 0.75,
    "interval": [0.3, 0.95],
    "macro_f1": 0.7,
    "ece": 0.1,
    "brier": None,
    "p50_ms": 12.0,
    "p95_ms": 20.0,
    "confusion": {"labels": ["question", "command"], "counts": [[2, 0], [1, 1]]},
    "reliability": [{"lower": 0.5, "upper": 0.75, "n": 4, "accuracy": 0.75}],
}
_MISTAKE = {
    "line": 3,
    "arguments": {"text": "Go?"},
    "expected": "command",
    "answer": "question",
    "confidence": 0.9,
}
EVALUATION = {
    "rows": "rows.jsonl",
    **_FIGURES,
    "models": [{"model": "small", **_FIGURES, "worst": [_MISTAKE], "warnings": []}],
    "warnings": [],
}


def test_recorded_calls_are_listed_and_filtered(
    shown: Studio, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = shown.page
    shown.open("classify", "Logs")
    expect(page.get_by_text("Calls are not recorded")).to_be_visible()
    monkeypatch.setenv("MICROPROMPT_RECORD", str(folder / "calls.sqlite"))
    shown.open("reply")
    page.get_by_label("text").fill("Is it?")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".value")).to_be_visible()
    shown.open("classify", "Logs")
    expect(page.locator(".calls > li")).to_have_count(1)
    page.locator(".calls summary").click()
    expect(page.locator(".calls .chosen")).to_contain_text("question")
    page.get_by_label("Sureness").select_option("below 70 %")
    expect(page.get_by_text("No call is as wanted")).to_be_visible()
    page.get_by_label("Sureness").select_option("any")
    page.get_by_label("Calls of").select_option("the whole file")
    expect(page.locator(".calls > li")).to_have_count(3)
    page.get_by_label("Calls of").select_option("classify")
    expect(page.locator(".calls > li")).to_have_count(1)
    page.locator(".calls summary").click()
    page.get_by_role("button", name="The calls around it").click()
    expect(page.locator(".calls > li")).to_have_count(3)
    page.locator(".calls summary", has_text="classify").click()
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_label("text")).to_have_value("Is it?")
    assert not shown.problems


# ------------------------------------------------------------------------------------------------ editing


def test_diagnostics_come_while_typing_and_a_code_is_explained(shown: Studio, folder: Path) -> None:
    page = shown.page
    shown.open("ticket", "Source")
    source = page.get_by_label("Source of support.mp")
    expect(page.get_by_text("no problems")).to_be_visible()
    source.fill(PROGRAM.replace("-> Ticket:", "-> Tickt:"))
    expect(page.get_by_text("1 error")).to_be_visible()
    expect(page.locator(".back .mark-error")).to_have_text("Tickt")
    expect(page.locator(".gutter .mark.error")).to_have_count(1)
    expect(page.get_by_role("list", name="Diagnostics")).to_contain_text("did you mean Ticket")
    page.get_by_role("button", name="MP0203").click()
    expect(page.get_by_role("dialog")).to_contain_text("unknown type")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Undo all").click()
    expect(page.get_by_text("no problems")).to_be_visible()
    assert (folder / "support.mp").read_text() == PROGRAM
    assert not shown.problems


def test_a_file_with_errors_opens_at_its_source_and_is_mended_there(shown: Studio, folder: Path) -> None:
    page = shown.page
    (folder / "a.mp").write_text("prompt ask(text: str) -> Nothing:\n    Is it so? {text}\n")
    page.reload()
    page.get_by_role("navigation", name="Functions").get_by_role("link", name="a.mp").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("a.mp")
    expect(page.get_by_text("1 error").first).to_be_visible()
    page.get_by_label("Source of a.mp").fill("prompt ask(text: str) -> bool:\n    Is it so? {text}\n")
    page.get_by_role("navigation", name="Functions").get_by_role("link", name="ask").click()
    expect(page.get_by_role("button", name="Save")).to_be_enabled()
    page.keyboard.press("1")
    expect(page.get_by_role("button", name="Run")).to_be_visible()


def test_what_is_typed_runs_is_tested_and_is_saved_when_that_is_asked_for(
    shown: Studio, folder: Path
) -> None:
    page = shown.page
    shown.open("reply", "Source")
    source = page.get_by_label("Source of support.mp")
    text = PROGRAM.replace('return "done"', 'return "typed"').replace("flow reply", "flow respond")
    source.fill(text)
    link = page.get_by_role("navigation", name="Functions").get_by_role("link", name="respond")
    expect(link).to_be_visible()
    page.get_by_role("button", name="Run tests").click()
    expect(page.get_by_text("1 passed, 2 failed")).to_have_count(2)  # one of them is for those who hear it
    assert (folder / "support.mp").read_text() == PROGRAM
    page.reload()
    expect(source).to_have_value(text)
    source.press("Control+s")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    assert (folder / "support.mp").read_text() == text


def test_what_somebody_else_has_written_is_not_lost(shown: Studio, folder: Path) -> None:
    page = shown.page
    shown.open("reply", "Source")
    source = page.get_by_label("Source of support.mp")
    source.fill(f"{PROGRAM}\n# mine\n")
    (folder / "support.mp").write_text(f"{PROGRAM}\n# theirs\n")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("has changed on disk")
    assert (folder / "support.mp").read_text().endswith("# theirs\n")
    page.get_by_role("button", name="Take what is on disk").click()
    expect(source).to_have_value(f"{PROGRAM}\n# theirs\n")


def test_tab_indents_and_escape_leads_out_of_the_text(shown: Studio) -> None:
    page = shown.page
    shown.open("reply", "Source")
    source = page.get_by_label("Source of support.mp")
    source.fill("")
    source.press("Tab")
    expect(source).to_have_value("    ")
    source.press("Escape")
    source.press("Tab")
    expect(source).not_to_be_focused()


def test_what_is_written_by_keys_of_the_editor_can_be_undone_and_stays_in_sight(shown: Studio) -> None:
    page = shown.page
    shown.open("reply", "Source")
    source = page.get_by_label("Source of support.mp")
    expect(source).to_have_value(PROGRAM)
    source.press("Control+End")
    source.press("Tab")
    expect(source).to_have_value(f"{PROGRAM}    ")
    source.press("Enter")
    expect(source).to_have_value(f"{PROGRAM}    \n    ")
    source.press("Control+z")
    source.press("Control+z")
    expect(source).to_have_value(PROGRAM)
    for _ in range(40):
        source.press("Enter")
    bottom = "e => e.scrollHeight - e.clientHeight - e.scrollTop"
    assert page.locator(".editor").evaluate(bottom) < 60


def test_tests_of_a_function_are_run(shown: Studio) -> None:
    shown.open("classify", "Tests")
    shown.page.get_by_role("button", name="Run tests").click()
    results = shown.page.get_by_role("region", name="Tests")
    expect(results.get_by_role("status")).to_have_text("1 passed, 1 failed")
    expect(results.locator(".fail")).to_contain_text("expected question (25 %)")


def test_tests_are_stopped_and_run_again(shown: Studio, engine: ScriptedEngine, go: threading.Event) -> None:
    shown.open("classify", "Tests")
    shown.page.get_by_role("button", name="Run tests").click()
    results = shown.page.get_by_role("region", name="Tests")
    stop = results.get_by_role("button", name="Stop")
    stop.click()
    expect(results.get_by_role("status")).to_have_text("stopped: 0 passed, 0 failed")
    expect(stop).to_be_hidden()
    go.set()
    wait_until_idle(engine)
    assert len(engine.calls) == 1
    shown.page.get_by_role("button", name="Run tests").click()
    expect(results.get_by_role("status")).to_have_text("1 passed, 1 failed")
    assert not shown.problems


def test_tests_that_nobody_looks_at_any_more_are_given_up(
    shown: Studio, engine: ScriptedEngine, go: threading.Event
) -> None:
    shown.open("classify", "Tests")
    shown.page.get_by_role("button", name="Run tests").click()
    expect(shown.page.get_by_role("button", name="Stop")).to_be_visible()
    shown.open("classify")
    with shown.page.expect_response("**/api/run"):  # the studio has time for it
        shown.page.get_by_role("button", name="Run").click()
        go.set()
    wait_until_idle(engine)
    assert len(engine.calls) == 2


# ----------------------------------------------------------------------------------------- keys and looks


def test_everything_is_reached_by_the_keyboard(shown: Studio) -> None:
    page = shown.page
    shown.open("classify")
    page.locator("body").click(position={"x": 5, "y": 890})
    page.keyboard.press("j")
    expect(page.get_by_role("heading", level=1)).to_have_text("ticket")
    page.keyboard.press("3")
    expect(page.get_by_label("Source of support.mp")).to_be_visible()
    page.keyboard.press("k")
    expect(page.get_by_role("heading", level=1)).to_have_text("classify")
    page.keyboard.press("/")
    expect(page.get_by_placeholder("Filter functions")).to_be_focused()
    page.keyboard.type("repl")
    expect(page.locator("#list li")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()


def test_the_theme_follows_the_system_or_the_switch(shown: Studio) -> None:
    page = shown.page
    ground = "getComputedStyle(document.body).backgroundColor"
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.emulate_media(color_scheme="light")
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    assert light != dark
    page.get_by_role("button", name="Theme").click()
    assert page.evaluate(ground) == light
    page.get_by_role("button", name="Theme").click()
    page.emulate_media(color_scheme="light")
    assert page.evaluate(ground) == dark


SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
USED = {"button", "checkbox", "combobox", "link", "searchbox", "spinbutton", "textbox"}

CONTRAST = """() => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const solid = (colours) => {
    context.clearRect(0, 0, 1, 1);
    for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = rgb.map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    if (!own || !element.checkVisibility() || element.closest(":disabled, .text, .hidden")) continue;
    const grounds = [];
    for (let each = element; each; each = each.parentElement) {
      grounds.unshift(getComputedStyle(each).backgroundColor);
    }
    const ground = light(solid(grounds));
    const text = light(solid([...grounds, getComputedStyle(element).color]));
    const ratio = (Math.max(ground, text) + 0.05) / (Math.min(ground, text) + 0.05);
    if (ratio < 4.5) found.push(`${element.tagName} ${element.textContent.slice(0, 20)} ${ratio.toFixed(1)}`);
  }
  return found;
}"""


@pytest.mark.parametrize("view", VIEWS)
def test_all_that_is_used_has_a_name_and_all_text_can_be_read_on_narrow_screens_too(
    shown: Studio, folder: Path, view: str
) -> None:
    page = shown.page
    kept.keep(folder / "support.mp", "classify", EVALUATION)
    shown.open("classify", view)
    page.wait_for_load_state("networkidle")
    if view == "Try":
        page.get_by_role("button", name="Run").click()
        page.get_by_role("button", name="command").click()
    if view == "Source":
        page.get_by_label("Source of support.mp").fill(PROGRAM.replace("-> Ticket:", "-> Tickt:"))
        expect(page.get_by_text("1 error")).to_be_visible()
    if view == "Tests":
        page.get_by_role("button", name="Run tests").click()
        expect(page.get_by_role("region", name="Tests")).to_contain_text("1 failed")
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    used = [node for node in nodes if node.get("role", {}).get("value") in USED and not node["ignored"]]
    assert len(used) > 10
    assert not [node for node in used if not node.get("name", {}).get("value", "").strip()]
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(CONTRAST) == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_text_that_cannot_be_read_is_found(shown: Studio) -> None:
    shown.open("classify")
    assert shown.page.evaluate(CONTRAST) == []
    shown.page.evaluate("document.documentElement.style.setProperty('--muted', '#999999')")
    assert shown.page.evaluate(CONTRAST) != []


def test_on_a_narrow_screen_the_functions_are_behind_a_button(shown: Studio) -> None:
    page = shown.page
    page.set_viewport_size({"width": 360, "height": 740})
    functions = page.get_by_role("navigation", name="Functions")
    expect(functions).to_be_hidden()
    page.get_by_role("button", name="Functions").click()
    shown.open("ticket")
    expect(functions).to_be_hidden()
