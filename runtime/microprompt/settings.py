"""Settings: `[tool.microprompt]` in the nearest pyproject.toml, then `MICROPROMPT_*`, then `configure(...)`.

[tool.microprompt]
model = "gemma3-270m"        # MICROPROMPT_MODEL
threads = 4                  # MICROPROMPT_THREADS
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack

from . import storage
from .cpu import hardware_threads, usable_cores
from .errors import ArgumentError
from .locations import located, model_named


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What holds for all calls of this process, unless a prompt's `using:` says otherwise.

    `threads` are at most as many as can run at a time. `context` (tokens) and `timeout` (seconds) are limits
    for one call; `None` leaves the first to the model and sets no deadline. `home` is the folder that keeps
    the models. With `auto_pull` off, a model that is not here is an error, not a download. With
    `answer_cache`, the answers of deterministic calls are kept in `home` and given again, also by other
    processes. `record` is the file that every call is recorded in, if there is one (`recording`); without
    `record_arguments` only hashes of the arguments are.
    """

    model: str
    threads: int
    context: int | None
    timeout: float | None
    home: Path
    auto_pull: bool
    answer_cache: bool
    record: Path | None
    record_arguments: bool


class Overrides(TypedDict, total=False):
    """The settings, each left out or given."""

    model: str
    threads: int
    context: int | None
    timeout: float | None
    home: str | Path
    auto_pull: bool
    answer_cache: bool
    record: str | Path | bool | None
    record_arguments: bool


_configured: dict[str, object] = {}


def current() -> Settings:
    """The settings in force now.

    Raises:
        ArgumentError: a setting in pyproject.toml or in the environment is not one.
    """
    # Every call asks, so the answer is kept as long as the folder and the environment are the same.
    return _read(_current_folder(), _environment())


@lru_cache(maxsize=8)
def _read(folder: str | None, _environment: tuple[object, ...]) -> Settings:
    found: dict[str, Any] = {  # of the right types: _READERS made the values
        **_defaults(),
        **(_from_pyproject(Path(folder)) if folder else {}),
        **_from_environment(os.environ),
        **_configured,
    }
    if found["record"] is True:
        found["record"] = found["home"] / RECORD
    return Settings(**found)


def configure(**overrides: Unpack[Overrides]) -> Settings:
    """Set some settings for this process, above pyproject.toml and the environment; the rest stay.

    Raises:
        ArgumentError: an unknown setting, or a value that is not one.
    """
    _configured.update(_checked(overrides, where="microprompt.configure(...)", folder=None))
    _read.cache_clear()
    return current()


def reset() -> None:
    """Forget what `configure` set and read pyproject.toml again."""
    _configured.clear()
    _from_pyproject.cache_clear()
    _read.cache_clear()


def _current_folder() -> str | None:
    """The current folder; `None` when it was deleted, as that of a service or a test may be."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None


def _environment() -> tuple[object, ...]:
    """All of the environment that settings depend on, as the system has it."""
    # Not by `os.environ.get`, which raises and catches an exception for each that is not there: that took
    # sixty times as long.
    said = getattr(os.environ, "_data", None)
    if said is None:  # another implementation of Python
        return tuple(map(os.environ.get, _VARIABLES))
    return tuple(map(said.get, _ENCODED))


def _defaults() -> dict[str, object]:
    return {
        "model": "smollm2-135m",
        "threads": usable_cores(),
        "context": None,
        "timeout": None,
        "home": _cache_folder(os.environ),
        "auto_pull": True,
        "answer_cache": False,
        "record": None,
        "record_arguments": True,
    }


@cache
def _from_pyproject(folder: Path) -> Mapping[str, object]:
    """What the nearest pyproject.toml at or above `folder` says."""
    for parent in (folder, *folder.parents):
        path = parent / "pyproject.toml"
        try:
            text = storage.read_regular(path).decode("utf-8-sig")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise ArgumentError(f"{path} can't be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ArgumentError(
                f"{path} is not UTF-8: {error.reason} at byte {error.start}", help="save it as UTF-8"
            ) from error
        if "microprompt" not in text:  # parsing is what costs
            return {}
        return _parsed(path, text)
    return {}


def _parsed(path: Path, text: str) -> Mapping[str, object]:
    import tomllib  # not at the top: most processes never need it

    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers and nesting that Python gives up on
        raise ArgumentError(f"{path} is not valid TOML: {error}") from error
    tool = document.get("tool")
    table = tool.get("microprompt", {}) if isinstance(tool, dict) else {}
    where = f"[tool.microprompt] in {path}"
    if not isinstance(table, dict):
        raise ArgumentError(f"{where} is not a table")
    return _checked(table, where=where, folder=path.parent)


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in _READERS:
        variable = f"MICROPROMPT_{name.upper()}"
        if text := environment.get(variable, "").strip():
            where = f"{variable}={_short(text)}"
            found[name] = _value(name, _from_text(text, _READERS[name].word), where=where, folder=None)
    return found


def _from_text(text: str, word: Callable[[str], object]) -> object:
    """The value that an environment variable's text stands for; the text itself when it is not one."""
    try:
        return word(text)
    except ValueError:
        return text


