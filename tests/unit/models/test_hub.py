"""Fetching from Hugging Face: the real huggingface_hub, asking a server on this machine."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from microprompt import models, settings
from microprompt.errors import ModelError
from microprompt.locations import is_path
from microprompt.models.pull import pull
from microprompt.models.registry import HubFile, ModelInfo

from .conftest import WEIGHTS, Machine, quiet
from .hub_server import COMMIT, REPOSITORY, Hub, serving

WHOLE = b"".join(WEIGHTS)
PLACE = f"hf:{REPOSITORY}/tiny.Q4_1.gguf"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """The server, with one file."""
    with serving(Hub(files={(COMMIT, "tiny.Q4_1.gguf"): WHOLE})) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.endpoint)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
        for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        yield served


@pytest.fixture
def registered(changed: Callable[..., ModelInfo]) -> ModelInfo:
    """A model of the registry whose file is on the server."""
    source = HubFile(repo=REPOSITORY, file="tiny.Q4_1.gguf", revision=COMMIT)
    return changed(source=source, file="tiny.Q4_1.gguf", terms=None)


def kept(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "models").rglob("*") if path.is_file())


def test_a_registered_model_comes_with_its_progress(registered: ModelInfo, hub: Hub, home: Path) -> None:
    told: list[tuple[str, int, int]] = []
    path = pull("tiny", lambda *what: told.append(what))
    assert path.read_bytes() == WHOLE
    assert kept(home) == ["tiny.Q4_1.gguf"]
    assert ("fetching tiny", len(WHOLE), len(WHOLE)) in told


def test_a_file_by_its_place_is_recorded_with_its_hash(hub: Hub, home: Path, machine: Machine) -> None:
    found = models.ensure(PLACE, progress=quiet)
    assert found.shipped.read_bytes() == WHOLE
    assert found.info.sha256 == hashlib.sha256(WHOLE).hexdigest()
    assert (found.kind, found.info.size, found.layout) == ("language", len(WHOLE), "plain")
    assert found.prepared is not None
    assert models.resolve(PLACE) == found
    assert "fetched.json" in kept(home)


def test_what_is_here_is_not_asked_for_again(hub: Hub, machine: Machine) -> None:
    models.ensure(PLACE, progress=quiet)
    models.ensure(PLACE, progress=quiet)
    assert hub.ranges == [None]


def test_a_lost_file_comes_again_from_the_commit_of_the_first_time(hub: Hub) -> None:
    path = pull(PLACE, quiet)
    path.unlink()
    hub.branches["main"] = "d" * 40
    hub.files["d" * 40, "tiny.Q4_1.gguf"] = WHOLE + b"and more"
    assert pull(PLACE, quiet).read_bytes() == WHOLE


def test_a_file_that_is_another_than_the_first_time_is_refused(hub: Hub, home: Path) -> None:
    pull(PLACE, quiet).unlink()
    hub.files[COMMIT, "tiny.Q4_1.gguf"] = WHOLE[:-1] + b"?"
    with pytest.raises(ModelError, match="is not the file that the registry knows, or that came before"):
        pull(PLACE, quiet)
    assert kept(home) == ["fetched.json"]


def test_a_registered_file_that_is_another_is_refused(registered: ModelInfo, hub: Hub, home: Path) -> None:
    hub.files[COMMIT, "tiny.Q4_1.gguf"] = WHOLE[:-1] + b"?"
    with pytest.raises(ModelError, match="is not the file that the registry knows") as caught:
        pull("tiny", quiet)
    assert "HF_ENDPOINT" in str(caught.value)
    assert kept(home) == []


def test_a_damaged_record_has_the_file_fetched_again(hub: Hub, home: Path) -> None:
    path = pull(PLACE, quiet)
    path.with_name("fetched.json").write_bytes(b"{}")
    with pytest.raises(ModelError, match="not here yet"):
        models.resolve(PLACE)
    assert pull(PLACE, quiet).read_bytes() == WHOLE
    assert models.resolve(PLACE).shipped == path


def test_a_damaged_file_is_fetched_again(hub: Hub, machine: Machine) -> None:
    path = pull(PLACE, quiet)
    path.write_bytes(WHOLE[:-1] + b"?")
    assert models.ensure(PLACE, progress=quiet).shipped.read_bytes() == WHOLE


# ----------------------------------------------------------------------------------- downloads that break off


def test_a_download_that_was_stopped_goes_on_from_there(hub: Hub, home: Path) -> None:
    hub.files[COMMIT, "tiny.Q4_1.gguf"] = large = WHOLE + bytes(25 << 20)
    hub.cut = [11 << 20]  # huggingface_hub writes 10 MB at a time, and waits a second where it breaks off

    def stop(doing: str, done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(PLACE, stop)
    hub.ranges.clear()
    assert pull(PLACE, quiet).read_bytes() == large
    [asked] = hub.ranges
    assert asked is not None
    assert int(asked.removeprefix("bytes=").removesuffix("-")) >= 10_000_000
    assert kept(home) == ["fetched.json", "tiny.Q4_1.gguf"]


def test_a_connection_that_breaks_is_made_again(hub: Hub) -> None:
    hub.files[COMMIT, "tiny.Q4_1.gguf"] = large = WHOLE + bytes(12 << 20)
    hub.cut = [11 << 20]
    assert pull(PLACE, quiet).read_bytes() == large
    assert len(hub.ranges) == 2


def test_what_is_left_of_another_version_is_not_continued(hub: Hub, home: Path) -> None:
    place = home / "models" / "hf--owner--tiny-GGUF--tiny.Q4_1.gguf"
    place.mkdir(parents=True)
    (place / ".fetching-0123456789abcdef").write_bytes(b"of another commit")
    pull(PLACE, quiet)
    assert hub.ranges == [None]
    assert kept(home) == ["fetched.json", "tiny.Q4_1.gguf"]


def test_bytes_that_changed_on_the_way_are_not_kept(hub: Hub, home: Path) -> None:
    hub.garbled = True
    with pytest.raises(ModelError, match="damaged on the way"):
        pull(PLACE, quiet)
    assert kept(home) == []


def test_of_eight_processes_one_downloads(hub: Hub, home: Path) -> None:
    program = "import sys; from microprompt.models.pull import *; print(pull(sys.argv[1], lambda *_: None))"
    running = [
        subprocess.Popen([sys.executable, "-c", program, PLACE], stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    said = {process.communicate(timeout=120)[0] for process in running}
    assert [process.returncode for process in running] == [0] * 8
    assert len(said) == 1
    assert hub.ranges == [None]


# ------------------------------------------------------------------------------------------ what can go wrong


@pytest.mark.parametrize(
    ("name", "problem", "help"),
    [
        ("hf:owner/other/tiny.Q4_1.gguf", "there is no repository owner/other", "set HF_TOKEN"),
        (f"{PLACE}@elsewhere", f"{REPOSITORY} has no revision elsewhere", "name a branch"),
        (f"hf:{REPOSITORY}/other.gguf", f"{REPOSITORY} has no file other.gguf", f"{REPOSITORY}/tree/main"),
    ],
)
def test_what_is_not_there_is_named(hub: Hub, home: Path, name: str, problem: str, help: str) -> None:
    with pytest.raises(ModelError, match=problem) as caught:
        pull(name, quiet)
    assert help in str(caught.value.help)
    assert str(caught.value.help).endswith(f"then `mpc models pull {name}`")
    assert kept(home) == []


def test_a_repository_that_asks_for_consent_is_named(hub: Hub) -> None:
    hub.gated = True
    with pytest.raises(ModelError, match=f"{REPOSITORY} asks for consent"):
        pull(PLACE, quiet)


def test_a_server_that_is_down_is_named(hub: Hub) -> None:
    hub.status = 503
    with pytest.raises(ModelError, match="answered with status 503"):
        pull(PLACE, quiet)


def test_a_server_of_another_kind_is_named(hub: Hub) -> None:
    hub.plain = True
    with pytest.raises(ModelError, match="does not answer as Hugging Face does") as caught:
        pull(PLACE, quiet)
    assert "HF_ENDPOINT" in str(caught.value.help)


def test_no_network_is_an_error_that_names_the_next_step(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match=r"can't be fetched from http://127\.0\.0\.1:9: .*Connect") as caught:
        pull(PLACE, quiet)
    assert f"check the network and its proxy, then `mpc models pull {PLACE}`" in str(caught.value.help)


def test_a_token_goes_to_the_hub_alone(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    pull(PLACE, quiet)
    assert set(hub.tokens) == {(False, "Bearer hf_secret"), (True, None)}


def test_a_machine_that_is_set_offline_is_told_so(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE is set"):
        pull(PLACE, quiet)
    assert hub.ranges == []


def test_without_auto_pull_nothing_is_asked(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROPROMPT_AUTO_PULL", "false")
    with pytest.raises(ModelError, match="not here yet") as caught:
        models.ensure(PLACE, progress=quiet)
    assert caught.value.help == f"mpc models pull {PLACE}"
    assert hub.ranges == []


def test_a_file_that_is_no_gguf_is_not_kept(hub: Hub, home: Path) -> None:
    hub.files[COMMIT, "tiny.Q4_1.gguf"] = b"<html>"
    with pytest.raises(ModelError, match="does not begin like a GGUF file"):
        pull(PLACE, quiet)
    assert kept(home) == []


def test_too_little_room_is_said_before_anything_comes(
    hub: Hub, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import shutil\nshutil.disk_usage = lambda path: shutil._ntuple_diskusage(100, 90, 10)\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    with pytest.raises(ModelError, match="No space left on device") as caught:
        pull(PLACE, quiet)
    assert "MICROPROMPT_HOME" in str(caught.value.help)
    assert hub.ranges == []


# ------------------------------------------------------------------------------------------------- the names


@pytest.mark.parametrize("name", [PLACE, f"{PLACE}@main", "hf:owner/repo/deep/er/file.Q4_K_M.gguf@refs/pr/1"])
def test_a_place_on_the_hub_is_no_path(name: str) -> None:
    assert not is_path(name)
    assert models.find(name).name == name


@pytest.mark.parametrize(
    "name",
    [
        "hf:",
        "hf:owner/repo",
        "hf:owner/file.gguf",
        "hf:owner/repo/file.bin",
        "hf:owner/repo/../file.gguf",
        "hf:/a/b.gguf",
    ],
)
def test_what_is_no_place_on_the_hub_is_an_error(name: str) -> None:
    with pytest.raises(ModelError, match="is not the place of a file on Hugging Face"):
        models.find(name)


def test_one_of_several_files_of_a_model_is_an_error() -> None:
    with pytest.raises(ModelError, match="one of several files"):
        models.find("hf:owner/repo/large-00001-of-00003.gguf")


def test_the_settings_take_a_place_on_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROPROMPT_MODEL", PLACE)
    assert settings.current().model == PLACE
