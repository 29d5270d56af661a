"""Plugin ``tuning``: DuckDB settings for this machine, and for what a year turned out to need.

Every figure that a reason quotes was measured with DuckDB 2.0; ``docs/plugins.md`` has the
measurements, those of settings that did not pay and are left alone among them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from planwise.api import (
    Machine,
    PluginOption,
    Setting,
    SettingValue,
    TuneRequest,
    YearObservation,
    hookimpl,
)

MIB: Final = 1 << 20
GIB: Final = 1 << 30

LEAST_SHARE: Final = 0.60
MOST_SHARE: Final = 0.85
"""The memory limit stays between these shares of the memory that is available."""

RSS_PER_LIMIT: Final = 1.35
"""Resident size over memory limit, measured: the limit bounds DuckDB's buffers only."""

LEAST_MEMORY: Final = 32 * MIB
"""With less than this available no share of it lets DuckDB run; its own default is left alone."""

MOST_THREADS: Final = 8
MEMORY_PER_THREAD: Final = 32 * MIB
"""A join at a limit of 50 MB failed with 8 threads and ran with 2; at 100 MB it ran with 8."""

CHECKPOINT_THRESHOLD: Final = "64MiB"

_LEAST_SPILL: Final = 64 * MIB
_PROBE_BYTES: Final = MIB
_LEAST_STEP: Final = 0.02
_SPILL_STEP: Final = 0.05
_ALIASES: Final = {
    "max_memory": "memory_limit",
    "worker_threads": "threads",
    "wal_autocheckpoint": "checkpoint_threshold",
}


@frozen
class SpillSpace:
    """Where DuckDB may spill, proved by writing there.

    Attributes:
        directory: the directory.
        usable_bytes: how much may be written; 0 if spilling is not possible.
        problem: why it is not, or empty.
    """

    directory: Path
    usable_bytes: int
    problem: str = ""


@frozen
class MemoryChoice:
    """A memory limit.

    Attributes:
        limit_bytes: the limit; a whole number of MiB where that costs no more than a part of it.
        reference_bytes: the available memory that it is a share of.
        reason: why, for the report.
    """

    limit_bytes: int
    reference_bytes: int
    reason: str

    @property
    def share(self) -> float:
        """The limit as a share of the memory that was available."""
        return self.limit_bytes / self.reference_bytes


class Tuning:
    """Chooses DuckDB's settings; remembers what it chose, so that it changes them seldom."""

    planwise_api = "0.1"

    def __init__(self) -> None:
        self._spill: SpillSpace | None = None
        self._memory: MemoryChoice | None = None
        self._keep_order = False

    @hookimpl
    def add_options(self) -> Sequence[PluginOption]:
        """One option, for projects whose models do depend on the order of rows."""
        return [
            PluginOption(
                "preserve_insertion_order",
                False,
                "Keep DuckDB's row order, for a project with LIMIT and no ORDER BY.",
                type=bool,
            )
        ]

    @hookimpl
    def configure(self, options: Mapping[str, SettingValue | None]) -> None:
        """Take the option."""
        self._keep_order = bool(options["preserve_insertion_order"])

    @hookimpl
    def db_tune(self, request: TuneRequest) -> Sequence[Setting]:
        """Settings for this machine; after a year that spilled, more memory."""
        machine = request.machine
        fixed = {_canonical(name) for name in request.fixed}
        if request.observed is None or self._spill is None:
            self._spill = spill_space(machine.temp_directory, machine.temp_free_bytes)
            self._memory = first_memory(machine, request.pool_size, self._spill)
        elif self._memory is not None and "memory_limit" not in fixed:
            self._memory = memory_after(self._memory, request.observed, machine)

        settings = [*_memory_settings(self._memory)]
        limit = self._memory.limit_bytes if self._memory else None
        if "memory_limit" in fixed:
            limit = None  # the user's own; what it leaves to each thread is the user's business too
        settings.append(threads_setting(machine.cores, limit))
        if "temp_directory" not in fixed:
            # A SET of temp_directory after the first spill is an error, so it is set only once.
            settings += _spill_settings(self._spill, opening=request.observed is None)
        settings += [
            _insertion_order(option=self._keep_order, project=request.keep_order),
            Setting(
                "checkpoint_threshold",
                CHECKPOINT_THRESHOLD,
                "a commit of less is written to the log, and moved into the database file beside "
                "the next year; one of more goes straight into the file",
            ),
        ]
        return [each for each in settings if each.name not in fixed]


def first_memory(machine: Machine, pool_size: int, spill: SpillSpace) -> MemoryChoice | None:
    """The memory limit before anything is known about the run.

    65 % of what is available for one model at a time and 70 % for several, because eight joins at
    once held 1.5 times the memory of one. With no room to spill what does not fit, 4 points more:
    74 % is where 1.35 times the limit, the resident size that was measured, reaches all of it.

    Args:
        machine: what may be used.
        pool_size: how many models may run at once.
        spill: where DuckDB may spill.

    Returns:
        The limit, or None if so little is available that DuckDB's default does no more harm.
    """
    available = machine.memory_available_bytes
    if available < LEAST_MEMORY:
        return None
    share = 0.65 if pool_size <= 1 else 0.70
    why = f"for {pool_size} model{'s' if pool_size > 1 else ''} at once"
    if spill.usable_bytes < share * available:
        share += 0.04
        room = spill.problem or f"only {_mib(spill.usable_bytes)} MiB to spill"
        why += f", 4 points more because there is {room}"
    limit = _rounded(share * available)
    return MemoryChoice(
        limit,
        available,
        f"{100 * limit / available:.0f} % of {_mib(available)} MiB available {why}; resident "
        f"size was measured at up to {RSS_PER_LIMIT} times the limit",
    )


