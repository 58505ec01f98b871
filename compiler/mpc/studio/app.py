"""The studio's server: a FastAPI app whose routes are what the page asks for, in JSON."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from importlib.resources import files
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from microprompt import FlowFunction, PromptFunction, flush, rows, settings
from microprompt.deciding.alternatives import with_label
from microprompt.declared import DeclaredFunction
from microprompt.errors import ArgumentError, MicropromptError
from microprompt.evaluation import kept
from microprompt.given import given
from microprompt.observed import unrecorded
from microprompt.recording import store
from microprompt.scheduling.cancelling import in_thread
from microprompt.serving.calls import wanted
from microprompt.types import kind

from .. import __version__, codes, project, render
from ..diagnostics import Diagnostic, InternalError, Severity, ToolError, suggestion
from ..functions import AnyFunction, own
from ..trials import Result, RowsResult, run_rows, run_written
from .described import brief, described
from .failures import failure
from .guard import Guard
from .prompts import prompt_of
from .workspace import ChangedOnDiskError, UnknownFileError, Workspace

_TYPES: Final = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class OfFile(_Body):
    """A file of the workspace, and the texts of all files that have been edited and not saved."""

    file: str
    drafts: dict[str, str] = {}


class OfFunction(OfFile):
    """One of a file's functions."""

    function: str


class Saved(_Body):
    """The text that a file is to hold, which holds what `version` stands for still."""

    file: str
    text: str
    version: str


class ReplacedAnswers(_Body):
    """What is answered in place of a function that a flow calls, call by call; the last one from then on."""

    function: str
    answers: list[Any]


class AskedCall(OfFunction):
    """A call: arguments by name, as data; of a flow, with some of its calls answered already."""

    arguments: dict[str, Any]
    given: list[ReplacedAnswers] = []


class OtherLabel(OfFunction):
    """A call whose answer is to say `label` in a field."""

    arguments: dict[str, Any]
    field: str
    label: str


class Logged(OfFile):
    """Recorded calls of a file's functions, or of one of them: at most `limit`, those that are less sure than
    `below`, not older than so many `hours`, without an answer (`errors`), or of one `trace`."""

    function: str | None = None
    below: float | None = None
    hours: float | None = None
    errors: bool = False
    trace: str | None = None
    limit: int = Field(default=100, ge=1, le=10_000)


class Tested(OfFile):
    """A file's tests, or those of one function."""

    function: str | None = None


def studio(workspace: Workspace, *, token: str, port: int) -> ASGIApp:
    """The app behind its guard, for a server on that port of loopback."""
    return Guard(_app(workspace), token=token, port=port)


