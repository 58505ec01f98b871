"""microprompt, as its users call it."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial

from .engines import INDEPENDENT, VARIANTS
from .task import Session, Task
from .workloads import WORKLOADS, independent


def open_microprompt(task: Task) -> Session:
    """Load the weights as an engine and check that it completes the text that its peers get. Labels are
    scored, as with the peers; of `VARIANTS`, choices are decided as in a program that says nothing of it."""
    import microprompt
    from microprompt import abi
    from microprompt.engines.engine import Engine
    from microprompt.engines.loaded import engine_for, override
    from microprompt.llamacpp.backend import LlamaCppBackend
    from microprompt.types import kind

    microprompt.configure(model=task.path, threads=task.threads, context=None, timeout=None)
    engine = engine_for(abi.Model(name=task.path))
    assert isinstance(engine, Engine)
    function = WORKLOADS[task.workload].function
    if task.engine == INDEPENDENT:
        function = independent(function)
    answering = nullcontext if task.engine in VARIANTS else partial(override, engine)

    def ask(index: int) -> object:
        with answering():
            return function(task.arguments[index])

    with override(engine):
        if function.render(task.arguments[0]) != task.prompts[0]:
            raise RuntimeError(f"{task.workload}: microprompt completes another prompt than its peers")
    backend = engine.backend
    assert isinstance(backend, LlamaCppBackend)
    read = kind(function.program.returns).to_data
    return Session(ask=ask, read=read, model=backend.weights.model, context=backend.n_context)
