"""The checked tree of a file becomes the plain data of its generated module."""

from __future__ import annotations

import builtins
import keyword
import posixpath
from collections.abc import Iterator, Sequence
from typing import Final

from microprompt.locations import is_path

from .bodies import lowered, split_body
from .diagnostics import InternalError
from .expressions.signatures import CheckedParameter, FlowSignature, FunctionSignature, PromptSignature
from .flows import FlowPlan, costs_of, effectful, names_of, plan, statements
from .sema.checked import (
    CheckedImport,
    CheckedImported,
    CheckedModel,
    CheckedModule,
    CheckedPrompt,
    CheckedThreshold,
    CheckedTuning,
    CheckedUsing,
    Symbol,
)
from .sema.checked_cases import CheckedCase, CheckedRowsFile, CheckedScript
from .sema.checked_flows import CheckedFlow
from .sema.imported import imports_of
from .sema.python_names import USED_IN_FLOWS
from .spec import (
    CallOf,
    CircleSpec,
    Constant,
    Expr,
    FlowSpec,
    ImportSpec,
    ModelSpec,
    ModuleSpec,
    ParameterSpec,
    PromptSpec,
    Ref,
    ToolSpec,
    TupleOf,
)
from .types import NamedType
from .types.base import PYTHON
from .types.python import abi_call, given

_WAVES: Final = ("agather", "agather_lists", "gather", "gather_lists")
"""What flows call of the runtime in their statements."""


def lower(module: CheckedModule) -> ModuleSpec:
    """Lower a file without errors."""
    return _Lowering(module).module()


