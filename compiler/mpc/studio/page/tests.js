// The tests of a file or a function, run on the text as it is now; each is shown as soon as it has run.

import { h, fill, complaint, say, short, percent, ms, readable } from "./dom.js";
import { lines } from "./api.js";
import { state, drafts } from "./state.js";

/** A panel that runs tests: its element, `run()` and `leave()`. Without a `function`, it is the whole file's. */
export function testsPanel({ function: name }) {
  const status = h("p", { class: "status", role: "status" });
  const list = h("ol", { class: "tests" });
  const stop = h("button", { type: "button", class: "small", hidden: true, onclick: () => leave() }, "Stop");
  const element = h("section", { class: "tests-panel", "aria-label": "Tests" }, h("div", { class: "actions" }, status, stop), list);
  let running = null;

  async function run() {
    running?.abort();
    const own = (running = new AbortController());
    const file = state.file;
    let passed = 0;
    let failed = 0;
    fill(list);
    status.className = "status busy";
    status.textContent = "running";
    stop.hidden = false;
    try {
      const body = { file, drafts: drafts(), ...(name ? { function: name } : {}) };
      for await (const found of lines("/api/tests", body, own.signal)) {
        found.passed ? (passed += 1) : (failed += 1);
        list.append(h("li", { class: found.passed ? "pass" : "fail" }, found.rows === undefined ? written(found) : ofRows(found)));
        status.textContent = `${passed} passed, ${failed} failed so far`;
      }
      status.textContent = passed + failed ? `${passed} passed, ${failed} failed` : "there are no tests";
      status.dataset.worst = failed ? "error" : "none";
    } catch (error) {
      if (running !== own) return; // they run once more
      if (error.name === "AbortError") status.textContent = `stopped: ${passed} passed, ${failed} failed`;
      else {
        status.textContent = `${passed} passed, ${failed} failed, and then:`;
        list.append(h("li", {}, complaint(error)));
      }
    } finally {
      if (running === own) {
        status.className = "status";
        stop.hidden = true;
      }
    }
    say(status.textContent);
  }

  /** Nobody looks any more. */
  function leave() {
    running?.abort();
  }

  return { element, run, leave };
}

const mark = (passed) => h("span", { class: "verdict", "aria-label": passed ? "passed" : "failed" }, passed ? "✓" : "✗");

function written(found) {
  const given = Object.values(found.arguments).map((value) => short(value, 60)).join(", ");
  const sure = (p) => (p === null ? "" : ` (${percent(p)})`);
  return [
    h("p", {}, mark(found.passed), " ", h("b", {}, found.function), `(${given}) → ${readable(found.got)}${sure(found.probability)} `, h("span", { class: "muted" }, ms(found.seconds))),
    found.passed
      ? null
      : found.error
        ? h("pre", {}, found.error)
        : h("p", {}, "expected ", h("b", {}, readable(found.expected)), sure(found.expected_probability)),
    !found.passed && found.difference.length > 2 ? h("details", {}, h("summary", {}, "The way there"), h("pre", { tabindex: 0 }, found.difference.slice(2).join("\n"))) : null,
  ];
}

function ofRows(found) {
  return [h("p", {}, mark(found.passed), " ", found.headline), found.passed ? null : h("pre", { tabindex: 0 }, found.difference.join("\n"))];
}

export function testsView(told) {
  const panel = testsPanel({ function: told.name });
  const button = h("button", { type: "button", class: "primary", onclick: () => panel.run() }, "Run tests", h("kbd", {}, "Ctrl ⏎"));
  const count = told.tests ? `${told.name} has ${told.tests} ${told.tests === 1 ? "test" : "tests"}.` : "";
  const none = h("p", { class: "empty" }, "No tests yet. Write a clause below the function: ", h("code", {}, 'tests:'), " and lines such as ", h("code", {}, '"some text" -> answer'), ".");
  return {
    element: h("div", { class: "panel" }, told.tests ? [h("p", { class: "muted" }, count, " A model answers them."), h("div", { class: "actions" }, button), panel.element] : none),
    run: told.tests ? panel.run : null,
    leave: panel.leave,
  };
}
