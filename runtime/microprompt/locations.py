"""Names of models, files on Hugging Face, servers, and paths of files: which is which, and where it leads.

Standard library only; the compiler asks it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from .errors import ArgumentError

Protocol: TypeAlias = Literal["systemone", "openai"]
"""What a server of models speaks: the System One API, or the chat completions of the OpenAI API."""

MAX_SERVER_OPTIONS: Final = 255
"""The most options of a choice that a server of System One takes."""

MAX_SERVER_LEVELS: Final = 10
"""The most levels of a score that it takes."""

SERVER_MODEL: Final = "jev-latest"
"""The model that clients of such a server ask for by default: whichever it has."""

SERVER_FORMS: Final = '"systemone:https://HOST" or "openai:http://HOST:8080/v1#MODEL"'
"""How the name of a model on a server is written, for messages."""


def is_hub(name: str) -> bool:
    """Whether what stands for a model is the place of its file on Hugging Face, `hf:owner/repo/file.gguf`."""
    return name.startswith("hf:")


def is_path(name: str) -> bool:
    """Whether what stands for a model is the path of its file. Registered names never look like one."""
    if is_hub(name) or is_server(name):
        return False
    return any(mark in name for mark in "/\\") or name.lower().endswith(".gguf")


class NoServer(ArgumentError):
    """A name that has the form of a server's address leads to none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelServer:
    """Where a model answers that does not run in this process. `url` has no slash at its end, and `model` is
    what the server calls it, if the name says so."""

    protocol: Protocol
    url: str
    model: str | None

    @property
    def is_private(self) -> bool:
        """Whether nobody between here and there can read along: it is this machine, or the way is
        encrypted."""
        parts = urlsplit(self.url)
        return parts.scheme == "https" or _is_loopback(parts.hostname or "")


def protocol_of(name: str) -> Protocol | None:
    """What the server speaks whose address stands for a model; `None` for all else that does."""
    return next((known for known in get_args(Protocol) if name.startswith(f"{known}:")), None)


def is_server(name: str) -> bool:
    """Whether what stands for a model is the address of a server that answers in its place."""
    return protocol_of(name) is not None


def server(name: str) -> ModelServer:
    """The server that a name leads to: `systemone:URL` or `openai:URL`, with `#` and a model's name behind
    it. Of an OpenAI-compatible server the URL is its base, as `http://127.0.0.1:8080/v1`, and a model has to
    be named; of System One it is what stands before `/v1/systemone`.

    Raises `NoServer` for one that leads nowhere.
    """
    help = f"write {SERVER_FORMS}"
    protocol = protocol_of(name)
    if protocol is None:
        raise NoServer(f"{name!r} is not the address of a server", help=help)
    address = name.removeprefix(f"{protocol}:")
    if not address.isprintable() or " " in address:
        raise NoServer(f"there is a blank or a control character in {address!r}", help=help)
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError as error:  # a port that is no number, a bracket that is not closed
        raise NoServer(f"{address!r} is not a URL: {error}", help=help) from None
    if parts.scheme not in ("http", "https") or not host:
        raise NoServer(f"{address!r} is not the URL of a server", help=help)
    if parts.username is not None or parts.password is not None:
        raise NoServer(
            "the URL of a server holds a password",
            help="a key comes from the environment; programs are read by others",
        )
    if parts.query:
        raise NoServer(f"there is a query in {address!r}", help="leave out what is behind the `?`")
    if protocol == "openai" and not parts.fragment:
        raise NoServer(
            f"no model of {parts.netloc} is named", help=f'write "openai:{address.rstrip("/#")}#MODEL"'
        )
    url = parts._replace(fragment="").geturl().rstrip("/")
    return ModelServer(protocol=protocol, url=url, model=parts.fragment or None)


def _is_loopback(host: str) -> bool:
    from ipaddress import ip_address  # not at the top: few programs name a server

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def model_named(name: str, folder: Path | None = None) -> str:
    """What stands for the same model wherever it is read: the absolute path of its file, which was written
    down in `folder`, or in the current one; any other name as it is. Raises as `located`."""
    return str(located(name, folder)) if is_path(name) else name


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
