// Forms by JSON Schema: a field for each type, and checked JSON where there is none. What a value may be is
// decided by the runtime: a form only helps to write it.

import { h, fill, unique } from "./dom.js";

const DEEPEST = 3;

/** What can't be read of a form: where, and why. */
export class FormError extends Error {}

/** A form for a function's parameters: its element, `read()`, and `write(values)`. */
export function form(parameters) {
  const fields = parameters.map((each) => [each, parameter(each)]);
  return {
    element: h("div", { class: "fields" }, fields.map(([, field]) => field.element)),
    read: () => Object.fromEntries(fields.map(([each, field]) => [each.name, named(each.name, field.read)])),
    write(values) {
      for (const [each, field] of fields) if (each.name in values) field.write(values[each.name]);
    },
  };
}

function named(name, read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormError) throw new FormError(`${name}: ${error.message}`);
    throw error;
  }
}

function parameter({ name, type, schema, required, default: initial }) {
  const id = unique("field");
  const hint = unique("hint");
  const inner = field(schema, { id, depth: 0, label: name, hint });
  if (initial !== undefined) inner.write(initial);
  const told = [required ? null : "may be left as it is", schema.description?.replace(/^- /gm, "")];
  const head = inner.isGroup
    ? h("span", { class: "name", id: `${id}-name` }, name)
    : h("label", { class: "name", for: id }, name);
  return {
    ...inner,
    element: h(
      "div",
      { class: "field", role: inner.isGroup ? "group" : undefined, "aria-labelledby": inner.isGroup ? `${id}-name` : undefined },
      h("div", { class: "field-head" }, head, h("code", { class: "muted" }, type)),
      inner.element,
      h("p", { class: "hint", id: hint }, told.filter(Boolean).join("\n")),
    ),
  };
}

function field(schema, options) {
  const nullable = orNone(schema);
  if (nullable) return optional(nullable, options);
  if (schema.enum) return choice(schema, options);
  if (schema.type === "boolean") return checkbox(options);
  if (schema.type === "integer" || schema.type === "number") return number(schema, options);
  if (schema.type === "string") return text(schema, options);
  if (options.depth < DEEPEST && schema.type === "array") {
    return schema.uniqueItems && schema.items.enum ? several(schema, options) : asJson(list(schema, options), schema, options);
  }
  if (options.depth < DEEPEST && schema.type === "object" && schema.properties) {
    return asJson(record(schema, options), schema, options);
  }
  return json(schema, options);
}

function orNone({ anyOf }) {
  if (!anyOf || anyOf.length !== 2) return null;
  const others = anyOf.filter((each) => each.type !== "null");
  return others.length === 1 ? others[0] : null;
}

const described = ({ hint }) => ({ "aria-describedby": hint });

function text(schema, options) {
  if (schema.format === "date" || schema.pattern) {
    const type = schema.format === "date" ? "date" : "text";
    const input = h("input", { id: options.id, type, spellcheck: false, autocomplete: "off", ...described(options) });
    return { element: input, read: () => input.value, write: (value) => (input.value = value ?? "") };
  }
  const area = h("textarea", { id: options.id, rows: options.depth ? 1 : 3, spellcheck: false, ...described(options) });
  return { element: area, read: () => area.value, write: (value) => (area.value = value ?? "") };
}

function number(schema, options) {
  const input = h("input", {
    id: options.id,
    type: "number",
    step: schema.type === "integer" ? "1" : "any",
    min: schema.minimum,
    max: schema.maximum,
    ...described(options),
  });
  return {
    element: input,
    read() {
      if (input.value === "" || Number.isNaN(input.valueAsNumber)) throw new FormError("a number is needed");
      return input.valueAsNumber;
    },
    write: (value) => (input.value = value ?? ""),
  };
}

function checkbox(options) {
  const input = h("input", { id: options.id, type: "checkbox", ...described(options) });
  return {
    element: h("label", { class: "check" }, input, h("span", {}, "yes")),
    read: () => input.checked,
    write: (value) => (input.checked = Boolean(value)),
  };
}

function choice(schema, options) {
  const select = h(
    "select",
    { id: options.id, ...described(options) },
    schema.enum.map((value, at) => h("option", { value: String(at) }, String(value))),
  );
  return {
    element: select,
    read: () => schema.enum[Number(select.value)],
    write: (value) => (select.value = String(Math.max(0, schema.enum.indexOf(value)))),
  };
}

function several(schema, { label }) {
  const boxes = schema.items.enum.map((value) => [value, h("input", { type: "checkbox" })]);
  return {
    isGroup: true,
    element: h(
      "div",
      { class: "several", role: "group", "aria-label": label },
      boxes.map(([value, box]) => h("label", { class: "check" }, box, h("span", {}, String(value)))),
    ),
    read: () => boxes.filter(([, box]) => box.checked).map(([value]) => value),
    write(values) {
      for (const [value, box] of boxes) box.checked = values.includes(value);
    },
  };
}

