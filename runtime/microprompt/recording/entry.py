"""A call that has ended, as the record keeps it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, cast

from ..trace import Called


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEntry:
    """A call of a prompt or a flow.

    `time` is when it began, in seconds since 1970. All calls of one `trace` belong together; `span` is this
    one's own number in it, and `parent` that of the flow or prompt that made it. `source` is the `.mp` file,
    relative to its project; `key` stands for all that the model is told of the prompt and can answer
    (`keys.key_of`), and is `None` of a flow. `arguments` are missing where only their hash is kept.

    `answer` is what `Answer.to_json` says, and of a flow its value; `None` if there is none, for the reason
    that `error`, the name of an exception, and `message` tell. The confidence, the tokens and the model of a
    flow are those of the prompts on its way: the least of them, the sum, and all of them. The tokens of a
    prompt include those of the prompts in its body, which have entries of their own.
    """

    id: int = 0
    time: float
    trace: str
    span: str
    parent: str | None
    called: Called
    module: str
    function: str
    source: str
    key: str | None
    arguments: Mapping[str, object] | None
    arguments_hash: str
    answer: Mapping[str, object] | None
    confidence: float | None
    model: str | None
    answered_by: str | None
    ms: float
    prompt_tokens: int | None
    cached_tokens: int | None
    decoded_tokens: int | None
    abstained: bool
    escalated: bool
    error: str | None
    message: str | None

    @property
    def value(self) -> object:
        """What was answered, as data; `None` also where there is no answer."""
        return None if self.answer is None else self.answer["value"]

    @property
    def distribution(self) -> Mapping[str, float] | None:
        """Over the labels of a prompt that is a choice; `None` of all else."""
        found = None if self.answer is None else self.answer.get("distribution")
        return cast("Mapping[str, float] | None", found)

    def to_json(self) -> dict[str, object]:
        """As JSON data, the time as ISO 8601 in UTC."""
        found: dict[str, object] = {name: getattr(self, name) for name in COLUMNS}
        found["time"] = datetime.fromtimestamp(self.time, UTC).isoformat(timespec="milliseconds")
        return found


COLUMNS: Final = tuple(field.name for field in fields(CallEntry))
"""What an entry says, in the order in which the record has it."""

_JSON: Final = frozenset({"arguments", "answer"})
_FLAGS: Final = frozenset({"abstained", "escalated"})
_to_json: Final = json.JSONEncoder(ensure_ascii=False).encode


def to_row(entry: CallEntry) -> tuple[object, ...]:
    """An entry as a row of the record, without its number: data are JSON texts."""
    return tuple(_cell(name, getattr(entry, name)) for name in COLUMNS[1:])


def from_row(row: tuple[Any, ...]) -> CallEntry:
    """The entry of a row with its number. Raises `ValueError` for a damaged one."""
    found = dict(zip(COLUMNS, row, strict=True))
    for name in _JSON:
        if found[name] is not None:
            found[name] = json.loads(found[name])
    for name in _FLAGS:
        found[name] = bool(found[name])
    return CallEntry(**found)


def hash_of(said: object) -> str:
    """What is equal for equal JSON data: the beginning of a SHA-256, in hexadecimal digits."""
    text = json.dumps(said, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()[:32]


def _cell(name: str, value: object) -> object:
    if name in _JSON and value is not None:
        value = _to_json(value)
    if isinstance(value, str):
        # Half of a surrogate pair, as a message may quote it, becomes the escape that JSON has for it.
        return value.encode("utf-8", errors="backslashreplace").decode()
    return value
