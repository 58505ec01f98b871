"""The pieces of generated Python that types are made of."""

from __future__ import annotations

from collections.abc import Iterable

from ..spec import CallOf, Constant, Expr, Ref, Subscript, WordsSpec


def abi_call(function: str, *arguments: Expr, **keywords: Expr | None) -> CallOf:
    """A call of `abi.function`; what is `None` is left to its default."""
    return CallOf(Ref(("abi", function)), arguments, keywords=_given(keywords))


def annotated(type: Ref | Subscript, **constraints: Expr | None) -> Expr:
    """`type`, or `Annotated[type, Field(...)]` with the constraints that are not `None`."""
    given = _given(constraints)
    if not given:
        return type
    return Subscript(Ref(("Annotated",)), (type, CallOf(Ref(("Field",)), keywords=given)))


def abi_mark(annotation: Expr, marker: str, *arguments: Expr) -> Expr:
    """`Annotated[type, abi.marker(...)]`, with the constraints of the type behind it."""
    made = CallOf(Ref(("abi", marker)), arguments)
    if isinstance(annotation, Subscript) and annotation.of == Ref(("Annotated",)):
        type, *constraints = annotation.items
        return Subscript(annotation.of, (type, made, *constraints))
    return Subscript(Ref(("Annotated",)), (annotation, made))


def words(parts: Iterable[tuple[str, str, str | None]]) -> WordsSpec:
    """What the model is told of names by their labels and descriptions, where that is more than the name."""
    found = []
    for name, label, description in parts:
        other = None if label == name else label
        found.append((name, abi_call("Words", label=given(other), description=given(description))))
    return tuple((name, made) for name, made in found if made.keywords)


def own_words(label: str | None, description: str | None) -> Expr | None:
    """What the model is told of a type itself, if there is anything to tell."""
    made = abi_call("Words", label=given(label), description=given(description))
    return made if made.keywords else None


def given(value: str | float | None) -> Expr | None:
    """A literal, or nothing for `None`."""
    return None if value is None else Constant(value)


def _given(keywords: dict[str, Expr | None]) -> tuple[tuple[str, Expr], ...]:
    return tuple((name, value) for name, value in keywords.items() if value is not None)
