"""Names: what a file declares and imports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..diagnostics import Reporter
from ..syntax import nodes
from ..syntax.nodes import Declaration, ImportModule, ImportNames, Module, Name, Path
from ..types import NamedType
from ..types.base import Broken
from .checked import CheckedImport, CheckedModule, Symbol
from .distinct import Distinct
from .python_names import check_declared_name, check_python_name


@dataclass(frozen=True, slots=True)
class Scope:
    """The names of a file; `modules` holds each imported module under the words that qualify its contents."""

    declared: Mapping[str, Declaration]
    imported: Mapping[str, Symbol]
    modules: Mapping[str, CheckedModule | None]
    broken: frozenset[str]
    imports: tuple[CheckedImport, ...]

    def type_names(self) -> frozenset[str]:
        """The names of the types that are in scope without a qualifier."""
        own = {name for name, found in self.declared.items() if isinstance(found, nodes.TypeDeclaration)}
        imported = {name for name, found in self.imported.items() if isinstance(found, NamedType)}
        return frozenset(own | imported)

    def member(self, path: Path) -> Symbol | None:
        """What a qualified path names in an imported module; `None` when there is nothing."""
        qualifier = ".".join(name.text for name in path.names[:-1])
        if qualifier not in self.modules:
            return None
        module = self.modules[qualifier]
        return Broken() if module is None else module.exports.get(path.names[-1].text)


def declare(module: Module, imported: Mapping[str, CheckedModule | None], reporter: Reporter) -> Scope:
    """Collect the names of a file; report those that are declared twice or cannot be used.

    `imported` holds, for every imported path, the module, or `None` when it has been reported as missing.
    """
    return _Declarations(imported, reporter).scope(module)


class _Declarations:
    def __init__(self, imported: Mapping[str, CheckedModule | None], reporter: Reporter) -> None:
        self._imported = imported
        self._reporter = reporter
        self._roots: set[str] = set()  # the first words of imported modules
        self._own = Distinct(reporter, code="MP0201")

    def scope(self, module: Module) -> Scope:
        symbols: dict[str, Symbol] = {}
        modules: dict[str, CheckedModule | None] = {}
        imports: list[CheckedImport] = []
        for item in module.imports:
            for name in item.path.names:
                check_python_name(name, self._reporter, with_label=False)
            target = self._imported[item.path.text]
            if isinstance(item, ImportModule):
                self._import_module(item, target, modules)
                alias = item.alias.text if item.alias else None
                imports.append(
                    CheckedImport(path=item.path.text, alias=alias, names=(), module=target, span=item.span)
                )
            else:
                self._import_names(item, target, symbols)
                names = tuple(name.text for name in item.names)
                imports.append(
                    CheckedImport(path=item.path.text, alias=None, names=names, module=target, span=item.span)
                )
        declared: dict[str, Declaration] = {}
        for declaration in module.declarations:
            if self._take(declaration.name):
                declared[declaration.name.text] = declaration
        return Scope(
            declared=declared,
            imported=symbols,
            modules=modules,
            broken=module.broken,
            imports=tuple(imports),
        )

    def _import_module(
        self, item: ImportModule, target: CheckedModule | None, modules: dict[str, CheckedModule | None]
    ) -> None:
        if item.alias is not None:
            if self._take(item.alias):
                modules[item.alias.text] = target
            return
        # `import a.b` and `import a.c` both bind `a`; only something else called `a` is in the way.
        root = item.path.names[0]
        if root.text in self._roots or self._take(root):
            self._roots.add(root.text)
            modules[item.path.text] = target

    def _import_names(
        self, item: ImportNames, target: CheckedModule | None, symbols: dict[str, Symbol]
    ) -> None:
        for name in item.names:
            found = Broken() if target is None else target.exports.get(name.text)
            if found is None and target is not None:
                self._reporter.report(
                    "MP0703",
                    name.span,
                    f"`{item.path.text}` has no `{name.text}`",
                    label=f"{target.source.display} does not declare it",
                    help=self._reporter.suggestion(name.text, target.exports),
                )
            if self._take(name):
                symbols[name.text] = found or Broken()

    def _take(self, name: Name) -> bool:
        """Claim a name of the file; whether it is usable at all."""
        if not self._own.take(name):
            return False
        check_declared_name(name, self._reporter)
        return True
