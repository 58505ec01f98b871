"""A chat with the assistant in the terminal: `python examples/assistant/chat.py --trace`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import click
from prompt_toolkit import PromptSession
from rich.console import Console
from rich.table import Table
from rich.text import Text

from microprompt import Decision, PromptFunction, Trace, abi, models
from microprompt.errors import MicropromptError

sys.path.insert(0, str(Path(__file__).parent))

import assistant
import workshop

_NOTES: Final = 16
"""As many as the assistant takes; older ones are forgotten."""

_SECOND: Final = "qwen2.5-coder-1.5b"
_UNSURE: Final = 0.75
"""Where the embedded model is less sure than that of what a customer wishes, the second one is asked as well:
`wish` is tuned for both."""

_WIDTH: Final = 36
"""So much of a decision is shown, for a line to fit into a terminal."""


@dataclass
class Conversation:
    """What is kept between two messages: the last one with its reply, what was said of an appointment that
    is not agreed yet, and notes. `writes` says whether there is a model that can write."""

    writes: bool = False
    previous: str = ""
    visit: str = ""
    notes: list[str] = field(default_factory=list)

    def say(self, text: str) -> Trace[assistant.Reply]:
        """The reply to a message, and how it came about. Raises `MicropromptError`."""
        trace = assistant.reply.trace(text, self.previous, self.visit, self.notes, self.writes)
        self.previous = f"A: {text}\nB: {trace.value.text}"
        self.visit = trace.value.visit
        self.notes = [*self.notes, *trace.value.notes][-_NOTES:]
        return trace


def write_with(model: str) -> None:
    """Have a larger model write; the embedded one decides. Where that is not sure what a customer wishes, the
    second model is asked as well if it is the one. Raises `ModelError`."""
    models.ensure(model)
    larger = abi.Model(name=model)
    writers: tuple[PromptFunction[..., Any], ...] = (assistant.say, assistant.compress, assistant.split)
    for prompt in writers:
        _set(prompt, model=larger)
    if model == _SECOND:
        _set(assistant.wish, escalate=abi.Escalation(model=larger, when=abi.Threshold(below=_UNSURE)))


def _set(prompt: PromptFunction[..., Any], **settings: Any) -> None:
    """What `using:` says in the source, said before the first call."""
    prompt.body = replace(prompt.body, using=replace(prompt.body.using, **settings))


@click.command()
@click.option("--trace", is_flag=True, help="Show every decision.")
@click.option("--model", help="A larger model that writes, as in qwen2.5-coder-1.5b.")
@click.option("--documents", type=click.Path(exists=True, file_okay=False), help="A folder of .md files.")
def main(trace: bool, model: str | None, documents: str | None) -> None:
    """Talk with the assistant of a bicycle workshop; an empty line ends it."""
    if documents:
        os.environ[workshop.DOCUMENTS] = documents
    console = Console(highlight=False)
    try:
        if model:
            write_with(model)
    except MicropromptError as error:
        raise click.ClickException(str(error)) from None
    conversation = Conversation(writes=model is not None)
    for text in _messages(console):
        try:
            with console.status("...") if console.is_terminal else nullcontext():
                found = conversation.say(text)
        except MicropromptError as error:
            console.print(str(error), style="red", markup=False)
        except KeyboardInterrupt:
            console.print("stopped", style="red")
        else:
            if trace:
                console.print(_decisions(found))
            console.print(found.value.text, style="bold", markup=False)


def _messages(console: Console) -> Iterator[str]:
    """The lines that are typed, up to an empty one, or those of a file."""
    if not sys.stdin.isatty():
        for line in filter(None, map(str.strip, sys.stdin)):
            console.print(f"> {line}", markup=False)
            yield line
        return
    session: PromptSession[str] = PromptSession()
    while True:
        try:
            text = session.prompt("> ").strip()
        except (EOFError, KeyboardInterrupt):
            return
        if not text:
            return
        yield text


# --------------------------------------------------------------------------------------------- the decisions


def _decisions(trace: Trace[Any]) -> Table:
    """A line for each decision, those on the way of another below it: what was decided, how sure, by what,
    and how long it took."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="cyan")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(no_wrap=True, style="dim", justify="right")
    for row in _rows(trace.decisions, indent="  "):
        table.add_row(*map(Text, row))
    table.add_row("", "", "", "", _milliseconds(trace.seconds))
    return table


def _rows(decisions: Sequence[Decision], indent: str) -> Iterator[tuple[str, ...]]:
    for each in decisions:
        value = each.to_json()["value"]
        said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        sure = "" if each.confidence is None else f"{each.confidence:.2f}"
        answered_by = f"{each.answered_by}, escalated" if each.escalated else each.answered_by
        yield indent + each.function, _cut(said), sure, answered_by, _milliseconds(each.seconds)
        yield from _rows(each.decisions, indent + "  ")


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"


if __name__ == "__main__":
    main()
