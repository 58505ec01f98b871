"""JSON as the model reads and writes it: on one line, with a blank after `,` and `:` and nowhere else.

What writes values, what masks the model and what is forced between a record's fields take it from here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

SPACE: Final = " "
NULL: Final = "null"
TRUTH: Final = {True: "true", False: "false"}
LIST: Final = ("[", ", ", "]")
"""What opens a list, stands between its items, and closes it."""

DICT: Final = ("{", ": ", ", ", "}")
"""What opens a dict, stands behind a key and between its entries, and closes it."""

RECORD_END: Final = "}"


def quoted(text: str) -> str:
    """A text as a JSON string."""
    return json.dumps(text, ensure_ascii=False)


def decoded(text: str) -> object:
    """The data of JSON that a model wrote. A number with a fraction keeps its digits: it is a `Decimal`."""
    return json.loads(text, parse_float=Decimal)


def field_lead(label: str, *, is_first: bool) -> str:
    """What comes before a field's value, but for the `SPACE` that belongs to the value."""
    return f"{'{' if is_first else ', '}{quoted(label)}:"


def record_text(fields: Iterable[tuple[str, str]]) -> str:
    """A record of labels and the JSON of their values."""
    leads = (
        f"{field_lead(label, is_first=not place)}{SPACE}{value}"
        for place, (label, value) in enumerate(fields)
    )
    return "".join(leads) + RECORD_END


def dict_text(entries: Iterable[tuple[str, str]]) -> str:
    """A dict of keys and the JSON of their values."""
    start, colon, between, end = DICT
    return f"{start}{between.join(f'{quoted(key)}{colon}{value}' for key, value in entries)}{end}"


def list_text(items: Iterable[str]) -> str:
    """A list of the JSON of its items."""
    start, between, end = LIST
    return f"{start}{between.join(items)}{end}"
