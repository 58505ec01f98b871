"""The models that may be asked for by name: that of the settings, and those of the registry that are here."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from .. import abi, models, settings
from ..errors import ArgumentError
from ..locations import SERVER_MODEL, is_path

_STARTED: Final = date.today()


class UnknownModel(ArgumentError):
    """There is no model of this name, or it is not here."""


class ModelDescription(BaseModel):
    """A model that may be asked for, and since when it has been there (YYYY-MM-DD)."""

    model_config = ConfigDict(frozen=True)

    name: str
    description: str
    release_date: str


def described_models() -> list[ModelDescription]:
    """The models that may be asked for, that of the settings first, which also answers to `jev-latest`."""
    default = settings.current().model
    here = [
        ModelDescription(name=info.name, description=info.description, release_date=info.released)
        for info in models.REGISTRY.values()
        if info.kind == "language" and info.released and (info.name == default or models.is_here(info))
    ]
    here.sort(key=lambda model: model.name != default)
    if default not in models.REGISTRY:
        here.insert(0, _of_the_settings(default))
    return here


def model_of(name: str) -> abi.Model | None:
    """The model that a name asks for; `None` for that of the settings. None is fetched because it is named.

    Raises `UnknownModel` unless it is one of `described_models`.
    """
    default = settings.current().model
    if name in (SERVER_MODEL, default):
        return None
    known = [model.name for model in described_models()]
    if name not in known:
        raise UnknownModel(f"there is no model {name!r:.80} here", help=f"the models are {', '.join(known)}")
    return None if name == known[0] else abi.Model(name=name)


def _of_the_settings(name: str) -> ModelDescription:
    """A model that has no place in the registry: of a path, only the file's name is told."""
    path = Path(name)
    since = date.fromtimestamp(path.stat().st_mtime) if is_path(name) and path.is_file() else _STARTED
    return ModelDescription(
        name=path.name if is_path(name) else name,
        description="The model of this server",
        release_date=since.isoformat(),
    )
