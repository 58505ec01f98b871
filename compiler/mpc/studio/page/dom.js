// Elements, made of data: text is always text, and never markup.

/** An element; `props` are properties, attributes (`aria-*`, `data-*`, `for`, ...) and listeners (`onclick`). */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "style") for (const [key, each] of Object.entries(value)) element.style.setProperty(key, each);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && !name.includes("-")) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Put other children in place of those that an element has. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

let count = 0;

/** A name for an element that no other has. */
export function unique(stem) {
  count += 1;
  return `${stem}-${count}`;
}

/** Tell people who hear the page what has happened. */
export function say(text) {
  document.getElementById("said").textContent = text;
}

/** A value in a line, as the language writes it. */
export function short(value, most = 60) {
  const text = typeof value === "string" ? JSON.stringify(value) : value === null || value === undefined ? "none" : JSON.stringify(value);
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** A label as it is, other text in quotes. */
export function readable(value) {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return "none";
  return JSON.stringify(value, null, 2);
}

/** Text with `names` in it, as code. */
export const ticked = (text) => text.split(/`([^`]*)`/).map((part, at) => (at % 2 ? h("code", {}, part) : part));

export const percent = (share) => `${(100 * share).toFixed(share > 0.9995 || share < 0.0995 ? 1 : 0)} %`;

export const ms = (seconds) => (seconds < 0.01 ? `${(1000 * seconds).toFixed(1)} ms` : `${Math.round(1000 * seconds)} ms`);

/** What keeps a request from its answer, for people. */
export function complaint(error) {
  return h(
    "div",
    { class: "complaint", role: "alert" },
    h("p", {}, h("b", {}, error.message)),
    error.help ? h("p", {}, "Try: ", error.help) : null,
    error.kind === "compile" ? h("p", {}, "The source tells where.") : null,
  );
}

/** Text in a monospaced block, with a button that copies it. */
export function copyable(text, label = "Copy") {
  const button = h("button", { type: "button", class: "small", onclick: copy }, label);
  async function copy() {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    say("copied");
    setTimeout(() => (button.textContent = label), 1500);
  }
  return h("div", { class: "copyable" }, h("pre", { tabindex: 0 }, text), button);
}
