"""An engine's life: loaded once, closed, forgotten, forked, ended with the process."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from microprompt import abi
from microprompt.engines import loaded, local
from microprompt.engines.base import AnyEngine
from microprompt.engines.embedder import Embedder
from microprompt.engines.engine import Call, Engine
from microprompt.engines.scripted import ByteBackend
from microprompt.errors import AnswerTooLong, EngineError, MicropromptError
from microprompt.testing import scripted
from microprompt.types import StrType

from .programs import ACT, Act, WatchedBackend, classify, program, random_voice
from .test_embedding import LetterCounter

ASK = program(ACT)
CALL = Call(ASK, {"text": "Hm."})
TOO_LONG = Call(program(StrType(min_length=50), using=abi.Using(max_tokens=5)), {"text": "Hm."})

# ------------------------------------------------------------------------------------------- closed


class Guarded(ByteBackend):
    """Fails a test that uses it once it is closed, as a model in C would by crashing."""

    closed = False

    def __init__(self) -> None:
        super().__init__(random_voice(0))

    def tokenize(self, text: str, *, control: bool) -> list[int]:
        assert not self.closed
        return super().tokenize(text, control=control)

    def piece(self, token: int) -> bytes:
        assert not self.closed
        return super().piece(token)

    def close(self) -> None:
        super().close()
        self.closed = True


USES: list[Callable[[Engine, Call], object]] = [
    lambda engine, call: engine.bind(call.program),
    lambda engine, call: engine.job(call),
    lambda engine, call: engine.submit(call),
    lambda engine, call: engine.answer(call),
    lambda engine, call: asyncio.run(engine.aanswer(call)),
    lambda engine, call: list(engine.run_many([call], in_flight=1)),
    lambda engine, call: engine.render(call),
    lambda engine, call: engine.explain(call.program),
]


@pytest.mark.parametrize("is_known", [False, True], ids=["new program", "bound program"])
@pytest.mark.parametrize("use", USES)
def test_a_closed_engine_refuses_before_its_backend_is_touched(
    use: Callable[[Engine, Call], object], is_known: bool
) -> None:
    engine = Engine(Guarded())
    if is_known:
        engine.answer(CALL)
    engine.close()
    with pytest.raises(EngineError, match="the engine is closed"):
        use(engine, CALL)


def test_a_job_that_was_made_before_the_engine_was_closed_is_refused() -> None:
    engine = Engine(Guarded())
    job = engine.job(CALL)
    engine.close()
    with pytest.raises(EngineError, match="the engine is closed"):
        engine.scheduler.submit(job)


def test_closing_waits_for_who_reads_the_vocabulary() -> None:
    class Slow(Guarded):
        def tokenize(self, text: str, *, control: bool) -> list[int]:
            entered.set()
            assert gate.wait(20)
            return super().tokenize(text, control=control)

    entered, gate = threading.Event(), threading.Event()
    engine = Engine(Slow())
    reading = threading.Thread(target=engine.bind, args=(ASK,))
    reading.start()
    assert entered.wait(20)
    closing = threading.Thread(target=engine.close)
    closing.start()
    closing.join(0.05)
    assert closing.is_alive()
    gate.set()
    reading.join()
    closing.join()
    assert isinstance(engine.backend, Guarded)
    assert engine.backend.closed


# ------------------------------------------------------------------------------------------- forgotten


def fail(engine: Engine) -> None:
    with pytest.raises(AnswerTooLong):
        engine.answer(TOO_LONG)


def leave_early(engine: Engine) -> None:
    answers = engine.run_many([CALL] * 9, in_flight=4)
    next(answers)


LIVES: list[Callable[[Engine], object]] = [
    lambda engine: None,
    lambda engine: engine.answer(CALL),
    fail,
    lambda engine: asyncio.run(engine.aanswer(CALL)),
    lambda engine: list(engine.run_many([CALL] * 30, in_flight=30)),
    leave_early,
]


@pytest.mark.parametrize("live", LIVES)
def test_an_engine_that_nobody_refers_to_is_freed_with_its_threads(live: Callable[[Engine], object]) -> None:
    class Counted(WatchedBackend):
        def __init__(self) -> None:
            super().__init__(random_voice(0))
            made.append(id(self))

        def clone(self) -> Counted:
            return Counted()

        def close(self) -> None:
            closed.append(id(self))

    others = set(threading.enumerate())
    made: list[int] = []  # also by a lane that begins when the answers are there
    closed: list[int] = []
    engine = Engine(Counted(), lanes=3)
    live(engine)
    ended = weakref.ref(engine)
    del engine
    wait_until(lambda: ended() is None and set(threading.enumerate()) <= others)
    assert sorted(closed) == sorted(made)


def test_a_submitted_call_is_answered_though_the_engine_is_forgotten() -> None:
    pending = Engine(WatchedBackend(random_voice(0))).submit(CALL)
    assert isinstance(pending.future.result(timeout=20).value, Act)


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        gc.collect()
        time.sleep(0.001)


# ------------------------------------------------------------------------------------------- loaded


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Engine]]:
    """The engines that are loaded in the test, of a kind that takes the names of bytes."""
    engines: list[Engine] = []

    def load(wanted: abi.Model) -> AnyEngine:
        engines.append(Engine(WatchedBackend(random_voice(0))))
        return engines[-1]

    kind = loaded.EngineKind(takes=lambda name: name.startswith("bytes"), load=load, check=lambda _: None)
    monkeypatch.setattr(loaded, "KINDS", (kind, *loaded.KINDS))
    monkeypatch.setattr(loaded, "_engines", {})
    monkeypatch.setattr(loaded, "_embedders", {})
    yield engines
    for engine in engines:
        engine.close()


BYTES = abi.Model(name="bytes-1")


def test_a_model_is_loaded_once_by_the_kind_that_takes_its_name(made: list[Engine]) -> None:
    assert loaded.loaded_engine(BYTES) is None
    assert loaded.engine_for(BYTES) is loaded.engine_for(BYTES) is loaded.loaded_engine(BYTES)
    assert loaded.engine_for(abi.Model(name="bytes-2")) is not loaded.engine_for(BYTES)
    assert len(made) == 2


def test_a_name_that_no_other_kind_takes_is_one_of_the_registrys(made: list[Engine]) -> None:
    with pytest.raises(MicropromptError, match="no model"):
        loaded.engine_for(abi.Model(name="words"))


def test_a_closed_engine_is_loaded_again_at_the_next_call(made: list[Engine]) -> None:
    first = loaded.engine_for(BYTES)
    first.close()
    assert loaded.loaded_engine(BYTES) is None
    second = loaded.engine_for(BYTES)
    assert second is not first
    assert second.result(second.submit(CALL)).model == "scripted"


def test_an_engine_that_does_not_run_on_llama_cpp_is_no_outlines_model(made: list[Engine]) -> None:
    with pytest.raises(MicropromptError, match="does not run on llama"):
        loaded.outlines_model_for(BYTES)


@pytest.fixture
def embedders(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Embedder]]:
    """The embedders that are loaded in the test."""
    found: list[Embedder] = []

    def load(name: str) -> Embedder:
        found.append(Embedder(LetterCounter()))
        return found[-1]

    monkeypatch.setattr(local, "load_embedder", load)
    monkeypatch.setattr(loaded, "_embedders", {})
    yield found
    for embedder in found:
        embedder.close()


def test_an_embedder_is_loaded_once_and_again_when_it_was_closed(
    embedders: list[Embedder], tmp_path: Path
) -> None:
    assert loaded.loaded_embedder("letters") is None
    first = loaded.embedder_for("letters")
    assert loaded.embedder_for("letters") is first is loaded.loaded_embedder("letters")
    here = loaded.embedder_for("./letters.gguf", tmp_path)
    assert loaded.embedder_for(str(tmp_path / "letters.gguf")) is here is not first
    first.close()
    assert loaded.loaded_embedder("letters") is None
    assert loaded.embedder_for("letters") is not first
    assert len(embedders) == 3


def test_an_embedder_needs_no_language_model(embedders: list[Embedder], made: list[Engine]) -> None:
    embedder = loaded.embedder_for("letters")
    assert embedder.result(embedder.embed(["a"])).shape == (1, 256)
    assert made == []


def test_an_embedder_that_nobody_refers_to_is_freed() -> None:
    embedder = Embedder(LetterCounter())
    embedder.result(embedder.embed(["a"]))
    encoder = embedder.encoder
    assert isinstance(encoder, LetterCounter)
    del embedder
    wait_until(lambda: encoder.is_closed)


# ------------------------------------------------------------------------------------------- forked

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def in_child(action: Callable[[], object]) -> str:
    """What an action gives or raises in a forked child, which is killed if it hangs."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of exactly this danger
        child = os.fork()
    if child == 0:  # pragma: no cover
        signal.alarm(20)
        try:
            said = f"answered {action()}"
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


