"""The tuning file beside a program: taken up where it holds, warned of where not, an error where damaged."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from microprompt import PromptFunction, abi
from microprompt.heads import tuning
from mpc import project, render
from mpc.diagnostics import Diagnostic, ToolError

PROGRAM = """\
prompt ask(text: str) -> bool?:
    Is {text} so?

prompt know(text: str) -> bool:
    Is {text} known?
"""
TENSORS = {"file": "intake.tuning.safetensors", "sha256": "0" * 64}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "intake.mp").write_text(PROGRAM)
    (tmp_path / "intake.tuning.safetensors").write_bytes(b"numbers")
    return tmp_path


def tune(folder: Path, *names: str, **more: object) -> None:
    """Write a tuning for the prompts of these names as they are now."""
    keys = project.keys(folder / "intake.mp")
    entries = {name: [{"key": keys.get(name, "none"), "model": "smollm2-135m", **more}] for name in names}
    write(folder, {"format": 1, "functions": entries, "tensors": TENSORS})


def write(folder: Path, document: object) -> None:
    text = document if isinstance(document, str) else json.dumps(document, sort_keys=True, indent=1)
    (folder / "intake.tuning.json").write_text(text)


def codes(found: tuple[Diagnostic, ...]) -> list[str]:
    return [diagnostic.code for diagnostic in found]


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "intake.mp"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def module(folder: Path) -> str:
    return (folder / "intake.py").read_text()


# ------------------------------------------------------------------------------------------- taken up


def test_a_tuning_is_named_in_the_module(folder: Path) -> None:
    tune(folder, "ask")
    assert project.build([folder]).ok
    key = project.keys(folder / "intake.mp")["ask"]
    assert module(folder).count(f'tuning=abi.Tuning(file="intake.tuning.json", key="{key}"),') == 1


def test_a_module_in_memory_has_it_too_and_lies_beside_it(folder: Path) -> None:
    tune(folder, "ask")
    loaded = project.load(folder / "intake.mp")
    ask, know = loaded.ask, loaded.know
    assert isinstance(ask, PromptFunction)
    said = abi.Tuning(file="intake.tuning.json", key=project.keys(folder / "intake.mp")["ask"])
    assert (ask.program.tuning, know.program.tuning) == (said, None)
    assert Path(str(loaded.__file__)).with_name(said.file) == folder / "intake.tuning.json"


def test_a_tuning_that_comes_or_goes_makes_the_module_stale(folder: Path) -> None:
    project.build([folder])
    tune(folder, "ask")
    assert not project.build([folder], check=True).ok
    assert project.build([folder]).ok
    assert project.build([folder], check=True).ok
    (folder / "intake.tuning.json").unlink()
    assert not project.build([folder], check=True).ok


def test_the_header_tells_of_the_tuning(folder: Path) -> None:
    def head() -> str:
        project.build([folder])
        return module(folder).splitlines()[0]

    before = head()
    tune(folder, "ask")
    with_one = head()
    tune(folder, "ask", "know")
    assert len({before, with_one, head()}) == 3


def test_tuning_again_leaves_the_module_as_it_is(folder: Path) -> None:
    tune(folder, "ask")
    project.build([folder])
    tune(folder, "ask", report={"accuracy": 0.9})
    assert project.build([folder], check=True).ok


def test_what_the_runtime_writes_is_what_the_compiler_reads(folder: Path) -> None:
    edit(folder, "    Is {text} so?\n", "    Is {text} so?\nusing:\n    abstain to reach 0.95\n")
    entry = tuning.Entry(
        key=project.keys(folder / "intake.mp")["ask"],
        model="smollm2-135m",
        heads={},
        thresholds=tuning.Thresholds(abstain=tuning.Resolved(reach=0.95, below=0.8)),
    )
    tuning.write(tuning.tuning_path(folder / "intake.mp"), {"ask": [entry]})
    report = project.build([folder], out=folder / "made")
    assert (report.diagnostics, report.ok) == ((), True)
    assert f'tuning=abi.Tuning(file="intake.tuning.json", key="{entry.key}")' in (
        folder / "made" / "intake.py"
    ).read_text()
    assert tuning.read(tuning.tuning_path(folder / "made" / "intake.py")) == {"ask": (entry,)}


def test_of_the_entries_for_several_versions_one_that_holds_is_enough(folder: Path) -> None:
    key = project.keys(folder / "intake.mp")["ask"]
    entries = [{"key": "0" * 32, "model": "a"}, {"key": key, "model": "b"}]
    write(folder, {"format": 1, "functions": {"ask": entries}, "tensors": TENSORS})
    report = project.build([folder])
    assert (report.diagnostics, key in module(folder)) == ((), True)


def test_comments_tests_and_settings_keep_a_tuning(folder: Path) -> None:
    tune(folder, "ask")
    clauses = 'tests:\n    "this" -> true\nusing:\n    seed = 3\n# That is all.\n'
    edit(folder, "    Is {text} so?\n", f"    Is {{text}} so?\n{clauses}")
    assert project.check([folder]) == ()


def test_files_that_import_a_tuned_prompt_stay_as_they_are(folder: Path) -> None:
    (folder / "user.mp").write_text("from intake import ask\n")
    project.build([folder])
    before = (folder / "user.py").read_bytes()
    tune(folder, "ask")
    project.build([folder])
    assert (folder / "user.py").read_bytes() == before


def test_the_tuning_is_watched(folder: Path) -> None:
    assert folder / "intake.tuning.json" not in project.watched([folder])
    tune(folder, "ask")
    assert folder / "intake.tuning.json" in project.watched([folder])


# ------------------------------------------------------------------------------------- what does not hold


def test_a_stale_tuning_is_warned_of_and_not_used(folder: Path) -> None:
    tune(folder, "ask", "know")
    edit(folder, "Is {text} so?", "Is {text} really so?")
    report = project.build([folder])
    assert (codes(report.diagnostics), report.ok) == (["MP0801"], True)
    assert module(folder).count("tuning=") == 1
    help = f"mpc tune {project.shown(folder / 'intake.mp')} ask --on ROWS.jsonl"
    assert help in render.as_text(report.diagnostics)


def test_the_tuning_of_a_prompt_that_was_renamed_is_warned_of(folder: Path) -> None:
    tune(folder, "ask")
    edit(folder, "prompt ask(", "prompt asks(")
    (found,) = project.check([folder])
    assert (found.code, found.primary.source.path) == ("MP0802", "intake.tuning.json")
    assert "did you mean `asks`?" in render.as_text([found])


@pytest.mark.parametrize(
    ("thresholds", "expected"),
    [
        ({}, ["MP0804"]),
        ({"abstain": {"reach": 0.9, "below": 0.5}}, ["MP0804"]),
        ({"escalate": {"reach": 0.95, "below": 0.5}}, ["MP0804"]),
        ({"abstain": {"reach": 0.95, "below": 0.5}}, []),
    ],
)
def test_an_accuracy_needs_a_tuning_that_found_its_number(
    folder: Path, thresholds: object, expected: list[str]
) -> None:
    edit(folder, "    Is {text} so?\n", "    Is {text} so?\nusing:\n    abstain to reach 0.95\n")
    assert codes(project.check([folder])) == ["MP0804"]
    tune(folder, "ask", thresholds=thresholds)
    assert codes(project.check([folder])) == expected


def test_the_number_for_another_accuracy_is_named(folder: Path) -> None:
    edit(folder, "    Is {text} so?\n", "    Is {text} so?\nusing:\n    abstain to reach 0.95\n")
    tune(folder, "ask", thresholds={"abstain": {"reach": 0.9, "below": 0.5}})
    (found,) = project.check([folder])
    assert found.message == "`abstain` has the number for 0.9 only"


def test_of_a_stale_tuning_only_that_is_said(folder: Path) -> None:
    edit(folder, "    Is {text} so?\n", "    Is {text} so?\nusing:\n    abstain to reach 0.95\n")
    tune(folder, "ask", thresholds={"abstain": {"reach": 0.95, "below": 0.5}})
    edit(folder, "Is {text} so?", "Is {text} really so?")
    assert codes(project.check([folder])) == ["MP0801"]


# ---------------------------------------------------------------------------------------------- damaged

GOOD = '{"format": 1, "functions": {"ask": [{"key": "0", "model": "m"}]}, "tensors": null}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON from here on"),
        (GOOD[:40], "no JSON from here on"),
        ("[]", "no JSON object"),
        ("null", "no JSON object"),
        ("{}", "of another format than 1"),
        ('{"format": 2, "functions": {}}', "of another format than 1"),
        ('{"format": 1}', "without `functions`"),
        ('{"format": 1, "functions": []}', "without `functions`"),
        ('{"format": 1, "functions": {"ask": {}}}', "what was learnt of `ask`"),
        ('{"format": 1, "functions": {"ask": [3]}}', "without the key of `ask`"),
        ('{"format": 1, "functions": {"ask": [{"key": 7}]}}', "without the key of `ask`"),
        ('{"format": 1, "functions": {"ask": [{"key": "0", "thresholds": 3}]}}', "the thresholds of `ask`"),
        (
            '{"format": 1, "functions": {"ask": [{"key": "0", "thresholds": {"abstain": 0.8}}]}}',
            "without what the thresholds of `ask` reach",
        ),
        (GOOD, "numbers in another file than intake.tuning.safetensors"),
        (GOOD.replace("null", "3"), "numbers in another file"),
        (GOOD.replace("null", '{"file": "../intake.tuning.safetensors"}'), "numbers in another file"),
        (GOOD.replace("null", '{"file": ["intake.tuning.safetensors"]}'), "numbers in another file"),
        ("[" * 100_000, "is not what it should be"),
        ('{"format": ' + "1" * 5_000 + "}", "is not what it should be"),
    ],
)
def test_a_damaged_file_is_an_error_at_its_place(folder: Path, text: str, said: str) -> None:
    write(folder, text)
    report = project.build([folder])
    (found,) = report.diagnostics
    assert (found.code, found.primary.source.path, report.ok) == ("MP0803", "intake.tuning.json", False)
    assert said in found.message
    assert not (folder / "intake.py").exists()


def test_a_file_without_its_numbers_is_damaged(folder: Path) -> None:
    tune(folder, "ask")
    (folder / "intake.tuning.safetensors").unlink()
    (found,) = project.check([folder])
    assert (found.code, "is not beside it" in found.message) == ("MP0803", True)


def test_a_file_in_another_encoding_is_damaged(folder: Path) -> None:
    (folder / "intake.tuning.json").write_bytes(GOOD.encode("utf-16"))
    (found,) = project.check([folder])
    assert (found.code, "no text: byte 1 is not UTF-8" in found.message) == ("MP0803", True)


def test_a_huge_file_is_not_read(folder: Path) -> None:
    with (folder / "intake.tuning.json").open("wb") as file:
        file.truncate(1 << 40)
    (found,) = project.check([folder])
    assert (found.code, "more than 16,000,000 bytes" in found.message) == ("MP0803", True)


def test_a_file_of_huge_numbers_is_refused(folder: Path) -> None:
    tune(folder, "ask")
    with (folder / "intake.tuning.safetensors").open("wb") as file:
        file.truncate(1 << 40)
    assert codes(project.check([folder])) == ["MP0803"]


def test_a_folder_or_a_pipe_is_no_tuning(folder: Path) -> None:
    (folder / "intake.tuning.json").mkdir()
    assert codes(project.check([folder])) == ["MP0803"]
    (folder / "intake.tuning.json").rmdir()
    os.mkfifo(folder / "intake.tuning.json")
    assert codes(project.check([folder])) == ["MP0803"]


def test_a_link_out_of_the_project_is_not_followed(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.json"
    outside.write_text('{"password": "swordfish"')
    (folder / "intake.tuning.json").symlink_to(outside)
    found = project.check([folder])
    assert codes(found) == ["MP0704"]
    assert "swordfish" not in render.as_text(found)


def test_numbers_outside_the_project_are_not_followed(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret"
    outside.touch()
    tune(folder, "ask")
    (folder / "intake.tuning.safetensors").unlink()
    (folder / "intake.tuning.safetensors").symlink_to(outside)
    (found,) = project.check([folder])
    assert (found.code, "outside the project" in found.message) == ("MP0803", True)


def test_a_link_that_leads_nowhere_cannot_be_read(folder: Path) -> None:
    (folder / "intake.tuning.json").symlink_to(folder / "gone.json")
    with pytest.raises(ToolError, match="cannot be read"):
        project.check([folder])


# ------------------------------------------------------------------------------------- in another folder


def statuses(report: project.BuildReport, folder: Path) -> dict[str, str]:
    return {file.output.relative_to(folder).as_posix(): file.status for file in report.files}


def test_a_module_elsewhere_takes_its_tuning_along(folder: Path) -> None:
    tune(folder, "ask")
    report = project.build([folder], out=folder / "made")
    assert statuses(report, folder) == {
        "made/intake.py": "written",
        "made/intake.tuning.safetensors": "written",
        "made/intake.tuning.json": "written",
    }
    for name in ("intake.tuning.json", "intake.tuning.safetensors"):
        assert (folder / "made" / name).read_bytes() == (folder / name).read_bytes()
    assert sorted(path.name for path in (folder / "made").iterdir()) == [
        "intake.py",
        "intake.tuning.json",
        "intake.tuning.safetensors",
    ]


def test_copies_are_compared_and_written_when_they_differ(folder: Path) -> None:
    tune(folder, "ask")
    project.build([folder], out=folder / "made")
    assert set(statuses(project.build([folder], out=folder / "made", check=True), folder).values()) == {
        "unchanged"
    }
    (folder / "intake.tuning.safetensors").write_bytes(b"others")
    report = project.build([folder / "intake.mp"], out=folder / "made", check=True)
    assert statuses(report, folder)["made/intake.tuning.safetensors"] == "stale"
    assert (folder / "made" / "intake.tuning.safetensors").read_bytes() == b"numbers"
    project.build([folder / "intake.mp"], out=folder / "made")
    assert (folder / "made" / "intake.tuning.safetensors").read_bytes() == b"others"


def test_a_tuning_that_does_not_hold_is_not_taken_along(folder: Path) -> None:
    tune(folder, "ask")
    edit(folder, "Is {text} so?", "Is {text} really so?")
    project.build([folder], out=folder / "made")
    assert [path.name for path in (folder / "made").iterdir()] == ["intake.py"]


def test_a_folder_in_the_way_of_a_copy_is_left_alone(folder: Path) -> None:
    tune(folder, "ask")
    (folder / "made" / "intake.tuning.json").mkdir(parents=True)
    report = project.build([folder / "intake.mp"], out=folder / "made")
    assert (codes(report.diagnostics), report.ok) == (["MP0901"], False)
