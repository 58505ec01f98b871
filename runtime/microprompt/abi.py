"""The contract between generated modules and the runtime: frozen data, standard library only.

A generated module declares classes and functions with ordinary annotations, and says in tables below them
what annotations do not: the words of the model, and how a prompt is laid out. A type is said once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Final, TypeAlias

from .errors import AbiError, LoopBound

CURRENT: Final[int] = 6
"""The version of what generated modules say. It rises with every change, also when something is added."""

OLDEST: Final[int] = 3
"""The oldest version that this runtime still reads. It rises when something is taken away or changed."""

DEFAULT_STR_LENGTH: Final = 200
"""The most characters of an answer's text without a declared bound, and of what a pattern matches."""

DEFAULT_LIST_COUNT: Final = 16
"""The most items of an answer's list without a declared bound."""

KEY_LENGTH: Final = 64
"""The most characters of a key of a dict."""

DEFAULT_DEPTH: Final = 4
"""How many records that contain themselves lie inside one another at most, where no depth is declared."""

INT_OPTIONS: Final = 256
"""The most values that a range of whole numbers has to be a choice."""

INT_DIGITS: Final = 15
"""The most digits of a number before the point, where its range leaves that open."""

FLOAT_DIGITS: Final = 6
"""The most digits of an answer's number behind the point."""


def require(version: int, source: str) -> None:
    """Refuse to load a module that was compiled from `source` for a contract that is not read here."""
    if not OLDEST <= version <= CURRENT:
        reads = f"ABI {CURRENT}" if OLDEST == CURRENT else f"ABI {OLDEST} to {CURRENT}"
        raise AbiError(
            f"the module compiled from {source} is made for ABI {version}; this microprompt reads {reads}",
            help="compile it again with the `mpc build` of the installed microprompt",
        )


def require_shape(found: type[object] | Callable[..., object], digest: str) -> None:
    """Refuse to load a module that was compiled for another form of a user's class or function. `digest`
    stands for what the compiler saw of it (`shapes.functions.digest_of`)."""
    from .shapes import functions, reading  # not at the top: it is for programs with classes of users

    if not reading.is_going_on and functions.digest_of(found) != digest:
        raise AbiError(
            f"{found.__module__}.{found.__qualname__} is not what it was when the program was compiled",
            help="run `mpc build` again",
        )


