"""Tuning files: what `mpc tune` has learnt of the prompts of a program, in two files beside it.

NAME.tuning.json          which heads, thresholds and measurements there are, by function and model
NAME.tuning.safetensors   their numbers

Nothing in them can run: the one is JSON, the other numbers with their shapes. What is written depends on
nothing but its contents, so the same tuning gives the same bytes. What is read is checked to the last number,
for such files are passed around.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import storage
from ..abi import MAX_TENSORS, TENSORS_SUFFIX, TUNING_FORMAT, TUNING_SUFFIX
from ..errors import TuningError
from .evidence import RECIPE, evidence_of
from .head import Head, HeadPart
from .linear import Linear

T = TypeVar("T")

_PACKED: Final = "behind"  # where the numbers of a packed tuning are
_LENGTH: Final = 8  # bytes that say how long its text is


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The confidence `below` which an answer is not taken, so that the accuracy `reach` is reached; where
    unsure answers go on to a larger `model`, with that one, called as in `Entry`."""

    reach: float
    below: float
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What was resolved of a prompt's accuracies to reach; `None` where nothing was."""

    abstain: Resolved | None = None
    escalate: Resolved | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What was learnt of one function on one model.

    `key` stands for the prompt as it was laid out (`abi.Tuning.key`), `model` is a registered name or the
    name of a file, `recipe` the version of how features are computed. `heads` are by the dotted names of the
    leaves, "" for the whole answer. `report` is JSON data for people: rows, folds, scores, what was tried,
    where the rows come from.
    """

    key: str
    model: str
    heads: Mapping[str, Head]
    recipe: int = RECIPE
    thresholds: Thresholds = field(default_factory=Thresholds)
    report: Mapping[str, object] = field(default_factory=dict)


Tunings = Mapping[str, Sequence[Entry]]
"""The entries of a program's functions, by their names; of each function one entry a model."""


def tuning_path(source: Path) -> Path:
    """Where the tuning of a program lies, given the path of its `.mp` file or of its module."""
    return source.with_name(source.stem + TUNING_SUFFIX)


def tensors_path(path: Path) -> Path:
    """Where the numbers of the tuning at `path` lie."""
    return path.with_name(path.name.removesuffix(TUNING_SUFFIX) + TENSORS_SUFFIX)


def with_entry(tunings: Tunings, function: str, entry: Entry) -> dict[str, tuple[Entry, ...]]:
    """The same tunings with an entry in place of what was there for the same function and model."""
    others = [each for each in tunings.get(function, ()) if each.model != entry.model]
    found = {name: tuple(entries) for name, entries in tunings.items()}
    found[function] = tuple(sorted((*others, entry), key=lambda each: each.model))
    return found


# ----------------------------------------------------------------------------------------------- write


def write(path: Path, tunings: Tunings) -> None:
    """Write both files, the numbers first. Raises `OSError`."""
    beside = tensors_path(path)
    text, numbers = _written(beside.name, tunings)
    storage.replace(beside, numbers)
    storage.replace(path, text)


def pack(tunings: Tunings) -> bytes:
    """Both files in one piece, which `unpack` reads."""
    text, numbers = _written(_PACKED, tunings)
    return len(text).to_bytes(_LENGTH, "little") + text + numbers


def _written(name: str, tunings: Tunings) -> tuple[bytes, bytes]:
    """The bytes of both files, of which the second is called `name`."""
    from safetensors.numpy import save  # not at the top: only those who tune write

    tensors: dict[str, NDArray[np.float32]] = {}
    functions = {
        name: [_entry_data(f"{name}.{number}", entry, tensors) for number, entry in enumerate(entries)]
        for name, entries in tunings.items()
    }
    numbers = save(tensors)
    document = {
        "format": TUNING_FORMAT,
        "functions": functions,
        "tensors": {"file": name, "sha256": hashlib.sha256(numbers).hexdigest()},
    }
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1, sort_keys=True)
    return f"{text}\n".encode(), numbers


