"""What a comparison says: as JSON data, and as tables with the ratios first."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Final

import click
from rich.console import Console, Group
from rich.table import Table

from microprompt.cpu import cpu, total_memory, usable_cores

from .compare import PREPARED, SHIPPED, Ratio, Row
from .engines import TITLES
from .workloads import WORKLOADS

BUSY: Final = 0.5
"""A load average for each core above which other work disturbs the measurement."""

NOTES: Final = (
    "One process for each engine, workload and file of weights, one after the other; p50 is the median of "
    "the rounds' medians.",
    "Cold start is from the start of the process to its first answer; the weights are in the file cache.",
    "Outlines runs with its llguidance backend and a Generator built outside the timing. Its default backend "
    "for these types, outlines-core, needs numba to run on llama-cpp-python.",
    "All engines but typed-gguf complete the same text; Outlines' labels are given the space that they "
    "follow in it. Outlines takes the best token each time, microprompt the best label. Agreement is the "
    "share of answers (of fields, in a record) equal to microprompt's.",
    "typed-gguf writes its own prompt through the chat template, which suits this model badly, and answers "
    "choices only. What all calls share is a state that it saves and reads back; each call has a new "
    "context, as in its warm host.",
    "Where llama.cpp's kernels for its extra buffers crash (those for AMX, as GCC 12 compiles them), every "
    "engine loads its weights without them; typed-gguf, which can't, is left out there.",
    "A cache of microprompt's holds values as F16 or as BF16, whichever it has measured to be faster for the "
    "weights, and attention is flash attention; the peers' have what llama-cpp-python sets by itself, F16 "
    "and plain attention.",
    "microprompt scores labels, as its peers do.",
    "Tokens and decodes are counted at llama_decode of llama-cpp-python's bindings; typed-gguf has bindings "
    "of its own.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The machine and what ran on it. `weights` holds llama.cpp's description of each file, by its role."""

    cpu: str
    features: tuple[str, ...]
    cores: int
    memory_gib: float | None
    system: str
    python: str
    versions: Mapping[str, str]
    model: str
    weights: Mapping[str, str]
    threads: int
    rounds: int
    repeats: int
    load_average: float | None
    busy: bool


def warn_if_busy() -> float | None:
    """Say on standard error if other work would disturb the measurement. The load average, which is how many
    processes wanted to run over the last minute, where the system says."""
    try:
        load = os.getloadavg()[0]
    except (AttributeError, OSError):
        return None
    if is_busy(load):
        click.echo(f"warning: {busy_warning(load)}", err=True)
    return load


def describe_setup(
    *,
    model: str,
    weights: Mapping[str, str],
    threads: int,
    rounds: int,
    repeats: int,
    load: float | None,
) -> Setup:
    """The setup, with what can be read of this machine; `load` is the load average before the first round."""
    memory = total_memory()
    return Setup(
        cpu=cpu().name,
        features=cpu().features,
        cores=usable_cores(),
        memory_gib=memory and round(memory / 2**30, 1),
        system=platform.platform(),
        python=platform.python_version(),
        versions={
            name: version(name) for name in ("microprompt", "llama-cpp-python", "outlines", "llguidance")
        },
        model=model,
        weights=weights,
        threads=threads,
        rounds=rounds,
        repeats=repeats,
        load_average=load,
        busy=is_busy(load),
    )


def is_busy(load: float | None) -> bool:
    """Whether other work would disturb the measurement."""
    return load is not None and load / usable_cores() > BUSY


def to_json(ratios: Sequence[Ratio], rows: Sequence[Row], setup: Setup) -> dict[str, object]:
    """The comparison as JSON data."""
    return {
        "ratios": [asdict(ratio) for ratio in ratios],
        "measured": [asdict(row) for row in rows],
        "setup": asdict(setup),
        "notes": list(NOTES),
    }


