"""Where a run starts: at the beginning, or after the years that are finished already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from planwise.checkpoints.ahead import TablesAhead
from planwise.checkpoints.store import CheckpointStore
from planwise.errors import UsageError, WarehouseError
from planwise.outputs import YearOutput
from planwise.ports import GraphPort
from planwise.relay import Relay
from planwise.runs.identity import Identity, differences, told
from planwise.runs.manifest import RunManifest, new_manifest
from planwise.warehouse.digests import tables_of, year_digest
from planwise.warehouse.ledger import Ledger, finished_years
from planwise.warehouse.opening import connect, first_line
from planwise.warehouse.restoring import restore_year
from planwise.year_end import Adopt

if TYPE_CHECKING:
    import duckdb

Arrange = Callable[["duckdb.DuckDBPyConnection"], Mapping[int, Mapping[str, str]]]
"""Puts the finished years into the database, in a transaction; gives their digests."""
GraphOf = Callable[[int], GraphPort]
"""The project's nodes in a year."""


@frozen
class Start:
    """Where a run starts.

    Attributes:
        manifest: the run as it is now; its finished years are not run again.
        foundation: whether the foundation is in the database already.
        arrange: what puts the finished years there; None if they are there.
        adopt: what makes the state of their last one, which another run has stored, this run's;
            None if it is this run's.
        notes: what the user is told, a sentence each.
        ahead: what is read already for ``arrange``.
    """

    manifest: RunManifest
    foundation: bool = False
    arrange: Arrange | None = None
    adopt: Adopt | None = None
    notes: tuple[str, ...] = ()
    ahead: TablesAhead | None = None

    @property
    def finished(self) -> tuple[int, ...]:
        """The years that are not run again."""
        return tuple(self.manifest.finished)

    def close(self) -> None:
        """Read nothing any more."""
        if self.ahead is not None:
            self.ahead.close()


@frozen
class Place:
    """Where a run keeps what it has finished.

    Attributes:
        database: the database file.
        store: its checkpoints.
        relay: the plugins, which read checkpoints.
        step_variable: the column that says to which year a row belongs.
        own: whether the database is planwise's own, and can be made anew from nothing.
        keeps: whether the run stores the state of its years.
    """

    database: Path
    store: CheckpointStore
    relay: Relay
    step_variable: str
    own: bool = True
    keeps: bool = True


@frozen
class _Found:
    """What a database says of a run.

    Attributes:
        years: its finished years with their digests; None if the run cannot be gone on with there.
        foundation: whether the foundation is there.
        why: why the run cannot be gone on with.
    """

    years: Mapping[int, Mapping[str, str]] | None = None
    foundation: bool = False
    why: str = ""


def fresh_start(identity: Identity, years: Sequence[int]) -> Start:
    """At the beginning."""
    return Start(new_manifest(identity, years))


def resumed_start(
    manifest: RunManifest, identity: Identity, graph_of: GraphOf, place: Place, *, force: bool
) -> Start:
    """After the last finished year of an interrupted run.

    From its database or, if that is gone, damaged or behind, from the newest good checkpoint.

    Args:
        manifest: the interrupted run.
        identity: what the run is made from now.
        graph_of: the project's nodes by year.
        place: where the run was.
        force: whether to go on although something differs.

    Raises:
        UsageError: something differs; it is named.
        WarehouseError: a database of the user's own cannot be gone on with.
    """
    differing = differences(manifest.identity, identity)
    if differing and not force:
        raise UsageError(
            f"the interrupted run cannot be resumed: {told(differing)}; give it what it began "
            "with, go on all the same with --resume=force, or start anew without --resume"
        )
    notes = (f"resumed although {told(differing)}",) if differing else ()
    years = tuple(identity["years"])
    found = _look(place, manifest, graph_of)
    if found.years is not None:
        kept = {year: each for year, each in found.years.items() if year in years}
        manifest = evolve(manifest, identity=identity, years=years, finished=kept)
        if place.own and not found.foundation:
            remove_database(place.database)  # what is in it, if anything, is none of this run
        # What differs may differ in the foundation too: it is built anew.
        there = found.foundation and not differing
        return Start(manifest, foundation=there, notes=(*notes, _told_years(kept)))
    if not place.own:
        raise WarehouseError(
            f"{place.database}: the interrupted run cannot be resumed: {found.why}; start anew "
            "without --resume"
        )
    notes = (*notes, f"the database of the interrupted run cannot be used: {found.why}")
    remove_database(place.database)
    return from_checkpoint(evolve(manifest, identity=identity, years=years), graph_of, place, notes)


