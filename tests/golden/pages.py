"""The pages beside this file: each shows a program and the module that it becomes.

`shop/stock.md` holds `shop/stock.mp` in a block marked `mp`, and `shop/stock.py` in one marked `python`. A
block of Python whose first line is `# file: tools.py` is a module of the user's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent
NAMES = tuple(sorted(page.relative_to(FOLDER).with_suffix("").as_posix() for page in FOLDER.rglob("*.md")))

_FILE = re.compile(r"# file: (\S+)\n")
_BLOCK = re.compile(r"^```(mp|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def source(name: str) -> str:
    """The program of a page."""
    return _blocks(name)["mp"]


def module(name: str) -> str:
    """The module that the program of a page becomes."""
    return _blocks(name)["python"]


def unpack(root: Path) -> Path:
    """Write all programs into the project `root`, where they lie as they do in this one; gives the folder."""
    folder = root / "tests" / "golden"
    for name in NAMES:
        path = folder / f"{name}.mp"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source(name), encoding="utf-8")
    _unpack_users(folder)
    (root / "pyproject.toml").touch()
    return folder


def unpack_modules(folder: Path) -> None:
    """Write all modules into `folder`."""
    for name in NAMES:
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(module(name), encoding="utf-8")
    _unpack_users(folder)


def _unpack_users(folder: Path) -> None:
    """Write the modules of users into `folder`."""
    for name in NAMES:
        for kind, text in _blocks(name).items():
            if file := _FILE.match(kind):
                (folder / file[1]).write_text(text, encoding="utf-8")


def rewrite(name: str, module: str) -> None:
    """Let a page show another module."""
    page = FOLDER / f"{name}.md"
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace(_blocks(name)["python"], module), encoding="utf-8")


def _blocks(name: str) -> Mapping[str, str]:
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    blocks = ((match[1], match[2]) for match in _BLOCK.finditer(text))
    return {file[0] if (file := _FILE.match(block)) else kind: block for kind, block in blocks}
