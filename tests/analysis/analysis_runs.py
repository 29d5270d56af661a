"""A small employer with odd people in it, simulated under two scenarios; and running planwise."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
import zipfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from planwise.cli.main import main

COMMAND = [sys.executable, "-m", "planwise.cli.main"]
YEARS = (2025, 2026, 2027)
SSN = "219-09-9999"
FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "#N/A", "#REF!")
"""Departments that a spreadsheet would run, or take for something else than text."""

CONFIG = "simulation:\n  start_year: 2025\n  end_year: 2027\n"
RICH = """\
description: more for everybody
plan:
  match_formula: tiered
  core_formula: integrated
  core_rate: 0.03
  core_excess_rate: 0.02
  auto_enrollment_scope: all_eligible
  auto_enrollment_rate: 0.06
  forfeiture_policy: reallocate
  opt_out_window_days: 45
"""
ODD = {
    # id: born, hired, pay, deferral, hours
    "TOP": (date(1972, 5, 5), date(2010, 1, 1), 640_000, "0.15", 40),
    "SIXTY": (date(1964, 7, 1), date(2000, 3, 1), 400_000, "0.10", 40),
    "PART": (date(1990, 2, 28), date(2018, 6, 1), 60_000, "0.05", 10),
    "O'Brien; drop table x": (date(1985, 2, 28), date(2015, 1, 1), 70_000, "0.04", 40),
    "-17": (date(1980, 1, 1), date(2012, 1, 1), 90_000, "", 40),
    "=1+1": (date(1992, 2, 29), date(2020, 2, 29), 80_000, "0", 40),
    "日本": (date(1960, 1, 1), date(1999, 12, 31), 120_000, "0.12", 40),
}


def write_census(file: Path) -> None:
    """120 people of all ages and levels, and the odd ones; each has an SSN."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(
            [
                *("employee_id", "birth_date", "hire_date", "annual_compensation"),
                *("deferral_rate", "scheduled_hours_per_week", "department", "ssn"),
            ]
        )
        for n in range(120):
            born = date(1960, 1, 1) + timedelta(days=n * 127)
            hired = date(2024, 12, 1) - timedelta(days=(n * 61) % 3000)
            rate = ("", "0", "0.03", "0.06")[n % 4]
            department = FORMULAS[n % len(FORMULAS)] if n % 5 == 0 else f"D{n % 7}"
            writer.writerow(
                (f"E{n:04}", born, hired, 45_000 + n * 2_500, rate, 40, department, SSN)
            )
        for name, (born, hired, pay, rate, hours) in ODD.items():
            writer.writerow((name, born, hired, pay, rate, hours, 'odd, "one"\nline', SSN))


def run_planwise(
    *arguments: str | Path, cwd: Path, **more: Any
) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of its own, to its end."""
    return subprocess.run(
        [*COMMAND, *(str(word) for word in arguments)],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        **more,
    )


def start_planwise(*arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
    """Start a command that Ctrl-C reaches, also where the tests run in the background."""
    return subprocess.Popen(
        [*COMMAND, *(str(word) for word in arguments)],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  # no threads yet
    )


def environment() -> dict[str, str]:
    own = ("DUCKDB_", "DBT_", "PLANWISE_")
    return {key: value for key, value in os.environ.items() if not key.startswith(own)}


def called(capsys: Any, *arguments: str | Path) -> tuple[int, str, str]:
    """Run a command in this process: exit code, output, errors."""
    code = main([str(word) for word in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def refused(capsys: Any, code: int, words: tuple[str, ...], *arguments: str | Path) -> None:
    """Hold a failure to what is promised: its code and one line with these words."""
    got, _, error = called(capsys, *arguments)
    assert "Traceback" not in error, error
    assert got == code, (got, error)
    assert error.startswith("planwise: "), error
    assert len(error.splitlines()) == 1, error
    for word in words:
        assert word in error, (word, error)


def contents(file: Path) -> bytes:
    """Everything in a file; of a workbook, what is packed in it."""
    if file.suffix != ".xlsx":
        return file.read_bytes()
    packed = io.BytesIO(file.read_bytes())
    with zipfile.ZipFile(packed) as archive:
        return b"\n".join(archive.read(name) for name in archive.namelist())
