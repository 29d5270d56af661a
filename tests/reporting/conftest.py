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