class _Lowering:
    """Lowers one file; keeps which imports the result needs."""

    def __init__(self, module: CheckedModule) -> None:
        self._module = module
        self._own = {type.name for type in module.types}
        # Types that are needed by name but have none here: local name -> module and name there.
        self._hidden: dict[str, tuple[tuple[str, ...], str]] = {}
        self._used_modules: set[str] = set()
        self._refs: dict[tuple[str, str], Ref] = {}
        self._standard: set[ImportSpec] = set()
        self._runtime: set[str] = set()
        self._own_models = frozenset(module.models)
        # What the program means something by, in the module or in a flow.
        self._called = {*module.exports, *(name for flow in module.flows for name in names_of(flow))}
        qualifiers = {(item.alias or item.path).split(".")[0] for item in module.imports if not item.names}
        self._known = {*module.exports, *qualifiers, *USED_IN_FLOWS, *_WAVES}
        self._private = {
            *(_constant(model) for model in module.models),
            *(f"_{flow.name}" for flow in module.flows),
            *(f"_{tool}" for tool in self._tools()),
        }

    def module(self) -> ModuleSpec:
        module = self._module
        models = tuple(ModelSpec(_constant(model), self._model_value(model)) for model in module.models)
        types = tuple(type.definition(self) for type in module.types)
        prompts = tuple(self._prompt(prompt) for prompt in module.prompts)
        flows = tuple(self._flows())
        tools = tuple(
            ToolSpec(name, CallOf(self.runtime("tool"), (Ref((f"_{name}",)),))) for name in self._tools()
        )
        imports = self._imports()
        imported = {each.local for item in module.imports for each in item.names if not self._is_model(each)}
        called = {*(prompt.name for prompt in module.prompts), *(flow.name for flow in module.flows)}
        exports = sorted({*imported, *self._own, *called})
        return ModuleSpec(
            source=module.source.path,
            docstring=module.docstring,
            imports=(*imports, *self._standard_imports()),
            exports=tuple(exports),
            digests=tuple(self._digests()),
            models=models,
            types=types,
            circles=_circles(module.types),
            prompts=prompts,
            tools=tools,
            flows=flows,
            runtime=tuple(sorted(self._runtime)),
        )

    # ----------------------------------------------------------------------------------------- imports

    def _imports(self) -> tuple[ImportSpec, ...]:
        found = []
        for item in self._module.imports:
            if item.names:
                # Models are private to their module: a prompt that uses one holds a copy.
                names = tuple(
                    (each.name, self._imported_as(each, item))
                    for each in item.names
                    if not self._is_model(each)
                )
                if names:
                    found.append(ImportSpec(item.python, names))
            elif (item.alias or item.path) in self._used_modules:
                found.append(ImportSpec(item.python, alias=item.alias))
        for local, (python, name) in self._hidden.items():
            found.append(ImportSpec(python, ((name, local),)))
        return tuple(found)

    def _standard_imports(self) -> Iterator[ImportSpec]:
        yield from sorted(self._standard, key=lambda item: (item.module, item.names))

    def _digests(self) -> Iterator[tuple[str, str]]:
        for item in self._module.imports:
            assert item.module is not None
            for each in item.names:
                if each.name in item.module.digests:
                    yield self._imported_as(each, item) or each.local, item.module.digests[each.name]

    def _imported_as(self, imported: CheckedImported, item: CheckedImport) -> str | None:
        """The name under which it is imported, if that is another: a function of Python gets its own once it
        is a tool."""
        if self._is_function(imported, item):
            return f"_{imported.local}"
        return None if imported.local == imported.name else imported.local

    def _tools(self) -> Iterator[str]:
        """The functions of Python, as they are called here."""
        for item in self._module.imports:
            yield from (each.local for each in item.names if self._is_function(each, item))

    def _is_function(self, imported: CheckedImported, item: CheckedImport) -> bool:
        """Whether Python has it as a function; from another file it comes as a tool."""
        is_function = isinstance(self._module.exports[imported.local], FunctionSignature)
        return is_function and item.path.startswith(PYTHON)

    def _is_model(self, imported: CheckedImported) -> bool:
        return isinstance(self._module.exports[imported.local], CheckedModel)

    def imported(self, module: str, name: str) -> Ref:
        """A name of the standard library. It must be one that no program can declare."""
        self._standard.add(ImportSpec(tuple(module.split(".")), ((name, None),)))
        return Ref((name,))

    def library(self, module: str, alias: str) -> Ref:
        self._standard.add(ImportSpec(tuple(module.split(".")), alias=None if alias == module else alias))
        return Ref((alias,))

    def is_taken(self, name: str) -> bool:
        return keyword.iskeyword(name) or name in self._known or hasattr(builtins, name)

    def builtin(self, name: str) -> Ref:
        """A function of Python, by its module's name where the program calls something else so."""
        if name not in self._called:
            return Ref((name,))
        return Ref((*self.library("builtins", "builtins").path, name))

    def runtime(self, name: str) -> Ref:
        if name in self._called:
            return Ref((self._hidden_name((("microprompt",), name)),))
        self._runtime.add(name)
        return Ref((name,))

    def named(self, type: NamedType) -> Ref:
        """The expression for a named type in this module, importing it under a private name if need be."""
        return self._ref(type.origin, type.name)

    def function(self, origin: str, name: str) -> Ref:
        """The expression for what is called."""
        return self._ref(origin, name)

    def _ref(self, origin: str, name: str) -> Ref:
        key = (origin, name)
        if key not in self._refs:
            self._refs[key] = self._named(origin, name)
        return self._refs[key]

    def _named(self, origin: str, name: str) -> Ref:
        if origin == self._module.source.path:
            return Ref((name,))
        exporting = [
            (item, found) for item in self._module.imports if (found := _exported(item, origin, name))
        ]
        for item, _ in exporting:
            for each in item.names:
                if _is(self._module.exports[each.local], origin, name):
                    return Ref((each.local,))
        for item, exported in exporting:
            if item.alias is not None:
                self._used_modules.add(item.alias)
                return Ref((item.alias, exported))
            # Where the module has another name in Python, its first word may be one of this file's own.
            if not item.names and item.python[0] in (item.path.split(".")[0], "mpstd"):
                self._used_modules.add(item.path)
                return Ref((*item.python, exported))
        return self._hidden_ref(origin, name)

    def _hidden_ref(self, origin: str, name: str) -> Ref:
        if origin.startswith(PYTHON):
            return self._hidden_python(origin, name)
        # It is part of something imported: it comes from a module that one of the imports imports.
        for item, module in imports_of(self._module):
            if module.source.path == origin:
                return Ref((self._hidden_name((item.python, name)),))
        raise InternalError("lower", f"no import leads to {name}")

    def _hidden_python(self, origin: str, name: str) -> Ref:
        module, _, outer = origin.removeprefix(PYTHON).partition(":")
        first, *rest = f"{outer}.{name}".strip(".").split(".")
        return Ref((self._hidden_name((tuple(module.split(".")), first)), *rest))

    def _hidden_name(self, target: tuple[tuple[str, ...], str]) -> str:
        """What is imported from there is called by a name that no program has."""
        local = f"_{target[1]}"
        while local in self._private or self._hidden.get(local, target) != target:
            local += "_"
        self._hidden[local] = target
        return local

    # ------------------------------------------------------------------------------------ declarations

    def _model_value(self, model: CheckedModel) -> CallOf:
        return abi_call(
            "Model",
            name=Constant(_location(model, self._module.source.path)),
            context=given(model.context),
            layout=given(model.layout),
        )

    def _prompt(self, prompt: CheckedPrompt) -> PromptSpec:
        body = split_body(prompt.parts)
        laid_out = abi_call(
            "Body",
            source=Constant(self._module.source.path),
            line=Constant(prompt.line),
            instruction=Constant(body.instruction),
            opening=lowered(body.opening, self) if body.opening else None,
            input=lowered(body.input, self),
            cue=Constant(body.cue),
            examples=self._cases(prompt.examples, prompt),
            tests=self._cases(prompt.tests, prompt),
            tests_from=_tests_from(prompt.tests_from),
            using=self._using(prompt.using),
            tuning=_tuning(prompt.tuning),
        )
        parameters = self._parameters(prompt.parameters)
        return PromptSpec(
            prompt.name, parameters, prompt.returns.annotation(self), prompt.english.strip(), laid_out
        )

    def _flows(self) -> Iterator[FlowSpec]:
        if self._module.flows:
            effects, costs = effectful(self._module), costs_of(self._module)
            for flow in self._module.flows:
                yield self._flow(flow, plan(flow, effects, costs, self.is_taken))

    def _flow(self, flow: CheckedFlow, planned: FlowPlan) -> FlowSpec:
        return FlowSpec(
            name=flow.name,
            parameters=self._parameters(flow.parameters),
            returns=flow.returns.annotation(self),
            docstring=flow.docstring,
            decorator=self.runtime("flow"),
            statements=statements(planned, self, in_tasks=False),
            in_tasks=statements(planned, self, in_tasks=True),
            table=abi_call(
                "Flow",
                source=Constant(self._module.source.path),
                line=Constant(flow.line),
                timeout=given(flow.timeout),
                tests=self._flow_tests(flow),
                tests_from=_tests_from(flow.tests_from),
            ),
        )

    def _flow_tests(self, flow: CheckedFlow) -> Expr | None:
        if not flow.tests:
            return None
        return TupleOf(
            tuple(
                abi_call(
                    "FlowTest",
                    arguments=self._arguments(case, flow.parameters),
                    answer=flow.returns.value(case.answer, self),
                    line=Constant(case.line),
                    given=self._scripts(case.scripts),
                )
                for case in flow.tests
            )
        )

    def _scripts(self, scripts: Sequence[CheckedScript]) -> Expr | None:
        """What is called in a test, with each of its answers."""
        if not scripts:
            return None
        return TupleOf(
            tuple(
                TupleOf(
                    (
                        self.function(said.callee.origin, said.callee.name),
                        said.callee.returns.value(answer, self),
                    )
                )
                for said in scripts
                for answer in said.answers
            )
        )

    def _arguments(self, case: CheckedCase, parameters: Sequence[CheckedParameter]) -> Expr:
        pairs = zip(case.arguments, parameters, strict=True)
        return TupleOf(tuple(parameter.type.value(value, self) for value, parameter in pairs))

    def _parameters(self, parameters: Sequence[CheckedParameter]) -> tuple[ParameterSpec, ...]:
        return tuple(
            ParameterSpec(
                parameter.name,
                parameter.type.annotation(self),
                parameter.type.value(parameter.default, self) if parameter.has_default else None,
            )
            for parameter in parameters
        )

    def _cases(self, cases: Sequence[CheckedCase], prompt: CheckedPrompt) -> Expr | None:
        if not cases:
            return None
        return TupleOf(
            tuple(
                abi_call(
                    "Example",
                    arguments=self._arguments(case, prompt.parameters),
                    answer=prompt.returns.value(case.answer, self),
                    line=Constant(case.line),
                )
                for case in cases
            )
        )

    def _using(self, using: CheckedUsing) -> Expr | None:
        escalate: Expr | None = None
        if using.escalate is not None:
            escalate = abi_call(
                "Escalation", model=self._model(using.escalate.model), when=_threshold(using.escalate.when)
            )
        made = abi_call(
            "Using",
            model=None if using.model is None else self._model(using.model),
            temperature=given(using.temperature or None),
            seed=given(using.seed),
            timeout=given(using.timeout),
            max_tokens=given(using.max_tokens),
            independent=Constant(True) if using.independent else None,
            decide=given(using.decide),
            abstain=None if using.abstain is None else _threshold(using.abstain),
            escalate=escalate,
            retries=given(using.retries),
            layout=given(using.layout),
            reasoning=given(using.reasoning),
        )
        return made if made.keywords else None

    def _model(self, model: CheckedModel) -> Expr:
        return Ref((_constant(model),)) if model in self._own_models else self._model_value(model)


