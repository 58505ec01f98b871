"""Programs: a prompt function with everything that a call of it needs to know, and what it has in common with
flows and with functions of Python.

A generated module says it in two places, a `def` for people and type checkers and an `abi.Body` below it;
here both become one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Protocol, get_type_hints

from . import abi
from .errors import AbiError
from .types import DeclaredType, type_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter; `required` is false when the `def` gives it a default."""

    name: str
    type: DeclaredType
    required: bool = True


class Signature(Protocol):
    """What a function takes and gives."""

    @property
    def name(self) -> str: ...

    @property
    def parameters(self) -> tuple[Parameter, ...]: ...

    @property
    def returns(self) -> DeclaredType: ...


LAYOUTS: Final = ("plain", "chat")
MEMBERS: Final = ("declared", "reversed")
EXAMPLES: Final = ("declared", "reversed", "interleaved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """How a prompt is laid out where its source leaves that open.

    `layout` is one of `LAYOUTS`; with `None`, the one that suits the model. `members`, one of `MEMBERS`, is
    the order in which the meanings of labels stand; `examples`, one of `EXAMPLES`, that of examples:
    interleaved, labels take turns. `state` is the parameter whose argument is laid out before all else, as
    what several questions are asked about (`prompts.states`); without one, the instruction comes first.
    """

    layout: str | None = None
    members: str = MEMBERS[0]
    examples: str = EXAMPLES[0]
    state: str | None = None


USUAL: Final = Arrangement()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredExample(abi.Example):
    """An example in a body that calls other prompts, with what those answer, by `NestedCall.name`."""

    answers: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program(abi.Body):
    """A prompt function, laid out: its signature beside its body. Its `arrangement` is another than the usual
    one where tuning has found that better."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: DeclaredType
    arrangement: Arrangement = USUAL

    def arranged(self, arrangement: Arrangement) -> Program:
        """The same program with an arrangement."""
        return self if arrangement == self.arrangement else replace(self, arrangement=arrangement)

    @property
    def parts(self) -> tuple[abi.Part, ...]:
        """All that the body says behind the instruction."""
        return (*self.opening, *self.input)

    def leaving_out(self) -> Iterator[tuple[int, Program]]:
        """For each example, its number and the program without it.

        They come from the last example on: asked one at a time in this order, each prompt begins with
        examples that the cache holds from the one before, and half of all tokens are never evaluated.
        """
        for at in reversed(range(len(self.examples))):
            yield at, replace(self, examples=(*self.examples[:at], *self.examples[at + 1 :]))

    def arguments_of(self, example: abi.Example) -> dict[str, object]:
        """An example's arguments by the names of the parameters, with the answers of other prompts to it."""
        names = (parameter.name for parameter in self.parameters)
        answers = example.answers if isinstance(example, AnsweredExample) else {}
        return {**dict(zip(names, example.arguments, strict=True)), **answers}


def program_of(signature: Callable[..., object], body: abi.Body) -> Program:
    """The program of a `def` and its body. Raises `AbiError` if an annotation is missing or says no type."""
    return Program(**said_of(signature, body, "prompt"))


def said_of(signature: Callable[..., object], body: abi.Body | abi.Flow, what: str) -> dict[str, Any]:
    """What a `def` and its body say, by name; errors call it a `what`. Raises as `types_of`."""
    parameters, returns = types_of(signature, f"the {what} {signature.__name__}")
    own = {field.name: getattr(body, field.name) for field in fields(body)}
    return {"name": signature.__name__, "parameters": parameters, "returns": returns, **own}


def types_of(
    signature: Callable[..., object], what: str, *, of_none: DeclaredType | None = None
) -> tuple[tuple[Parameter, ...], DeclaredType]:
    """What a `def` takes and gives, by its annotations; errors call it `what`. `of_none` is the type of what
    gives nothing, if it may.

    Raises `AbiError` if an annotation is missing or says no type.
    """
    annotations = _annotations(signature, what)

    def type_said(of: str) -> DeclaredType:
        if of not in annotations:
            raise AbiError(f"`{of}` of {what} has no annotation")
        if of == "return" and annotations[of] is type(None) and of_none is not None:
            return of_none
        return type_of(annotations[of])

    parameters = tuple(
        Parameter(
            name=parameter.name,
            type=type_said(parameter.name),
            required=parameter.default is inspect.Parameter.empty,
        )
        for parameter in inspect.signature(signature).parameters.values()
    )
    return parameters, type_said("return")


def _annotations(signature: Callable[..., object], what: str) -> dict[str, object]:
    """What the annotations of a `def` mean, with the constraints that `Annotated` holds."""
    try:
        return get_type_hints(signature, include_extras=True)
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        raise AbiError(f"an annotation of {what} means nothing: {error}") from error