def memory_after(now: MemoryChoice, seen: YearObservation, machine: Machine) -> MemoryChoice:
    """The memory limit after a year: more if it spilled, and if the memory is really there.

    It never goes down, and never up by less than 2 points, so it cannot flap. It stays where the
    resident size, growing as it did so far, fits what was available at the start, and it takes no
    more than is free now.

    Args:
        now: the limit in force.
        seen: what was seen of the year.
        machine: the machine as it is now, this process's own memory counted as used.
    """
    if seen.spilled_bytes <= 0:
        return now
    reference = now.reference_bytes
    wanted = now.limit_bytes + max(_SPILL_STEP * reference, seen.spilled_bytes)
    most = MOST_SHARE * reference
    if seen.peak_rss_bytes > 0:
        most = min(most, now.limit_bytes * reference / seen.peak_rss_bytes)
    free = now.limit_bytes + machine.memory_available_bytes / RSS_PER_LIMIT
    limit = _rounded(min(wanted, most, free))
    if limit - now.limit_bytes < _LEAST_STEP * reference:
        return now
    return MemoryChoice(
        limit,
        reference,
        f"{_mib(seen.spilled_bytes)} MiB were spilled in {seen.year}: {100 * now.share:.0f} -> "
        f"{100 * limit / reference:.0f} % of {_mib(reference)} MiB; peak resident size so far "
        f"{_mib(seen.peak_rss_bytes)} MiB",
    )


def threads_setting(cores: int, limit_bytes: int | None) -> Setting:
    """One thread a granted core, 8 at the most, and no more than the memory limit feeds.

    Args:
        cores: cores granted.
        limit_bytes: the memory limit that this plugin chose, or None if it chose none.
    """
    threads = max(1, min(MOST_THREADS, cores))
    reason = f"{cores} core{'s' if cores != 1 else ''} granted, {MOST_THREADS} used at the most"
    if limit_bytes is not None and limit_bytes // MEMORY_PER_THREAD < threads:
        threads = max(1, limit_bytes // MEMORY_PER_THREAD)
        reason = (
            f"{cores} cores granted, but {_mib(limit_bytes)} MiB of memory feed {threads} at "
            f"{_mib(MEMORY_PER_THREAD)} MiB each; too many threads fail where fewer spill"
        )
    return Setting("threads", threads, reason)


def spill_space(directory: Path, free_bytes: int) -> SpillSpace:
    """Prove by writing a file that DuckDB can spill to a directory.

    DuckDB takes any ``temp_directory`` without a word and fails at the first spill. It makes the
    directory itself if only the last part of the path is missing; then the parent is tried.

    Args:
        directory: the directory.
        free_bytes: free space there. A tenth of it, and up to 1 GiB, is left to the database.
    """
    place = directory if directory.exists() else directory.parent
    if not place.is_dir():
        return SpillSpace(directory, 0, f"no directory to spill to at {place}")
    reserve = max(free_bytes // 10, min(GIB, free_bytes // 2))
    usable = (free_bytes - reserve) // MIB * MIB
    if usable < _LEAST_SPILL:
        return SpillSpace(
            directory, 0, f"no room to spill in {place} ({_mib(free_bytes)} MiB free)"
        )
    try:
        with tempfile.TemporaryFile(prefix=".planwise-probe-", dir=place) as probe:
            probe.write(b"\0" * _PROBE_BYTES)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return SpillSpace(directory, 0, f"no writing to {place} ({error.strerror})")
    return SpillSpace(directory, usable)


def _memory_settings(choice: MemoryChoice | None) -> list[Setting]:
    if choice is None:
        return []
    return [Setting("memory_limit", _size(choice.limit_bytes), choice.reason)]


def _spill_settings(spill: SpillSpace, *, opening: bool) -> list[Setting]:
    if not spill.usable_bytes:
        return []
    settings = [
        Setting(
            "max_temp_directory_size",
            _size(spill.usable_bytes),
            f"of the free space at {spill.directory}, a tenth and up to 1 GiB is left to the "
            "database",
        )
    ]
    if opening:
        settings.append(
            Setting("temp_directory", str(spill.directory), "writing there was tried and works")
        )
    return settings


def _insertion_order(*, option: bool, project: bool) -> Setting:
    if option:
        return Setting("preserve_insertion_order", True, "asked for by the option of that name")
    if project:
        return Setting(
            "preserve_insertion_order", True, "the models are not known to do without row order"
        )
    return Setting(
        "preserve_insertion_order",
        False,
        "results are tables, and a table has no order; copying 4,000,000 rows peaked at 466 to "
        "574 MiB with it, at 466 to 472 without; below 122,880 rows nothing changes",
    )


def _canonical(name: str) -> str:
    """DuckDB's first name of a setting that has two; names are case-insensitive."""
    lower = name.lower()
    return _ALIASES.get(lower, lower)


def _rounded(size: float) -> int:
    """Down to whole MiB, where that takes less than a hundredth off."""
    return int(size) // MIB * MIB if size >= 100 * MIB else int(size)


def _size(size: int) -> SettingValue:
    """Bytes as DuckDB reads them back exactly."""
    return f"{size // MIB}MiB" if size % MIB == 0 else f"{size}B"


def _mib(size: int) -> str:
    return f"{size / MIB:,.0f}"
