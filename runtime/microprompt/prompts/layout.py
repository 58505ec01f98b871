"""A program becomes a sequence of segments, in the order the model reads them.

    instruction   the body before the paragraph of the first hole, and what the labels mean
    opening       turns of a conversation that come before the examples
    shots         each example: input block, cue, answer
    input block   from the first hole's paragraph on
    cue           the words that the answer follows; before it, those that a scratchpad follows

All that does not depend on the arguments comes first (the *prefix*, kept in the KV cache); what follows the
arguments is as short as it can be, for it is paid at every call. Text of the program and text of an argument
stay apart as segments, for only the first may hold a model's control tokens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from .. import abi
from ..program import Program
from ..types import kind
from .filling import Bindings, Filled, Fixed, OpenPart, fill, merged
from .reasoning import Markers, last_cue
from .states import LEAD, naming_state

_SPEAKERS: Final = {"user": "User: ", "assistant": "Assistant: "}
"""What stands before a turn in running text."""


@dataclass(frozen=True, slots=True)
class Literal:
    """Text of the program or of the model's template; control tokens in it are real."""

    text: str


@dataclass(frozen=True, slots=True)
class Argument:
    """Text of an example's argument; control tokens in it stay text."""

    text: str


@dataclass(frozen=True, slots=True)
class Blank:
    """Parts that are filled at the call, from the first that is not the same in every call on. `before` is
    the last character of what stands before them in their turn, with `waiting` line ends behind it."""

    parts: tuple[abi.Part, ...]
    before: str = ""
    waiting: int = 0

    def filled(self, scope: Bindings) -> list[Filled]:
        """What a call fills in."""
        return fill(self.parts, scope, before=self.before, waiting=self.waiting)


Segment: TypeAlias = Literal | Argument | Blank


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; `role` is "system", "user" or "assistant"."""

    role: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A model's chat template: `turns` makes segments of turns, which end where the assistant's next turn
    begins. `markers` are those of a model that thinks by itself."""

    turns: Callable[[Sequence[Message]], Iterable[Segment]]
    markers: Markers | None = None

    def __call__(self, turns: Sequence[Message], *, thinks: bool = False) -> Iterator[Segment]:
        """The segments up to where the assistant's next turn goes on: with a thought, if it is one that
        `thinks`, or else without one."""
        yield from self.turns(turns)
        if self.markers and (lead := self.markers.opening if thinks else self.markers.empty):
            yield Literal(lead)


def lay_out(program: Program, template: Template | None = None) -> tuple[Segment, ...]:
    """The prompt with its holes open: running text without a template, else one turn for each shot.

    Where the arrangement has a state, that is the first hole, with nothing before it that depends on the
    program (`states`).
    """
    return tuple(_joined(_turns(program, template) if template else _running_text(program)))


def filled(segments: Iterable[Segment], scope: Bindings) -> Iterator[Filled]:
    """The pieces of a prompt with the blanks filled."""
    for segment in segments:
        match segment:
            case Literal():
                yield Filled(segment.text)
            case Argument():
                yield Filled(segment.text, "")
            case Blank():
                yield from segment.filled(scope)
            case _:
                assert_never(segment)


def rendered(program: Program, segments: Iterable[Segment], arguments: Mapping[str, object]) -> str:
    """The text of a call's prompt."""
    return "".join(piece.text for piece in merged(filled(segments, Bindings.of(program, arguments))))


def open_parts(program: Program) -> tuple[OpenPart, ...]:
    """The parts of the body that are not the same in every call, each once, in the order in which they
    come."""
    return tuple(dict.fromkeys(part for part in program.parts if not isinstance(part, Fixed)))


def argument_texts(program: Program, arguments: Mapping[str, object]) -> tuple[str, ...]:
    """What the model reads in each of the `open_parts`: in a hole the argument, in a block all that is shown,
    without blanks around it."""
    scope = Bindings.of(program, arguments)
    found = []
    for part in open_parts(program):
        text = "".join(piece.text for piece in fill((part,), scope))
        found.append(text.strip() if isinstance(part, abi.If | abi.For) else text)
    return tuple(found)


