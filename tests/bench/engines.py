"""The engines that are compared, and the environment that each peer runs in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]

OURS: Final = "microprompt"
HEADS: Final = "microprompt-heads"
INDEPENDENT: Final = "microprompt-independent"
STOCK: Final = "outlines"
KEEPING: Final = "outlines-keeping"
GRAMMAR: Final = "llama-cpp"
GUIDANCE: Final = "guidance"
TYPED: Final = "typed-gguf"

TITLES: Final[Mapping[str, str]] = {
    OURS: "microprompt",
    HEADS: "microprompt, choices by heads",
    INDEPENDENT: "microprompt, choices by heads, independent fields",
    STOCK: "Outlines",
    KEEPING: "Outlines, no reset()",
    GRAMMAR: "llama-cpp-python, GBNF",
    GUIDANCE: "Guidance",
    TYPED: "typed-gguf",
}
"""Every engine by name, as the report calls it."""

VARIANTS: Final = (HEADS, INDEPENDENT)
"""What is ours, asked in other ways; measured by `records`."""

PEERS: Final = tuple(engine for engine in TITLES if engine not in (OURS, *VARIANTS))

ONLY_CHOICES: Final = frozenset({TYPED})
"""Engines that decide and do not write."""

OWN_BINDINGS: Final = frozenset({TYPED})
"""Engines that load weights by themselves, and can't be kept from kernels that crash on this machine."""

_LLAMA: Final = "llama-cpp-python==0.3.36"
REQUIREMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    STOCK: ("outlines==1.3.3", "llguidance==1.9.1", _LLAMA),
    KEEPING: ("outlines==1.3.3", "llguidance==1.9.1", _LLAMA),
    GRAMMAR: (_LLAMA,),
    GUIDANCE: ("guidance==0.3.1", _LLAMA),
    TYPED: ("typed-gguf==0.3.0", _LLAMA),
}
"""What pip installs for each peer; peers with the same requirements share an environment."""


class BenchError(Exception):
    """A process failed; the message holds the end of what it printed."""


def python_of(engine: str) -> str:
    """The Python that runs an engine: ours, where it has just what the engine needs, or that of a peer's
    environment in `.bench`, made at first need.

    Raises `BenchError` if pip can't make it.
    """
    if all(map(_is_here, REQUIREMENTS.get(engine, ()))):
        return sys.executable
    names = [requirement.partition("==")[0] for requirement in REQUIREMENTS[engine]]
    folder = ROOT / ".bench" / names[0]
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    stamp = folder / "installed.txt"
    wanted = "\n".join(REQUIREMENTS[engine])
    if not stamp.exists() or stamp.read_text() != wanted:
        _check([sys.executable, "-m", "venv", str(folder)])
        _check([str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS[engine]])
        stamp.write_text(wanted)
    return str(python)


def _is_here(requirement: str) -> bool:
    name, _, wanted = requirement.partition("==")
    try:
        return version(name) == wanted
    except PackageNotFoundError:
        return False


def _check(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
