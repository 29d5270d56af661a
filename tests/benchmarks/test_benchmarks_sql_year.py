"""The cost of a year's SQL, small: real processes, and the tables that planwise itself gives."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from planwise.warehouse.digests import database_digests

ROOT = Path(__file__).resolve().parents[2]
WORDS = ["--employees", "100", "--years", "2025-2026"]


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_the_bare_sql_gives_what_planwise_gives(tmp_path: Path) -> None:
    script = str(ROOT / "benchmarks" / "sql_year.py")
    kept = ["--database", "simulation.duckdb", "--output", "found.json", "--scratch", "."]
    done = run(script, *WORDS, "--rounds", "1", *kept, "--bound", "0.001", folder=tmp_path)
    assert done.returncode == 1, done.stderr  # no year is that cheap
    assert "more than 0.001" in done.stdout
    found = json.loads((tmp_path / "found.json").read_text())
    (times,) = found["rounds"]
    for year in ("2025", "2026"):
        assert times[year]["people"] > 100
        assert set(times[year]["models_s"]) >= {"fct_yearly_events", "check_year"}
        spent = sum(times[year]["models_s"].values())
        with_commit = (spent + times[year]["commit_s"]) / times[year]["copy_s"]
        bare = spent / times[year]["bare_copy_s"]
        assert found["ratios"][year] == pytest.approx([with_commit, bare])

    planwise = ("-m", "planwise.cli.main")
    census = ["--census-date", "2024-12-31", "--output", "census.csv"]
    made = run(
        *planwise,
        "census",
        "generate",
        "--employees",
        "100",
        "--seed",
        "42",
        *census,
        folder=tmp_path,
    )
    assert made.returncode == 0, made.stderr
    config = ["--config", str(ROOT / "config" / "simulation_config.yaml")]
    config += ["--dbt-project", str(ROOT / "dbt"), "--database", "run.duckdb"]
    whole = run(
        *planwise, "simulate", "--census", "census.csv", *WORDS[2:], *config, folder=tmp_path
    )
    assert whole.returncode == 0, whole.stderr
    tables = []
    for name in ("simulation.duckdb", "run.duckdb"):
        with duckdb.connect(str(tmp_path / name), read_only=True) as connection:
            digests = database_digests(connection)
        tables.append({n: d for n, d in digests.items() if n.startswith(("main.fct_", "main.ch"))})
    assert tables[0] == tables[1]
