// An answer: its value, how sure that is, the distribution as bars, and what it cost.

import { h, fill, readable, percent, ms, short, copyable } from "./dom.js";

const MOST_BARS = 12;

const ranked = (distribution) => Object.entries(distribution).sort(([, a], [, b]) => b - a);

/** Where a label stands among the others, and what it would take: `more` adds what is known elsewhere. */
function alternative(label, { distribution, chosen, labels = [], cases = [] }, more) {
  const p = distribution[label];
  const all = ranked(distribution);
  const rank = all.findIndex(([key]) => key === label) + 1;
  const best = distribution[chosen];
  const { word, meaning } = labels.find((each) => each.key === label) ?? {};
  const rows = [
    ["probability", `${(100 * p).toFixed(2)} %, number ${rank} of ${all.length}`],
    label !== chosen && best !== undefined && p > 0
      ? ["against the answer", `${(best / p).toFixed(best / p < 10 ? 1 : 0)} times less probable than ${chosen}; ${Math.log(p / best).toFixed(2)} in log odds`]
      : null,
    word && word !== label ? ["the model sees", word] : null,
    meaning ? ["it means", meaning] : null,
  ].filter(Boolean);
  const same = cases.filter((each) => readable(each.answer) === label);
  return h(
    "div",
    { class: "alternative" },
    h("dl", {}, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    same.length
      ? h("p", { class: "muted" }, `${same.length} in the source: `, same.slice(0, 2).map((each) => short(Object.values(each.arguments)[0], 48)).join(", "))
      : null,
    more ? more(label) : null,
  );
}

/** The distribution over labels as bars; a click on one opens what is known of that label. */
export function bars(distribution, chosen, { labels, cases, more, name = "" } = {}) {
  const list = h("ol", { class: "bars", "aria-label": `Distribution${name ? ` of ${name}` : ""}` });
  const rows = ranked(distribution).map(([label, p]) => {
    const panel = h("div", { hidden: true });
    const button = h(
      "button",
      {
        type: "button",
        class: label === chosen ? "barline chosen" : "barline",
        "aria-expanded": "false",
        "data-label": label,
        onclick() {
          const opens = panel.hidden;
          if (opens) fill(panel, alternative(label, { distribution, chosen, labels, cases }, more));
          panel.hidden = !opens;
          button.setAttribute("aria-expanded", String(opens));
        },
      },
      h("span", { class: "bar-label" }, label),
      h("span", { class: "bar-track", "aria-hidden": "true" }, h("span", { class: "bar-fill", style: { "--share": String(p) } })),
      h("span", { class: "bar-share" }, percent(p)),
    );
    return h("li", {}, button, panel);
  });
  fill(list, rows.slice(0, MOST_BARS));
  if (rows.length > MOST_BARS) {
    const all = h("button", { type: "button", class: "small", onclick: () => fill(list, rows) }, `Show all ${rows.length}`);
    list.append(h("li", {}, all));
  }
  return list;
}

const badge = (text, title) => h("span", { class: "badge", title }, text);

function badges(answer) {
  return [
    answer.calibrated
      ? badge("calibrated", "how often such answers are right, on rows that were not learnt from")
      : badge("not calibrated", "it orders answers, and says no more"),
    answer.abstained ? badge("abstained", "it was not sure enough, so the answer is none") : null,
    answer.near_tie ? badge("near tie", "the runner-up may win when other calls share the batch") : null,
    answer.first ? badge("escalated", "a larger model was asked as well") : null,
    answer.reasoning_cut ? badge("reasoning cut", "its bound ended the scratchpad") : null,
    answer.cut?.length ? badge("cut", "text ends where its bound is: there may have been more") : null,
  ];
}

function meter(name, share, title) {
  return h(
    "div",
    { class: "meter", title },
    h("span", {}, name),
    h("meter", { min: 0, max: 1, value: share, "aria-label": name }),
    h("span", {}, percent(share)),
  );
}

/** What a call cost, in a line. */
export function cost(usage, seconds, model) {
  const evaluated = usage.prompt_tokens - usage.cached_tokens;
  return h(
    "dl",
    { class: "cost" },
    [
      ["time", ms(seconds)],
      ["prompt", `${usage.prompt_tokens} tokens`],
      ["from the cache", String(usage.cached_tokens)],
      ["evaluated", String(evaluated)],
      ["decoded", String(usage.decoded_tokens)],
      model ? ["model", model] : null,
    ]
      .filter(Boolean)
      .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

export function valueShown(value) {
  const isLong = typeof value === "object" && value !== null;
  return isLong
    ? h("pre", { class: "value json", tabindex: 0 }, JSON.stringify(value, null, 2))
    : h("p", { class: "value" }, readable(value));
}

/** An answer in full. `told` describes its function; `more(field)` gives what a label's panel may add. */
export function answerShown(answer, told, more) {
  const chosen = chosenKey(answer);
  return h(
    "div",
    { class: "answer" },
    valueShown(answer.value),
    h("div", { class: "badges" }, h("span", { class: "sure" }, `${percent(answer.confidence)} sure`), badges(answer)),
    answer.distribution
      ? bars(answer.distribution, chosen, { labels: told.labels[""], cases: told.cases, more: more?.("") })
      : null,
    answer.coverage === null || answer.coverage === undefined
      ? null
      : meter("coverage", answer.coverage, "the probability, before any constraint, that the model would have said one of the labels"),
    answer.mean === undefined ? null : h("p", {}, "mean ", h("b", {}, answer.mean.toFixed(2))),
    answer.reasoning
      ? h("details", { open: true }, h("summary", {}, "What the model wrote before"), h("p", { class: "reasoning" }, answer.reasoning))
      : null,
    answer.checks?.length ? checks(answer.checks) : null,
    answer.fields ? fields(answer, told, more) : null,
    h("p", { class: "muted" }, "answered by ", h("b", {}, answer.answered_by)),
    cost(answer.usage, answer.seconds, answer.model),
    answer.first ? parts(answer, told) : null,
    h("details", {}, h("summary", {}, "As JSON"), copyable(JSON.stringify(answer, null, 2))),
  );
}

/** The key of the distribution that the answer is. */
export function chosenKey({ value, distribution, abstained }) {
  if (!distribution) return undefined;
  if (!abstained) {
    const key = readable(value);
    if (key in distribution) return key;
    if (JSON.stringify(value) in distribution) return JSON.stringify(value);
  }
  return ranked(distribution)[0][0];
}

function checks(found) {
  return h(
    "ul",
    { class: "checks" },
    found.map((each) => h("li", { class: each.passed ? "pass" : "fail" }, each.passed ? "✓ " : "✗ ", each.message ?? each.problem ?? JSON.stringify(each))),
  );
}

function fields(answer, told, more) {
  return h(
    "section",
    { "aria-label": "Fields" },
    h("h3", {}, "Fields"),
    h(
      "ul",
      { class: "parts" },
      Object.entries(answer.fields).map(([name, part]) =>
        h(
          "li",
          {},
          h(
            "details",
            { open: Boolean(part.distribution) && Object.keys(answer.fields).length <= 6 },
            h(
              "summary",
              {},
              h("code", {}, name),
              h("span", { class: "part-value" }, part.distribution ? readable(part.value) : short(part.value)),
              h("span", { class: name === answer.least_sure ? "part-sure least" : "part-sure" }, percent(part.confidence)),
            ),
            part.distribution
              ? bars(part.distribution, chosenKey(part), { labels: told.labels[name], more: more?.(name), name })
              : h("p", { class: "muted" }, `written by ${part.answered_by}; no other was weighed`),
          ),
        ),
      ),
    ),
  );
}

function parts(answer, told) {
  return [
    ["The smaller model", answer.first],
    ["The larger model", answer.second],
  ]
    .filter(([, each]) => each)
    .map(([name, each]) => h("details", {}, h("summary", {}, `${name}: ${short(each.value)}, ${percent(each.confidence)}`), answerShown(each, told)));
}

/** What is different between two values with fields, as lines. */
export function changes(before, after, name = "") {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const both = [before, after].every((each) => each !== null && typeof each === "object" && !Array.isArray(each));
  if (!both) return [[name || "the answer", before, after]];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((each) =>
    changes(before[each], after[each], name ? `${name}.${each}` : each),
  );
}

export function changesShown(found) {
  if (!found.length) return h("p", {}, "Nothing else changes.");
  return h(
    "dl",
    { class: "changes" },
    found.map(([name, before, after]) => [h("dt", {}, name), h("dd", {}, h("del", {}, short(before)), " ", h("ins", {}, short(after)))]),
  );
}
