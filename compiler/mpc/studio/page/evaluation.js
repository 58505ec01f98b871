// The last `mpc eval` of a function.

import { h, fill, complaint, copyable, percent, short, readable } from "./dom.js";
import { get } from "./api.js";
import { state, load, retry } from "./state.js";

const WIDEST = 16;

export function evaluationView(told, { open }) {
  const element = h("div", { class: "panel" }, h("p", { class: "empty busy" }, "reading"));
  show(element, told, open).catch((error) => fill(element, complaint(error)));
  return { element };
}

async function show(element, told, open) {
  const { evaluation } = await get("/api/evaluation", { file: state.file, function: told.name });
  const command = `mpc eval ${state.file} ${told.name} ROWS.jsonl`;
  if (!evaluation) {
    fill(element, h("p", { class: "empty" }, "It has not been evaluated on this machine. With rows whose answers are known:"), copyable(command));
    return;
  }
  const { made, source, report } = evaluation;
  const isOld = (await load(state.file)).version !== source;
  fill(
    element,
    h("p", { class: "muted" }, `${new Date(made).toLocaleString()}, on ${report.rows}`, isOld ? h("b", {}, "; the file has changed since") : null),
    figures(report),
    report.models.length > 1 ? models(report.models) : null,
    report.confusion ? confusion(report.confusion) : null,
    report.reliability?.length ? reliability(report.reliability) : null,
    worst(report.models[0].worst ?? [], open),
    report.warnings.length ? h("ul", {}, report.warnings.map((each) => h("li", {}, each))) : null,
    h("details", {}, h("summary", {}, "As JSON"), copyable(JSON.stringify(report, null, 2))),
  );
}

const figure = (value) => (value === null || value === undefined ? "–" : value.toFixed(3));

function figures(found) {
  return h(
    "dl",
    { class: "figures" },
    [
      ["accuracy", figure(found.accuracy), `95 % within ${figure(found.interval[0])} to ${figure(found.interval[1])}`],
      ["rows", String(found.n), "each of them answered or counted as wrong"],
      ["macro-F1", figure(found.macro_f1), "the mean over the labels"],
      ["ECE", figure(found.ece), "how far probabilities are from how often answers are right"],
      ["Brier", figure(found.brier), "the mean squared error of the probabilities"],
      ["a call", `${found.p50_ms.toFixed(0)} ms`, `95 % within ${found.p95_ms.toFixed(0)} ms`],
    ].map(([name, value, says]) => h("div", { title: says }, h("dt", {}, name), h("dd", {}, value), h("p", { class: "hint" }, says))),
  );
}

function table(caption, head, rows) {
  return h(
    "div",
    { class: "scrolls", tabindex: 0, role: "region", "aria-label": caption },
    h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, head.map((each) => h("th", { scope: "col" }, each)))), h("tbody", {}, rows)),
  );
}

function models(found) {
  return table(
    "Models",
    ["model", "accuracy", "macro-F1", "ECE", "p50 ms"],
    found.map((each) => h("tr", {}, h("th", { scope: "row" }, each.model), [each.accuracy, each.macro_f1, each.ece].map((value) => h("td", {}, figure(value))), h("td", {}, each.p50_ms.toFixed(0)))),
  );
}

function confusion({ labels, counts }) {
  if (labels.length > WIDEST) return h("p", { class: "muted" }, `${labels.length} labels: too many to show side by side.`);
  const most = Math.max(1, ...counts.flat());
  return table(
    "Right answers by row, given answers by column",
    ["", ...labels],
    counts.map((row, at) =>
      h("tr", {}, h("th", { scope: "row" }, labels[at]), row.map((count, to) => h("td", { class: at === to ? "cell right" : "cell", style: { "--share": String(count / most) } }, String(count)))),
    ),
  );
}

function reliability(bins) {
  return table(
    "How often answers are right, by how sure they were",
    Object.keys(bins[0]),
    bins.map((each) => h("tr", {}, Object.entries(each).map(([name, value]) => h("td", {}, name === "n" ? String(value) : figure(value))))),
  );
}

function worst(found, open) {
  if (!found.length) return null;
  return [
    h("h3", {}, "Surest mistakes"),
    h(
      "ul",
      { class: "mistakes" },
      found.map((each) =>
        h(
          "li",
          {},
          h("p", {}, Object.values(each.arguments).map((value) => short(value, 120)).join(", ")),
          h("p", { class: "muted" }, h("b", {}, readable(each.answer)), ` ${percent(each.confidence)}, right is `, h("b", {}, readable(each.expected)), `; line ${each.line} `, h("button", { type: "button", class: "small", onclick: () => tryIt(each) }, "Try it")),
        ),
      ),
    ),
  ];
  function tryIt(each) {
    retry(each.arguments);
    open("try");
  }
}
