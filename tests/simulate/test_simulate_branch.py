"""A run that starts from what another one had at the end of a year."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from simulate_runs import CACHE, PROJECT, digests, query
from test_simulate_resume import StoppedError, Stopping, observed

from planwise.checkpoints.store import CheckpointStore
from planwise.config import load_config
from planwise.errors import CheckpointError, UsageError
from planwise.plugins import installed_plugins, load_plugins
from planwise.project.dbt_project import DbtProject
from planwise.relay import Relay
from planwise.run_files import RunFiles
from planwise.runs.branching import Branch, branch_years, source_manifest
from planwise.simulation import Simulation
from planwise.simulation_options import Resume, SimulationOptions

WANTED = (2025, 2026, 2027)


@pytest.fixture(scope="module")
def whole(census: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over all years."""
    database = tmp_path_factory.mktemp("whole") / "simulation.duckdb"
    branched(census, database, WANTED, None)
    return database


def branched(
    census: Path,
    database: Path,
    years: tuple[int, ...],
    branch: Branch | None,
    *,
    scenarios: tuple[str, ...] = (),
    more: str = "",
    after: int | None = None,
    resume: Resume = "no",
) -> Stopping:
    """Run, as the command line composes it; gives what was said."""
    file = database.parent / "config.yaml"
    file.write_text(f"simulation: {{start_year: 2025, end_year: 2027}}\n{more}")
    if branch is not None:
        years = branch_years(branch, source_manifest(branch), years)
    config = load_config(file).with_overrides(years=years, census_file=census)
    options = SimulationOptions(
        config=config,
        dbt_project=PROJECT,
        database=database,
        branch=branch,
        resume=resume,
        cache=CACHE,
        scenarios=tuple(config.with_overrides(scenario=name) for name in scenarios),
    )
    run = Simulation(options, None)  # type: ignore[arg-type]  # set in the next line
    observer = observed(run, after)
    result = run.run().result
    assert result.years == years
    return observer


@pytest.mark.parametrize("year", [2025, 2026])
def test_a_branch_with_the_same_parameters_gives_the_whole_run(
    census: Path, whole: Path, tmp_path: Path, year: int
) -> None:
    database = tmp_path / "branch.duckdb"
    later = tuple(each for each in WANTED if each > year)
    observer = branched(census, database, later, Branch(whole, year))
    assert observer.phases == [f"year {each}" for each in later]
    assert digests(database) == digests(whole)
    # What it has in common is stored once.
    for each in WANTED:
        files = [RunFiles(run).checkpoints / str(each) / "0.state" for run in (whole, database)]
        assert files[0].samefile(files[1]) == (each <= year)
    # It is a run of its own, from which another can start.
    again = tmp_path / "again.duckdb"
    branched(census, again, later[-1:], Branch(database, later[-1] - 1))
    assert digests(again) == digests(whole)


