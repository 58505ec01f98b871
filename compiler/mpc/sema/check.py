"""The syntax tree of a file becomes its checked tree."""

from __future__ import annotations

from collections.abc import Mapping

from ..diagnostics import Diagnostic, Reporter
from ..source import Source
from ..syntax import nodes
from ..syntax.flow_nodes import FlowDecl
from ..syntax.items import Module, TypeDeclaration
from ..types.base import Broken
from .calls import report_circles
from .checked import CheckedModule, Symbol
from .checked_flows import CheckedFlow
from .flows import check_flow, check_flow_signature
from .names import Scope, declare
from .prompts import check_prompt, check_signature
from .resolve import TypeResolver
from .settings import check_model


def check(
    module: Module,
    source: Source,
    imported: Mapping[str, CheckedModule | None],
    origins: Mapping[str, str] | None = None,
) -> tuple[CheckedModule, list[Diagnostic]]:
    """Resolve every name, and report everything that does not hold.

    `imported` maps each imported path, such as `std.request`, to its module, or to `None` when the caller has
    reported why there is none. `origins` says where each type is from, of what is no file but Python's. The
    result is what other files may import even where something was reported.
    """
    reporter = Reporter(source)
    scope = declare(module, imported, reporter, is_generated=origins is None)
    resolver = TypeResolver(scope, reporter, origins)
    models = {
        name: check_model(declaration, reporter)
        for name, declaration in scope.declared.items()
        if isinstance(declaration, nodes.ModelDecl)
    }
    for declaration in scope.declared.values():
        if isinstance(declaration, TypeDeclaration):
            resolver.declared(declaration)
    resolver.check_circles()
    # A second declaration of a name is out of scope, but its own mistakes are as real as any.
    headed = [
        (declaration, check_signature(declaration, resolver, reporter))
        for declaration in module.declarations
        if isinstance(declaration, nodes.PromptDecl)
    ]
    for _, signature in headed:
        resolver.signatures.setdefault(signature.name, signature)
    prompts = [
        check_prompt(declaration, signature, resolver, models, reporter) for declaration, signature in headed
    ]
    report_circles(prompts, reporter)
    flows = _flows(module, scope, resolver, reporter)
    exports: dict[str, Symbol] = {name: Broken() for name in module.broken}
    exports.update(scope.imported)
    exports.update(models)
    for name, declaration in scope.declared.items():
        if isinstance(declaration, nodes.PromptDecl):
            exports[name] = resolver.signatures[name]
        elif isinstance(declaration, FlowDecl):
            exports[name] = resolver.flow_signatures[name]
        elif isinstance(declaration, TypeDeclaration):
            exports[name] = resolver.declared(declaration)
    checked = CheckedModule(
        source=source,
        docstring=module.docstring.text if module.docstring else None,
        imports=scope.checked_imports(resolver.used),
        models=tuple(models.values()),
        types=tuple(resolver.complete),
        prompts=tuple(prompts),
        flows=flows,
        exports=exports,
    )
    return checked, reporter.found


def _flows(
    module: Module, scope: Scope, resolver: TypeResolver, reporter: Reporter
) -> tuple[CheckedFlow, ...]:
    """The flows of a file. They call prompts and one another, so all headers come before all statements."""
    headed = [
        (declaration, check_flow_signature(declaration, resolver, reporter))
        for declaration in module.declarations
        if isinstance(declaration, FlowDecl)
    ]
    for _, signature in headed:
        resolver.flow_signatures.setdefault(signature.name, signature)
    return tuple(
        check_flow(declaration, signature, scope, resolver, reporter) for declaration, signature in headed
    )
