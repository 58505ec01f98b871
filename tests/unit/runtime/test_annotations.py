"""What the annotations of generated modules say: types, and the words of the model beside them."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Annotated, Any, Literal, Optional

import pytest

from microprompt import PromptFunction, abi, prompt
from microprompt.enums import LabelEnum
from microprompt.errors import AbiError
from microprompt.program import Parameter, Program, program_of
from microprompt.records import Field, Pattern, Record
from microprompt.testing import scripted
from microprompt.types import (
    BoolType,
    DeclaredType,
    EnumType,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    OptionalType,
    PatternType,
    RecordField,
    RecordType,
    StrType,
    kind,
    type_of,
)


class Act(LabelEnum):
    question = "question"
    other = "other"


class Inner(Record):
    act: Act | None
    code: Annotated[str, Pattern("[A-Z]+")] = "A"


class Outer(Record):
    first: Inner
    second: Inner
    level: Annotated[int, Field(ge=1, le=5)]
    """how much"""
    tags: Annotated[list[Annotated[str, Field(max_length=8)]], Field(min_length=1, max_length=3)]


abi.words(Act, other=abi.Words(label="something else", description="neither"))
abi.words(Outer, level=abi.Words(label="how much", description="1 is little"))

ACT = EnumType(python=Act)
MEANT: list[tuple[Any, DeclaredType]] = [
    (str, StrType()),
    (Annotated[str, Field(min_length=2)], StrType(min_length=2)),
    (Annotated[str, Field(min_length=2, max_length=3)], StrType(min_length=2, max_length=3)),
    (Annotated[Annotated[int, Field(ge=2)], Field(le=3)], IntType(minimum=2, maximum=3)),
    (Annotated[str, Pattern(r"\d+")], PatternType(pattern=r"\d+")),
    (int, IntType()),
    (Annotated[int, Field(ge=-3)], IntType(minimum=-3)),
    (Annotated[float, Field(ge=0, le=0.5)], FloatType(minimum=0, maximum=0.5)),
    (bool, BoolType()),
    (Literal["a", "b c"], LiteralType(values=("a", "b c"))),
    (Act, ACT),
    (list[Act], ListType(item=ACT)),
    (Annotated[list[bool], Field(max_length=2)], ListType(item=BoolType(), max_count=2)),
    (list[list[int]], ListType(item=ListType(item=IntType()))),
    (int | None, OptionalType(item=IntType())),
    (Optional[Act], OptionalType(item=ACT)),  # noqa: UP045  (`X | None` becomes it where X is `Annotated`)
    (typing.Union[None, str], OptionalType(item=StrType())),  # noqa: UP007  (as above)
    (Optional[Annotated[int, Field(ge=1)]], OptionalType(item=IntType(minimum=1))),  # noqa: UP045  (as above)
    (list[Annotated[str, Pattern("x")] | None], ListType(item=OptionalType(item=PatternType(pattern="x")))),
]


@pytest.mark.parametrize(("annotation", "meant"), MEANT, ids=lambda value: str(value)[:60])
def test_an_annotation_is_one_type(annotation: object, meant: DeclaredType) -> None:
    assert type_of(annotation) == meant


@pytest.mark.parametrize(
    "annotation",
    [
        bytes,
        object,
        Any,
        None,
        "str",
        int | bytes,
        dict[int, str],
        tuple[int, ...],
        list,
        Literal[1, b"a"],
        Annotated[bool, Field(ge=0)],
        Annotated[int, Field(max_length=3)],
        Annotated[str, Field(ge=0)],
        Annotated[str, Pattern("a"), Field(max_length=3)],
        Annotated[Act, Field(min_length=1)],
        Annotated[int | None, Field(ge=1)],
        Annotated[int, Field(gt=1)],
        Annotated[int, "a comment"],
        Annotated[str, Field(pattern="[a-z]")],  # Pydantic's patterns mean something else
        list[bytes],
    ],
    ids=str,
)
def test_what_no_kind_knows_is_refused_and_nothing_of_it_left_out(annotation: object) -> None:
    with pytest.raises(AbiError, match="no type is"):
        type_of(annotation)


def test_an_unknown_annotation_is_named() -> None:
    with pytest.raises(AbiError, match=r"no type is annotated `bytes`\n  help: .*mpc build"):
        type_of(bytes)
    with pytest.raises(AbiError, match=r"no type is annotated `int` with ge, max_length"):
        type_of(Annotated[int, Field(ge=1), Field(max_length=3)])


def test_the_members_of_an_enum_are_read_from_its_class() -> None:
    first, other = ACT.members
    assert (first.name, first.label, first.description) == ("question", "question", None)
    assert (other.name, other.label, other.description) == ("other", "something else", "neither")


def test_the_fields_of_a_record_are_read_from_its_class_once() -> None:
    outer, inner = type_of(Outer), type_of(Inner)
    assert isinstance(outer, RecordType)
    assert isinstance(inner, RecordType)
    assert inner.fields == (
        RecordField(name="act", label="act", type=OptionalType(item=ACT)),
        RecordField(name="code", label="code", type=PatternType(pattern="[A-Z]+")),
    )
    assert outer.fields == (
        RecordField(name="first", label="first", type=inner),
        RecordField(name="second", label="second", type=inner),
        RecordField(
            name="level", label="how much", type=IntType(minimum=1, maximum=5), description="1 is little"
        ),
        RecordField(
            name="tags", label="tags", type=ListType(item=StrType(max_length=8), min_count=1, max_count=3)
        ),
    )
    assert type_of(Outer) is outer
    assert outer.fields[0].type is outer.fields[1].type is inner


def test_a_subclass_does_not_inherit_what_was_read_of_a_record() -> None:
    class More(Inner):
        more: bool

    more = type_of(More)
    assert isinstance(more, RecordType)
    assert [field.name for field in more.fields] == ["act", "code", "more"]


def test_a_class_that_no_compiler_wrote_is_no_record() -> None:
    class Plain:
        name: str

    with pytest.raises(AbiError, match="Plain"):
        type_of(Plain)


# --------------------------------------------------------------------------------------------- programs

BODY = abi.Body(
    source="a.mp", line=3, instruction="", input=(abi.Hole(parameter="text"),), cue="Answer:", tests=()
)


def test_a_program_is_the_signature_and_the_body() -> None:
    def ask(text: str, most: Annotated[int, Field(ge=0)] = 3, *, hint: Act | None = None) -> list[Act]:
        raise NotImplementedError

    assert program_of(ask, BODY) == Program(
        name="ask",
        parameters=(
            Parameter(name="text", type=StrType()),
            Parameter(name="most", type=IntType(minimum=0), required=False),
            Parameter(name="hint", type=OptionalType(item=ACT), required=False),
        ),
        returns=ListType(item=ACT),
        source="a.mp",
        line=3,
        instruction="",
        input=BODY.input,
        cue="Answer:",
    )


def _no_return(text: str):  # type: ignore[no-untyped-def]  # on purpose
    raise NotImplementedError


def _no_parameter(text) -> bool:  # type: ignore[no-untyped-def]  # on purpose
    raise NotImplementedError


def _unknown(text: Nowhere) -> bool:  # type: ignore[name-defined]  # noqa: F821  (on purpose)
    raise NotImplementedError


def _no_type(text: str) -> bytes:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("signature", "said"),
    [
        (_no_return, "`return` of the prompt _no_return has no annotation"),
        (_no_parameter, "`text` of the prompt _no_parameter has no annotation"),
        (_unknown, "an annotation of the prompt _unknown means nothing: name 'Nowhere'"),
        (_no_type, "no type is annotated `bytes`"),
    ],
)
def test_a_def_that_says_no_types_is_an_abi_error(signature: Callable[..., object], said: str) -> None:
    with pytest.raises(AbiError, match=said):
        program_of(signature, BODY)


@prompt
def bare(text: str) -> bool:
    raise NotImplementedError


def test_a_prompt_without_a_body_says_so_when_it_is_called() -> None:
    assert repr(bare) == "<prompt function bare without a body>"
    for use in (lambda: bare("Hm."), lambda: bare.render("Hm."), bare.explain, lambda: bare.map(["Hm."])):
        with pytest.raises(AbiError, match=r"the prompt bare has no body\n  help: "):
            use()


def test_a_prompt_has_its_program_once_it_has_a_body() -> None:
    @prompt
    def ask(text: str) -> bool:
        raise NotImplementedError

    ask.body = BODY
    assert ask.program is ask.program
    assert repr(ask) == "<prompt function ask of a.mp:3>"
    with scripted({"ask": True}):
        assert ask("Hm.") is True


def test_a_program_by_hand_needs_neither_annotations_nor_a_body() -> None:
    by_hand = Program(
        name="by_hand",
        parameters=(Parameter(name="text", type=StrType()),),
        returns=ACT,
        source="b.mp",
        line=1,
        instruction="Say.",
        input=("In: ", abi.Hole(parameter="text")),
        cue="Answer:",
    )

    def signature(text: object) -> object: ...

    asked = PromptFunction(signature, program=by_hand)
    with scripted({"by_hand": Act.other}):
        assert asked("Hm.") is Act.other
    assert kind(asked.program.returns).options() == (Act.question, Act.other)
