"""A process that simulates many years, and tells after each of them what it holds.

A configuration ends at the year 2200: more years than there are until then are several runs, one
after the other, which a process that uses the Python API may well do.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import attrs
from attrs import frozen
from killing import environment

from planwise.config import load_config
from planwise.engine import QuietObserver
from planwise.results import PhaseRecord
from planwise.simulation import Simulation
from planwise.simulation_options import SimulationOptions

_FIRST, _LAST = 2025, 2200
_PAGE = os.sysconf("SC_PAGE_SIZE")
_KEPT = {"checkpoints", "cache"}
"""Folders that hold something of every year, as they should."""


@frozen
class Sample:
    """What the process holds when a year is finished and stored.

    Attributes:
        run: the number of the run.
        year: the year.
        resident_bytes: its resident size, once Python has collected what is unreachable.
        database_bytes: the size of the database file.
        threads: all threads, DuckDB's too.
        descriptors: open file descriptors.
        files: files in the run's folder and in that for temporary files.
        cpu_s: CPU time of the process so far.
    """

    run: int
    year: int
    resident_bytes: int
    database_bytes: int
    threads: int
    descriptors: int
    files: int
    cpu_s: float


@frozen
class Held:
    """What a process held.

    Attributes:
        samples: after each year.
        left: what was still open or running when all was done, and what lay about on the disk.
    """

    samples: tuple[Sample, ...]
    left: tuple[str, ...]


def long_run(folder: Path, project: Path, years: int, *, without: Sequence[str] = ()) -> Held:
    """Simulate in a process of its own.

    Args:
        folder: for everything; empty.
        project: the dbt project.
        years: how many.
        without: plugins that are off.
    """
    (folder / "temporary").mkdir()
    done = subprocess.run(
        [sys.executable, __file__, str(folder), str(project), str(years), *without],
        # The short threads of a run get arenas of their own from glibc, up to eight a core, and it
        # takes decades until their gaps are as many as they will be. That is no growth.
        env={**environment(), "TMPDIR": str(folder / "temporary"), "MALLOC_ARENA_MAX": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((folder / "held.json").read_text())
    return Held(tuple(Sample(**each) for each in told["samples"]), tuple(told["left"]))


class _Watch(QuietObserver):
    """Takes a sample when a year is finished."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.samples: list[Sample] = []
        self.simulation: Simulation | None = None
        self.run = 0

    def phase_finished(self, record: PhaseRecord) -> None:
        assert self.simulation is not None
        if record.year is None:
            return
        gc.collect()
        self.samples.append(
            Sample(
                run=self.run,
                year=record.year,
                resident_bytes=int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE,
                database_bytes=self.simulation.files.building_database.stat().st_size,
                threads=len(list(Path("/proc/self/task").iterdir())),
                descriptors=len(list(Path("/proc/self/fd").iterdir())),
                files=_files(self._folder),
                cpu_s=sum(os.times()[:2]),
            )
        )


def _files(folder: Path) -> int:
    """Files in the folders that should not fill."""
    count = 0
    for _, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if each not in _KEPT]
        count += len(names)
    return count


def _left(folder: Path) -> list[str]:
    """Threads, open files and temporary files that nobody should need any more."""
    for each in threading.enumerate():
        if each.name == "planwise-limits":
            each.join(60)  # it goes when it has looked twice and no plugin was called
    threads = [each.name for each in threading.enumerate() if each is not threading.main_thread()]
    links = list(Path("/proc/self/fd").iterdir())
    targets = [str(each.readlink()) for each in links if each.is_symlink()]
    lying = [
        str(path)
        for path in folder.rglob("*")
        if path.name.startswith(".")
        or path.suffix in (".tmp", ".wal", ".lock")
        or path.name == "building"
        or path.parent.name == "temporary"
    ]
    return [*threads, *(each for each in targets if each.startswith(str(folder))), *lying]


def _main(folder: Path, project: Path, years: int, *without: str) -> None:
    runs = -(-years // (_LAST - _FIRST + 1))
    watch = _Watch(folder)
    config = folder / "config.yaml"
    for number in range(runs):
        share = years // runs + (number < years % runs)
        config.write_text(
            f"simulation: {{start_year: {_FIRST}, end_year: {_FIRST + share - 1}}}\n"
            # As many people in the last year as in the first.
            "census: {synthetic: {employees: 60}}\n"
            "workforce: {growth_rate: 0}\n"
        )
        options = SimulationOptions(
            load_config(config),
            project,
            folder / "simulation.duckdb",
            toggles=dict.fromkeys(without, False),
            cache=folder / "cache",
        )
        watch.run, watch.simulation = number, Simulation(options, watch)
        watch.simulation.run()
        watch.simulation = None
    told = {"samples": [attrs.asdict(each) for each in watch.samples], "left": _left(folder)}
    (folder / "held.json").write_text(json.dumps(told))


if __name__ == "__main__":
    _main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
