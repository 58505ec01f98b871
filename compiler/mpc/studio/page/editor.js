// The source: edited with what the compiler says of it, saved only when that is asked for, and tested.

import { h, fill, complaint, say, ticked } from "./dom.js";
import { post, put } from "./api.js";
import { state, drafts, load, edit } from "./state.js";
import { coloured, offset } from "./highlight.js";
import { testsPanel } from "./tests.js";
import { explain } from "./codes.js";

const PAUSE = 250;

export function sourceView({ line, changed }) {
  const element = h("div", {}, h("p", { class: "empty busy" }, "reading"));
  const view = { element, run: null, save: null };
  open(state.file, line, changed, view).catch((error) => fill(element, complaint(error)));
  return view;
}

async function open(file, line, changed, view) {
  const saved = await load(file);
  let diagnostics = [];
  let waiting = 0;
  let isChecking = false;
  let isStale = false;
  let leaves = false; // whether the next Tab leaves the text
  const back = h("pre", { class: "back", "aria-hidden": "true" });
  const gutter = h("div", { class: "gutter", "aria-hidden": "true" });
  const status = h("p", { class: "status", role: "status" });
  const problems = h("ul", { class: "problems", "aria-label": "Diagnostics" });
  const notice = h("div", {});
  const tests = testsPanel({ function: null });
  const area = h("textarea", {
    class: "text",
    id: "source",
    spellcheck: false,
    autocapitalize: "off",
    autocomplete: "off",
    wrap: "off",
    "aria-label": `Source of ${file}`,
    "aria-describedby": "editor-keys",
    value: state.drafts.get(file) ?? saved.text,
    oninput: typed,
    onkeydown: indent,
    onkeyup: caret,
    onclick: caret,
  });
  const save = h("button", { type: "button", class: "primary", onclick: () => store() }, "Save", h("kbd", {}, "Ctrl S"));
  const revert = h("button", { type: "button", onclick: () => take(state.saved.get(file)) }, "Undo all");
  const test = h("button", { type: "button", onclick: () => tests.run() }, "Run tests", h("kbd", {}, "Ctrl ⏎"));
  const here = h("p", { class: "here", "aria-live": "polite" });

  fill(
    view.element,
    notice,
    h("div", { class: "actions" }, save, revert, test, h("span", { class: "gap" }), status),
    h("div", { class: "editor" }, gutter, h("div", { class: "code" }, back, area)),
    here,
    h("p", { class: "hint", id: "editor-keys" }, "Tab indents; Esc and then Tab leaves the text."),
    problems,
    tests.element,
  );
  view.run = () => tests.run();
  view.leave = tests.leave;
  view.save = () => store();
  draw();
  if (line) scrollTo(line); // without the focus: letters are keys of the page still
  await check();

  // ---------------------------------------------------------------------------------------- typing

  function typed() {
    edit(file, area.value);
    diagnostics = [];
    draw();
    clearTimeout(waiting);
    waiting = setTimeout(check, PAUSE);
  }

  function indent(event) {
    if (event.key === "Escape") leaves = true;
    else if (event.key === "Tab" && !event.shiftKey && !leaves && !event.ctrlKey && !event.altKey) {
      event.preventDefault();
      write("    ");
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      const before = area.value.slice(0, area.selectionStart);
      const [margin] = /^[ ]*/.exec(before.slice(before.lastIndexOf("\n") + 1));
      if (margin) {
        event.preventDefault();
        write(`\n${margin}`);
      }
    }
    if (event.key !== "Escape" && event.key !== "Shift") leaves = false;
  }

  /** Write as if it had been typed, so that it can be undone like that: no newer way leaves the history as it is. */
  function write(text) {
    document.execCommand("insertText", false, text);
  }

  /** Ask the compiler, one question at a time: while one is out, only the last text counts. */
  async function check() {
    if (isChecking) {
      isStale = true;
      return;
    }
    isChecking = true;
    const asked = area.value;
    try {
      const found = (await post("/api/check", { file, drafts: drafts() })).diagnostics;
      if (area.value === asked) {
        diagnostics = found.filter((each) => each.primary.file === file);
        draw();
        list(found);
        if (!found.some((each) => each.severity === "error")) changed();
      }
    } catch (error) {
      fill(problems, h("li", {}, complaint(error)));
    } finally {
      isChecking = false;
      if (isStale) {
        isStale = false;
        check();
      }
    }
  }

  // --------------------------------------------------------------------------------------- showing

  function draw() {
    fill(back, coloured(area.value, diagnostics), "\n");
    const worst = new Map();
    for (const { primary, severity } of diagnostics) {
      if (worst.get(primary.line) !== "error") worst.set(primary.line, severity);
    }
    fill(
      gutter,
      area.value.split("\n").map((_, at) => h("span", { class: worst.has(at + 1) ? `mark ${worst.get(at + 1)}` : "" }, String(at + 1))),
    );
    const isDraft = state.drafts.has(file);
    save.disabled = revert.disabled = !isDraft;
    area.setAttribute("aria-invalid", String(diagnostics.some((each) => each.severity === "error")));
    caret();
  }

  function list(found) {
    const errors = found.filter((each) => each.severity === "error").length;
    const warnings = found.length - errors;
    const counted = (count, noun) => (count ? `${count} ${noun}${count > 1 ? "s" : ""}` : null);
    status.textContent = [counted(errors, "error"), counted(warnings, "warning")].filter(Boolean).join(", ") || "no problems";
    status.dataset.worst = errors ? "error" : warnings ? "warning" : "none";
    fill(problems, found.map((each) => h("li", { class: each.severity }, problem(each))));
  }

  function problem({ primary, severity, code, message, help, secondary }) {
    const place = `${primary.file === file ? "" : `${primary.file}:`}${primary.line}:${primary.column}`;
    const go = () => goTo(offset(area.value.split("\n"), primary.line, primary.column));
    return [
      h("p", {}, primary.file === file ? h("button", { type: "button", class: "link", onclick: go }, place) : h("span", { class: "muted" }, place), " ", h("b", { class: severity }, severity), " ", h("button", { type: "button", class: "link", title: "What it means", onclick: () => explain(code) }, code), " ", ticked(message)),
      primary.text ? h("p", { class: "muted" }, ticked(primary.text)) : null,
      secondary.map((each) => h("p", { class: "muted" }, `${each.file}:${each.line}: ${each.text}`)),
      help ? h("p", {}, h("b", {}, "help: "), ticked(help)) : null,
    ];
  }

  /** What is wrong where the caret is: people who use no mouse see no marks of a mouse. */
  function caret() {
    const at = area.value.slice(0, area.selectionStart).split("\n").length;
    const found = diagnostics.find(({ primary }) => primary.line <= at && at <= primary.end_line);
    here.textContent = found ? `line ${at}: ${found.message}${found.help ? `; ${found.help}` : ""}` : "";
  }

  function goTo(at) {
    area.focus();
    area.setSelectionRange(at, at);
    scrollTo(area.value.slice(0, at).split("\n").length);
    caret();
  }

  function scrollTo(row) {
    area.closest(".editor").scrollTo({ top: Math.max(0, row * parseFloat(getComputedStyle(back).lineHeight) - 120) });
  }

  // ---------------------------------------------------------------------------------------- saving

  async function store(version = state.saved.get(file).version) {
    if (!state.drafts.has(file)) return;
    const text = area.value;
    try {
      const found = await put("/api/file", { file, text, version });
      state.saved.set(file, { file, text, version: found.version });
      edit(file, area.value);
      fill(notice);
      draw();
      say("saved");
      changed();
    } catch (error) {
      if (error.kind !== "changed") {
        fill(notice, complaint(error));
        return;
      }
      fill(
        notice,
        complaint(error),
        h(
          "div",
          { class: "actions" },
          h("button", { type: "button", onclick: () => take(error.now) }, "Take what is on disk"),
          h("button", { type: "button", onclick: () => store(error.now.version) }, "Save over it"),
        ),
      );
    }
  }

  function take({ text, version }) {
    state.saved.set(file, { file, text, version });
    area.value = text;
    edit(file, text);
    fill(notice);
    draw();
    check();
  }
}
