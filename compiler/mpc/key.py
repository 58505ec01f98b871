"""The key of a prompt: it stands for all that a model is told of it and can answer.

What `mpc tune` learns holds for one key. Another layout of the source has the same key, and so have other
comments, tests and settings, another name of the prompt, and other names of types: the model sees none of
them. Another word, description, example, range or order of members makes another key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Final, TypeAlias, assert_never

from .bodies import lowered, split_body
from .diagnostics import InternalError
from .sema.checked import CheckedHole, CheckedModule, CheckedPart, CheckedPrompt
from .sema.checked_cases import CheckedCase
from .sema.imported import modules_of
from .spec import (
    AliasSpec,
    CallOf,
    Constant,
    DictOf,
    EitherOf,
    EnumSpec,
    Expr,
    ListOf,
    Operation,
    OrNone,
    RecordSpec,
    Ref,
    Subscript,
    TupleOf,
    TypeSpec,
)
from .types import NamedType

DIGITS: Final = 32
"""How many hexadecimal digits a key has."""

_Said: TypeAlias = "str | int | float | bool | list[_Said] | None"
"""What goes into a key, as JSON data."""


def key_of(prompt: CheckedPrompt, module: CheckedModule) -> str:
    """The key of a prompt without errors: the beginning of a SHA-256, in hexadecimal digits.

    It is made of what `lower` would write, with the types and prompts that are named there put in the place
    of their names, whichever file they are from; `module` is the prompt's.
    """
    naming = _Contents(module)

    def case(found: CheckedCase) -> _Said:
        values = zip(prompt.parameters, found.arguments, strict=True)
        arguments = [naming.said(parameter.type.value(value, naming)) for parameter, value in values]
        return [*arguments, naming.said(prompt.returns.value(found.answer, naming))]

    def part(found: CheckedPart) -> _Said:
        if isinstance(found, CheckedHole) and found.format is None:
            return [found.parameter, *found.path]
        return found if isinstance(found, str) else naming.said(lowered((found,), naming))

    body = split_body(prompt.parts)
    said: list[_Said] = [
        [[parameter.name, naming.said(parameter.type.annotation(naming))] for parameter in prompt.parameters],
        naming.said(prompt.returns.annotation(naming)),
        body.instruction,
        [part(each) for each in body.input],
        body.cue,
        [case(example) for example in prompt.examples],
    ]
    if body.opening:
        said = [said, [part(each) for each in body.opening]]
    # The layout that a prompt says itself; that of a model is the model's.
    if prompt.using.layout is not None:
        said.append(["layout", prompt.using.layout])
    if prompt.using.reasoning is not None:
        said.append(["reasoning", prompt.using.reasoning])
    return _hash(said)[:DIGITS]


class _Contents:
    """Names a type by what it holds, so that expressions of equal contents are equal."""

    def __init__(self, module: CheckedModule) -> None:
        self._module = module
        self._found: dict[str, _Said] = {}
        self._open: list[str] = []

    def named(self, type: NamedType) -> Ref:
        name = f"{type.origin}:{type.name}"
        if name not in self._found:
            circle = type.in_circle
            # Inside itself, a record is told by how far out it is, for names are no part of a key.
            self._found[name] = ["again", len(self._open)]
            self._open.append(name)
            said = self._definition(type.definition(self))
            self._open.pop()
            self._found[name] = said if circle is None else ["circle", circle.depth, said]
        return Ref((name,))

    def function(self, origin: str, name: str) -> Ref:
        path = f"{origin}:{name}"
        if path not in self._found:
            module = _module_of(origin, self._module)
            prompt = next(each for each in module.prompts if each.name == name)
            # What a call leaves out is in no key of its own.
            left = (each for each in prompt.parameters if each.has_default)
            defaults: list[_Said] = [self.said(each.type.value(each.default, self)) for each in left]
            self._found[path] = ["prompt", key_of(prompt, module), *defaults]
        return Ref((path,))

    def imported(self, module: str, name: str) -> Ref:
        return Ref((f"{module}.{name}",))

    def library(self, module: str, alias: str) -> Ref:
        return Ref((module,))

    def is_taken(self, name: str) -> bool:
        return False

    def builtin(self, name: str) -> Ref:
        return Ref((name,))

    def runtime(self, name: str) -> Ref:
        return Ref((f"microprompt.{name}",))

    def said(self, value: Expr) -> _Said:
        match value:
            case Constant():
                return value.value
            case Ref():
                first, *rest = value.path
                contents = self._found.get(first, ["name", first])
                return ["member", contents, *rest] if rest else contents
            case CallOf():
                keywords: list[_Said] = [[name, self.said(item)] for name, item in value.keywords]
                return ["call", self.said(value.function), *map(self.said, value.arguments), *keywords]
            case DictOf():
                return ["entries", *([key, self.said(item)] for key, item in value.entries)]
            case TupleOf() | ListOf():
                return ["items", *map(self.said, value.items)]
            case Subscript():
                return ["of", self.said(value.of), *map(self.said, value.items)]
            case OrNone():
                return ["optional", self.said(value.item)]
            case EitherOf():
                return ["either", *map(self.said, value.items)]
            case Operation():
                return ["operation", [*value.words], *map(self.said, value.operands)]
            case _:
                assert_never(value)

    def _definition(self, spec: TypeSpec) -> _Said:
        """An alias is what it means. Enums and records become hashes: those that hold others share them, and
        written out they would be as many as there are ways to each."""
        match spec:
            case AliasSpec():
                return self.said(spec.annotation)
            case EnumSpec():
                members: list[_Said] = [list(member) for member in spec.members]
                return ["enum", _hash([members, *self._words(spec)])]
            case RecordSpec():
                fields: list[_Said] = [
                    [
                        field.name,
                        self.said(field.annotation),
                        field.default is not None and ["default", self.said(field.default)],
                        field.description,
                    ]
                    for field in spec.fields
                ]
                return ["record", _hash([fields, *self._words(spec)])]
            case _:
                assert_never(spec)

    def _words(self, spec: EnumSpec | RecordSpec) -> Iterator[_Said]:
        yield [[name, self.said(said)] for name, said in spec.words]
        if spec.own_words is not None:
            yield self.said(spec.own_words)


def _module_of(origin: str, importing: CheckedModule) -> CheckedModule:
    """The module of a source file that the imports lead to."""
    for module in modules_of(importing):
        if module.source.path == origin:
            return module
    raise InternalError("key", f"no import leads to {origin}")


def _hash(said: _Said) -> str:
    return sha256(json.dumps(said).encode()).hexdigest()
