"""A new type is one file and one row: a toy, made here, does all that types do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from microprompt.errors import ArgumentError, ScriptError
from microprompt.testing import scripted
from microprompt.types import (
    KINDS,
    DeclaredType,
    Kind,
    ListType,
    OptionalType,
    RecordField,
    RecordType,
    Scalar,
    kind,
)
from microprompt.types.annotations import Annotation
from microprompt.types.base import TypeOf
from microprompt.types.grammar import Expression, Terminals, chain, text
from microprompt.types.punctuation import quoted

from .programs import function, program

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourType(DeclaredType):
    """A colour as `#rrggbb`; in Python three numbers."""


class ColourKind(Scalar[ColourType]):
    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> ColourType | None:
        return ColourType() if annotation.python == tuple[int, int, int] else None

    def describe(self) -> str:
        return "colour"

    def check(self, value: object, where: str) -> object:
        if not isinstance(value, tuple) or len(value) != 3:
            raise self.mismatch(value, where)
        return value

    def options(self) -> None:
        return None

    def plain(self, value: object) -> str:
        return "#" + bytes(cast("tuple[int, int, int]", value)).hex()

    def json(self, value: object) -> str:
        return quoted(self.plain(value))

    def grammar(self, terminals: Terminals) -> Expression:
        return Expression(terminals.name("/#[0-9a-f]{6}/"), 7, 7, 7)

    def json_grammar(self, terminals: Terminals) -> Expression:
        return chain(text('"'), self.grammar(terminals), text('"'))

    def read_plain(self, text: str) -> object:
        return tuple(bytes.fromhex(text.removeprefix("#")))

    def read_json(self, data: object) -> object:
        return self.read_plain(str(data))

    def to_data(self, value: object) -> object:
        return self.plain(value)

    def read_data(self, data: object, where: str) -> object:
        return self.read_plain(str(data))

    def read_word(self, word: str, where: str) -> object:
        return self.read_plain(word)

    def schema(self, *, is_answer: bool = False) -> dict[str, object]:
        return {"type": "string", "pattern": "^#[0-9a-f]{6}$"}

    def outlines(self) -> Any:
        raise NotImplementedError


COLOUR = ColourType()
RED = (255, 0, 0)


@pytest.fixture(autouse=True)
def row(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(KINDS, ColourType, ColourKind)
    yield
    kind.cache_clear()


@dataclass(frozen=True)
class Flag:
    front: tuple[int, int, int]
    others: list[tuple[int, int, int]]


FLAG = RecordType(
    python=Flag,
    fields=(
        RecordField(name="front", label="front", type=COLOUR),
        RecordField(name="others", label="others", type=ListType(item=COLOUR, max_count=2)),
    ),
)


def test_it_is_checked_and_described_wherever_it_is() -> None:
    assert kind(ListType(item=OptionalType(item=COLOUR))).describe() == "list[colour?]"
    with pytest.raises(ArgumentError, match=r"it\.others\[0\] must be colour, not str 'red'"):
        kind(FLAG).check(Flag(RED, ["red"]), "it")  # type: ignore[list-item]  # on purpose


@pytest.mark.parametrize(
    ("returns", "value"),
    [(COLOUR, RED), (OptionalType(item=COLOUR), None), (FLAG, Flag(RED, [(1, 2, 3)]))],
)
def test_it_is_laid_out_and_decoded(returns: DeclaredType, value: object) -> None:
    ask = function(program(returns, examples={"Blood?": RED if returns is COLOUR else value}))
    with scripted({"ask": value}):
        answer = ask.detail("Hm.")
        shown = ask.render("Hm.")
    assert answer.value == value
    assert kind(returns).plain(RED if returns is COLOUR else value) in shown
    assert answer.to_json()["value"] == kind(returns).to_data(value)


def test_a_scripted_value_of_another_type_is_refused() -> None:
    with scripted({"ask": "red"}), pytest.raises(ScriptError, match="must be colour"):
        function(program(COLOUR))("Hm.")


def test_mypy_refuses_a_kind_that_lacks_an_operation(tmp_path: Path) -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    kind_alone = here[: here.index("COLOUR = ")].replace("from .programs import function, program\n", "")
    row = "\n\nfrom microprompt.types import row\nrow(ColourType, ColourKind)\n"
    operations = sorted(Kind.__abstractmethods__ - {"meanings", "fields", "inside"})
    for operation in ("nothing", *operations):
        lacking = kind_alone.replace(f"def {operation}(", f"def other_{operation}(")
        (tmp_path / f"lacks_{operation}.py").write_text(lacking + row, encoding="utf-8")

    # Without a cache of its own it would read the runtime and its libraries anew.
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *map(str, sorted(tmp_path.iterdir()))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    refused = {
        line.split(".py:")[0].rpartition("lacks_")[2]
        for line in done.stdout.splitlines()
        if "abstract" in line
    }
    assert refused == set(operations), done.stdout
