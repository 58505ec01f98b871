"""`mpc explain`: what a diagnostic code means, what a prompt function costs and why, or how a flow runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from microprompt.locations import is_server
from mpc import codes
from mpc.diagnostics import InternalError, suggestion

from .failures import Failure
from .output import print_json

if TYPE_CHECKING:
    from microprompt.explain import ChoicePlan, Explanation, SlotPlan, TextPart, TrieBranch
    from mpc.flows import FlowOutline


_UNTUNED: Final = "not tuned, and the source has too little for more: `mpc tune`, or add examples"
_UNTUNED_LARGER: Final = "not tuned, and worth less until it is: `mpc tune --on` of the function tunes it too"
_REASONED: Final = "scored behind the reasoning, which nothing that is tuned takes into account"
_ASKED: Final = {"choice": "a choice of", "subset": "a question for each of"}
"""What is asked of labels, by the kinds of slots that have some."""


@click.command(short_help="Explain a diagnostic's code, a prompt function, or a flow.")
@click.argument("subject", metavar="CODE | FILE")
@click.argument("function", metavar="FUNCTION", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the explanation as JSON.")
def command(subject: str, function: str | None, as_json: bool) -> None:
    """Explain the diagnostic CODE; or FUNCTION of FILE: its exact prompt, and how an answer is decoded.

    Of a flow, see which of its calls are asked together, and a diagram of it in Mermaid's notation.
    """
    if function is None:
        _explain_code(subject, as_json=as_json)
        return
    if (flow := _flow(subject, function)) is not None:
        if as_json:
            print_json(flow.to_json())
        else:
            click.echo("\n".join(_outlined(flow)))
        return
    from . import console, functions  # not at the top: a code is explained without the runtime

    called = functions.find_prompt(subject, function)
    with console.model_progress():
        found = called.explain()
    if as_json:
        print_json(found.to_json())
    else:
        click.echo("\n".join(_function(found)))


def _explain_code(number: str, *, as_json: bool) -> None:
    number = number.strip().upper()
    code = codes.REGISTRY.get(number)
    if code is None:
        help = "a function is explained with `mpc explain FILE FUNCTION`"
        raise Failure(f"there is no diagnostic `{number}`", help=suggestion(number, codes.REGISTRY) or help)
    if not as_json:
        click.echo((codes.explain(number) or "").rstrip())
        return
    print_json(
        {
            "code": code.number,
            "severity": code.severity.value,
            "title": code.title,
            "explanation": code.page,
        }
    )


def _flow(file: str, name: str) -> FlowOutline | None:
    """The flow of this name, if it is one. Nothing is run for it, and no model is loaded."""
    from mpc import project  # not at the top: a code is explained without the compiler

    path = Path(file)
    if not file.endswith(".mp") and file.startswith("std."):
        path = Path(str(files("mpstd")), *file.split(".")[1:]).with_suffix(".mp")
    return project.flow_outline(path, name) if path.is_file() else None


def _outlined(flow: FlowOutline) -> Iterator[str]:
    yield f"{flow.flow} ({flow.source}:{flow.line}), a flow"
    yield ""
    yield from flow.lines
    yield ""
    for each in flow.rounds:
        yield f"line {each.line} goes round by round: {each.why}"
    if not flow.waves and not flow.rounds:
        yield "no waves: each call needs what the one before it gives, or might not be needed"
    if flow.waves:
        yield "what stands below a wave is asked at the same time"
    for wave in flow.waves:
        yield f"wave {wave.number}: {wave.why or 'what each prompt begins with comes first, and is kept'}"
    yield ""
    yield "```mermaid"
    yield flow.diagram
    yield "```"


def _function(found: Explanation) -> Iterator[str]:
    if found.server is not None:
        yield from _on_server(found)
        return
    yield f"{found.function} ({found.source}) on {found.model}, layout {found.layout}"
    yield ""
    yield f"prefix: {found.prefix_tokens} tokens, evaluated once and kept in the KV cache"
    yield from _block(found.prefix)
    yield f"call: {found.call_tokens} tokens at each call, and those of the arguments{_first_open(found)}"
    yield from _block(found.tail)
    for part in found.tail:
        tokens = "   ?" if part.tokens is None else f"{part.tokens:4}"
        yield f"  {tokens}  {part.text if part.is_hole else json.dumps(part.text, ensure_ascii=False)}"
    yield ""
    if found.cost is not None:
        cost = found.cost
        yield (
            f"cost: about {cost.cold_ms:.0f} ms cold, {cost.warm_ms:.0f} ms warm, for the prompt with "
            f"arguments of {cost.argument_tokens} tokens on this machine"
        )
        if cost.read_ms is not None:
            yield f"cost of reading hidden states instead: about {cost.read_ms:.0f} ms"
    for call in found.calls:
        plan = call.plan
        yield (
            f"calls before: {call.text} ({plan.source}): {plan.call_tokens} tokens and those of its "
            f"arguments, answer {_tokens(plan)}{_warm(plan)}"
        )
    if found.reasoning is not None:
        yield f"reasoning: at most {found.reasoning} tokens before the answer; no head decides a choice then"
    for choice in found.choices:
        yield from _choice(choice, _UNTUNED if found.reasoning is None else _REASONED)
    yield from _thresholds(found)
    yield f"answer: {_tokens(found)}; the context has room for {found.context} in all"
    for name, depth in found.nested.items():
        yield f"{name} contains itself: at most {depth} such records lie inside one another"
    for wave in found.waves:
        yield f"side by side, none seeing the others: {', '.join(wave)}"
    for slot in found.slots:
        yield from _slot(slot)


def _on_server(found: Explanation) -> Iterator[str]:
    """What a server is asked: how it goes about it, is its business."""
    yield f"{found.function} ({found.source}) on {found.model}"
    yield ""
    yield f"asked of {found.server} at each call, which counts the tokens and takes its time:"
    yield from _block(found.tail)
    yield ""
    for call in found.calls:
        yield f"calls before: {call.text} ({call.plan.source})"
    yield from _thresholds(found)
    yield "answer: what the server says, under the type; no head decides"


def _warm(found: Explanation) -> str:
    return "" if found.cost is None else f", about {found.cost.warm_ms:.0f} ms before it"


def _first_open(found: Explanation) -> str:
    """What ends the prefix."""
    if not found.tail:
        return ""
    first, *more = found.tail[0].text.split("\n")
    return f"; from `{first}{'...' if more else ''}` on, nothing is kept"


def _block(parts: Sequence[TextPart]) -> Iterator[str]:
    text = "".join(part.text for part in parts)
    for line in text.split("\n"):
        yield f"  | {line}"


def _slot(slot: SlotPlan) -> Iterator[str]:
    name = f"{slot.name}: " if slot.name else ""
    if slot.kind == "open":
        yield f"  {name}{slot.type}, out of what the call gives: {_tokens(slot)}"
    elif slot.kind == "reasoning":
        yield f"  {name}{slot.type}, written freely: {_tokens(slot)}"
    elif slot.labels is None:
        yield f"  {name}{slot.type}, decoded under a grammar: {_tokens(slot)}"
    elif not slot.passes:
        yield f"  {name}{slot.type}, one label, which is not asked for"
    else:
        passes = "one pass" if slot.passes == 1 else f"{slot.passes} passes"
        yield f"  {name}{slot.type}, {_ASKED[slot.kind]} {slot.labels} labels in {passes}"
    if slot.forced:
        yield f"    forced: {' '.join(json.dumps(token, ensure_ascii=False) for token in slot.forced)}"
    yield from _branches(slot.trie, "    ")
    for line in (slot.grammar or "").rstrip().splitlines():
        yield f"    {line}"


def _choice(choice: ChoicePlan, untuned: str) -> Iterator[str]:
    name = f" {choice.name}" if choice.name else ""
    weights = "/".join(f"{part.weight:.2g}" for part in choice.parts)
    said = [f"weights {weights}"] if len(choice.parts) > 1 else []
    if choice.examples:
        said.append(
            f"examples left out in turn: {choice.right} of {choice.examples} right, chance {choice.chance}"
        )
    behind = f" ({'; '.join(said)})" if said else ""
    yield f"answered by{name}: {choice.answered_by}{behind}"
    for part in choice.parts:
        yield f"  {part.evidence}"
    match choice.origin:
        case "tuning":
            yield "  tuned" + (", calibrated" if choice.calibrated else "")
        case "source" if choice.answered_by != "labels":
            yield "  from the source alone: its confidence orders answers, and says no more"
        case "call":
            yield "  by the words of a call's options: its confidence orders answers, and says no more"
            most = choice.shortlist
            yield f"  of more than {most} options, the {most} nearest come into question"
        case "source" | "labels":
            yield f"  {untuned}"
        case other:
            raise InternalError("explain", f"a choice whose head is from {other}")


def _thresholds(found: Explanation) -> Iterator[str]:
    yield from _untuned(found.untuned)
    larger = found.escalate_to
    if found.escalate_below is not None and larger is not None:
        yield (
            f"below {found.escalate_below:.3g} it is put to {larger.model} as well, and what both say is "
            "added up"
        )
        untuned = _UNTUNED_LARGER if found.reasoning is None else _REASONED
        if is_server(larger.model):
            yield "  which answers there as it does"
        else:
            for line in (*_choice(larger.choice, untuned), *_untuned(larger.untuned)):
                yield f"  {line}"
    if found.abstain_below is not None:
        yield f"below {found.abstain_below:.3g} the answer is none"


def _untuned(why: str | None) -> Iterator[str]:
    if why is not None:
        yield f"its tuning is not used: {why}"


def _tokens(counted: Explanation | SlotPlan) -> str:
    return f"about {counted.expected_tokens} tokens, at most {counted.max_tokens}"


def _branches(branches: Sequence[TrieBranch], indent: str) -> Iterator[str]:
    for branch in branches:
        label = "" if branch.label is None else f" -> {branch.label}"
        evaluated = " (evaluated)" if branch.evaluated else ""
        yield f"{indent}{json.dumps(branch.token, ensure_ascii=False)}{label}{evaluated}"
        yield from _branches(branch.children, indent + "  ")
