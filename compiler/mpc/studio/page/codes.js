// What the code of a diagnostic means, in a dialog.

import { h, fill, complaint, ticked } from "./dom.js";
import { get } from "./api.js";

export async function explain(code) {
  const dialog = document.getElementById("code");
  const close = h("button", { type: "button", onclick: () => dialog.close() }, "Close");
  let body;
  try {
    const found = await get(`/api/code/${code}`);
    body = [h("h2", { id: "code-head" }, `${found.code}: ${found.title}`), page(found.page)];
  } catch (error) {
    body = complaint(error);
  }
  fill(dialog, body, h("div", { class: "actions" }, close));
  dialog.showModal();
}

/** A page of text with fenced programs in it. */
function page(text) {
  return text
    .split(/^```\w*\n([\s\S]*?)^```$/m)
    .map((part, at) => (at % 2 ? h("pre", { tabindex: 0 }, part) : paragraphs(part)));
}

function paragraphs(text) {
  return text
    .split(/\n\s*\n/)
    .filter((each) => each.trim())
    .map((each) => (/^#+ /.test(each.trim()) ? h("h3", {}, each.trim().replace(/^#+ /, "")) : h("p", {}, ticked(each.trim()))));
}
