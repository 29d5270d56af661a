"""Plain dbt is the reference: processes in the project's folder, and the project's own tests."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import duckdb
from simulation_project import FACTS, PROJECT, dbt_year, reference_inputs, run_dbt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from simulation_project import Compiled, Simulation


def test_compiled_sql_gives_what_plain_dbt_gives(
    compiled: Compiled, simulate: Callable[..., Simulation]
) -> None:
    people, scenarios = reference_inputs()
    found = simulate(people, scenarios).facts()
    with duckdb.connect(str(compiled.database), read_only=True) as connection:
        for table in FACTS:
            rows = connection.execute(f"from main.{table} order by all").fetchall()
            assert rows == found[table]
            assert rows


def test_the_projects_own_tests_pass(compiled: Compiled) -> None:
    done = run_dbt(compiled.database.parent, "test")
    assert done.returncode == 0, done.stdout
    passed = re.search(r"PASS=(\d+) WARN=0 ERROR=0 SKIP=0", done.stdout)
    assert passed
    assert int(passed.group(1)) > 100


def test_a_violation_fails_the_run_of_plain_dbt(dbt_folder: Path) -> None:
    with duckdb.connect(str(dbt_folder / "simulation.duckdb")) as connection:
        connection.execute(
            "update main.fct_headcount set closing = closing + 1"
            " where scenario_id = 'baseline' and replicate_id = 1 and simulation_year = 2024"
        )
    done = dbt_year(dbt_folder, 2025)
    assert done.returncode == 1
    message = (
        "check_year failed for scenario baseline, replicate 1, year 2025: headcount_opening: 1"
    )
    assert message in done.stdout


def test_a_ledger_tampered_with_after_its_year_fails_the_tests_of_dbt(dbt_folder: Path) -> None:
    with duckdb.connect(str(dbt_folder / "simulation.duckdb")) as connection:
        connection.execute(
            "update main.fct_yearly_events set amount_after_cents = amount_after_cents + 1"
            " where simulation_year = 2024 and event_type = 'raise'"
        )
    done = run_dbt(dbt_folder, "test", "--select", "ledger_ends_where_the_snapshot_does")
    assert done.returncode == 1
    assert "FAIL=" in done.stdout or "ERROR=1" in done.stdout


def test_a_year_that_is_no_year_does_not_compile(dbt_folder: Path) -> None:
    text = '{"simulation_year": "2025 union select"}'
    done = run_dbt(dbt_folder, "run", "--select", "int_pay_band", "--vars", text)
    assert done.returncode == 1
    assert "simulation_year must be a whole number" in done.stdout


def test_every_model_column_and_tag_is_as_documented(compiled: Compiled) -> None:
    manifest = json.loads((compiled.database.parent / "target" / "manifest.json").read_text())
    models = [n for n in manifest["nodes"].values() if n["resource_type"] == "model"]
    assert all(len(set(m["tags"]) & {"foundation", "year"}) == 1 for m in models)
    assert {m["schema"] for m in models} == {"main"}
    with duckdb.connect(str(compiled.database), read_only=True) as connection:
        for m in models:
            assert m["description"], m["name"]
            assert all(column["description"] for column in m["columns"].values()), m["name"]
            if m["config"]["materialized"] != "ephemeral":
                found = [r[0] for r in connection.execute(f"describe main.{m['name']}").fetchall()]
                assert found == list(m["columns"]), m["name"]
                assert found[:2] == ["scenario_id", "replicate_id"]
        indexes = connection.execute("select count(*) from duckdb_indexes()").fetchone()
        constraints = connection.execute(
            "select count(*) from duckdb_constraints() where schema_name = 'main'"
        ).fetchone()
    assert (indexes, constraints) == ((0,), (0,))


def test_the_tables_that_only_their_own_year_reads_say_so(compiled: Compiled) -> None:
    manifest = json.loads((compiled.database.parent / "target" / "manifest.json").read_text())
    models = [n for n in manifest["nodes"].values() if n["resource_type"] == "model"]
    steps = {m["name"] for m in models if m["name"].startswith("int_")}
    passing = {
        m["name"]
        for m in models
        if m["config"]["meta"].get("planwise", {}).get("keep", True) is False
    }
    ephemeral = {m["name"] for m in models if m["config"]["materialized"] == "ephemeral"}
    assert passing == steps - ephemeral
    read_later = {source["name"] for source in manifest["sources"].values()}
    assert not passing & read_later


def test_the_year_is_the_only_var_and_no_draw_is_duckdbs_own() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in PROJECT.rglob("*.sql")}
    variables = {name for text in texts.values() for name in re.findall(r"var\(\s*'(\w+)'", text)}
    assert variables == {"simulation_year"}
    forbidden = re.compile(r"\b(hash|random|now|current_date|today)\s*\(", re.IGNORECASE)
    assert [str(path) for path, text in texts.items() if forbidden.search(text)] == []
    assert list(PROJECT.rglob("*.py")) == []
