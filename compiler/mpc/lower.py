"""The checked tree of a file becomes the plain data of its generated module."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import Final, assert_never

from microprompt.locations import is_path

from .diagnostics import InternalError
from .sema.checked import Case, CheckedImport, CheckedModule, Hole, Model, Prompt, Using
from .sema.types import (
    AliasType,
    BoolType,
    EnumType,
    EnumValue,
    ErrorType,
    FloatType,
    IntType,
    ListType,
    ListValue,
    LiteralType,
    NamedType,
    OptionalType,
    RecordType,
    RecordValue,
    StrType,
    Type,
    Value,
)
from .spec import (
    AliasSpec,
    Call,
    Constant,
    EnumSpec,
    Expr,
    FieldSpec,
    ImportSpec,
    ListOf,
    ModelSpec,
    ModuleSpec,
    OrNone,
    ParameterSpec,
    PromptSpec,
    RecordSpec,
    Ref,
    Subscript,
    TupleOf,
    TypeSpec,
)

DEFAULT_CUE: Final = "Answer:"

_NONE: Final = Constant(None)
_PARAGRAPH: Final = re.compile(r"\n[ \t]*\n\s*")


def lower(module: CheckedModule) -> ModuleSpec:
    """Lower a file without errors."""
    return _Lowering(module).module()


def python_module(path: str) -> tuple[str, ...]:
    """The Python module of an imported path: `std.request` is `mpstd.request`."""
    first, *rest = path.split(".")
    return ("mpstd" if first == "std" else first, *rest)


class _Lowering:
    """Lowers one file; keeps which imports the result needs."""

    def __init__(self, module: CheckedModule) -> None:
        self._module = module
        self._own = {type.name for type in module.types}
        # Types that are needed by name but have none here: local name -> module and name there.
        self._hidden: dict[str, tuple[tuple[str, ...], str]] = {}
        self._used_modules: set[str] = set()

    def module(self) -> ModuleSpec:
        module = self._module
        models = tuple(ModelSpec(_constant(model), self._model_value(model)) for model in module.models)
        types = tuple(self._type_spec(type) for type in module.types)
        prompts = tuple(self._prompt(prompt) for prompt in module.prompts)
        imports = self._imports()
        imported = {name for spec in imports for name, alias in spec.names if alias is None}
        exports = sorted({*imported, *self._own, *(prompt.name for prompt in module.prompts)})
        return ModuleSpec(
            source=module.source.path,
            docstring=module.docstring,
            imports=imports,
            exports=tuple(exports),
            models=models,
            types=types,
            prompts=prompts,
        )

    # ----------------------------------------------------------------------------------------- imports

    def _imports(self) -> tuple[ImportSpec, ...]:
        found = []
        for item in self._module.imports:
            python = python_module(item.path)
            if item.names:
                # Models are private to their module: a prompt that uses one holds a copy.
                names = tuple((name, None) for name in item.names if not self._is_model(name))
                if names:
                    found.append(ImportSpec(python, names))
            elif (item.alias or item.path) in self._used_modules:
                found.append(ImportSpec(python, alias=item.alias))
        for local, (python, name) in self._hidden.items():
            found.append(ImportSpec(python, ((name, local),)))
        return tuple(found)

    def _is_model(self, name: str) -> bool:
        return isinstance(self._module.exports[name], Model)

    def _ref(self, type: NamedType) -> Ref:
        """The expression for a named type in this module, importing it under a private name if need be."""
        if type.origin == self._module.source.path:
            return Ref((type.name,))
        exporting = [item for item in self._module.imports if _exports(item, type)]
        if any(type.name in item.names for item in exporting):
            return Ref((type.name,))
        for item in exporting:
            if not item.names:
                self._used_modules.add(item.alias or item.path)
                return Ref((*((item.alias,) if item.alias else python_module(item.path)), type.name))
        return self._hidden_ref(type)

    def _hidden_ref(self, type: NamedType) -> Ref:
        # The type is part of an imported one: it comes from a module that one of the imports imports.
        queue = list(self._module.imports)
        for item in queue:
            assert item.module is not None
            if type in item.module.types:
                target = (python_module(item.path), type.name)
                break
            queue.extend(item.module.imports)
        else:
            raise InternalError("lower", f"no import leads to the type {type.name}")
        local = f"_{type.name}"
        models = {_constant(model) for model in self._module.models}
        while local in models or self._hidden.get(local, target) != target:
            local += "_"
        self._hidden[local] = target
        return Ref((local,))

    # ------------------------------------------------------------------------------------ declarations

    def _type_spec(self, type: NamedType) -> TypeSpec:
        match type:
            case AliasType():
                return AliasSpec(type.name, self._annotation(type.target))
            case EnumType():
                marks = tuple(
                    _abi(
                        "Member",
                        name=Constant(member.name),
                        label=Constant(member.label),
                        description=_text(member.description),
                    )
                    for member in type.members
                )
                return EnumSpec(type.name, tuple((m.name, m.description) for m in type.members), marks)
            case RecordType():
                fields = tuple(
                    FieldSpec(
                        field.name,
                        self._annotation(field.type),
                        self._value(field.default, field.type) if field.has_default else None,
                        field.description,
                    )
                    for field in type.fields
                )
                marks = tuple(
                    _abi(
                        "RecordField",
                        name=Constant(field.name),
                        label=Constant(field.label),
                        type=self._abi_type(field.type),
                        description=_text(field.description),
                    )
                    for field in type.fields
                )
                return RecordSpec(type.name, fields, marks)
            case _:
                assert_never(type)

    def _model_value(self, model: Model) -> Call:
        return _abi(
            "Model",
            name=Constant(_location(model, self._module.source.path)),
            context=_number(model.context),
            layout=_text(model.layout),
        )

    def _prompt(self, prompt: Prompt) -> PromptSpec:
        instruction, input, cue = split_body(prompt.parts)
        program = _abi(
            "Program",
            name=Constant(prompt.name),
            source=Constant(self._module.source.path),
            line=Constant(prompt.line),
            instruction=Constant(instruction),
            input=TupleOf(tuple(_part(part) for part in input)),
            cue=Constant(cue),
            parameters=TupleOf(
                tuple(
                    _abi(
                        "Parameter",
                        name=Constant(parameter.name),
                        type=self._abi_type(parameter.type),
                        required=Constant(False) if parameter.has_default else None,
                    )
                    for parameter in prompt.parameters
                )
            ),
            returns=self._abi_type(prompt.returns),
            examples=self._cases(prompt.examples, prompt),
            tests=self._cases(prompt.tests, prompt),
            using=self._using(prompt.using),
        )
        parameters = tuple(
            ParameterSpec(
                parameter.name,
                self._annotation(parameter.type),
                self._value(parameter.default, parameter.type) if parameter.has_default else None,
            )
            for parameter in prompt.parameters
        )
        return PromptSpec(
            prompt.name, parameters, self._annotation(prompt.returns), prompt.english.strip(), program
        )

    def _cases(self, cases: Sequence[Case], prompt: Prompt) -> Expr | None:
        if not cases:
            return None
        return TupleOf(
            tuple(
                _abi(
                    "Example",
                    arguments=TupleOf(
                        tuple(
                            self._value(value, parameter.type)
                            for value, parameter in zip(case.arguments, prompt.parameters, strict=True)
                        )
                    ),
                    answer=self._value(case.answer, prompt.returns),
                    line=Constant(case.line),
                )
                for case in cases
            )
        )

    def _using(self, using: Using) -> Expr | None:
        model: Expr | None = None
        if using.model in self._module.models:
            assert using.model is not None
            model = Ref((_constant(using.model),))
        elif using.model is not None:
            model = self._model_value(using.model)
        made = _abi(
            "Using",
            model=model,
            temperature=_number(using.temperature or None),
            seed=_number(using.seed),
            timeout=_number(using.timeout),
            max_tokens=_number(using.max_tokens),
            independent=Constant(True) if using.independent else None,
        )
        return made if made.keywords else None

    # ------------------------------------------------------------------------------------------- types

    def _annotation(self, type: Type) -> Expr:
        """The type as Python's type checkers and Pydantic read it."""
        match type:
            case AliasType() | EnumType() | RecordType():
                return self._ref(type)
            case StrType():
                pattern = None if type.pattern is None else Constant(f"^(?:{type.pattern})$")
                return _annotated(
                    Ref(("str",)),
                    min_length=_number(type.low or None),
                    max_length=_number(type.high),
                    pattern=pattern,
                )
            case IntType():
                return _annotated(Ref(("int",)), ge=_number(type.low), le=_number(type.high))
            case FloatType():
                return _annotated(Ref(("float",)), ge=_number(type.low), le=_number(type.high))
            case BoolType():
                return Ref(("bool",))
            case LiteralType():
                return Subscript(Ref(("Literal",)), tuple(Constant(value) for value in type.values))
            case ListType():
                return _annotated(
                    Subscript(Ref(("list",)), (self._annotation(type.item),)),
                    min_length=_number(type.low or None),
                    max_length=_number(type.high),
                )
            case OptionalType():
                return OrNone(self._annotation(type.item))
            case ErrorType():
                raise InternalError("lower", "a type with an error")
            case _:
                assert_never(type)

    def _abi_type(self, type: Type) -> Expr:
        """The type as the runtime reads it. Aliases are gone: they have no meaning of their own."""
        match type:
            case AliasType():
                return self._abi_type(type.target)
            case EnumType():
                return _abi("EnumType", python=self._ref(type))
            case RecordType():
                return _abi("RecordType", python=self._ref(type))
            case StrType():
                return _abi(
                    "StrType",
                    min_length=_number(type.low or None),
                    max_length=_number(type.high),
                    pattern=_text(type.pattern),
                )
            case IntType():
                return _abi("IntType", minimum=_number(type.low), maximum=_number(type.high))
            case FloatType():
                return _abi("FloatType", minimum=_number(type.low), maximum=_number(type.high))
            case BoolType():
                return _abi("BoolType")
            case LiteralType():
                return _abi("LiteralType", values=TupleOf(tuple(Constant(value) for value in type.values)))
            case ListType():
                return _abi(
                    "ListType",
                    item=self._abi_type(type.item),
                    min_count=_number(type.low or None),
                    max_count=_number(type.high),
                )
            case OptionalType():
                return _abi("OptionalType", item=self._abi_type(type.item))
            case ErrorType():
                raise InternalError("lower", "a type with an error")
            case _:
                assert_never(type)

    def _value(self, value: Value, type: Type) -> Expr:
        match value:
            case EnumValue():
                return Ref((*self._ref(value.type).path, value.member))
            case RecordValue():
                types = {field.name: field.type for field in value.type.fields}
                fields = tuple((name, self._value(item, types[name])) for name, item in value.fields)
                return Call(self._ref(value.type), keywords=fields)
            case ListValue():
                return ListOf(tuple(self._value(item, type) for item in value.items))
            case _:
                return Constant(value)


