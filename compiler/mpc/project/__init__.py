"""A project's files to modules: what is read, in which order it is compiled, where its Python goes."""

from .modules import BuildReport, BuiltFile, CompileError, build, check, collect, load, watched

__all__ = ["BuildReport", "BuiltFile", "CompileError", "build", "check", "collect", "load", "watched"]
