"""A project's files to modules: what is read, in which order it is compiled, where its Python goes."""

from .load import CompileError, load, load_with_warnings
from .modules import BuildReport, BuiltFile, build, check, collect, watched
from .paths import shown
from .prompts import ENOUGH_EXAMPLES, BareChoice, check_with_choices, keys, lacking

__all__ = [
    "ENOUGH_EXAMPLES",
    "BareChoice",
    "BuildReport",
    "BuiltFile",
    "CompileError",
    "build",
    "check",
    "check_with_choices",
    "collect",
    "keys",
    "lacking",
    "load",
    "load_with_warnings",
    "shown",
    "watched",
]