def test_the_second_branch_into_a_name_starts_no_dbt(
    census: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is rendered holds the database's name, and of the years before only the graph is due."""

    def refuse(_: DbtProject) -> None:
        raise AssertionError("dbt is started")

    database = tmp_path / "second_branch_of_this_name.duckdb"
    branched(census, database, (2027,), Branch(whole, 2026))
    monkeypatch.setattr(DbtProject, "_started", refuse)
    branched(census, database, (2027,), Branch(whole, 2026))
    assert digests(database) == digests(whole)


@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_branch_needs_no_database_where_the_checkpoint_is_good(
    census: Path, whole: Path, tmp_path: Path, damage: str
) -> None:
    shutil.copytree(whole.parent, tmp_path / "source")
    source = tmp_path / "source" / whole.name
    if damage == "gone":
        source.unlink()
    else:
        with source.open("r+b") as stream:
            stream.truncate(30_000)
    database = tmp_path / "branch.duckdb"
    observer = branched(census, database, (2027,), Branch(source, 2026))
    assert "restored from the checkpoint of 2026" in observer.notes
    assert observer.phases == ["foundation", "year 2027"]
    assert digests(database) == digests(whole)
    shutil.rmtree(source.with_name(source.name + ".planwise") / "checkpoints" / "2025")
    with pytest.raises(CheckpointError, match=r"nothing of .*@2026 can be used"):
        branched(census, tmp_path / "other.duckdb", (2027,), Branch(source, 2026))


def test_a_branch_into_other_scenarios_keeps_the_past(
    census: Path, whole: Path, tmp_path: Path
) -> None:
    database = tmp_path / "branch.duckdb"
    branched(
        census,
        database,
        (2026, 2027, 2028),
        Branch(whole, 2025),
        scenarios=("leaner", "richer"),
        more="workforce: {growth_rate: 0.1}\n",
    )
    rows = "select scenario_id, simulation_year, closing from fct_headcount order by all"
    before = {year: closing for _, year, closing in query(whole, rows)}
    after = query(database, rows)
    assert [row[:2] for row in after] == [
        (name, year) for name in ("leaner", "richer") for year in (2025, 2026, 2027, 2028)
    ]
    first = {closing for _, year, closing in after if year == 2025}
    assert first == {before[2025]}
    assert all(closing > before[2026] for _, year, closing in after if year == 2026)
    # One of these can be gone on with alone, and keeps its own rows.
    alone = tmp_path / "alone.duckdb"
    branched(
        census, alone, (2028,), Branch(database, 2027), scenarios=("richer",),
        more="workforce: {growth_rate: 0.1}\n",
    )  # fmt: skip
    assert query(alone, rows) == [row for row in after if row[0] == "richer"]
    # What is stored has their rows, and not those of the run that they start from.
    relay = Relay(load_plugins([installed_plugins()["compression"]]))
    for run, names in ((database, {"leaner", "richer"}), (alone, {"richer"})):
        store = CheckpointStore(RunFiles(run).checkpoints)
        for year in store.years():
            [table] = store.read(year, relay, [("main", "fct_headcount")])
            assert set(table.table["scenario_id"].to_pylist()) == names
    with pytest.raises(CheckpointError, match="holds the scenarios leaner, richer"):
        branched(census, alone, (2028,), Branch(database, 2027), scenarios=("other",))


def test_what_cannot_be_branched_from_is_named(census: Path, whole: Path, tmp_path: Path) -> None:
    database = tmp_path / "branch.duckdb"
    with pytest.raises(UsageError, match="has the years 2025, 2026, 2027, and not 2024"):
        branched(census, database, (2025,), Branch(whole, 2024))
    with pytest.raises(UsageError, match="no such database"):
        branched(census, database, (2026,), Branch(tmp_path / "none.duckdb", 2025))
    (tmp_path / "file.duckdb").write_bytes(b"")
    with pytest.raises(UsageError, match="is no finished run"):
        branched(census, database, (2026,), Branch(tmp_path / "file.duckdb", 2025))
    other = tmp_path / "other.csv"
    other.write_text(census.read_text() + "\n")
    with pytest.raises(UsageError, match="the census has other content"):
        branched(other, database, (2026, 2027), Branch(whole, 2025))
    assert not database.exists()


def test_a_branch_that_was_interrupted_goes_on_as_one(
    census: Path, whole: Path, tmp_path: Path
) -> None:
    database = tmp_path / "branch.duckdb"
    grown = "workforce: {growth_rate: 0.1}\n"
    clean = tmp_path / "clean.duckdb"
    branched(census, clean, (2026, 2027), Branch(whole, 2025), more=grown)
    with pytest.raises(StoppedError):
        branched(census, database, (2026, 2027), Branch(whole, 2025), more=grown, after=2026)
    files = RunFiles(database)
    assert files.building_database.exists()
    # Whatever is lost of it, its first year stays that of the other run.
    for lost in (
        [],
        [files.building_database],
        [files.building_database, files.building_checkpoints],
    ):
        shutil.rmtree(tmp_path / "kept", ignore_errors=True)
        shutil.copytree(files.building, tmp_path / "kept")
        for each in lost:
            shutil.rmtree(each) if each.is_dir() else each.unlink()
        branched(census, database, (2026, 2027), Branch(whole, 2025), more=grown, resume="yes")
        assert digests(database) == digests(clean)
        assert digests(database) != digests(whole)
        shutil.rmtree(files.work)
        files.work.mkdir()
        (tmp_path / "kept").rename(files.building)
    with pytest.raises(UsageError, match=r"branch was .*@2025 and is not set"):
        branched(census, database, WANTED, None, more=grown, resume="yes")