@needs_fork
@pytest.mark.parametrize("use", USES)
def test_an_engine_refuses_in_a_forked_child_whatever_was_locked(
    use: Callable[[Engine, Call], object],
) -> None:
    engine = Engine(WatchedBackend(random_voice(0)))
    engine.answer(CALL)
    with engine.scheduler._lock, engine.scheduler.runners[0].store._lock:
        said = in_child(lambda: use(engine, CALL))
    assert said.startswith("EngineError: the model was loaded before this process was forked")
    engine.answer(CALL)
    engine.close()


@needs_fork
def test_waiting_and_giving_up_in_a_forked_child_do_not_hang() -> None:
    def give_up() -> None:
        engine.abandon(job)
        engine.close()

    engine = Engine(WatchedBackend(random_voice(0)))
    job = engine.job(CALL)
    with engine.scheduler._lock, engine.scheduler.runners[0].full._turns._guard:
        assert in_child(lambda: engine.result(job)).startswith("EngineError: the model was loaded before")
        assert in_child(give_up) == "answered None"
    engine.close()


@needs_fork
def test_a_child_of_a_process_without_a_model_loads_its_own(made: list[Engine]) -> None:
    said = in_child(lambda: loaded.engine_for(BYTES).render(CALL)[:15])
    assert said == "answered Say what it is."[: len("answered ") + 15]


