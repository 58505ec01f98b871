// The page: which function is looked at and how, told by the address, the keys, and the list of functions.

import { h, fill, complaint, say } from "./dom.js";
import { takeToken } from "./api.js";
import { state, loadFiles, describe, recall } from "./state.js";
import { tryView } from "./try.js";
import { promptView } from "./prompt.js";
import { sourceView } from "./editor.js";
import { testsView } from "./tests.js";
import { evaluationView } from "./evaluation.js";
import { logsView } from "./logs.js";

const VIEWS = [
  ["try", "Try"],
  ["prompt", "Prompt"],
  ["source", "Source"],
  ["tests", "Tests"],
  ["eval", "Evaluation"],
  ["logs", "Logs"],
];

const KEYS = [
  ["/", "filter the functions"],
  ["j  k", "the next function, the one before"],
  ["1 … 6", VIEWS.map(([, name]) => name).join(", ")],
  ["Ctrl Enter", "run the function, or its tests"],
  ["Ctrl S", "save the source"],
  ["t", "light, dark, or as the system has it"],
  ["?", "this list"],
  ["Esc", "close it; leave the text of the source"],
];

const main = document.getElementById("main");
const nav = document.getElementById("files");
const menu = document.getElementById("menu");
const filter = document.getElementById("filter");
let current = {};

// ------------------------------------------------------------------------------------------------ address

const address = (file, name, view) => `#/${[file, name ?? "", view].map(encodeURIComponent).join("/")}`;

function open(view, file = state.file, name = state.name) {
  location.hash = address(file, name, view);
}

