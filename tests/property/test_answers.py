"""Random return types met by random logits: the answer is always a valid value, within the proven bound."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import count
from typing import Any

import jsonschema
import numpy as np
import pydantic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import validators
from llguidance import LLMatcher, LLTokenizer
from numpy.typing import NDArray
from outlines.types import JsonSchema, Regex
from outlines.types.dsl import python_types_to_terms

from microprompt import Answer, abi
from microprompt.answer import FieldAnswer
from microprompt.engines.engine import Call, Engine
from microprompt.engines.scripted import VOCABULARY, Voice
from microprompt.errors import AnswerTooLong
from microprompt.program import Parameter, Program
from microprompt.records import Record
from microprompt.types import (
    BoolType,
    DateTimeType,
    DateType,
    DecimalType,
    DeclaredType,
    DictType,
    EnumType,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    OneOfType,
    OptionalType,
    PatternType,
    RecordField,
    RecordType,
    SetType,
    SpanType,
    StrType,
    TimeType,
    UnionType,
    kind,
    outlines_type,
)

from ..unit.runtime.programs import WatchedBackend

_numbers = count()

# ------------------------------------------------------------------------------------------ random types

WORDS = st.text(st.sampled_from('ab é日🙂"\\{}<|>,:0-'), min_size=1, max_size=8).filter(
    lambda word: word != "none"
)
NAMES = st.from_regex(r"[a-z]{1,4}", fullmatch=True).map(lambda name: f"{name}_")
PATTERNS = (
    r"[A-Z]{2}-[0-9]{3}",
    r"\d{4}-\d\d-\d\d",
    r"[a-z]+@[a-z]+\.(com|org)",
    r"\w{1,5}",
    r".*",
    r"a/b|c\\d",
    r'"?[a-z]*"?',
    r"[^a-z]{2,4}",
    r"(x|yy){3,}",
    r"[\w.-]+@\w+\s?\S",
)


@st.composite
def enums(draw: st.DrawFn) -> EnumType:
    labels = draw(st.lists(WORDS, min_size=1, max_size=90, unique=True))
    names = [f"member_{number}" for number in range(len(labels))]
    python: type[StrEnum] = StrEnum(f"Enum{next(_numbers)}", {name: name for name in names})  # type: ignore[misc]
    abi.words(
        python, **{name: abi.Words(label=label) for name, label in zip(names, labels, strict=True)}
    )
    return EnumType(python=python)


@st.composite
def ints(draw: st.DrawFn) -> IntType:
    size = draw(st.sampled_from((10, 300, 10**9)))
    least, most = sorted(draw(st.tuples(st.integers(-size, size), st.integers(-size, size))))
    return IntType(
        minimum=draw(st.sampled_from((least, least, None))), maximum=draw(st.sampled_from((most, most, None)))
    )


@st.composite
def floats(draw: st.DrawFn) -> FloatType:
    size = draw(st.sampled_from((30, 2_000_000, 10**12)))
    least, most = sorted(draw(st.tuples(st.integers(-size, size), st.integers(-size, size))))
    return FloatType(
        minimum=draw(st.sampled_from((least / 1e6, least / 1e6, None))),
        maximum=draw(st.sampled_from((most / 1e6, most / 1e6, None))),
    )


@st.composite
def moments(draw: st.DrawFn) -> DateType | TimeType | DateTimeType:
    days = st.one_of(st.dates(), st.dates(dt.date(2023, 12, 30), dt.date(2024, 3, 1)))
    times = st.times().map(lambda found: found.replace(microsecond=0))
    kinds: list[tuple[type[Any], st.SearchStrategy[Any]]] = [
        (DateType, days),
        (TimeType, times),
        (DateTimeType, st.builds(dt.datetime.combine, days, times)),
    ]
    made, values = draw(st.sampled_from(kinds))
    least, most = sorted(draw(st.tuples(values, values)))
    found: DateType | TimeType | DateTimeType = made(
        minimum=draw(st.sampled_from((least, least, None))),
        maximum=draw(st.sampled_from((most, most, None))),
    )
    return found


@st.composite
def decimals(draw: st.DrawFn) -> DecimalType:
    places = draw(st.sampled_from((1, 2, 8)))
    size = draw(st.sampled_from((30, 10**4, 10**15)))
    ends = sorted(draw(st.tuples(st.integers(-size, size), st.integers(-size, size))))
    least, most = (Decimal(end).scaleb(-places) for end in ends)
    found = DecimalType(
        minimum=draw(st.sampled_from((least, least, None))),
        maximum=draw(st.sampled_from((most, most, None))),
        places=places,
    )
    return draw(st.sampled_from((found, found, found, DecimalType())))


@st.composite
def strings(draw: st.DrawFn) -> StrType:
    least = draw(st.integers(0, 6))
    most = draw(st.sampled_from((least, least + 1, least + 9, None)))
    return StrType(min_length=least, max_length=most)


@st.composite
def records(draw: st.DrawFn, items: st.SearchStrategy[DeclaredType]) -> RecordType:
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    labels = draw(st.lists(WORDS, min_size=len(names), max_size=len(names), unique=True))
    fields: dict[str, Any] = dict.fromkeys(names, (Any, ...))
    python = pydantic.create_model(f"Record{next(_numbers)}", __base__=Record, **fields)
    described = (
        RecordField(name=name, label=label, type=draw(items))
        for name, label in zip(names, labels, strict=True)
    )
    return RecordType(python=python, fields=tuple(described))


@st.composite
def lists(draw: st.DrawFn, items: st.SearchStrategy[DeclaredType]) -> ListType:
    least = draw(st.integers(0, 2))
    most = draw(st.sampled_from((least, least + 1, least + 3)))
    return ListType(item=draw(items), min_count=least, max_count=most)


ARGUMENTS = {"text": 'Hm. "Ann" has 12 pens\\,\n4711 Grüße 日本', "words": ["red", "dark red", 'a "b"', "\\"]}
"""What the answers of some types depend on."""

LITERALS = st.lists(WORDS | st.integers(10, 10**15 - 1), min_size=1, max_size=12, unique_by=str).map(
    lambda found: LiteralType(values=tuple(found))
)


@st.composite
def sets(draw: st.DrawFn) -> SetType:
    item = draw(st.one_of(LITERALS, enums()))
    count = len(kind(item).options() or ())
    least, most = sorted(draw(st.tuples(st.integers(0, count), st.integers(1, count))))
    return SetType(
        item=item, min_count=draw(st.sampled_from((0, least))), max_count=draw(st.sampled_from((None, most)))
    )


@st.composite
def dicts(draw: st.DrawFn, items: st.SearchStrategy[DeclaredType]) -> DictType:
    least = draw(st.integers(0, 2))
    most = draw(st.sampled_from((least + 1, least + 3)))
    return DictType(value=draw(items), min_count=least, max_count=most)


SCALARS: st.SearchStrategy[DeclaredType] = st.one_of(
    strings(),
    st.sampled_from(PATTERNS).map(lambda pattern: PatternType(pattern=pattern)),
    ints(),
    floats(),
    decimals(),
    moments(),
    st.just(BoolType()),
    LITERALS,
    enums(),
    st.sampled_from(
        (
            SpanType(source="text"),
            SpanType(source="text", min_length=3, max_length=9),
            SpanType(source="text", pattern="[0-9]+"),
            OneOfType(source="words", item=StrType()),
        )
    ),
    sets(),
)


@st.composite
def unions(draw: st.DrawFn, items: st.SearchStrategy[DeclaredType]) -> UnionType:
    """Types that nothing confuses: a record, an enum, a number, a list, literals."""
    arms: list[st.SearchStrategy[DeclaredType]] = [
        records(items), enums(), ints(), lists(items), st.just(BoolType())
    ]
    found = draw(st.lists(st.sampled_from(arms), min_size=2, max_size=4, unique=True))
    return UnionType(items=tuple(draw(each) for each in found))


def nested(items: st.SearchStrategy[DeclaredType]) -> st.SearchStrategy[DeclaredType]:
    optional = items.filter(lambda item: not isinstance(item, OptionalType))
    optionals = optional.map(lambda item: OptionalType(item=item))
    return st.one_of(records(items), lists(items), dicts(items), unions(items), optionals)


TYPES = st.recursive(SCALARS, nested, max_leaves=6)
USINGS = st.builds(
    abi.Using,
    temperature=st.sampled_from((0.0, 0.0, 2.0)),
    seed=st.just(1),
    max_tokens=st.sampled_from((None, None, 3, 30)),
    independent=st.booleans(),
)

# ------------------------------------------------------------------------------------------ random logits


def random_voice(seed: int) -> Voice:
    """Logits that look random and depend on nothing but the seed and the text."""

    def voice(text: bytes) -> NDArray[np.float32]:
        digest = hashlib.blake2b(text, digest_size=8, key=seed.to_bytes(8, "little")).digest()
        random = np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))
        return random.normal(scale=4.0, size=VOCABULARY).astype(np.float32)

    return voice


def program(returns: DeclaredType, using: abi.Using) -> Program:
    return Program(
        name="ask",
        source="ask.mp",
        line=1,
        instruction="Say.",
        input=("In: ", abi.Hole(parameter="text")),
        cue="Out:",
        parameters=(
            Parameter(name="text", type=StrType()),
            Parameter(name="words", type=ListType(item=StrType())),
        ),
        returns=returns,
        using=using,
    )


# ------------------------------------------------------------------------------------------------ checks


def matches(pattern: str, text: str) -> bool:
    """Whether llguidance, Outlines' backend for this engine, finds that a pattern matches a text."""
    matcher = LLMatcher(LLTokenizer("byte"), LLMatcher.grammar_from_regex(pattern))
    data = list(text.encode())
    return matcher.try_consume_tokens(data) == len(data) and matcher.is_accepting()


