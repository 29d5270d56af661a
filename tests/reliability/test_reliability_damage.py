"""A database, a log or a checkpoint that is damaged is never used in silence.

What a resumed run would start from is judged for each damage: the years that it takes as finished
are there as they were left, in every table, or are not taken.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
from attrs import evolve, frozen
from forking import Forks
from killing import YEARS, Clean, KilledRun, environment

from planwise.checkpoints.store import CheckpointStore
from planwise.config import load_config
from planwise.engine import QuietObserver
from planwise.results import PhaseRecord
from planwise.run_files import RunFiles
from planwise.runs.manifest import read_manifest, write_manifest
from planwise.runs.starting import Place, _look, resumed_start
from planwise.settings import cache_folder
from planwise.simulation import Simulation
from planwise.simulation_options import SimulationOptions
from planwise.warehouse.beside import Beside
from planwise.warehouse.digests import OWN_SCHEMA, quoted
from planwise.warehouse.ledger import Ledger

DAMAGES = int(os.environ.get("PLANWISE_DAMAGES", "2000"))
"""How many; the release was tried with each bit of the logs."""
PROJECT = Path(__file__).resolve().parents[2] / "dbt"
DATABASE = "simulation.duckdb"
_RESTORE_EVERY = 30
"""Of so many damages of a database, it is restored after one for each moment."""

State = Mapping[str, str]
"""The digest of each table that is not planwise's own record."""


def _copied(building: Path, copy: Path) -> None:
    """Copy the folder of a run that goes on.

    A year is stored beside the next one: what has a temporary name is renamed at any time, and a
    copy that had begun with it would fail.
    """
    shutil.copytree(building, copy, ignore=shutil.ignore_patterns(".*.writing", ".*.tmp"))


class StoppedError(Exception):
    """What ends the run that is damaged."""


class _Stopping(QuietObserver):
    """Ends a run once 2026 is stored; copies it first, as a kill would leave it."""

    def __init__(self, building: Path, copy: Path) -> None:
        self._places = building, copy

    def phase_finished(self, record: PhaseRecord) -> None:
        if record.year == 2026:
            _copied(*self._places)
            raise StoppedError


@frozen
class Interrupted:
    """One run at several moments, as a kill would leave its folder.

    ``first``: 2025 is in the file. ``logged``: 2026 is committed, in the log alone, and the
    manifest does not know it. ``noted``: the same, and the manifest knows it. ``filed``: it is in
    the file, and there is no log. ``other``: another run, as far as ``noted``.

    Attributes:
        folder: the moments are folders in it.
        identity: what the run is made from.
        graphs: the project's nodes by year.
        relay: the plugins.
        states: what is right for the years that are taken as finished.
    """

    folder: Path
    identity: Mapping[str, Any]
    graphs: Mapping[int, Any]
    relay: Any
    states: Mapping[tuple[int, ...], State]

    def judged(self, building: Path, *, whole: bool) -> str:
        """What a resumed run would start from, which is held against what is right.

        Args:
            building: the damaged folder.
            whole: whether a database that is refused is restored too; a checkpoint is read for it.
        """
        manifest = read_manifest(building)
        assert manifest is not None
        place = Place(
            building / DATABASE,
            CheckpointStore(building / "checkpoints"),
            self.relay,
            "simulation_year",
        )
        graph_of = self.graphs.__getitem__
        if not whole:
            found = _look(place, manifest, graph_of)
            if found.years is None:
                assert found.why
                return "refused"
            if not found.years:
                assert not manifest.finished
                assert not found.foundation
                return "begun again"
            with duckdb.connect(str(place.database), read_only=True) as connection:
                assert state_of(connection) == self.states[tuple(found.years)], found
            return f"used as of {max(found.years)}"
        start = resumed_start(manifest, self.identity, graph_of, place, force=False)
        if start.foundation:
            assert start.arrange is None, start
            with duckdb.connect(str(place.database), read_only=True) as connection:
                assert state_of(connection) == self.states[start.finished], start
            return f"used as of {start.finished[-1]}"
        if not manifest.finished and not start.finished:
            assert not place.database.exists()
            return "begun again"
        assert start.notes[0].startswith("the database of the interrupted run cannot be used: ")
        assert not place.database.exists(), start
        if start.arrange is None:
            assert not start.finished, start
            return "begun again"
        with duckdb.connect(":memory:") as connection:
            Ledger(manifest.run_id, manifest.years).record_run(connection)
            start.arrange(connection)
            right = self.states[start.finished]
            restored = state_of(connection)
        assert restored == {name: right[name] for name in restored}, start
        return f"restored from {start.finished[-1]}"


