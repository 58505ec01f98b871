"""Classes of users (enums, Pydantic models, dataclasses, TypedDicts), and what the language says of them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import keyword
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from typing import Any, Final, get_args, get_origin, get_type_hints

from .docs import docstrings, one_line
from .kinds import is_enum, is_typed_dict, pydantic_fields
from .meaning import Meaning, NoCounterpart, flat, meaning_of, unwrapped

DIGITS: Final = 16
"""How many hexadecimal digits a digest has."""

_MISSING: Final = object()
_NOT_SET: Final = "a field that is not set by who makes the object"


@dataclass(frozen=True, slots=True)
class FieldShape:
    """A field: its annotation in the form of generated modules, and what it means. Where it `is_mutable`, the
    class wants a `set`, and not the `frozenset` of generated modules."""

    name: str
    annotation: Any
    description: str | None
    is_mutable: bool


@dataclass(frozen=True, slots=True)
class MemberShape:
    """A member of an enum: its name in the program, and the word that the model sees (`label`)."""

    name: str
    label: str
    description: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """What has no counterpart in the language: a field, as in `Invoice.lines`, or a class."""

    where: str
    what: str
    help: str


@dataclass(frozen=True, slots=True)
class Declared:
    """A class as the language would declare it, unless something of it is `refused`."""

    python: type
    text: str
    refused: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class _Field:
    """A field as its class has it; `problem` says why no answer can have it."""

    name: str
    annotation: Any
    constraints: tuple[object, ...] = ()
    description: str | None = None
    default: object = _MISSING
    problem: NoCounterpart | None = None


def fields_of(python: type) -> tuple[FieldShape, ...]:
    """The fields of a record. Raises `NoCounterpart` for one that the language cannot declare."""
    return tuple(
        FieldShape(
            field.name, _meaning(field).annotation, field.description, _is_set(unwrapped(field.annotation)[0])
        )
        for field in _fields(python)
    )


def members_of(python: type[Enum]) -> tuple[MemberShape, ...]:
    """The members of an enum. A value that is a string is the word that the model sees."""
    docs = docstrings(python)
    return tuple(
        MemberShape(each.name, each.value if isinstance(each.value, str) else each.name, docs.get(each.name))
        for each in python
    )


def described(python: type) -> str | None:
    """What the docstring of a class says first."""
    return docstrings(python).get("")


def digest(python: type) -> str:
    """What stands for all that the language sees of a class and of the classes in it."""
    seen = "\n".join(f"{each.text}\n{each.refused}" for each in declared(python))
    return sha256(seen.encode()).hexdigest()[:DIGITS]


def declared(python: type) -> tuple[Declared, ...]:
    """The declaration of a class, and behind it those of the classes in it, each once."""
    found: dict[type, Declared] = {}
    inside: dict[type, list[type]] = {}
    names: dict[str, type] = {}
    pending = [python]
    while pending:
        each = pending.pop(0)
        if each in found:
            continue
        inside[each] = []
        found[each] = _enum(each) if is_enum(each) else _record(each, inside[each])
        pending += inside[each]
        other = names.setdefault(each.__name__, each)
        if other is not each:
            refusal = Refusal(
                each.__name__,
                f"two classes that are called `{each.__name__}`",
                f"rename that of {each.__module__}, or the other of {other.__module__}",
            )
            found[each] = Declared(each, "", (refusal,))
    for each in found:
        if _leads_to(each, inside[each], inside):
            name = each.__name__
            help = f"declare it in the program, with a depth: `record {name}(..3):`"
            found[each] = replace(found[each], refused=(Refusal(name, "a class that contains itself", help),))
    return tuple(found.values())


def _leads_to(python: type, pending: list[type], inside: dict[type, list[type]]) -> bool:
    """Whether one of the classes is `python`, or has it in it."""
    seen: set[type] = set()
    pending = list(pending)
    while pending:
        each = pending.pop()
        if each is python:
            return True
        if each not in seen:
            seen.add(each)
            pending += inside[each]
    return False


# ---------------------------------------------------------------------------------------------- declarations


def _enum(python: type[Enum]) -> Declared:
    lines = []
    for member in members_of(python):
        label = "" if member.label == member.name else f" as {_quoted(member.label)}"
        lines.append(f"    {member.name}{label}{_description(member.description)}")
    if not lines:
        name = python.__name__
        return Declared(python, "", (Refusal(name, "an enum without members", "give it some"),))
    return Declared(python, _block("enum", python, lines), ())


def _record(python: type, inside: list[type]) -> Declared:
    """`inside` gets the classes in it."""
    name = python.__name__
    lines: list[str] = []
    refused: list[Refusal] = []
    try:
        fields = list(_fields(python))
    except NoCounterpart as error:
        return Declared(python, "", (Refusal(name, str(error), error.help),))
    for field in fields:
        try:
            meaning = _meaning(field)
        except NoCounterpart as error:
            refused.append(Refusal(f"{name}.{field.name}", str(error), error.help))
            continue
        inside.extend(meaning.classes)
        default = _default(field.default)
        given = "" if default is None else f" = {default}"
        lines.append(f"    {field.name}: {meaning.notation}{given}{_description(field.description)}")
    if not fields:
        refused.append(Refusal(name, "a class without fields", "give it some"))
    return Declared(python, _block("record", python, lines), tuple(refused))


def _block(word: str, python: type, lines: list[str]) -> str:
    head = f"{word} {python.__name__}{_description(described(python))}:"
    return "\n".join((head, *lines)) + "\n"


def _description(text: str | None) -> str:
    return f" {_quoted(text)}" if text else ""


def _quoted(text: str) -> str:
    """A string as the language writes it."""
    escapes = {"\n": "\\n", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
    return '"' + "".join(escapes.get(each) or _escaped(each) for each in text) + '"'


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    return f"\\u{ord(character):04X}" if ord(character) <= 0xFFFF else " "


def _default(value: object) -> str | None:
    """A default as the language writes it; `None` for what it cannot write, so it has to be given."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case Enum():
            return value.name
        case str():
            return _quoted(value)
        case int():
            return repr(value)
        case float():
            return repr(value) if math.isfinite(value) else None
        case Decimal():
            return f"{value:f}" if value.is_finite() else None
        case dt.datetime() | dt.time() if value.tzinfo is not None or value.microsecond:
            return None
        case dt.date() | dt.time():
            return value.isoformat()
        case list() if not value:
            return "[]"
        case dict() | set() | frozenset() if not value:
            return "{}"
        case _:
            return None


