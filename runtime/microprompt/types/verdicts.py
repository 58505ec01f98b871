"""What the assertions of records say of a value."""

from __future__ import annotations

from dataclasses import dataclass, field

from .. import abi


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an assertion says of a record: `problem` tells what is wrong, and is `None` where it holds.

    `place` is where the record is in the value, as in "lines[2]"; it is "" for the value itself.
    """

    place: str
    assertion: abi.Assertion = field(repr=False)
    problem: str | None

    @property
    def message(self) -> str:
        """What should hold."""
        return self.assertion.message

    @property
    def passed(self) -> bool:
        return self.problem is None

    def to_json(self) -> dict[str, object]:
        return {"place": self.place, "message": self.message, "passed": self.passed}
