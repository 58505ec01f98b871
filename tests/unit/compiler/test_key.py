"""The key of a prompt changes with what the model is told, and with nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpc import project
from mpc.key import DIGITS

SHARED = """\
enum Product:
    phone
    laptop "a computer"
"""
PROGRAM = """\
from shared import Product

type Stars = int(1..5)

enum Act:
    question
    command as "order" "asks for something"

record Ticket:
    product: Product
    stars: Stars = 3
    note: str(..80)? as "remark" "what else there is"
    code: str(/[A-Z]+/)

prompt triage(text: str, act: Act = question, known: list[Ticket] = []) -> Ticket?:
    Read the message.

    {act}: {text}
    Known: {known}
    Ticket:
examples:
    "It broke.", command -> Ticket(product=phone, note="sad", code="AB")
    "Hello.", known=[Ticket(product=laptop, stars=1, note=none, code="C")] -> none
tests:
    "It rings." -> none
using:
    temperature = 0.5
"""
OTHER = 'Ticket(product=phone, note=none, code="D")'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    return tmp_path


def key(folder: Path, program: str, shared: str = SHARED, name: str = "triage") -> str:
    (folder / "shared.mp").write_text(shared, encoding="utf-8")
    (folder / "intake.mp").write_text(program, encoding="utf-8")
    return project.keys(folder / "intake.mp")[name]


def edited(*edits: tuple[str, str], text: str = PROGRAM) -> str:
    for old, new in edits:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


def test_a_key_stays_what_it_is_from_version_to_version(folder: Path) -> None:
    # With another key, whatever users have tuned is stale: nothing but a reason to tune again changes it.
    assert key(folder, PROGRAM) == "2e6a4c4f875f925f20375926535f43dd"
    assert len(key(folder, PROGRAM)) == DIGITS


@pytest.mark.parametrize(
    "edits",
    [
        [("enum Act:", "# the acts\n\nenum Act:  # two")],
        [("product: Product\n", "product:   Product  # which\n")],
        [("(1..5)", "( 1 .. 5 )")],
        [('product=phone, note="sad", code="AB"', 'code="AB", note="sad",\n        product=phone')],
        [('"It rings." -> none', '"It rings." -> none\n    "It sings." -> none')],
        [("temperature = 0.5", 'seed = 2\n    decide = "labels"')],
        [("act: Act = question, ", "act: Act = command, "), ('"Hello.", known', '"Hello.", question, known')],
        [("(product=phone", "(product=Product.phone")],
        [("code: str(/[A-Z]+/)\n", "code: str(/[A-Z]+/)\n\ntype Unused = str\n")],
    ],
)
def test_what_the_model_does_not_see_changes_no_key(folder: Path, edits: list[tuple[str, str]]) -> None:
    assert key(folder, edited(*edits)) == key(folder, PROGRAM)


def test_names_that_the_model_does_not_see_change_no_key(folder: Path) -> None:
    renamed = PROGRAM.replace("Ticket", "Card").replace("    Card:\nexamples", "    Ticket:\nexamples")
    renamed = renamed.replace("Act", "Deed").replace("Product", "Goods")
    renamed = renamed.replace("prompt triage", "prompt read")
    shared = SHARED.replace("Product", "Goods")
    assert key(folder, renamed, shared, name="read") == key(folder, PROGRAM)


def test_an_alias_is_what_it_means(folder: Path) -> None:
    inlined = edited(("stars: Stars", "stars: int(1..5)"), ("type Stars = int(1..5)\n", ""))
    assert key(folder, inlined) == key(folder, PROGRAM)


def test_where_a_type_is_from_is_all_the_same(folder: Path) -> None:
    moved = edited(("from shared import Product\n", SHARED))
    assert key(folder, moved) == key(folder, PROGRAM)


def test_a_key_is_the_same_under_another_name_of_the_file(folder: Path) -> None:
    before = key(folder, PROGRAM)
    (folder / "deep").mkdir()
    (folder / "deep" / "other.mp").write_text(PROGRAM)
    assert project.keys(folder / "deep" / "other.mp") == {"triage": before}


@pytest.mark.parametrize(
    "edits",
    [
        [("Read the message.", "Read this message.")],
        [("{act}: {text}", "{text} ({act})")],
        [("    Ticket:\nexamples", "    Card:\nexamples")],
        [("text: str,", "text: str(..80),")],
        [("-> Ticket?:", "-> Ticket:"), ("] -> none", f"] -> {OTHER}"), ('s." -> none', f's." -> {OTHER}')],
        [("(1..5)", "(1..6)")],
        [("stars: Stars = 3", "stars: Stars = 2")],
        [("stars: Stars = 3", "stars: Stars"), ("product=phone, ", "product=phone, stars=3, ")],
        [('as "order"', 'as "command"')],
        [('as "remark"', "")],
        [('"asks for something"', '"asks for it"')],
        [('"what else there is"', "")],
        [("    question\n", '    question "asks"\n')],
        [("/[A-Z]+/", "/[A-Z]*/")],
        [("str(..80)?", "str(..80)"), ("note=none", 'note=""')],
        [('note="sad"', 'note="glad"')],
        [('"It broke.", command', '"It broke.", question')],
        [('"It broke.", command', '"It broke!", command')],
        [('    "It broke.", command -> Ticket(product=phone, note="sad", code="AB")\n', "")],
        [("temperature = 0.5", 'layout = "chat"')],
        [("temperature = 0.5", "reasoning = 64")],
    ],
)
def test_what_the_model_sees_changes_the_key(folder: Path, edits: list[tuple[str, str]]) -> None:
    assert key(folder, edited(*edits)) != key(folder, PROGRAM)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"a computer"', '"a small computer"'),
        ("    phone\n", '    phone as "telephone"\n'),
        ('    phone\n    laptop "a computer"\n', '    laptop "a computer"\n    phone\n'),
        ("    phone\n", "    phone\n    other\n"),
    ],
)
def test_a_change_in_an_imported_type_changes_the_key(folder: Path, old: str, new: str) -> None:
    assert key(folder, PROGRAM, edited((old, new), text=SHARED)) != key(folder, PROGRAM)


def test_members_that_change_their_words_are_other_answers(folder: Path) -> None:
    # The model sees the same words in the same order, and what was learnt would name the wrong members.
    program = 'enum E:\n    {} as "a"\n    {} as "b"\n\nprompt f(text: str) -> E:\n    What is {{text}}?\n'
    one, other = program.format("ask", "tell"), program.format("tell", "ask")
    assert key(folder, one, name="f") != key(folder, other, name="f")


def test_text_is_not_taken_for_names(folder: Path) -> None:
    written = "prompt f(text: {}) -> bool:\n    Is it?\n\n    {{text}}\nexamples:\n    {} -> true\n"
    programs = [written.format(type, value) for type, value in [("str", '"1"'), ("int", "1"), ("float", "1")]]
    assert len({key(folder, program, name="f") for program in programs}) == 3


def test_records_in_records_take_no_time(folder: Path) -> None:
    records = ["record R0:\n    a: bool\n"]
    records += [f"record R{n}:\n    a: R{n - 1}\n    b: R{n - 1}\n" for n in range(1, 15)]
    program = "\n".join(records) + "\nprompt f(text: str) -> bool:\n    {text}\n"
    program += "prompt g(deep: R14) -> bool:\n    Is {deep} so?\n"
    assert key(folder, program, name="f") != key(folder, program, name="g")


def test_a_file_with_errors_has_no_keys(folder: Path) -> None:
    (folder / "intake.mp").write_text("prompt f(text: str) -> Nothing:\n    {text}\n")
    with pytest.raises(project.CompileError):
        project.keys(folder / "intake.mp")


BODY = """\
prompt summary(text: str, words: int = 5) -> str(..80):
    Sum it up: {text} {words}

prompt triage(text: str, tags: list[str], note: str?) -> bool:
    @system
    Be kind.
    @user
    Hi
    @assistant
    Hello!
    @user
    {for tag in tags}- {tag}{end}
    {if note is none or len(tags) > 3}Hm.{end}
    {tags: "{#}. {}"}
    {summary(text, words=3)}
"""


def test_a_body_of_blocks_turns_and_calls_has_a_key(folder: Path) -> None:
    assert key(folder, BODY) == key(folder, BODY + "\n\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Hello!", "Hallo!"),
        ("- {tag}", "* {tag}"),
        ("> 3", "> 4"),
        ("{#}. ", "{#}) "),
        ("words=3", "words=4"),
        ("Sum it up", "Sum all up"),
        ("int = 5", "int"),
    ],
)
def test_what_a_body_says_and_calls_makes_another_key(folder: Path, old: str, new: str) -> None:
    assert key(folder, BODY) != key(folder, BODY.replace(old, new))
