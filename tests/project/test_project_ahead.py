"""What is rendered ahead, or kept between runs, gives what plain dbt gives."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from project_runs import PROJECTS, YEARS, PlainDbt, Run, executors, planwise_run, with_plugins
from test_project_years import PARSED_ANEW

from planwise.errors import ProjectError
from planwise.project.dbt_project import DbtProject


def ahead(project: Path, folder: Path, cache: Path | None) -> Run:
    folder.mkdir()
    return planwise_run(project, folder, relay=with_plugins("precompile"), cache=cache)


@pytest.mark.parametrize("name", sorted(PARSED_ANEW))
def test_cold_and_warm_give_what_plain_dbt_gives(
    name: str, plain: PlainDbt, tmp_path: Path
) -> None:
    cold = ahead(PROJECTS / name, tmp_path / "cold", tmp_path / "cache")
    warm = ahead(PROJECTS / name, tmp_path / "warm", tmp_path / "cache")
    assert cold.digests == plain.digests(name)
    assert warm.digests == cold.digests
    assert cold.result.parsed_anew_because == warm.result.parsed_anew_because == PARSED_ANEW[name]
    assert warm.result.years == YEARS
    if name == "run_hooks":
        assert {who for each in executors(cold).values() for who in each} == {"dbt"}
    else:
        assert "precompile" in {who for each in executors(cold).values() for who in each}


def test_a_snapshot_is_dbts_and_the_rest_is_not(tmp_path: Path) -> None:
    run = ahead(PROJECTS / "plain", tmp_path / "run", None)
    by = executors(run)
    assert by.pop("kept") == {"dbt"}
    assert set.union(*by.values()) == {"precompile"}
    reasons = {m.reason for phase in run.result.year_phases for m in phase.models}
    assert "a snapshot is dbt's own affair" in reasons


def test_a_change_is_never_missed(tmp_path: Path) -> None:
    """Each kind of file in turn, with the caches of all states before it."""
    project = tmp_path / "project"
    shutil.copytree(PROJECTS / "plain", project)
    before = ahead(project, tmp_path / "0", tmp_path / "cache").digests
    edits = {
        "models/pay.sql": ("select", "/* nothing */ select"),
        "seeds/rates.csv": ("a,3", "a,4"),
        "macros/years.sql": (" }}", " + 1 }}"),
    }
    for number, (name, (old, new)) in enumerate(edits.items(), start=1):
        file = project / name
        file.write_text(file.read_text().replace(old, new, 1))
        warm = ahead(project, tmp_path / f"{number}", tmp_path / "cache").digests
        fresh = ahead(project, tmp_path / f"{number}f", None).digests
        assert warm == fresh
        assert (warm == before) == (name == "models/pay.sql")
        before = warm


def test_a_damaged_cache_is_as_good_as_none(tmp_path: Path) -> None:
    first = ahead(PROJECTS / "plain", tmp_path / "first", tmp_path / "cache")
    files = sorted((tmp_path / "cache").rglob("*.json"))
    assert len(files) == len(YEARS)
    for number, file in enumerate(files):
        data = bytearray(file.read_bytes())
        if number == 0:
            data[len(data) // 2] ^= 1
        elif number == 1:
            del data[len(data) // 2 :]
        else:
            data[:] = b"{}"
        file.write_bytes(data)
    again = ahead(PROJECTS / "plain", tmp_path / "again", tmp_path / "cache")
    assert again.digests == first.digests


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    run = ahead(PROJECTS / "plain", tmp_path / "run", tmp_path / "cache")
    assert run.result.years == YEARS


def test_dbt_is_not_started_for_what_is_known(tmp_path: Path) -> None:
    """The conditional graph is stored for each year."""
    name = "conditional_ref"
    ahead(PROJECTS / name, tmp_path / "cold", tmp_path / "cache")
    warm = DbtProject(
        PROJECTS / name, tmp_path / "w", tmp_path / "cold" / "planwise.duckdb",
        cache=tmp_path / "cache",
    )  # fmt: skip
    with warm.session():
        for year in YEARS:
            warm.prepare(year, first=year == YEARS[0], existing={})
            for key in warm.graph(year).year:
                assert warm.compiled(key, year, full_refresh=year == YEARS[0]).sql
        assert warm._worker is None


def test_the_graph_of_a_year_that_is_not_run_is_kept_without_its_texts(tmp_path: Path) -> None:
    """As a branch asks for it, which runs the later years only: else dbt starts in each branch."""
    name, taken_over = "conditional_ref", YEARS[1]

    def project() -> DbtProject:
        database, cache = tmp_path / "branch.duckdb", tmp_path / "cache"
        return DbtProject(PROJECTS / name, tmp_path / "w", database, cache=cache)

    for _ in range(2):  # the second time what is there already is left alone
        with project().session() as first:
            graph = first.graph_of_finished(taken_over)
    with project().session() as second:
        assert second.graph_of_finished(taken_over) == graph
        assert second._worker is None
        # Its texts are not known, which is not taken for knowing that it has none.
        second.prepare(taken_over, first=False, existing={})
        for key in graph.year:
            assert second.compiled(key, taken_over, full_refresh=False).sql
    with project().session() as third:
        third.graph_of_finished(taken_over)  # does not take the place of what has texts
        third.prepare(taken_over, first=False, existing={})
        assert third._worker is None


def test_of_the_years_the_last_two_stay_in_memory(tmp_path: Path) -> None:
    """The one that runs, and the one that is rendered ahead of it."""
    name = "conditional_ref"
    for number in range(2):  # cold, then warm
        database = tmp_path / f"{number}.duckdb"
        project = DbtProject(PROJECTS / name, tmp_path / "w", database, cache=tmp_path / "cache")
        with project.session():
            for year in YEARS:
                project.prepare(year, first=year == YEARS[0], existing={})
                for key in project.graph(year).year:
                    project.compiled(key, year, full_refresh=year == YEARS[0])
            assert len(YEARS) > 2
            assert tuple(project._rendered) == YEARS[-2:]
            assert {year for year, _ in project._stored} == set(YEARS[-2:])


def test_dbt_reads_the_temporary_tables_of_a_year(tmp_path: Path) -> None:
    """A model that asks the database while it is rendered reads one that is not kept.

    Unless it has to be run outside of the year's transaction.
    """
    project = tmp_path / "project"
    shutil.copytree(PROJECTS / "plain", project)
    models = project / "models"
    (models / "aside.sql").write_text(
        "{{ config(meta={'planwise': {'keep': false}}) }}\nselect 1 as one"
    )
    asking = "{% if execute %}{% do run_query('select 1') %}{% endif %}select * from "
    (models / "asks.sql").write_text(asking + "{{ ref('aside') }}")
    shutil.rmtree(project / "snapshots")
    for number, text in enumerate((asking, "select * from ")):
        (models / "asks.sql").write_text(text + "{{ ref('aside') }}")
        for caches in ("cold", "warm"):
            run = ahead(project, tmp_path / f"{caches}{number}", tmp_path / "cache")
            assert run.query("from asks") == [(1,)]
            assert "main.aside" not in run.digests
            assert executors(run)["asks"] == {"precompile" if number else "dbt"}
            assert executors(run)["aside"] == {"precompile"}
    leaving = asking.replace("select 1", "set threads = 1")
    (models / "asks.sql").write_text(leaving + "{{ ref('aside') }}")
    with pytest.raises(ProjectError, match=r"asks is left to dbt, on a connection .*--keep-int"):
        ahead(project, tmp_path / "leaving", None)