def _running_text(program: Program) -> Iterator[Segment]:
    answer = kind(program.returns)
    asked = naming_state(program)
    opening = _by_turns(asked.opening)
    if said := _said_first(program, opening):
        yield from said
        yield Literal("\n\n")
    is_conversation = bool(opening) or any(isinstance(part, abi.Turn) for part in program.input)
    speakers = _SPEAKERS if is_conversation else {}
    for role, parts in opening:
        yield from _opened((_SPEAKERS[role], *parts))
        yield Literal("\n\n")
    for example in _examples(program):
        scope = Bindings.of(program, program.arguments_of(example))
        yield from _filled(_in_a_row(program, speakers, program.cue), scope)
        yield Literal(f" {answer.plain(example.answer)}\n\n")
    yield from _in_a_row(asked, speakers, last_cue(program, None))


def _turns(program: Program, template: Template) -> Iterable[Segment]:
    turns = conversation(program, kind(program.returns).plain, markers=template.markers)
    return template(turns, thinks=program.using.reasoning is not None)


def conversation(
    program: Program, written: Callable[[object], str], *, markers: Markers | None = None
) -> list[Message]:
    """The prompt as turns with its holes open; the answers of examples are `written` so. `markers` are those
    of a model that thinks by itself."""
    asked = naming_state(program)
    opening = _by_turns(asked.opening)
    turns = []
    said_first = _said_first(program, opening)
    if said_first and program.arrangement.state is None:
        turns.append(Message("system", said_first))
    turns += (Message(role, tuple(_opened(parts))) for role, parts in opening)
    for example in _examples(program):
        scope = Bindings.of(program, program.arguments_of(example))
        shown = _input(program, {}, program.cue)
        turns += (Message(role, tuple(_filled(said, scope))) for role, said in shown)
        turns.append(Message("assistant", (Literal(written(example.answer)),)))
    input = _input(asked, {}, last_cue(program, markers))
    turns += (Message(role, tuple(said)) for role, said in input)
    if program.arrangement.state is not None:
        # A state is text of a user: what it says has not the weight of what a system says.
        if turns[0].role == "user":
            said_first = (*said_first, Literal("\n\n"), *turns.pop(0).segments)
        turns.insert(0, Message("user", said_first))
    return turns


def instructions_and_input(program: Program) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """The prompt in two texts, for who tells what is asked from what it is asked about: the instruction, the
    opening and the examples; and the input, without a cue. What labels mean is in neither, for options are
    asked with it."""
    opening = _by_turns(program.opening)
    blocks: list[Iterable[Segment]] = [[Literal(program.instruction)]] if program.instruction else []
    blocks += ([*_opened((_SPEAKERS.get(role, ""), *parts))] for role, parts in opening)
    for example in _examples(program):
        scope = Bindings.of(program, program.arguments_of(example))
        shown = _filled(_in_a_row(program, {}, program.cue), scope)
        blocks.append([*shown, Literal(f" {kind(program.returns).plain(example.answer)}")])
    if not blocks:
        blocks.append([Literal(program.cue)])
    asked = [piece for block in blocks for piece in (Literal("\n\n"), *block)][1:]
    is_conversation = any(isinstance(part, abi.Turn) for part in program.input)
    return tuple(_joined(asked)), tuple(_joined(_in_a_row(program, _SPEAKERS if is_conversation else {}, "")))


def _examples(program: Program) -> Sequence[abi.Example]:
    """The examples in the order in which they stand."""
    match program.arrangement.examples:
        case "reversed":
            return program.examples[::-1]
        case "interleaved":
            seen: Counter[str] = Counter()
            rounds = []
            for example in program.examples:
                label = kind(program.returns).key(example.answer)
                rounds.append(seen[label])
                seen[label] += 1
            return [program.examples[at] for at in sorted(range(len(rounds)), key=rounds.__getitem__)]
        case "declared":
            return program.examples
        case order:
            raise AssertionError(f"examples are in no order that is called {order}")


