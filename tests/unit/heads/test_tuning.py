"""Tuning files: what was written is read, and nothing else is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from microprompt.abi import MAX_TENSORS
from microprompt.errors import TuningError
from microprompt.heads.evidence import Embedding, Labels, Readout
from microprompt.heads.head import Head, HeadPart
from microprompt.heads.linear import Linear
from microprompt.heads.tuning import (
    Entry,
    Resolved,
    Thresholds,
    Tunings,
    read,
    tuning_path,
    with_entry,
    write,
)

OWN = Readout(18, "own")
PAIR = Embedding("minilm-l6", "pair")


def linear(n_features: int) -> Linear:
    random = np.random.default_rng(n_features)
    return Linear(
        random.normal(size=(2, n_features)).astype(np.float32), random.normal(size=2).astype(np.float32)
    )


def entry(model: str = "smollm2-135m", key: str = "0" * 32) -> Entry:
    both = Head(
        parts=(HeadPart(OWN, 0.75, linear(8)), HeadPart(PAIR, 0.25, linear(5))),
        calibrated=True,
    )
    labels = Head(parts=(HeadPart(Labels(), 1.0, linear(2)),))
    return Entry(
        key=key,
        model=model,
        heads={"": both, "ticket.act": labels},
        thresholds=Thresholds(abstain=Resolved(reach=0.95, below=0.6)),
        report={"rows": 150, "source": "schön"},
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tuning_path(tmp_path / "shop.mp")


@pytest.fixture
def written(path: Path) -> Path:
    write(path, {"classify": (entry(),), "route": (entry("gemma3-270m"), entry())})
    return path


def test_files_lie_beside_the_program_under_its_name(written: Path) -> None:
    names = sorted(found.name for found in written.parent.iterdir())
    assert names == ["shop.tuning.json", "shop.tuning.safetensors"]


def test_what_was_written_is_read(written: Path) -> None:
    found = read(written)
    assert [(name, [each.model for each in entries]) for name, entries in found.items()] == [
        ("classify", ["smollm2-135m"]),
        ("route", ["gemma3-270m", "smollm2-135m"]),
    ]
    (one,) = found["classify"]
    expected = entry()
    assert (one.key, one.recipe, one.thresholds, one.report) == (
        expected.key,
        expected.recipe,
        expected.thresholds,
        expected.report,
    )
    for leaf, head in expected.heads.items():
        features = {part.evidence: np.ones(part.linear.n_features) for part in head.parts}
        assert (one.heads[leaf].log_probs(features) == head.log_probs(features)).all()
        assert one.heads[leaf].calibrated == head.calibrated


def test_the_same_tuning_is_the_same_bytes(written: Path) -> None:
    def contents() -> list[bytes]:
        return [found.read_bytes() for found in sorted(written.parent.iterdir())]

    before = contents()
    write(written, read(written))
    assert contents() == before


def test_a_new_entry_takes_the_place_of_that_for_the_same_model() -> None:
    before: Tunings = {"classify": (entry(),), "route": (entry(),)}
    after = with_entry(with_entry(before, "classify", entry("a.gguf")), "classify", entry(key="1" * 32))
    found = [(each.model, each.key[0]) for each in after["classify"]]
    assert found == [("a.gguf", "0"), ("smollm2-135m", "1")]
    assert len(after["route"]) == 1


def test_numbers_that_are_none_are_not_written(path: Path) -> None:
    bad = Entry(key="", model="", heads={}, report={"accuracy": float("nan")})
    with pytest.raises(ValueError, match="JSON"):
        write(path, {"f": (bad,)})
    assert not path.exists()


# ------------------------------------------------------------------------------------------ bad files

Document = dict[str, Any]


def spoilt(path: Path, change: Callable[[Document], object]) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def first(document: Document) -> Document:
    found: Document = document["functions"]["classify"][0]
    return found


def part(document: Document) -> Document:
    found: Document = first(document)["heads"][""]["parts"][0]
    return found


CHANGES: dict[str, Callable[[Document], object]] = {
    "another format": lambda d: d.update(format=2),
    "no format": lambda d: d.pop("format"),
    "a format of another type": lambda d: d.update(format=True),
    "another file of numbers": lambda d: d["tensors"].update(file="/etc/passwd"),
    "another hash": lambda d: d["tensors"].update(sha256="0" * 64),
    "functions that are none": lambda d: d.update(functions=[]),
    "entries that are none": lambda d: d["functions"].update(classify={}),
    "an entry that is none": lambda d: d["functions"].update(classify=[7]),
    "no key": lambda d: first(d).pop("key"),
    "a recipe that is none": lambda d: first(d).update(recipe="1"),
    "an unknown threshold": lambda d: first(d)["thresholds"].update(other={}),
    "a threshold that is none": lambda d: first(d)["thresholds"].update(abstain="high"),
    "a threshold above 1": lambda d: first(d)["thresholds"]["abstain"].update(below=1.5),
    "a threshold for no accuracy": lambda d: first(d)["thresholds"]["abstain"].pop("reach"),
    "a threshold of something else": lambda d: first(d)["thresholds"]["abstain"].update(other=1),
    "a report that is none": lambda d: first(d).update(report="fine"),
    "a head that is none": lambda d: first(d)["heads"].update({"": None}),
    "a head without parts": lambda d: first(d)["heads"][""].update(parts=[]),
    "a head that does not say whether it is calibrated": lambda d: first(d)["heads"][""].pop("calibrated"),
    "unknown evidence": lambda d: part(d).update(evidence={"kind": "hunch"}),
    "the same evidence twice": lambda d: first(d)["heads"][""]["parts"].append(part(d)),
    "a weight below 0": lambda d: part(d).update(weight=-1),
    "a tensor that is not there": lambda d: part(d).update(weights="none"),
    "a name that is none": lambda d: part(d).update(weights=["x"]),
    "a bias for weights": lambda d: part(d).update(weights=part(d)["bias"]),
    "weights for a bias": lambda d: part(d).update(bias=part(d)["weights"]),
}


@pytest.mark.parametrize("what", CHANGES)
def test_another_document_is_refused_with_the_next_step(written: Path, what: str) -> None:
    spoilt(written, CHANGES[what])
    with pytest.raises(TuningError, match=r"(?s)shop\.tuning\..*help: .*mpc tune shop\.mp"):
        read(written)


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff", b"[" * 200_000, b'{"format": NaN}', b'{"format": 1}', b"[]", b"null"],
    ids=lambda text: text[:16].decode(errors="replace") or "empty",
)
def test_what_is_no_document_is_refused(written: Path, text: bytes) -> None:
    written.write_bytes(text)
    with pytest.raises(TuningError, match="mpc tune"):
        read(written)


def resealed(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Other numbers, with the hash that belongs to them."""
    beside = path.with_name("shop.tuning.safetensors")
    tensors = dict(load(beside.read_bytes()))
    change(tensors)
    data = save(tensors)
    beside.write_bytes(data)
    spoilt(path, lambda d: d["tensors"].update(sha256=hashlib.sha256(data).hexdigest()))


