"""Data as responses."""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.responses import Response


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