def check_pattern(_: object, pattern: str, text: object, __: object) -> Iterator[jsonschema.ValidationError]:
    """The keyword `pattern`, which jsonschema itself gives to Python's `re`."""
    if isinstance(text, str) and not matches(pattern.removeprefix("^").removesuffix("$"), text):
        yield jsonschema.ValidationError(f"{text!r} does not match {pattern!r}")


Validator = validators.extend(jsonschema.Draft202012Validator, {"pattern": check_pattern})


def check_outlines(answer: Answer[object], returns: DeclaredType) -> None:
    """The answer is of the language of the Outlines type, and as the schema of its data has it."""
    value = answer.to_json()["value"]
    jsonschema.validate(value, kind(returns).schema(), cls=Validator)
    term = python_types_to_terms(outlines_type(returns))
    if isinstance(term, JsonSchema):
        jsonschema.validate(value, json.loads(term.schema), cls=Validator)
        return
    text = kind(returns).plain(value) if isinstance(returns, FloatType) else str(value)
    if isinstance(term, Regex):
        assert matches(term.pattern, text), (text, term)
    else:
        assert term.matches(text), (text, term)


def probabilities(answer: Answer[object]) -> Sequence[float]:
    parts: list[Answer[object] | FieldAnswer] = [answer, *answer.fields.values()]
    return [
        number
        for part in parts
        for number in (part.confidence, part.coverage, *(part.distribution or {}).values())
        if number is not None
    ]


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(TYPES, USINGS, st.integers(0, 2**32))
def test_any_type_and_any_logits_give_a_valid_value_within_the_bound(
    returns: DeclaredType, using: abi.Using, seed: int
) -> None:
    backend = WatchedBackend(random_voice(seed), context=10**9)
    engine = Engine(backend)
    asked = program(returns, using)
    bound = engine.bind(asked).given(ARGUMENTS)
    most = bound.answer.max_tokens

    job = engine.submit(Call(asked, ARGUMENTS))
    error = job.future.exception(timeout=60)
    engine.close()
    if using.max_tokens is not None and isinstance(error, AnswerTooLong):
        # Never for want of cells, for those were counted.
        assert f"max_tokens = {using.max_tokens}" in str(error)
        return
    answer = job.future.result()

    assert kind(returns).given(ARGUMENTS).check(answer.value, "the answer") is answer.value
    check_outlines(answer, returns)
    question = bound.question(ARGUMENTS)
    assert answer.usage.decoded_tokens <= most
    # Tokens may be evaluated in vain, with a batch that is due anyhow; they have no cells beyond the bound.
    assert backend.most_cells <= len(bound.prefix) + len(question) + most
    assert len(engine.scheduler.runners[0].full.pool) == backend.n_sequences
    assert all(0 <= number <= 1 + 1e-9 for number in probabilities(answer))
