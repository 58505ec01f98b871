"""Charts of an evaluation as SVG that stands inside a page. Needs Matplotlib, of the extra `eval`."""

from __future__ import annotations

import io
import re
from typing import Any, Final

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .figures import Figures
from .metrics import BINS

_INK: Final = "#010203"
"""Stands for the page's text colour until the SVG is written: Matplotlib knows no `currentColor`."""

_BLUE: Final = "#3987e5"
"""Seen well on white and on black."""

_STYLE: Final[dict[Any, Any]] = {  # of names that Matplotlib types since 3.11 only
    "svg.fonttype": "none",  # text stays text, in the page's font
    "svg.hashsalt": "microprompt",  # the same chart has the same bytes
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 9,
}


def reliability(figures: Figures) -> str:
    """Accuracy by confidence: where a point is below the diagonal, the model is surer than it is right."""
    with rc_context(_STYLE):
        figure, axes = _axes("confidence", "accuracy")
        axes.plot([0, 1], [0, 1], color=_INK, linewidth=0.8, linestyle=":")
        most = max(each.n for each in figures.bins)
        for each in figures.bins:
            axes.bar(
                (each.low + each.high) / 2,
                each.n / most,
                width=0.9 / BINS,
                color=_INK,
                alpha=0.12,
                linewidth=0,
            )
        axes.plot(
            [each.confidence for each in figures.bins],
            [each.accuracy for each in figures.bins],
            marker="o",
            markersize=5,
            color=_BLUE,
            linewidth=1.5,
        )
        return _svg(figure, "Accuracy by confidence")


def risk_coverage(figures: Figures) -> str:
    """The share of wrong answers among the most confident ones, from few to all."""
    with rc_context(_STYLE):
        figure, axes = _axes("coverage: the most confident share", "risk: wrong among them")
        axes.plot(figures.risk.coverage, figures.risk.risk, color=_BLUE, linewidth=1.5)
        return _svg(figure, "Risk by coverage")


def _axes(x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(4.2, 3.2), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return figure, axes


def _svg(figure: Figure, title: str) -> str:
    """The `svg` element alone, without the document around it and what it tells of its maker."""
    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*"', "<g", text)  # the same in every chart, and used by none
    return text.replace(_INK, "currentColor").replace("<svg", f'<svg role="img" aria-label="{title}"', 1)
