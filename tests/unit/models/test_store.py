"""Finding a model, and what is said when it is not there or not whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from microprompt import models, settings
from microprompt.errors import ModelError
from microprompt.models.registry import ModelInfo

from .conftest import WEIGHTS


def put(info: ModelInfo, home: Path, content: bytes) -> Path:
    path = home / "models" / info.name / info.file
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_a_model_that_is_not_here_names_the_command(tiny: ModelInfo) -> None:
    with pytest.raises(ModelError, match="not here yet") as caught:
        models.resolve("tiny")
    assert caught.value.help == "mpc models pull tiny"


def test_a_model_that_is_here_is_found(tiny: ModelInfo, home: Path) -> None:
    path = put(tiny, home, b"".join(WEIGHTS))
    found = models.resolve("tiny")
    assert (found.shipped, found.path, found.prepared) == (path, path, None)
    assert (found.layout, found.context) == ("plain", 128)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"".join(WEIGHTS)[:-1], "bytes and should have"),
        (b"<html>" + b"".join(WEIGHTS)[6:], "does not begin like a GGUF file"),
        (b"", "does not begin like a GGUF file"),
    ],
)
def test_a_damaged_file_says_what_to_do(tiny: ModelInfo, home: Path, content: bytes, why: str) -> None:
    put(tiny, home, content)
    with pytest.raises(ModelError, match=why) as caught:
        models.resolve("tiny")
    assert caught.value.help == "mpc models pull tiny"


def test_an_unknown_name_suggests_a_near_one() -> None:
    with pytest.raises(ModelError, match="no model named `smolm2-135m`") as caught:
        models.resolve("smolm2-135m")
    assert caught.value.help == "did you mean `smollm2-135m`?"


def test_a_path_is_relative_to_the_base(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF and more")
    found = models.resolve("../own.gguf", tmp_path / "deep")
    assert (found.path, found.shipped, found.info.name) == (own, own, "../own.gguf")


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"there is no model file .*absent\.gguf"):
        models.resolve("absent.gguf", tmp_path)


def test_ensure_without_auto_pull_fetches_nothing(tiny: ModelInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROPROMPT_AUTO_PULL", "false")
    with pytest.raises(ModelError, match="not here yet"):
        models.ensure("tiny")


def test_ensure_tells_what_it_does(
    tiny: ModelInfo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("microprompt.models.prepare.prepare", lambda *_: None)
    models.ensure("tiny")
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "microprompt: the model tiny is not here yet: fetching it once"
    assert len(said) == len(set(said))


def test_report_to_takes_what_ensure_tells(
    tiny: ModelInfo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("microprompt.models.prepare.prepare", lambda *_: None)
    said: list[str] = []
    with models.report_to(lambda doing, done, total: said.append(doing)):
        models.ensure("tiny")
    assert "fetching tiny, part 1 of 2" in said
    assert capsys.readouterr().err == ""


def test_the_registry_is_consistent() -> None:
    for name, info in models.REGISTRY.items():
        assert name == info.name
        assert info.sha256 is not None
        assert len(info.sha256) == 64
        assert info.source
    assert settings.current().model in models.REGISTRY