def from_checkpoint(
    manifest: RunManifest, graph_of: GraphOf, place: Place, notes: tuple[str, ...] = ()
) -> Start:
    """After the newest year of which a good checkpoint is there; at the beginning without one.

    Args:
        manifest: the run; of its finished years those are kept that come back.
        graph_of: the project's nodes by year.
        place: where the run is; its database is made anew.
        notes: what the user is told besides.
    """
    if not graph_of(manifest.years[0]).self_contained:
        again = "a hook or a script may have written anything: the years are run again"
        return Start(evolve(manifest, finished={}), notes=(*notes, again))
    year, problems = _newest_of_run(manifest, place)
    notes = (*notes, *problems)
    if year is None:
        return Start(
            evolve(manifest, finished={}), notes=(*notes, "no checkpoint is good: all years again")
        )
    finished = {each: manifest.finished.get(each, {}) for each in manifest.years if each <= year}

    def arrange(cursor: Any) -> Mapping[int, Mapping[str, str]]:
        tables = place.store.read(year, place.relay)
        last = restore_year(cursor, tables, graph_of(year).outputs, place.step_variable)
        digests = {**finished, year: last}
        ledger = Ledger(manifest.run_id, manifest.years)
        for each, known in digests.items():
            ledger.record_year(cursor, each)
            ledger.record_digests(cursor, each, known)
        return digests

    notes = (*notes, f"restored from the checkpoint of {year}")
    return Start(evolve(manifest, finished=finished), arrange=arrange, notes=notes)


def _newest_of_run(manifest: RunManifest, place: Place) -> tuple[int | None, list[str]]:
    """The newest year whose checkpoint is good and holds what the run noted; why not newer ones.

    A sound checkpoint of another run that was put in its place has other digests.
    """
    problems: list[str] = []
    latest = max(manifest.finished, default=min(manifest.years) - 1)
    while True:
        year, found = place.store.newest_good(place.relay, latest)
        problems += found
        if year is None or year < min(manifest.years):
            return None, problems
        noted = manifest.finished.get(year)
        stored = {
            f"{each.schema}.{each.identifier}": each.digest
            for each in place.store.manifest(year).tables
        }
        if noted is not None and (not noted or noted == stored):
            return year, problems
        problems.append(f"the state of {year} cannot be used: it is of another run")
        latest = year - 1


def _look(place: Place, manifest: RunManifest, graph_of: GraphOf) -> _Found:
    """Look into a database that nobody has open."""
    import duckdb

    if not manifest.finished and not place.database.is_file():
        return _Found({})
    if not place.database.is_file():
        return _Found(why="it is gone")
    try:
        connection = connect(place.database)
    except WarehouseError as error:
        return _Found(why=str(error))
    try:
        years = finished_years(connection, manifest.run_id)
        if years is None:
            return _Found(None if manifest.finished else {}, why="it does not know the run")
        behind = [str(year) for year in manifest.finished if year not in years]
        if behind:
            return _Found(why=f"it has lost {', '.join(behind)}, which was finished")
        finished = {
            year: digests or manifest.finished.get(year, {}) for year, digests in years.items()
        }
        wrong = _wrong_table(connection, finished, graph_of, place.step_variable)
        return _Found(why=wrong) if wrong else _Found(finished, foundation=True)
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        return _Found(why=first_line(error))
    finally:
        connection.close()


def _wrong_table(
    connection: duckdb.DuckDBPyConnection,
    finished: Mapping[int, Mapping[str, str]],
    graph_of: GraphOf,
    step_variable: str,
) -> str:
    """What a table is not as a finished year left it, or nothing; reads every block there is."""
    seen: set[str] = set()
    for year in finished:
        for output in graph_of(year).outputs:
            name = ".".join(output.relation)
            known = finished[year].get(name)
            if known is None or not (output.by_year or year == max(finished)):
                continue  # of a table that any year may change, the last one's is there
            seen.add(name)
            if year_digest(connection, output, year, step_variable) != known:
                return f"{name} is not what {year} left"
    for relation in tables_of(connection):
        if ".".join(relation) not in seen:
            # DuckDB checks each block that it reads: a damaged one raises.
            year_digest(connection, YearOutput(relation), 0, step_variable)
    return ""


def remove_database(database: Path) -> None:
    """Remove a database with its log; there may be none."""
    for file in (database, database.with_name(database.name + ".wal")):
        file.unlink(missing_ok=True)


def _told_years(finished: Mapping[int, object]) -> str:
    if not finished:
        return "resumed: no year was finished"
    return f"resumed after {max(finished)}"
