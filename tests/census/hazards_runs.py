"""Two censuses of one employer with known hazards, and planwise as a process upon them."""

from __future__ import annotations

import csv
import datetime
import hashlib
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

COMMAND = [sys.executable, "-m", "planwise.cli.main"]
START, END = datetime.date(2024, 12, 31), datetime.date(2025, 12, 31)
Row = Mapping[str, str]

AGES = (("<25", 25), ("25-34", 35), ("35-44", 45), ("45-54", 55), ("55-64", 65), ("65+", 999))
TENURES = (("<2", 2), ("2-4", 5), ("5-9", 10), ("10-19", 20), ("20+", 999))
"""The default bands, with the bound that each ends before."""


def environment() -> dict[str, str]:
    """The environment of the tests without what would change a run."""
    own = ("DUCKDB_", "DBT_", "PLANWISE_")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    return {**clean, "COLUMNS": "200"}


def start(*words: str | Path, cwd: Path) -> subprocess.Popen[str]:
    """Start a command; Ctrl-C reaches it even where the tests run in the background."""
    return subprocess.Popen(
        [*COMMAND, *words],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  # no threads yet
    )


def planwise(*words: str | bytes | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *words],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


def completed_years(since: str, day: datetime.date) -> int:
    """As an employer counts them."""
    start = datetime.date.fromisoformat(since)
    return day.year - start.year - ((day.month, day.day) < (start.month, start.day))


def band(bands: Iterable[tuple[str, int]], years: int) -> str:
    return next(name for name, end in bands if years < end)


def uniform(name: str) -> float:
    """A draw of its own for each person, the same on every machine."""
    return (int(hashlib.sha256(name.encode()).hexdigest()[:12], 16) + 0.5) / 16**12


def read(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write(file: Path, rows: Iterable[Row]) -> None:
    rows = list(rows)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def those_who_stay(rows: Iterable[Row], hazard: Callable[[Row], float]) -> list[Row]:
    """People who are there after a year of a constant hazard each."""
    return [row for row in rows if uniform(row["employee_id"]) < math.exp(-hazard(row))]
