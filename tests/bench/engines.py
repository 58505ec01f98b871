"""The engines that are compared, each opened as its own documentation shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .workloads import Workload

if TYPE_CHECKING:
    import outlines
    from llama_cpp import Llama

OURS: Final = "microprompt"
STOCK: Final = "outlines"
KEEPING: Final = "outlines-keeping"

TITLES: Final[Mapping[str, str]] = {
    OURS: "microprompt",
    STOCK: "Outlines",
    KEEPING: "Outlines, no reset()",
}
"""Every engine by name, as the report calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An engine with its model loaded. `ask` is what is timed; `read` makes JSON data of what it gave, and
    raises `ValueError` for text that is not of the type. `model` is a pointer to llama.cpp's model, `context`
    the tokens its cache holds."""

    ask: Callable[[str], object]
    read: Callable[[object], object]
    model: Any  # a C pointer, as untyped as the bindings
    context: int


def open_session(engine: str, path: Path, workload: Workload, threads: int) -> Session:
    """Load the weights at `path` with an engine."""
    if engine == OURS:
        return _open_microprompt(path, workload, threads)
    return _open_outlines(path, workload, threads, keep=engine == KEEPING)


def _open_microprompt(path: Path, workload: Workload, threads: int) -> Session:
    import microprompt
    from microprompt.engines.loaded import override
    from microprompt.values import to_json

    microprompt.configure(threads=threads, context=None, timeout=None)
    engine = microprompt.load_engine(str(path))
    function = workload.function

    def ask(argument: str) -> object:
        with override(engine):
            return function(argument)

    with override(engine):
        argument = workload.arguments[0]
        if function.render(argument) != workload.prompt(argument):
            raise RuntimeError(f"{workload.name}: microprompt completes another prompt than its peers")
    return Session(ask=ask, read=to_json, model=engine.llama.weights.model, context=engine.llama.n_context)


def _open_outlines(path: Path, workload: Workload, threads: int, *, keep: bool) -> Session:
    import outlines
    from llama_cpp import Llama

    llama = Llama(
        str(path),
        n_ctx=workload.context,
        n_threads=threads,
        n_threads_batch=threads,
        verbose=False,
    )
    # Without chat mode it completes the prompt as it stands, as microprompt does.
    model = _keeping(llama) if keep else outlines.from_llamacpp(llama, chat_mode=False)
    # Built once, as a fair user would: it takes a second or so. The default backend for these types,
    # outlines-core, needs numba to run on llama-cpp-python, which neither of the two installs.
    generator = outlines.Generator(model, _output_type(workload), backend="llguidance")

    def ask(argument: str) -> object:
        return generator(workload.prompt(argument), max_tokens=workload.max_tokens, temperature=0.0)

    def read(answer: object) -> object:
        text = str(answer)
        if not isinstance(workload.answers, tuple):
            return workload.answers.model_validate_json(text).model_dump(mode="json")
        if text[1:] not in workload.answers:
            raise ValueError(text)
        return text[1:]

    return Session(ask=ask, read=read, model=llama.model, context=llama.n_ctx())


def _output_type(workload: Workload) -> object:
    """The answers as an Outlines type. Labels get the space that they follow in the prompt's examples: a
    choice allows no other space, and a label without one is made of tokens that never follow a cue."""
    from outlines.types import Choice

    if isinstance(workload.answers, tuple):
        return Choice([f" {label}" for label in workload.answers])
    return workload.answers


def _keeping(llama: Llama) -> outlines.models.LlamaCpp:
    """As `from_llamacpp`, without the `reset()` that ends every call there: llama-cpp-python then evaluates
    only what differs from the prompt before."""
    import outlines

    class KeepingLlamaCpp(outlines.models.LlamaCpp):
        def generate(self, model_input: Any, output_type: Any = None, **options: Any) -> str:
            completion: Any = self.model(
                self.type_adapter.format_input(model_input),
                logits_processor=self.type_adapter.format_output_type(output_type),
                **options,
            )
            return str(completion["choices"][0]["text"])

    return KeepingLlamaCpp(llama, chat_mode=False)