# --------------------------------------------------------------------------------------------------- fields


def _meaning(field: _Field) -> Meaning:
    if field.problem is not None:
        raise field.problem
    if not field.name.isidentifier() or keyword.iskeyword(field.name):
        raise NoCounterpart("a key that is no name", "give it a name, as variables have")
    return meaning_of(field.annotation, field.constraints)


def _is_set(annotation: Any) -> bool:
    return get_origin(annotation) is set or any(get_origin(each) is set for each in get_args(annotation))


def _fields(python: type) -> Iterator[_Field]:
    if (fields := pydantic_fields(python)) is not None:
        yield from _of_pydantic(python, fields)
    elif is_typed_dict(python):
        yield from _of_typed_dict(python)
    else:
        yield from _of_dataclass(python)


def _of_pydantic(python: type, fields: dict[str, Any]) -> Iterator[_Field]:
    if hasattr(python, "__pydantic_root_model__") and python.__pydantic_root_model__:
        raise NoCounterpart("a root model, which has no fields", "declare a model with a field for it")
    docs = docstrings(python)
    config = getattr(python, "model_config", None) or getattr(python, "__pydantic_config__", None) or {}
    by_name = config.get("populate_by_name") or config.get("validate_by_name")
    for name, info in fields.items():
        problem = None
        if info.validation_alias is not None and info.validation_alias != name and not by_name:
            problem = NoCounterpart(
                "a field that only its alias sets", "add `populate_by_name=True` to the model's config"
            )
        elif info.init is False:
            problem = NoCounterpart(_NOT_SET, "make it a property")
        default = _made(info.default_factory) if info.default_factory else info.default
        description = info.description or docs.get(name)
        yield _Field(
            name,
            info.annotation,
            tuple(info.metadata),
            one_line(description) if description else None,
            _MISSING if info.is_required() else default,
            problem,
        )


def _of_dataclass(python: Any) -> Iterator[_Field]:
    hints, docs = _hints(python), docstrings(python)
    for field in python.__dataclass_fields__.values():
        kind = field._field_type.name  # the only place where Python tells `InitVar` from a field
        if kind == "_FIELD_CLASSVAR":
            continue
        problem = None
        if kind == "_FIELD_INITVAR" or not field.init:
            what = "a parameter that is no field" if field.init else _NOT_SET
            problem = NoCounterpart(what, "make it a field, or a property")
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = _made(field.default_factory)
        yield _Field(
            field.name,
            hints.get(field.name),
            (),
            _said(hints.get(field.name)) or docs.get(field.name),
            _MISSING if default is dataclasses.MISSING else default,
            problem,
        )


def _of_typed_dict(python: Any) -> Iterator[_Field]:
    hints, docs = _hints(python), docstrings(python)
    for name, annotation in hints.items():
        problem = None
        if name not in python.__required_keys__ or _is_not_required(annotation):
            what = "a key that may be missing"
            problem = NoCounterpart(what, "make it required, with a type that may be `None`")
        yield _Field(name, annotation, (), _said(annotation) or docs.get(name), _MISSING, problem)


def _is_not_required(annotation: object) -> bool:
    return getattr(get_origin(annotation), "_name", None) == "NotRequired"


def _hints(python: type) -> dict[str, Any]:
    try:
        return get_type_hints(python, include_extras=True)
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        raise NoCounterpart(f"an annotation that means nothing: {error}", "import what it names") from error


def _said(annotation: Any) -> str | None:
    """The description that is in an annotation."""
    for each in flat(unwrapped(annotation)[1]):
        text = getattr(each, "description", None) or getattr(each, "documentation", None)
        if isinstance(text, str):
            return one_line(text)
    return None


def _made(factory: Any) -> object:
    """What a factory makes, if it is one of Python's; others are not called."""
    return factory() if factory in (list, dict, set, frozenset) else object()
