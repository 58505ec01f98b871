"""The pieces of generated Python that types are made of."""

from __future__ import annotations

from ..spec import Call, Constant, Expr, Ref, Subscript


def abi_call(function: str, **keywords: Expr | None) -> Call:
    """A call of `abi.function`; what is `None` is left to its default."""
    return Call(Ref(("abi", function)), keywords=_given(keywords))


def annotated(type: Ref | Subscript, **constraints: Expr | None) -> Expr:
    """`type`, or `Annotated[type, Field(...)]` with the constraints that are not `None`."""
    given = _given(constraints)
    if not given:
        return type
    return Subscript(Ref(("Annotated",)), (type, Call(Ref(("Field",)), keywords=given)))


def given(value: str | float | None) -> Expr | None:
    """A literal, or nothing for `None`."""
    return None if value is None else Constant(value)


def _given(keywords: dict[str, Expr | None]) -> tuple[tuple[str, Expr], ...]:
    return tuple((name, value) for name, value in keywords.items() if value is not None)
