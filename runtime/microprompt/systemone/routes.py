"""The System One API over HTTP: `POST /v1/systemone` and `GET /v1/models`, to be mounted in an application.

Errors look as clients of that API expect them: `{"detail": [{"loc", "msg", "type"}]}` with 422 for a request
that is wrong, `{"detail": {"error_type", "message"}}` for all others. Every answer has a request id.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, TypeAlias

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ValidationError

from ..answer import Usage
from ..errors import ArgumentError, DeadlineExceeded, MicropromptError, ModelError, PromptTooLong
from ..observed import request_trace
from .asking import Asking, answered
from .catalogue import ModelDescription, UnknownModel, described_models, model_of
from .functions import Functions, QuestionError
from .wire import Decisions, Order, SystemOneRequest

REQUEST_ID: Final = "x-typesafe-request-id"
"""The header that names a request: by its trace, where it is in one."""

Counting: TypeAlias = Callable[[], AbstractContextManager[Callable[[Usage], None]]]
"""Who counts requests: each is answered in a block, which is given what to tell of what the answers took, and
raises what ended it otherwise."""


@contextmanager
def _uncounted() -> Iterator[Callable[[Usage], None]]:
    yield lambda usage: None


class ModelDescriptions(BaseModel):
    """The models that may be asked for."""

    models: list[ModelDescription]


class FieldProblem(BaseModel):
    """What is wrong with a request: where, in words, and of which kind it is."""

    loc: list[str | int]
    msg: str
    type: str


class FieldProblems(BaseModel):
    """All that is wrong with a request."""

    detail: list[FieldProblem]


class ErrorDetail(BaseModel):
    """Why a request was not answered."""

    error_type: str
    message: str


class ErrorBody(BaseModel):
    """A refusal as a body."""

    detail: ErrorDetail


def refusal(status: int, error_type: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error that is not one of the request's fields, as `authentication_error` (401, 403) is."""
    return _json(ErrorBody(detail=ErrorDetail(error_type=error_type, message=message)), status, headers)


def problems(found: Sequence[FieldProblem]) -> Response:
    """An error of the request's fields."""
    return _json(FieldProblems(detail=list(found)), 422)


def _json(body: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        body.model_dump_json(),
        status,
        headers={REQUEST_ID: request_trace() or uuid.uuid4().hex, **(headers or {})},
        media_type="application/json",
    )


def router(
    *, functions: Functions | None = None, order: Order = "canonical", counting: Counting = _uncounted
) -> APIRouter:
    """The routes. `functions` are those that a question's `x_function` may name, by their full names
    (`module.name`); `order` is that of options where a request names none.

    A model that is asked for has to be here: none is fetched because a client names it. The application
    decodes bodies and limits them.
    """
    found = APIRouter(tags=["System One"])

    @found.post(
        "/v1/systemone",
        response_model=Decisions,
        responses={
            404: {"model": ErrorBody, "description": "There is no such model here."},
            422: {"model": FieldProblems, "description": "The request is wrong."},
            503: {"model": ErrorBody, "description": "The model can't be loaded."},
            504: {"model": ErrorBody, "description": "The deadline has passed."},
        },
        openapi_extra={"requestBody": _body()},
    )
    async def systemone(request: Request) -> Response:
        """Answer questions about one state, each with the probability of every answer."""
        return await _answered(await request.body(), functions or {}, order, counting)

    @found.get("/v1/models", response_model=ModelDescriptions)
    async def list_models() -> Response:
        """The models that may be asked for."""
        return _json(ModelDescriptions(models=described_models()))

    return found


async def _answered(body: bytes, functions: Functions, order: Order, counting: Counting) -> Response:
    try:
        with counting() as count:
            request = _request(body)
            asking = Asking(request, model=model_of(request.model), order=order, functions=functions)
            found = await answered(asking)
            count(asking.usage())
        return _json(found)
    except MicropromptError as error:
        return _failed(error)


def _failed(error: MicropromptError) -> Response:
    """The response for what a call raised."""
    said = _in_words(error)
    match error:
        case _Wrong():
            return problems(error.problems)
        case QuestionError():
            where = ["body", "questions", error.question, error.field]
            return problems([FieldProblem(loc=list(where), msg=said, type="value_error")])
        case PromptTooLong():
            field = "state" if error.parameter == "state" else "questions"
            return problems([FieldProblem(loc=["body", field], msg=said, type="too_long")])
        case UnknownModel():
            return refusal(404, "not_found", said)
        case ArgumentError():
            return problems([FieldProblem(loc=["body"], msg=said, type="value_error")])
        case ModelError():
            return refusal(503, "model_error", said)
        case DeadlineExceeded():
            return refusal(504, "timeout_error", said)
        case _:
            raise error


def _in_words(error: MicropromptError) -> str:
    return error.message if error.help is None else f"{error.message}; {error.help}"


# ---------------------------------------------------------------------------------------------- requests


class _Wrong(ArgumentError):
    """A body is no request."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__("; ".join(each.msg for each in problems))
        self.problems = problems


def _request(body: bytes) -> SystemOneRequest:
    """The request that a body is. Raises `_Wrong`."""
    try:
        return SystemOneRequest.model_validate(_read(body))
    except ValidationError as error:
        raise _Wrong(_field_problems(error)) from None


def _read(body: bytes) -> object:
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise _unread(f"not UTF-8: byte {error.start + 1}") from None
    except RecursionError:
        raise _unread("nested too deeply") from None
    except ValueError as error:  # also numbers of more digits than Python reads
        raise _unread(f"not JSON: {error}") from None


def _unread(why: str) -> _Wrong:
    return _Wrong([FieldProblem(loc=["body"], msg=why, type="json_invalid")])


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def _field_problems(error: ValidationError) -> list[FieldProblem]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    places = (["body", *map(_writable, each["loc"])] for each in found)
    return [
        FieldProblem(loc=place, msg=_writable(each["msg"]), type=each["type"])
        for place, each in zip(places, found, strict=True)
    ]


def _writable(text: Any) -> Any:
    """Text that can be written as UTF-8, as the keys of a request need not be."""
    return text.encode(errors="backslashreplace").decode() if isinstance(text, str) else text


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """A schema with its definitions in the places that refer to them: in a page of OpenAPI they have none of
    their own."""
    if isinstance(schema, list):
        return [_inlined(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    # What tells questions apart refers to definitions too; each says its `type` itself.
    left = {name: each for name, each in schema.items() if name not in ("$defs", "discriminator")}
    return {name: _inlined(each, definitions) for name, each in left.items()}


def _body() -> dict[str, Any]:
    """What a request's body is, for OpenAPI: FastAPI does not read it, for its errors look different."""
    schema = SystemOneRequest.model_json_schema()
    return {
        "required": True,
        "content": {"application/json": {"schema": _inlined(schema, schema.get("$defs", {}))}},
    }
