"""A run in the user's own database that is killed: whole years stay, and it goes on after them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from project_runs import digests

FILES = {
    "dbt_project.yml": (
        "name: own\nversion: '1.0.0'\nconfig-version: 2\nprofile: own\n"
        "flags: {send_anonymous_usage_stats: false}\n"
    ),
    # Appends: a year that runs twice would be there twice.
    "models/told.sql": (
        "{{ config(materialized='incremental', incremental_strategy='append') }}\n"
        "select {{ var('simulation_year') }} as simulation_year, i from range(100000) t(i)"
    ),
    "models/counted.sql": (
        "select simulation_year, count(*) as n from {{ ref('told') }} group by all"
    ),
}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return tmp_path


def command(own: Path, database: Path, *more: str) -> list[str]:
    profile = {"own": {"target": "t", "outputs": {"t": {"type": "duckdb", "path": str(database)}}}}
    profiles = own / f"profiles-{database.stem}"
    profiles.mkdir(exist_ok=True)
    (profiles / "profiles.yml").write_text(json.dumps(profile))
    return [
        *(sys.executable, "-m", "planwise.cli.main", "simulate", "--dbt-project", str(own)),
        *("--profiles-dir", str(profiles), "--years", "2025-2028", *more),
    ]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    own = ("DUCKDB_", "DBT_", "PLANWISE_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=180)


@pytest.mark.parametrize("toggle", ["--precompile", "--no-precompile"])
def test_a_killed_run_goes_on_in_the_users_database(own: Path, toggle: str) -> None:
    clean, database = own / "clean.duckdb", own / "own.duckdb"
    done = run(*command(own, clean, toggle))
    assert (done.returncode, done.stderr) == (0, "")
    with subprocess.Popen(
        command(own, database, toggle), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("year 2026: "):
                process.send_signal(signal.SIGKILL)
                break
    with duckdb.connect(str(database)) as connection:
        there = connection.execute("from main.counted order by all").fetchall()
    assert there[:2] == [(2025, 100000), (2026, 100000)]
    assert all(rows == 100000 for _, rows in there)
    resumed = run(*command(own, database, toggle, "--resume"))
    assert (resumed.returncode, resumed.stderr) == (0, "")
    assert "resumed after 202" in resumed.stdout
    assert digests(database) == digests(clean)
    again = run(*command(own, database, toggle, "--resume"))
    assert again.returncode == 0
    assert "nothing to resume" in again.stderr


def test_a_database_of_the_user_is_never_made_anew(own: Path) -> None:
    database = own / "own.duckdb"
    words = command(own, database)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("year 2026: "):
                process.send_signal(signal.SIGKILL)
                break
    database.unlink()
    refused = run(*words, "--resume")
    assert refused.returncode == 1
    assert "cannot be resumed: it is gone; start anew without --resume" in refused.stderr
    assert not database.exists()


def test_a_script_of_the_project_is_run_and_part_of_what_a_run_is_made_from(own: Path) -> None:
    script = own / "scripts" / "noted.sql"
    script.parent.mkdir()
    script.write_text(
        "create table if not exists noted (y integer);\ninsert into noted values ($simulation_year)"
    )
    (own / "planwise.yaml").write_text(
        "year:\n  - sql: scripts/noted.sql\n  - select: [told, counted]\n"
    )
    database = own / "own.duckdb"
    words = command(own, database)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("year 2026: "):
                process.send_signal(signal.SIGKILL)
                break
    text = script.read_text()
    script.write_text(text + ";\n-- changed")
    refused = run(*words, "--resume")
    assert refused.returncode == 2
    assert "cannot be resumed: scripts/noted.sql has changed" in refused.stderr
    script.write_text(text)
    resumed = run(*words, "--resume")
    assert (resumed.returncode, resumed.stderr) == (0, "")
    with duckdb.connect(str(database), read_only=True) as connection:
        noted = connection.execute("from noted order by all").fetchall()
    assert noted == [(2025,), (2026,), (2027,), (2028,)]


def test_a_table_of_metrics_that_is_somebody_elses_is_a_warning(own: Path) -> None:
    """One of an older planwise gets what it lacks."""
    database = own / "own.duckdb"
    words = command(own, database, "--years", "2025")
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema planwise")
        connection.execute("create table planwise.planwise_metrics as select 'x' as name")
    done = run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert "warning" not in done.stdout
    with duckdb.connect(str(database)) as connection:
        kinds = "select kind from planwise.planwise_metrics order by number nulls first"
        assert connection.execute(kinds).fetchall()[::100] == [(None,)]
        assert connection.execute(kinds).fetchall()[-1] == ("run",)
        connection.execute(
            "create or replace table planwise.planwise_metrics as select date '2025-01-01' as name"
        )
    done = run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = (each for each in done.stdout.splitlines() if each.startswith("warning"))
    assert "its table planwise.planwise_metrics is not as planwise makes it (" in line
    assert line.endswith("; rename or drop it, and the next run makes one")
    with duckdb.connect(str(database)) as connection:
        ends = connection.execute("select finished_at from planwise.planwise_runs").fetchall()
        assert len(ends) == 2
        assert (None,) not in ends
        connection.execute("alter table planwise.planwise_metrics rename to mine")
    done = run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert "warning" not in done.stdout
    with duckdb.connect(str(database), read_only=True) as connection:
        assert connection.execute("from planwise.mine").fetchall()[1:] == []
        assert len(connection.execute("from planwise.planwise_metrics").fetchall()) > 3
