"""What each command does when all is well."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from cli_runs import YEARS, planwise, refused, tree

from planwise import __version__

BUILT_IN = ["batching", "compression", "monitoring", "tuning"]


def test_help_and_version(tmp_path: Path) -> None:
    done = planwise("--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("simulate", "validate", "plugins", "digest", "census", "inputs", "exit codes"):
        assert word in done.stdout
    assert planwise("--version", cwd=tmp_path).stdout == f"planwise {__version__}\n"
    for command in (("simulate",), ("validate",), ("digest",), ("census", "generate"), ("inputs",)):
        done = planwise(*command, "--help", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"usage: planwise {' '.join(command)}")
    flags = planwise("simulate", "--help", cwd=tmp_path).stdout
    for name in BUILT_IN:
        assert f"--{name}, --no-{name}" in flags


def test_without_a_command_the_help_is_shown_and_the_code_says_usage(tmp_path: Path) -> None:
    done = planwise(cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout == planwise("--help", cwd=tmp_path).stdout


def test_plugins_lists_hooks_distribution_and_toggle(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("plugins:\n  tuning:\n    enabled: false\n")
    done = planwise("plugins", "--json", "--config", "c.yaml", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert set(BUILT_IN) <= set(rows)
    assert {name: rows[name]["enabled"] for name in BUILT_IN} == {
        name: name != "tuning" for name in BUILT_IN
    }
    assert rows["tuning"]["hooks"] is None  # it is off, and so not loaded
    for name, hook in (
        ("batching", "plan_batches"),
        ("compression", "restore_state"),
        ("monitoring", "record_metric"),
    ):
        assert hook in rows[name]["hooks"]
        assert rows[name]["distribution"] == f"planwise {__version__}"
    text = planwise("plugins", "--config", "c.yaml", cwd=tmp_path)
    assert (text.returncode, text.stderr) == (0, "")
    lines = {line.split()[0]: line for line in text.stdout.splitlines()[1:]}
    assert lines["tuning"].split()[1] == "off"
    assert lines["tuning"].rstrip().endswith("not loaded")
    assert lines["batching"].split()[1] == "on"
    assert "plan_batches" in lines["batching"]


def test_validate_says_that_all_is_well_and_writes_nothing(project: Path) -> None:
    before = tree(project)
    done = planwise("validate", "--census", "census.csv", *YEARS, cwd=project)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    marks = {
        line.split()[1]: line.split()[0] for line in done.stdout.splitlines() if line[0] != " "
    }
    assert marks == dict.fromkeys(
        ("dependencies", "config", "disk", "memory", "plugins", "scenarios", "census", "project"),
        "ok",
    )
    assert "200 people" in done.stdout
    assert tree(project) == before


@pytest.mark.parametrize(
    ("arguments", "failing", "word"),
    [
        (("--census", "nowhere.csv"), {"census"}, "nowhere.csv"),
        (("--dbt-project", "nowhere"), {"plugins", "census", "project"}, "--dbt-project"),
        (("--config", "bad.yaml"), {"config"}, "did you mean growth_rate"),
        (("--years", "2026", "2025"), {"config"}, "ascend"),
        (("--database", "/proc/x.duckdb"), {"disk"}, "--database"),
    ],
)
def test_validate_names_what_fails_and_what_to_do(
    project: Path, arguments: tuple[str, ...], failing: set[str], word: str
) -> None:
    (project / "bad.yaml").write_text("workforce:\n  grwth_rate: 1\n")
    done = planwise("validate", "--census", "census.csv", *YEARS, *arguments, cwd=project)
    assert (done.returncode, done.stderr) == (1, "")
    failed = {line.split()[1]: line for line in done.stdout.splitlines() if line[:4] == "FAIL"}
    assert set(failed) <= failing
    assert failed
    assert word in "".join(failed.values())


def test_digest_is_json_and_knows_no_order(tmp_path: Path) -> None:
    rows = [(i, None if i % 7 == 0 else f"ä{i % 5}", i / 3) for i in range(1000)]
    printed = []
    for name, ordered in (("a.duckdb", rows), ("b.duckdb", rows[::-1]), ("c.duckdb", rows[1:])):
        with duckdb.connect(str(tmp_path / name)) as connection:
            connection.execute("create schema s; create table s.t (i int, x varchar, d double)")
            connection.executemany("insert into s.t values (?, ?, ?)", ordered)
            connection.execute("create view s.v as from s.t; create table main.empty (i int)")
        done = planwise("digest", name, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        printed.append(json.loads(done.stdout))
    tables = printed[0]["tables"]
    assert list(printed[0]) == ["tables"]
    assert list(tables) == ["main.empty", "s.t"]
    assert tables["s.t"]["rows"] == 1000
    assert all(len(bytes.fromhex(each["digest"])) == 32 for each in tables.values())
    assert printed[0] == printed[1]
    assert printed[0]["tables"]["s.t"]["digest"] != printed[2]["tables"]["s.t"]["digest"]
    assert printed[0]["tables"]["main.empty"] == printed[2]["tables"]["main.empty"]


def test_census_generate_writes_both_formats_and_never_over_a_file(tmp_path: Path) -> None:
    for name in ("a.csv", "a.parquet"):
        arguments = ("census", "generate", "--employees", "300", "--seed", "5", "--output", name)
        done = planwise(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"{name}: 300 people on 2024-12-31\n"
        first = (tmp_path / name).read_bytes()
        refused(planwise(*arguments, cwd=tmp_path), 2, name, "--force")
        assert (tmp_path / name).read_bytes() == first
        assert planwise(*arguments, "--force", cwd=tmp_path).returncode == 0
        assert (tmp_path / name).read_bytes() == first
        other = planwise(*arguments, "--force", "--seed", "6", cwd=tmp_path)
        assert other.returncode == 0
        assert (tmp_path / name).read_bytes() != first
    counts = duckdb.sql(
        f"select count(distinct employee_id), max(hire_date) from '{tmp_path / 'a.parquet'}'"
    ).fetchall()
    assert counts[0][0] == 300
    assert str(counts[0][1]) <= "2024-12-31"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.parquet"]


def test_inputs_fills_the_sources_and_nothing_else(project: Path) -> None:
    done = planwise(
        *("inputs", "--census", "census.csv", *YEARS, "--seed", "9", "--database", "new/in.duckdb"),
        cwd=project,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "new/in.duckdb: schema inputs written; first year 2025" in done.stdout
    assert [path.name for path in (project / "new").iterdir()] == ["in.duckdb"]
    with duckdb.connect(str(project / "new" / "in.duckdb"), read_only=True) as connection:
        schemas = connection.execute("select distinct schema_name from duckdb_tables()").fetchall()
        scenario = connection.execute("select seed, first_year from inputs.scenarios").fetchall()
        people = connection.execute("select count(*) from inputs.census").fetchall()
    assert (schemas, scenario, people) == ([("inputs",)], [(9, 2025)], [(200,)])
    # Twice is once.
    before = planwise("digest", "new/in.duckdb", cwd=project).stdout
    planwise(
        *("inputs", "--census", "census.csv", *YEARS, "--seed", "9", "--database", "new/in.duckdb"),
        cwd=project,
    )
    assert planwise("digest", "new/in.duckdb", cwd=project).stdout == before
