"""Answers of a server that speaks the OpenAI API: llama-server, vLLM, Ollama, OpenAI, and many others.

The prompt is a chat, and the answer JSON under the schema of the return type, which Outlines puts into the
form that such servers take. What comes back is read as any answer of a model is, and its ranges and
assertions are checked, for not all servers hold to all of a schema; one that is wrong goes back with what is
wrong with it, as often as the prompt's `retries` allow.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .. import abi
from ..answer import UNSCORED, Answer, Usage
from ..errors import AnswerRefused, AnswerTooLong, ArgumentError, ModelError
from ..locations import ModelServer, server
from ..program import Program
from ..prompts.filling import Bindings, merged
from ..prompts.layout import Literal, Segment, conversation, filled
from ..types import AnyKind, kind
from ..types.base import Schema
from ..types.punctuation import decoded
from ..types.schemas import closed_object, json_schema
from .base import Call
from .remote import TIMEOUT, RemoteEngine, connection
from .token_chances import Chances, Token, chances, confidence_in, value_span

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion

_KEY: Final = "answer"
"""What an answer is called that is no object: such servers want one."""

_BEST: Final = 20
"""Of each token so many of the most probable ones are told: the most that the API allows."""

_UNSURE: Final = ("logprobs", "top_logprobs")
_LEFT_OUT: Final = (*_UNSURE, "temperature")
"""What some servers and models refuse, and can be done without: probabilities, and a temperature of 0."""

_REFUSALS: Final = frozenset((400, 422, 500))
"""The statuses with which servers refuse a parameter; 500 is what llama-cpp-python's server says."""

_SCHEMA: Final = "json_schema"
"""The form of `response_format` that OpenAI gave it."""

_JSON: Final = "json_object"
"""The other form; llama.cpp and what is built on it take a schema along with it."""


def load(wanted: abi.Model) -> OpenAIEngine:
    """The engine of a model on a server. Raises `ArgumentError` for a name that leads to none, `ModelError`
    without the package `openai`, and for a key that would be sent in the clear."""
    return OpenAIEngine(wanted.name, server(wanted.name))