@needs_fork
def test_a_child_of_a_process_with_a_model_is_told_so(made: list[Engine]) -> None:
    loaded.engine_for(BYTES)
    assert in_child(lambda: loaded.engine_for(BYTES)).startswith("EngineError: the model was loaded before")


@needs_fork
def test_a_child_of_a_process_with_an_embedder_is_told_so(embedders: list[Embedder]) -> None:
    embedder = loaded.embedder_for("letters")
    for use in (
        lambda: embedder.embed(["a"]),
        lambda: loaded.embedder_for("letters"),
        lambda: loaded.engine_for(BYTES),
    ):
        assert in_child(use).startswith("EngineError: the model was loaded before")


@needs_fork
def test_a_child_of_a_process_that_loads_a_model_does_not_wait_for_it(made: list[Engine]) -> None:
    with loaded._lock:
        said = in_child(lambda: loaded.engine_for(BYTES))
    assert said.startswith("EngineError: the model was loaded before")


# ------------------------------------------------------------------------------------- the process's end


@pytest.mark.parametrize(
    "how", ["(block := override(engine)).__enter__()", "loaded._engines[loaded.wanted(None, None)] = engine"]
)
def test_a_call_after_the_engine_was_closed_at_exit_is_an_error(how: str) -> None:
    code = f"""
import atexit
from microprompt.errors import EngineError

def late():
    try:
        classify("Hm.")
    except EngineError as error:
        print(error)

atexit.register(late)  # before the engine is there, so it runs after the engine is closed
from dataclasses import replace
from microprompt import PromptFunction, abi
from microprompt.engines import loaded
from microprompt.engines.loaded import override
from microprompt.engines.scripted import ScriptedEngine
from mpstd import request

def signature(text: str) -> request.Act: ...
labels = replace(request.classify.program, using=abi.Using(decide="labels"))
classify = PromptFunction(signature, program=labels)
engine = ScriptedEngine({{"classify": request.Act.question}})
{how}
classify("Hm.")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert done.stdout.startswith("the engine is closed"), done.stderr
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_is_left_of_a_scripted_engine() -> None:
    with scripted({"classify": Act.other}) as engine:
        classify("Hm.")
        ended = weakref.ref(engine.backend)
    del engine
    wait_until(lambda: ended() is None)
