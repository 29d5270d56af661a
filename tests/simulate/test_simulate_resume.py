"""An interrupted run goes on where it was: from its database, or from what was stored beside it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from simulate_runs import CACHE, PROJECT, digests, query
from simulate_runs import simulation as any_simulation

from planwise.checkpoints.store import CheckpointStore
from planwise.engine import QuietObserver
from planwise.errors import AlreadyCompleteError, UsageError
from planwise.results import PhaseRecord
from planwise.run_files import RunFiles
from planwise.runs.manifest import read_manifest
from planwise.simulation import Simulation
from planwise.warehouse.ledger import RUNS, YEARS

WANTED = (2025, 2026, 2027)
simulation = partial(any_simulation, cache=CACHE)


class StoppedError(Exception):
    """What ends a run in these tests."""


class Stopping(QuietObserver):
    """Ends the run once a year is stored, in the middle of the next one; keeps what is said."""

    def __init__(self, after: int | None = None) -> None:
        self.after = after
        self.notes: list[str] = []
        self.phases: list[str] = []

    def phase_finished(self, record: PhaseRecord) -> None:
        self.phases.append(record.name)
        if record.year == self.after and record.year is not None:
            raise StoppedError

    def note(self, text: str) -> None:
        self.notes.append(text)


def observed(run: Simulation, after: int | None = None) -> Stopping:
    """Let a run be watched by one that ends it."""
    run._observer = Stopping(after)
    return run._observer


@pytest.fixture(scope="module")
def undisturbed(census: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = tmp_path_factory.mktemp("undisturbed") / "simulation.duckdb"
    simulation(census, database, years=WANTED).run()
    return database


@pytest.fixture(scope="module")
def stopped(census: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was ended in 2027; copy it before you go on with it."""
    database = tmp_path_factory.mktemp("stopped") / "simulation.duckdb"
    run = simulation(census, database, years=WANTED)
    observed(run, after=2026)
    with pytest.raises(StoppedError):
        run.run()
    assert run.finished == (2025, 2026)
    assert not database.exists()
    return database


