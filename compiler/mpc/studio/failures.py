"""From what went wrong to what the page shows, and the HTTP status for it."""

from __future__ import annotations

from microprompt.errors import EngineError, MicropromptError, ModelError

from .. import project, render
from ..diagnostics import InternalError, ToolError
from .workspace import ChangedOnDiskError, UnknownFileError


def failure(error: Exception) -> tuple[int, dict[str, object]]:
    """The status and the body of an answer that is none. What nobody has foreseen is raised again."""
    match error:
        case project.CompileError():
            message = "the program has errors"
            return 422, _body("compile", message, diagnostics=render.to_data(error.diagnostics))
        case UnknownFileError():
            return 404, _body("unknown", f"the studio was not started for a file `{error}`")
        case ChangedOnDiskError():
            now = {"text": error.now.text, "version": error.now.version}
            help = "take over what is on disk, or save over it"
            return 409, _body("changed", str(error), help=help, now=now)
        case ModelError():
            return 503, _body("model", error.message, help=error.help)
        case EngineError() | InternalError():
            return 500, _body("internal", error.message)
        case MicropromptError():
            return 422, _body(type(error).__name__, "\n".join(error.lines), help=error.help)
        case ToolError():
            return 422, _body("environment", error.message, help=error.help)
        case OSError():
            return 422, _body("environment", error.strerror or str(error))
        case UnicodeError():
            return 422, _body("ArgumentError", "there is half of a surrogate pair in the text")
        case RecursionError():
            return 422, _body("ArgumentError", "it is nested too deeply")
        case _:
            raise error


def _body(kind: str, message: str, *, help: str | None = None, **more: object) -> dict[str, object]:
    return {"error": {"kind": kind, "message": message, "help": help, **more}}