def _entry_data(place: str, entry: Entry, tensors: dict[str, NDArray[np.float32]]) -> dict[str, object]:
    def keep(name: str, numbers: NDArray[np.float32]) -> str:
        tensors[name] = np.ascontiguousarray(numbers, dtype=np.float32)
        return name

    heads = {}
    for leaf, head in entry.heads.items():
        name = f"{place}.{leaf}"
        heads[leaf] = {
            "calibrated": head.calibrated,
            "parts": [
                {
                    "evidence": part.evidence.to_data(),
                    "weight": part.weight,
                    "weights": keep(f"{name}.{number}.weights", part.linear.weights),
                    "bias": keep(f"{name}.{number}.bias", part.linear.bias),
                }
                for number, part in enumerate(head.parts)
            ],
        }
    resolved = {"abstain": entry.thresholds.abstain, "escalate": entry.thresholds.escalate}
    return {
        "key": entry.key,
        "model": entry.model,
        "recipe": entry.recipe,
        "heads": heads,
        "thresholds": {name: asdict(found) for name, found in resolved.items() if found is not None},
        "report": dict(entry.report),
    }


# ------------------------------------------------------------------------------------------------ read


def read(path: Path) -> Tunings:
    """Both files, checked.

    Raises:
        TuningError: one is missing, torn, too large, or not what `write` writes.
    """
    try:
        text = storage.read_regular(path)
    except OSError as error:
        raise _unreadable(path, path.name, error.strerror) from error
    beside = tensors_path(path)

    def numbers() -> bytes:
        try:
            return storage.read_regular(beside, MAX_TENSORS)
        except OSError as error:
            raise _unreadable(path, beside.name, error.strerror) from error

    return _read(path, text, beside.name, numbers)


def unpack(path: Path, packed: bytes) -> Tunings:
    """What `pack` made one piece of; it is from `path`. Raises `TuningError`, as `read`."""
    end = _LENGTH + int.from_bytes(packed[:_LENGTH], "little")
    return _read(path, packed[_LENGTH:end], _PACKED, lambda: packed[end:])


def _read(path: Path, text: bytes, name: str, numbers: Callable[[], bytes]) -> Tunings:
    document = _Data(path, _document(path, text), "the file")
    if (found := document.of("format", int)) != TUNING_FORMAT:
        document.refuse(f"has format {found}; this microprompt reads format {TUNING_FORMAT}")
    about = document.inside("tensors")
    if about.of("file", str) != name:
        about.refuse(f"names another file than {name}")
    tensors = _tensors(path, name, numbers(), about.of("sha256", str))
    functions = document.inside("functions")
    return {
        name: tuple(_entry(entry, tensors) for entry in functions.each(name)) for name in functions.names()
    }