def state_of(connection: duckdb.DuckDBPyConnection) -> State:
    """What is in a database, each row of it read, but for planwise's own record."""
    columns: dict[tuple[str, str], list[str]] = {}
    for schema, table, column in connection.execute(
        "select schema_name, table_name, column_name from duckdb_columns() semi join "
        "duckdb_tables() using (database_name, schema_name, table_name) "
        "where database_name = current_database() and schema_name <> ? "
        "order by schema_name, table_name, column_index",
        [OWN_SCHEMA],
    ).fetchall():
        columns.setdefault((schema, table), []).append(quoted(column))
    found = connection.execute(
        " union all ".join(
            f"select '{schema}.{table}', count(*) || ':' || "
            f"coalesce(sum(hash({', '.join(each)})::hugeint), 0) "
            f"from {quoted(schema)}.{quoted(table)}"
            for (schema, table), each in columns.items()
        )
    ).fetchall()
    return dict(found)


def _simulation(clean: Clean, database: Path, observer: QuietObserver) -> Simulation:
    _, census, _, config = clean.arguments
    options = SimulationOptions(
        config=load_config(Path(config)).with_overrides(census_file=Path(census)),
        dbt_project=Path(PROJECT),
        database=database,
        environ=environment(),
        cache=cache_folder(None, os.environ),
    )
    return Simulation(options, observer)


def _stopped_at_moments(
    clean: Clean, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Simulation, Path]:
    """A run that is ended in 2027, its folder copied at each moment; its own folder last."""
    files = RunFiles(folder / "run" / DATABASE)
    files.database.parent.mkdir(parents=True)
    real = Beside.checkpoint

    def checkpoint(beside: Beside) -> bool:
        """The log stays as it is after 2026, as where another thread writes to the file."""
        if (folder / "first").exists():
            _copied(files.building, folder / "logged")
            return False
        done = real(beside)
        _copied(files.building, folder / "first")
        return done

    with monkeypatch.context() as patched:
        patched.setattr(Beside, "checkpoint", checkpoint)
        simulation = _simulation(clean, files.database, _Stopping(files.building, folder / "noted"))
        with pytest.raises(StoppedError):
            simulation.run()
    return simulation, files.building


@pytest.fixture(scope="module")
def interrupted(clean: Clean, tmp_path_factory: pytest.TempPathFactory) -> Interrupted:
    folder = tmp_path_factory.mktemp("interrupted").resolve()
    with pytest.MonkeyPatch.context() as monkeypatch:
        _, other = _stopped_at_moments(clean, folder / "another", monkeypatch)
        simulation, building = _stopped_at_moments(clean, folder, monkeypatch)
    shutil.move(other.parents[1] / ".." / "noted", folder / "other")
    shutil.move(building, folder / "filed")
    states: dict[tuple[int, ...], State] = {}
    for years, name in (((2025,), "first"), ((2025, 2026), "filed")):
        with duckdb.connect(str(folder / name / DATABASE), read_only=True) as connection:
            states[years] = state_of(connection)
    manifests = {name: read_manifest(folder / name) for name in ("logged", "noted", "filed")}
    assert [list(each.finished) for each in manifests.values() if each] == [
        [2025],
        [2025, 2026],
        [2025, 2026],
    ]
    assert (folder / "noted" / f"{DATABASE}.wal").stat().st_size > 10_000
    with simulation._session(folder / "session", folder / "none.duckdb") as (project, _):
        graphs = {year: project.graph(year) for year in YEARS}
    manifest = manifests["filed"]
    assert manifest is not None
    return Interrupted(folder, manifest.identity, graphs, simulation.relay, states)


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    with Forks(tmp_path_factory.mktemp("forks")) as forks:
        yield forks


