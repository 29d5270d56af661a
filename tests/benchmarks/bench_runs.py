"""Arms that are small programs, and the benchmarks as processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from planwise.bench.arms import Arm
from planwise.bench.job import WHOLE, Job, Place, Step, database_of

ROOT = Path(__file__).resolve().parents[2]
JOB = Job(Path("/census.csv"), "2024-12-31", (2025, 2026), Path("/dbt"), Path("/c.yaml"), 4)


def scripted(name: str, code: str, **more: Any) -> Arm:
    """An arm that is a Python program, which finds its database as its argument."""

    def steps(_job: Job, where: Place) -> list[Step]:
        command = (sys.executable, "-c", code, str(database_of(where.folder)))
        return [Step(WHOLE, command, {})]

    return Arm(name, steps, **more)


TABLE = "import sys, duckdb; duckdb.connect(sys.argv[1]).execute('create table t as select 1 as a')"


def bench(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "planwise.cli.main", "bench", *words, "--scratch", "scratch"]
    (cwd / "scratch").mkdir(exist_ok=True)
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert list((cwd / "scratch").iterdir()) == []
    return done
