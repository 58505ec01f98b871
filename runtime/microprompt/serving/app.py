"""The application: routes for functions, what a service says of itself, and errors as problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ..errors import ArgumentError
from .calls import Calls
from .described import add_function
from .gate import Gate
from .limits import ServingLimits
from .problems import Problem, Refused
from .readiness import Readiness
from .replies import json_reply
from .served import Served


def create_app(
    functions: Sequence[Served],
    *,
    keys: Sequence[str] = (),
    any_host: bool = False,
    limits: ServingLimits | None = None,
    title: str = "microprompt",
) -> FastAPI:
    """An application that serves functions; all of its requests share the engines of this process.

    With `keys`, who asks has to have one of them. Without, it is for this machine only, and refuses requests
    that name another host, unless `any_host`. The models are loaded when the application starts.

    Raises `ArgumentError` if two functions have the same name.
    """
    _require_distinct(functions)
    limits = limits or ServingLimits()
    readiness = Readiness(functions)

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
    )
    calls = Calls(limits)
    for served in functions:
        add_function(app, served, calls)
    _add_health(app, readiness)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_middleware(Gate, keys=tuple(keys), any_host=any_host, limits=limits)
    return app


def _require_distinct(functions: Sequence[Served]) -> None:
    for name, count in Counter(served.name for served in functions).items():
        if count > 1:
            raise ArgumentError(f"{count} functions are called {name}", help="serve one of them alone")


def _add_health(app: FastAPI, readiness: Readiness) -> None:
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
    places = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in said]
    return Problem(
        status=422, kind="argument-error", title="Argument error", detail="; ".join(places)
    ).reply()