@frozen
class _Damage:
    """One way to damage a run.

    Attributes:
        moments: of which run.
        do: damages a copy of it, given where the moments are; gives what it did.
        share: how many of a hundred.
        least: the last year that may not be lost.
    """

    moments: tuple[str, ...]
    do: Callable[[Path, Path, random.Random], str]
    share: int
    least: int = 2026


def _flip(file: Path, places: random.Random, most: int | None = None) -> str:
    size = min(file.stat().st_size, most or sys.maxsize)
    place, bit = places.randrange(size), places.randrange(8)
    with file.open("r+b") as stream:
        stream.seek(place)
        byte = stream.read(1)[0]
        stream.seek(place)
        stream.write(bytes([byte ^ (1 << bit)]))
    return f"bit {bit} of byte {place} of {file.name}"


def _cut(file: Path, places: random.Random) -> str:
    size = places.randrange(file.stat().st_size)
    os.truncate(file, size)
    return f"{file.name} cut to {size}"


def _log(copy: Path) -> Path:
    return copy / f"{DATABASE}.wal"


def _database_flipped(copy: Path, _: Path, places: random.Random) -> str:
    return _flip(copy / DATABASE, places)


def _header_flipped(copy: Path, _: Path, places: random.Random) -> str:
    return _flip(copy / DATABASE, places, 3 * 4096)


def _database_cut(copy: Path, _: Path, places: random.Random) -> str:
    return _cut(copy / DATABASE, places)


def _log_flipped(copy: Path, _: Path, places: random.Random) -> str:
    return _flip(_log(copy), places)


def _log_header_flipped(copy: Path, _: Path, places: random.Random) -> str:
    return _flip(_log(copy), places, 240)


def _log_cut(copy: Path, _: Path, places: random.Random) -> str:
    return _cut(_log(copy), places)


def _log_gone(copy: Path, _: Path, __: random.Random) -> str:
    _log(copy).unlink()
    return "the log is gone"


def _swapped(copy: Path, moments: Path, places: random.Random) -> str:
    """The database or the log of another moment, or of another run."""
    name = places.choice([DATABASE, f"{DATABASE}.wal"])
    having = [each for each in sorted(moments.glob(f"*/{name}")) if each.parent.name != "another"]
    other = places.choice(having)
    shutil.copyfile(other, copy / name)
    return f"{name} of {other.parent.name}"


def _other(copy: Path, moments: Path, _: random.Random) -> str:
    for name in (DATABASE, f"{DATABASE}.wal"):
        shutil.copyfile(moments / "other" / name, copy / name)
    return "database and log of another run"


def _checkpoint_flipped(copy: Path, _: Path, places: random.Random) -> str:
    (copy / DATABASE).unlink()
    file = places.choice(sorted((copy / "checkpoints").glob("*/*")))
    return f"the database is gone, and {_flip(file, places)} of {file.parent.name}"


def _checkpoint_cut(copy: Path, _: Path, places: random.Random) -> str:
    (copy / DATABASE).unlink()
    file = places.choice(sorted((copy / "checkpoints").glob("*/*")))
    return f"the database is gone, and {_cut(file, places)} of {file.parent.name}"


