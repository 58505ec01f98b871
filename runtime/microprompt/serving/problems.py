"""Errors as problem details (RFC 9457), with the status of each kind of exception."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.responses import Response

from .. import errors
from ..errors import MicropromptError, PromptTooLong
from ..observed import request_trace
from .replies import json_reply

_log: Final = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"

STATUS: Final[Mapping[type[MicropromptError], int]] = {
    errors.MicropromptError: 500,
    errors.AbiError: 500,
    errors.ArgumentError: 422,
    errors.PromptTooLong: 413,
    errors.NoAnswer: 422,
    errors.JournalError: 500,
    errors.ModelError: 503,
    errors.ServerError: 503,
    errors.TuningError: 500,
    errors.DeadlineExceeded: 504,
    # What was asked was understood, and has no answer: asked again, it would have none again.
    errors.AnswerTooLong: 422,
    errors.AssertionFailed: 422,
    errors.AnswerRefused: 422,
    errors.FlowFailed: 422,
    errors.LoopBound: 422,
    errors.FunctionFailed: 500,
    errors.ScriptError: 500,
    errors.EngineError: 500,
}
"""The HTTP status of each exception of the runtime."""


WIRE: Final = "/v1/"
"""Where the paths begin at which errors look as clients of the System One API expect them."""

_WIRE_TYPES: Final = {
    401: "authentication_error",
    403: "authentication_error",
    404: "not_found",
    429: "rate_limit_error",
}
"""What that API calls errors, by their status, if it is not the usage of it."""

NO_KEY: Final = "no-key"
"""The kind of the problem of a request without a key, for which that API has a status of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a request has no answer. `kind` is stable and for programs, `help` one thing to try; `more` are
    members of this kind alone, and `headers` go with the reply."""

    status: int
    kind: str
    title: str
    detail: str
    help: str | None = None
    more: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """The members of RFC 9457, and `help`."""
        return {
            "type": f"urn:microprompt:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **({} if self.help is None else {"help": self.help}),
            **self.more,
        }

    def reply(self, path: str = "") -> Response:
        """The response that tells it to who asked at a path: below `/v1` as the wire format there has it."""
        if not path.startswith(WIRE):
            return json_reply(
                self.to_json(), status=self.status, media_type=MEDIA_TYPE, headers=self.headers
            )
        from ..systemone.routes import refusal  # not at the top: others serve too, and it takes 0.2 s

        status = 403 if self.kind == NO_KEY else self.status
        return refusal(status, _WIRE_TYPES.get(status, "api_usage_error"), self.detail, self.headers)


class Refused(Exception):
    """A request that is refused before a function is called."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def problem_of(error: MicropromptError) -> Problem:
    """The problem that an exception of the runtime is. Of what is our fault, it tells no more than the kind:
    the message may have what is nobody's business, and goes to the log of the service."""
    kind = next(each for each in type(error).__mro__ if each in STATUS)
    status = STATUS[kind]
    title = " ".join(_words(kind.__name__))
    return Problem(
        status=status,
        kind="-".join(_words(kind.__name__)),
        title=title[:1].upper() + title[1:],
        detail=error.message if status < 500 or isinstance(error, errors.DeadlineExceeded) else _OURS,
        help=error.help if status < 500 else None,
        more=_more(error),
    )


_OURS: Final = "the service could not answer; its log says why"


INTERNAL: Final = Problem(status=500, kind="internal-error", title="Internal error", detail=_OURS)
"""What nobody has seen coming."""


def log(where: str, error: Exception) -> None:
    """Log an exception of what was called: the kind, the trace of the request, and where it was raised. What
    it says may have arguments in it, and is logged at the level DEBUG."""
    places = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    trace = request_trace()
    found = type(error).__name__ if trace is None else f"{type(error).__name__}, trace {trace}"
    _log.error("%s: %s\n%s", where, found, places)
    _log.debug("%s: %s", where, error)


def too_large(most: int) -> Problem:
    """The problem of a body of more than `most` bytes."""
    return Problem(
        status=413, kind="too-large", title="Too large", detail=f"a body may have {most} bytes, unpacked"
    )


def _more(error: MicropromptError) -> dict[str, object]:
    if isinstance(error, PromptTooLong):
        return {"parameter": error.parameter, "tokens": error.tokens, "room": error.room}
    return {}


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z][a-z]*", name)]
