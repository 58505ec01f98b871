"""What an annotation of a user's class means: a type of the language, or nothing that it has."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import NoneType
from types import UnionType as PipeUnion
from typing import Annotated, Any, Final, Literal, TypeAlias, Union, get_args, get_origin

from ..notation import literals, matching, optional, ranged
from .kinds import is_enum, is_record
from .limits import Limits

_KNOWN: Final = frozenset(
    {"ge", "gt", "le", "lt", "min_length", "max_length", "pattern", "decimal_places", "max_digits"}
)
_OF_PYDANTIC: Final = frozenset(
    {
        *("strict", "strip_whitespace", "to_lower", "to_upper", "coerce_numbers_to_str", "ascii_only"),
        *("allow_inf_nan", "union_mode", "fail_fast", "discriminator"),
    }
)
"""What Pydantic does when it makes an object, which limits no answer."""

_STEPS: Final[Mapping[object, Any]] = {
    int: 1,
    float: Decimal("0.000001"),
    dt.date: dt.timedelta(days=1),
    dt.datetime: dt.timedelta(seconds=1),
}
_DIGITS: Final = 15
_MOMENTS: Final[Mapping[object, str]] = {dt.date: "date", dt.datetime: "datetime", dt.time: "time"}


class NoCounterpart(Exception):
    """Something of Python that the language has not: `help` is one thing to try."""

    def __init__(self, what: str, help: str) -> None:
        super().__init__(what)
        self.help = help


@dataclass(frozen=True, slots=True)
class Meaning:
    """A type as the language writes it, as generated modules annotate it, and the classes that it names."""

    notation: str
    annotation: Any
    classes: tuple[type, ...] = ()


def meaning_of(annotation: Any, constraints: Iterable[object] = ()) -> Meaning:
    """The meaning of an annotation; `constraints` are further ones, as Pydantic keeps them of a field.

    Raises `NoCounterpart`.
    """
    python, inner = unwrapped(annotation)
    given = (*inner, *constraints)
    origin = get_origin(python)
    if origin in (Union, PipeUnion):
        return _union(get_args(python), given)
    limits = dict(_limits(given))
    if origin is Literal:
        found = _literal(get_args(python))
    elif origin in _CONTAINERS:
        found = _CONTAINERS[origin](get_args(python), limits)
    elif python in _SCALARS:
        found = _SCALARS[python](python, limits)
    elif python in _CONTAINERS:
        name = shown(python)
        raise NoCounterpart(f"`{name}` does not say of what", f"say what is in it, as in `{name}[...]`")
    elif isinstance(python, type):
        found = _named(python)
    else:
        raise _unknown(python)
    for name in limits:
        raise NoCounterpart(f"`{name}` of a `{shown(python)}`", "leave it out")
    return found


def unwrapped(annotation: Any) -> tuple[Any, tuple[object, ...]]:
    """An annotation without what is written around a type, and the constraints that this holds."""
    constraints: list[object] = []
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *inner = get_args(annotation)
            constraints += inner
        elif hasattr(annotation, "__supertype__"):  # a `NewType`
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        elif getattr(get_origin(annotation), "_name", None) in ("Required", "ReadOnly"):
            (annotation,) = get_args(annotation)
        else:
            return annotation, tuple(constraints)


def flat(constraints: Iterable[Any]) -> Iterator[Any]:
    """Constraints one by one: some hold others."""
    for each in constraints:
        if hasattr(each, "is_required") and hasattr(each, "metadata"):  # Pydantic's `Field(...)`
            yield each
            yield from flat(each.metadata)
        elif hasattr(each, "__iter__") and dataclasses.is_dataclass(each):  # `annotated_types.Interval`
            yield from flat(each)  # type: ignore[arg-type]  # what it iterates over, it does not tell mypy
        else:
            yield each


def shown(annotation: Any) -> str:
    """An annotation as Python writes it."""
    return annotation.__name__ if type(annotation) is type else str(annotation).replace("typing.", "")


# ----------------------------------------------------------------------------------------------- limits


def _limits(constraints: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    for each in flat(constraints):
        if isinstance(each, str) or hasattr(each, "is_required") or hasattr(each, "documentation"):
            continue  # said to people
        if hasattr(each, "func") and type(each).__name__.endswith(("Validator", "Serializer")):
            continue  # Pydantic asks it when an answer is made
        for name, value in _said(each):
            if name in _KNOWN:
                yield name, value
            elif name not in _OF_PYDANTIC:
                raise NoCounterpart(f"the constraint `{name}`", "leave it out, or check it in a validator")


def _said(constraint: Any) -> list[tuple[str, Any]]:
    """What a constraint sets, by name."""
    if dataclasses.is_dataclass(constraint):
        said = {field.name: getattr(constraint, field.name) for field in dataclasses.fields(constraint)}
    else:
        said = dict(getattr(constraint, "__dict__", {}))
    if not said:
        name = constraint.__name__ if isinstance(constraint, type) else type(constraint).__name__
        said = {name: constraint}
    return [
        (name, value)
        for name, value in said.items()
        if value is not None and not (name == "min_length" and value == 0)
    ]


def _bounds(python: Any, limits: dict[str, Any], step: Any) -> tuple[Any, Any]:
    """The lowest and the highest value; both may be reached."""
    low, high = limits.pop("ge", None), limits.pop("le", None)
    above, below = limits.pop("gt", None), limits.pop("lt", None)
    if above is not None:
        low = max(each for each in (low, _next(python, above, step)) if each is not None)
    if below is not None:
        high = min(each for each in (high, _next(python, below, -step)) if each is not None)
    return low, high


def _next(python: Any, bound: Any, step: Any) -> Any:
    if python is float:
        return float(round(Decimal(str(bound)) + step, 6))
    if python is dt.time:
        return (dt.datetime.combine(dt.date(2000, 1, 1), bound) + step).time()
    return bound + step


def _made(name: str, python: Any, low: Any, high: Any, **more: Any) -> Meaning:
    annotation = _limited(python, ge=low, le=high, **more)
    return Meaning(ranged(name, *(_text(each) for each in (low, high))), annotation)


def _limited(python: Any, **limits: Any) -> Any:
    """The annotation of a type with those of the limits that are set."""
    given = tuple((name, value) for name, value in limits.items() if value is not None)
    return Annotated[python, Limits(given)] if given else python


def _text(bound: Any) -> str | None:
    if bound is None:
        return None
    if isinstance(bound, Decimal):
        return f"{bound:f}"
    if isinstance(bound, dt.date | dt.time):
        return bound.isoformat()
    return repr(bound)


# ------------------------------------------------------------------------------------------------ kinds


def _str(python: Any, limits: dict[str, Any]) -> Meaning:
    least, most = limits.pop("min_length", None), limits.pop("max_length", None)
    pattern = limits.pop("pattern", None)
    if pattern is None:
        return Meaning(ranged("str", least, most), _limited(str, min_length=least, max_length=most))
    if least is not None or most is not None:
        raise NoCounterpart("a pattern with a length", "say the length in the pattern, as in `^[A-Z]{2,8}$`")
    text = _whole(pattern)
    return Meaning(matching(text), _limited(str, pattern=text))


def _whole(pattern: str | re.Pattern[str]) -> str:
    """A pattern that a whole text has to match, without what says so."""
    text = pattern if isinstance(pattern, str) else pattern.pattern
    flags = 0 if isinstance(pattern, str) else pattern.flags & ~re.UNICODE
    inner = text[1:-1]
    is_whole = text.startswith("^") and text.endswith("$") and len(inner) == len(inner.rstrip("\\"))
    if flags or not is_whole or _has_open_bar(inner):
        raise NoCounterpart(
            f"the pattern `{text}`, which may match anywhere in a text",
            "write it between `^` and `$`, with `(...)` around what has a `|`",
        )
    return inner


def _has_open_bar(pattern: str) -> bool:
    """Whether there is a `|` outside of all brackets."""
    bare = re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", "", pattern)
    depth = 0
    for character in bare:
        depth += (character == "(") - (character == ")")
        if character == "|" and not depth:
            return True
    return False


def _number(python: Any, limits: dict[str, Any]) -> Meaning:
    low, high = _bounds(python, limits, _STEPS[python])
    if any(each is not None and not math.isfinite(each) for each in (low, high)):
        raise NoCounterpart("a bound that is no number", "leave it out")
    return _made(python.__name__, python, low, high)


def _decimal(python: Any, limits: dict[str, Any]) -> Meaning:
    places, digits = limits.pop("decimal_places", None), limits.pop("max_digits", None)
    if places is None and (digits is not None or limits):
        raise NoCounterpart(
            "a decimal with bounds and without `decimal_places`",
            "say how many digits are behind the point: `decimal_places=2`",
        )
    if places is None:
        return Meaning("decimal", Decimal)
    step = Decimal(1).scaleb(-places)
    bounds = _bounds(python, limits, step)
    low, high = (None if each is None else Decimal(str(each)).quantize(step) for each in bounds)
    most = Decimal(10) ** (_DIGITS if digits is None else digits - places) - step
    if digits is not None or (low is None and high is None):
        low, high = max(-most, -most if low is None else low), min(most, most if high is None else high)
    return _made("decimal", Decimal, low, high, decimal_places=places)


def _moment(python: Any, limits: dict[str, Any]) -> Meaning:
    low, high = _bounds(python, limits, _STEPS.get(python, dt.timedelta(seconds=1)))
    for each in (low, high):
        if isinstance(each, dt.datetime | dt.time) and (each.tzinfo is not None or each.microsecond):
            raise NoCounterpart(
                "a bound with a time zone or parts of a second", "write it without: seconds are the finest"
            )
    return _made(_MOMENTS[python], python, low, high)


def _bool(python: Any, limits: dict[str, Any]) -> Meaning:
    return Meaning("bool", bool)


def _literal(values: tuple[object, ...]) -> Meaning:
    found = [value for value in values if value is not None]
    for value in found:
        if type(value) not in (str, int):
            raise NoCounterpart(
                f"the literal `{value!r}`", "literals are strings or whole numbers: name the enum, or `bool`"
            )
    made: Any = Literal[tuple(found)]  # known at run time only
    notation = literals(value for value in found if isinstance(value, str | int))
    if len(found) == len(values):
        return Meaning(notation, made)
    return Meaning(optional(notation), made | None)


def _union(items: tuple[Any, ...], constraints: tuple[object, ...]) -> Meaning:
    present = [item for item in items if item is not NoneType]
    if len(present) > 1 and next(_limits(constraints), None) is not None:
        raise NoCounterpart("a limit of several types at once", "write it at the type that it is for")
    found = [meaning_of(item, constraints if len(present) == 1 else ()) for item in present]
    notation = " | ".join(each.notation for each in found)
    annotation: Any = Union[tuple(each.annotation for each in found)]  # noqa: UP007  # known at run time only
    classes = tuple(cls for each in found for cls in each.classes)
    if len(present) == len(items):
        return Meaning(notation, annotation, classes)
    return Meaning(optional(notation), annotation | None, classes)


def _list(items: tuple[Any, ...], limits: dict[str, Any]) -> Meaning:
    return _container("list", list, items, limits)


def _set(items: tuple[Any, ...], limits: dict[str, Any]) -> Meaning:
    return _container("set", frozenset, items, limits)


def _dict(items: tuple[Any, ...], limits: dict[str, Any]) -> Meaning:
    key, value = items
    if unwrapped(key)[0] is not str or unwrapped(key)[1]:
        raise NoCounterpart(f"keys that are `{shown(key)}`", "keys are any `str`")
    item = meaning_of(value)
    return _sized(f"dict[str, {item.notation}]", dict[str, item.annotation], item, limits)  # type: ignore[name-defined]  # known at run time only


def _container(name: str, python: Any, items: tuple[Any, ...], limits: dict[str, Any]) -> Meaning:
    item = meaning_of(items[0])
    return _sized(f"{name}[{item.notation}]", python[item.annotation], item, limits)


def _sized(name: str, python: Any, item: Meaning, limits: dict[str, Any]) -> Meaning:
    least, most = limits.pop("min_length", None), limits.pop("max_length", None)
    annotation = _limited(python, min_length=least, max_length=most)
    return Meaning(ranged(name, least, most), annotation, item.classes)


def _named(python: type) -> Meaning:
    if not (is_enum(python) or is_record(python)):
        raise _unknown(python)
    if not python.__name__.isidentifier() or "<locals>" in python.__qualname__:
        name = python.__qualname__
        raise NoCounterpart(f"`{name}`, which cannot be imported", "give it a name in its module")
    return Meaning(python.__name__, python, (python,))


def _unknown(python: object) -> NoCounterpart:
    instead = _INSTEAD.get(shown(python), "declare it as text, a number, or a class of such fields")
    return NoCounterpart(f"`{shown(python)}`", instead)


_Scalar: TypeAlias = Callable[[Any, dict[str, Any]], Meaning]
_Container: TypeAlias = Callable[[tuple[Any, ...], dict[str, Any]], Meaning]

_SCALARS: Final[Mapping[object, _Scalar]] = {
    str: _str,
    int: _number,
    float: _number,
    bool: _bool,
    Decimal: _decimal,
    dt.date: _moment,
    dt.datetime: _moment,
    dt.time: _moment,
}
_CONTAINERS: Final[Mapping[object, _Container]] = {list: _list, set: _set, frozenset: _set, dict: _dict}
_INSTEAD: Final[Mapping[str, str]] = {
    "bytes": "declare it as `str`",
    "tuple": "declare it as `list[...]`, or as a class with a field for each part",
    "Any": "say which types it may be, as in `str | int`",
    "UUID": "declare it as `str`, with a pattern",
    "EmailStr": "declare it as `str`, with a pattern",
    "Enum": "name the enum itself",
}