class OpenAIEngine(RemoteEngine):
    """Answers calls of all types from a server of the OpenAI API."""

    def __init__(self, name: str, server: ModelServer) -> None:
        try:
            import openai
        except ImportError as error:
            raise ModelError(
                f"{name} is asked with the package `openai`, which is not installed",
                help="pip install 'microprompt[openai]'",
            ) from error
        import outlines

        super().__init__(name, server)
        client = openai.AsyncOpenAI(
            base_url=server.url,
            api_key=self.key or "none",
            timeout=TIMEOUT,
            max_retries=0,  # calls are sent again in `RemoteEngine`, which knows their deadline
            http_client=connection(server),  # the package's own one follows redirects
        )
        self._api = openai
        self._headers: Any = {} if self.key else {"Authorization": openai.Omit()}
        # Outlines' own `generate` gives the text alone, without its tokens' probabilities.
        self._adapter = outlines.from_openai(client, server.model).type_adapter
        self._client = client
        self._unsupported: frozenset[str] = frozenset()  # for good, for it is the server that is so

    def refuse(self, program: Program) -> None:
        """Raise `ModelError` for a program that reasons: what a model thinks is its server's business."""
        if program.using.reasoning is not None:
            raise ModelError(f"{self.name} writes no reasoning of this form", help="leave `reasoning` out")

    def segments(self, program: Program) -> Iterator[Segment]:
        form = _Form.of(kind(program.returns))
        for message in conversation(program, form.written):
            yield from (Literal(f"{message.role}: "), *message.segments, Literal("\n"))
        yield Literal(form.asked)

    def render(self, call: Call) -> str:
        return "\n\n".join(f"{each['role']}: {each['content']}" for each in _messages(call, _form(call)))

    async def disconnect(self) -> None:
        await self._client.close()

    async def ask(self, call: Call) -> Answer[object]:
        form = _form(call)
        messages = _messages(call, form)
        spent: list[Usage] = []
        problem = ""
        answer: Answer[object] | None = None
        for _ in range(call.program.using.retries + 1):
            reply = await self._completed(call, form, messages)
            text = self._text(call, reply)
            spent.append(_usage(reply))
            try:
                answer = self._answer(call, form, text, _tokens(reply, text))
            except (AnswerRefused, ArgumentError, ValueError, RecursionError) as error:
                problem = error.message if isinstance(error, AnswerRefused | ArgumentError) else str(error)
            else:
                against = [
                    verdict
                    for verdict in form.kind.verdicts(answer.value, "")
                    if verdict.assertion.required and not verdict.passed
                ]
                if not against:
                    break
                problem = against[0].problem or ""
            said = f"That is not an answer: {problem}\nAnswer again, as asked."
            messages = [
                *messages,
                {"role": "assistant", "content": text},
                {"role": "user", "content": said},
            ]
        if answer is None:
            raise AnswerRefused(
                f"{self.name} gives {call.program.name} no {form.kind.describe()}: {problem}",
                help="allow more `retries`, or ask a server that holds to a JSON Schema",
            )
        return replace(answer, usage=Usage.total(spent))  # of assertions who waits for it judges

    # ---------------------------------------------------------------------------------------- one exchange

    async def _completed(
        self, call: Call, form: _Form, messages: Sequence[Mapping[str, str]]
    ) -> ChatCompletion:
        from outlines.inputs import Chat

        using = call.program.using
        request: dict[str, Any] = {
            "model": self.server.model,
            "messages": self._adapter.format_input(Chat([dict(each) for each in messages])),
            "temperature": using.temperature,
            "logprobs": True,
            "top_logprobs": _BEST,
            **({} if using.seed is None else {"seed": using.seed}),
            **({} if using.max_tokens is None else {"max_tokens": using.max_tokens}),
            **self._adapter.format_output_type(json_schema(form.schema)),
        }
        return await self.sent(lambda: self._sent_once(request), call.timeout)

    async def _sent_once(self, request: Mapping[str, Any]) -> ChatCompletion:
        """The reply to a request, without what the server has refused: now, or of an earlier call."""
        api = self._api
        while True:
            taken = {name: value for name, value in request.items() if name not in self._unsupported}
            if _SCHEMA in self._unsupported:
                schema = request["response_format"][_SCHEMA]["schema"]
                taken["response_format"] = {"type": _JSON, "schema": schema}
            try:
                reply: ChatCompletion = await self._client.chat.completions.create(
                    **taken, extra_headers=self._headers
                )
            except api.APIConnectionError as error:
                cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
                raise self.unconnected(cause) from error
            except api.APIStatusError as error:
                said = _message(error.body)
                found = _unsupported(said or "", taken) if error.status_code in _REFUSALS else None
                if not found:
                    self.failed(error.status_code, error.response.headers, said)
                self._unsupported |= found
            except (api.APIResponseValidationError, ValueError) as error:
                raise self.unreadable("it is not JSON") from error
            else:
                return reply

    def _text(self, call: Call, reply: ChatCompletion) -> str:
        """What the model wrote. Raises `ServerError`, `AnswerRefused` and `AnswerTooLong`."""
        try:
            choice = reply.choices[0]
            text, refusal = choice.message.content, getattr(choice.message, "refusal", None)
            ended = choice.finish_reason
        except (AttributeError, LookupError, TypeError):
            raise self.unreadable("there is no message in it") from None
        if refusal or ended == "content_filter":
            raise AnswerRefused(
                f"{self.name} refuses to answer {call.program.name}",
                help="ask another model, or ask otherwise",
            )
        if ended == "length":
            raise AnswerTooLong(f"the answer of {self.name} was not complete where its tokens ended")
        if not isinstance(text, str):
            raise self.unreadable("there is no text in its message")
        return text

    def _answer(self, call: Call, form: _Form, text: str, tokens: Sequence[Token] | None) -> Answer[object]:
        """The answer that a text is. Raises as `_Form.read`."""
        value = form.read(text)
        start, end = form.span(text)
        options = form.kind.options()
        if options is not None:
            texts = [form.kind.json(option).encode() for option in options]
            found = None if tokens is None else chances(tokens, len(text[:start].encode()), texts)
            return self._of_choice(call, form.kind, value, options, found)
        confidence = None if tokens is None else confidence_in(tokens, text, start, end)
        return self._whole(form.kind, value, confidence)

    def _of_choice(
        self,
        call: Call,
        choice: AnyKind,
        value: object,
        options: Sequence[object],
        found: Chances | None,
    ) -> Answer[object]:
        if len(options) == 1:
            found = Chances(1.0, (1.0,), 1)
        if found is None or found.options is None:
            return self._whole(choice, value, None if found is None else found.written)
        return self.chosen(
            call,
            choice,
            np.array(found.options),
            taken=options.index(value) if call.program.using.temperature else None,
            shortlist=found.seen if found.seen < len(options) else None,
            answered_by="labels",
            usage=_NOTHING,
        )

    def _whole(self, declared: AnyKind, value: object, confidence: float | None) -> Answer[object]:
        return Answer.whole(
            value,
            declared=declared,
            confidence=0.0 if confidence is None else confidence,
            answered_by=UNSCORED if confidence is None else "model",
            near_tie=False,
            usage=_NOTHING,
            seconds=0.0,
            model=self.name,
        )