# ----------------------------------------------------------------------------------------------- bodies


def split_body(parts: Sequence[str | Hole]) -> tuple[str, tuple[str | Hole, ...], str]:
    """Instruction, input and cue of a body.

    The cue is the last line if that has no hole and ends in a colon. The input starts with the paragraph of
    the first hole; what stands before it is the instruction.
    """
    rest = list(parts)
    if rest and isinstance(rest[-1], str):
        rest[-1] = rest[-1].rstrip()
    cue = DEFAULT_CUE
    if rest and isinstance(rest[-1], str) and rest[-1].endswith(":"):
        before, newline, last = rest[-1].rpartition("\n")
        if newline:
            cue, rest[-1] = last.strip(), before.rstrip()
    if not any(isinstance(part, Hole) for part in rest):
        return "".join(part for part in rest if isinstance(part, str)).strip(), (), cue
    instruction = ""
    if isinstance(rest[0], str):
        breaks = list(_PARAGRAPH.finditer(rest[0]))
        at = breaks[-1].end() if breaks else 0
        instruction, rest[0] = rest[0][:at].strip(), rest[0][at:].lstrip()
    return instruction, tuple(part for part in rest if part != ""), cue


def _part(part: str | Hole) -> Expr:
    if isinstance(part, str):
        return Constant(part)
    path = TupleOf(tuple(Constant(name) for name in part.path)) if part.path else None
    return _abi("Hole", parameter=Constant(part.parameter), path=path)


