"""The syntax tree of a file becomes its checked tree."""

from __future__ import annotations

from collections.abc import Mapping

from ..diagnostics import Diagnostic, Reporter
from ..expressions.signatures import FunctionSignature
from ..source import Source
from ..syntax import nodes
from ..syntax.flow_nodes import FlowDecl
from ..syntax.items import Module, TypeDeclaration
from ..types.base import Broken
from .calls import report_circles
from .checked import CheckedModule, Symbol
from .checked_flows import CheckedFlow
from .flows import called_by, check_flow, check_flow_signature, report_flow_circles, with_clauses
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
    functions = _functions(module, resolver, reporter) if origins is not None else {}
    flows = _flows(module, scope, resolver, reporter) if origins is None else ()
    exports: dict[str, Symbol] = {name: Broken() for name in module.broken}
    exports.update(scope.imported)
    exports.update(models)
    for name, declaration in scope.declared.items():
        if isinstance(declaration, nodes.PromptDecl):
            exports[name] = resolver.signatures[name]
        elif isinstance(declaration, FlowDecl):
            exports[name] = functions[name] if functions else resolver.flow_signatures[name]
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


def _functions(
    module: Module, resolver: TypeResolver, reporter: Reporter
) -> Mapping[str, FunctionSignature]:
    """The functions of a Python module, whose headers are written as those of flows."""
    headers = (
        check_flow_signature(declaration, resolver, reporter)
        for declaration in module.declarations
        if isinstance(declaration, FlowDecl)
    )
    return {
        header.name: FunctionSignature(
            origin=header.origin,
            name=header.name,
            parameters=header.parameters,
            returns=header.returns,
            span=header.span,
        )
        for header in headers
    }


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
    flows = [
        check_flow(declaration, signature, scope, resolver, reporter) for declaration, signature in headed
    ]
    report_flow_circles(flows, reporter)
    by_name = {flow.name: flow for flow in flows}
    return tuple(
        with_clauses(
            flow, declaration, signature, called_by(flow, by_name, reporter.source.path), resolver, reporter
        )
        for flow, (declaration, signature) in zip(flows, headed, strict=True)
    )