def show(console: Console, ratios: Sequence[Ratio], rows: Sequence[Row], setup: Setup) -> None:
    """Print the comparison."""
    if setup.busy:
        console.print(f"[bold red]{busy_warning(setup.load_average)}[/]")
    console.print(Group(_ratio_table(ratios), "", _row_table(rows), "", _setup_table(setup)))
    for note in NOTES:
        console.print(f"- {note}", style="dim")


def busy_warning(load: float | None) -> str:
    """What to say of a busy machine."""
    where = f"load average {load or 0:.1f} on {usable_cores()} cores"
    return f"the machine is busy ({where}): don't trust the times"


def _ratio_table(ratios: Sequence[Ratio]) -> Table:
    table = Table(title="How many times as long as microprompt (p50; least to greatest of the rounds)")
    table.add_column("workload")
    table.add_column("engine")
    columns = {
        (SHIPPED, PREPARED): "its shipped weights,\nour prepared ones",
        (PREPARED, PREPARED): "same weights,\nprepared",
        (SHIPPED, SHIPPED): "same weights,\nas shipped",
    }
    for title in columns.values():
        table.add_column(title, justify="right")
    found = {(ratio.workload, ratio.peer, ratio.peer_weights, ratio.our_weights): ratio for ratio in ratios}
    for workload, peer in dict.fromkeys((ratio.workload, ratio.peer) for ratio in ratios):
        cells = [found.get((workload, peer, *pair)) for pair in columns]
        table.add_row(
            WORKLOADS[workload].title, TITLES[peer], *(_ratio_text(cell) if cell else "" for cell in cells)
        )
    return table


def _ratio_text(ratio: Ratio) -> str:
    spread = "" if ratio.low == ratio.high else f" ({ratio.low:.1f} to {ratio.high:.1f})"
    return f"{ratio.ratio:.1f}x{spread}"


def _row_table(rows: Sequence[Row]) -> Table:
    table = Table(title="Measured, warm calls one at a time")
    for title in ("workload", "weights", "engine"):
        table.add_column(title, no_wrap=True)
    for title in (
        "p50\nms",
        "p99\nms",
        "calls\n/s",
        "CPU s\n/call",
        "tokens\n/call",
        "decodes\n/call",
        "cold\ns",
        "context\ntokens",
        "peak\nMiB",
        "valid\n%",
        "agree\n%",
    ):
        table.add_column(title, justify="right")
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        table.add_row(
            WORKLOADS[row.workload].title,
            row.weights,
            TITLES[row.engine],
            f"{row.p50_ms:.1f}",
            f"{row.p99_ms:.1f}",
            f"{row.calls_per_second:.1f}",
            f"{row.cpu_seconds_per_call:.3f}",
            f"{row.tokens_per_call:.1f}",
            f"{row.decodes_per_call:.1f}",
            f"{row.cold_start_s:.1f}",
            str(row.context),
            f"{row.peak_memory_mib:.0f}",
            f"{100 * row.valid:.0f}",
            f"{100 * row.agreement:.0f}",
            end_section=following is not None and following.workload != row.workload,
        )
    return table


def _setup_table(setup: Setup) -> Table:
    table = Table(title="Setup", show_header=False)
    memory = f", {setup.memory_gib} GiB" if setup.memory_gib else ""
    table.add_row("machine", f"{setup.cpu}, {setup.cores} cores{memory}, {setup.system}")
    table.add_row("features", " ".join(setup.features))
    table.add_row(
        "versions",
        f"Python {setup.python}, " + ", ".join(f"{name} {found}" for name, found in setup.versions.items()),
    )
    table.add_row("model", setup.model)
    for role, text in setup.weights.items():
        table.add_row(f"{role} weights", text)
    table.add_row("threads", str(setup.threads))
    table.add_row("rounds", f"{setup.rounds}, of {setup.repeats} timed calls each")
    if setup.load_average is not None:
        table.add_row("load average at start", f"{setup.load_average:.2f}")
    return table
