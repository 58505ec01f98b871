"""The cache of answers: hits, misses, damage, and several processes."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, make_dataclass, replace
from pathlib import Path

import pytest

from microprompt import abi, settings
from microprompt.engines.answer_cache import NO_PART_OF_THE_KEY, AnswerStore
from microprompt.engines.engine import Call, Engine
from microprompt.engines.loaded import override
from microprompt.program import Program
from microprompt.types import (
    BoolType,
    DeclaredType,
    IntType,
    LiteralType,
    OptionalType,
    PatternType,
    RecordField,
    RecordType,
    StrType,
)

from .programs import ACT, INNER, OUTER, WatchedBackend, function, program, random_voice

FILE = "answers.sqlite"

SORTED = RecordType(
    python=make_dataclass("Sorted", [("kind", str), ("stars", int)], frozen=True),
    fields=(
        RecordField(name="kind", label="kind", type=LiteralType(values=("mail",))),
        RecordField(name="stars", label="stars", type=IntType(minimum=1, maximum=5)),
    ),
)
"""With a label that is not asked for."""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    settings.configure(home=tmp_path, answer_cache=True)
    yield tmp_path
    settings.reset()


def engine(identity: str = "tiny 1") -> Engine:
    made = Engine(WatchedBackend(random_voice(1)))
    made.identity = identity
    return made


def batches(made: Engine) -> int:
    assert isinstance(made.backend, WatchedBackend)
    return len(made.backend.steps)


@pytest.mark.parametrize(
    "returns", [ACT, OUTER, SORTED, StrType(max_length=9), OptionalType(item=IntType())], ids=str
)
def test_an_answer_is_the_same_in_another_engine_without_the_model(home: Path, returns: DeclaredType) -> None:
    with override(engine()):
        first = function(program(returns)).detail("Hm.")
    again = engine()
    with override(again):
        kept = function(program(returns)).detail("Hm.")
    assert batches(again) == 0
    assert (kept.value, kept.confidence, kept.distribution, kept.coverage, kept.near_tie) == (
        first.value,
        first.confidence,
        first.distribution,
        first.coverage,
        first.near_tie,
    )
    assert kept.fields == first.fields
    assert (kept.usage.cached_tokens, kept.usage.decoded_tokens) == (kept.usage.prompt_tokens, 0)


def test_map_takes_what_is_kept_and_asks_for_the_rest(home: Path) -> None:
    made = engine()
    ask = function(program(ACT))
    with override(made):
        alone = [ask(text) for text in "abc"]
        before = batches(made)
        assert ask.map([*"abcabc"]) == [*alone, *alone]
        assert batches(made) == before
        ask.map([*"abcd"])
        assert batches(made) == before + 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (program(ACT), program(BoolType())),
        (program(ACT), program(ACT, instruction="Say what it was.")),
        (program(ACT), program(ACT, using=abi.Using(temperature=1.0, seed=1))),
        (program(INNER), program(INNER, using=abi.Using(independent=True))),
        (
            program(ACT, using=abi.Using(temperature=1.0, seed=2)),
            program(ACT, using=abi.Using(temperature=1.0, seed=1)),
        ),
    ],
)
def test_what_an_answer_depends_on_is_in_its_key(home: Path, one: Program, other: Program) -> None:
    with override(engine()):
        function(one)("Hm.")
    asked = engine()
    with override(asked):
        function(other)("Hm.")
    assert batches(asked) > 0


OTHER_SETTINGS: dict[str, object] = {
    "model": abi.Model(name="other"),
    "temperature": 0.5,
    "seed": 3,
    "timeout": 60.0,
    "max_tokens": 50,
    "independent": True,
    "decide": abi.LABELS,
    "abstain": abi.Threshold(below=0.5),
    "escalate": abi.Escalation(model=abi.Model(name="other"), when=abi.Threshold(reach=0.9)),
    "retries": 5,
    "layout": "plain",
    "reasoning": 8,
}


@pytest.mark.parametrize("name", [field.name for field in fields(abi.Using)])
def test_every_setting_is_in_the_key_but_those_that_are_said_not_to_be(home: Path, name: str) -> None:
    before = abi.Using(seed=2)
    other = replace(before, **{name: OTHER_SETTINGS[name]})  # type: ignore[arg-type]  # of each field's own type
    engine().answer(Call(program(INNER, using=before), {"text": "Hm."}))
    asked = engine()
    asked.answer(Call(program(INNER, using=other), {"text": "Hm."}))
    assert (batches(asked) == 0) == (name in NO_PART_OF_THE_KEY)


def test_another_model_or_version_is_asked(home: Path) -> None:
    with override(engine()):
        function(program(ACT))("Hm.")
    other = engine("tiny 2")
    with override(other):
        function(program(ACT))("Hm.")
    assert batches(other) > 0


def test_answers_that_chance_gives_are_not_kept(home: Path) -> None:
    with override(engine()):
        function(program(ACT, using=abi.Using(temperature=1.0)))("Hm.")
    assert not (home / FILE).exists()


def test_nothing_is_kept_unless_it_is_asked_for(home: Path) -> None:
    settings.configure(answer_cache=False)
    with override(engine()):
        function(program(ACT))("Hm.")
    assert not (home / FILE).exists()


@pytest.mark.parametrize("damage", [b"", b"not a database at all, but long enough to be read as one" * 40])
def test_a_damaged_file_is_a_miss_and_is_replaced(home: Path, damage: bytes) -> None:
    with override(engine()):
        expected = function(program(ACT))("Hm.")
    for path in home.glob(f"{FILE}*"):
        path.unlink()
    (home / FILE).write_bytes(damage)
    for asked in (engine(), engine()):
        with override(asked):
            assert function(program(ACT))("Hm.") is expected
            assert function(program(ACT))("Hm.") is expected
    assert batches(asked) == 0


OUTSIDE_THE_TYPE = [{"value": '"zz"', "confidence": 1.0, "distribution": [], "coverage": None}]
TEXTS = (
    *("", "[]", "{}", '{"near_tie": false, "fields": [{}]}', '{"near_tie": 0, "fields": []}'),
    json.dumps({"near_tie": False, "fields": OUTSIDE_THE_TYPE}),
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_that_is_no_answer_is_a_miss(home: Path, text: str) -> None:
    made = engine()
    ask = function(program(PatternType(pattern="[a-c]{2}")))
    with override(made):
        expected = ask("Hm.")
        [(key,)] = rows(made, "SELECT key FROM kept")
        assert isinstance(key, bytes)
        digest = hashlib.sha256(key + text.encode()).digest()
        rows(made, "UPDATE kept SET text = ?, digest = ?", text.encode(), digest)
        before = batches(made)
        assert ask("Hm.") == expected
        assert batches(made) > before


def test_a_text_that_is_not_the_one_that_was_kept_is_a_miss(home: Path) -> None:
    made = engine()
    ask = function(program(PatternType(pattern="[a-c]{2}")))
    with override(made):
        expected = ask("Hm.")
        assert isinstance(expected, str)
        [(text,)] = rows(made, "SELECT text FROM kept")
        assert isinstance(text, bytes)
        other = text.replace(expected.encode(), b"cb" if expected != "cb" else b"ab")
        assert other != text
        rows(made, "UPDATE kept SET text = ?", other)
        assert ask("Hm.") == expected


def rows(made: Engine, statement: str, *values: bytes) -> list[tuple[object, ...]]:
    """What SQLite gives for a statement on the engine's answers."""
    assert made._answers is not None
    return made._answers._connection().execute(statement, values).fetchall()


