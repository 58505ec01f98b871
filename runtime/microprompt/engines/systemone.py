"""Choices that a server of the System One API answers: one state, one question, probabilities back.

The program's input is the state, its instruction and examples are the question's instructions, and the labels
with what they mean are its criteria.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import httpx2
import numpy as np

from .. import abi
from ..answer import Answer, Usage
from ..errors import ModelError
from ..heads.linear import Numbers
from ..locations import MAX_SERVER_OPTIONS, SERVER_MODEL, ModelServer, server
from ..program import Program
from ..prompts.layout import Literal, Segment, instructions_and_input, rendered
from ..types import AnyKind, kind
from .base import Call
from .question_types import question_type
from .remote import RemoteEngine, connection

NAME: Final = "systemone"

_QUESTION: Final = "answer"
_MAX_BYTES: Final = 4_000_000  # of a reply: several times what 255 long labels take
_OFF: Final = 0.05  # how far from 1 probabilities may sum up, for they come rounded


def load(wanted: abi.Model) -> SystemOneEngine:
    """The engine of a server. Raises `ArgumentError` for a name that leads to none, and `ModelError` for a
    key that would be sent in the clear."""
    return SystemOneEngine(wanted.name, server(wanted.name))


class SystemOneEngine(RemoteEngine):
    """Answers choices from a server of the System One API."""

    def __init__(self, name: str, server: ModelServer) -> None:
        super().__init__(name, server)
        self._client = connection(server, {"Authorization": f"Bearer {self.key}"} if self.key else {})

    def refuse(self, program: Program) -> None:
        """Raise `ModelError` for what is no choice of up to 255 labels, and for a program that reasons."""
        returns = kind(program.returns)
        if program.using.reasoning is not None:
            raise ModelError(f"{self.name} writes no reasoning", help="leave `reasoning` out")
        if not returns.is_choice:
            raise ModelError(
                f"{self.name} answers choices, and {program.name} returns {returns.describe()}",
                help="ask another model for it: a local one, or a server of another kind",
            )
        if (options := returns.options()) is not None:
            _require_number(options, f"{program.name} returns")

    def segments(self, program: Program) -> Iterator[Segment]:
        asked, about = instructions_and_input(program)
        yield from (Literal("state: "), *about, Literal("\ninstructions: "), *asked)
        returns = kind(program.returns)
        if not returns.depends_on:
            question = _question(returns, "")
            del question["instructions"]
            yield Literal(f"\n{json.dumps(question, ensure_ascii=False)}")

    def render(self, call: Call) -> str:
        return json.dumps(self._body(call), ensure_ascii=False, indent=2)

    async def disconnect(self) -> None:
        await self._client.aclose()

    async def ask(self, call: Call) -> Answer[object]:
        choice = _choice(call)
        if len(choice.options() or ()) == 1:
            # Nothing is left to ask.
            return self.chosen(call, choice, np.ones(1), answered_by=NAME, usage=_usage(None))
        body = self._body(call)
        reply = await self.sent(lambda: self._posted(body), call.timeout)
        try:
            data = json.loads(reply)
            found = _probabilities(choice, data["answers"][_QUESTION])
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise self.unreadable(_problem(error)) from None
        return self.chosen(call, choice, found, answered_by=NAME, usage=_usage(data.get("usage")))

    def _body(self, call: Call) -> dict[str, Any]:
        """Raises `ArgumentError` for arguments that no answer can be made of."""
        asked, about = instructions_and_input(call.program)
        instructions = rendered(call.program, asked, call.arguments).strip()
        return {
            "model": self.server.model or SERVER_MODEL,
            "state": rendered(call.program, about, call.arguments).strip(),
            "questions": {_QUESTION: _question(_choice(call), instructions)},
        }

    async def _posted(self, body: Mapping[str, Any]) -> bytes:
        try:
            async with self._client.stream("POST", f"{self.server.url}/v1/systemone", json=body) as response:
                reply = bytearray()
                async for piece in response.aiter_bytes():
                    reply += piece
                    if len(reply) > _MAX_BYTES:
                        raise self.unreadable(f"it sends more than {_MAX_BYTES:,} bytes")
                if response.status_code != 200:
                    self.failed(response.status_code, response.headers, _message(bytes(reply)))
                return bytes(reply)
        except httpx2.DecodingError as error:
            raise self.unreadable(str(error)) from error
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise self.unconnected(error) from error


def _choice(call: Call) -> AnyKind:
    """The choice that a call asks for. Raises as `Kind.given`, and `ModelError` for too many options."""
    found = kind(call.program.returns).given(call.arguments)
    _require_number(found.options() or (), f"{call.program.name} is given")
    return found


def _require_number(options: tuple[object, ...], what: str) -> None:
    if len(options) > MAX_SERVER_OPTIONS:
        raise ModelError(
            f"{what} a choice of {len(options)}; a server of System One takes {MAX_SERVER_OPTIONS} at most",
            help="choose a group first, then one of its members",
        )


# ------------------------------------------------------------------------------------------- on the wire


def _question(choice: AnyKind, instructions: str) -> dict[str, Any]:
    options = choice.options() or ()
    asked = {"type": question_type(options), "instructions": instructions}
    if asked["type"] == "noul":
        return asked
    if asked["type"] == "score":
        return {**asked, "criteria": [choice.plain(each) for each in options]}
    means = {choice.plain(each): " ".join(choice.words(each)[1:]) or None for each in options}
    return {**asked, "criteria": means}


def _probabilities(choice: AnyKind, answer: Any) -> Numbers:
    """The probability of each option, in order. Raises `ValueError`, `LookupError` or `TypeError` on an
    answer that is none."""
    options = choice.options() or ()
    asked = question_type(options)
    if answer["type"] != asked:
        raise ValueError(f"a {asked} is answered by a {answer['type']!r}")
    if asked == "noul":
        yes = answer["noul"]
        said = [yes if each else 1 - yes for each in options]
    else:
        is_score = asked == "score"
        names = [str(place) if is_score else choice.plain(each) for place, each in enumerate(options)]
        if set(answer["probabilities"]) != set(names):
            raise ValueError("it has probabilities of other labels than it was asked about")
        said = [answer["probabilities"][name] for name in names]
    if not all(type(each) in (int, float) and 0 <= each <= 1 for each in said):
        raise ValueError("what it calls probabilities are none")
    found: Numbers = np.array(said, dtype=np.float64)
    if abs(found.sum() - 1) > _OFF:
        raise ValueError(f"its probabilities sum up to {found.sum():.3g}")
    found /= found.sum()
    return found


def _usage(data: Any) -> Usage:
    """What the server says that it has used; nothing where it says nothing."""
    counts = data if isinstance(data, dict) else {}

    def count(name: str) -> int:
        found = counts.get(name)
        return found if type(found) is int and found >= 0 else 0

    return Usage(prompt_tokens=count("input_tokens"), cached_tokens=0, decoded_tokens=count("output_tokens"))


def _message(reply: bytes) -> str | None:
    """What an error says, without what it was said about: that may be a text of the user's."""
    try:
        detail = json.loads(reply)["detail"]
        if isinstance(detail, list):
            return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in detail[:3])
        return str(detail["message"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def _problem(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return "it is not JSON"
    return str(error) if isinstance(error, ValueError) else "it has no answer in its place"