WEIGHTS = "classify.0..0.weights"
NUMBERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "not a number": lambda t: t[WEIGHTS].__setitem__((0, 0), np.nan),
    "infinite": lambda t: t[WEIGHTS].__setitem__((0, 0), np.inf),
    "of another type": lambda t: t.update({WEIGHTS: t[WEIGHTS].astype(np.float64)}),
    "of other dimensions": lambda t: t.update({WEIGHTS: t[WEIGHTS].ravel()}),
    "of another number of labels": lambda t: t.update({WEIGHTS: np.zeros((3, 8), np.float32)}),
    "of no features": lambda t: t.update({WEIGHTS: np.zeros((2, 0), np.float32)}),
    "missing": lambda t: t.pop(WEIGHTS),
}


@pytest.mark.parametrize("what", NUMBERS)
def test_other_numbers_are_refused(written: Path, what: str) -> None:
    resealed(written, NUMBERS[what])
    with pytest.raises(TuningError, match="mpc tune"):
        read(written)


@pytest.mark.parametrize("data", [b"", b"\xff" * 8, (1 << 40).to_bytes(8, "little") + b"{}"])
def test_a_file_that_holds_no_tensors_is_refused(written: Path, data: bytes) -> None:
    written.with_name("shop.tuning.safetensors").write_bytes(data)
    spoilt(written, lambda d: d["tensors"].update(sha256=hashlib.sha256(data).hexdigest()))
    with pytest.raises(TuningError, match="safetensors format"):
        read(written)


def test_numbers_of_another_tuning_are_refused(written: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / written.name
    write(other, {"classify": (entry(),)})
    beside = other.with_name("shop.tuning.safetensors")
    written.with_name(beside.name).write_bytes(beside.read_bytes())
    with pytest.raises(TuningError, match="is not the file that"):
        read(written)


@pytest.mark.parametrize("name", ["shop.tuning.json", "shop.tuning.safetensors"])
def test_a_file_that_is_missing_or_too_large_is_refused(written: Path, name: str) -> None:
    path = written.with_name(name)
    path.unlink()
    with pytest.raises(TuningError, match="No such file"):
        read(written)
    with path.open("wb") as file:
        file.truncate(MAX_TENSORS + 1)
    with pytest.raises(TuningError, match="more than"):
        read(written)
