"""What commands that serve functions have in common: which functions, where, and for whom."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from microprompt.storage import read_regular
from mpc import project
from mpc.diagnostics import ToolError
from mpc.functions import own

from . import functions
from .failures import Failure

if TYPE_CHECKING:
    from microprompt.serving.served import Served

_BACKLOG: Final = 1024


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Say of a package that is imported in the block and not there which extra has it. Raises `Failure`."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise Failure(
            f"this needs the package {error.name}, which is not installed",
            help=f"pip install 'microprompt[{name}]'",
        ) from error


def functions_at(paths: Sequence[str]) -> list[Served]:
    """The functions of files, of all files in folders, and of modules such as `std.request`. A file is the
    module of its name; one in a folder that is named has those of the folders between.

    Raises `Failure` if there are none, and what `functions.load` raises.
    """
    from microprompt.serving.served import Served  # not at the top: an extra has what serving needs

    found = [
        Served(module=module, function=function)
        for path in paths
        for module, file in _modules(path)
        for function in own(functions.load(file))
    ]
    if not found:
        raise Failure(f"there are no functions at {', '.join(paths)}")
    return found


def _modules(path: str) -> Iterator[tuple[str, str]]:
    if not Path(path).is_dir():
        yield (Path(path).stem if path.endswith(".mp") else path), path
        return
    folder = Path(path).absolute()
    for file in project.collect([folder]):
        yield ".".join(file.relative_to(folder).with_suffix("").parts), str(file)


def keys_for(host: str, key_file: Path | None) -> Sequence[str]:
    """The keys in a file, one a line; none without one.

    Raises `Failure` where there would be none though others than this machine could ask at `host`.
    """
    if key_file is None:
        if not _is_loopback(host):
            raise Failure(
                f"at {host} others than this machine could ask, and there is no key",
                help="name a file with keys in --key-file, or leave --host out",
            )
        return ()
    try:
        text = read_regular(key_file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Failure(f"{key_file} is not UTF-8", help="save it as UTF-8") from error
    keys = [line.strip() for line in text.splitlines() if line.strip()]
    if not keys:
        raise Failure(f"{key_file} has no key", help="write one into it, as of `openssl rand -hex 32`")
    return keys


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises `ToolError`."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ToolError(
            f"can't listen at {host}, port {port}: {error.strerror or error}",
            help="name another one with --port; 0 takes a free one",
        ) from error


def url_of(listener: socket.socket) -> str:
    """Where a socket that listens is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
