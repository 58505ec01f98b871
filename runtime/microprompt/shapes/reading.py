"""What the compiler hears of a Python module, as JSON data."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypedDict

from .classes import Declared, Refusal, declared, digest
from .functions import digest_of, header_of, is_function
from .kinds import is_enum, is_record
from .meaning import NoCounterpart, meaning_of

is_going_on = False
"""Whether this process reads classes for the compiler. Generated modules that a user's module imports are of
an earlier build then, and say nothing of what has changed since."""


class ShapeRequest(TypedDict):
    """Folders to look for modules in first, and the names that are wanted of each module."""

    path: list[str]
    modules: dict[str, list[str]]


class RefusalShape(TypedDict):
    """What has no counterpart: where it is, what it is, and one thing to try."""

    where: str
    what: str
    help: str


class ClassShape(TypedDict):
    """A class as the language would declare it, the module it is from, and the classes that it is inside."""

    name: str
    module: str
    outer: str
    text: str


class NameShape(TypedDict):
    """What a name of a module is: "missing", "function", "class", or words for something else, and how to
    write that in a program. A class comes with those in it, a function with its header and the classes that
    this names; `optional` are its parameters with a default."""

    kind: str
    help: str
    digest: str
    classes: list[ClassShape]
    refused: list[RefusalShape]
    header: str
    optional: list[str]
    gives_value: bool


class ModuleShape(TypedDict):
    """A module: why it cannot be imported, or what the wanted names are; `known` are the classes and
    functions that it has."""

    error: str | None
    names: dict[str, NameShape]
    known: list[str]


def module_shape(module: ModuleType, names: list[str]) -> ModuleShape:
    """The shape of a module that has been imported."""
    own = module.__name__.partition(".")[0]
    known = [
        name
        for name, value in vars(module).items()
        if (is_enum(value) or is_record(value) or is_function(value))
        and str(getattr(value, "__module__", "")).partition(".")[0] == own
        and not name.startswith("_")
    ]
    return ModuleShape(error=None, names={name: _name(module, name) for name in names}, known=known)


def told(error: BaseException, module: str) -> str:
    """The last line of an error, and the line of the user's file that raised it."""
    last = traceback.format_exception_only(error)[-1].strip()
    frames = traceback.extract_tb(error.__traceback__)
    own = [each for each in frames if "importlib" not in each.filename and "microprompt" not in each.filename]
    if not own:
        return last
    return f"{last} ({own[-1].filename.rpartition('/')[2]}, line {own[-1].lineno})"


def _name(module: ModuleType, name: str) -> NameShape:
    if not hasattr(module, name):
        return _other("missing")
    value = getattr(module, name)
    if is_function(value):
        return _function(name, value)
    if not (is_enum(value) or is_record(value)):
        return _no_class(name, value)
    found = declared(value)
    return NameShape(
        kind="class",
        help="",
        digest=digest(value),
        classes=[_class(each) for each in found],
        refused=[_refusal(each) for declaration in found for each in declaration.refused],
        header="",
        optional=[],
        gives_value=True,
    )


def _function(name: str, function: Callable[..., Any]) -> NameShape:
    header = header_of(name, function)
    inside = {each.python: each for python in header.classes for each in declared(python)}
    refused = [*header.refused, *(each for found in inside.values() for each in found.refused)]
    return NameShape(
        kind="function",
        help="",
        digest=digest_of(function),
        classes=[_class(each) for each in inside.values()],
        refused=[_refusal(each) for each in refused],
        header=header.text,
        optional=list(header.optional),
        gives_value=header.gives_value,
    )


def _refusal(found: Refusal) -> RefusalShape:
    return RefusalShape(where=found.where, what=found.what, help=found.help)


def _class(found: Declared) -> ClassShape:
    python = found.python
    outer = python.__qualname__.rpartition(".")[0]
    return ClassShape(name=python.__name__, module=python.__module__, outer=outer, text=found.text)


def _no_class(name: str, value: object) -> NameShape:
    """Something that is no class of fields or members; an alias of types can be declared in the program."""
    try:
        notation = meaning_of(value).notation
    except (NoCounterpart, TypeError):
        is_class = isinstance(value, type)
        what = "a class without declared fields" if is_class else f"a `{type(value).__name__}`"
        return _other(what, "make it a Pydantic model, a dataclass, a TypedDict or an enum")
    return _other("another name of a type", f"declare it in this file: `type {name} = {notation}`")


def _other(kind: str, help: str = "") -> NameShape:
    return NameShape(
        kind=kind, help=help, digest="", classes=[], refused=[], header="", optional=[], gives_value=True
    )
