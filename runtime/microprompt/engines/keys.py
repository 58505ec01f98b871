"""Keys of servers: where they are found, and to whom they are sent."""

from __future__ import annotations

import os

from ..errors import ModelError
from ..locations import ModelServer


def key_of(server: ModelServer) -> str | None:
    """The key for a server, from the environment. `OPENAI_API_KEY` is that of OpenAI, or of the server that
    `OPENAI_BASE_URL` names: no program gets it sent elsewhere.

    Raises `ModelError` where it would be sent in the clear over a network.
    """
    for variable in variables_of(server):
        if key := os.environ.get(variable, "").strip():
            break
    else:
        return None
    if not server.is_private:
        raise ModelError(
            f"the key in {variable} would be sent to {server.url} in the clear",
            help="use https, or unset the key if the server wants none",
        )
    if not key.isascii() or not key.isprintable():
        raise ModelError(f"what {variable} holds is no key: there are other characters than ASCII in it")
    return key


def variables_of(server: ModelServer) -> tuple[str, ...]:
    """The variables of the environment that may hold the key of a server."""
    own = f"MICROPROMPT_{server.protocol.upper()}_KEY"
    if server.protocol != "openai":
        return (own,)
    base = os.environ.get("OPENAI_BASE_URL", "").strip().rstrip("/")
    is_theirs = server.url in (base, "https://api.openai.com/v1")
    return (own, "OPENAI_API_KEY") if is_theirs else (own,)