_DAMAGES = {
    "database flipped": _Damage(("logged", "noted", "filed"), _database_flipped, 30),
    "header flipped": _Damage(("logged", "noted", "filed"), _header_flipped, 12),
    "database cut": _Damage(("noted", "filed"), _database_cut, 4),
    "log flipped": _Damage(("logged", "noted"), _log_flipped, 18),
    "log header flipped": _Damage(("logged", "noted"), _log_header_flipped, 10),
    "log cut": _Damage(("logged", "noted"), _log_cut, 8),
    "log gone": _Damage(("logged", "noted"), _log_gone, 1),
    "swapped": _Damage(("first", "logged", "noted", "filed"), _swapped, 6),
    "of another run": _Damage(("logged", "noted", "filed"), _other, 1),
    "checkpoint flipped": _Damage(("noted",), _checkpoint_flipped, 7, least=0),
    "checkpoint cut": _Damage(("noted",), _checkpoint_cut, 3, least=0),
}


def _least(damage: _Damage, moment: str) -> int:
    """The last year that has to be left: what the manifest knows is in a checkpoint too."""
    return min(damage.least, {"first": 0, "logged": 2025}.get(moment, 2026))


@pytest.mark.slow
def test_what_is_damaged_is_never_used_in_silence(interrupted: Interrupted, tmp_path: Path) -> None:
    found: dict[str, Counter[str]] = {}
    wrong: list[str] = []
    for kind, damage in _DAMAGES.items():
        for number in range(max(1, DAMAGES * damage.share // 100)):
            places = random.Random(f"{kind} {number}")  # noqa: S311  # no secret
            moment = damage.moments[number % len(damage.moments)]
            copy = tmp_path / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(interrupted.folder / moment, copy)
            what = damage.do(copy, interrupted.folder, places)
            try:
                whole = damage.least == 0 or number % _RESTORE_EVERY < len(damage.moments)
                end = interrupted.judged(copy, whole=whole)
                if end != "refused":
                    year = int(end.split()[-1]) if end != "begun again" else 0
                    assert year >= _least(damage, moment), end
            except Exception as error:  # noqa: BLE001  # all are told at the end
                wrong.append(f"{kind} {number}, {moment}: {what}: {error!r}"[:1500])
            else:
                found.setdefault(f"{kind}, {moment}", Counter())[end] += 1
    print("\n".join(f"{kind}: {dict(ends)}" for kind, ends in found.items()))  # pytest shows it
    assert not wrong, f"{len(wrong)} wrong\n" + "\n".join(wrong[:40])


@pytest.mark.slow
@pytest.mark.parametrize("kind", [each for each in _DAMAGES if each != "log gone"])
def test_a_damaged_run_is_complete_when_resumed(
    clean: Clean, interrupted: Interrupted, tmp_path: Path, forks: Forks, kind: str
) -> None:
    damage = _DAMAGES[kind]
    run = KilledRun(tmp_path.resolve() / "run", clean.arguments, seed=0, longest_s=0)
    building = RunFiles(run.database).building
    shutil.copytree(interrupted.folder / damage.moments[-1], building)
    what = damage.do(building, interrupted.folder, random.Random(kind))  # noqa: S311  # no secret
    ended = forks.run(["simulate", *clean.arguments, "--database", str(run.database), "--resume"])
    assert ended.code == 0, (what, ended.said)
    run.check(clean.digests, YEARS)


@pytest.mark.slow
def test_a_run_without_a_finished_year_does_not_begin_in_the_database_of_another(
    clean: Clean, interrupted: Interrupted, tmp_path: Path, forks: Forks
) -> None:
    run = KilledRun(tmp_path.resolve() / "run", clean.arguments, seed=0, longest_s=0)
    building = RunFiles(run.database).building
    shutil.copytree(interrupted.folder / "filed", building)
    manifest = read_manifest(building)
    assert manifest is not None
    shutil.rmtree(building / "checkpoints")
    write_manifest(building, evolve(manifest, finished={}))
    shutil.copyfile(interrupted.folder / "other" / DATABASE, building / DATABASE)
    with duckdb.connect(str(building / DATABASE)) as connection:
        connection.execute("update fct_headcount set simulation_year = 2031, closing = 0")
        connection.execute("create table main.somebody_elses as select 1 as one")
    ended = forks.run(["simulate", *clean.arguments, "--database", str(run.database), "--resume"])
    assert ended.code == 0, ended.said
    run.check(clean.digests, YEARS)