def _checked(values: Mapping[str, object], *, where: str, folder: Path | None) -> dict[str, object]:
    for name in values:
        if name not in _READERS:
            raise ArgumentError(
                f"{where}: there is no setting `{name}`", help=f"the settings are {', '.join(_READERS)}"
            )
    return {
        name: _value(name, value, where=f"{where}: {name} = {_shown(value)}", folder=folder)
        for name, value in values.items()
    }


def _value(name: str, value: object, *, where: str, folder: Path | None) -> object:
    """The setting's value; a path in it is relative to `folder`, or to the current one."""
    reader = _READERS[name]
    try:
        return reader.read(value, folder)
    except ArgumentError as error:
        raise ArgumentError(f"{where}: {error.message}", help=error.help) from error
    except ValueError:
        raise ArgumentError(f"{where} is not {reader.wanted}") from None


def _shown(value: object) -> str:
    try:
        return _short(repr(value))
    except ValueError:  # Python refuses to write very large integers
        return "a number of thousands of digits"


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _read_model(value: object, folder: Path | None) -> str:
    """A model's name, or the path of its file."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError
    return model_named(value, folder)


def _read_home(value: object, folder: Path | None) -> Path:
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError
    return located(value, folder)


def _read_threads(value: object, folder: Path | None) -> int:
    count = _read_count(value)
    if count > (most := hardware_threads()):
        raise ArgumentError(
            f"this process may use {most} {'core' if most == 1 else 'cores'}, and more threads are no faster",
            help=f"set threads to {most} or less, or leave it out",
        )
    return count


def _read_context(value: object, folder: Path | None) -> int | None:
    return None if value is None else _read_count(value)


def _read_count(value: object) -> int:
    # What llama.cpp counts in 32 bits.
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 1 << 31:
        raise ValueError
    return value


def _read_timeout(value: object, folder: Path | None) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= _LONGEST_TIMEOUT:
        raise ValueError
    return float(value)


def _read_flag(value: object, folder: Path | None) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _read_record(value: object, folder: Path | None) -> Path | bool | None:
    """The file; true for the one in `home`."""
    if value is None or isinstance(value, bool):
        return value or None
    return _read_home(value, folder)


RECORD: Final = "calls.sqlite"
"""The name of the file in `home` that calls are recorded in, where no other is named."""

_LONGEST_TIMEOUT: Final = 30 * 24 * 3600  # seconds; the clocks of some systems count no further than 49 days

_WORDS: Final = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def _flag(text: str) -> bool:
    if text.lower() not in _WORDS:
        raise ValueError
    return _WORDS[text.lower()]


def _flag_or_path(text: str) -> object:
    return _WORDS.get(text.lower(), text)


@dataclass(frozen=True, slots=True)
class _Reader:
    """How a setting is read: what it has to be, its value in a file or a call, and its value as a word."""

    wanted: str
    read: Callable[[object, Path | None], object]
    word: Callable[[str], object]


_READERS: Final[Mapping[str, _Reader]] = {
    "model": _Reader("the name of a model or the path of a .gguf file", _read_model, str),
    "threads": _Reader("a whole number of at least 1", _read_threads, int),
    "context": _Reader("a whole number of tokens, at least 1", _read_context, int),
    "timeout": _Reader("a number of seconds above 0, and at most a month", _read_timeout, float),
    "home": _Reader("the path of a folder", _read_home, str),
    "auto_pull": _Reader("true or false", _read_flag, _flag),
    "answer_cache": _Reader("true or false", _read_flag, _flag),
    "record": _Reader("the path of a file, or true for the one in `home`", _read_record, _flag_or_path),
    "record_arguments": _Reader("true or false", _read_flag, _flag),
}
assert list(_READERS) == [field.name for field in fields(Settings)]

_VARIABLES: Final = (
    *(f"MICROPROMPT_{name.upper()}" for name in _READERS),
    "XDG_CACHE_HOME",
    "HOME",
    "LOCALAPPDATA",
)
"""All of the environment that `current` reads."""

_ENCODED: Final = tuple(map(getattr(os.environ, "encodekey", str), _VARIABLES))
"""The same names, as the system has them."""


def _cache_folder(environment: Mapping[str, str]) -> Path:
    """Where this system keeps what can be fetched again."""
    if folder := environment.get("XDG_CACHE_HOME"):
        return Path(folder) / "microprompt"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "microprompt"
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or Path.home()) / "microprompt" / "Cache"
    return Path.home() / ".cache" / "microprompt"
