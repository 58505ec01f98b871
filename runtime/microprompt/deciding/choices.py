"""The choices in a program's answer: the places that a head can fill, and what the source says of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import assert_never

from .. import abi
from ..program import Program
from ..prompts.layout import lay_out, open_parts
from ..prompts.plan import (
    Branch,
    Chain,
    Choice,
    Forced,
    Guided,
    Maybe,
    Node,
    Open,
    SideBySide,
    Subset,
    make_plan,
)
from ..types import AnyKind, DeclaredType, kind

_FINGERPRINT_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Question:
    """A choice in the answer: its dotted name ("" for the whole answer), its kind, and its options."""

    name: str
    kind: AnyKind
    options: tuple[object, ...]

    def label(self, value: object) -> int:
        """The number of an option."""
        return self.options.index(value)


@lru_cache(maxsize=256)
def questions(returns: DeclaredType) -> tuple[Question, ...]:
    """The choices that every answer of a type has, in the order in which the model meets them; not those that
    are only there in one way of going on."""
    return tuple(
        Question(choice.name, choice.kind, tuple(value for value, _ in choice.options))
        for choice in _choices(make_plan(returns).root)
        if isinstance(choice, Choice) and len(choice.options) > 1
    )


def questions_of_call(program: Program, arguments: Mapping[str, object]) -> tuple[Question, ...]:
    """The choices of an answer whose options the arguments of a call give. Raises `ArgumentError` for
    arguments that no answer can be made of."""
    found = []
    for place in open_choices(program.returns):
        options = place.kind.given(arguments).options()
        if options is not None and len(options) > 1:
            found.append(Question(place.name, place.kind, options))
    return tuple(found)


def questions_of(program: Program, arguments: Mapping[str, object]) -> tuple[Question, ...]:
    """The choices of every answer to a call, those whose options it brings along behind the others."""
    return (*questions(program.returns), *questions_of_call(program, arguments))


@lru_cache(maxsize=256)
def open_choices(returns: DeclaredType) -> tuple[Open, ...]:
    """The choices of an answer whose options only a call gives."""
    places = (place for place in _choices(make_plan(returns).root) if isinstance(place, Open))
    return tuple(place for place in places if place.kind.is_choice)


def without_lists(program: Program) -> Program:
    """The program without what shows the lists which an answer is chosen from: what is left is what the
    choice is about."""
    lists = kind(program.returns).chooses_from
    if not lists:
        return program

    def without(parts: tuple[abi.Part, ...]) -> tuple[abi.Part, ...]:
        return tuple(part for part in parts if _list_of(part) not in lists)

    return replace(program, opening=without(program.opening), input=without(program.input))


def _list_of(part: abi.Part) -> str | None:
    """The parameter that a part shows, or goes through."""
    match part:
        case (abi.Hole() as hole) | abi.Format(hole=abi.Hole() as hole) | abi.For(each=hole):
            return hole.parameter
        case str() | abi.PromptCall() | abi.Format() | abi.If() | abi.Turn():
            return None
        case _:
            assert_never(part)


def places(returns: DeclaredType) -> frozenset[str]:
    """The dotted names of all that is decided in an answer of a type; "" for the whole answer."""
    return frozenset(leaf.name for leaf in _leaves(make_plan(returns).root))


def _choices(node: Node) -> Iterator[Choice | Open]:
    match node:
        case Choice() | Open():
            yield node
        case Branch(choice=choice):
            yield choice
        case Chain(parts=parts) | SideBySide(parts=parts):
            for part in parts:
                yield from _choices(part)
        case _:
            assert isinstance(node, Forced | Guided | Maybe | Subset), "of other nodes it is not known"


def _leaves(node: Node) -> Iterator[Choice | Guided | Maybe | Open | Subset]:
    match node:
        case Choice() | Guided() | Open() | Subset():
            yield node
        case Maybe(some=some):
            yield from (node, some)
        case Chain(parts=parts) | SideBySide(parts=parts):
            for part in parts:
                yield from _leaves(part)
        case Branch(choice=choice, arms=arms):
            yield choice
            for arm in arms:
                yield from _leaves(arm)
        case _:
            assert isinstance(node, Forced), "all other nodes have leaves"


def example_labels(program: Program, question: Question) -> dict[int, int]:
    """The numbers of the examples that answer a question, and of the options that they answer it with."""
    answers = kind(program.returns)
    found = {}
    for number, example in enumerate(program.examples):
        leaves = dict(answers.take_apart("", example.answer))
        if question.name in leaves:
            found[number] = question.label(leaves[question.name])
    return found


def holes(program: Program) -> int:
    """How many texts of arguments the model is shown."""
    return len(open_parts(without_lists(program)))


def fingerprint(program: Program) -> str:
    """What stands for all that the source says of a prompt: a hash of its text and of every question's
    options, in hexadecimal digits. Unlike a tuning's key it is made at run time, so it is the same for one
    version of this package only."""
    said = [repr(segment) for segment in lay_out(program)]
    for question in questions(program.returns):
        said.append(question.name)
        said += (f"{question.kind.key(each)}={question.kind.words(each)}" for each in question.options)
    whole = "\0".join(said).encode("utf-8", errors="surrogatepass")
    return hashlib.sha256(whole).hexdigest()[:_FINGERPRINT_LENGTH]