def _app(workspace: Workspace) -> FastAPI:
    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        workspace.close()

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=life)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(ClientDisconnect, _nobody)
    for error in _FORESEEN:
        app.add_exception_handler(error, _failed)

    # ---------------------------------------------------------------------------------------- files

    @app.get("/api/files")
    def list_files() -> dict[str, object]:
        return {
            "version": __version__,
            "model": settings.current().model,
            "files": [_listed(workspace, file) for file in workspace.files()],
        }

    @app.get("/api/file")
    def read_file(file: str) -> dict[str, object]:
        found = workspace.read(file)
        return {"file": file, "text": found.text, "version": found.version}

    @app.put("/api/file")
    def save_file(saved: Saved) -> dict[str, object]:
        return {"version": workspace.save(saved.file, saved.text, saved.version)}

    @app.post("/api/check")
    def check(asked: OfFile) -> dict[str, object]:
        return {"diagnostics": render.to_data(workspace.check(asked.file, asked.drafts))}

    @app.get("/api/code/{number}")
    def explain_code(number: str) -> dict[str, object]:
        code = codes.REGISTRY.get(number)
        if code is None:
            raise ArgumentError(f"there is no diagnostic `{number}`")
        return {"code": code.number, "title": code.title, "page": code.page}

    # ------------------------------------------------------------------------------------ functions

    @app.post("/api/functions")
    def functions(asked: OfFile) -> dict[str, object]:
        return {"functions": [described(each) for each in own(workspace.load(asked.file, asked.drafts))]}

    @app.post("/api/run")
    async def run(asked: AskedCall, request: Request) -> dict[str, object]:
        called, module = await run_in_threadpool(_function, workspace, asked)
        arguments = rows.from_inputs(called.program, asked.arguments)
        # What would follow is a look into the program, and no call of it.
        kept_out = unrecorded() if asked.given else nullcontext()
        with given([pair for each in asked.given for pair in _given(module, each)]), kept_out:
            async with wanted(request.receive, None):
                if isinstance(called, FlowFunction):
                    return (await called.atrace(**arguments)).to_json()
                return (await called.adetail(**arguments)).to_json()

    @app.post("/api/other")
    async def other(asked: OtherLabel, request: Request) -> dict[str, object]:
        async with wanted(request.receive, None):
            return await in_thread(lambda: _with_other_label(_prompt(workspace, asked), asked))

    @app.post("/api/prompt")
    async def prompt(asked: AskedCall, request: Request) -> dict[str, object]:
        def found() -> dict[str, object]:
            called = _prompt(workspace, asked)
            return prompt_of(called, rows.from_inputs(called.program, asked.arguments))

        async with wanted(request.receive, None):
            return await in_thread(found)

    @app.post("/api/outline")
    def outline(asked: OfFunction) -> dict[str, object]:
        found = workspace.outline(asked.file, asked.function, asked.drafts)
        if found is None:
            raise ArgumentError(f"{asked.file} has no flow `{asked.function}`")
        return found.to_json()

    @app.post("/api/tests")
    def tests(asked: Tested) -> Response:
        module = workspace.load(asked.file, asked.drafts)
        chosen = [each for each in own(module) if asked.function in (None, each.program.name)]
        lines = _while_read(_tested(workspace.path(asked.file), chosen))
        return StreamingResponse(lines, media_type="application/x-ndjson")

    @app.get("/api/evaluation")
    def evaluation(file: str, function: str) -> dict[str, object]:
        found = kept.last(workspace.path(file), function)
        return {"evaluation": None if found is None else found.to_json()}

    @app.post("/api/logs")
    def logs(asked: Logged) -> dict[str, object]:
        record = settings.current().record
        if record is None:
            return {"record": None, "count": 0, "calls": []}
        flush()
        wanted = _wanted(workspace, asked)
        if wanted is None or not record.is_file():
            return {"record": str(record), "count": 0, "calls": []}
        calls = [each.to_json() for each in store.latest(record, wanted, asked.limit)]
        return {"record": str(record), "count": store.count(record, wanted), "calls": calls}

    # ----------------------------------------------------------------------------------------- page

    @app.get("/{name:path}")
    def page(name: str) -> Response:
        # Looked up among the names that are there, so no path leads out of the folder.
        parts = {found.name: found for found in files("mpc.studio").joinpath("page").iterdir()}
        part = parts.get(name or "index.html")
        if part is None:
            raise HTTPException(404)
        return Response(part.read_bytes(), media_type=_TYPES[f".{part.name.rpartition('.')[2]}"])

    return app


# -------------------------------------------------------------------------------------------- what is asked


def _function(workspace: Workspace, asked: OfFunction) -> tuple[AnyFunction, ModuleType]:
    """A function, and the module that declares it. Raises `ArgumentError`."""
    module = workspace.load(asked.file, asked.drafts)
    found = {each.program.name: each for each in own(module)}
    if asked.function not in found:
        raise ArgumentError(
            f"{asked.file} has no prompt or flow `{asked.function}`", help=suggestion(asked.function, found)
        )
    return found[asked.function], module


def _prompt(workspace: Workspace, asked: OfFunction) -> PromptFunction[..., Any]:
    found, _ = _function(workspace, asked)
    if not isinstance(found, PromptFunction):
        raise ArgumentError(f"{asked.function} is a flow, and has no prompt of its own")
    return found


