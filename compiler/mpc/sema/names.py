"""Names: what a file declares and imports."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ..diagnostics import Reporter, listed
from ..syntax.items import Declaration, Module, TypeDeclaration
from ..syntax.nodes import Import, ImportModule, ImportNames, Name, Path
from ..types import NamedType
from ..types.base import Broken
from .checked import CheckedImport, CheckedImported, CheckedModule, Symbol
from .distinct import Distinct
from .python_names import check_declared_name, check_python_name


@dataclass(frozen=True, slots=True)
class Scope:
    """The names of a file; `modules` holds each imported module under the words that qualify its contents."""

    declared: Mapping[str, Declaration]
    imported: Mapping[str, Symbol]
    modules: Mapping[str, CheckedModule | None]
    broken: frozenset[str]
    imports: tuple[tuple[Import, CheckedModule | None], ...]

    def type_names(self) -> frozenset[str]:
        """The names of the types that are in scope without a qualifier."""
        own = {name for name, found in self.declared.items() if isinstance(found, TypeDeclaration)}
        imported = {name for name, found in self.imported.items() if isinstance(found, NamedType)}
        return frozenset(own | imported)

    def names(self) -> frozenset[str]:
        """Everything that has a name in the file, modules by the first of their words."""
        roots = {module.partition(".")[0] for module in self.modules}
        return frozenset({*self.declared, *self.imported, *self.broken, *roots})

    def member(self, path: Path) -> Symbol | None:
        """What a qualified path names in an imported module; `None` when there is nothing."""
        qualifier = path.qualifier
        if qualifier is None or qualifier.text not in self.modules:
            return None
        module = self.modules[qualifier.text]
        return Broken() if module is None else module.exports.get(path.names[-1].text)

    def checked_imports(self, used: Collection[str]) -> tuple[CheckedImport, ...]:
        """The imports; `used` are the names and qualifiers that the file needs."""
        return tuple(_checked(item, module, used) for item, module in self.imports)


def _checked(item: Import, module: CheckedModule | None, used: Collection[str]) -> CheckedImport:
    if isinstance(item, ImportModule):
        qualifier = (item.alias or item.path).text
        return CheckedImport(
            path=item.path.text,
            alias=item.alias.text if item.alias else None,
            names=(),
            module=module,
            is_used=qualifier in used,
            span=item.span,
        )
    names = tuple(
        CheckedImported(
            name=each.name.text,
            local=each.local.text,
            is_used=each.local.text in used,
            is_for_others=each.alias is not None and each.alias.text == each.name.text,
            span=each.span,
        )
        for each in item.names
    )
    return CheckedImport(
        path=item.key,
        alias=None,
        names=names,
        module=module,
        is_used=any(each.is_used for each in names),
        span=item.span,
    )


def declare(
    module: Module,
    imported: Mapping[str, CheckedModule | None],
    reporter: Reporter,
    *,
    is_generated: bool,
) -> Scope:
    """Collect the names of a file; report those that are declared twice or cannot be used.

    `imported` holds, for every imported path, the module, or `None` when it has been reported as missing.
    A module that is generated has names of its own, which are taken.
    """
    return _Declarations(imported, reporter, is_generated=is_generated).scope(module)


class _Declarations:
    def __init__(
        self, imported: Mapping[str, CheckedModule | None], reporter: Reporter, *, is_generated: bool
    ) -> None:
        self._imported = imported
        self._is_generated = is_generated
        self._reporter = reporter
        self._roots: set[str] = set()  # the first words of imported modules
        self._first: dict[str, Name | Path] = {}  # what each imported name comes with first
        self._own = Distinct(reporter, code="MP0201")

    def scope(self, module: Module) -> Scope:
        symbols: dict[str, Symbol] = {}
        modules: dict[str, CheckedModule | None] = {}
        for item in module.imports:
            for name in item.path.names:
                check_python_name(name, self._reporter, with_label=False)
            target = self._imported[item.key]
            if isinstance(item, ImportModule):
                self._import_module(item, target, modules)
            else:
                self._import_names(item, target, symbols)
        declared: dict[str, Declaration] = {}
        for declaration in module.declarations:
            if self._declare(declaration.name):
                declared[declaration.name.text] = declaration
        return Scope(
            declared=declared,
            imported=symbols,
            modules=modules,
            broken=module.broken,
            imports=tuple((item, self._imported[item.key]) for item in module.imports),
        )

    def _import_module(
        self, item: ImportModule, target: CheckedModule | None, modules: dict[str, CheckedModule | None]
    ) -> None:
        if item.alias is not None:
            if self._import(item.alias):
                modules[item.alias.text] = target
            return
        if self._is_second(item.path):
            return
        # `import a.b` and `import a.c` both bind `a`; only something else called `a` is in the way.
        root = item.path.names[0]
        if root.text in self._roots or self._import(root):
            self._roots.add(root.text)
            self._first[item.path.text] = item.path
            modules[item.path.text] = target

    def _import_names(
        self, item: ImportNames, target: CheckedModule | None, symbols: dict[str, Symbol]
    ) -> None:
        for each in item.names:
            name = each.name
            found = Broken() if target is None else target.exports.get(name.text)
            if found is None and target is not None:
                self._reporter.report(
                    "MP0703",
                    name.span,
                    f"`{item.path.text}` has no `{name.text}`",
                    label=f"{target.source.display} does not declare it",
                    help=self._reporter.suggestion(name.text, target.exports)
                    or listed(target.exports, before="it has")
                    or "it declares nothing",
                )
            if self._import(each.local):
                symbols[each.local.text] = found or Broken()

    def _import(self, name: Name) -> bool:
        """Claim a name for what is imported; whether it is usable at all."""
        if self._is_second(name) or not self._take(name):
            return False
        self._first[name.text] = name
        return True

    def _is_second(self, name: Name | Path) -> bool:
        first = self._first.get(name.text)
        if first is None:
            return False
        self._reporter.report(
            "MP0708",
            name.span,
            f"`{name.text}` is imported twice",
            label="imported again here",
            help=f"remove one of the two, or call it something else here: `{name.text} as another_name`",
            also=[(first.span, "first imported here")],
        )
        return True

    def _declare(self, name: Name) -> bool:
        """Claim a name for what is declared; whether it is usable at all."""
        first = self._first.get(name.text)
        if first is None:
            return self._take(name)
        self._reporter.report(
            "MP0709",
            name.span,
            f"`{name.text}` is imported and declared",
            label="what is declared here would hide what is imported",
            help=f"rename it, or call the other something else here: `{name.text} as another_name`",
            also=[(first.span, "imported here")],
        )
        return False

    def _take(self, name: Name) -> bool:
        if not self._own.take(name):
            return False
        check_declared_name(name, self._reporter, is_generated=self._is_generated)
        return True