def _document(path: Path, text: bytes) -> object:
    try:
        return json.loads(text.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _unreadable(path, path.name, f"it is not valid JSON: {error}") from error


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _tensors(path: Path, name: str, data: bytes, digest: str) -> dict[str, NDArray[np.float32]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if hashlib.sha256(data).hexdigest() != digest:
        raise _unreadable(path, name, f"it is not the file that {path.name} was written with")
    try:
        return load(data)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(path, name, f"it is not in the safetensors format: {error}") from error


def _entry(data: _Data, tensors: Mapping[str, NDArray[np.float32]]) -> Entry:
    heads = data.inside("heads")
    thresholds = data.inside("thresholds")
    thresholds.only("abstain", "escalate")
    return Entry(
        key=data.of("key", str),
        model=data.of("model", str),
        recipe=data.of("recipe", int),
        heads={leaf: _head(heads.inside(leaf), tensors) for leaf in heads.names()},
        thresholds=Thresholds(**{name: _resolved(thresholds.inside(name)) for name in thresholds.names()}),
        report=data.of("report", dict),
    )


def _resolved(data: _Data) -> Resolved:
    data.only("reach", "below", "model")
    model = None if data.is_null("model") else data.of("model", str)
    return Resolved(
        reach=data.number("reach", least=0.0, most=1.0),
        below=data.number("below", least=0.0, most=1.0),
        model=model,
    )


def _head(data: _Data, tensors: Mapping[str, NDArray[np.float32]]) -> Head:
    parts = tuple(_part(part, tensors) for part in data.each("parts"))
    if not parts:
        data.refuse("has no parts")
    if len({part.evidence for part in parts}) < len(parts):
        data.refuse("has two parts of the same evidence")
    n_labels = {part.linear.n_labels for part in parts}
    if len(n_labels) > 1 or min(n_labels) < 2:
        data.refuse("has parts of other numbers of labels")
    return Head(parts=parts, calibrated=data.of("calibrated", bool))


def _part(data: _Data, tensors: Mapping[str, NDArray[np.float32]]) -> HeadPart:
    try:
        evidence = evidence_of(data.of("evidence", dict))
    except ValueError as error:
        data.refuse(f"is not known: {error}")
    weights = data.tensor("weights", tensors, 2)
    bias = data.tensor("bias", tensors, 1)
    if weights.shape[0] != len(bias):
        data.refuse(f"has weights of {weights.shape[0]} labels and a bias of {len(bias)}")
    return HeadPart(evidence, data.number("weight", least=0.0, most=1000.0), Linear(weights, bias))


@dataclass(frozen=True, slots=True)
class _Data:
    """A piece of the document; `where` names it in errors."""

    path: Path
    data: object
    where: str

    def of(self, name: str, of: type[T]) -> T:
        """What is called `name`, of a class."""
        if not isinstance(self.data, dict):
            self.refuse("is not an object")
        found = self.data.get(name)
        if not isinstance(found, of) or (isinstance(found, bool) and of is not bool):
            self.refuse(f"has no {of.__name__} called {name!r}")
        return found

    def number(self, name: str, *, least: float, most: float) -> float:
        """A number from `least` to `most`."""
        found = self.data.get(name) if isinstance(self.data, dict) else None
        if not isinstance(found, int | float) or isinstance(found, bool) or not least <= found <= most:
            self.refuse(f"has no number {name!r} from {least:g} to {most:g}")
        return float(found)

    def is_null(self, name: str) -> bool:
        return isinstance(self.data, dict) and self.data.get(name) is None

    def inside(self, name: str) -> _Data:
        """The object called `name`."""
        return _Data(self.path, self.of(name, dict), f"{name!r:.60} of {self.where}")

    def each(self, name: str) -> Iterator[_Data]:
        """The objects in the list called `name`."""
        for number, item in enumerate(self.of(name, list)):
            yield _Data(self.path, item, f"{name!r:.60}, item {number}, of {self.where}")

    def names(self) -> tuple[str, ...]:
        assert isinstance(self.data, dict)
        return tuple(self.data)

    def only(self, *known: str) -> None:
        """Refuse other names than these."""
        for name in self.names():
            if name not in known:
                self.refuse(f"has the unknown {name!r:.60}")

    def tensor(
        self, name: str, tensors: Mapping[str, NDArray[np.float32]], dimensions: int
    ) -> NDArray[np.float32]:
        """The tensor whose name stands under `name`: finite float32 numbers, none of its sides empty."""
        found = tensors.get(self.of(name, str))
        if found is None:
            self.refuse(f"names a tensor for {name!r} that is not there")
        if found.dtype != np.float32 or found.ndim != dimensions or not found.size:
            shape = "x".join(map(str, found.shape))
            self.refuse(f"has {name!r} of {found.dtype} {shape}; float32 in {dimensions} dimensions is read")
        if not np.isfinite(found).all():
            self.refuse(f"has numbers in {name!r} that are not finite")
        return found

    def refuse(self, why: str) -> NoReturn:
        raise _unreadable(self.path, self.path.name, f"{self.where} {why}")


def _unreadable(path: Path, name: str, why: str | None) -> TuningError:
    source = path.name.removesuffix(TUNING_SUFFIX) + ".mp"
    return TuningError(
        f"the tuning {path.with_name(name)} can't be used: {why}",
        help=f"tune again (`mpc tune {source} FUNCTION`), or delete it and run `mpc build {source}`",
    )
