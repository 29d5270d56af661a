"""Runs that are killed again and again, and what has to hold of them at the end."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from attrs import define, field, frozen

from planwise.run_files import RunFiles
from planwise.runs.manifest import read_manifest
from planwise.warehouse.digests import TableDigest, database_digests
from planwise.warehouse.ledger import YEARS as LEDGER
from planwise.warehouse.lock import lock_file
from planwise.warehouse.opening import reading

COMMAND = [sys.executable, "-m", "planwise.cli.main", "simulate"]
YEARS = [2025, 2026, 2027]
_MOST_STARTS = 400


@frozen
class Clean:
    """A clean run.

    Attributes:
        arguments: of ``planwise simulate``, but for the database.
        digests: of every table.
        wall_s: of the whole process, its caches filled.
    """

    arguments: list[str]
    digests: Mapping[str, TableDigest]
    wall_s: float


def environment() -> dict[str, str]:
    """The environment of the tests without what would change a run."""
    own = ("DUCKDB_", "DBT_", "PLANWISE_")
    return {key: value for key, value in os.environ.items() if not key.startswith(own)}


def digests_of(database: Path) -> Mapping[str, TableDigest]:
    """The digest of every table."""
    with reading(database) as connection:
        return database_digests(connection)


def only_line(errors: str) -> str:
    """The one line that a failed process says why it failed; anything else is a bug."""
    lines = errors.strip().splitlines()
    assert len(lines) == 1, errors
    assert lines[0].startswith("planwise: "), errors
    return lines[0]


@define
class KilledRun:
    """One run, resumed until it is complete.

    Attributes:
        folder: where it is; empty at first.
        arguments: of ``planwise simulate``, but for the database.
        seed: of the moments.
        longest_s: the latest moment.
        kills: how many processes a signal has ended so far.
        codes: the exit codes of those that were ended by one that can be heard.
    """

    folder: Path
    arguments: list[str]
    seed: int
    longest_s: float
    kills: int = 0
    codes: list[int] = field(factory=list)

    @property
    def database(self) -> Path:
        """The result."""
        return self.folder / "simulation.duckdb"

    def start(self, *more: str) -> subprocess.Popen[str]:
        """A process that goes on with the run."""
        return subprocess.Popen(
            [*COMMAND, *self.arguments, "--database", str(self.database), *more],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Ctrl-C reaches it even where the tests themselves run in the background.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  # no lock is taken in it
        )

    def finished(self) -> set[int]:
        """The years that are finished for sure: the manifest says so."""
        manifest = read_manifest(RunFiles(self.database.resolve()).building)
        return set(manifest.finished) if manifest is not None else set()

    def complete(self, number: int = signal.SIGKILL, *, most_kills: int | None = None) -> None:
        """Kill and resume until it is complete; no finished year is run again."""
        moments = random.Random(self.seed)  # noqa: S311  # no secret
        for _ in range(_MOST_STARTS):
            before = self.finished()
            process = self.start("--resume")
            if most_kills is None or self.kills < most_kills:
                time.sleep(moments.uniform(0.0, self.longest_s))
                if process.poll() is None:
                    process.send_signal(number)
                    self.kills += 1
            output, _ = process.communicate(timeout=120)
            again = {year for year in before if f"\nyear {year}" in output}
            assert not again, (self.seed, before, output)
            if process.returncode == 0:
                return
            if process.returncode > 0:
                self.codes.append(process.returncode)
                expected = {signal.SIGINT: 130, signal.SIGTERM: 143}.get(signal.Signals(number))
                assert process.returncode == expected, (self.seed, output)
        raise AssertionError(f"not complete after {_MOST_STARTS} starts")

    def check(self, expected: Mapping[str, TableDigest], years: list[int]) -> None:
        """Hold the result against that of a run that nobody disturbed."""
        assert digests_of(self.database) == expected, self.seed
        with reading(self.database) as connection:
            rows = connection.execute(
                f"select simulation_year, count(*) from {LEDGER} group by all order by all"
            ).fetchall()
        assert rows == [(year, 1) for year in years]
        assert not lock_file(self.database).exists()
        work = RunFiles(self.database.resolve())
        assert not work.building.exists()
