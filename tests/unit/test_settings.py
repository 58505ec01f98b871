"""Settings: which source wins, and what a wrong one is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from microprompt import settings
from microprompt.errors import ArgumentError


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty project, with no setting in the environment."""
    for field in settings.Settings.__dataclass_fields__:
        monkeypatch.delenv(f"MICROPROMPT_{field.upper()}", raising=False)
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
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


def test_a_model_file_is_relative_to_where_it_was_written_down(project: Path) -> None:
    write(project, 'model = "own.gguf"')
    assert settings.current().model == str(project / "own.gguf")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("threads = 0", "threads = 0 is not a whole number of at least 1"),
        ("threads = true", "threads = True is not a whole number of at least 1"),
        ('model = ""', "model = '' is not the name of a model"),
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


def test_configure_refuses_what_is_no_setting() -> None:
    with pytest.raises(ArgumentError, match="there is no setting `speed`"):
        settings.configure(speed=3)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue] # the mistake
