// The exact prompt of a call, coloured by what is kept in the cache and what each call pays for; a flow's plan.

import { h, fill, complaint, copyable } from "./dom.js";
import { post } from "./api.js";
import { state, key, about } from "./state.js";

export function promptView(told) {
  const element = h("div", { class: "panel" }, h("p", { class: "empty busy" }, "reading"));
  if (told.kind === "flow") outline(element);
  else prompt(element, told);
  return { element };
}

async function prompt(element, told) {
  const tried = state.arguments.get(key());
  const values = tried ?? told.cases[0]?.arguments;
  if (values === undefined) {
    fill(element, h("p", { class: "empty" }, "Run the function once: its prompt has its arguments in it."));
    return;
  }
  try {
    const { pieces, explanation } = await post("/api/prompt", about({ arguments: values }));
    fill(element, shown(pieces, explanation, tried ? "the arguments of the last call" : "the first case of the source"));
    const text = element.querySelector(".prompt");
    text.scrollTop = text.scrollHeight; // what differs from call to call is at the end
  } catch (error) {
    fill(element, complaint(error));
  }
}

const ROLES = {
  prefix: "kept in the KV cache, and evaluated once",
  tail: "evaluated in each call",
  argument: "filled in by the call",
};

function shown(pieces, found, from) {
  const cost = found.cost;
  return [
    h(
      "ul",
      { class: "legend" },
      Object.entries(ROLES).map(([role, says]) => h("li", {}, h("span", { class: `swatch ${role}`, "aria-hidden": "true" }), h("b", {}, role), ` ${says}`)),
    ),
    h(
      "pre",
      { class: "prompt", tabindex: 0, "aria-label": "The prompt" },
      pieces.map(({ role, text }) => h("span", { class: role, title: `${role}: ${ROLES[role]}` }, text)),
    ),
    h("p", { class: "muted" }, `With ${from}; layout ${found.layout}, on ${found.model}.`),
    h(
      "dl",
      { class: "cost" },
      [
        ["prefix", `${found.prefix_tokens} tokens`],
        ["each call", `${found.call_tokens} tokens and its arguments`],
        ["answer", `about ${found.expected_tokens} tokens, at most ${found.max_tokens}`],
        cost ? ["cold", `${cost.cold_ms.toFixed(0)} ms`] : null,
        cost ? ["warm", `${cost.warm_ms.toFixed(0)} ms`] : null,
        found.abstain_below === null ? null : ["abstains below", String(found.abstain_below)],
        found.escalate_below === null ? null : ["escalates below", String(found.escalate_below)],
      ]
        .filter(Boolean)
        .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
    ),
    found.choices.length ? [h("h3", {}, "What decides"), h("ul", { class: "plain-list" }, found.choices.map(choice))] : null,
    h("h3", {}, "How the answer is decoded"),
    h("ul", { class: "plain-list" }, found.slots.map(slot)),
  ];
}

function choice(found) {
  const origin = {
    tuning: found.calibrated ? "tuned and calibrated" : "tuned",
    source: "from the source alone",
    call: "by the words of a call's options",
    labels: "not tuned",
  }[found.origin];
  const unseen = found.examples ? `; examples left out in turn: ${found.right} of ${found.examples} right, chance ${found.chance}` : "";
  return h(
    "li",
    {},
    found.name ? [h("code", {}, found.name), " "] : null,
    h("b", {}, found.answered_by),
    `, ${origin}${unseen}`,
    h("ul", {}, found.parts.map((part) => h("li", { class: "muted" }, `${part.evidence}${found.parts.length > 1 ? ` (weight ${part.weight})` : ""}`))),
  );
}

function decoding({ labels, passes }) {
  if (labels === null) return "decoded under a grammar";
  if (passes === 0) return "one label, which is not asked for";
  return `${labels} labels in ${passes === 1 ? "one pass" : `${passes} passes`}`;
}

function slot(found) {
  return h("li", {}, found.name ? h("code", {}, found.name) : null, found.name ? " " : null, h("code", { class: "muted" }, found.type), `, ${decoding(found)}: about ${found.expected_tokens} tokens`);
}

async function outline(element) {
  try {
    const found = await post("/api/outline", about());
    fill(
      element,
      h("p", { class: "muted" }, found.waves.length ? "What stands below a wave is asked at the same time." : "No waves: each call needs what the one before it gives, or might not be needed."),
      h("pre", { class: "outline", tabindex: 0 }, found.lines.map((line) => h("span", { class: /^\s+wave \d/.test(line) ? "wave-line" : "" }, `${line}\n`))),
      h("ul", { class: "plain-list" }, found.waves.map((wave) => h("li", {}, h("b", {}, `wave ${wave.number}`), ` ${wave.state_first ?? "what each prompt begins with comes first, and is kept"}`))),
      h("ul", { class: "plain-list" }, found.round_by_round.map((each) => h("li", {}, h("b", {}, `line ${each.line}`), ` round by round: ${each.why}`))),
      h("details", {}, h("summary", {}, "As a diagram in Mermaid's notation"), copyable(found.mermaid)),
    );
  } catch (error) {
    fill(element, complaint(error));
  }
}
