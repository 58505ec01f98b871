"""Finding a model, and what is said when it is not there or not whole."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from microprompt import abi, models, settings
from microprompt.engines import local
from microprompt.errors import ArgumentError, ModelError
from microprompt.locations import is_path
from microprompt.models.registry import ModelInfo

from .conftest import WEIGHTS, Machine


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
    assert (found.layout, found.lanes) == ("plain", 1)


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


def test_a_shipped_file_with_a_flipped_bit_is_said_and_fetched_again(
    tiny: ModelInfo, home: Path, machine: Machine
) -> None:
    put(tiny, home, b"".join(WEIGHTS)[:-1] + b"?")
    said: list[str] = []
    found = models.ensure("tiny", progress=lambda doing, *_: said.append(doing))
    assert found.shipped.read_bytes() == b"".join(WEIGHTS)
    assert any(text.endswith("is not the one in the registry: fetching it again") for text in said)


def test_without_auto_pull_a_damaged_file_is_an_error(
    tiny: ModelInfo, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICROPROMPT_AUTO_PULL", "false")
    put(tiny, home, b"".join(WEIGHTS)[:-1] + b"?")
    with pytest.raises(ModelError, match="sha256"):
        models.ensure("tiny")


def test_folders_and_facts_are_their_owners_alone(tiny: ModelInfo, home: Path, machine: Machine) -> None:
    models.ensure("tiny", progress=lambda *_: None)
    for folder in (home, home / "facts", home / "models" / "tiny"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (home / "facts").iterdir()} == {0o600}


def test_an_unknown_name_suggests_a_near_one() -> None:
    with pytest.raises(ModelError, match="no model named `smolm2-135m`") as caught:
        models.resolve("smolm2-135m")
    assert caught.value.help == "did you mean `smollm2-135m`?"


def test_a_model_of_the_other_kind_is_refused_before_it_is_fetched(
    tiny: ModelInfo, changed: Callable[..., ModelInfo], home: Path
) -> None:
    with pytest.raises(ModelError, match="tiny is a language model, and an embedder is wanted"):
        models.ensure("tiny", kind="embedder")
    changed(kind="embedder")
    for look in (models.ensure, models.resolve):
        with pytest.raises(ModelError, match=r"tiny is an embedder: .* can't write answers"):
            look("tiny", kind="language")
    assert not home.exists()


def test_an_embedder_is_used_as_it_was_fetched(
    changed: Callable[..., ModelInfo], home: Path, machine: Machine
) -> None:
    changed(kind="embedder")
    found = models.ensure("tiny", kind="embedder", progress=lambda *_: None)
    assert (found.kind, found.path, found.prepared) == ("embedder", found.shipped, None)
    assert machine.measured == 0


def test_an_embedder_has_no_calls(changed: Callable[..., ModelInfo], machine: Machine) -> None:
    changed(kind="embedder")
    with pytest.raises(ModelError, match="tiny is an embedder"):
        local.load(abi.Model(name="tiny"))


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
    tiny: ModelInfo, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    models.ensure("tiny")
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "microprompt: the model tiny is not here yet: fetching it once"
    assert len(said) == len(set(said))


def test_report_to_takes_what_ensure_tells(
    tiny: ModelInfo, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    with models.report_to(lambda doing, done, total: said.append(doing)):
        models.ensure("tiny")
    assert "fetching tiny, part 1 of 2" in said
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["./own", "org/model", "big.GGUF", "own.gguf", "C:\\models\\own", "~/own"])
def test_what_looks_like_a_path_is_looked_for_as_a_file(name: str) -> None:
    assert is_path(name)
    with pytest.raises(ModelError, match="there is no model file"):
        models.resolve(name)


def test_a_path_whose_folder_was_deleted_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(ArgumentError, match="relative to the current folder, which was deleted"):
        models.resolve("own.gguf")


@pytest.mark.parametrize("name", ["~nobody-of-this-name/own.gguf", "own\0.gguf"])
def test_a_path_that_leads_nowhere_is_an_error(name: str) -> None:
    with pytest.raises(ArgumentError, match="is not the path of a file"):
        models.resolve(name)


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "own.gguf").symlink_to(tmp_path / "own.gguf")
    with pytest.raises(ArgumentError, match="is not the path of a file"):
        models.resolve("own.gguf", tmp_path)


def test_the_registry_is_consistent() -> None:
    for name, info in models.REGISTRY.items():
        assert not is_path(name)
        assert name == info.name
        assert info.sha256 is not None
        assert len(info.sha256) == 64
        assert info.kind is not None
        assert info.origins
    assert settings.current().model in models.REGISTRY
