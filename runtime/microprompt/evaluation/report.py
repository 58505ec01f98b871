"""An evaluation as one HTML file, which loads nothing and runs nothing. Needs the extra `eval`."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from html import escape
from typing import Final

from . import charts
from .figures import ChoiceFigures, Figures, share
from .metrics import BINS, Paired
from .run import TIMED_ROWS, Evaluated, Evaluation, Mistake

_LONGEST_TEXT: Final = 400

_CSS: Final = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1b1b; --soft: #6a6a6a; --line: #ddd;
  --warn: #a35a00; --hit: 57 135 229; --miss: 214 90 60; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16181c; --ink: #e6e6e6; --soft: #9a9fa6; --line: #33373d; --warn: #f0a848; }
}
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
  max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.2rem; margin-top: 2.5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .3rem; }
p { margin: .4rem 0; }
.soft, figcaption, th { color: var(--soft); font-weight: normal; }
.big { font-size: 1.3rem; }
.warning { color: var(--warn); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem .25rem 0; text-align: right; vertical-align: top; white-space: nowrap; }
th:first-child, td:first-child, .text { text-align: left; }
td.text { overflow-wrap: anywhere; white-space: pre-wrap; min-width: 7rem; }
tr { border-top: 1px solid var(--line); }
table.matrix td { text-align: center; min-width: 2.5rem; padding: .25rem .5rem; }
td.hit { background: rgb(var(--hit) / var(--share)); }
td.miss { background: rgb(var(--miss) / var(--share)); }
.charts { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; }
svg { max-width: 100%; height: auto; }
"""


def report(evaluation: Evaluation) -> str:
    """The whole file. Nothing in it is later than the evaluation: the same one gives the same bytes."""
    title = f"{escape(evaluation.function)} on {escape(evaluation.rows.source)}"
    return "\n".join(
        (
            "<!DOCTYPE html>",
            '<html lang="en">',
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            # Whatever a text in it holds: a browser fetches and runs nothing for this page.
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
            "style-src 'unsafe-inline'\">",
            f"<title>{title}</title>",
            f"<style>{_CSS}</style>",
            f"<h1>{title}</h1>",
            f'<p class="soft">{len(evaluation.rows)} rows with labels. {_SAID}</p>',
            *(f'<p class="warning">{escape(warning)}</p>' for warning in evaluation.rows.warnings),
            *_models(evaluation),
            *(line for variant in evaluation.variants for line in _variant(variant)),
            "</html>\n",
        )
    )


_SAID: Final = (
    f"Intervals are Wilson's, at 95&nbsp;%. ECE is over {BINS} bins of equal width; Brier is summed over the "
    f"labels; AURC is the mean risk over all coverages. Times are of the first {TIMED_ROWS} rows, asked one "
    "at a time. Paired: the rows that only this model got right, those that only the first one did, and "
    "McNemar's exact p."
)


def _models(evaluation: Evaluation) -> Iterator[str]:
    pairs = ("", *map(_paired, evaluation.paired))
    yield from _table(
        ("", "accuracy", "macro-F1", "ECE", "Brier", "AURC", "p50 ms", "p95 ms", "tokens", "paired"),
        (
            (
                variant.name,
                share(variant.figures.accuracy, variant.figures.interval),
                _number(variant.figures.macro_f1),
                f"{variant.figures.calibration_error:.3f}",
                _number(variant.figures.brier),
                f"{variant.figures.risk.area:.3f}",
                f"{variant.cost.p50_ms:.0f}",
                f"{variant.cost.p95_ms:.0f}",
                f"{variant.cost.evaluated_tokens:.1f}",
                pair,
            )
            for variant, pair in zip(evaluation.variants, pairs, strict=True)
        ),
    )


def _variant(variant: Evaluated) -> Iterator[str]:
    figures = variant.figures
    yield f"<h2>{escape(variant.name)}</h2>"
    yield (
        f'<p class="big">{figures.right.sum()} of {figures.n} right, accuracy '
        f"{share(figures.accuracy, figures.interval)}</p>"
    )
    yield from (f'<p class="warning">{escape(warning)}</p>' for warning in variant.warnings)
    yield from _figures(figures)
    for field in variant.fields:
        yield f"<h3>{escape(field.name)}: {escape(field.type)}</h3>"
        yield f"<p>accuracy {share(field.accuracy, field.interval)}</p>"
        yield from _figures(field)
    if variant.worst:
        yield "<h3>The mistakes it was surest of</h3>"
        texts = ("arguments", "right", "answer")
        yield from _table(("line", *texts, "confidence"), map(_mistake, variant.worst), texts=texts)


def _figures(figures: Figures) -> Iterator[str]:
    yield f"<p>{escape(', '.join(figures.in_words()))}</p>"
    yield '<div class="charts">'
    bars = "Bars: how many answers have this confidence."
    yield f"<figure>{charts.reliability(figures)}<figcaption>{bars}</figcaption></figure>"
    yield f"<figure>{charts.risk_coverage(figures)}</figure></div>"
    if figures.choice is not None:
        yield from _matrix(figures.choice)


def _matrix(choice: ChoiceFigures) -> Iterator[str]:
    names, counts = choice.occurring()
    yield '<h3>Labels (rows) and answers (columns)</h3><div class="scroll"><table class="matrix">'
    yield f"<tr><th></th>{''.join(f'<th>{escape(name)}</th>' for name in names)}</tr>"
    for at, (name, row) in enumerate(zip(names, counts, strict=True)):
        cells = "".join(
            f'<td class="{"hit" if at == place else "miss"}" style="--share: {count / max(1, sum(row)):.2f}">'
            f"{count or ''}</td>"
            for place, count in enumerate(row)
        )
        yield f"<tr><td>{escape(name)}</td>{cells}</tr>"
    yield "</table></div>"


def _table(
    header: Sequence[str], lines: Iterable[Sequence[str]], *, texts: Collection[str] = ()
) -> Iterator[str]:
    """A table; `texts` are the columns of what may be long."""
    kinds = [' class="text"' if name in texts else "" for name in header]

    def row(cell: str, texts: Sequence[str]) -> str:
        pairs = zip(kinds, texts, strict=True)
        return f"<tr>{''.join(f'<{cell}{kind}>{escape(text)}</{cell}>' for kind, text in pairs)}</tr>"

    yield f'<div class="scroll"><table><thead>{row("th", header)}</thead><tbody>'
    for line in lines:
        yield row("td", line)
    yield "</tbody></table></div>"


def _mistake(mistake: Mistake) -> tuple[str, ...]:
    arguments = "".join(f"{name}: {_text(value)}\n" for name, value in mistake.arguments.items())
    return (
        str(mistake.line),
        arguments,
        _text(mistake.expected),
        _text(mistake.answer),
        f"{mistake.confidence:.2f}",
    )


def _text(data: object) -> str:
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 3]}..."


def _paired(paired: Paired) -> str:
    return f"+{paired.only_second} -{paired.only_first}, p = {paired.p:.2g}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
