"""The decider of a program: answers its calls as an engine does, on the evidence that suits each choice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from .. import abi
from ..answer import Answer
from ..engines import loaded
from ..engines.base import AnyEngine, Call
from ..engines.steps import StepwiseEngine
from ..errors import ModelError
from ..heads.evidence import Embedding
from ..locations import is_server
from ..program import Arrangement, Program
from ..scheduling.jobs import Pending, deadline_of
from ..types import kind
from .choices import open_choices, places, questions
from .decided_call import DecidedCall
from .escalation import on_larger_model
from .evidence import Loaded, Sources
from .explained import explained
from .rest import rest_of
from .settle import Heads, Settlement, settle, tell_of_untuned
from .source import EMBEDDER

if TYPE_CHECKING:
    from ..explain import Explanation

_Place: TypeAlias = tuple[abi.Model, Heads]


def decider_for(program: Program, folder: Path) -> Decider | None:
    """The decider of a program; `None` for one whose answers are taken as the engine gives them.

    `folder` is that of the generated module, where its tuning file and the paths of models begin.
    """
    has_choices = bool(questions(program.returns) or kind(program.returns).chooses_from)
    decides = has_choices and not program.using.is_scored
    return Decider(program, folder) if decides or _is_judged(program) else None


def _is_judged(program: Program) -> bool:
    """Whether an answer may be refused: there is a threshold or an assertion to be held."""
    return bool(program.using.abstain or program.using.escalate or kind(program.returns).is_asserted)


class Decider(StepwiseEngine):
    """Answers calls of one program: an `AnyEngine` over the engines of its models. Safe from any thread.

    How the program is answered is settled at the first call on a model, which may fetch models and fit heads.
    Inside `engines.loaded.override`, the engine there answers, and no head.
    """

    def __init__(
        self,
        program: Program,
        folder: Path,
        *,
        sources: Callable[[abi.Model | None, Path], Sources] = Loaded,
        heads: Heads = Heads.ANY,
    ) -> None:
        self._program = program
        self._folder = folder
        self._sources = sources
        self._heads = heads
        self._settlements: dict[_Place, Settlement] = {}
        self._settling = threading.Lock()
        self._warm: set[_Place] = set()
        self._arranged: dict[Arrangement, Program] = {}
        self._rests: dict[tuple[Arrangement, frozenset[str]], Program] = {}
        larger = on_larger_model(program)
        # What the source alone gives has been asked already: of a larger model its own word is wanted.
        self._larger = (
            None if larger is None else Decider(larger, folder, sources=sources, heads=Heads.TUNED)
        )

    # ---------------------------------------------------------------------------------- as an engine

    @property
    def name(self) -> str:
        """The model's name."""
        return self._engine().name

    @property
    def decides(self) -> bool:
        """Whether there is anything to do beside asking the engine: not where another one answers in its
        place, as in tests, nor where a server does, unless a threshold or an assertion is to be held."""
        return _is_judged(self._program) or self._place()[1] is not Heads.NONE

    @property
    def is_closed(self) -> bool:
        return False  # an engine that was closed is loaded again

    def submit(self, call: Call, *, waits: bool = False) -> Pending[Answer[object]]:
        """Begin a call. Raises what settling raises, `PromptTooLong` and `EngineError`.

        Its `timeout` counts from now; with `waits`, from when its work starts.
        """
        deadline = deadline_of(call.timeout, waits=waits)
        call = replace(call, listener=None)  # what is written need not be what is answered
        return DecidedCall(self, self.settlement(), call, waits=waits, deadline=deadline).begin()

    def render(self, call: Call) -> str:
        """The exact text of the prompt behind which a call's labels are scored."""
        if self._program.tuning is None:  # it is laid out as usual, and nothing has to be settled
            return self._engine().render(call)
        program = self.arranged(self.settlement().arrangement or self._program.arrangement)
        return self._engine().render(replace(call, program=program))

    def explain(self, program: Program) -> Explanation:
        """What a call of the program costs and why, and what decides it."""
        settlement, engine = self.settlement(), self._engine()
        larger = None if self._larger is None else self._larger.settlement()
        arrangement = settlement.arrangement or self._program.arrangement
        found = engine.explain(self.rest(arrangement, settlement.apart))
        return explained(found, self._program, settlement, engine, larger)

    def close(self) -> None:
        """Free the model."""
        self._engine().close()

    # -------------------------------------------------------------------------------------- settling

    def settlement(self) -> Settlement:
        """How the program is answered on the model that the settings name now. Settled once for each.

        Raises what `settle` raises.
        """
        found = self._settled_now()
        if found is not None:
            return found
        with self._settling:  # who comes meanwhile waits, and finds it
            found = self._settled_now()
            if found is None:
                model, heads = place = self._place()
                found = settle(self._program, self._folder, model, self.sources, heads)
                if heads is Heads.ANY:
                    tell_of_untuned(self._program, found)
                if self._larger is not None:
                    self._larger.settlement()  # what is wrong with it is not for the first unsure call to say
                self._settlements[place] = found
            return found

    def is_warm(self) -> bool:
        return self._place() in self._warm

    def warm_up(self) -> None:
        """Settle, and load what calls need, so that a call after this waits for nothing but its work."""
        place = self._place()
        settlement = self.settlement()
        for evidence in settlement.evidence:
            if isinstance(evidence, Embedding):
                self.sources.embedder(evidence.model)
        if settlement.asks_call:
            with suppress(ModelError):  # which the call will tell
                self.sources.embedder(EMBEDDER)
        if self._needs_model(settlement):
            self._engine()
        self._warm.add(place)

    def _needs_model(self, settlement: Settlement) -> bool:
        """Whether every call runs the language model. One whose options' words decide may do without it."""
        if not settlement.asks_call:
            return settlement.needs_model
        by_words = {place.name for place in open_choices(self._program.returns)}
        has_rest = bool(places(self._program.returns) - settlement.apart - by_words)
        return replace(settlement, has_rest=has_rest).needs_model

    def arranged(self, arrangement: Arrangement) -> Program:
        """The decider's program with an arrangement: each time the same one, for an engine binds it once."""
        return self._arranged.setdefault(arrangement, self._program.arranged(arrangement))

    def rest(self, arrangement: Arrangement, decided: frozenset[str]) -> Program:
        """What is left of that program for the model where so much is decided: each time the same one."""
        key = arrangement, decided
        if key not in self._rests:
            return self._rests.setdefault(key, rest_of(self.arranged(arrangement), decided))
        return self._rests[key]

    def _settled_now(self) -> Settlement | None:
        return self._settlements.get(self._place())

    def _place(self) -> _Place:
        """The model that is to answer, and the heads that may."""
        model = loaded.wanted(self._program.using.model, self._folder)
        # A server has no hidden states, and its own word is what it is asked for.
        own_word = loaded.is_overridden() or is_server(model.name)
        return model, Heads.NONE if own_word else self._heads

    @property
    def sources(self) -> Sources:
        """What gives the evidence of its calls."""
        return self._sources(self._program.using.model, self._folder)

    @property
    def program(self) -> Program:
        return self._program

    @property
    def larger(self) -> Decider | None:
        """The decider of the same program on the model that calls go on to, if they do."""
        return self._larger

    def _engine(self) -> AnyEngine:
        return self.sources.engine()
