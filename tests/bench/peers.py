"""The peers, each used as its own documentation shows and as a user would who wants speed.

Model and constraint are made once, and whatever the engine keeps of a prompt between calls it may keep.
"""

from __future__ import annotations

import atexit
import importlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from .task import Session, Task


def open_outlines(task: Task, *, keep: bool = False) -> Session:
    """Outlines on llama-cpp-python; with `keep`, without the `reset()` that ends every call there."""
    outlines = importlib.import_module("outlines")
    types = importlib.import_module("outlines.types")
    llama = load_llama(task)
    # Without chat mode it completes the prompt as it stands, as microprompt does.
    model = _keeping(llama) if keep else outlines.from_llamacpp(llama, chat_mode=False)
    # The default backend for these types, outlines-core, needs numba to run on llama-cpp-python, and neither
    # of the two installs it.
    kind = types.Choice(_spaced(task)) if task.labels else types.JsonSchema(json.dumps(task.schema))
    generator = outlines.Generator(model, kind, backend="llguidance")

    def ask(index: int) -> object:
        return generator(task.prompts[index], max_tokens=task.max_tokens, temperature=0.0)

    return Session(ask=ask, read=_reader(task), model=llama.model, context=llama.n_ctx())


def open_outlines_keeping(task: Task) -> Session:
    return open_outlines(task, keep=True)


def open_llama_cpp(task: Task) -> Session:
    """llama-cpp-python with a GBNF grammar."""
    llama_cpp = importlib.import_module("llama_cpp")
    llama = load_llama(task)
    if task.labels:
        options = " | ".join(json.dumps(label) for label in _spaced(task))
        grammar = llama_cpp.LlamaGrammar.from_string(f"root ::= {options}", verbose=False)
    else:
        grammar = llama_cpp.LlamaGrammar.from_json_schema(json.dumps(task.schema), verbose=False)

    def ask(index: int) -> object:
        completion = llama(task.prompts[index], grammar=grammar, max_tokens=task.max_tokens, temperature=0.0)
        return completion["choices"][0]["text"]

    return Session(ask=ask, read=_reader(task), model=llama.model, context=llama.n_ctx())


def open_guidance(task: Task) -> Session:
    """Guidance on llama-cpp-python."""
    guidance = importlib.import_module("guidance")
    llama = load_llama(task)
    model = guidance.models.LlamaCpp(llama, echo=False)
    if task.labels:
        answer = guidance.select(_spaced(task), name="answer")
    else:
        answer = guidance.json(schema=task.schema, name="answer", max_tokens=task.max_tokens)

    def ask(index: int) -> object:
        return (model + task.prompts[index] + answer)["answer"]

    return Session(ask=ask, read=_reader(task), model=llama.model, context=llama.n_ctx())


def open_typed_gguf(task: Task) -> Session:
    """typed-gguf as its warm host runs it, without the socket, on the llama.cpp of llama-cpp-python.

    It writes its own prompt, through the chat template: what all calls share is the state, which it saves and
    reads back, and the input is the question.
    """
    library = Path(importlib.import_module("llama_cpp").__file__ or "").parent / "lib"
    schema = importlib.import_module("typed_gguf.schema")
    decide = importlib.import_module("typed_gguf.engine.decide")
    session = importlib.import_module("typed_gguf.engine.session")
    states = Path(tempfile.mkdtemp(prefix="typed-gguf-"))
    atexit.register(shutil.rmtree, states)
    handle = session.open_model(task.path, runtime_dir=library, fit_disabled=True)
    shared = task.prompts[0][: task.prompts[0].rindex("\n\n")]
    options = {
        "threads": task.threads,
        "kv_type": "f16",
        "state_id": "examples",
        "save_state": True,
    }

    def ask(index: int) -> object:
        payload = {
            "state": shared,
            "questions": {
                "answer": {
                    "type": "choice",
                    "instructions": task.prompts[index][len(shared) :].strip(),
                    "criteria": dict.fromkeys(task.labels or ()),
                }
            },
            "options": options,
        }
        request = schema.parse_request(payload)
        plan = decide.plan_context(request, handle)
        with session.ModelSession(handle, plan, states_home=states) as live:
            result = decide.DecisionEngine(live).decide(request, plan=plan)
        return result.answers["answer"]["choice"]

    return Session(ask=ask, read=str, model=handle.model, context=0)


class Loading(Protocol):
    """What a task says of the model to load."""

    @property
    def path(self) -> str: ...

    @property
    def threads(self) -> int: ...

    @property
    def context(self) -> int: ...

    @property
    def extra_buffers(self) -> bool: ...


def load_llama(task: Loading) -> Any:
    """The weights in llama-cpp-python."""
    llama_cpp = importlib.import_module("llama_cpp")
    if not task.extra_buffers:
        keep_to_plain_kernels()
    return llama_cpp.Llama(
        task.path, n_ctx=task.context, n_threads=task.threads, n_threads_batch=task.threads, verbose=False
    )


def keep_to_plain_kernels() -> None:
    """`Llama` has no option for it, so the defaults that it begins with are changed."""
    library: Any = importlib.import_module("llama_cpp.llama_cpp")
    default_params = library.llama_model_default_params

    def plain() -> Any:
        params = default_params()
        params.use_extra_bufts = False
        return params

    library.llama_model_default_params = plain


def _spaced(task: Task) -> list[str]:
    """The labels with the space that they follow in the prompt's examples: a choice allows no other one, and
    a label without it is made of tokens that never follow a cue."""
    return [f" {label}" for label in task.labels or ()]


def _reader(task: Task) -> Callable[[object], object]:
    def read(answer: object) -> object:
        text = str(answer)
        if task.labels is None:
            return json.loads(text)
        if text[1:] not in task.labels:
            raise ValueError(text)
        return text[1:]

    return read


def _keeping(llama: Any) -> Any:
    """As `from_llamacpp`, without the `reset()` that ends every call there: llama-cpp-python then evaluates
    only what differs from the prompt before."""
    models = importlib.import_module("outlines.models")
    base: Any = models.LlamaCpp

    class KeepingLlamaCpp(base):  # type: ignore[misc]  # the peers are untyped here
        def generate(self, model_input: Any, output_type: Any = None, **options: Any) -> str:
            completion = self.model(
                self.type_adapter.format_input(model_input),
                logits_processor=self.type_adapter.format_output_type(output_type),
                **options,
            )
            return str(completion["choices"][0]["text"])

    return KeepingLlamaCpp(llama, chat_mode=False)


OPENERS: Final[Mapping[str, Callable[[Task], Session]]] = {
    "outlines": open_outlines,
    "outlines-keeping": open_outlines_keeping,
    "llama-cpp": open_llama_cpp,
    "guidance": open_guidance,
    "typed-gguf": open_typed_gguf,
}