function optional(schema, options) {
  const inner = field(schema, options);
  const none = h("input", { type: "checkbox", checked: true, onchange: show });
  const body = h("div", {}, inner.element);
  function show() {
    body.hidden = none.checked;
  }
  show();
  return {
    isGroup: inner.isGroup,
    element: h("div", { class: "optional" }, h("label", { class: "check" }, none, h("span", {}, "none")), body),
    read: () => (none.checked ? null : inner.read()),
    write(value) {
      none.checked = value === null;
      show();
      if (value !== null) inner.write(value);
    },
  };
}

function record(schema, { depth, label }) {
  const fields = Object.entries(schema.properties).map(([name, inside]) => {
    const id = unique("field");
    const inner = field(inside, { id, depth: depth + 1, label: `${label}.${name}` });
    const head = inner.isGroup ? h("span", { class: "name" }, name) : h("label", { class: "name", for: id }, name);
    const hint = inside.description ? h("p", { class: "hint" }, inside.description.replace(/^- /gm, "")) : null;
    return [name, inner, h("div", { class: "field" }, head, inner.element, hint)];
  });
  return {
    isGroup: true,
    element: h("div", { class: "record", role: "group", "aria-label": label }, fields.map(([, , element]) => element)),
    read: () => Object.fromEntries(fields.map(([name, inner]) => [name, named(name, inner.read)])),
    write(values) {
      for (const [name, inner] of fields) if (values && name in values) inner.write(values[name]);
    },
  };
}

function list(schema, { depth, label }) {
  let items = [];
  const rows = h("ol", { class: "items" });
  const add = h("button", { type: "button", class: "small", onclick: () => put().focus() }, "Add");
  function put(value) {
    const id = unique("field");
    const inner = field(schema.items, { id, depth: depth + 1, label: `${label} ${items.length + 1}` });
    if (value !== undefined) inner.write(value);
    const remove = h("button", { type: "button", class: "small", "aria-label": "Remove", onclick: drop }, "×");
    const row = h("li", {}, h("div", { class: "item" }, inner.element, remove));
    function drop() {
      items = items.filter((each) => each !== inner);
      row.remove();
      add.focus();
    }
    if (!inner.isGroup) (inner.element.matches("label") ? inner.element.firstChild : inner.element).setAttribute("aria-label", label);
    items.push(inner);
    rows.append(row);
    return row.querySelector("input, textarea, select") ?? add;
  }
  return {
    isGroup: true,
    element: h("div", { role: "group", "aria-label": label }, rows, add),
    read: () => items.map((inner, at) => named(`item ${at + 1}`, inner.read)),
    write(values) {
      items = [];
      fill(rows);
      for (const value of values ?? []) put(value);
    },
  };
}

/** A form that may be written as JSON instead. */
function asJson(inner, schema, options) {
  if (options.depth > 0) return inner;
  const raw = json(schema, options);
  let isRaw = false;
  const button = h("button", { type: "button", class: "small", onclick: turn }, "as JSON");
  const body = h("div", {}, inner.element);
  function turn() {
    const [from, to] = isRaw ? [raw, inner] : [inner, raw];
    try {
      to.write(from.read());
    } catch (error) {
      if (!(error instanceof FormError)) throw error;
    }
    isRaw = !isRaw;
    button.textContent = isRaw ? "as a form" : "as JSON";
    fill(body, to.element);
  }
  return {
    isGroup: true,
    element: h("div", { class: "either" }, body, button),
    read: () => (isRaw ? raw : inner).read(),
    write: (value) => (isRaw ? raw : inner).write(value),
  };
}

function json(schema, options) {
  const initial = schema.type === "array" ? "[]" : schema.type === "object" ? "{}" : "null";
  const problem = h("p", { class: "problem", "aria-live": "polite" });
  const area = h("textarea", {
    id: options.id,
    class: "mono",
    rows: 4,
    spellcheck: false,
    value: initial,
    "aria-label": `${options.label}, as JSON`,
    oninput: () => {
      try {
        JSON.parse(area.value);
        problem.textContent = "";
        area.removeAttribute("aria-invalid");
      } catch (error) {
        problem.textContent = error.message;
        area.setAttribute("aria-invalid", "true");
      }
    },
  });
  return {
    isGroup: true,
    element: h("div", {}, area, problem),
    read() {
      try {
        return JSON.parse(area.value);
      } catch (error) {
        throw new FormError(`not JSON: ${error.message}`);
      }
    },
    write: (value) => (area.value = JSON.stringify(value, null, 2)),
  };
}
