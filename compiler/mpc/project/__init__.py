"""A project's files to modules: what is read, in which order it is compiled, where its Python goes."""

from .load import CompileError, load
from .modules import BuildReport, BuiltFile, build, check, collect, watched
from .paths import shown

__all__ = [
    "BuildReport",
    "BuiltFile",
    "CompileError",
    "build",
    "check",
    "collect",
    "load",
    "shown",
    "watched",
]