_ByTurns: TypeAlias = "list[tuple[str, list[abi.Part]]]"
"""Parts by whose turn they are in."""


def _by_turns(parts: Sequence[abi.Part]) -> _ByTurns:
    """Those before the first line of a turn are the user's."""
    found: _ByTurns = []
    for part in parts:
        if isinstance(part, abi.Turn):
            found.append((part.role, []))
        else:
            if not found:
                found.append(("user", []))
            found[-1][1].append(part)
    return found


def _said_first(program: Program, opening: _ByTurns) -> tuple[Segment, ...]:
    """What stands before the opening and the examples: the state, if there is one, and what the system
    says."""
    system = _system(program, opening)
    state = program.arrangement.state
    if state is None:
        return system
    place = Blank((abi.Hole(parameter=state),), before=LEAD[-1:])
    return (Literal(LEAD), place, *((Literal("\n\n"), *system) if system else ()))


def _system(program: Program, opening: _ByTurns) -> tuple[Segment, ...]:
    """What the system says, and what the labels mean; the former is taken out of the opening."""
    said: list[Segment] = [Literal(program.instruction)] if program.instruction else []
    if opening and opening[0][0] == "system":
        said += _opened(opening.pop(0)[1])
    meanings = list(kind(program.returns).meanings())
    if program.arrangement.members == "reversed":
        meanings.reverse()
    if meanings:
        # What is in several places of the answer means the same in each.
        lines = "\n".join(dict.fromkeys(meanings))
        said.append(Literal(f"\n{lines}" if said else lines))
    return tuple(said)


def _in_a_row(program: Program, speakers: Mapping[str, str], cue: str) -> Iterator[Segment]:
    """Input block and cue as running text."""
    for place, (_, said) in enumerate(_input(program, speakers, cue)):
        if place:
            yield Literal("\n\n")
        yield from said


def _input(
    program: Program, speakers: Mapping[str, str], cue: str
) -> Iterator[tuple[str, list[Segment]]]:
    """The turns of the input, the last with the cue below it."""
    turns = _by_turns(program.input) or [("user", [])]
    for place, (role, parts) in enumerate(turns):
        speaker = [speakers[role]] if speakers else []
        said: list[Segment] = list(_opened((*speaker, *parts)))
        if place == len(turns) - 1:
            said.append(Literal(f"\n{cue}" if said else cue))
        yield role, said


def _opened(parts: Sequence[abi.Part]) -> Iterator[Segment]:
    """The parts of a turn."""
    first = next((place for place, part in enumerate(parts) if not isinstance(part, str)), len(parts))
    text = "".join(part for part in parts[:first] if isinstance(part, str))
    if first == len(parts):
        if text:
            yield Literal(text)
        return
    # A block decides itself how far it is from what stands before it.
    kept = text.rstrip("\n") if isinstance(parts[first], abi.If | abi.For) else text
    if kept:
        yield Literal(kept)
    yield Blank(tuple(parts[first:]), before=kept[-1:], waiting=len(text) - len(kept))


def _filled(segments: Iterable[Segment], scope: Bindings) -> Iterator[Segment]:
    """The segments with the arguments of an example."""
    for piece in merged(filled(segments, scope)):
        yield Literal(piece.text) if piece.of is None else Argument(piece.text)


def _joined(segments: Iterable[Segment]) -> Iterator[Segment]:
    """Neighbouring literals as one, so that they are tokenised together."""
    text = ""
    for segment in segments:
        if isinstance(segment, Literal):
            text += segment.text
            continue
        if text:
            yield Literal(text)
        text = ""
        yield segment
    if text:
        yield Literal(text)
