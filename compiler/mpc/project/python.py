"""Python modules that files import classes from: a child process imports them and says what it finds.

Nothing that a module prints, raises or leaves running reaches the compiler.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias, cast

from microprompt import children
from microprompt.shapes.reading import ModuleShape, ShapeRequest

from ..diagnostics import Reporter
from ..sema.checked import CheckedModule
from ..sema.foreign import foreign_module
from ..syntax.nodes import ImportNames
from .files import File
from .names import search_path

SECONDS: Final = 60.0
"""How long modules may take to be imported."""

PythonModules: TypeAlias = Mapping[tuple[Sequence[str], str], ModuleShape]
"""What is known of modules, by the folders in which they were looked for, and their names."""


def python_imports(file: File) -> Iterator[ImportNames]:
    """The imports of Python in a file."""
    for node in file.tree.imports if file.tree else ():
        if isinstance(node, ImportNames) and node.is_python:
            yield node


def python_sources(file: File) -> Iterator[Path]:
    """The Python files that a file imports from, as far as they lie in the project."""
    for node in python_imports(file):
        relative = Path(*(name.text for name in node.path.names))
        for folder in search_path(file.path, file.root):
            found = (folder / relative.with_suffix(".py"), folder / relative / "__init__.py")
            if source := next((path for path in found if os.path.isfile(path)), None):
                yield source
                break


def read_python(files: Sequence[File]) -> PythonModules:
    """What the Python modules have that the files import: one child for those that are looked for in the
    same folders."""
    wanted: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for file in files:
        for node in python_imports(file):
            names = wanted.setdefault(_folders(file), {}).setdefault(node.path.text, [])
            names.extend(each.name.text for each in node.names if each.name.text not in names)
    return {
        (folders, name): shape
        for folders, modules in wanted.items()
        for name, shape in _asked(ShapeRequest(path=list(folders), modules=modules)).items()
    }


def python_module(file: File, name: str, known: PythonModules, reporter: Reporter) -> CheckedModule | None:
    """The module that imports of Python in a file name; `None` when it has been reported."""
    nodes = [node for node in python_imports(file) if node.path.text == name]
    shape = known[_folders(file), name]
    if shape["error"] is None:
        return foreign_module(name, [each for node in nodes for each in node.names], shape, reporter)
    missing = re.match(r"ModuleNotFoundError: No module named '([\w.]+)'", shape["error"])
    is_missing = missing is not None and f"{name}.".startswith(f"{missing[1]}.")
    reporter.report(
        "MP0710",
        nodes[0].path.span,
        f"the Python module `{name}` cannot be imported",
        label=shape["error"],
        help="Python looks in this file's folder or its package's, in the project's root, in its `src`, and "
        "for what is installed"
        if is_missing
        else f'`python -c "import {name}"` shows more',
    )
    return None


def _folders(file: File) -> tuple[str, ...]:
    return tuple(map(str, search_path(file.path, file.root)))


def _asked(request: ShapeRequest) -> Mapping[str, ModuleShape]:
    answer, problem = _answer(request)
    if answer is not None:
        return answer
    modules = request["modules"]
    if len(modules) == 1:
        return {name: ModuleShape(error=problem, names={}, known=[]) for name in modules}
    # One of them has ended the process for all.
    alone = [_asked(ShapeRequest(path=request["path"], modules={name: modules[name]})) for name in modules]
    return {name: shape for found in alone for name, shape in found.items()}


def _answer(request: ShapeRequest) -> tuple[Mapping[str, ModuleShape] | None, str]:
    """What a child says, or else why it says nothing."""
    with subprocess.Popen(
        children.command("microprompt.shapes"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # Files that were written within one second could not be told apart by the bytecode kept of them.
        env=children.environment(PYTHONDONTWRITEBYTECODE="1"),
    ) as child:
        try:
            said, _ = child.communicate(json.dumps(request).encode(), SECONDS)
        except subprocess.TimeoutExpired:
            return None, f"importing it takes more than {SECONDS:g} seconds"
        finally:
            child.kill()
    try:
        return cast("Mapping[str, ModuleShape]", json.loads(said)), ""
    except ValueError:
        code = child.returncode
        how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return None, f"importing it ends Python: {how}"