_NOTHING: Final = Usage(prompt_tokens=0, cached_tokens=0, decoded_tokens=0)


# --------------------------------------------------------------------------------------------- the answer


@dataclass(frozen=True, slots=True)
class _Form:
    """The JSON in which answers of a kind are given: objects as they are, all else in one with one key."""

    kind: AnyKind
    schema: Schema
    is_wrapped: bool

    @classmethod
    def of(cls, kind: AnyKind) -> _Form:
        """The form of a kind."""
        schema = kind.json_schema()
        if "properties" in schema:
            return cls(kind, schema, is_wrapped=False)
        return cls(kind, closed_object({_KEY: schema}, [_KEY]), is_wrapped=True)

    @property
    def asked(self) -> str:
        """What the model is told of it: not all servers do that."""
        return f"Answer with JSON of this schema: {json.dumps(self.schema, ensure_ascii=False)}"

    def written(self, value: object) -> str:
        """An answer in this form."""
        text = self.kind.json(value)
        return f"{{{json.dumps(_KEY)}: {text}}}" if self.is_wrapped else text

    def span(self, text: str) -> tuple[int, int]:
        """Where the answer itself stands in a text of this form."""
        return value_span(text, _KEY) if self.is_wrapped else (0, len(text))

    def read(self, text: str) -> object:
        """The checked value of a text. Raises `ValueError`, `ArgumentError` or `AnswerRefused` for what is
        none of the type."""
        data = decoded(text)
        if self.is_wrapped:
            if not isinstance(data, dict) or set(data) != {_KEY}:
                raise ValueError(f'it is not an object with the key "{_KEY}" alone')
            data = data[_KEY]
        return self.kind.check(self.kind.read_json(data), "the answer")


def _form(call: Call) -> _Form:
    """Raises as `Kind.given`."""
    return _Form.of(kind(call.program.returns).given(call.arguments))


def _messages(call: Call, form: _Form) -> list[dict[str, str]]:
    """The prompt of a call as messages; what is asked of the answer's form is in what the system says."""
    scope = Bindings.of(call.program, call.arguments)
    messages = [
        {
            "role": message.role,
            "content": "".join(piece.text for piece in merged(filled(message.segments, scope))),
        }
        for message in conversation(call.program, form.written)
    ]
    if messages[0]["role"] == "system":
        messages[0]["content"] += f"\n\n{form.asked}"
    else:
        messages.insert(0, {"role": "system", "content": form.asked})
    return messages


def _tokens(reply: ChatCompletion, text: str) -> list[Token] | None:
    """The tokens that the answer was written in; `None` where a server does not tell, or tells of others."""
    said: Any = getattr(reply.choices[0], "logprobs", None)
    try:
        tokens = [
            Token(
                _token_bytes(each),
                float(each.logprob),
                tuple((_token_bytes(other), float(other.logprob)) for other in each.top_logprobs or ()),
            )
            for each in said.content
        ]
    except (AttributeError, TypeError, ValueError):
        return None
    written = b"".join(token.text for token in tokens)
    place = written.find(text.encode())
    if place < 0:
        return None
    while tokens and len(tokens[0].text) <= place:  # such as a blank, or what marks a thought
        place -= len(tokens.pop(0).text)
    return tokens if place == 0 else None


def _token_bytes(token: Any) -> bytes:
    return bytes(token.bytes) if token.bytes else str(token.token).encode()


def _usage(reply: ChatCompletion) -> Usage:
    """What the server says that it has used; nothing where it says nothing."""
    said = reply.usage
    cached = getattr(getattr(said, "prompt_tokens_details", None), "cached_tokens", None)
    return Usage(
        prompt_tokens=getattr(said, "prompt_tokens", None) or 0,
        cached_tokens=cached or 0,
        decoded_tokens=getattr(said, "completion_tokens", None) or 0,
    )


def _unsupported(said: str, taken: Mapping[str, Any]) -> frozenset[str]:
    """What of a request a server refuses, by what it says, that it can be asked without."""
    named = {name for name in _LEFT_OUT if name in taken and name in said}
    if taken.get("temperature"):
        named.discard("temperature")  # which the program has said
    if named & set(_UNSURE):
        named |= set(_UNSURE)
    if taken["response_format"]["type"] == _SCHEMA and _JSON in said:  # which it would take instead
        named.add(_SCHEMA)
    return frozenset(named)


def _message(body: object) -> str | None:
    """What an error says."""
    found = body.get("error", body) if isinstance(body, dict) else body
    said = found.get("message") or found.get("detail") if isinstance(found, dict) else found
    return said if isinstance(said, str) else None