@pytest.fixture
def database(stopped: Path, tmp_path: Path) -> Path:
    """A copy of the run that was ended."""
    shutil.copytree(stopped.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / stopped.name


def resumed(census: Path, database: Path, how: str = "yes", **options: object) -> Stopping:
    """Go on with a run to its end."""
    run = simulation(census, database, **{"years": WANTED, **options}, resume=how)  # type: ignore[arg-type]
    observer = observed(run)
    outcome = run.run()
    assert outcome.result.years == WANTED
    assert len(outcome.headcount) == 3
    return observer


def test_a_run_goes_on_in_its_database(census: Path, database: Path, undisturbed: Path) -> None:
    observer = resumed(census, database)
    assert observer.notes[0] == "resumed after 2026"
    assert observer.phases == ["year 2027"]
    assert digests(database) == digests(undisturbed)
    rows = query(database, f"select simulation_year, digests is null from {YEARS} order by all")
    assert rows == [(2025, False), (2026, False), (2027, False)]
    assert query(database, f"select years, finished_at is null from {RUNS}") == [
        (list(WANTED), False)
    ]
    files = RunFiles(database)
    assert not files.building.exists()
    assert CheckpointStore(files.checkpoints).years() == list(WANTED)


def _gone(files: RunFiles) -> None:
    files.building_database.unlink()


def _cut(files: RunFiles) -> None:
    with files.building_database.open("r+b") as stream:
        stream.truncate(20_000)


def _noise(files: RunFiles) -> None:
    files.building_database.write_bytes(b"no database" * 1000)


def _flipped(files: RunFiles) -> None:
    """Damage blocks all over the file; which of them are in use, nobody knows."""
    content = bytearray(files.building_database.read_bytes())
    for place in range(100_000, len(content), 50_000):
        content[place] ^= 0xFF
    files.building_database.write_bytes(content)


def _behind(files: RunFiles) -> None:
    """As if the log with the last year had been lost."""
    import duckdb

    with duckdb.connect(str(files.building_database)) as connection:
        connection.execute(f"delete from {YEARS} where simulation_year = 2026")


def _changed(files: RunFiles) -> None:
    import duckdb

    with duckdb.connect(str(files.building_database)) as connection:
        connection.execute("update fct_headcount set closing = closing + 1")


@pytest.mark.parametrize("damage", [_gone, _cut, _noise, _flipped, _behind, _changed])
def test_a_database_that_is_no_good_is_made_anew(
    census: Path, database: Path, undisturbed: Path, damage: Callable[[RunFiles], None]
) -> None:
    damage(RunFiles(database))
    observer = resumed(census, database)
    assert observer.notes[0].startswith("the database of the interrupted run cannot be used: ")
    assert "restored from the checkpoint of 2026" in observer.notes
    assert observer.phases == ["foundation", "year 2027"]
    assert digests(database) == digests(undisturbed)


def test_a_damaged_checkpoint_is_passed_over(
    census: Path, database: Path, undisturbed: Path
) -> None:
    files = RunFiles(database)
    _gone(files)
    state = files.building_checkpoints / "2026" / "0.state"
    content = bytearray(state.read_bytes())
    content[len(content) // 2] ^= 1
    state.write_bytes(content)
    observer = resumed(census, database)
    assert any("the state of 2026 cannot be used" in note for note in observer.notes)
    assert "restored from the checkpoint of 2025" in observer.notes
    assert observer.phases == ["foundation", "year 2026", "year 2027"]
    assert digests(database) == digests(undisturbed)


def test_without_a_good_checkpoint_it_begins_again(
    census: Path, database: Path, undisturbed: Path
) -> None:
    files = RunFiles(database)
    _gone(files)
    shutil.rmtree(files.building_checkpoints)
    observer = resumed(census, database)
    assert "no checkpoint is good: all years again" in observer.notes
    assert digests(database) == digests(undisturbed)


def test_what_differs_is_refused_and_named(census: Path, database: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(census.read_text() + "\n")
    project = tmp_path / "dbt"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    (project / "models" / "year" / "fct_headcount.sql").open("a").write("-- changed\n")
    before = read_manifest(RunFiles(database).building)
    for wrong, named in (
        (simulation(other, database, years=WANTED, resume="yes"), "the census has other content"),
        (simulation(census, database, years=WANTED, seed=7, resume="yes"), "seed was 42 and is 7"),
        (
            simulation(census, database, years=(2025, 2026), resume="yes"),
            "years was 2025, 2026, 2027 and is 2025, 2026",
        ),
        (
            simulation(census, database, years=WANTED, resume="yes", dbt_project=project),
            "models/year/fct_headcount.sql has changed",
        ),
    ):
        with pytest.raises(UsageError, match="cannot be resumed") as caught:
            wrong.run()
        assert named in str(caught.value)
        assert read_manifest(RunFiles(database).building) == before


def test_force_goes_on_all_the_same(census: Path, database: Path, undisturbed: Path) -> None:
    observer = resumed(census, database, how="force", seed=7)
    assert observer.notes[0].startswith("resumed although ")
    # The foundation is built anew, since the seed is in it; finished years stay as they are.
    assert observer.phases == ["foundation", "year 2027"]
    first = "select * from fct_headcount where simulation_year < 2027 order by all"
    assert query(database, first) == query(undisturbed, first)
    assert digests(database) != digests(undisturbed)


def test_a_complete_run_is_not_run_again(census: Path, database: Path) -> None:
    resumed(census, database)
    before = digests(database)
    with pytest.raises(AlreadyCompleteError, match="nothing to resume"):
        simulation(census, database, years=WANTED, resume="yes").run()
    assert digests(database) == before
    # Another run is another matter.
    run = simulation(census, database, years=(2025,), resume="yes")
    observer = observed(run)
    run.run()
    assert observer.phases == ["foundation", "year 2025"]


def test_without_resume_an_interrupted_run_is_given_up(
    census: Path, database: Path, undisturbed: Path
) -> None:
    run = simulation(census, database, years=WANTED)
    observer = observed(run)
    run.run()
    assert observer.notes[0] == (
        "an interrupted run is given up (2025, 2026 finished); --resume would go on with it"
    )
    assert digests(database) == digests(undisturbed)


def test_resume_with_nothing_there_begins(census: Path, tmp_path: Path) -> None:
    run = simulation(census, tmp_path / "new.duckdb", years=(2025,), resume="yes")
    observer = observed(run)
    run.run()
    assert observer.notes[0] == "no interrupted run is there to resume: starting anew"


def test_a_run_that_fails_before_its_first_year_leaves_nothing(
    census: Path, tmp_path: Path
) -> None:
    run = simulation(census, tmp_path / "new.duckdb", years=WANTED)
    run._observer.phase_started = lambda name, *_: 1 / 0 if name == "year 2025" else None  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        run.run()
    assert not RunFiles(tmp_path / "new.duckdb").building.exists()


@pytest.mark.parametrize("step", ["replaced", "checkpoints", "manifest"])
def test_a_run_that_was_killed_while_it_was_published_is_published(
    census: Path, stopped: Path, tmp_path: Path, undisturbed: Path, step: str
) -> None:
    """Each state between two renames of publishing, made by hand."""
    shutil.copytree(undisturbed.parent, tmp_path, dirs_exist_ok=True)
    files = RunFiles(tmp_path / undisturbed.name)
    files.building.mkdir()
    (files.work / "run_manifest.json").rename(files.building / "run_manifest.json")
    if step == "replaced":
        files.checkpoints.rename(files.building_checkpoints)
    elif step == "manifest":
        (files.building / "run_manifest.json").rename(files.work / "run_manifest.json")
        with pytest.raises(AlreadyCompleteError):
            simulation(census, files.database, years=WANTED, resume="yes").run()
        return
    observer = resumed(census, files.database)
    assert observer.phases == []
    assert digests(files.database) == digests(undisturbed)
    assert CheckpointStore(files.checkpoints).years() == list(WANTED)
    assert not files.building.exists()


def test_a_checkpoint_of_another_run_is_not_restored(
    census: Path, database: Path, tmp_path: Path, undisturbed: Path
) -> None:
    other = tmp_path / "other" / "simulation.duckdb"
    simulation(census, other, years=WANTED, seed=7).run()
    files = RunFiles(database)
    _gone(files)
    shutil.rmtree(files.building_checkpoints)
    shutil.copytree(RunFiles(other).checkpoints, files.building_checkpoints)
    observer = resumed(census, database)
    assert "the state of 2026 cannot be used: it is of another run" in observer.notes
    assert observer.phases == ["foundation", "year 2025", "year 2026", "year 2027"]
    assert digests(database) == digests(undisturbed)