@pytest.mark.parametrize("place", [*range(0, 20480, 293), 3965, 11067, 12103])
def test_no_flipped_byte_gives_a_wrong_text_or_stops_the_cache(tmp_path: Path, place: int) -> None:
    path = tmp_path / FILE
    keys = [hashlib.sha256(bytes([number])).digest() for number in range(40)]
    store = AnswerStore(path)
    for key in keys:
        store.put(key, key.hex())
    store.close()
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 0xFF
    path.write_bytes(data)
    missing = keys
    for _ in range(4):  # as calls do that come again; the damage may be met at a late one
        store = AnswerStore(path)
        found = {key: store.get(key) for key in keys}
        assert all(text in (None, key.hex()) for key, text in found.items())
        missing = [key for key, text in found.items() if text is None]
        for key in missing:
            store.put(key, key.hex())
        store.close()
    assert not missing


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    store = AnswerStore(tmp_path / "home" / FILE)
    store.put(b"1", "one")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "home").iterdir()}
    assert set(modes.values()) == {0o600}
    assert len(modes) == 3
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    store.close()


def test_a_home_that_can_not_be_written_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = AnswerStore(tmp_path / "file" / FILE)
    store.put(b"1", "one")
    assert store.get(b"1") is None


def test_the_oldest_answers_go(tmp_path: Path) -> None:
    store = AnswerStore(tmp_path / FILE, limit=500)
    for number in range(2001):
        store.put(number.to_bytes(2, "little"), "x")
    kept = [number for number in range(2001) if store.get(number.to_bytes(2, "little"))]
    assert kept == list(range(1501, 2001))
    store.close()


WRITER = """
import sys
from pathlib import Path
from microprompt.engines.answer_cache import NO_PART_OF_THE_KEY, AnswerStore
store = AnswerStore(Path(sys.argv[1]))
for number in range(300):
    store.put(f"{sys.argv[2]} {number}".encode(), f"{number}")
    store.put(b"shared", f"{number}")
"""


def test_several_processes_write_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / FILE
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(n)]) for n in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    store = AnswerStore(path)
    found = [store.get(f"{n} {number}".encode()) == f"{number}" for n in range(3) for number in range(300)]
    # A busy file may lose an answer, but not many, and none is wrong.
    assert sum(found) > 850
    assert store.get(b"shared") is not None
    store.close()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system does not say what is open")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_opens_the_file_for_itself(tmp_path: Path) -> None:
    store = AnswerStore(tmp_path / FILE)
    store.put(b"1", "one")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            is_open = any(FILE in os.path.realpath(each) for each in Path("/proc/self/fd").iterdir())
            store.put(b"2", "two")
            status = 2 * is_open if store.get(b"1") == "one" and store.get(b"2") == "two" else 1
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (store.get(b"1"), store.get(b"2")) == ("one", "two")
    store.close()
