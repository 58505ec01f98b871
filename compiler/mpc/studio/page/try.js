// Try a function: fill in its parameters, see its answer, and what another one would have led to.

import { h, fill, complaint, say, readable, short } from "./dom.js";
import { post } from "./api.js";
import { state, key, about } from "./state.js";
import { form, FormError } from "./forms.js";
import { answerShown, changes, changesShown } from "./answer.js";
import { traceShown } from "./trace.js";

export function tryView(told) {
  const fields = form(told.parameters);
  const kept = state.arguments.get(key());
  fields.write(kept ?? told.cases[0]?.arguments ?? {});
  const place = key();
  const result = h("section", { class: "panel result", "aria-label": "Answer" });
  const run = h("button", { type: "submit", class: "primary" }, "Run", h("kbd", {}, "Ctrl ⏎"));
  const stop = h("button", { type: "button", hidden: true }, "Stop");
  const problem = h("p", { class: "problem", role: "alert" });
  const element = h(
    "form",
    { class: "panel", "aria-label": "Arguments", onsubmit: (event) => (event.preventDefault(), call()) },
    told.cases.length ? fromCases(told, fields) : null,
    fields.element,
    problem,
    h("div", { class: "actions" }, run, stop),
  );
  const last = state.answers.get(place);
  if (last) show(last.answer, last.arguments);
  else fill(result, h("p", { class: "empty" }, "The answer will stand here. The first call loads the model, which may take a while."));

  async function call() {
    if (run.disabled) return; // by the keys, while a call is under way
    problem.textContent = "";
    let values;
    try {
      values = fields.read();
    } catch (error) {
      if (!(error instanceof FormError)) throw error;
      problem.textContent = error.message;
      return;
    }
    state.arguments.set(place, values);
    const begun = Date.now();
    const clock = h("span", {}, "0 s");
    const ticking = setInterval(() => (clock.textContent = `${Math.round((Date.now() - begun) / 1000)} s`), 500);
    run.disabled = true;
    fill(result, h("p", { class: "empty busy" }, "running, ", clock));
    try {
      const answer = await stoppable(stop, (signal) => post("/api/run", about({ arguments: values }), signal));
      state.answers.set(place, { answer, arguments: values });
      show(answer, values);
      say(`the answer is ${short(answer.value)}`);
    } catch (error) {
      if (error.name === "AbortError") fill(result, h("p", { class: "empty" }, "stopped"));
      else fill(result, complaint(error));
    } finally {
      clearInterval(ticking);
      run.disabled = false;
    }
  }

  function show(answer, values) {
    fill(
      result,
      told.kind === "flow" ? traceShown(answer, otherWay(told, answer, values)) : answerShown(answer, told, otherLabel(answer, values)),
    );
  }

  return { element: h("div", { class: "columns" }, element, result), run: call };
}

function fromCases(told, fields) {
  const select = h(
    "select",
    { id: "cases", onchange: () => select.value && fields.write(told.cases[Number(select.value)].arguments) },
    h("option", { value: "" }, "Fill in from the source…"),
    told.cases.map((each, at) =>
      h("option", { value: String(at) }, `${each.origin}: ${short(Object.values(each.arguments)[0] ?? "", 36)} → ${short(each.answer, 24)}`),
    ),
  );
  return h("div", { class: "cases" }, h("label", { class: "hidden", for: "cases" }, "Fill in from the source"), select);
}

/** Do work that a button, which is there for that time, ends: it is given a signal. */
async function stoppable(stop, work) {
  const stopping = new AbortController();
  stop.onclick = () => stopping.abort();
  stop.hidden = false;
  try {
    return await work(stopping.signal);
  } finally {
    stop.hidden = true;
  }
}

/** A button in a label's panel that asks for what would have followed; `ask` is given a signal that ends it. */
function following(ask, warn) {
  const place = h("div", { "aria-live": "polite" });
  const button = h("button", { type: "button", class: "small", onclick: find }, "What would have followed?");
  const stop = h("button", { type: "button", class: "small", hidden: true }, "Stop");
  const warning = warn ? h("span", { class: "hint" }, warn) : null;
  async function find() {
    button.disabled = true;
    try {
      fill(place, await stoppable(stop, ask));
    } catch (error) {
      fill(place, error.name === "AbortError" ? h("p", { class: "empty" }, "stopped") : complaint(error));
    } finally {
      button.disabled = false;
    }
  }
  return h("div", { class: "following" }, h("div", { class: "actions" }, button, stop), warning, place);
}

/** Of a record's field: the rest of the answer, written behind another label. */
function otherLabel(answer, values) {
  return (field) => {
    if (!field || !answer.fields || Object.keys(answer.fields).length < 2) return undefined;
    return (label) => {
      if (readable(answer.fields[field].value) === label) return null;
      return following(async (signal) => {
        const other = await post("/api/other", about({ arguments: values, field, label }), signal);
        const found = changes(answer.value, other.value).filter(([name]) => name !== field);
        return [h("p", {}, "With ", h("b", {}, `${field} = ${label}`), ", what is written behind it:"), changesShown(found)];
      });
    };
  };
}

/** Of a flow's decision: the flow run again, with another answer in its place. */
function otherWay(told, trace, values) {
  return (decision, place) => {
    if (decision.called !== "prompt") return undefined;
    return (label) => {
      if (readable(decision.value) === label) return null;
      return following(async (signal) => {
        // The calls of the same function before this one are answered as they were.
        const before = trace.decisions.slice(0, place).filter((each) => each.function === decision.function);
        const answers = [...before.map((each) => each.value), asData(label, decision)];
        const given = [{ function: decision.function, answers }];
        const other = await post("/api/run", about({ arguments: values, given }), signal);
        return [
          h("p", {}, "Run again with ", h("b", {}, `${decision.function} → ${label}`), ", also where it is called later:"),
          changesShown(changes(trace.value, other.value)),
          h("details", {}, h("summary", {}, "The other way"), traceShown(other)),
        ];
      }, told.has_effects ? "It runs the flow again, and what that does with functions of Python." : null);
    };
  };
}

/** A label as data of the decision's type. */
function asData(label, { value }) {
  if (typeof value === "string") return label;
  if (label === "none") return null;
  try {
    return JSON.parse(label);
  } catch {
    return label;
  }
}
