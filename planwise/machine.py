"""What this process may use: cores, memory and disk, with container limits counted."""

from __future__ import annotations

import os
import platform
import re
import shutil
from pathlib import Path
from typing import Any, Final

from planwise.values import Machine

_CGROUP: Final = Path("/sys/fs/cgroup")
_UNLIMITED: Final = 1 << 60


def this_machine(temp_directory: Path) -> Machine:
    """Measure the machine.

    Args:
        temp_directory: where DuckDB may spill; need not exist yet.
    """
    total, available = _memory()
    folder = temp_directory
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return Machine(
        cores=granted_cores(),
        memory_total_bytes=total,
        memory_available_bytes=available,
        temp_directory=temp_directory,
        temp_free_bytes=shutil.disk_usage(folder).free,
    )


def machine_facts() -> dict[str, Any]:
    """What tells one machine from another: processor, granted cores, memory in bytes, system."""
    return {
        "processor": _processor(),
        "cores_granted": granted_cores(),
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "system": f"{platform.system()} {platform.release()}",
    }


def granted_cores(cgroup: Path | None = None) -> int:
    """CPU cores that this process may use: affinity, cut by the container's CPU quota.

    Args:
        cgroup: the cgroup's folder; this process's own by default.
    """
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    for folder in _cgroup_chain() if cgroup is None else [cgroup]:
        quota = _words(folder / "cpu.max")
        if len(quota) == 2 and all(word.isdigit() for word in quota) and int(quota[1]) > 0:
            cores = min(cores, max(1, int(quota[0]) // int(quota[1])))
    return max(1, cores)


def container_memory(cgroup: Path) -> tuple[int, int] | None:
    """Limit and free bytes of a cgroup, or None if it sets no limit.

    Reclaimable file cache counts as free: the kernel gives it back under pressure.
    """
    limit = _words(cgroup / "memory.max")
    current = _words(cgroup / "memory.current")
    if not all(words and words[0].isdigit() for words in (limit, current)):
        return None
    maximum, used = int(limit[0]), int(current[0])
    if maximum >= _UNLIMITED:
        return None
    cache = 0
    for line in _lines(cgroup / "memory.stat"):
        key, _, value = line.partition(" ")
        if key == "inactive_file" and value.isdigit():
            cache = int(value)
    return maximum, max(0, maximum - used + min(cache, used))


def _memory() -> tuple[int, int]:
    import psutil

    memory = psutil.virtual_memory()
    total, available = memory.total, memory.available
    for folder in _cgroup_chain():
        limits = container_memory(folder)
        if limits is not None:
            total, available = min(total, limits[0]), min(available, limits[1])
    return total, available


def _cgroup_chain() -> list[Path]:
    """This process's cgroup and all above it: every one of them may set a limit."""
    for line in _lines(Path("/proc/self/cgroup")):
        if line.startswith("0::"):
            folder = _CGROUP / line[3:].strip("/")
            chain = [folder, *folder.parents]
            return [each for each in chain if each.is_relative_to(_CGROUP)]
    return [_CGROUP]


def _words(file: Path) -> list[str]:
    lines = _lines(file)
    return lines[0].split() if lines else []


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1).strip() if found else platform.processor() or platform.machine()
