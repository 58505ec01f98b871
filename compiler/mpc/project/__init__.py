"""A project's files to modules: what is read, in which order it is compiled, where its Python goes.

What is public is imported when it is asked for: a build that finds nothing changed needs no compiler.
"""

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .flows import flow_outline
    from .loading import load, load_with_warnings, python_path
    from .looks import drafted
    from .modules import build, check, watched
    from .named import collect
    from .paths import shown
    from .prompts import ENOUGH_EXAMPLES, BareChoice, check_with_choices, keys, lacking
    from .records import build_changed
    from .report import BuildReport, BuiltFile
    from .units import CompileError
    from .watching import Watched, watch

__all__ = [
    "ENOUGH_EXAMPLES",
    "BareChoice",
    "BuildReport",
    "BuiltFile",
    "CompileError",
    "Watched",
    "build",
    "build_changed",
    "check",
    "check_with_choices",
    "collect",
    "drafted",
    "flow_outline",
    "keys",
    "lacking",
    "load",
    "load_with_warnings",
    "python_path",
    "shown",
    "watch",
    "watched",
]

_FROM: Final = {
    "drafted": "looks",
    "flow_outline": "flows",
    **dict.fromkeys(("load", "load_with_warnings", "python_path"), "loading"),
    **dict.fromkeys(("build", "check", "watched"), "modules"),
    "collect": "named",
    "shown": "paths",
    **dict.fromkeys(("ENOUGH_EXAMPLES", "BareChoice", "check_with_choices", "keys", "lacking"), "prompts"),
    "build_changed": "records",
    **dict.fromkeys(("BuildReport", "BuiltFile"), "report"),
    "CompileError": "units",
    **dict.fromkeys(("Watched", "watch"), "watching"),
}

if not TYPE_CHECKING:  # type checkers would take any name for one of these

    def __getattr__(name: str) -> object:
        if name not in _FROM:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(importlib.import_module(f".{_FROM[name]}", __name__), name)
        return found