# ------------------------------------------------------------------------------------------------ words


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the model is told of a member or a field: another word than its name, and what it means."""

    label: str | None = None
    description: str | None = None


def words(cls: type[object], own: Words | None = None, /, **said: Words) -> None:
    """Say what the model is told of an enum's members, or of a record's fields, beside their names; and of
    the type itself, where it is one of several that an answer may be of."""
    type.__setattr__(cls, "__mp_words__", {**said, **({} if own is None else {_OWN: own})})


def words_of(cls: type[object]) -> Mapping[str, Words]:
    """What `words` said of a class, by the name of the member or field; nothing where it said nothing."""
    return defaultdict(Words, cls.__dict__.get("__mp_words__", {}))


def own_words_of(cls: type[object]) -> Words:
    """What `words` said of a class itself; what its docstring says of one that a user has written."""
    if is_generated(cls):
        return words_of(cls)[_OWN]
    from .shapes.classes import described  # not at the top: it is for programs with classes of users

    return Words(description=described(cls))


def is_generated(cls: type[object]) -> bool:
    """Whether a class is from a generated module, or `words` said what there is to say of it."""
    return hasattr(cls, "__mp_generated__") or "__mp_words__" in cls.__dict__


_OWN: Final = ""


# ------------------------------------------------------------------------------------------------ types

MAX_OPTIONS: Final = 100_000
"""The most items of a list that an answer is one of."""

MAX_COPIED: Final = 1_000_000
"""The most characters of a text that an answer is copied from."""


@dataclass(frozen=True, slots=True)
class SpanOf:
    """In an annotation: text that is copied from an argument. `source` is the parameter, or the way to a
    field of a record that it takes: `"doc.body"`."""

    source: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """In an annotation: an item of the list that is an argument. `source` is as in `SpanOf`; records are told
    apart by the text of their field `by`."""

    source: str
    by: str | None = None


# ------------------------------------------------------------------------------------------- assertions


@dataclass(frozen=True, slots=True)
class Assertion:
    """What holds of a record: a message that says it, and a test of the record that is true where it does.

    `about` are the fields that the test looks at, with dots between the names, and `line` is the source's. An
    answer for which a `required` one does not hold is not given; the others are told beside the answer.
    """

    message: str
    test: Callable[[Any], object]
    _: KW_ONLY
    about: tuple[str, ...]
    line: int
    required: bool = True

    def failure(self, record: object) -> str | None:
        """What is wrong with a record; nothing where the assertion holds."""
        try:
            return None if self.test(record) else self.message
        except (ArithmeticError, ValueError) as error:  # a division by zero, the least of no items
            return f"{self.message}: {error}"


def checks(cls: type[object], /, *assertions: Assertion) -> None:
    """Say what holds of a record."""
    type.__setattr__(cls, "__mp_checks__", assertions)


def checks_of(cls: type[object]) -> tuple[Assertion, ...]:
    """What `checks` said of a class."""
    found: tuple[Assertion, ...] = cls.__dict__.get("__mp_checks__", ())
    return found


# ------------------------------------------------------------------------------- records in themselves


@dataclass(frozen=True, slots=True, eq=False)
class Nesting:
    """Records that contain themselves, directly or through one another: at most `depth` of them lie inside
    one another."""

    depth: int


def circle(*records: type[object], depth: int) -> None:
    """Say that these records contain themselves, and how deep."""
    together = Nesting(depth)
    for record in records:
        type.__setattr__(record, "__mp_circle__", together)


def circle_of(record: type[object]) -> Nesting | None:
    """What `circle` said of a record."""
    found: Nesting | None = record.__dict__.get("__mp_circle__")
    return found


# ---------------------------------------------------------------------------------------------- prompts


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """A place in the body that an argument fills: the parameter, then the record fields on the way."""

    parameter: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptCall:
    """A place in the body that the answer of another prompt fills. An argument, by the name of its parameter,
    is what a hole shows, or a value of the program. `text` is the call as it is written."""

    prompt: Callable[..., object] = field(compare=False, repr=False)
    text: str
    arguments: tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """In a format: what is shown, or the field of it that `path` leads to."""

    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """In a format: the number of an item, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A hole whose value is written by a format: of a list each item, one to a line."""

    hole: Hole | PromptCall
    parts: tuple[str | Place | Numbering, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """When a part of a body is shown. `holds` is given the values of `names`, which are those of parameters
    and of what loops name; `text` is the condition as it is written, and stands for it when bodies are
    compared."""

    text: str
    names: tuple[str, ...]
    holds: Callable[..., object] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IfArm:
    """Parts that are shown when a condition holds."""

    when: Condition
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class If:
    """The first of the arms whose condition holds, or what is shown otherwise."""

    arms: tuple[IfArm, ...]
    otherwise: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class For:
    """Parts that are shown once for each item of a list, which they call `variable`."""

    variable: str
    each: Hole
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What follows is said by `role`: "system", "user" or "assistant"."""

    role: str


Part: TypeAlias = str | Hole | PromptCall | Format | If | For | Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Arguments in the order of the parameters, the answer, and the line of the source."""

    arguments: tuple[object, ...]
    answer: object
    line: int


ACCURACY: Final = "accuracy"
MACRO_F1: Final = "macro_f1"
SIMILARITY: Final = "similarity"
"""Measures of the answers to rows: of all types, of choices, of texts. Each is from 0 to 1, and more is
better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestsFrom:
    """Tests that are the labelled rows of a file, relative to the generated module; `line` is the source's.

    `bounds` are measures with the least that the answers must reach; without any, every answer must be right.
    """

    file: str
    line: int
    bounds: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model: a registered name, or the path of a `.gguf` file relative to the generated module.

    `context` is a limit in tokens for one call; `layout` is "plain" or "chat". `None` leaves both to what
    the registry knows of the model.
    """

    name: str
    context: int | None = None
    layout: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A confidence under which a choice is not taken: exactly one of the two is said.

    `below` is the number itself. `reach` is the accuracy that the answers above the threshold are to have;
    tuning finds the number for it. Both are above 0 and at most 1.
    """

    below: float | None = None
    reach: float | None = None

    def __post_init__(self) -> None:
        if (self.below is None) == (self.reach is None):
            raise AbiError("a threshold is either a confidence or an accuracy to reach")


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """The model that a choice is put to as well `when` the first one's confidence is under a threshold."""

    model: Model
    when: Threshold


