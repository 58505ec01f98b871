"""An answer that says another label in one of its fields."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from microprompt.answer import Answer
from microprompt.deciding.alternatives import with_label
from microprompt.engines import loaded
from microprompt.errors import ArgumentError
from microprompt.testing import scripted
from mpc import project

PROGRAM = """\
record Place:
    kind: "town" | "river"
    name: str(..20)
    far: bool

prompt place(text: str) -> Place:
    Where is it? {text}

prompt kind(text: str) -> "town" | "river":
    What is it? {text}
"""


@pytest.fixture
def module(tmp_path: Path) -> Iterator[ModuleType]:
    (tmp_path / "places.mp").write_text(PROGRAM)
    found = project.load(tmp_path / "places.mp")
    answers = {
        found.Place(kind="town", name="Linz", far=False): 0.7,
        found.Place(kind="river", name="Danube", far=True): 0.3,
    }
    with scripted({"place": answers, "kind": "town"}):
        yield found


def asked(function: Any, field: str, label: str) -> Answer[Any]:
    call = function.call_with({"text": "x"})
    return with_label(loaded.engine_for(None), call, function.detail("x"), field, label)


def test_what_stands_behind_a_field_follows_its_other_label(module: ModuleType) -> None:
    found = asked(module.place, "kind", "river")
    assert found.value == module.Place(kind="river", name="Danube", far=True)
    assert found.fields["kind"].confidence == pytest.approx(0.3)
    assert dict(found.fields["kind"].distribution or {}) == pytest.approx({"town": 0.7, "river": 0.3})


def test_what_stands_before_a_field_stays(module: ModuleType) -> None:
    assert asked(module.place, "far", "true").value == module.Place(kind="town", name="Linz", far=True)


@pytest.mark.parametrize(("field", "label"), [("kind", "lake"), ("name", "Graz"), ("depth", "1"), ("", "x")])
def test_what_there_is_not_is_refused(module: ModuleType, field: str, label: str) -> None:
    with pytest.raises(ArgumentError):
        asked(module.place, field, label)


def test_nothing_follows_a_lone_choice(module: ModuleType) -> None:
    with pytest.raises(ArgumentError, match="nothing follows"):
        asked(module.kind, "", "river")