def _circles(types: Sequence[NamedType]) -> tuple[CircleSpec, ...]:
    """The circles of a file's own records, each once."""
    found = {type.in_circle: None for type in types if type.in_circle is not None}
    return tuple(CircleSpec(tuple(circle.records), circle.depth) for circle in found)


def _tests_from(files: Sequence[CheckedRowsFile]) -> Expr | None:
    return TupleOf(tuple(map(_rows_file, files))) if files else None


def _rows_file(found: CheckedRowsFile) -> Expr:
    bounds = tuple(TupleOf((Constant(measure), Constant(least))) for measure, least in found.bounds)
    return abi_call(
        "TestsFrom",
        file=Constant(found.file),
        line=Constant(found.line),
        bounds=TupleOf(bounds) if bounds else None,
    )


def _threshold(threshold: CheckedThreshold) -> Expr:
    return abi_call("Threshold", below=given(threshold.below), reach=given(threshold.reach))


def _tuning(tuning: CheckedTuning | None) -> Expr | None:
    if tuning is None:
        return None
    return abi_call("Tuning", file=Constant(tuning.file), key=Constant(tuning.key))


# ----------------------------------------------------------------------------------------------- pieces


def _exported(item: CheckedImport, origin: str, name: str) -> str | None:
    """The name under which an import's module has a type or prompt of a file."""
    exports = item.module.exports if item.module is not None else {}
    if name in exports and _is(exports[name], origin, name):
        return name
    return next((each for each, found in exports.items() if _is(found, origin, name)), None)


def _is(found: Symbol, origin: str, name: str) -> bool:
    if not isinstance(found, NamedType | PromptSignature | FlowSignature | FunctionSignature):
        return False
    return (found.origin, found.name) == (origin, name)


def _constant(model: CheckedModel) -> str:
    return f"_{model.name}"


def _location(model: CheckedModel, source: str) -> str:
    """A registered name as it is; the path of a file as seen from the generated module that uses it."""
    location = model.location
    moves = is_path(location) and not location.startswith(("/", "~"))
    if not moves or model.origin == source:
        return location
    here = posixpath.dirname(source) or "."
    moved = posixpath.relpath(posixpath.join(posixpath.dirname(model.origin), location), here)
    return moved if moved.startswith("..") else f"./{moved}"
