"""Settings: which source wins, and what a wrong one is told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from microprompt import settings, storage
from microprompt.cpu import hardware_threads, usable_cores
from microprompt.errors import ArgumentError


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty project, with no setting in the environment."""
    for field in settings.Settings.__dataclass_fields__:
        monkeypatch.delenv(f"MICROPROMPT_{field.upper()}", raising=False)
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    monkeypatch.setattr(settings, "hardware_threads", lambda: 8)
    settings.reset()
    yield tmp_path
    settings.reset()


def write(project: Path, text: str) -> None:
    (project / "pyproject.toml").write_text(f"[tool.microprompt]\n{text}\n")


def test_the_defaults_need_nothing() -> None:
    found = settings.current()
    assert found.model == "smollm2-135m"
    assert found.threads >= 1
    assert (found.context, found.timeout, found.auto_pull) == (None, None, True)
    assert found.home.is_absolute()


def test_the_nearest_pyproject_is_read(project: Path) -> None:
    write(project, 'model = "gemma3-270m"\nthreads = 3\ntimeout = 2')
    found = settings.current()
    assert (found.model, found.threads, found.timeout) == ("gemma3-270m", 3, 2.0)


def test_the_environment_wins_over_pyproject(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, "threads = 3\nauto_pull = true")
    monkeypatch.setenv("MICROPROMPT_THREADS", "5")
    monkeypatch.setenv("MICROPROMPT_AUTO_PULL", "no")
    assert (settings.current().threads, settings.current().auto_pull) == (5, False)


def test_configure_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROPROMPT_TIMEOUT", "5")
    assert settings.configure(timeout=1.5).timeout == 1.5
    assert settings.configure(threads=1).timeout == 1.5
    assert settings.configure(timeout=None).timeout is None


@pytest.mark.parametrize("name", ["own.gguf", "OWN.GGUF", "models/own"])
def test_a_model_file_is_relative_to_where_it_was_written_down(project: Path, name: str) -> None:
    write(project, f'model = "{name}"')
    assert settings.current().model == str(project / name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("threads = 0", "threads = 0 is not a whole number of at least 1"),
        ("threads = true", "threads = True is not a whole number of at least 1"),
        ('model = ""', "model = '' is not the name of a model"),
        ("threads = 9", "threads = 9: this process may use 8 cores"),
        (f"threads = 1{'0' * 40}", "is not a whole number of at least 1"),
        (f"threads = 1{'0' * 5000}", "is not valid TOML"),
        (f"context = {1 << 31}", "is not a whole number of tokens"),
        (f"model = {'[' * 10000}", "is not valid TOML"),
        (f"timeout = 1{'0' * 400}", "is not a number of seconds above 0"),
        ("timeout = -1", "timeout = -1 is not a number of seconds above 0"),
        ("timeout = nan", "timeout = nan is not a number of seconds above 0"),
        ("context = 1.5", "context = 1.5 is not a whole number of tokens"),
        ("auto_pull = 1", "auto_pull = 1 is not true or false"),
        ("thread = 2", "there is no setting `thread`"),
        ("= 3", "is not valid TOML"),
    ],
)
def test_a_wrong_setting_in_pyproject_names_the_file(project: Path, text: str, said: str) -> None:
    write(project, text)
    with pytest.raises(ArgumentError, match=r"pyproject\.toml") as caught:
        settings.current()
    assert said in str(caught.value)


def test_a_table_that_is_none_is_named(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool]\nmicroprompt = 3\n")
    with pytest.raises(ArgumentError, match="is not a table"):
        settings.current()


@pytest.mark.parametrize("name", ["THREADS", "CONTEXT", "TIMEOUT", "AUTO_PULL"])
def test_a_wrong_setting_in_the_environment_names_the_variable(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"MICROPROMPT_{name}", "many")
    with pytest.raises(ArgumentError, match=f"MICROPROMPT_{name}=many is not"):
        settings.current()


@pytest.mark.parametrize("threads", ["9", "100000", "1" + "0" * 12, "1" + "0" * 5000])
def test_no_more_threads_than_can_run_at_a_time(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROPROMPT_THREADS", threads)
    with pytest.raises(ArgumentError, match=f"MICROPROMPT_THREADS={threads[:50]}"):
        settings.current()
    monkeypatch.delenv("MICROPROMPT_THREADS")
    with pytest.raises(ArgumentError, match="threads = "):
        settings.configure(threads=10 ** len(threads))
    assert settings.configure(threads=8).threads == 8


def test_the_default_is_within_the_bound() -> None:
    assert 1 <= usable_cores() <= hardware_threads()


def test_a_byte_order_mark_is_skipped(project: Path) -> None:
    (project / "pyproject.toml").write_bytes(b"\xef\xbb\xbf[tool.microprompt]\nauto_pull = false\n")
    assert not settings.current().auto_pull


def test_a_pyproject_that_is_no_text_is_a_message(project: Path) -> None:
    (project / "pyproject.toml").write_bytes(b"[tool.microprompt]\nmodel = '\xff'\n")
    with pytest.raises(ArgumentError, match=r"pyproject\.toml is not UTF-8: .* at byte 28"):
        settings.current()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_in_the_place_of_pyproject_is_not_waited_for(project: Path) -> None:
    os.mkfifo(project / "pyproject.toml")
    with pytest.raises(ArgumentError, match="is not a regular file"):
        settings.current()


def test_a_pyproject_without_end_is_not_read(project: Path) -> None:
    with (project / "pyproject.toml").open("wb") as file:
        file.truncate(storage.MAX_TEXT + 1)
    with pytest.raises(ArgumentError, match="it has more than"):
        settings.current()


def test_a_process_whose_folder_was_deleted_has_settings(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "deep").rmdir()
    monkeypatch.setenv("MICROPROMPT_TIMEOUT", "5")
    assert settings.current().timeout == 5.0
    assert settings.configure(model=str(project / "own.gguf")).model == str(project / "own.gguf")
    with pytest.raises(ArgumentError, match="relative to the current folder, which was deleted"):
        settings.configure(model="own.gguf")


def test_configure_refuses_what_is_no_setting() -> None:
    with pytest.raises(ArgumentError, match="there is no setting `speed`"):
        settings.configure(speed=3)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue] # the mistake
