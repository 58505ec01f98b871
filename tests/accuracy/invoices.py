"""How right examples/extract reads invoices, on twenty that were written for it; and its page, README.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, Final

from microprompt import PromptFunction
from microprompt.errors import MicropromptError, ModelError
from microprompt.evaluation import run
from microprompt.evaluation.figures import share
from microprompt.evaluation.outcomes import Outcome
from microprompt.evaluation.rows import LabelledRows, read_labelled
from microprompt.evaluation.variants import on_models
from microprompt.types import kind
from microprompt.types.leaves import leaves
from mpc import project

from .tasks import ROOT

FOLDER: Final = ROOT / "examples" / "extract"
MODELS: Final = ("smollm2-135m", "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b")

_ROWS: Final = ROOT / "tests" / "samples" / "invoices" / "invoices.jsonl"


@cache
def load() -> tuple[PromptFunction[..., Any], LabelledRows]:
    """The example's function, and the invoices with their answers, which are of its types."""
    function: PromptFunction[..., Any] = project.load(FOLDER / "invoice.mp").read_invoice
    return function, read_labelled(function.program, _ROWS.read_bytes(), str(_ROWS))


def measured(models: Sequence[str] = MODELS) -> dict[str, run.Evaluated | None]:
    """What the models answer, by their names; `None` where one has no answer to any invoice.

    Raises:
        ModelError: a model is not to be had.
    """
    function, rows = load()
    found: dict[str, run.Evaluated | None] = {}
    for variant in on_models(function, models):
        run.warm(variant, rows)
        try:
            found[variant.name] = run.run(variant, rows, lambda _: None)
        except ModelError:
            raise
        except MicropromptError:
            found[variant.name] = None
    return found


def page(found: Mapping[str, run.Evaluated | None]) -> Iterator[str]:
    """The lines of README.md."""
    function, rows = load()
    texts = [str(arguments["text"]) for arguments in rows.arguments]
    fields = [name for name, _ in leaves(kind(function.program.returns)) if name]
    yield "# Invoices"
    yield ""
    yield (
        "[invoice.mp](invoice.mp) reads the number, the date, the seller, the lines and the total of an "
        "invoice. Names and numbers are spans, copied from the text, and an answer is given only if its "
        "lines add up to its total. Amounts and dates are decoded as such, so that they can be calculated "
        "with."
    )
    yield ""
    yield (
        f"On the {len(rows)} invoices in tests/samples/invoices, which were written for this and are no part "
        "of the prompt, by `python -m tests.accuracy invoices`. An answer is right if it equals the label as "
        "a whole. *No answer* have those whose lines added up in none of the answers that were tried, for "
        "one; they count as wrong in every field. The columns after it count the spans and the amounts of "
        "all answers that do not stand in the text."
    )
    yield ""
    columns = ("model", "right", *fields, "no answer", "spans", "amounts", "ms a call")
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for name, evaluated in found.items():
        cells = _cells(evaluated, texts) if evaluated is not None else _no_cells(len(fields), len(rows))
        yield f"| {' | '.join((name, *cells))} |"


def write_page(found: Mapping[str, run.Evaluated | None]) -> None:
    """Write README.md beside the program."""
    (FOLDER / "README.md").write_text("\n".join(page(found)) + "\n", encoding="utf-8")


def _cells(evaluated: run.Evaluated, texts: Sequence[str]) -> Iterator[str]:
    yield share(evaluated.figures.accuracy, evaluated.figures.interval)
    yield from (f"{field.accuracy:.2f}" for field in evaluated.fields)
    yield str(sum(isinstance(outcome, MicropromptError) for outcome in evaluated.outcomes))
    yield from map(str, _not_in_texts(evaluated.outcomes, texts))
    yield f"{evaluated.cost.p50_ms:.0f}"


def _no_cells(fields: int, rows: int) -> Iterator[str]:
    yield from ("0", *["0"] * fields, str(rows), "", "", "")


def _not_in_texts(outcomes: Sequence[Outcome], texts: Sequence[str]) -> tuple[int, int]:
    """How many spans of the answers, and how many amounts, do not stand in the texts they are of."""
    spans = amounts = 0
    for outcome, text in zip(outcomes, texts, strict=True):
        if isinstance(outcome, MicropromptError):
            continue
        invoice: Any = outcome.value
        copied: list[str] = [invoice.number, invoice.seller, *(item.name for item in invoice.items)]
        calculated: list[Decimal] = [invoice.total, *(item.amount for item in invoice.items)]
        spans += sum(each not in text for each in copied)
        amounts += sum(str(each) not in text for each in calculated)
    return spans, amounts
