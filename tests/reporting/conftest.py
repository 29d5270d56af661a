"""One real run of two scenarios, and its report."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest
from reporting_runs import CONFIG, HOSTILE, RICH, planwise


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of two scenarios, and its report."""
    place = tmp_path_factory.mktemp("reported")
    (place / "config" / "scenarios").mkdir(parents=True)
    (place / "config" / "simulation_config.yaml").write_text(CONFIG, encoding="utf-8")
    (place / "config" / "scenarios" / "rich.yaml").write_text(RICH, encoding="utf-8")
    steps: Sequence[Sequence[str]] = (
        ("census", "generate", "--employees", "300", "--output", "census.csv"),
        ("simulate", "--census", "census.csv", "--scenario", "baseline", "rich"),
        ("report",),
    )
    for words in steps:
        done = planwise(*words, cwd=place)
        assert (done.returncode, done.stderr) == (0, "")
    assert "written" in done.stdout
    return place


@pytest.fixture(scope="session")
def database(folder: Path) -> Path:
    """The result; not to be written to."""
    return folder / "output" / "simulation.duckdb"


@pytest.fixture(scope="session")
def page(folder: Path) -> str:
    """Its report."""
    return (folder / "output" / "simulation.report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def broken(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run, and a later one with a model that fails in its second year."""
    place = tmp_path_factory.mktemp("broken") / "here"
    shutil.copytree(folder, place)
    project = Path(__file__).resolve().parents[2] / "dbt"
    shutil.copytree(project, place / "dbt", ignore=shutil.ignore_patterns("target", "logs"))
    model = place / "dbt" / "models" / "year" / "int_hires.sql"
    fails = "select error('<b>no</b> such year: {{ var(\"simulation_year\") }}') from range(1)"
    text = model.read_text(encoding="utf-8")
    only = "{% if var('simulation_year') | int == 2026 %}" + fails + "{% else %}"
    model.write_text(f"{only}\n{text}\n{{% endif %}}\n", encoding="utf-8")
    words = ("simulate", "--census", "census.csv", "--scenario", "baseline", "rich")
    words += ("--metrics", "metrics.jsonl", "--profile")
    done = planwise(*words, "--dbt-project", "dbt", cwd=place)
    assert done.returncode == 1, done.stdout + done.stderr
    (place / "said.txt").write_text(done.stdout, encoding="utf-8")
    (place / "error.txt").write_text(done.stderr, encoding="utf-8")
    return place


@pytest.fixture
def copied(database: Path, tmp_path: Path) -> Path:
    """A copy of the run with all that is beside it, to be changed."""
    place = tmp_path / "copied"
    place.mkdir()
    for name in (database.name, f"{database.name}.planwise"):
        source = database.with_name(name)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, place / name)
    return place / database.name


@pytest.fixture
def hostile(copied: Path) -> Path:
    """A run whose scenarios have names that no configuration takes, but a database does."""
    with duckdb.connect(str(copied)) as connection:
        for table in ("fct_headcount", "fct_plan_cost", "dim_scenario"):
            for old, new in zip(("baseline", "rich"), HOSTILE, strict=True):
                connection.execute(
                    f"update {table} set scenario_id = ? where scenario_id = ?", [new, old]
                )
    record = copied.with_name(f"{copied.name}.planwise") / "run.json"
    text = record.read_text(encoding="utf-8")
    assert '"name": "int_hires"' in text
    record.write_text(
        text.replace('"name": "int_hires"', '"name": "</script><img src=y>"').replace(
            "census.csv", "<b>\\ud800</b>.csv"
        ),
        encoding="utf-8",
    )
    return copied
