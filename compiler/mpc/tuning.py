"""What `mpc tune` has learnt of the prompts of a file: which of it still holds for them.

The compiler knows the outline of a tuning file and no more; the numbers in it are for the runtime to read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from .diagnostics import Diagnostic, Label, Reporter, suggestion
from .key import key_of
from .sema.checked import CheckedModule, CheckedPrompt, CheckedThreshold, CheckedTuning
from .source import Source, Span


@dataclass(frozen=True, slots=True)
class TunedEntry:
    """What was learnt of one version of a prompt, for one model; `reaches` are the accuracies that its
    thresholds have a number for, by their names."""

    key: str
    reaches: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TuningFile:
    """The outline of a tuning file: its name, that of the file beside it with the numbers, how messages call
    it, and the entries by the names of prompts."""

    name: str
    numbers: str
    source: Source
    functions: Mapping[str, Sequence[TunedEntry]]


def take_up(module: CheckedModule, file: TuningFile | None) -> tuple[CheckedModule, list[Diagnostic]]:
    """The module with the tunings that hold for its prompts, and a warning for what does not.

    `file` is the tuning file beside it, if there is one. The module has no errors.
    """
    reporter = Reporter(module.source)
    prompts = tuple(_taken_up(prompt, module, file, reporter) for prompt in module.prompts)
    strangers = _strangers(module, file) if file else ()
    return replace(module, prompts=prompts), [*reporter.found, *strangers]


def _taken_up(
    prompt: CheckedPrompt, module: CheckedModule, file: TuningFile | None, reporter: Reporter
) -> CheckedPrompt:
    entries = file.functions.get(prompt.name, ()) if file else ()
    key = key_of(prompt, module) if entries else ""
    fresh = [entry for entry in entries if entry.key == key]
    again = f"mpc tune {reporter.source.display} {prompt.name} --on ROWS.jsonl"
    if entries and not fresh:
        reporter.report(
            "MP0801",
            prompt.span,
            f"the tuning of `{prompt.name}` is for an earlier version of it, and is not used",
            label="its types, body or examples have changed since",
            help=f"tune it again: `{again}`",
        )
        return prompt
    for name, threshold in _to_reach(prompt):
        found = {entry.reaches[name]: None for entry in fresh if name in entry.reaches}
        if threshold.reach not in found:
            others = " and ".join(f"{reach:g}" for reach in found)
            reporter.report(
                "MP0804",
                threshold.span,
                f"`{name}` has the number for {others} only" if found else f"`{name}` has no number yet",
                label="which confidence reaches this is not known",
                help=f"find it: `{again}`",
            )
    if file is None or not fresh:
        return prompt
    return replace(prompt, tuning=CheckedTuning(file=file.name, key=key))


def _to_reach(prompt: CheckedPrompt) -> Iterator[tuple[str, CheckedThreshold]]:
    """The thresholds whose numbers are for tuning to find, by the names of their settings."""
    abstain, escalate = prompt.using.abstain, prompt.using.escalate
    if abstain is not None and abstain.reach is not None:
        yield "abstain", abstain
    if escalate is not None and escalate.when.reach is not None:
        yield "escalate", escalate.when


def _strangers(module: CheckedModule, file: TuningFile) -> Iterator[Diagnostic]:
    """A warning for each entry of a prompt that the module does not declare."""
    known = [prompt.name for prompt in module.prompts]
    for name in file.functions:
        if name not in known:
            near = suggestion(name, known)
            yield Diagnostic(
                code="MP0802",
                message=f"there is no prompt `{name}` in {module.source.display}, and its tuning is not used",
                primary=Label(source=file.source, span=Span(0, 0)),
                help=f"{near} tune that one, or rename it back" if near else "remove the entry, or the file",
            )
