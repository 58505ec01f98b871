"""Find the functions that a command names, prompts and flows: in a `.mp` file, or in a module of the standard
library."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import click

from microprompt.declared import DeclaredFunction
from microprompt.function import PromptFunction
from mpc import codes, project
from mpc.diagnostics import suggestion
from mpc.functions import AnyFunction as AnyFunction
from mpc.functions import own as own

from .failures import Failure, show_diagnostics

AnyPrompt: TypeAlias = PromptFunction[..., Any]


def load(file: str) -> ModuleType:
    """The module of a `.mp` file, or of the standard library when `file` is `std.name`.

    A tuning that is not used is warned of. What the program's functions of Python import is found until the
    command ends.

    Raises:
        project.CompileError: the program has errors.
        click.BadParameter: there is no such file or module.
    """
    if not file.endswith(".mp") and (file == "std" or file.startswith("std.")):
        return _load_standard(file)
    path = Path(file)
    if not path.is_file():
        raise click.BadParameter(f"there is no file `{file}`", param_hint="FILE")
    click.get_current_context().with_resource(project.python_path(path))
    module, warnings = project.load_with_warnings(path)
    # Of other warnings `mpc check` tells; these say that something else answers than was meant.
    show_diagnostics([warning for warning in warnings if warning.code.startswith(codes.TUNINGS)])
    return module


def find(file: str, name: str) -> AnyFunction:
    """The prompt or flow `name` of `file`; one that the file imports counts too.

    Raises:
        Failure: the module has no such function, or it has another kind of thing under this name.
    """
    module = load(file)
    known = {key: value for key, value in vars(module).items() if isinstance(value, DeclaredFunction)}
    if name in known:
        return known[name]
    help = suggestion(name, known)
    if help is None and known:
        help = f"it has {', '.join(known)}"
    raise Failure(f"{file} has no prompt or flow `{name}`", help=help)


def find_prompt(file: str, name: str) -> AnyPrompt:
    """As `find`, for what is done with prompts alone."""
    found = find(file, name)
    if not isinstance(found, PromptFunction):
        raise Failure(f"{name} is a flow, and this is for prompts", help="name one of those that it calls")
    return found


def _load_standard(file: str) -> ModuleType:
    name = f"mp{file}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise click.BadParameter(f"the standard library has no module `{file}`", param_hint="FILE") from None
