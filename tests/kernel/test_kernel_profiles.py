"""DuckDB's profiles: the slowest are kept, as files; a run that spills recommends what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.errors import WarehouseError
from planwise.profile_files import FOLDER, profile_text, write_profiles
from planwise.profiles import MOST, ProfiledModel, SlowestProfiles
from planwise.warehouse.digests import database_digests
from planwise.warehouse.profiling import measuring

PROJECT = {"name": "spilling", "version": "1.0.0", "config-version": 2, "profile": "corpus"}
PROFILE = """
corpus:
  target: dev
  outputs:
    dev: {type: duckdb, path: "{{ env_var('PROJECT_DATABASE') }}", threads: 1}
"""
MODEL = """
{{ config(materialized='table') }}
select md5(concat(i, {{ var('simulation_year') }})) as a from range(1500000) as t(i) order by a
"""


def planwise(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """Simulate one year of a project whose one model sorts more than 60 MiB hold."""
    command = [sys.executable, "-m", "planwise.cli.main", "simulate", "--years", "2025"]
    command += ["--dbt-project", "project", "--profiles-dir", "project", "--threads", "1"]
    return subprocess.run(
        [*command, *flags],
        cwd=folder,
        env=os.environ | {"PROJECT_DATABASE": str(folder / "a.duckdb")},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the project."""
    made = tmp_path_factory.mktemp("spilling")
    (made / "project" / "models").mkdir(parents=True)
    (made / "project" / "dbt_project.yml").write_text(json.dumps(PROJECT))
    (made / "project" / "profiles.yml").write_text(PROFILE)
    (made / "project" / "models" / "sorted.sql").write_text(MODEL)
    return made


def digests(database: Path) -> object:
    with duckdb.connect(str(database), read_only=True) as connection:
        return database_digests(connection)


def test_a_year_that_spills_is_profiled_and_recommends_memory(folder: Path) -> None:
    done = planwise(
        *(folder, "--memory-limit", "60MiB", "--profile"),
        *("--metrics", "m.jsonl", "--output", "r.json"),
    )
    assert done.returncode == 0, done.stderr
    results = json.loads((folder / "r.json").read_text())
    (advice,) = results["sections"]["monitoring"]["recommendations"]
    assert (advice["rule"], advice["unique_id"]) == ("spill", "model.spilling.sorted")
    (profile,) = results["profiles"]
    plan = Path(profile["file"])
    assert advice["text"].startswith("sorted took ")
    assert "memory limit 60MiB at the end (yours), and " in advice["text"]
    assert (
        f"; its plan with times: query_profiles/{plan.name} in the run's folder" in advice["text"]
    )
    assert f"  recommendation: {advice['text']}\n" in done.stdout
    assert f"\nprofiles     {plan.parent}\n" in done.stdout
    assert plan.name == "01-2025-sorted.txt"
    text = plan.read_text("utf-8")
    assert text.startswith("model.spilling.sorted, year 2025: ")
    assert "ORDER_BY" in text
    assert "from range(1500000) as t(i) order by a" in text
    figures = json.loads(plan.with_suffix(".json").read_text("utf-8"))
    assert figures["system"]["peak_temp_dir_size"] == advice["bytes"]

    lines = [json.loads(line) for line in (folder / "m.jsonl").read_text("utf-8").splitlines()]
    kinds = [line["kind"] for line in lines]
    assert kinds[-1] == "run"
    assert set(kinds) >= {"model", "batch", "phase"}
    (model,) = (line for line in lines if line["kind"] == "model")
    assert model["spilled_bytes"] == advice["bytes"]
    assert model["bytes_written"] > 0 or sys.platform != "linux"
    (year,) = (line for line in lines if line["name"] == "year 2025" and line["kind"] == "phase")
    assert year["spilled_bytes"] == advice["bytes"]
    assert year["further"]["machine_available_bytes"] > 0
    with duckdb.connect(str(folder / "a.duckdb"), read_only=True) as connection:
        stored = connection.execute(
            "select number, kind, name, wall_s from planwise.planwise_metrics order by number"
        ).fetchall()
    assert stored == [(x["number"], x["kind"], x["name"], x["wall_s"]) for x in lines]
    profiled = digests(folder / "a.duckdb")

    again = planwise(folder, "--no-monitoring", "--output", "r.json")
    assert again.returncode == 0, again.stderr
    assert digests(folder / "a.duckdb") == profiled
    assert not plan.parent.exists()  # they were of the run before
    assert json.loads((folder / "r.json").read_text())["profiles"] == []
    assert "recommendation" not in again.stdout


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--metrics", "-"], "standard output has the report; name a file"),
        (["--metrics", "m.json", "--output", "./m.json"], "is the file of --output too"),
        (["--metrics", "m.jsonl", "--no-monitoring"], "no plugin that is on keeps any"),
        (["--metrics", "."], "is a folder"),
    ],
)
def test_metrics_that_nobody_could_have_are_refused_at_once(
    folder: Path, flags: list[str], words: str
) -> None:
    done = planwise(folder, *flags)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_profiles_that_nobody_gave_are_said_to_be_none(folder: Path) -> None:
    done = planwise(folder, "--profile", "--no-precompile")
    assert done.returncode == 0, done.stderr
    assert "\nprofiles     none: what ran the models gives none" in done.stdout
    assert not (folder / "a.duckdb.planwise" / FOLDER).exists()


