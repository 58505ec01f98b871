"""What a call gives back beside the plain value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Generic, TypeVar

from .types import AnyKind, DeclaredType, Verdict, kind
from .types.arguments import held
from .types.base import dotted

R = TypeVar("R", covariant=True)

UNSCORED: Final = "unscored"
"""What `answered_by` says where a server tells no probabilities: how sure the model was is not known."""

REASONING: Final = "(reasoning)"
"""Where in a plan the scratchpad before an answer stands: no field has such a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one call.

    `prompt_tokens` is the whole prompt; `cached_tokens` of them came from the KV cache; `decoded_tokens` is
    what the model evaluated after the prompt (0 for a choice that the prompt's own pass decides). What was
    spent on answers that were refused, because an assertion did not hold, counts too. Tokens that were
    evaluated on a guess count once the answer has them; those that were guessed wrong don't.
    """

    prompt_tokens: int
    cached_tokens: int
    decoded_tokens: int

    @staticmethod
    def total(usages: Iterable[Usage]) -> Usage:
        """What several pieces of work come to."""
        found = tuple(usages)
        return Usage(
            prompt_tokens=sum(usage.prompt_tokens for usage in found),
            cached_tokens=sum(usage.cached_tokens for usage in found),
            decoded_tokens=sum(usage.decoded_tokens for usage in found),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldAnswer:
    """A part of an answer: as `Answer`, without what belongs to the whole call. `items` has the confidence of
    each item of a list, and is empty for other types. Of a choice among very many options, `shortlist` is how
    many of them came into question; the others have no probability."""

    value: object
    confidence: float
    distribution: Mapping[object, float] | None
    coverage: float | None
    answered_by: str = "model"
    calibrated: bool = False
    spans: tuple[tuple[int, int], ...] = ()
    items: tuple[float, ...] = ()
    shortlist: int | None = None

    @property
    def mean(self) -> float | None:
        """The mean of the distribution over whole numbers; `None` for other types."""
        return _mean(self.value, self.distribution)

    def to_json(self, declared: AnyKind) -> dict[str, object]:
        """The part as JSON data; `declared` is the kind of its value."""
        return {
            "value": declared.to_data(self.value),
            "confidence": self.confidence,
            "calibrated": self.calibrated,
            "answered_by": self.answered_by,
            "distribution": _distribution(self.distribution, declared),
            **({} if self.mean is None else {"mean": self.mean}),
            **({"items": list(self.items)} if self.items else {}),
            **({} if self.shortlist is None else {"shortlist": self.shortlist}),
            "coverage": self.coverage,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """What a model wrote before an answer, as it stands in the context; it `is_cut` if its bound ended it."""

    written: str
    is_cut: bool

    @property
    def text(self) -> str:
        """Without the blanks around it."""
        return self.written.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[R]):
    """A value and how sure the model was of it.

    `confidence` is how sure the model was, under the constraint. Of a choice it is the probability of its
    label among the labels, p(label | what was asked, labels); of a number, a date and what else there is one
    way to say, the probability of its tokens together; of text, that of a token on the geometric mean. What
    has parts is as sure as the least sure of them: a record as its fields, a set as its labels, a list as its
    items and that it goes on or ends, a value of a union as its type and the value, what is optional as that
    it is there and the value. `least_sure` names the field of a record that its confidence is of. It is how
    often such an answer is right only where it is `calibrated`: where a head answers that was fitted on
    labelled rows and whose probabilities held on rows that it had not seen. Else it orders answers, and says
    no more.

    `distribution` maps every label's value to its probability: of a choice, of a set, each of whose labels
    has one of its own, and of a union and what is optional, where the labels are the names of the types,
    "some" and "none". `mean` is its mean (a choice among whole numbers only). `coverage` is the probability,
    before any constraint, that the model would have said one of the labels (only where label scores were
    asked): low means that the question does not suit the labels. `answered_by` names the evidence that a
    choice was decided on: "labels", "readout", "embedder", "names", or some of them joined by "+"; it is
    "model" for guided text and whole records, and "systemone" where such a server answered. It is "unscored"
    where a server tells no probabilities: `distribution` is then `None`, and `confidence` 0, for nothing is
    known of it. Of a choice among very many options, `shortlist` is how many of them came into question, of
    all that are in `distribution`; the others have no probability there. It is `None` where all did.

    `spans` says of copied text where it stands in the argument that it was copied from: the start and the
    end, in characters, of each text. Of a text that stands there more than once it is the first place.

    `near_tie` says that somewhere the best label or token beat the next one by so little that the same call,
    among other calls, may give the other. `fields` has the same for each field of a record, at any depth, by
    the dotted name that leads to it in `value`; `parts` has what was decided for them, place by place. `cut`
    names the fields whose text ends where its bound is ("" for a whole answer): there may have been more.
    `checks` is what the `check` lines of records say of the value; those of `assert` hold of every answer.
    `reasoning` is what the model wrote before the answer, of a prompt that has it do so; all that is said of
    an answer is said of it behind that text. `reasoning_cut` says that the text was ended by its bound.
    `abstained` says that the value is `None` because the confidence was under the prompt's threshold;
    `confidence` and `distribution` are then those of the label that would have been the answer. Of a call
    that went on to a larger model, `first` is what the smaller one said and `second` what the larger one
    said; the answer is that of both, and `model` and `answered_by` name both. `is_kept` says that the answer
    was kept from an earlier call. `seconds` is wall time from call to answer. `returns` is the function's
    type.
    """

    value: R
    confidence: float
    distribution: Mapping[object, float] | None
    coverage: float | None
    fields: Mapping[str, FieldAnswer]
    near_tie: bool
    usage: Usage
    seconds: float
    model: str
    returns: DeclaredType = field(repr=False)
    answered_by: str = "model"
    calibrated: bool = False
    abstained: bool = False
    checks: tuple[Verdict, ...] = ()
    first: Answer[R] | None = None
    second: Answer[R] | None = None
    is_kept: bool = False
    spans: tuple[tuple[int, int], ...] = ()
    least_sure: str | None = None
    cut: tuple[str, ...] = ()
    shortlist: int | None = None
    reasoning: str | None = None
    reasoning_cut: bool = False
    parts: Mapping[str, FieldAnswer] = field(default_factory=dict, repr=False)

    @staticmethod
    def of(
        value: object,
        parts: Mapping[str, FieldAnswer],
        *,
        declared: AnyKind,
        near_tie: bool,
        usage: Usage,
        seconds: float,
        model: str,
    ) -> Answer[object]:
        """The answer that a value is, with what was decided in each place of its plan; `declared` is the kind
        of its type, as it is given in the call."""
        described = _Described(parts)
        whole = described.part(declared, value, "", "")
        thought = thought_in(parts)
        sure = [name for name, found in described.fields.items() if found.confidence == whole.confidence]
        return Answer(
            value=value,
            confidence=whole.confidence,
            distribution=whole.distribution,
            coverage=whole.coverage,
            fields=described.fields,
            near_tie=near_tie,
            usage=usage,
            seconds=seconds,
            model=model,
            returns=declared.declared,
            answered_by=whole.answered_by,
            calibrated=whole.calibrated,
            # A field comes behind those inside it, which say more.
            least_sure=sure[0] if sure else None,
            spans=whole.spans,
            shortlist=whole.shortlist,
            cut=tuple(described.cut),
            reasoning=None if thought is None else thought.text,
            reasoning_cut=thought is not None and thought.is_cut,
            parts=parts,
        )

    @staticmethod
    def whole(
        value: object,
        *,
        declared: AnyKind,
        confidence: float,
        answered_by: str,
        near_tie: bool,
        usage: Usage,
        seconds: float,
        model: str,
    ) -> Answer[object]:
        """The answer that a value is which no model decided place by place: its parts are as sure as it
        is."""
        parts = {
            place: FieldAnswer(
                value=part, confidence=confidence, distribution=None, coverage=None, answered_by=answered_by
            )
            for place, part in declared.take_apart("", value)
        }
        found = Answer.of(
            value, parts, declared=declared, near_tie=near_tie, usage=usage, seconds=seconds, model=model
        )
        # No field is surer than another, and no text was cut where its bound is.
        return replace(found, answered_by=answered_by, least_sure=None, cut=())

    @property
    def mean(self) -> float | None:
        """The mean of the distribution over whole numbers; `None` for other types."""
        return _mean(self.value, self.distribution)

    def to_json(self) -> dict[str, object]:
        """The answer as JSON data: what `mpc run --json` prints."""
        returns = kind(self.returns)
        mean = {} if self.mean is None else {"mean": self.mean}
        both = {
            name: answer.to_json()
            for name, answer in (("first", self.first), ("second", self.second))
            if answer is not None
        }
        checks = {"checks": [check.to_json() for check in self.checks]} if self.checks else {}
        reasoning = (
            {}
            if self.reasoning is None
            else {"reasoning": self.reasoning, "reasoning_cut": self.reasoning_cut}
        )
        return {
            "value": returns.to_data(self.value),
            "confidence": self.confidence,
            "calibrated": self.calibrated,
            "answered_by": self.answered_by,
            "abstained": self.abstained,
            "distribution": _distribution(self.distribution, returns),
            **mean,
            **({} if self.shortlist is None else {"shortlist": self.shortlist}),
            "coverage": self.coverage,
            "near_tie": self.near_tie,
            **self._fields_to_json(returns),
            "cut": list(self.cut),
            **checks,
            **reasoning,
            "usage": {
                "prompt_tokens": self.usage.prompt_tokens,
                "cached_tokens": self.usage.cached_tokens,
                "decoded_tokens": self.usage.decoded_tokens,
            },
            "seconds": self.seconds,
            "model": self.model,
            **both,
        }

    def _fields_to_json(self, returns: AnyKind) -> dict[str, object]:
        if not self.fields:
            return {}
        kinds = dict(_kinds(returns, self.value, ""))
        fields = {name: found.to_json(kinds[name]) for name, found in self.fields.items()}
        return {"least_sure": self.least_sure, "fields": fields}


def thought_in(parts: Mapping[str, FieldAnswer]) -> Thought | None:
    """What was written before an answer that was decided in these places."""
    found = parts.get(REASONING)
    return found.value if found is not None and isinstance(found.value, Thought) else None


def _distribution(
    distribution: Mapping[object, float] | None, declared: AnyKind
) -> dict[str, float] | None:
    if distribution is None:
        return None
    # An item of an argument, or none, is no choice of a way once the argument is known.
    names = declared.first().options() or ()
    key = declared.first().key if distribution.keys() <= set(names) else declared.key
    return {key(value): p for value, p in distribution.items()}


class _Described:
    """What there is to say of the `fields` of a value, each behind those that are in it, and which of them
    are `cut`."""

    def __init__(self, parts: Mapping[str, FieldAnswer]) -> None:
        self.fields: dict[str, FieldAnswer] = {}
        self.cut: list[str] = []
        self._parts = parts

    def part(self, declared: AnyKind, value: object, place: str, name: str) -> FieldAnswer:
        """What there is to say of a part called `name` by programs and decided at `place` of the plan."""
        way = declared.way_of(value)
        if declared.fields():
            found = self._record(declared, value, place, name)
        elif way is None:
            found = self._parts[place]
            if declared.is_cut(value):
                self.cut.append(name)
        else:
            found = replace(self._parts[place], value=value)
            if way.kind is not None:
                inside = self.part(way.kind, value, dotted(place, way.name), name)
                least = min(found.confidence, inside.confidence)
                found = replace(
                    found, confidence=least, calibrated=False, items=inside.items, spans=inside.spans
                )
        if name:
            self.fields[name] = found
        return found

    def _record(self, declared: AnyKind, value: object, place: str, name: str) -> FieldAnswer:
        inner = [
            self.part(each.kind, held(value, each.name), dotted(place, each.name), dotted(name, each.name))
            for each in declared.fields()
        ]
        least = min(each.confidence for each in inner)
        return FieldAnswer(value=value, confidence=least, distribution=None, coverage=None)


def _kinds(declared: AnyKind, value: object, name: str) -> Iterator[tuple[str, AnyKind]]:
    """The kind of each field, by the names that `_Described` gives them."""
    way = declared.way_of(value)
    if way is not None and way.kind is not None:
        yield from _kinds(way.kind, value, name)
    for each in declared.fields():
        yield from _kinds(each.kind, held(value, each.name), dotted(name, each.name))
    yield name, declared


def _mean(value: object, distribution: Mapping[object, float] | None) -> float | None:
    # That of a set has a probability of its own for each label.
    if distribution is None or isinstance(value, frozenset):
        return None
    mean = 0.0
    for value, probability in distribution.items():
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        mean += probability * value
    return mean
