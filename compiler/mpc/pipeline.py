"""A file's text becomes its Python module: parse -> check -> take up its tuning -> hints -> lower -> emit.

The last two have nothing to say to the user, and wait until somebody wants the module. Nothing here touches a
file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256

from microprompt import abi

from . import __version__
from .codegen import emit
from .diagnostics import Diagnostic, has_errors
from .lower import lower
from .sema import CheckedModule, check, hints
from .source import Source
from .syntax.allowed import without_allowed
from .syntax.items import Module
from .tuning import TuningFile, take_up


@dataclass(frozen=True)
class Compiled:
    """What came of a file; it `is_whole` without an error in it and in what it imports.

    `checked` is there all the same: errors in one file do not hide those of the files that import it.
    """

    checked: CheckedModule
    diagnostics: tuple[Diagnostic, ...]
    is_whole: bool

    @cached_property
    def text(self) -> str | None:
        """The Python module, `None` if the file is not whole. Raises `InternalError`."""
        if not self.is_whole:
            return None
        return emit(
            lower(self.checked),
            abi_version=abi.CURRENT,
            compiler_version=__version__,
            digest=digest(self.checked),
        )


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an imported file, and the Python module that it will be imported as."""

    compiled: Compiled
    python: tuple[str, ...]


def compile_module(
    source: Source,
    tree: Module,
    parse_diagnostics: Sequence[Diagnostic],
    imported: Mapping[str, Imported | None],
    tuning: TuningFile | None = None,
) -> Compiled:
    """Check a file that `parse` has read, for its tree tells what must be `imported` first.

    An import is `None` when the caller has reported why there is none. `tuning` is what lies beside the file.
    """
    modules = {path: found.compiled.checked if found else None for path, found in imported.items()}
    checked, check_diagnostics = check(tree, source, modules)
    diagnostics = (*parse_diagnostics, *check_diagnostics)
    incomplete = any(found is None or not found.compiled.is_whole for found in imported.values())
    if incomplete or has_errors(diagnostics):
        return Compiled(checked, without_allowed(source, diagnostics), is_whole=False)
    imports = tuple(
        replace(item, python=found.python)
        for item in checked.imports
        if (found := imported[item.path]) is not None
    )
    checked, tuning_diagnostics = take_up(replace(checked, imports=imports), tuning)
    diagnostics = (*diagnostics, *tuning_diagnostics, *hints(checked))
    return Compiled(checked, without_allowed(source, diagnostics), is_whole=True)


def digest(module: CheckedModule) -> str:
    """A hash of a file's text, of the text of all that it imports, and of the keys of the tunings taken up
    in it; where it has flows, whose waves go by what is tuned, in all of them. When it is unchanged, so is
    the generated module.

    Paths are left out: how a file is shown depends on what else is built.
    """
    own = sha256(module.source.text.encode()).digest()
    hashes: dict[bytes, bytes] = {}
    pending = [module]
    while pending:
        reached = pending.pop()
        found = sha256(reached.source.text.encode()).digest()
        if found not in hashes:
            keys = (f"{each.name}:{each.tuning.key}".encode() for each in reached.prompts if each.tuning)
            hashes[found] = b"".join(keys)
            pending.extend(item.module for item in reached.imports if item.module is not None)
    others = (hashes[each] for each in sorted(hashes) if each != own and module.flows)
    tuned = hashes[own], *others
    return sha256(b"".join((own, *sorted(hashes), *tuned))).hexdigest()
