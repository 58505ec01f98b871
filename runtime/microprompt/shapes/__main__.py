"""Describes Python classes to the compiler, in a process of its own: `python -m microprompt.shapes`.

A request is read from the standard input, the answer written to what was the standard output. What the
imported modules print goes nowhere, and what they leave running ends with this process.
"""

from __future__ import annotations

import importlib
import json
import os
import sys

from . import reading
from .reading import ModuleShape, ShapeRequest


def main() -> None:
    answer_to = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    request: ShapeRequest = json.load(sys.stdin)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    sys.path[:0] = request["path"]
    reading.is_going_on = True
    found = {name: _module(name, names) for name, names in request["modules"].items()}
    with open(answer_to, "w", encoding="utf-8") as file:
        json.dump(found, file)
    os._exit(0)  # threads of the user's modules are not waited for


def _module(name: str, names: list[str]) -> ModuleShape:
    try:
        module = importlib.import_module(name)
    except BaseException as error:  # whatever a module raises, `SystemExit` too, is its own
        return ModuleShape(error=reading.told(error, name), names={}, known=[])
    return reading.module_shape(module, names)


if __name__ == "__main__":
    main()
