// The record of calls: what was asked and answered, the newest first, with filters.

import { h, fill, complaint, copyable, percent, short, readable } from "./dom.js";
import { post } from "./api.js";
import { about, retry } from "./state.js";
import { bars, chosenKey, cost } from "./answer.js";

const AT_A_TIME = 100;

export function logsView(told, { open }) {
  const list = h("div", { "aria-live": "polite" });
  const scope = select("Calls of", [["function", told.name], ["file", "the whole file"]]);
  const below = select("Sureness", [["", "any"], ["0.5", "below 50 %"], ["0.7", "below 70 %"], ["0.9", "below 90 %"]]);
  const since = select("Time", [["", "any"], ["1", "the last hour"], ["24", "the last day"], ["168", "the last week"]]);
  const errors = h("input", { type: "checkbox", onchange: () => show() });
  let trace = null;
  let most = AT_A_TIME;
  let asked = 0;
  const filters = h(
    "form",
    { class: "filters", "aria-label": "Filters", onsubmit: (event) => event.preventDefault() },
    [scope, below, since].map(({ element }) => element),
    h("label", { class: "check" }, errors, h("span", {}, "errors only")),
    h("button", { type: "button", class: "small", onclick: () => show() }, "Look again"),
  );

  function select(label, options) {
    const field = h("select", { onchange: () => show() }, options.map(([value, text]) => h("option", { value }, text)));
    return { field, element: h("label", {}, h("span", { class: "muted" }, label), field) };
  }

  async function show() {
    const turn = (asked += 1);
    const isLatest = () => turn === asked; // replies may come in another order than they were asked for
    try {
      const found = await post("/api/logs", wanted());
      if (!isLatest()) return;
      fill(list, found.record === null ? off() : calls(found));
      filters.hidden = found.record === null;
    } catch (error) {
      if (isLatest()) fill(list, complaint(error));
    }
  }

  function wanted() {
    const body = about({ errors: errors.checked, limit: most });
    if (scope.field.value === "file") delete body.function;
    if (below.field.value) body.below = Number(below.field.value);
    if (since.field.value) body.hours = Number(since.field.value);
    return trace === null ? body : { ...body, trace };
  }

  function calls({ calls: found, count, record }) {
    return [
      h(
        "p",
        { class: "muted" },
        count === 0 ? "No call is as wanted" : `${count} ${count === 1 ? "call" : "calls"}`,
        trace === null ? ` in ${record}. ` : [" of one trace. ", h("button", { type: "button", class: "small", onclick: () => ((trace = null), show()) }, "All calls")],
      ),
      h("ol", { class: "calls" }, found.map(call)),
      count > found.length
        ? h("button", { type: "button", onclick: () => ((most += AT_A_TIME), show()) }, `Show ${Math.min(AT_A_TIME, count - found.length)} more`)
        : null,
    ];
  }

  function call(each) {
    const given = each.arguments ? Object.values(each.arguments).map((value) => short(value, 60)).join(", ") : "arguments not kept";
    return h(
      "li",
      { class: each.error ? "failed" : "" },
      h(
        "details",
        {},
        h(
          "summary",
          {},
          h("time", { class: "muted", datetime: each.time }, new Date(each.time).toLocaleString(undefined, { dateStyle: "short", timeStyle: "medium" })),
          h("span", { class: "call" }, h("b", {}, each.function), h("span", { class: "muted" }, `(${given})`)),
          h("span", { class: each.error ? "error" : "gives" }, each.error ?? readable(short(each.answer?.value, 40).replace(/^"|"$/g, ""))),
          each.confidence === null ? null : h("span", { class: "part-sure" }, percent(each.confidence)),
          h("span", { class: "muted how" }, `${each.ms.toFixed(each.ms < 10 ? 1 : 0)} ms`),
        ),
        h("div", { class: "decision-body" }, details(each)),
      ),
    );
  }

  function details(each) {
    const answer = each.answer;
    const usage = { prompt_tokens: each.prompt_tokens, cached_tokens: each.cached_tokens, decoded_tokens: each.decoded_tokens };
    return [
      each.message ? h("p", { class: "error" }, each.message) : null,
      each.arguments ? h("dl", {}, Object.entries(each.arguments).map(([name, value]) => [h("dt", {}, name), h("dd", {}, readable(value))])) : null,
      answer?.distribution ? bars(answer.distribution, chosenKey(answer), { name: each.function, labels: told.labels?.[""] }) : null,
      h("p", { class: "muted" }, [each.answered_by && `answered by ${each.answered_by}`, each.abstained && "abstained", each.escalated && "escalated"].filter(Boolean).join(", ")),
      each.prompt_tokens === null ? null : cost(usage, each.ms / 1000, each.model),
      h(
        "div",
        { class: "actions" },
        each.arguments && each.function === told.name ? h("button", { type: "button", class: "small", onclick: () => tryIt(each) }, "Try it") : null,
        h("button", { type: "button", class: "small", onclick: () => ((trace = each.trace), show()) }, "The calls around it"),
      ),
    ];
  }

  function tryIt(each) {
    retry(each.arguments);
    open("try");
  }

  show();
  return { element: h("div", { class: "panel" }, filters, list) };
}

function off() {
  return [
    h("p", { class: "empty" }, "Calls are not recorded. To keep them in a file on this machine, for this folder:"),
    copyable("# pyproject.toml\n[tool.microprompt]\nrecord = true\n"),
    h("p", { class: "empty" }, "or, for this time:"),
    copyable("MICROPROMPT_RECORD=true mpc studio"),
  ];
}