# ----------------------------------------------------------------------------------------------- pieces


def _exports(item: CheckedImport, type: NamedType) -> bool:
    return item.module is not None and item.module.exports.get(type.name) == type


def _abi(function: str, **keywords: Expr | None) -> Call:
    """A call of `abi.function`; what is `None` is left to its default."""
    given = tuple((name, value) for name, value in keywords.items() if value is not None)
    return Call(Ref(("abi", function)), keywords=given)


def _annotated(type: Ref | Subscript, **constraints: Expr | None) -> Expr:
    given = tuple((name, value) for name, value in constraints.items() if value is not None)
    if not given:
        return type
    return Subscript(Ref(("Annotated",)), (type, Call(Ref(("Field",)), keywords=given)))


def _text(value: str | None) -> Expr | None:
    return None if value is None else Constant(value)


def _number(value: float | None) -> Expr | None:
    return None if value is None else Constant(value)


def _constant(model: Model) -> str:
    return f"_{model.name}"


def _location(model: Model, source: str) -> str:
    """A registered name as it is; the path of a file as seen from the generated module that uses it."""
    location = model.location
    moves = is_path(location) and not location.startswith(("/", "~"))
    if not moves or model.origin == source:
        return location
    here = posixpath.dirname(source) or "."
    moved = posixpath.relpath(posixpath.join(posixpath.dirname(model.origin), location), here)
    return moved if moved.startswith("..") else f"./{moved}"
