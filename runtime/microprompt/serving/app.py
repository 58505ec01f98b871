"""The application: routes for functions, what a service says of itself, and errors as problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, MutableMapping, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Final

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ..errors import ArgumentError
from ..systemone.asking import load_models
from ..systemone.routes import ErrorBody, FieldProblem, problems, router
from .calls import Calls
from .described import add_function
from .gate import OPEN, Gate
from .limits import ServingLimits
from .metrics import MEDIA_TYPE, Metrics
from .problems import WIRE, Problem, Refused
from .readiness import Readiness
from .replies import json_reply
from .served import Served
from .tracing import Traced

_FIGURES: Final = "/metrics"


def create_app(
    functions: Sequence[Served],
    *,
    keys: Sequence[str] = (),
    limits: ServingLimits | None = None,
    title: str = "microprompt",
) -> FastAPI:
    """An application that serves functions; all of its requests share the engines of this process.

    With `keys`, who asks has to have one of them. Without, it is for this machine only, and refuses requests
    that name another host. The models are loaded when the application starts.

    Raises `ArgumentError` if two functions have the same name.
    """
    _require_distinct(functions)
    limits = limits or ServingLimits()
    readiness = Readiness(functions, beside=load_models)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with readiness.prepared():
            yield

    app = FastAPI(
        title=title,
        version=version("microprompt"),
        lifespan=lifespan,
        # Its pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # A request is a span where OpenTelemetry is on. What else FastAPI would tell has what exceptions say.
        telemetry={"logs": False, "operation_spans": False, "exclude": _is_probe},
    )
    app.state.readiness = readiness
    calls = Calls(functions, limits)
    for served in functions:
        add_function(app, served, calls)
    _add_service(app, readiness, calls.metrics)
    _add_questions(app, functions, calls)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_middleware(Gate, keys=tuple(keys), limits=limits)
    app.add_middleware(Traced)
    return app


def _is_probe(scope: MutableMapping[str, Any]) -> bool:
    return scope.get("path") in (*OPEN, _FIGURES)


def _require_distinct(functions: Sequence[Served]) -> None:
    for name, count in Counter(served.name for served in functions).items():
        if count > 1:
            raise ArgumentError(f"{count} functions are called {name}", help="serve one of them alone")


def _add_service(app: FastAPI, readiness: Readiness, metrics: Metrics) -> None:
    @app.get("/healthz", summary="Whether the service runs.", tags=["service"])
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get(
        "/readyz",
        summary="Whether the models are loaded and warm.",
        tags=["service"],
        responses={503: {"description": "They are being loaded."}},
    )
    async def readyz() -> Response:
        if readiness.is_ready:
            return json_reply({"status": "ready"})
        return Problem(
            status=503,
            kind="not-ready",
            title="Not ready",
            detail="the models are being loaded",
            headers={"Retry-After": "1"},
        ).reply()

    @app.get(
        _FIGURES,
        summary="Figures for Prometheus.",
        tags=["service"],
        response_class=Response,
        responses={200: {"description": "The figures.", "content": {"text/plain": {}}}},
    )
    async def figures() -> Response:
        return Response(metrics.text(), media_type=MEDIA_TYPE)


def _add_questions(app: FastAPI, functions: Sequence[Served], calls: Calls) -> None:
    """Add the routes of the System One API."""
    refusals: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorBody, "description": said} for status, said in _WIRE_REFUSALS.items()
    }
    app.include_router(
        router(functions={served.name: served.function for served in functions}, counting=calls.asked),
        dependencies=[Depends(calls.admitted)],
        responses=refusals,
    )


_WIRE_REFUSALS: Final = {
    400: "The body is damaged.",
    401: "The key is wrong.",
    403: "There is no key.",
    408: "The body came too slowly, or the call took longer than the request allows.",
    413: "The body is too large.",
    415: "The body is not JSON, or packed in a way that is not known.",
    421: "The service is not for that host.",
    429: "Too many calls wait.",
    500: "The service failed.",
}

_GONE: Final = 499
"""Nobody reads it any more: as nginx has it."""


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=_GONE)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return error.problem.reply(request.url.path)


_TITLES: Final = {404: "Not found", 405: "Method not allowed"}


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = _TITLES.get(error.status_code, str(error.detail))
    return Problem(
        status=error.status_code,
        kind="-".join(title.lower().split()),
        title=title,
        detail=f"there is no {request.method} {request.url.path}",
        help="GET /openapi.json lists what there is",
        headers=error.headers or {},
    ).reply(request.url.path)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    said: list[Any] = list(error.errors())
    if request.url.path.startswith(WIRE):
        return problems([FieldProblem(loc=each["loc"], msg=each["msg"], type=each["type"]) for each in said])
    places = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in said]
    return Problem(
        status=422, kind="argument-error", title="Argument error", detail="; ".join(places)
    ).reply()
