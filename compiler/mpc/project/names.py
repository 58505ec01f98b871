"""What the module of a file is called in Python, and which files can't have one.

Python looks for modules in the folders on its path. Which folders those are is for the user's program to say,
but two layouts tell by themselves: in packages, which are folders with an `__init__.py`, names count from the
folder that holds the outermost one, and below `src` in the project's root they count from there.
"""

from __future__ import annotations

import sys
from keyword import iskeyword
from pathlib import Path
from typing import Final

from ..diagnostics import Diagnostic, Reporter
from ..source import Source, Span
from .looks import is_file

SOURCES: Final = "src"
"""The folder in a project's root that is on Python's path in the usual layout of packages."""

# What generated modules and the runtime import, beside Python's own modules; a test holds it complete.
NEEDED: Final = frozenset(
    {
        *("anyio", "fastapi", "gguf", "httpx2", "huggingface_hub", "jsonschema", "llama_cpp", "llguidance"),
        *("matplotlib", "mcp", "mcp_types", "microprompt", "mpstd", "numpy", "openai", "opentelemetry"),
        *("outlines", "outlines_core", "pip", "prometheus_client", "pydantic", "pydantic_core", "rich"),
        *("safetensors", "scipy", "starlette", "threadpoolctl", "uvicorn", "zstandard"),
    }
)


def python_name(path: Path, root: Path) -> tuple[str, ...]:
    """The dotted name by which Python imports a source's module, in parts; one where no layout tells more."""
    names = path.relative_to(_base(path, root)).with_suffix("").parts
    return names if all(map(_is_name, names)) else (path.stem,)


def _base(path: Path, root: Path) -> Path:
    """The folder that is on Python's path."""
    inside = [folder for folder in path.parents if folder != root and folder.is_relative_to(root)]
    packages = [folder for folder in inside if is_package(folder)]
    if packages:
        return packages[-1].parent
    return root / SOURCES if root / SOURCES in inside else path.parent


def search_path(path: Path, root: Path) -> tuple[Path, ...]:
    """The folders in which a source's module finds the Python modules of its project, in order."""
    return tuple(dict.fromkeys((_base(path, root), root, root / SOURCES)))


def is_package(folder: Path) -> bool:
    return is_file(folder / "__init__.py")


def name_problem(path: Path, root: Path, source: Source) -> Diagnostic | None:
    """Why the module of the source at `path` could not be imported, or would keep others from being so."""
    stem = path.stem
    if not _is_name(stem):
        return _problem(
            source,
            f"`{stem}` cannot be the name of a Python module",
            "this file's module could not be imported",
            "rename the file: letters, digits and `_`, as in `intake.mp`",
        )
    if len(python_name(path, root)) > 1 or (stem not in sys.stdlib_module_names and stem not in NEEDED):
        return None
    whose = "of Python" if stem in sys.stdlib_module_names else "that generated code needs"
    return _problem(
        source,
        f"{stem}.py would hide the module `{stem}` {whose}",
        "all programs in this folder would find this file's module instead",
        "rename the file, or move it into a package: a folder with an `__init__.py`",
    )


def _problem(source: Source, message: str, label: str, help: str) -> Diagnostic:
    reporter = Reporter(source)
    reporter.report("MP0902", Span(0, 0), message, label=label, help=help)
    return reporter.found[0]


def _is_name(text: str) -> bool:
    return text.isidentifier() and not iskeyword(text)
