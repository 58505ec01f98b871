"""A call of a decider on its way to its answer.

    submit ── evidence of each head, side by side ── what the heads say ──┬── the answer
                                                                          └── the rest of a record, written
                                                                              by the model around them ── ...
    ... ── sure enough? ──┬── yes: done
                          ├── no, and there is a larger model: the same program there, and both together
                          └── no, nor are both, and the prompt abstains: none
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import abi
from ..answer import REASONING, UNSCORED, Answer, FieldAnswer, Usage
from ..engines.base import Call
from ..engines.engine import Engine
from ..engines.steps import Steps
from ..errors import AnswerRefused, AnswerTooLong, AssertionFailed, ModelError, ScriptError
from ..heads.evidence import Evidence, Labels, Named
from ..heads.linear import Numbers
from ..program import Arrangement, Program
from ..scheduling.jobs import Pending
from ..scheduling.sampling import is_near_tie, sampler_of
from ..scheduling.slots import Said, SaidAnswer, SaidScores
from ..scheduling.trails import Trail
from ..types import Verdict, kind
from .choices import Question, places, questions_of, questions_of_call
from .escalation import together
from .evidence import (
    AnyEmbedder,
    Sources,
    claim,
    claim_texts,
    embedded_texts,
    features_of,
    local,
    shown_text,
)
from .search import Search
from .settle import Settled, Settlement, tell_of_lack
from .shortlist import shortlist
from .source import EMBEDDER, head_of_words

T = TypeVar("T")

MAX_TRIES: Final = 16
"""How often a call looks for another answer, whatever comes of it: two ways may lead to one value."""


class Decides(Protocol):
    """What a call asks of its decider."""

    @property
    def sources(self) -> Sources:
        """What gives the evidence."""
        ...

    @property
    def program(self) -> Program: ...

    @property
    def larger(self) -> Decides | None:
        """What decides on the model that calls go on to, if they do."""
        ...

    def arranged(self, arrangement: Arrangement, /) -> Program:
        """The program with an arrangement: each time the same one."""
        ...

    def rest(self, arrangement: Arrangement, decided: frozenset[str], /) -> Program:
        """What is left of that for the model where so much is decided: each time the same program."""
        ...

    def submit(self, call: Call, /, *, waits: bool) -> Pending[Answer[object]]:
        """Begin a call."""
        ...

    def abandon(self, pending: Pending[Any], /) -> None:
        """Give up a call."""
        ...


class DecidedCall(Steps):
    """A call of a decider on its way to its answer."""

    def __init__(
        self, decider: Decides, settlement: Settlement, call: Call, *, waits: bool, deadline: float | None
    ) -> None:
        super().__init__(call, waits=waits, deadline=deadline)
        self._decider = decider
        self._settlement = settlement
        self._usages: list[Usage] = []
        self._search = Search()
        self._refused: list[tuple[object, Verdict]] = []
        self._said: Mapping[str, Said] = {}
        self._tries = 0

    def _begin(self) -> None:
        if self._settlement.asks_call and (asked := self._asked_by_call()):
            self._read_words(asked)
        else:
            self._gather()

    # ----------------------------------------------------------------------- what only the call can settle

    def _asked_by_call(self) -> tuple[Question, ...]:
        """The choices among options that the call brings along, and whose words say something."""
        asked = questions_of_call(self._call.program, self._call.arguments)
        return tuple(each for each in asked if any(map(each.kind.words, each.options)))

    def _read_words(self, asked: Sequence[Question]) -> None:
        """Embed the words of options, and go on with heads made of them."""
        (text,) = embedded_texts(self._call.program, self._call.arguments, "text")
        try:
            embedder = self._decider.sources.embedder(EMBEDDER)
            read = [_WordsOfOptions.of(question, text, embedder) for question in asked]
        except ModelError as error:
            tell_of_lack(error)
            self._gather()
            return
        claims = claim_texts([text for each in read for said in each.words for text in said], embedder)
        for claimed in claims:
            self.hold(claimed.release)

        def settle() -> None:
            vectors = iter([claimed.future.result() for claimed in claims])
            found = [each.settled(vectors) for each in read]
            self._settlement = self._settlement.of_call(self._call.program, found)
            self._gather()

        left = [claimed.future for claimed in claims if not claimed.future.done()]
        if left:
            self.when_all(dict(enumerate(left)), lambda _: self.follow_up(settle))
        else:
            settle()

    def _gather(self) -> None:
        """Begin what the answer needs: the evidence of the heads, or the call of the model."""
        evidence = self._settlement.evidence
        if not evidence:
            self.when_all({"": self._submitted(self._call)}, lambda given: self._judge(given[""]))
        else:
            self.when_all({each: self._asked(each) for each in evidence}, self._decide)

    # ------------------------------------------------------------------------------------- evidence

    def _asked(self, evidence: Evidence) -> Future[Any]:
        if isinstance(evidence, Labels):
            program = self._decider.arranged(evidence.arrangement)
            return self._submitted(replace(self._call, program=program))
        if isinstance(evidence, Named):
            return _there(shown_text(self._call))
        # Other heads were fitted with the instruction first, and are asked so.
        program = self._decider.arranged(replace(self._call.program.arrangement, state=None))
        call = replace(self._call, program=program)
        claimed, usage = claim(evidence, call, self._decider.sources, waits=self._waits)
        self.hold(claimed.release)
        self._usages.append(usage)
        return claimed.future

    def _submitted(self, call: Call) -> Future[Answer[object]]:
        """A call of the language model."""
        engine = self._decider.sources.engine()
        return self.begun(engine, engine.submit(call, waits=self._waits))

    def _decide(self, given: Mapping[Evidence, Any]) -> None:
        """All evidence is there, and what the heads say of it is what is answered."""
        using = self._call.program.using
        sampler = sampler_of(using)
        written: Answer[object] | None = next(
            (answer for evidence, answer in given.items() if isinstance(evidence, Labels)), None
        )
        decided: dict[str, FieldAnswer] = {}
        near_tie = False
        for one in self._settlement.settled:
            if one.head is None:
                continue
            features = {each: features_of(each, one.question, given[each]) for each in one.head.evidence}
            log_probs = one.log_probs(features)
            near_tie |= is_near_tie(log_probs, using)
            decided[one.question.name] = _field(one, log_probs, sampler.pick(log_probs), written)
        self._complete(decided, near_tie, written)

    # ------------------------------------------------------------------------------------ the answer

    def _complete(
        self, decided: Mapping[str, FieldAnswer], near_tie: bool, written: Answer[object] | None
    ) -> None:
        """The answer, if all of it is known; else the model writes what is not around what is."""
        values = {name: field.value for name, field in decided.items()}
        returns = kind(self._call.program.returns)
        if written is not None and _agrees(written, values):
            self._judge(self._answer(written.value, {**written.parts, **decided}, near_tie, written))
        elif not self._settlement.has_rest:
            self._judge(self._answer(returns.put_together("", values), decided, near_tie, written))
        else:
            if written is not None:
                self._usages.append(written.usage)
            self.follow_up(lambda: self._write(decided, near_tie))

    def _write(self, decided: Mapping[str, FieldAnswer], near_tie: bool) -> None:
        engine = local(self._decider.sources.engine())
        program = self._call.program
        rest = self._decider.rest(program.arrangement, self._settlement.apart)
        asked = places(rest.returns)
        said = {name: SaidAnswer(field) for name, field in decided.items() if name in asked}
        future = self.begun(engine, engine.submit(self._remaining(rest), waits=self._waits, said=said))

        def complete(given: Mapping[str, Answer[object]]) -> None:
            written = given[""]
            parts = {**written.parts, **decided}
            value = written.value
            if rest is not program:
                values = {name: field.value for name, field in parts.items()}
                value = kind(program.returns).given(self._call.arguments).put_together("", values)
            self._judge(self._answer(value, parts, near_tie, written))

        self.when_all({"": future}, complete)

    def _answer(
        self,
        value: object,
        parts: Mapping[str, FieldAnswer],
        near_tie: bool,
        written: Answer[object] | None,
    ) -> Answer[object]:
        usages = [*self._usages, *([] if written is None else [written.usage])]
        # What a head has decided as a whole, the model has written in vain.
        tie = written is not None and parts.keys() != {""} and written.near_tie
        return Answer.of(
            value,
            parts,
            declared=kind(self._call.program.returns).given(self._call.arguments),
            near_tie=near_tie or tie,
            usage=Usage.total(usages),
            seconds=0.0,  # it is not there yet
            model=self._settlement.answers,
        )

    def _judge(self, answer: Answer[object]) -> None:
        """Take the answer if it is sure enough."""
        if self._is_under(answer, self._settlement.escalate, "escalate"):
            self.follow_up(lambda: self._escalate(self._timed(answer)))
        else:
            self._end(answer)

    def _end(self, answer: Answer[object]) -> None:
        if self._is_under(answer, self._settlement.abstain, "abstain"):
            answer = replace(answer, value=None, abstained=True)
        self._give(answer, None)

    def _is_under(self, answer: Answer[object], threshold: float | None, setting: str) -> bool:
        """Whether an answer is less sure than a setting wants it, if that is set."""
        if threshold is None:
            return False
        if answer.answered_by == UNSCORED:
            raise ModelError(
                f"{answer.model} tells no probabilities, and `{setting}` goes by them",
                help=f"leave `{setting}` out, or ask a server that tells `logprobs`",
            )
        return answer.confidence < threshold

    # ----------------------------------------------------------------------------- what is asserted

    def _give(self, answer: Answer[object], trail: Trail | None) -> None:
        """Give an answer that is as its records assert; refuse another, and look for the next best one.

        `trail` tells where the answer could have gone another way. Of the first one nobody has looked yet.
        """
        verdicts = tuple(kind(self._call.program.returns).verdicts(answer.value, ""))
        against = [each for each in verdicts if each.assertion.required and not each.passed]
        if not against:
            checks = tuple(each for each in verdicts if not each.assertion.required)
            self.pending.succeed(replace(self._timed(answer), usage=self._spent(answer), checks=checks))
            return
        if all(answer.value != value for value, _ in self._refused):
            self._refused.append((answer.value, against[0]))
        if trail is None:
            self._said = _standing(answer.parts)
            self._usages = []  # they are in the first answer's
        else:
            self._search.refuse(trail, against)
        self._usages = [self._spent(answer)]
        if len(self._refused) > self._call.program.using.retries:
            raise _failed(self._call.program, self._refused)
        self.follow_up(lambda: self._try(Trail() if trail is None else self._search.next()))

    def _try(self, trail: Trail | None) -> None:
        """Ask for the answer along a trail; along an empty one that is the first answer again."""
        engine = self._decider.sources.engine()
        self._tries += 1
        if trail is None or self._tries > MAX_TRIES or not isinstance(engine, Engine):
            raise _failed(self._call.program, self._refused)
        call = self._remaining(self._call.program)
        future = self.begun(engine, engine.submit(call, waits=self._waits, said=self._said, trail=trail))

        def ended(future: Future[Answer[object]]) -> None:
            try:
                self._give(future.result(), trail)
            except AnswerRefused:  # by a class of the user, which does not say what of it is wrong
                self._search.refuse(trail, ())
                self.follow_up(lambda: self._try(self._search.next()))
            except (AnswerTooLong, ScriptError):  # there is no answer on this way
                self.follow_up(lambda: self._try(self._search.next()))
            except BaseException as error:  # what is raised in a callback is lost, and the caller waits
                self.pending.fail(error)

        future.add_done_callback(ended)

    def _spent(self, answer: Answer[object]) -> Usage:
        """What the call has cost with this answer, and with those that were refused."""
        return Usage.total([*(self._usages if self._refused else ()), answer.usage])

    def _escalate(self, first: Answer[object]) -> None:
        larger = self._decider.larger
        assert larger is not None, "a threshold for escalation comes with a model"
        pending = larger.submit(self._remaining(larger.program), waits=self._waits)
        self.hold(lambda: larger.abandon(pending))
        # The compiler refuses thresholds of what is not one choice.
        (asked,) = questions_of(self._call.program, self._call.arguments)
        self.when_all(
            {"": pending.future},
            lambda given: self._end(together(asked, first, given[""], larger.program.using)),
        )

    def _timed(self, answer: Answer[object]) -> Answer[object]:
        return replace(answer, seconds=self.seconds())

    def _remaining(self, program: Program) -> Call:
        """The call of a program, with the time that is left."""
        return Call(program, self._call.arguments, self.seconds_left())


@dataclass(frozen=True, slots=True, eq=False)
class _WordsOfOptions:
    """What the options of a question say by themselves; with a `shortlist`, those of these numbers."""

    question: Question
    shortlist: NDArray[np.intp] | None
    words: Sequence[Sequence[str]]

    @staticmethod
    def of(question: Question, text: str, embedder: AnyEmbedder) -> _WordsOfOptions:
        """Of those that come into question for a text."""
        words = [question.kind.words(option) for option in question.options]
        found = shortlist(text, words, embedder)
        return _WordsOfOptions(question, found, words if found is None else [words[one] for one in found])

    def settled(self, vectors: Iterator[NDArray[np.float32]]) -> Settled:
        """The question with a head of these words, which takes the vector of each from `vectors`."""
        own = np.stack([next(vectors) for said in self.words for _ in said])
        head = head_of_words(self.words, own)
        return Settled(question=self.question, head=head, origin="source", shortlist=self.shortlist)


def _there(value: T) -> Future[T]:
    """A future of what is there already."""
    future: Future[T] = Future()
    future.set_result(value)
    return future


def _failed(program: Program, refused: Sequence[tuple[object, Verdict]]) -> AssertionFailed:
    """No answer was as its records assert; each has a verdict against it."""
    problems = [f"{each.place}: {each.problem}" if each.place else str(each.problem) for _, each in refused]
    tried = "" if len(refused) == 1 else f" of {len(refused)}"
    return AssertionFailed(
        f"no answer{tried} of {program.name} is as asserted: {problems[0]}",
        answers=[value for value, _ in refused],
        problems=problems,
        help="allow more `retries`, or make the `assert` a `check`, which is told beside the answer",
    )


_NEVER: Final = 1e-12


def _standing(parts: Mapping[str, FieldAnswer]) -> dict[str, Said]:
    """What stands for the answers that come next: the scratchpad as it was written, and what heads have said
    of choices, in a form in which the next best label can be taken."""
    thought: dict[str, Said] = {REASONING: SaidAnswer(parts[REASONING])} if REASONING in parts else {}
    return thought | {
        name: SaidScores(
            np.log(np.maximum(list(part.distribution.values()), _NEVER)),
            0.0,
            part.answered_by,
            part.calibrated,
        )
        for name, part in parts.items()
        if part.distribution is not None and part.answered_by not in ("model", abi.LABELS)
    }


def _field(
    one: Settled, log_probs: Numbers, taken: int, written: Answer[object] | None
) -> FieldAnswer:
    assert one.head is not None
    question = one.question
    probabilities = [float(each) for each in np.exp(log_probs)]
    scored = written and (written.parts[question.name])
    return FieldAnswer(
        value=question.options[taken],
        confidence=probabilities[taken],
        distribution=dict(zip(map(question.kind.outcome, question.options), probabilities, strict=True)),
        coverage=scored.coverage if scored else None,
        answered_by=one.head.answered_by,
        calibrated=one.head.calibrated,
        shortlist=None if one.shortlist is None else len(one.shortlist),
    )


def _agrees(written: Answer[object], values: Mapping[str, object]) -> bool:
    """Whether the model has written something around these values, and the same values by itself."""
    return written.parts.keys() != {""} and all(written.parts[name].value == values[name] for name in values)
