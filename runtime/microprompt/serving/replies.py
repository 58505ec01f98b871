"""Data as responses."""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.responses import Response

from ..answer import Answer
from ..types import kind


def encoded(data: object) -> bytes:
    """Data as JSON in UTF-8."""
    # Half of a surrogate pair, which a refused text may hold, becomes the escape that JSON has for it.
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")


def json_reply(
    data: object,
    *,
    status: int = 200,
    media_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A response with data as JSON."""
    return Response(encoded(data), status_code=status, media_type=media_type, headers=headers)


def answer_data(answer: Answer[object], *, detail: bool) -> Mapping[str, object]:
    """An answer as data: its value, or in `detail` what `mpc run --json` prints."""
    return answer.to_json() if detail else {"value": kind(answer.returns).to_data(answer.value)}
