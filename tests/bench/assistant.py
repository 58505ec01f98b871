"""What the decisions of examples/assistant take, on the embedded model.

    python -m tests.bench.assistant [--rounds N]

First its conversation is held once: what each decision took there. Then, message by message, the decisions
about one input are asked one after the other and all together, each time as of a text that nobody has read
before; how many times as long as the slowest of them do they take together?
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median, quantiles
from typing import Any, Final

import click

from microprompt import PromptFunction, gather
from microprompt.deciding.evidence import forget
from mpstd.dialogue import boundary
from mpstd.plan import enough
from mpstd.question import complexity, durability
from mpstd.request import classify

from .engines import ROOT
from .flows import interval
from .report import warn_if_busy

P50_MS: Final = 50
"""The most milliseconds that half of the decisions may take."""

TIMES: Final = 2.5
"""How many times as long as the slowest of them all decisions about one input may take together."""

_NEED: Final = "Make an appointment for a repair. This needs: day, part (what is broken)."
_CONVERSATION: Final = ROOT / "tests" / "samples" / "assistant" / "conversation.jsonl"


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=1), help="Times each.")
def main(rounds: int) -> None:
    """Measure, and print."""
    warn_if_busy()
    sys.path.insert(0, str(ROOT / "examples" / "assistant"))
    messages = [json.loads(line)["text"] for line in _CONVERSATION.read_text("utf-8").splitlines()]
    for line in (*_held(messages), "", *_together(messages, rounds)):
        click.echo(line)


def _held(messages: Sequence[str]) -> Iterator[str]:
    chat: Any = importlib.import_module("chat")
    chat.Conversation().say(messages[0])  # models load
    took: dict[str, list[float]] = defaultdict(list)
    whole = []
    conversation = chat.Conversation()
    for message in messages:
        forget()
        trace = conversation.say(message)
        whole.append(1000 * trace.seconds)
        for each in trace.walk():
            if each.called == "prompt":
                took[each.function].append(1000 * each.seconds)
    decisions = [each for times in took.values() for each in times]
    yield (
        f"{len(messages)} messages, {len(decisions)} decisions: p50 {median(decisions):.0f} ms, "
        f"p90 {quantiles(decisions, n=10)[-1]:.0f} ms, where one of a wave takes as long as all of it; "
        f"{P50_MS} at most; a reply: p50 {median(whole):.0f} ms"
    )
    yield ""
    yield "| decision | n | p50 ms |\n|---|---|---|"
    for function, times in took.items():
        yield f"| {function} | {len(times)} | {median(times):.0f} |"


def _together(messages: Sequence[str], rounds: int) -> Iterator[str]:
    wish: Any = importlib.import_module("assistant").wish
    ratios, alone, all_at_once = [], defaultdict[str, list[float]](list), []
    for previous, text in pairwise(messages):
        said = f"A: {previous}\nB: I see."
        asked: dict[str, tuple[PromptFunction[..., Any], tuple[str, ...]]] = {
            "boundary": (boundary, (said, text)),
            "classify": (classify, (text,)),
            "complexity": (complexity, (text,)),
            "durability": (durability, (text,)),
            "enough": (enough, (_NEED, f"User: {text}")),
            "wish": (wish, (text,)),
        }
        took: dict[str, list[float]] = {name: [] for name in (*asked, "together")}
        for _ in range(rounds):
            for name, call in asked.items():
                took[name].append(_time([call]))
            took["together"].append(_time([*asked.values()]))
        for name in asked:
            alone[name].append(1000 * median(took[name]))
        all_at_once.append(1000 * median(took["together"]))
        ratios.append(all_at_once[-1] / max(times[-1] for times in alone.values()))
    middle, low, high = interval(ratios)
    yield (
        f"{len(alone)} decisions together, times as long as the slowest of them: {middle:.2f} "
        f"[{low:.2f}, {high:.2f}], {len(ratios)} messages; {TIMES} at most"
    )
    by_itself = [one for times in alone.values() for one in times]
    yield f"one of them by itself: p50 {median(by_itself):.0f} ms, n = {len(by_itself)}; {P50_MS} at most"
    yield ""
    yield "| | p50 ms |\n|---|---|"
    yield from (f"| {name} | {median(times):.0f} |" for name, times in alone.items())
    yield f"| together | {median(all_at_once):.0f} |"


def _time(calls: Sequence[tuple[PromptFunction[..., Any], tuple[str, ...]]]) -> float:
    forget()
    began = time.perf_counter()
    gather(*[function.later(*arguments) for function, arguments in calls])
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
