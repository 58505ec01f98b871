"""Python annotations taken apart: what a generated module says of a type.

`Annotated[int, Field(ge=1, le=5)]` is `int` with the limits `ge` and `le`. Whose annotation it is, the kinds
say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_args, get_origin

from .. import abi, shapes
from ..errors import AbiError
from ..patterns import Grammar, Pattern

_LIMITS: Final = ("ge", "le", "min_length", "max_length", "decimal_places")
_MARKERS: Final[Mapping[type, str]] = {abi.SpanOf: "span", abi.OneOf: "one of", Grammar: "grammar"}
"""The limits that Pydantic has no word for."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """A Python type without `Annotated`, and its limits by name: those of `_LIMITS` and `_MARKERS`, and
    `pattern`."""

    python: object
    limits: Mapping[str, Any]

    @staticmethod
    def read(annotation: object, constraints: Iterable[object] = ()) -> Annotation:
        """Take an annotation apart. `constraints` are further ones, as Pydantic keeps them of a field.

        Raises `AbiError` for a constraint that is none of the limits.
        """
        inner: list[object] = []
        if get_origin(annotation) is Annotated:
            annotation, *inner = get_args(annotation)
        return Annotation(annotation, dict(_limits((*inner, *constraints))))

    def is_of(self, python: object, *limits: str) -> bool:
        """Whether it is this Python type, with no limits but these."""
        return self.python is python and self.has_only(*limits)

    def has_only(self, *limits: str) -> bool:
        """Whether it has no limits but these."""
        return self.limits.keys() <= set(limits)

    def __str__(self) -> str:
        name = self.python.__name__ if type(self.python) is type else str(self.python)
        return f"`{name}` with {', '.join(self.limits)}" if self.limits else f"`{name}`"


def _limits(constraints: Iterable[Any]) -> Iterator[tuple[str, object]]:
    """What constraints limit. Pydantic is known by what its objects have: not all modules need it."""
    for constraint in constraints:
        if getattr(constraint, "limits_nothing", False):
            continue  # it is for Pydantic
        if isinstance(constraint, shapes.Limits):
            yield from constraint.named
        elif type(constraint) in _MARKERS:
            yield _MARKERS[type(constraint)], constraint
        elif isinstance(constraint, Pattern):
            yield "pattern", constraint.text
        elif hasattr(constraint, "metadata"):  # `Field(...)`
            yield from _limits(constraint.metadata)
        else:
            found = [(name, getattr(constraint, name)) for name in _LIMITS if hasattr(constraint, name)]
            if not found:
                raise AbiError(f"no type is known with the constraint {constraint!r}")
            yield from found