@unrecorded()
def _with_other_label(called: PromptFunction[..., Any], asked: OtherLabel) -> dict[str, object]:
    """The answer that says another label in a field, and what is written behind that."""
    arguments = rows.from_inputs(called.program, asked.arguments)
    if called.nested is not None:
        raise ArgumentError(f"{called.program.name} calls other prompts, and can't be asked in parts")
    decider = called.decider
    engine = called.engine() if decider is None else decider.sources.engine()
    call, answer = called.call_with(arguments), called.detail(**arguments)
    return with_label(engine, call, answer, asked.field, asked.label).to_json()


def _given(module: ModuleType, asked: ReplacedAnswers) -> Iterator[tuple[AnyFunction, object]]:
    """What a module calls by that name, with each of the answers that are given for it."""
    called = vars(module).get(asked.function)
    if not isinstance(called, DeclaredFunction):
        raise ArgumentError(f"there is no prompt or flow `{asked.function}` in the file")
    returns, where = kind(called.program.returns), f"the given answer of {asked.function}"
    for data in asked.answers:
        yield called, returns.read_data(data, where)


def _wanted(workspace: Workspace, asked: Logged) -> store.WantedCalls | None:
    """Which recorded calls are asked for; `None` for those of a file without functions."""
    if asked.trace is not None:
        return store.WantedCalls(trace=asked.trace)
    declared = own(workspace.load(asked.file, asked.drafts))
    if not declared:
        return None
    return store.WantedCalls(
        function=asked.function,
        source=declared[0].program.source,
        since=None if asked.hours is None else time.time() - 3600 * asked.hours,
        below=asked.below,
        errors=asked.errors,
    )


def _listed(workspace: Workspace, file: str) -> dict[str, object]:
    """A file in the list: what it declares, or why nothing is known of that."""
    try:
        found = own(workspace.load(file, {}))
    except project.CompileError as error:
        return {"file": file, "functions": [], "errors": _errors(error.diagnostics)}
    except (ToolError, MicropromptError) as error:
        return {"file": file, "functions": [], "errors": 1, "message": error.message}
    return {"file": file, "functions": list(map(brief, found)), "errors": 0}


def _errors(diagnostics: tuple[Diagnostic, ...]) -> int:
    return sum(each.severity is Severity.ERROR for each in diagnostics)


def _tested(path: Path, functions: Sequence[AnyFunction]) -> Iterator[str]:
    """A line of JSON for each test, as soon as it has run, and one for what keeps the others from running."""
    try:
        for called in functions:
            results: Iterator[Result | RowsResult] = chain(run_written(path, called), run_rows(path, called))
            for result in results:
                words = {"headline": result.headline(), "difference": list(result.difference())}
                yield f"{json.dumps({**result.to_json(), **words})}\n"
    except Exception as error:
        yield f"{json.dumps(failure(error)[1])}\n"


async def _while_read(lines: Iterator[str]) -> AsyncIterator[str]:
    """The same lines, each made on a thread; the one that is being made is given up when nobody reads on."""
    while (line := await in_thread(lambda: next(lines, None))) is not None:
        yield line


# ------------------------------------------------------------------------------------------ what went wrong


_FORESEEN: Final = (
    *(MicropromptError, ToolError, InternalError, project.CompileError, UnknownFileError, ChangedOnDiskError),
    *(OSError, UnicodeError, RecursionError),
)


def _failed(request: Request, error: Exception) -> Response:
    status, body = failure(error)
    return JSONResponse(body, status)


def _nobody(request: Request, error: Exception) -> Response:
    return Response(status_code=499)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _told(error.status_code, error.detail)


def _unreadable(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return _told(422, f"the request is not as it should be: {where}: {first['msg']}")


def _told(status: int, message: str) -> Response:
    return JSONResponse({"error": {"kind": "request", "message": message, "help": None}}, status)
