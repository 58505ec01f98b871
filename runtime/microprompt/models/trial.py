"""Every file is tried in a process of its own before this one loads it, once for each CPU and llama.cpp.

That answers two questions: whether the file can be loaded and evaluated at all, which only a file that the
registry knows the hash of could be trusted with; and whether llama.cpp's kernels for its extra buffers work
on this CPU, which depends on the types of the file's weights too.
"""

from __future__ import annotations

from pathlib import Path

from .. import settings
from ..cpu import cpu
from ..errors import ModelError
from ..llamacpp import probe
from ..llamacpp.weights import WeightsFile
from .facts import recall, remember
from .files import Progress
from .prepared import llama_cpp_version
from .registry import ModelKind


def tried(path: Path, progress: Progress, kind: ModelKind = "language") -> WeightsFile:
    """The file as it can be loaded here: it was tried, now or before, at what a model of this kind does.

    Raises:
        ModelError: it can't be.
    """
    depends = (cpu().identity, llama_cpp_version())
    found = recall("trial", path, *depends)
    if not isinstance(found, bool | str):
        progress(f"trying {path.name} in a process of its own, once", 0, 0)
        found = _try(path, kind)
        remember("trial", path, found, *depends)
    if isinstance(found, str):
        raise ModelError(
            f"{path.name} can't be used: a process that tried it did not come through; {found}",
            help="get the file again from where it came, or use another one",
        )
    return WeightsFile(path=path, extra_buffers=found)


def _try(path: Path, kind: ModelKind) -> bool | str:
    """Whether it works with extra buffers, or only without; why it doesn't, if it works with neither."""
    why = ""
    for extra_buffers in (True, False):
        try:
            probe.run(
                path,
                embeds=kind == "embedder",
                extra_buffers=extra_buffers,
                threads=settings.current().threads,
            )
        except probe.Unsafe as error:
            why = str(error)
        else:
            return extra_buffers
    return why
