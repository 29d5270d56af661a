"""One writer: planwise gives way to whoever has the database, and names them."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import duckdb
from cli_runs import YEARS, planwise, read_until, refused, results, start

HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=len(sys.argv) > 2)
print("open", flush=True)
sys.stdin.read()
"""


def hold(*arguments: str | Path) -> subprocess.Popen[str]:
    """A process that has a database open until its input ends."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "open\n"
    return holder


def test_another_duckdb_process_is_named(project: Path) -> None:
    file = project / "output" / "simulation.duckdb"
    before = results(project)
    for mode in ((), ("read",)):
        holder = hold(file, *mode)
        try:
            done = planwise("simulate", "--census", "census.csv", *YEARS, cwd=project)
            refused(done, 1, "simulation.duckdb", "another process", f"PID {holder.pid}")
            done = planwise(
                *("inputs", "--census", "census.csv", *YEARS, "--database", file), cwd=project
            )
            refused(done, 1, "another process", f"PID {holder.pid}")
        finally:
            holder.communicate("")
        assert results(project) == before


def test_another_planwise_is_named_and_not_disturbed(project: Path) -> None:
    # Without rendering ahead, so that it is still running when the others have started.
    first = start("simulate", "--census", "census.csv", *YEARS, "--no-precompile", cwd=project)
    try:
        read_until(first, "census ")
        for command in ("simulate", "inputs"):
            second = planwise(
                *(command, "--census", "census.csv", "--database", "output/simulation.duckdb"),
                cwd=project,
            )
            refused(second, 1, "another planwise", f"process {first.pid}", "--database")
        # A name beside it is another database, with a folder and a lock of its own.
        other = planwise(
            *("simulate", "--census", "census.csv", "--years", "2025"),
            *("--database", "output/simulation.db"),
            cwd=project,
        )
        assert (other.returncode, other.stderr) == (0, "")
        _, errors = first.communicate(timeout=60)
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert (first.returncode, errors) == (0, "")
    assert not list(project.rglob("*.lock"))
    for name, years in (("simulation.duckdb", 2), ("simulation.db", 1)):
        with duckdb.connect(str(project / "output" / name), read_only=True) as connection:
            rows = connection.execute("select count(*) from main.fct_headcount").fetchall()
        assert rows == [(years,)]
