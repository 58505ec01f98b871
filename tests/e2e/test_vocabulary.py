"""The vocabulary that llguidance gets, from the model and from the disk."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from llguidance.llamacpp import lltokenizer_from_vocab

from microprompt.engines.engine import Engine
from microprompt.llamacpp import vocabulary
from microprompt.llamacpp.vocabulary import guide_tokenizer
from microprompt.llamacpp.weights import Weights
from microprompt.storage import seal

from .functions import llama

pytestmark = [
    pytest.mark.model,
    # llguidance calls functions that llama-cpp-python has given other names.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture
def weights(engine: Engine) -> Weights:
    return llama(engine).weights


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MICROPROMPT_HOME", str(tmp_path))
    return tmp_path


def pieces(weights: Weights) -> list[tuple[bytes, bool]]:
    made = guide_tokenizer(weights)
    return [(made.decode_bytes([token]), made.is_special_token(token)) for token in range(weights.n_vocab())]


def test_tokens_are_those_that_llguidance_would_read(weights: Weights, home: Path) -> None:
    theirs = lltokenizer_from_vocab(weights.vocab)
    expected = [
        (theirs.decode_bytes([token]), theirs.is_special_token(token)) for token in range(weights.n_vocab())
    ]
    assert pieces(weights) == expected
    assert pieces(weights) == expected  # from the disk


def test_what_is_on_the_disk_is_not_read_from_the_model_again(
    weights: Weights, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide_tokenizer(weights)
    monkeypatch.setattr(vocabulary, "_token", lambda *_: pytest.fail("the model was asked"))
    guide_tokenizer(weights)


def flipped(data: bytes) -> bytes:
    return data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]


@pytest.mark.parametrize(
    "damaged",
    [lambda data: b"", lambda data: data[:-1], flipped, lambda data: seal(b""), lambda data: seal(b"x" * 9)],
)
def test_a_damaged_file_is_a_miss_and_is_replaced(
    weights: Weights, home: Path, damaged: Callable[[bytes], bytes]
) -> None:
    guide_tokenizer(weights)
    [file] = (home / "vocabularies").iterdir()
    whole = file.read_bytes()
    file.write_bytes(damaged(whole))
    assert guide_tokenizer(weights).tokenize_str("a b") == weights.encode("a b", control=False)
    assert file.read_bytes() == whole
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_home_that_can_not_be_written_is_no_obstacle(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MICROPROMPT_HOME", str(tmp_path / "file"))
    assert guide_tokenizer(weights).tokenize_str("a") == weights.encode("a", control=False)