@given(st.lists(st.floats(0, 1e9), max_size=40), st.text(max_size=200))
def test_the_slowest_are_kept_in_order_under_names_of_their_own(
    seconds: list[float], name: str
) -> None:
    slowest = SlowestProfiles()
    for each in seconds:
        slowest.add(f"model.p.{name}", 2025, each, "{}")
    kept = slowest.kept()
    assert [each.wall_s for each in kept] == sorted(seconds, reverse=True)[:MOST]
    assert len({each.file for each in kept}) == len(kept)
    for each in kept:
        folder, _, file = each.file.partition("/")
        assert folder == FOLDER
        assert "/" not in file
        assert not file.startswith(".")
        assert file.isascii()
        assert len(file) < 120


@pytest.mark.parametrize("profile", ["", "{", "[]", "null", '{"query": {"total_time": null}}'])
def test_a_profile_of_another_form_is_said_to_be_one(profile: str) -> None:
    text = profile_text(ProfiledModel("model.p.m", None, 1.0, "query_profiles/f.txt", profile))
    assert text.startswith("model.p.m, the foundation: 1.000 s\n")
    assert "no plan that planwise can read" in text


def test_a_plan_is_drawn_however_deep_it_is() -> None:
    sql = "select 1 as a"
    for _ in range(60):
        sql = f"select a + 1 as a from (select distinct a from ({sql}))"
    with duckdb.connect() as connection:
        for statement in measuring(profile=True):
            connection.execute(statement)
        connection.execute(f"create table t as {sql}")
        profile = connection.get_profiling_information(format="json")
    text = profile_text(ProfiledModel("model.p.m", 2025, 1.0, "query_profiles/f.txt", profile))
    assert text.count("HASH_GROUP_BY") == 60
    assert text.endswith(f"{sql}\n")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("a file")
    profile = ProfiledModel("model.p.m", 2025, 1.0, "query_profiles/f.txt", "{}")
    with pytest.raises(WarehouseError, match="profiles: cannot be written"):
        write_profiles(tmp_path, [profile])


def test_a_link_in_the_place_of_the_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    (tmp_path / FOLDER).symlink_to(other)
    with pytest.raises(WarehouseError, match=r"cannot be written .*symbolic link"):
        write_profiles(tmp_path, [])
    assert (other / "mine.txt").read_text() == "mine"


def test_a_profile_of_an_executor_may_hold_any_text(tmp_path: Path) -> None:
    profile = ProfiledModel("model.p.m\udc80", 2025, 1.0, f"{FOLDER}/f.txt", '{"\ud800": 1}')
    write_profiles(tmp_path, [profile])
    assert (tmp_path / FOLDER / "f.json").read_text(encoding="utf-8") == '{"?": 1}'
