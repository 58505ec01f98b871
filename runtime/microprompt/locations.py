"""Names of models, files on Hugging Face, and paths of files: which is which, and where a path leads.

Standard library only; the compiler asks it too.
"""

from __future__ import annotations

from pathlib import Path

from .errors import ArgumentError


def is_hub(name: str) -> bool:
    """Whether what stands for a model is the place of its file on Hugging Face, `hf:owner/repo/file.gguf`."""
    return name.startswith("hf:")


def is_path(name: str) -> bool:
    """Whether what stands for a model is the path of its file. Registered names never look like one."""
    return not is_hub(name) and (any(mark in name for mark in "/\\") or name.lower().endswith(".gguf"))


def located(path: str | Path, folder: Path | None = None) -> Path:
    """The absolute path of a file that was written down in `folder`, or in the current one; `~` is home.

    Raises:
        ArgumentError: the path leads nowhere; also a relative one when the current folder was deleted.
    """
    try:
        own = Path(path).expanduser()
        return (own if own.is_absolute() else (folder or Path.cwd()) / own).resolve()
    except FileNotFoundError as error:
        raise ArgumentError(
            f"the path {path} is relative to the current folder, which was deleted",
            help="give the whole path, or change to a folder that is there",
        ) from error
    except (RuntimeError, ValueError, OSError) as error:  # no such user, a NUL in it, links in a circle
        raise ArgumentError(f"{str(path)!r} is not the path of a file: {error}") from error