async function follow() {
  if (location.hash && !location.hash.startsWith("#/")) return;
  const parts = location.hash.replace(/^#\//, "").split("/").map(decodeURIComponent);
  const [file, name, view] = parts;
  const known = state.files.find((each) => each.file === file);
  if (!known) {
    const first = state.files.find((each) => each.functions.length) ?? state.files[0];
    if (!first) {
      fill(main, h("p", { class: "empty" }, "There is no .mp file."));
      return;
    }
    history.replaceState(null, "", address(first.file, first.functions[0]?.name, first.functions.length ? "try" : "source"));
    await follow();
    return;
  }
  if (file !== state.file || (name || null) !== state.name) window.scrollTo(0, 0);
  Object.assign(state, { file, name: name || null, view: VIEWS.some(([each]) => each === view) ? view : "try" });
  list();
  await show();
}

// ------------------------------------------------------------------------------------------------- content

async function show() {
  const { file, name, view } = state;
  const place = location.hash;
  document.title = `${name ?? file} · mpc studio`;
  let told = null;
  let problem = null;
  try {
    told = (await describe(file)).find((each) => each.name === name) ?? null;
  } catch (error) {
    problem = error;
  }
  if (location.hash !== place) return;
  current?.leave?.();
  if (view === "source") current = sourceView({ line: told?.line, changed: relist });
  else if (problem) current = { element: h("div", { class: "panel" }, complaint(problem), h("div", { class: "actions" }, h("button", { type: "button", onclick: () => open("source") }, "Open the source"))) };
  else if (!told) current = { element: h("p", { class: "empty" }, `${file} has no function ${name ?? ""} now.`) };
  else current = { try: tryView, prompt: promptView, tests: testsView, eval: evaluationView, logs: logsView }[view](told, { open });
  fill(main, head(told), current.element);
  main.querySelector(".views [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

function head(told) {
  const { file, name, view } = state;
  const signature = told
    ? [h("h1", {}, told.name), h("code", { class: "signature" }, `(${told.parameters.map((each) => `${each.name}: ${each.type}`).join(", ")}) → ${told.returns.type}`)]
    : h("h1", {}, name ?? file);
  return h(
    "header",
    { class: "head" },
    h("p", { class: "muted where" }, told ? `${told.kind}, ${file}:${told.line}` : file),
    h("div", { class: "title" }, signature),
    told?.text && view === "try" ? h("details", { class: "said" }, h("summary", {}, told.text.split("\n")[0]), h("pre", {}, told.text)) : null,
    h(
      "nav",
      { class: "views", "aria-label": "Views" },
      VIEWS.filter(([each]) => name || each === "source").map(([each, label]) =>
        h("a", { href: address(file, name, each), "aria-current": each === view ? "page" : undefined }, each === "prompt" && told?.kind === "flow" ? "Plan" : label),
      ),
    ),
  );
}

// ---------------------------------------------------------------------------------------------------- list

function list() {
  const wanted = filter.value.trim().toLowerCase();
  const files = state.files.map((each) => ({ ...each, functions: each.functions.filter(({ name }) => `${each.file} ${name}`.toLowerCase().includes(wanted)) }));
  fill(
    document.getElementById("list"),
    files
      .filter((each) => each.functions.length || each.file.toLowerCase().includes(wanted))
      .map((each) =>
        h(
          "section",
          {},
          h(
            "h2",
            {},
            h("a", { href: address(each.file, null, "source"), "aria-current": each.file === state.file && !state.name ? "true" : undefined }, each.file),
            state.drafts.has(each.file) ? h("span", { class: "dot", title: "not saved" }, "●", h("span", { class: "hidden" }, "not saved")) : null,
            each.errors ? h("span", { class: "count error" }, `${each.errors} ${each.errors === 1 ? "error" : "errors"}`) : null,
          ),
          h(
            "ul",
            {},
            each.functions.map(({ name, kind }) =>
              h("li", {}, h("a", { href: address(each.file, name, state.view), "aria-current": each.file === state.file && name === state.name ? "true" : undefined }, h("span", {}, name), kind === "flow" ? [" ", h("span", { class: "kind" }, "flow")] : null)),
            ),
          ),
        ),
      ),
  );
}

/** The functions of a file that has been edited may be others. */
async function relist() {
  const file = state.file;
  try {
    const found = await describe(file);
    const known = state.files.find((each) => each.file === file);
    Object.assign(known, { errors: 0, functions: found.map(({ name, kind, line }) => ({ name, kind, line })) });
  } catch (error) {
    if (error.kind !== "compile") throw error;
  }
  list();
}

function move(step) {
  const all = state.files.flatMap((each) => each.functions.map(({ name }) => [each.file, name]));
  const at = all.findIndex(([file, name]) => file === state.file && name === state.name);
  const [file, name] = all[(at + step + all.length) % all.length] ?? [];
  if (file) open(state.view, file, name);
}

// ---------------------------------------------------------------------------------------------------- keys

function pressed(event) {
  const hasControl = event.ctrlKey || event.metaKey;
  if (hasControl && event.key === "Enter" && current.run) {
    event.preventDefault();
    current.run();
  } else if (hasControl && event.key.toLowerCase() === "s" && current.save) {
    event.preventDefault();
    current.save();
  }
  const isTyping = event.target.closest?.("input, textarea, select, dialog");
  if (hasControl || event.altKey) return;
  if (event.key === "Escape" && event.target === filter) filter.blur();
  if (isTyping) return;
  const number = Number(event.key);
  if (event.key === "/") {
    event.preventDefault();
    toggle(true);
    filter.focus();
  } else if (event.key === "?") help();
  else if (event.key === "t") theme(true);
  else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (number >= 1 && number <= VIEWS.length && state.name) open(VIEWS[number - 1][0]);
}

function help() {
  const dialog = document.getElementById("shortcuts");
  fill(
    dialog,
    h("h2", { id: "shortcuts-head" }, "Keyboard"),
    h("dl", { class: "keys" }, KEYS.map(([keys, does]) => [h("dt", {}, keys.split("  ").map((each) => h("kbd", {}, each))), h("dd", {}, does)])),
    h("div", { class: "actions" }, h("button", { type: "button", onclick: () => dialog.close() }, "Close")),
  );
  dialog.showModal();
}

function toggle(isOpen) {
  document.body.classList.toggle("open", isOpen);
  menu.setAttribute("aria-expanded", String(isOpen));
}

// --------------------------------------------------------------------------------------------------- theme

const THEMES = { system: "◐ System", light: "☀ Light", dark: "☾ Dark" };

function theme(isNext) {
  const names = Object.keys(THEMES);
  const before = localStorage.getItem("mpc-studio-theme") ?? "system";
  const now = isNext ? names[(names.indexOf(before) + 1) % names.length] : before;
  localStorage.setItem("mpc-studio-theme", now);
  document.documentElement.dataset.theme = now;
  const button = document.getElementById("theme");
  button.textContent = THEMES[now];
  button.setAttribute("aria-label", `Theme: ${now}. Change (t)`);
  if (isNext) say(`theme: ${now}`);
}

// --------------------------------------------------------------------------------------------------- begin

async function begin() {
  theme(false);
  document.getElementById("theme").addEventListener("click", () => theme(true));
  document.getElementById("help").addEventListener("click", help);
  menu.addEventListener("click", () => toggle(!document.body.classList.contains("open")));
  nav.addEventListener("click", (event) => event.target.closest("a") && toggle(false));
  filter.addEventListener("input", list);
  document.querySelector(".skip").addEventListener("click", (event) => (event.preventDefault(), main.focus()));
  document.addEventListener("keydown", pressed);
  window.addEventListener("beforeunload", (event) => state.drafts.size && event.preventDefault());
  if (!takeToken()) {
    fill(main, h("div", { class: "panel" }, h("h1", {}, "No token"), h("p", {}, "Open the address that ", h("code", {}, "mpc studio"), " printed in the terminal, with all that is behind the #.")));
    return;
  }
  fill(main, h("p", { class: "empty busy" }, "reading the programs"));
  try {
    const found = await loadFiles();
    document.getElementById("model").textContent = found.model;
    recall();
    window.addEventListener("hashchange", follow);
    await follow();
  } catch (error) {
    fill(main, h("div", { class: "panel" }, complaint(error)));
  }
}

begin();
