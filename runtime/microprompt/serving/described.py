"""A function's route: how it is called over HTTP, and what its description says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from .. import rows
from ..errors import ArgumentError
from ..interface import description, input_schema, output_schema, title
from . import streams
from .calls import Calls, Outcome, Timeout, wanted
from .problems import MEDIA_TYPE, Problem, Refused
from .replies import answer_data, json_reply
from .served import Served
from .streams import EventStream

_PROBLEMS: Final = {
    400: "The body can't be read.",
    401: "A key is needed, or this is none of the service's.",
    406: "Only the text of one call of a prompt can be told in pieces.",
    408: "The body came too slowly, or the call took longer than the request allows.",
    413: "The body, or an argument, is too large.",
    415: "The body is not JSON, or packed in a way that is not known.",
    421: "The service is not for that host.",
    422: "An argument is missing or not of its type, or the arguments have no answer.",
    429: "Too many calls wait.",
    500: "The service failed.",
    503: "A model is not to be had.",
    504: "The call took longer than the function's own timeout.",
}


def add_function(app: FastAPI, served: Served, calls: Calls) -> None:
    """Add the route of a function."""

    async def endpoint(
        request: Request,
        detail: Annotated[bool, Query(description="Tell all of an answer, not its value alone.")] = False,
        x_request_timeout: Timeout = None,
    ) -> Response:
        data = _read(await request.body())
        if _wants_events(request.headers.get("accept", "")):
            _require_streamed(served, data)
            arguments = calls.arguments(served, data)
            return EventStream(calls, served, arguments, detail=detail, seconds=x_request_timeout)
        async with wanted(request.receive, x_request_timeout):
            if not isinstance(data, list):
                return _reply(await calls.one(served, calls.arguments(served, data)), detail=detail)
            if len(data) > calls.limits.rows:
                raise Refused(_too_many(calls.limits.rows))
            outcomes = await calls.many(served, data)
            return json_reply([_item(outcome, detail=detail) for outcome in outcomes])

    app.add_api_route(
        served.path,
        endpoint,
        methods=["POST"],
        name=served.name,
        operation_id=served.name,
        tags=[served.module],
        summary=title(served.function),
        description=description(served.function) or "",
        response_class=Response,
        openapi_extra={"requestBody": _request_body(served)},
        responses={
            200: {"description": "The answer.", "content": _contents(served)},
            **{
                status: {"description": said, "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
                for status, said in _PROBLEMS.items()
            },
        },
    )


def _read(body: bytes) -> object:
    """The data of a body. Raises `Refused`."""
    try:
        return rows.read_json(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Refused(_unreadable(f"not UTF-8: byte {error.start + 1}")) from None
    except ArgumentError as error:
        raise Refused(_unreadable(error.message)) from None


def _unreadable(why: str) -> Problem:
    return Problem(status=400, kind="malformed-json", title="Malformed JSON", detail=why)


def _wants_events(accept: str) -> bool:
    return any(each.partition(";")[0].strip() == streams.MEDIA_TYPE for each in accept.lower().split(","))


def _require_streamed(served: Served, data: object) -> None:
    """Raise `Refused` where an answer can't be told in pieces."""
    if not served.is_streamed or isinstance(data, list):
        raise Refused(
            Problem(
                status=406,
                kind="no-stream",
                title="No stream",
                detail="only the text of one call of a prompt is told in pieces as it is written",
                help="accept application/json",
            )
        )


def _too_many(most: int) -> Problem:
    return Problem(
        status=413,
        kind="too-many-rows",
        title="Too many rows",
        detail=f"a batch may have {most} rows",
        help="send it in several requests",
    )


def _reply(outcome: Outcome, *, detail: bool) -> Response:
    if isinstance(outcome, Problem):
        return outcome.reply()
    return json_reply(answer_data(outcome, detail=detail))


def _item(outcome: Outcome, *, detail: bool) -> Mapping[str, object]:
    if isinstance(outcome, Problem):
        return {"error": outcome.to_json()}
    return answer_data(outcome, detail=detail)


# ------------------------------------------------------------------------------------------- OpenAPI

_PROBLEM: Final[dict[str, object]] = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "help": {"type": "string", "description": "One thing to try."},
    },
    "required": ["type", "title", "status", "detail"],
}


def _request_body(served: Served) -> dict[str, object]:
    one = input_schema(served.function)
    schema = {"anyOf": [one, {"type": "array", "items": one}]}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _contents(served: Served) -> dict[str, object]:
    events = {streams.MEDIA_TYPE: {"schema": {"type": "string"}}} if served.is_streamed else {}
    return {"application/json": {"schema": _answers(served)}, **events}


def _answers(served: Served) -> dict[str, object]:
    answer = {
        "type": "object",
        "properties": {"value": output_schema(served.function)},
        "required": ["value"],
    }
    failed = {"type": "object", "properties": {"error": _PROBLEM}, "required": ["error"]}
    return {"anyOf": [answer, {"type": "array", "items": {"anyOf": [answer, failed]}}]}
