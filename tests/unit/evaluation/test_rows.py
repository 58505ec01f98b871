"""Labelled rows: what they may look like, and what is said of those that are wrong or odd."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Mapping
from typing import Any

import pytest

from microprompt.errors import ArgumentError
from microprompt.evaluation.rows import LabelledRows, read_labelled, read_unlabelled
from microprompt.function import PromptFunction

from .programs import Act, Ticket, classify, maybe, price, same, stars, title, triage

AnyFunction = PromptFunction[..., Any]


def lines(*rows: object) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def read(function: AnyFunction, data: bytes, source: str = "rows.jsonl", **options: str) -> LabelledRows:
    return read_labelled(function.program, data, source, **options)


def refusal(function: AnyFunction, data: bytes, source: str = "rows.jsonl") -> ArgumentError:
    with pytest.raises(ArgumentError) as raised:
        read(function, data, source)
    return raised.value


# ------------------------------------------------------------------------------------------------ shapes


def test_arguments_stand_under_inputs_or_beside_the_label() -> None:
    nested = {"id": 1, "inputs": {"text": "Why?"}, "label": "question"}
    found = read(classify, lines(nested, {"text": "Go.", "label": "command"}))
    assert found.arguments == ({"text": "Why?"}, {"text": "Go."})
    assert found.labels == (Act.question, Act.command)
    assert found.lines == (1, 2)
    assert found.source == "rows.jsonl"


def test_blank_lines_count_but_are_no_rows() -> None:
    assert read(classify, b'\n\n{"text": "Go.", "label": "command"}\n\n').lines == (3,)


def test_a_row_may_leave_out_what_has_a_default() -> None:
    found = read(same, lines({"first": "x", "second": 3, "label": True}))
    assert found.arguments == ({"first": "x", "second": 3},)


def test_the_label_may_have_another_name() -> None:
    found = read(classify, lines({"text": "Go.", "act": "command"}), label="act")
    assert (found.labels, found.warnings) == ((Act.command,), one_label("command"))


def one_label(name: str) -> tuple[str, ...]:
    return (f"all rows have the label `{name}`: how well others are told is not measured",)


LABELS: tuple[tuple[AnyFunction, object, object], ...] = (
    (classify, "command", Act.command),
    (classify, "request", Act.command),  # the word that the model sees
    (maybe, None, None),
    (maybe, "none", None),
    (same, True, True),
    (same, "yes", True),
    (same, "false", False),
    (stars, 4, 4),
    (stars, "4", 4),
    (price, 2, 2.0),
    (price, "2.5", 2.5),
    (title, "none", "none"),
    (title, "3", "3"),
    (triage, {"act": "command", "urgency": 2, "note": "x"}, Ticket(act=Act.command, urgency=2, note="x")),
)


@pytest.mark.parametrize(("function", "written", "meant"), LABELS)
def test_a_label_is_read_by_the_functions_type(
    function: AnyFunction, written: object, meant: object
) -> None:
    arguments = {"first": "x", "second": 1} if function is same else {"text": "x"}
    found = read(function, lines({"inputs": arguments, "label": written})).labels
    assert (found, type(found[0])) == ((meant,), type(meant))


@pytest.mark.parametrize(
    ("ending", "separator"), [(".csv", ","), (".csv", ";"), (".CSV", "\t"), (".tsv", "\t")]
)
def test_cells_are_words(ending: str, separator: str) -> None:
    rows = [
        ["second", "label", "flag", "first"],
        ["3", "true", "none", f'a "b"{separator}\nc'],
        ["4", "no", "yes", "d"],
    ]
    found = read(same, written(rows, separator), f"rows{ending}")
    assert found.arguments == (
        {"first": f'a "b"{separator}\nc', "second": 3, "flag": None},
        {"first": "d", "second": 4, "flag": True},
    )
    assert found.labels == (True, False)
    assert found.lines == (2, 4)
    assert found.warnings == ()


def written(rows: list[list[str]], separator: str = ",") -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows(rows)
    return out.getvalue().encode()


def test_a_cell_may_hold_a_record() -> None:
    cell = '{"act": "command", "urgency": 2, "note": ""}'
    found = read(triage, written([["text", "label"], ["x", cell]]), "rows.csv")
    assert found.labels == (Ticket(act=Act.command, urgency=2, note=""),)


def test_a_text_may_have_ten_megabytes() -> None:
    long = "é" * 5_000_000
    assert read(classify, lines({"text": long, "label": "command"})).arguments[0]["text"] == long
    limit = csv.field_size_limit()
    found = read(classify, written([["text", "label"], [long, "command"]]), "rows.csv")
    assert found.arguments[0]["text"] == long
    assert csv.field_size_limit() == limit


# ------------------------------------------------------------------------------------------- encodings

ROW = '{"text": "Gehört?", "label": "question"}\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_say_so_are_read(encoding: str) -> None:
    assert read(classify, ROW.encode(encoding)).arguments[0]["text"] == "Gehört?"


def test_big_endian_utf_16_is_read() -> None:
    assert read(classify, codecs.BOM_UTF16_BE + ROW.encode("utf-16-be")).labels == (Act.question,)


NOT_TEXT = (
    (ROW.encode() + ROW.encode("latin-1"), "rows.jsonl:2: not UTF-8: 0xF6, byte 56 of the file"),
    (codecs.BOM_UTF8 + ROW.encode("latin-1"), "rows.jsonl:1: not UTF-8: 0xF6, byte 17 of the file"),
    (ROW.encode("utf-16-le"), "rows.jsonl:1: a NUL, byte 2 of the file, which no text has"),
    (ROW.encode("utf-32"), "rows.jsonl is in UTF-32"),
    (ROW.encode("utf-16")[:-1], "rows.jsonl:1: not UTF-16"),
)


@pytest.mark.parametrize(("data", "said"), NOT_TEXT)
def test_other_encodings_are_named_with_the_byte(data: bytes, said: str) -> None:
    error = refusal(classify, data)
    assert error.message.startswith(said)
    assert error.help is not None
    assert "UTF-8" in error.help


# --------------------------------------------------------------------------------------------- refused

WRONG: tuple[tuple[object, str, str], ...] = (
    ({"text": "x", "label": "qestion"}, '`label` is "qestion": not in Act', "did you mean `question`?"),
    ({"text": "x", "label": "x"}, '`label` is "x": not in Act', "it is one of `question`, `command`"),
    ({"text": "x", "label": 3}, "`label` is 3: not in Act", "it is one of question"),
    ({"text": "x", "act": "question"}, "there is no `label`", "with --label: there is `text`, `act`"),
    ({"txt": "x", "label": "question"}, "classify needs `text`", "classify(text: str)"),
    ({"inputs": {"text": "x", "y": 1}, "label": "question"}, "classify has no parameter `y`", "(text: str)"),
    ({"text": 3, "label": "question"}, "`text` must be str, not 3", ""),
    ([1], "the row is not a JSON object", "one JSON object a line"),
)


@pytest.mark.parametrize(("row", "said", "help"), WRONG, ids=lambda value: str(value)[:30])
def test_a_wrong_row_is_named_by_its_line(row: object, said: str, help: str) -> None:
    error = refusal(classify, lines({"text": "x", "label": "question"}, row))
    assert error.message == f"rows.jsonl:2: {said}"
    assert help in (error.help or "")


@pytest.mark.parametrize("line", [b"nonsense", b'{"text": ', b"[" * 100_000])
def test_a_broken_line_is_named(line: bytes) -> None:
    error = refusal(classify, lines({"text": "x", "label": "question"}) + line)
    assert error.message.startswith("rows.jsonl:2: not JSON")
    assert error.help == "write one JSON object a line"


def test_a_mistake_that_many_rows_have_is_told_once() -> None:
    rows = [{"text": "x", "act": "question"}] * 40 + [{"text": "x", "label": "z"}]
    assert refusal(classify, lines(*rows)).message == (
        "rows.jsonl:1: there is no `label` (and so in 39 more)\n"
        'rows.jsonl:41: `label` is "z": not in Act'
    )


def test_of_many_mistakes_the_first_are_told() -> None:
    rows = [{"text": "x", "label": f"wrong{number}"} for number in range(8)]
    message = refusal(classify, lines(*rows)).message
    assert message.count("rows.jsonl:") == 5
    assert message.endswith("and 3 other mistakes")


def test_a_huge_label_is_cut_short_in_the_message() -> None:
    assert len(refusal(classify, lines({"text": "x", "label": "x" * 1_000_000})).message) < 400


CSV_WRONG = (
    (b"text,label\nx,question\ny\n", "rows.csv:3: 1 cell where the header has 2"),
    (b"text,label\nx,question,z\n", "rows.csv:2: 3 cells where the header has 2"),
    (b'text,label\n"x,question\ny,command\n', "rows.csv:2: not CSV"),
    (b"text,text,label\nx,y,question\n", "rows.csv:1: two columns are called `text`"),
    (b"words,label\nx,question\n", "rows.csv:2: classify needs `text`"),
)


@pytest.mark.parametrize(("data", "said"), CSV_WRONG)
def test_broken_csv_is_named(data: bytes, said: str) -> None:
    error = refusal(classify, data, "rows.csv")
    assert error.message.startswith(said)
    assert error.help


@pytest.mark.parametrize("data", [b"", b"\n \n", codecs.BOM_UTF8])
def test_a_file_without_rows_says_how_to_write_one(data: bytes) -> None:
    error = refusal(classify, data)
    assert error.message == "rows.jsonl has no rows"
    assert error.help == 'write a JSON object a line, as in {"text": "...", "label": "..."}'


def test_a_header_alone_has_no_rows() -> None:
    assert refusal(classify, b"text,label\n", "rows.csv").message == "rows.csv has no rows"


def test_a_parameter_is_not_taken_for_the_label() -> None:
    with pytest.raises(ArgumentError, match="`text` is a parameter of classify"):
        read(classify, lines({"text": "command"}), label="text")


# -------------------------------------------------------------------------------------------- warnings


def warnings(*rows: Mapping[str, object]) -> tuple[str, ...]:
    """Of rows to which those are added that keep other warnings away."""
    others = [{"text": f"{act} one", "label": act} for act in Act.__members__]
    return read(classify, lines(*rows, *others)).warnings


def test_good_rows_have_no_warnings() -> None:
    assert warnings({"text": "Why?", "label": "question"}) == ()


def test_columns_that_are_not_used_are_told() -> None:
    (said,) = warnings({"id": 1, "txt": "a", "source": "b", "text": "Why?", "label": "question"})
    assert said == "these columns are not used, as classify has no such parameter: `txt`, `source`"


def test_what_stands_beside_inputs_is_nobodys_business() -> None:
    assert warnings({"inputs": {"text": "Why?"}, "label": "question", "source": "b"}) == ()


def test_empty_texts_are_told() -> None:
    (said,) = warnings({"text": "x", "label": "command"}, {"text": " \n", "label": "command"})
    assert said == "`text` is empty in 1 row (line 2)"


def test_rows_that_repeat_are_counted() -> None:
    row = {"text": "Why?", "label": "question"}
    assert warnings(row, row, row) == (
        "inputs and label of a row above are there again in 2 rows (the first: line 2)",
    )


def test_inputs_with_different_labels_are_told() -> None:
    (said,) = warnings({"text": "Why?", "label": "question"}, {"text": "Why?", "label": "statement"})
    assert said == "no answer is right for one input with different labels (the first: lines 1 and 2)"


def test_rows_that_the_program_shows_are_told() -> None:
    (said,) = warnings({"text": "x", "label": "command"}, {"text": "Sit down.", "label": "command"})
    assert said.startswith("the program shows as an example what it is asked in 1 row (line 2)")


def test_one_label_for_all_is_told() -> None:
    rows = [{"text": str(number), "label": "command"} for number in range(3)]
    assert read(classify, lines(*rows)).warnings == one_label("command")


def test_labels_that_no_row_has_are_told() -> None:
    rows = ({"text": "a", "label": "command"}, {"text": "b", "label": "question"})
    assert read(classify, lines(*rows)).warnings == ("no row has the label `statement`",)


def test_ratings_that_nobody_gave_are_not_told() -> None:
    assert read(stars, lines({"text": "a", "label": 1}, {"text": "b", "label": 5})).warnings == ()


def test_labels_of_fields_are_told_by_the_field() -> None:
    rows = (
        {"text": "a", "label": {"act": "command", "urgency": 1, "note": ""}},
        {"text": "b", "label": {"act": "question", "urgency": 1, "note": ""}},
    )
    assert read(triage, lines(*rows)).warnings == (
        "no row has the label `statement` for `act`",
        "all rows have the label `1` for `urgency`: how well others are told is not measured",
    )


# ------------------------------------------------------------------------------------------ unlabelled


def test_rows_without_labels_are_read_alike() -> None:
    data = lines({"text": "Why?"}, {"inputs": {"text": "Go."}, "label": "whatever"}, {"text": "", "label": 3})
    found = read_unlabelled(classify.program, data, "rows.jsonl")
    assert found.arguments == ({"text": "Why?"}, {"text": "Go."}, {"text": ""})
    assert found.warnings == ("`text` is empty in 1 row (line 3)",)
    assert len(found) == 3


def test_rows_without_labels_are_refused_alike() -> None:
    with pytest.raises(ArgumentError, match=r"rows\.csv:3: `second` is 12"):
        read_unlabelled(same.program, b"first,second\nx,1\ny,12\n", "rows.csv")
    with pytest.raises(ArgumentError, match=r'as in \{"first": "\.\.\.", "second"'):
        read_unlabelled(same.program, b"", "rows.jsonl")
