// The decisions of a flow as a tree: those of a wave side by side, those on the way of a decision below it.

import { h, readable, short, percent, ms, copyable } from "./dom.js";
import { bars, chosenKey, cost, valueShown } from "./answer.js";

function waves(decisions) {
  const found = [];
  for (const each of decisions) {
    if (found.length && found.at(-1)[0].wave === each.wave) found.at(-1).push(each);
    else found.push([each]);
  }
  return found;
}

function grown(decisions, more) {
  let at = -1;
  return h(
    "ul",
    { class: "tree" },
    waves(decisions).map((wave) => {
      const inside = wave.map((each) => {
        at += 1;
        return h("li", {}, decision(each, more?.(each, at)));
      });
      if (wave.length === 1) return inside;
      const took = Math.max(...wave.map((each) => each.seconds));
      return h("li", { class: "wave" }, h("span", { class: "muted" }, `${wave.length} side by side, ${ms(took)}`), h("ul", {}, inside));
    }),
  );
}

function decision(each, more) {
  const given = Object.values(each.arguments).map((value) => short(value, 28)).join(", ");
  const how = [each.answered_by, each.abstained ? "abstained" : null, each.escalated ? "escalated" : null].filter(Boolean).join(", ");
  return h(
    "details",
    { class: "decision", "data-function": each.function },
    h(
      "summary",
      {},
      h("span", { class: "line-number", title: `line ${each.line}` }, String(each.line)),
      h("span", { class: "call" }, h("b", {}, each.function), h("span", { class: "muted" }, `(${given})`)),
      h("span", { class: "gives" }, each.distribution ? readable(each.value) : short(each.value, 48)),
      each.confidence === undefined ? null : h("span", { class: "part-sure" }, percent(each.confidence)),
      h("span", { class: "muted how" }, `${how}, ${ms(each.seconds)}`),
    ),
    h(
      "div",
      { class: "decision-body" },
      h(
        "dl",
        {},
        Object.entries(each.arguments).map(([name, value]) => [h("dt", {}, name), h("dd", {}, short(value, 400))]),
      ),
      each.reasoning ? h("p", { class: "reasoning" }, each.reasoning) : null,
      each.distribution ? bars(each.distribution, chosenKey(each), { name: each.function, more }) : null,
      each.usage ? cost(each.usage, each.seconds, each.model) : null,
      each.decisions ? grown(each.decisions) : null,
    ),
  );
}

function walk(decisions) {
  return decisions.flatMap((each) => [each, ...walk(each.decisions ?? [])]);
}

/** A flow's value and the way to it. `more(decision, place)` gives what the panels of a decision's labels may add; of
 * decisions on the way of another, nothing. */
export function traceShown(trace, more) {
  const all = walk(trace.decisions);
  const usages = all.map((each) => each.usage).filter(Boolean);
  const total = (name) => usages.reduce((sum, each) => sum + each[name], 0);
  const usage = { prompt_tokens: total("prompt_tokens"), cached_tokens: total("cached_tokens"), decoded_tokens: total("decoded_tokens") };
  const sure = all.map((each) => each.confidence).filter((each) => each !== undefined);
  return h(
    "div",
    { class: "answer" },
    valueShown(trace.value),
    sure.length
      ? h("div", { class: "badges" }, h("span", { class: "sure" }, `least sure decision ${percent(Math.min(...sure))}`))
      : null,
    cost(usage, trace.seconds),
    h("h3", {}, `Decisions (${all.length})`),
    trace.decisions.length ? grown(trace.decisions, more) : h("p", { class: "muted" }, "It calls nothing."),
    h("details", {}, h("summary", {}, "As JSON"), copyable(JSON.stringify(trace, null, 2))),
  );
}