DEFAULT_RETRIES: Final = 2
"""How many other answers are looked for where an assertion does not hold."""

MAX_REASONING: Final = 4096
"""The most tokens of a scratchpad."""

LABELS: Final = "labels"
"""What `Using.decide` says where label scores are to answer, and nothing beside them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Using:
    """A prompt's settings. `timeout` is in seconds; temperature 0 takes the most probable answer.

    `decide` is `LABELS`, or `None` for the best evidence that there is. A choice whose confidence is under
    `abstain` is answered with none; one under `escalate` is put to a larger model as well. Of an
    answer for which an assertion does not hold, `retries` others are looked for. `layout` is "plain" or
    "chat"; `None` leaves it to the model's. `reasoning` is the most tokens of the scratchpad that a model
    writes before it answers; without one, it answers at once.
    """

    model: Model | None = None
    temperature: float = 0.0
    seed: int | None = None
    timeout: float | None = None
    max_tokens: int | None = None
    independent: bool = False
    decide: str | None = None
    abstain: Threshold | None = None
    escalate: Escalation | None = None
    retries: int = DEFAULT_RETRIES
    layout: str | None = None
    reasoning: int | None = None

    @property
    def is_scored(self) -> bool:
        """Whether the scores of a choice's labels answer alone: where that is said, and behind a scratchpad,
        which no other evidence takes into account."""
        return self.decide == LABELS or self.reasoning is not None


TUNING_FORMAT: Final = 1
"""The version of what tuning files say; one of another version is not read."""

TUNING_SUFFIX: Final = ".tuning.json"
"""What the name of a tuning file ends with, where that of the program beside it ends with `.mp`."""

TENSORS_SUFFIX: Final = ".tuning.safetensors"
"""What the name of the file with a tuning's numbers ends with."""

MAX_TENSORS: Final = 256_000_000
"""How many bytes the numbers of a tuning may have: hundreds of times what all heads of a program need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What `mpc tune` has learnt of a prompt.

    `file` is the tuning file, relative to the generated module; `key` stands for all that the compiler laid
    out of the prompt. An entry of the file that was made for another key is not used.
    """

    file: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a prompt's `def` does not say: what comes before the arguments, what holds them, and the cue.

    `instruction` is the body before the paragraph of the first hole, `input` the rest, `cue` the words that
    the answer follows. In a body of turns, `opening` are those that come before the examples, but for what
    the system says where that is the same in every call; and the input has turns where it is more than one of
    the user's. `source` is the `.mp` file, relative to the project, and `line` the prompt's line.
    """

    source: str
    line: int
    instruction: str
    input: tuple[Part, ...]
    cue: str
    opening: tuple[Part, ...] = ()
    examples: tuple[Example, ...] = ()
    tests: tuple[Example, ...] = ()
    tests_from: tuple[TestsFrom, ...] = ()
    using: Using = Using()
    tuning: Tuning | None = None


# ------------------------------------------------------------------------------------------------ flows


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowTest(Example):
    """A test of a flow. `given` are answers of what the flow calls, by what is called: all prompts answer
    with those then, and without any the real model does. Of one that is there several times, the answers are
    given in turn, and the last one from then on."""

    given: tuple[tuple[Callable[..., object], object], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What a flow's `def` does not say. `source` is the `.mp` file, relative to the project, and `line` the
    flow's line.

    `lines` are pairs of a line of the generated module and one of the source, ascending by the first; a line
    between two pairs belongs to the one before it. `timeout` is in seconds, for all that a call of the flow
    calls.
    """

    source: str
    line: int
    lines: tuple[tuple[int, int], ...] = ()
    timeout: float | None = None
    tests: tuple[FlowTest, ...] = ()
    tests_from: tuple[TestsFrom, ...] = ()


class Rounds:
    """Counts the rounds of a loop, of which there may be `most`."""

    def __init__(self, most: int) -> None:
        self._left = self._most = most

    def count(self) -> None:
        """Another round begins. Raises `LoopBound` where there have been as many as there may be."""
        if not self._left:
            rounds = "1 round" if self._most == 1 else f"{self._most} rounds"
            raise LoopBound(
                f"the loop has run {rounds}, and its condition still holds",
                help="raise its bound, or let it also end where nothing changes any more",
            )
        self._left -= 1
