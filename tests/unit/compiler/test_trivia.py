"""The tokens of a file and its trivia are all that it holds, white space aside."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from mpc.source import Source
from mpc.syntax.trivia import BlankLine, Comment, tokens, trivia

ROOT = Path(__file__).parents[3]
SOURCES = sorted(path for path in ROOT.rglob("*.mp") if ".venv" not in path.parts)
PROGRAM = '''\
# at the head

"""A docstring # is no comment.

Nor are its blank lines."""

enum Act:  # behind the head
    # above an entry
    question as "#1"  # behind an entry

    command
# below a block

prompt ask(
    text: str,  # inside brackets
) -> Act:  # behind the header

    # this is said to the model

    {text}
examples:
    "a" ->  # before the answer
        question
'''


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_tokens_and_trivia_cover_a_file_once(path: Path) -> None:
    source = Source(path.name, path.read_text(encoding="utf-8"))
    found = trivia(source)
    spans = sorted([*tokens(source), *(node.span for node in found)], key=lambda span: span.start)
    assert all(left.end <= right.start for left, right in pairwise(spans))
    starts, ends = [span.start for span in spans], [span.end for span in spans]
    gaps = zip([0, *ends], [*starts, len(source.text)], strict=True)
    assert not "".join(source.text[start:end] for start, end in gaps).strip()


def test_comments_are_found_wherever_they_stand() -> None:
    found = [node.text for node in trivia(Source("a.mp", PROGRAM)) if isinstance(node, Comment)]
    assert found == [
        "# at the head",
        "# behind the head",
        "# above an entry",
        "# behind an entry",
        "# below a block",
        "# inside brackets",
        "# behind the header",
        "# before the answer",
    ]


def test_blank_lines_are_found_outside_texts() -> None:
    source = Source("a.mp", PROGRAM)
    found = [node for node in trivia(source) if isinstance(node, BlankLine)]
    assert [source.line_of(node.span.start) for node in found] == [2, 6, 10, 13]


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("enum A: # c\n    a )\n# d\n", "\n# d"),
        ("what is # this\n", "what is # this"),
        ('"""open # end\n', '"""open # end'),
    ],
)
def test_text_that_cannot_be_read_is_a_token(text: str, last: str) -> None:
    source = Source("a.mp", text)
    assert [source.slice(span) for span in tokens(source)][-1] == last
