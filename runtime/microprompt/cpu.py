"""What this process may use of the machine: physical cores, instruction sets, memory."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

# The instruction sets that llama.cpp has kernels for, as /proc/cpuinfo names them (x86, then ARM).
_FEATURES: Final = (
    "avx",
    "avx2",
    "f16c",
    "fma",
    "avx_vnni",
    "avx512f",
    "avx512vl",
    "avx512bw",
    "avx512vbmi",
    "avx512_vnni",
    "avx512_bf16",
    "amx_tile",
    "amx_int8",
    "amx_bf16",
    "asimd",
    "fphp",
    "asimddp",
    "i8mm",
    "bf16",
    "sve",
    "sve2",
)

_QUIET: Final = 0.25  # programs that wanted to run at a time, for each hardware thread of the machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """The processor: `features` are those that llama.cpp has kernels for."""

    name: str
    features: tuple[str, ...]
    identity: str  # hexadecimal; the same on two machines whose processors do the same work


@cache
def cpu() -> Cpu:
    """Describe this machine's processor."""
    facts = _cpu_facts()
    flags = set(facts.get("flags", "").split())
    kind = (facts.get("name", ""), facts.get("family", ""), facts.get("stepping", ""), *sorted(flags))
    return Cpu(
        name=facts.get("name") or platform.processor() or platform.machine(),
        features=tuple(feature for feature in _FEATURES if feature in flags),
        identity=hashlib.sha256("\0".join((platform.machine(), *kind)).encode()).hexdigest(),
    )


@cache
def usable_cores() -> int:
    """The physical cores this process may use, within its affinity and its control group's quota.

    Hyperthreads are not counted: two on one core share the multipliers that decoding waits for.
    """
    return max(1, min(_cores_in_affinity(), *_cores_in_quota()))


@cache
def hardware_threads() -> int:
    """The hardware threads this process may use, hyperthreads counted: no more threads can run at a time."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def is_quiet() -> bool:
    """Whether the other programs of the last minute would hardly have disturbed a measurement."""
    try:
        return os.getloadavg()[0] < _QUIET * (os.cpu_count() or 1)
    except (AttributeError, OSError):  # Windows doesn't say
        return False


def total_memory() -> int | None:
    """The machine's memory in bytes, where the system says."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def available_memory() -> int | None:
    """The memory in bytes that can be had without swapping, where the system says (Linux)."""
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _cpu_facts() -> dict[str, str]:
    if sys.platform == "darwin":
        return {"name": _sysctl("machdep.cpu.brand_string")}
    names = {
        "model name": "name",
        "model": "family",
        "CPU part": "family",
        "stepping": "stepping",
        "flags": "flags",
        "Features": "flags",
    }
    facts: dict[str, str] = {}
    for line in _read("/proc/cpuinfo").splitlines():
        if not line.strip():
            break  # the first processor speaks for all
        key, _, value = line.partition(":")
        if (name := names.get(key.strip())) is not None:
            facts[name] = value.strip()
    return facts


def _cores_in_affinity() -> int:
    if sys.platform == "linux":
        usable = os.sched_getaffinity(0)
        topology = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
        return len({_read(topology.format(number)).strip() or str(number) for number in usable})
    if sys.platform == "darwin":
        # The efficiency cores are left out: with one thread on each core, all would wait for the slowest.
        found = _sysctl("hw.perflevel0.physicalcpu") or _sysctl("hw.physicalcpu")
        return int(found) if found.isdigit() else 1
    return (os.cpu_count() or 2) // 2  # as llama.cpp guesses where it can't ask


def _cores_in_quota() -> tuple[int, ...]:
    """Whole cores of every CPU quota above this process (control groups, versions 2 and 1)."""
    found: list[int] = []
    for line in _read("/proc/self/cgroup").splitlines():
        if line.startswith("0::"):
            group = Path("/sys/fs/cgroup") / line[3:].strip("/")
            for folder in (group, *group.parents):
                quota, _, period = _read(str(folder / "cpu.max")).partition(" ")
                if quota.isdigit():
                    found.append(int(quota) // int(period))
                if folder == Path("/sys/fs/cgroup"):
                    break
    quota = _read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").strip()
    if quota.isdigit():
        found.append(int(quota) // int(_read("/sys/fs/cgroup/cpu/cpu.cfs_period_us")))
    return tuple(found) or (os.cpu_count() or 1,)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _sysctl(name: str) -> str:
    import subprocess  # not at the top: Linux never needs it

    asked = subprocess.run(["sysctl", "-n", name], capture_output=True, text=True, check=False)
    return asked.stdout.strip()
