"""A script that was written for the reference guide runs with its import changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from planwise import create_optimized_multi_year_engine
from planwise.errors import ConfigError, PlanwiseError, ProjectError, UsageError
from planwise.results import PhaseRecord

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import json
import pyarrow as pa
from planwise import create_optimization_engine, create_optimized_multi_year_engine

engine = create_optimization_engine(pool_size=8, enable_monitoring=True)
with engine.connection_pool.get_connection() as conn:
    conn.execute("SET threads = 12")
table_or_dataframe = pa.table({"employee_id": ["a", "b"], "pay": [1.5, None]})
result = engine.compress_and_cache_state("custom_state", table_or_dataframe)
assert engine.restore_cached_state("custom_state").equals(table_or_dataframe)

baseline_metrics = {"foundation_setup": 3600000, "year_processing": 3600000,
                    "total_simulation": 36000000}
sim = create_optimized_multi_year_engine(
    dbt_project_path="dbt", simulation_years=[2024, 2025, 2026], baseline_metrics=baseline_metrics
)
with sim.optimized_simulation_context():
    results = sim.execute_multi_year_simulation_optimized()
print(json.dumps(results, default=str))
"""


def test_the_script_of_the_guide_runs(tmp_path: Path) -> None:
    (tmp_path / "dbt").symlink_to(ROOT / "dbt")
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if not k.startswith(("DUCKDB_", "DBT_"))},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert results["years"] == [2024, 2025, 2026]
    assert results["success_rate"] == 1
    assert results["synthetic_census"] == 10_000
    assert [row["closing"] for row in results["headcount"]] == [10_300, 10_609, 10_927]
    assert results["baseline"]["kind"] == "configured"
    assert results["improvement"]["class"] == "achieved"
    assert all(phase["improvement"]["percent"] > 99 for phase in results["year_phases"])
    assert Path(results["database"]) == tmp_path / "output" / "simulation.duckdb"
    assert (tmp_path / "output" / "simulation.duckdb").is_file()


class Listener:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.phases: list[str] = []
        self.models = 0
        self.notes: list[str] = []

    def phase_started(self, name: str, year: int | None, models: int) -> None:
        """Nothing to keep."""

    def models_finished(self, count: int) -> None:
        """Count them."""
        self.models += count

    def phase_finished(self, record: PhaseRecord) -> None:
        """Keep the name."""
        self.phases.append(record.name)

    def note(self, text: str) -> None:
        """Keep the line."""
        self.notes.append(text)


def test_arguments_reach_the_run(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("census:\n  synthetic:\n    employees: 60\n")
    listener = Listener()
    sim = create_optimized_multi_year_engine(
        ROOT / "dbt",
        [2025],
        config_path=tmp_path / "c.yaml",
        database_path=tmp_path / "a.duckdb",
        pool_size=2,
        seed=7,
        enable_compression=False,
        observer=listener,
    )
    results = sim.execute_multi_year_simulation_optimized()
    assert results["baseline"] is None
    assert results["improvement"] is None
    assert results["plugins"]["compression"] is False
    assert results["year_phases"][0]["checkpoint"]["codec"] == "arrow"
    assert results["headcount"][0]["opening"] == 60
    assert listener.phases == ["foundation", "year 2025"]
    executed = [m for p in (results["foundation"], *results["year_phases"]) for m in p["models"]]
    assert listener.models == len(executed)
    assert any("60 synthetic people" in note for note in listener.notes)


@pytest.mark.parametrize("years", [[], [2026, 2025], [2025, 2025], [2025, 2027], [1800]])
def test_wrong_years_are_an_error(years: Sequence[int], tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        create_optimized_multi_year_engine(ROOT / "dbt", years, database_path=tmp_path / "a.duckdb")


def test_wrong_arguments_are_errors_and_nothing_is_written(tmp_path: Path) -> None:
    database = tmp_path / "a.duckdb"
    with pytest.raises(UsageError, match="total_simulation"):
        create_optimized_multi_year_engine(
            ROOT / "dbt", [2025], baseline_metrics={"total_simulation": -1}
        )
    with pytest.raises(UsageError, match="totl_simulation"):
        create_optimized_multi_year_engine(
            ROOT / "dbt", [2025], baseline_metrics={"totl_simulation": 1}
        )
    with pytest.raises(UsageError, match="pool_size"):
        create_optimized_multi_year_engine(ROOT / "dbt", [2025], pool_size=0)
    with pytest.raises(ConfigError, match=r"nowhere\.yaml"):
        create_optimized_multi_year_engine(config_path=tmp_path / "nowhere.yaml")
    nowhere = create_optimized_multi_year_engine(
        tmp_path / "nowhere", [2025], database_path=database
    )
    with (
        pytest.raises(ProjectError, match=r"no dbt_project\.yml"),
        nowhere.optimized_simulation_context(),
    ):
        raise AssertionError("a project that is not there was accepted")
    unread = create_optimized_multi_year_engine(
        ROOT / "dbt", [2025], census_path=tmp_path / "nowhere.csv", database_path=database
    )
    with pytest.raises(PlanwiseError, match=r"nowhere\.csv"):
        unread.execute_multi_year_simulation_optimized()
    assert not database.exists()
    assert json.dumps([path.name for path in tmp_path.iterdir()]) == '["a.duckdb.planwise"]'
