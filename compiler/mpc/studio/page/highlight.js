// The colours of `.mp` text, and where diagnostics lie in it.

import { h } from "./dom.js";

const LARGE = 200_000;
const WORDS = /^(?:prompt|flow|enum|record|type|model|grammar|import|from|examples|tests|using|as|python|if|elif|else|for|in|while|up|to|return|and|or|not|is|none|true|false|assert|check|given|below|abstain|escalate)$/;
const TOKEN = /("""[\s\S]*?(?:"""|$)|"(?:\\.|[^"\\\n])*"?)|(#[^\n]*)|(\{[^{}\n]*\})|(->|\.\.|\?)|(\b\d+(?:\.\d+)?\b)|([A-Za-z_]\w*)/g;

/** The pieces of a text that have a colour: start, end and class. */
function* tokens(text) {
  for (const found of text.matchAll(TOKEN)) {
    const [all, string, comment, hole, sign, number, word] = found;
    const kind = string ? "string" : comment ? "comment" : hole ? "hole" : sign ? "sign" : number ? "number" : WORDS.test(word) ? "word" : /^[A-Z]/.test(word) ? "type" : null;
    if (kind) yield [found.index, found.index + all.length, `t-${kind}`];
  }
}

/** The offset of a line and a column, which count from 1 and in characters, in a text of UTF-16. */
export function offset(lines, line, column) {
  let at = 0;
  for (let each = 0; each < line - 1 && each < lines.length; each += 1) at += lines[each].length + 1;
  return at + [...(lines[line - 1] ?? "")].slice(0, column - 1).join("").length;
}

/** The text as coloured pieces, with marks below the places of `diagnostics`. */
export function coloured(text, diagnostics) {
  if (text.length > LARGE) return [text];
  const lines = text.split("\n");
  const marks = diagnostics.map((each) => {
    const start = offset(lines, each.primary.line, each.primary.column);
    const end = offset(lines, each.primary.end_line, each.primary.end_column);
    return [start, Math.max(end, start + 1), each.severity];
  });
  const spans = [...tokens(text)];
  const cuts = [...new Set([0, text.length, ...spans.flatMap(([a, b]) => [a, b]), ...marks.flatMap(([a, b]) => [a, b])])]
    .filter((at) => at <= text.length)
    .sort((a, b) => a - b);
  let next = 0;
  return cuts.slice(0, -1).map((start, index) => {
    const end = cuts[index + 1];
    while (next < spans.length && spans[next][1] <= start) next += 1;
    const token = next < spans.length && spans[next][0] <= start ? spans[next][2] : "";
    const mark = marks.find(([a, b]) => a <= start && end <= b);
    const piece = text.slice(start, end);
    return token || mark ? h("span", { class: `${token} ${mark ? `mark-${mark[2]}` : ""}`.trim() }, piece) : piece;
  });
}
