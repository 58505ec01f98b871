"""What takes long is kept in a folder: numbers of rows, and what was found. So the page can be made again in
seconds, and what was interrupted goes on where it stopped.

Nothing tells that the code which computes something has changed, beyond the versions that it declares itself:
after such a change, begin with an empty folder.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, assert_never

import numpy as np

from microprompt import storage
from microprompt.deciding.choices import Question, fingerprint
from microprompt.deciding.evidence import Sources, evidence_of_rows
from microprompt.heads.evidence import RECIPE, Embedding, Evidence, Features, Labels, Named, Readout
from microprompt.program import Program
from microprompt.prompts.layout import argument_texts

_AT_A_TIME: Final = 512
"""Rows after which what is known is written down."""


@dataclass(frozen=True, slots=True)
class Cached:
    """A folder of things that were computed before."""

    folder: Path

    def data(self, name: str, key: Sequence[object], make: Callable[[], object]) -> object:
        """What `make` gives, JSON data, unless it is there: under a name, and for all that `key` holds."""
        if not self._path(name, key).exists():
            _write(self._path(name, key), json.dumps(make()).encode())
        return self.known(name, key)

    def known(self, name: str, key: Sequence[object]) -> object:
        """What is there under a name and a key, or `None`."""
        path = self._path(name, key)
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def _path(self, name: str, key: Sequence[object]) -> Path:
        return self.folder / f"{name}.{_hash(key)}.json"

    def evidence(
        self,
        program: Program,
        rows: Sequence[Mapping[str, object]],
        evidence: Evidence,
        sources: Sources,
        *,
        question: Question | None = None,
        progress: Callable[[], None] = lambda: None,
    ) -> Features:
        """As `evidence_of_rows`, but each row is read once."""
        name = _name(program, evidence)
        keys = [_hash(argument_texts(program, row)) for row in rows]
        known = self._known(name)
        for key in keys:
            if key in known:
                progress()
        lacking = {key: row for key, row in zip(keys, rows, strict=True) if key not in known}
        while lacking:
            some = [lacking.popitem() for _ in range(min(_AT_A_TIME, len(lacking)))]
            found = evidence_of_rows(
                program, [row for _, row in some], evidence, sources, question=question, progress=progress
            )
            known |= dict(zip((key for key, _ in some), found, strict=True))
            self._keep(name, known)
        return np.stack([known[key] for key in keys])

    def knows(self, program: Program, rows: Sequence[Mapping[str, object]], evidence: Evidence) -> bool:
        """Whether all of the rows have been read."""
        known = self._known(_name(program, evidence))
        return all(_hash(argument_texts(program, row)) in known for row in rows)

    def _known(self, name: str) -> dict[str, Features]:
        path = self.folder / name
        if not path.exists():
            return {}
        with np.load(path) as file:
            return dict(zip(file["keys"].tolist(), file["features"], strict=True))

    def _keep(self, name: str, known: Mapping[str, Features]) -> None:
        file = io.BytesIO()
        np.savez(file, keys=np.array(list(known)), features=np.stack(list(known.values())))
        _write(self.folder / name, file.getvalue())


def _name(program: Program, evidence: Evidence) -> str:
    """The file for a piece of evidence: one for all functions that see the same."""
    match evidence:
        case Embedding():
            seen: tuple[str, ...] = (evidence.model, evidence.form)
        case Named():
            seen = (_hash(evidence.words),)
        case Readout(prefix="none"):
            seen = (_model(program), str(evidence.layer), "none")
        case Readout():
            seen = (_model(program), str(evidence.layer), "own", program.name, fingerprint(program))
        case Labels():
            seen = (_model(program), program.name, fingerprint(program))
        case _:
            assert_never(evidence)
    return f"{evidence.name}.{'.'.join(seen)}.{RECIPE}.npz"


def _model(program: Program) -> str:
    assert program.using.model is not None, "what is measured says its model"
    return program.using.model.name


def _hash(key: object) -> str:
    return hashlib.sha256(repr(key).encode("utf-8", errors="surrogatepass")).hexdigest()[:24]


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    storage.replace(path, data)
