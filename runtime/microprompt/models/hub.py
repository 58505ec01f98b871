"""Files from Hugging Face, or from what speaks its protocol at HF_ENDPOINT, fetched with huggingface_hub.

That reads its settings when it is imported, so it runs in a process of its own, where they can be ours and
the caller's stay as they are: `python -P -m microprompt.models.hub REPO FILE REVISION FOLDER`. It takes the
tokens, proxies and certificates that huggingface_hub takes elsewhere. What is there of a file when a download
ends early stays in the model's folder, and the next one goes on behind it. `hf_hub_download` would begin
anew, so the file is fetched with what lies below it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, cast

from .. import children, storage
from ..errors import ModelError
from . import fetcher
from .files import Progress, check, folder, record, sha256, shipped_path
from .header import kind_of
from .registry import HubFile, ModelInfo

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_PARTS: Final = ".fetching-*"


# ------------------------------------------------------------------------------------------- the caller


def fetch(info: ModelInfo, source: HubFile, progress: Progress) -> None:
    """Put the model's file in its place, which has to be `locked`, and record it if the registry doesn't know
    it.

    Raises:
        ModelError: it can't be fetched, or is not the file that it was or should be.
        OSError: the disk is full.
    """
    place = folder(info)
    told = _run(info, source, place, progress)
    part = place / told["part"]
    try:
        found = sha256(part, f"checking {info.name}", progress)
        _verify(part, found, told["etag"], info)
        kind = kind_of(part)
    except ModelError:
        part.unlink()
        raise
    if info.sha256 is None:
        record(info, commit=told["commit"], kind=kind, sha256=found, size=part.stat().st_size)
    with storage.replacing(shipped_path(info)) as whole:
        part.replace(whole)


def _run(info: ModelInfo, source: HubFile, place: Path, progress: Progress) -> Mapping[str, str]:
    """Have a child fetch the file, and return what it says of it."""
    done = fetcher.run(
        children.command(__name__, source.repo, source.file, source.revision, str(place)),
        f"fetching {info.name}",
        progress,
        HF_HUB_DISABLE_PROGRESS_BARS="1",
        HF_HUB_DISABLE_TELEMETRY="1",
    )
    again = f"mpc models pull {info.name}"
    with suppress(ValueError):
        told: dict[str, Any] = json.loads(done.last)
        if "errno" in told:
            raise OSError(told["errno"], os.strerror(told["errno"]))
        if "problem" in told:
            problem = f"the model {info.name} can't be fetched: {told['problem']}"
            raise ModelError(problem, help=f"{told['try']}, then `{again}`")
        return told
    lines = done.complaints.strip().splitlines() or [f"it ended with status {done.status}"]
    raise ModelError(
        f"the model {info.name} can't be fetched from {_endpoint()}: {lines[-1]}",
        help=f"check the network and its proxy, then `{again}`; it goes on where it stopped",
    )


def _verify(part: Path, found: str, etag: str, info: ModelInfo) -> None:
    """Raises `ModelError` if what came is not the file that was fetched before, or that should have come."""
    if info.sha256 is None:
        if _SHA256.fullmatch(etag) and found != etag:
            raise ModelError(
                f"what came for {info.name} is not what {_endpoint()} has: it was damaged on the way",
                help=f"mpc models pull {info.name}",
            )
        check(part, info)
    elif found != info.sha256:
        raise ModelError(
            f"what came for {info.name} is not the file that the registry knows, or that came before",
            help="HF_ENDPOINT may not be a mirror of Hugging Face, or the repository has changed its past",
        )


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT") or "https://huggingface.co"


# -------------------------------------------------------------------------------------------- the child


def main(arguments: list[str]) -> None:
    """Fetch the file, or the rest of it, into the folder, and print as JSON where it is, or what is wrong."""
    repo, file, revision, place = arguments
    source = HubFile(repo=repo, file=file, revision=revision)
    try:
        told: Mapping[str, object] = _download(source, Path(place))
    except OSError as error:
        told = _trouble(error, source)
    print(json.dumps(told))


def _trouble(error: OSError, source: HubFile) -> Mapping[str, object]:
    """What is wrong and what to try. What is left is raised again: of that, the last line is told."""
    from huggingface_hub import errors

    match error:
        case errors.OfflineModeIsEnabled():
            return _problem("HF_HUB_OFFLINE is set", "unset it")
        case errors.GatedRepoError():
            where = f"https://huggingface.co/{source.repo}"
            return _problem(f"{source.repo} asks for consent", f"give it at {where}, set HF_TOKEN")
        case errors.RepositoryNotFoundError():
            problem = f"there is no repository {source.repo}, or it is private"
            return _problem(problem, "check the name, or set HF_TOKEN")
        case errors.RevisionNotFoundError():
            problem = f"{source.repo} has no revision {source.revision}"
            return _problem(problem, "name a branch, a tag or a commit")
        case errors.RemoteEntryNotFoundError():
            where = f"https://huggingface.co/{source.repo}/tree/{source.revision}"
            return _problem(f"{source.repo} has no file {source.file}", f"look for it at {where}")
        case errors.HfHubHTTPError():
            problem = f"{_endpoint()} answered with status {error.response.status_code}"
            return _problem(problem, "wait a little")
        case errors.FileMetadataError():
            problem = f"{_endpoint()} does not answer as Hugging Face does"
            return _problem(problem, "check HF_ENDPOINT and the network's proxy")
        case OSError(errno=int()):
            return {"errno": error.errno}
        case _:
            raise error


def _problem(problem: str, to_try: str) -> Mapping[str, object]:
    return {"problem": problem, "try": to_try}


def _download(source: HubFile, place: Path) -> Mapping[str, object]:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import FileMetadataError
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined] # its docs name it so

    headers = build_hf_headers(library_name="microprompt", library_version=version("microprompt"))
    url = hf_hub_url(source.repo, source.file, revision=source.revision)
    about = get_hf_file_metadata(url, headers=headers)
    if about.commit_hash is None or about.etag is None or about.size is None:
        raise FileMetadataError
    # Of this version of the file, and no other.
    key = hashlib.sha256(f"{about.commit_hash} {about.etag}".encode()).hexdigest()[:16]
    part = place / _PARTS.replace("*", key)
    for left in place.glob(_PARTS):
        if left != part:
            left.unlink()
    with part.open("ab") as out:
        if out.tell() > about.size:
            out.truncate(0)
        if shutil.disk_usage(place).free < about.size - out.tell():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        http_get(
            hf_hub_url(source.repo, source.file, revision=about.commit_hash),
            cast("BinaryIO", _Counted(out, about.size)),  # it has all of one that is used
            resume_size=out.tell(),
            headers=headers,
            expected_size=about.size,
        )
    return {"part": part.name, "commit": about.commit_hash, "etag": about.etag}


class _Counted:
    """A file that tells with each write how long it is, for `fetcher.run`."""

    def __init__(self, file: IO[bytes], total: int) -> None:
        self._file = file
        self._total = total
        self.seek = file.seek
        self.tell = file.tell
        self.truncate = file.truncate

    def write(self, data: bytes) -> int:
        count = self._file.write(data)
        print(f"Progress {self._file.tell()} of {self._total}", flush=True)
        return count


if __name__ == "__main__":
    main(sys.argv[1:])
