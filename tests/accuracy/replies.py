"""What the replies of examples/assistant come to that a model writes, on several models.

The assistant's decisions are answered by the embedded model; its replies are sentences that were found,
unless a larger model writes them. Here each model writes a reply to every question of the conversation, from
what the assistant has found for it. A reply is right if it says what was asked for, and faithful if every
name and number in it stands in the question or in what was found.
"""

from __future__ import annotations

import importlib
import json
import re
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from microprompt.declared import DeclaredFunction
from microprompt.errors import AnswerTooLong
from microprompt.evaluation.figures import share
from microprompt.evaluation.metrics import wilson
from microprompt.evaluation.variants import on_models

from .tasks import ROOT
from .writing import FIT

_CONVERSATION: Final = ROOT / "tests" / "samples" / "assistant" / "conversation.jsonl"
_CLOCK: Final = re.compile(r"\d\d:\d\d")

# A capital at the beginning of a sentence tells no name.
_NAME_OR_NUMBER: Final = re.compile(r"(?<!^)(?<![.!?] )\b[A-Z][\w'-]+|\d[\d:.,]*\d|\d")

_DIGITS: Final = {"two": "2", "six": "6", "nine": "9", "ten": "10", "thirty": "30"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, what was found for it, and of each fact that a reply should have the ways to say it."""

    text: str
    found: Sequence[str]
    facts: Sequence[Sequence[str]]

    def is_answered(self, reply: str) -> bool:
        said = reply.lower()
        return all(any(re.search(rf"\b{re.escape(way)}\b", said) for way in ways) for ways in self.facts)

    def is_kept_to(self, reply: str) -> bool:
        known = _in_digits(" ".join([self.text, *self.found]))
        return all(_in_digits(each) in known for each in _NAME_OR_NUMBER.findall(reply))


def measured(models: Sequence[str]) -> Iterator[str]:
    """A line for each model, and the smallest that is fit; every reply that is not right is shown."""
    sys.path.insert(0, str(ROOT / "examples" / "assistant"))
    assistant = importlib.import_module("assistant")
    asked = list(_questions(assistant.find))
    fit = None
    for variant in on_models(assistant.say, models):
        replies = [_reply(variant.function, each) for each in asked]
        said = [(each, text) for each, (text, _) in zip(asked, replies, strict=True)]
        right = [each.is_answered(text) for each, text in said]
        kept = [each.is_kept_to(text) for each, text in said]
        both = [one and other for one, other in zip(right, kept, strict=True)]
        yield f"{variant.name}: " + ", ".join(
            f"{what} {share(sum(found) / len(asked), wilson(sum(found), len(asked)))}"
            for what, found in (("right", right), ("faithful", kept), ("both", both))
        ) + f", n = {len(asked)}, {1000 * statistics.median(seconds for _, seconds in replies):.0f} ms"
        for (each, text), good in zip(said, both, strict=True):
            if not good:
                yield f"    {each.text} -> {text}"
        if fit is None and sum(both) / len(asked) >= FIT:
            fit = variant.name
    yield f"the smallest that is fit, with {FIT} of the replies right and faithful: {fit or 'none of these'}"


def _questions(find: Any) -> Iterator[Question]:
    for line in _CONVERSATION.read_text("utf-8").splitlines():
        row: Mapping[str, Any] = json.loads(line)
        if "facts" in row:
            found: list[str] = find(row["text"])
            times = _CLOCK.findall(" ".join(found)) if row["way"] == "Time" else []
            facts = [times] if times else [fact.split("|") for fact in row["facts"]]
            yield Question(text=row["text"], found=found, facts=facts)


def _reply(say: DeclaredFunction[..., Any], question: Question) -> tuple[str, float]:
    try:
        answer = say.detail(question.text, question.found, [])
    except AnswerTooLong as error:
        return f"({error})", float("nan")
    return answer.value, answer.seconds


def _in_digits(text: str) -> str:
    words: list[str] = re.findall(r"[\w:]+", text.lower())
    return " ".join(_DIGITS.get(word, word) for word in words)
