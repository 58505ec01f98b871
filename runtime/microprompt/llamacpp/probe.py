"""Try a model's file in a process of its own: `python -P -m microprompt.llamacpp.probe FILE ...`.

llama.cpp trusts what it reads. A GGUF whose header is wrong in the right place makes it abort, and kernels
that a compiler got wrong crash, either of which would take the caller's process along. So a file is first
loaded and evaluated in a child, with bounds on its memory and time, and only then here.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .. import children
from ..errors import EngineError, MicropromptError, ModelError

if TYPE_CHECKING:
    from .weights import Weights

_MEMORY: Final = 4 << 30  # beside the weights: Python, the libraries, and a small context
_SECONDS: Final = 120  # to evaluate some tokens, also of a large model, on cores that others want too
_BYTES_A_SECOND: Final = 10_000_000  # from a slow disk
_PASSING: Final = ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGXCPU")
"""Signals that others send: they say nothing about the file. The first also ends whom memory runs out for."""


class Unsafe(Exception):
    """The file ended the process that tried it, or gave numbers that are not finite. Says how."""


# ------------------------------------------------------------------------------------------- the caller


def run(path: Path, *, embeds: bool, extra_buffers: bool, threads: int) -> None:
    """Have a child load the file and evaluate one token, then batches; of an embedder, if it `embeds`.

    Raises:
        Unsafe: the child did not come through.
        ModelError: llama.cpp refuses the file; or there was no time, no memory or no Python to try it.
    """
    seconds = _SECONDS + path.stat().st_size // _BYTES_A_SECOND
    asked = {"embeds": embeds, "extra_buffers": extra_buffers, "threads": threads, "seconds": seconds}
    try:
        done = subprocess.run(
            children.command(__name__, str(path), json.dumps(asked)),
            # Otherwise ggml has a debugger print the stack. NumPy's own threads would only take up memory.
            env=children.environment(GGML_NO_BACKTRACE="1", OPENBLAS_NUM_THREADS="1"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"{path.name} could not be tried: its first tokens took more than {seconds} seconds",
            help="try again when the machine is less busy, or use a smaller model",
        ) from error
    except OSError as error:
        raise ModelError(
            f"{path.name} could not be tried: {sys.executable} can't be started: {error.strerror}"
        ) from error
    said = done.stderr.decode(errors="replace")
    if done.returncode != 0:
        _explain(path, done.returncode, said)
    elif answer := json.loads(done.stdout):
        if answer["unsafe"]:
            raise Unsafe(answer["message"])
        raise ModelError(answer["message"], help=answer["help"])


def _explain(path: Path, status: int, said: str) -> None:
    """Raise what a child that ended with this status means."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    asserted = [match[0] for line in lines if (match := re.search(r"GGML_ASSERT\(.*", line))]
    last = (asserted or lines or ["nothing"])[-1]
    try:
        ended = signal.Signals(-status).name
    except ValueError:
        ended = f"status {status}"
    if status == 1 and "ModuleNotFoundError" in said:
        raise ModelError(f"{path.name} could not be tried: {last}", help="install microprompt in this Python")
    if ended in _PASSING:
        raise ModelError(
            f"{path.name} could not be tried: the process was ended from outside ({ended})",
            help="the machine may be short of memory: close other programs, or use a smaller model",
        )
    raise Unsafe(f"it ended with {ended}, and said last: {last}")


# -------------------------------------------------------------------------------------------- the child


def main(arguments: list[str]) -> None:
    """Try the file, and print as JSON what was wrong with it; null if nothing was."""
    path = Path(arguments[0])
    asked = json.loads(arguments[1])
    _limit(path, asked["seconds"] * (asked["threads"] + 1))
    answer = None
    try:
        _evaluate(path, asked["embeds"], asked["extra_buffers"], asked["threads"])
    except MicropromptError as error:
        answer = {"unsafe": isinstance(error, EngineError), "message": error.message, "help": error.help}
    print(json.dumps(answer))


def _limit(path: Path, cpu_seconds: int) -> None:
    """Bound what this process can take. Windows has no such limits; there the time has to do."""
    if sys.platform == "win32":
        return
    import resource

    memory = _MEMORY + 3 * path.stat().st_size  # as it is on the disk, and rearranged
    for limit, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(limit)
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(limit, (most, hard))


def _evaluate(path: Path, embeds: bool, extra_buffers: bool, threads: int) -> None:
    # Not at the top: the caller needs none of it.
    from ..scheduling.backend import BATCH_TOKENS, LONG_BATCH_TOKENS
    from . import library
    from .weights import Weights

    library.echo_errors()
    weights = Weights(path, extra_buffers=extra_buffers)
    trained = weights.n_context_trained()
    # Kernels differ with the number of tokens: one, a batch of calls, a part of a long text.
    counts = [min(count, trained) for count in (1, BATCH_TOKENS, LONG_BATCH_TOKENS)]
    (_embed if embeds else _continue)(weights, threads, counts)


def _continue(weights: Weights, threads: int, counts: Sequence[int]) -> None:
    """Read the logits behind texts of so many tokens."""
    from ..scheduling.backend import Step
    from .backend import LlamaCppBackend

    with closing(LlamaCppBackend(weights, name=weights.path.name, context=max(counts))) as backend:
        for count in counts:
            step = Step()
            for place in range(count):
                step.add(place % backend.n_vocab, place, (0,), row=place == count - 1)
            backend.decode(step, threads)
            backend.forget(0)


def _embed(weights: Weights, threads: int, counts: Sequence[int]) -> None:
    """Read the embeddings of texts of so many tokens."""
    from .embedding import LlamaCppEncoder

    with closing(LlamaCppEncoder(weights, name=weights.path.name)) as encoder:
        for count in counts:
            encoder.encode([[place % weights.n_vocab() for place in range(count)]], threads)


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # what llama.cpp would do on the way out is no news about the file
