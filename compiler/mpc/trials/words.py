"""An answer's data as people read it."""

from __future__ import annotations

import json


def readable(data: object) -> str:
    """Text as it is, an enum member's name, the rest as JSON."""
    if isinstance(data, str):
        return data
    return "none" if data is None else json.dumps(data, ensure_ascii=False, indent=2)


def in_line(data: object) -> str:
    """The same in a line: text as it is, records and lists as JSON."""
    return json.dumps(data, ensure_ascii=False) if isinstance(data, dict | list) else readable(data)
