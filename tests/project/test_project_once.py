"""A project that does not read the year: one step is all of it, unless somebody asks for more."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from corpus_runs import PLANWISE, QUIET
from database_contents import contents, differences
from project_runs import PROJECTS

from planwise.warehouse.opening import reading


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return shutil.copytree(PROJECTS / "once", tmp_path / "project")


def run(project: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PLANWISE, "simulate", "--dbt-project", project, "--profiles-dir", project, *flags],
        env=os.environ | {"PROJECT_DATABASE": str(project.parent / "a.duckdb")},
        cwd=project.parent,
        capture_output=True,
        text=True,
    )


def people(database: Path) -> int:
    with reading(database) as connection:
        return int(connection.execute("select count(*) from gathered").fetchall()[0][0])


def test_it_runs_once_as_plain_dbt_does(project: Path, tmp_path: Path) -> None:
    cold = run(project, "--output", "r.json", "--cache-dir", "cache")
    assert cold.returncode == 0, cold.stderr
    assert "nothing reads the var simulation_year: the project runs once" in cold.stdout
    results = json.loads((tmp_path / "r.json").read_text())
    assert len(results["years"]) == len(results["year_phases"]) == 1
    assert results["success_rate"] == 1
    plain = tmp_path / "plain" / "a.duckdb"
    plain.parent.mkdir()
    subprocess.run(
        [
            *(PLANWISE.with_name("dbt"), *QUIET, "build"),
            *("--project-dir", project, "--profiles-dir", project),
            *("--target-path", tmp_path / "target"),
        ],
        env=os.environ | {"PROJECT_DATABASE": str(plain)},
        check=True,
    )
    assert differences(contents(plain), contents(tmp_path / "a.duckdb")) == {}
    warm = run(project, "--cache-dir", "cache")
    assert warm.returncode == 0, warm.stderr
    assert "the project runs once" in warm.stdout
    assert differences(contents(plain), contents(tmp_path / "a.duckdb")) == {}


def test_a_dry_run_says_so_and_a_configuration_without_years_asks_for_none(
    project: Path, tmp_path: Path
) -> None:
    (tmp_path / "c.yaml").write_text("performance:\n  pool_size: 2\n")
    done = run(project, "--config", "c.yaml", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "the project runs once" in done.stdout
    assert len(done.stdout.partition("years: ")[2].splitlines()[0].split()) == 1


@pytest.mark.parametrize(
    ("flags", "years"),
    [(("--years", "2025-2027"), 3), (("--config", "c.yaml"), 2)],
)
def test_years_that_are_asked_for_are_run(
    project: Path, tmp_path: Path, flags: tuple[str, ...], years: int
) -> None:
    (tmp_path / "c.yaml").write_text("simulation: {start_year: 2025, end_year: 2026}\n")
    done = run(project, *flags)
    assert done.returncode == 0, done.stderr
    assert "runs once" not in done.stdout
    assert people(tmp_path / "a.duckdb") == 2 * years


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("models/more.sql", "select {{ var('simulation_year') }} as y"),
        ("models/more.sql", "select {{ var('simulation' ~ '_year') }} as y"),
        (
            "models/more.sql",
            "{{ config(post_hook=\"select {{ var('simulation_year') }}\") }} select 1 as a",
        ),
        (
            "models/more.yml",
            "sources: [{name: main, tables: [{name: gathered}]}]",
        ),
        ("macros/more.sql", "{% macro year() %}{{ var('simulation_year') }}{% endmacro %}"),
        (
            "models/more.yml",
            "models: [{name: painted, meta: {y: \"{{ var('simulation_year') }}\"}}]",
        ),
    ],
)
def test_whatever_may_read_the_year_is_run_for_each(
    project: Path, tmp_path: Path, file: str, text: str
) -> None:
    (project / file).parent.mkdir(exist_ok=True)
    (project / file).write_text(text)
    done = run(project, "--output", "r.json")
    assert done.returncode == 0, done.stderr
    assert "runs once" not in done.stdout
    assert len(json.loads((tmp_path / "r.json").read_text())["years"]) > 1
