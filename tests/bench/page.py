"""The page of results, from performance.json: what was measured, plots, and how it was measured.

    python -m tests.bench.page

writes the page again without measuring.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from .compare import PREPARED, SHIPPED
from .decided import SUBJECTS
from .decisions import PEER_REPEATS
from .engines import REQUIREMENTS, ROOT, TITLES
from .workloads import WORKLOADS

_COLOURS: Final = ("#1f77b4", "#d62728", "#ff7f0e", "#7f7f7f", "#9467bd")


def write_plots(folder: Path) -> None:
    """Write the plots beside performance.json in `folder`."""
    results = json.loads((folder / "performance.json").read_text(encoding="utf-8"))
    _plot_calls(results["calls"], folder / "calls.svg")
    _plot_batches(results["load"], folder / "batches.svg")


def write_text(folder: Path) -> None:
    """Write performance.md beside performance.json in `folder`."""
    results = json.loads((folder / "performance.json").read_text(encoding="utf-8"))
    text = "\n".join(page(results))
    (folder / "performance.md").write_text(text + "\n", encoding="utf-8")


def page(results: Mapping[str, Any]) -> Iterator[str]:
    """The lines of the page."""
    calls, load = results["calls"], results["load"]
    setup = calls["setup"]
    yield "# Performance"
    yield ""
    yield (
        f"Measured by `make bench` {_on(setup)}. The plots and tables are made from "
        "[performance.json](performance.json)."
    )
    yield from _busy(setup)
    yield ""
    yield "## Calls, one at a time"
    yield ""
    yield "![Milliseconds a call](calls.svg)"
    yield ""
    yield from _ratio_table(calls["ratios"])
    yield ""
    yield from _row_table(calls["measured"])
    yield ""
    yield from record_lines(results["records"])
    yield ""
    yield from decision_lines(results["decisions"])
    yield ""
    yield from state_lines(results["states"])
    if "systemone" in results:
        yield ""
        yield from systemone_lines(results["systemone"])
    yield ""
    yield "## Against the floor"
    yield ""
    yield (
        "The floor is llama.cpp alone: the tokens that differ from call to call, times the measured time of "
        "a token in a batch of that size, with one row of logits. A text's attention to its own beginning is "
        "not in it. It was timed in turns with what stands on it."
    )
    yield ""
    yield "![Milliseconds a token, by the size of the batch](batches.svg)"
    yield ""
    yield from _load_table(load)
    yield ""
    yield (
        f"Lanes in use: {load['lanes']}, on {load['threads']} threads. The floor of a map is that of batches "
        "on all threads at once, which lanes side by side may undercut."
    )
    yield ""
    yield "## How it was measured"
    yield ""
    for note in calls["notes"]:
        yield f"- {note}"
    yield (
        f"- {setup['rounds']} rounds of {setup['repeats']} calls; ratios are of medians, with the least and "
        "the greatest of the rounds."
    )
    yield "- Load is measured in one process after the calls, on the prepared weights."


def _on(setup: Mapping[str, Any]) -> str:
    return (
        f"with {setup['model']} on {setup['cores']} cores of {setup['cpu']} "
        f"({' '.join(setup['features'])}), {setup['threads']} threads, Python {setup['python']}, "
        + ", ".join(f"{name} {version}" for name, version in setup["versions"].items())
    )


def _measured(setup: Mapping[str, Any], part: str, *more: str) -> Iterator[str]:
    """How a part was measured, and on what."""
    weights = ", ".join(f"{kind}: {name}" for kind, name in setup["weights"].items())
    said = f"Measured by `python -m tests.bench --only {part}` {_on(setup)}; weights {weights}."
    yield " ".join((said, *more))
    yield from _busy(setup)
    yield ""


def _busy(setup: Mapping[str, Any]) -> Iterator[str]:
    if setup["busy"]:
        yield ""
        yield "**The machine was busy while this was measured.**"


def record_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The section about a record of five fields."""
    setup = found["setup"]
    yield "## A record of five fields"
    yield ""
    yield from _measured(setup, "records")
    yield (
        "| | p50 ms | all cores, ms | tokens | decodes | Guidance takes so many times as long "
        "| so many times the processor's time | same fields |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for row in found["rows"]:
        times = _times({"ratio": row["guidance"], "low": row["low"], "high": row["high"]})
        yield (
            f"| {TITLES[row['engine']]} | {row['p50_ms']:.0f} | {row['cpu_ms']:.0f} | {row['tokens']:.1f} "
            f"| {row['decodes']:.1f} | {times} | {row['guidance_cpu']:.2f} | {row['agreement']:.0%} |"
        )
    yield ""
    for note in found["notes"]:
        yield f"- {note}"
    yield (
        f"- {setup['rounds']} rounds of {setup['repeats']} messages; times as long are medians over the "
        "messages of a round, and of these the median, the least and the greatest."
    )


def decision_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The section about decisions."""
    setup = found["setup"]
    yield "## Decisions"
    yield ""
    yield from _measured(setup, "decisions", "A call takes an argument of about 12 tokens, or two of them.")
    yield "| asked | decided by | p50 ms | times as long | Outlines ms | Outlines, times as long |"
    yield "|---|---|---|---|---|---|"
    for row in found["rows"]:
        subject = SUBJECTS[row["name"]]
        beside = ""
        if subject.versus is not None:
            beside = f"{_times(row['times'])} of {SUBJECTS[subject.versus].described}"
        yield (
            f"| {subject.title} | {subject.decided_by} | {row['p50_ms']:.1f} | {beside} "
            f"| {row['outlines_ms']:.0f} | {_times(row['outlines'], digits=1)} |"
        )
    yield ""
    for note in found["notes"]:
        yield f"- {note}"
    if not found["extra_buffers"]:
        yield (
            "- llama.cpp's kernels for its extra buffers crash on this machine, so Outlines loads its "
            "weights without them, as microprompt does by itself."
        )
    yield (
        f"- {setup['rounds']} rounds of {setup['repeats']} calls, of {PEER_REPEATS} in Outlines; ratios are "
        "the medians of the rounds' ratios, with the least and the greatest. The process without a language "
        f"model took {found['peak_memory_mib']:.0f} MiB at most."
    )


def state_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The section about several questions on one text."""
    yield "## Five questions about one text"
    yield ""
    yield from _state_table(found, "states", "five", "With us that is `gather(..., state=text)`.")


def systemone_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The section about several questions of the System One API."""
    yield "## Ten questions through the System One API"
    yield ""
    yield from _state_table(found, "systemone", "ten", "With us that is `POST /v1/systemone`, HTTP included.")


def _state_table(found: Mapping[str, Any], part: str, count: str, ours: str) -> Iterator[str]:
    setup = found["setup"]
    yield from _measured(setup, part, ours)
    columns = ("one question, ms", f"all {count}, ms", "times as long", "times the processor's time")
    yield f"| | {' | '.join(columns)} | same answers |"
    yield "|---|---|---|---|---|---|"
    for row in found["rows"]:
        times = _times({"ratio": row["times"], "low": row["low"], "high": row["high"]})
        yield (
            f"| {TITLES[row['engine']]} | {row['one_ms']:.0f} | {row['all_ms']:.0f} | {times} "
            f"| {row['cpu_times']:.2f} | {row['agreement']:.0%} |"
        )
    yield ""
    for note in found["notes"]:
        yield f"- {note}"
    yield (
        f"- {setup['rounds']} rounds of {setup['repeats']} texts; times are means within a round, and the "
        "medians of the rounds, with the least and the greatest."
    )


def _times(times: Mapping[str, float], digits: int = 2) -> str:
    return f"{times['ratio']:.{digits}f} ({times['low']:.{digits}f} to {times['high']:.{digits}f})"


def _ratio_table(ratios: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    columns = {
        (SHIPPED, PREPARED): "its shipped weights, ours prepared",
        (PREPARED, PREPARED): "same weights, prepared",
        (SHIPPED, SHIPPED): "same weights, as shipped",
    }
    yield f"| times as long as microprompt | {' | '.join(columns.values())} |"
    yield "|---|---|---|---|"
    found = {(r["workload"], r["peer"], r["peer_weights"], r["our_weights"]): r for r in ratios}
    for workload, peer in dict.fromkeys((r["workload"], r["peer"]) for r in ratios):
        cells = [found.get((workload, peer, *pair)) for pair in columns]
        texts = ["" if cell is None else _times(cell, digits=1) for cell in cells]
        yield f"| {WORKLOADS[workload].title}: {TITLES[peer]} | {' | '.join(texts)} |"


def _row_table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield (
        "| | weights | p50 ms | p99 ms | tokens | decodes | first answer, new process, s | peak memory MiB "
        "| valid % | as ours % |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for row in rows:
        counted = row["tokens_per_call"] > 0
        yield (
            f"| {WORKLOADS[row['workload']].title}: {TITLES[row['engine']]} | {row['weights']} "
            f"| {row['p50_ms']:.1f} | {row['p99_ms']:.1f} "
            f"| {row['tokens_per_call'] if counted else '?':{'.1f' if counted else ''}} "
            f"| {row['decodes_per_call'] if counted else '?':{'.1f' if counted else ''}} "
            f"| {row['cold_start_s']:.1f} | {row['peak_memory_mib']:.0f} | {100 * row['valid']:.0f} "
            f"| {100 * row['agreement']:.0f} |"
        )


def _load_table(load: Mapping[str, Any]) -> Iterator[str]:
    call, least = load["call_ms"]
    yield "| | ms a call | floor ms | |"
    yield "|---|---|---|---|"
    yield (
        f"| 3-way enum in a loop, {load['call_tokens']:.1f} tokens | {call:.1f} | {least:.1f} "
        f"| {call / least:.2f} of the floor |"
    )
    for count, (ms, least) in load["map_ms"].items():
        yield (
            f"| `map` of {load['rows']} rows, {count} in flight | {ms:.1f} | {least:.1f} "
            f"| {ms / least:.2f} of the floor, {call / ms:.2f} times the rate of the loop |"
        )
    for tokens, (ms, least) in load["long_ms"].items():
        yield f"| an argument of {tokens} tokens | {ms:.0f} | {least:.0f} | {ms / least:.2f} of the floor |"
    alone, mapped = load["text_ms"]
    yield (
        f"| a line of text (`str`), in a loop | {alone:.0f} | | in a `map` {mapped:.0f} ms, "
        f"{alone / mapped:.2f} times the rate |"
    )
    yield (
        f"| 40 functions in turns, warm | {load['functions_ms']:.1f} | "
        f"| cold {load['functions_cold_ms']:.0f} ms |"
    )
    yield (
        f"| no model: the scripted engine | {load['scripted_ms']:.2f} | | "
        f"a row of a map {load['scripted_map_ms']:.2f} ms |"
    )
    yield f"| memory grown over {load['grown_over']} calls | | | {load['growth_mib']:.1f} MiB |"


def _plot_calls(calls: Mapping[str, Any], path: Path) -> None:
    # Only where plots are made, and installed only for that.
    from matplotlib.figure import Figure  # pyright: ignore[reportMissingImports]

    rows = [row for row in calls["measured"] if row["weights"] == PREPARED] or calls["measured"]
    engines = [name for name in TITLES if any(row["engine"] == name for row in rows)]
    workloads = list(dict.fromkeys(row["workload"] for row in rows))
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots(1, len(workloads))
    for place, workload in zip(axes if len(workloads) > 1 else [axes], workloads, strict=True):
        times = {row["engine"]: row["p50_ms"] for row in rows if row["workload"] == workload}
        names = engines[::-1]  # the same rows in every panel, for only the first one names them
        bars = place.barh(
            [TITLES[name] for name in names],
            [times.get(name, 0) for name in names],
            color=["#b0b0b0" if name in REQUIREMENTS else _COLOURS[0] for name in names],
        )
        place.bar_label(bars, [f"{times[name]:.0f}" if name in times else "" for name in names], padding=2)
        place.set_title(WORKLOADS[workload].title, fontsize=10)
        place.margins(x=0.3)
        place.set_xlabel("ms a call, same weights")
        if place is not (axes[0] if len(workloads) > 1 else axes):
            place.set_yticklabels([])
    _save(figure, path)


def _plot_batches(load: Mapping[str, Any], path: Path) -> None:
    from matplotlib.figure import Figure  # pyright: ignore[reportMissingImports]

    figure = Figure(figsize=(8, 3), layout="constrained")
    place = figure.subplots()
    tokens = [int(count) for count in load["batch_ms"]]
    each = [ms / count for ms, count in zip(load["batch_ms"].values(), tokens, strict=True)]
    place.plot(tokens, each, marker="o", color="#7f7f7f", label="llama.cpp: the floor")
    call = load["call_tokens"]
    place.plot([call], [load["call_ms"][0] / call], "s", color=_COLOURS[0], label="a call in a loop")
    best = min(ms for ms, _ in load["map_ms"].values())
    place.plot([60], [best / call], "D", color=_COLOURS[1], label="a row of a map")
    place.set_xscale("log", base=2)
    place.set_xticks(tokens, [str(count) for count in tokens])
    place.set_ylim(bottom=0)
    place.set_xlabel("tokens in the batch")
    place.set_ylabel("ms a token")
    place.legend()
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    # No date and no random ids, so that the same figures give the same file.
    from matplotlib import rc_context  # pyright: ignore[reportMissingImports]

    with rc_context({"svg.hashsalt": "microprompt"}):
        figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    write_plots(ROOT / "runtime" / "docs")
    write_text(ROOT / "runtime" / "docs")
