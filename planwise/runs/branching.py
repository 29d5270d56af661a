"""Runs that start from a state of another run: ``RUN@2027``."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from planwise.checkpoints.ahead import TablesAhead
from planwise.checkpoints.store import CheckpointStore
from planwise.checkpoints.tables import YearTable
from planwise.errors import CheckpointError, UsageError, WarehouseError
from planwise.interruption import alongside
from planwise.run_files import RunFiles
from planwise.runs.identity import (
    BRANCH,
    CENSUS,
    PROJECT,
    VERSIONS,
    YEARS,
    Identity,
    differences,
    told,
)
from planwise.runs.manifest import RunManifest, new_manifest, read_manifest
from planwise.runs.starting import GraphOf, Place, Start, from_checkpoint, remove_database
from planwise.warehouse.ledger import Ledger, finished_years, take_over
from planwise.warehouse.lock import database_lock
from planwise.warehouse.opening import reading
from planwise.warehouse.restoring import (
    as_scenarios,
    forget_later_rows,
    restore_table,
)


@frozen
class Branch:
    """A year of a finished run.

    Attributes:
        database: the run's database.
        year: the last year that is taken over.
    """

    database: Path
    year: int

    def __str__(self) -> str:
        return f"{self.database}@{self.year}"

    @property
    def files(self) -> RunFiles:
        """The run's files."""
        return RunFiles(self.database.resolve())


def parse_branch(text: str) -> Branch:
    """``RUN@YEAR``, where RUN is the database of a finished run.

    Raises:
        UsageError: it is something else.
    """
    database, at, year = text.rpartition("@")
    if not at or not database or not re.fullmatch("[0-9]{4}", year):
        raise UsageError(
            f"--from: expected a database and a year, such as output/simulation.duckdb@2027, "
            f"got '{text}'"
        )
    return Branch(Path(database), int(year))


def source_manifest(branch: Branch) -> RunManifest:
    """The run that is branched from.

    Raises:
        UsageError: there is no such run, or the year is none of its finished ones.
        CheckpointError: its manifest is damaged.
    """
    if not branch.database.is_file() and not branch.files.work.is_dir():
        raise UsageError(f"--from: {branch.database}: no such database")
    manifest = read_manifest(branch.files.work)
    if manifest is None:
        raise UsageError(
            f"--from: {branch.database} is no finished run of planwise simulate, or of one that "
            "kept no state; simulate it first"
        )
    if branch.year not in manifest.finished:
        years = ", ".join(map(str, manifest.finished))
        raise UsageError(f"--from: {branch.database} has the years {years}, and not {branch.year}")
    return manifest


def branch_name(branch: Branch) -> str:
    """What a branch starts from, by which its run is known again.

    Raises:
        UsageError: there is no such run, or the year is none of its finished ones.
    """
    return f"{source_manifest(branch).run_id}@{branch.year}"


def branch_years(branch: Branch, source: RunManifest, wanted: Sequence[int]) -> tuple[int, ...]:
    """All years of a branch: those that are taken over, and those that are wanted.

    Args:
        branch: where it starts.
        source: the run that it starts from.
        wanted: the years to run.

    Raises:
        UsageError: they do not follow the year that the branch starts from.
    """
    later = [year for year in wanted if year > branch.year]
    if not later or wanted[0] not in {branch.year + 1, source.years[0]}:
        got = wanted[0] if len(wanted) == 1 else f"{wanted[0]}-{wanted[-1]}"
        raise UsageError(
            f"--years: a branch from {branch.year} goes on in {branch.year + 1}, got {got}"
        )
    return tuple(range(source.years[0], later[-1] + 1))


def branched_start(
    branch: Branch, identity: Identity, graph_of: GraphOf, place: Place, *, scenarios: Sequence[str]
) -> Start:
    """After the year that is branched from: with its database copied or, without one, restored.

    Args:
        branch: where to start.
        identity: what the new run is made from.
        graph_of: the project's nodes by year.
        place: where the new run will be; nothing is there yet.
        scenarios: the scenarios of the new run; none for a project without.

    Raises:
        UsageError: project or census differ from the run's.
        CheckpointError: nothing of the year can be used.
    """
    source = source_manifest(branch)
    differing = differences(source.identity, identity, (PROJECT, CENSUS, VERSIONS))
    if differing:
        raise UsageError(
            f"--from: {branch.database} was made from something else: {told(differing)}; a branch "
            "needs the same project, census and versions"
        )
    sections = [name for name in identity if name not in {YEARS, BRANCH}]
    same = not differences(source.identity, identity, sections)
    finished: dict[int, Mapping[str, str]] = {
        year: each for year, each in source.finished.items() if year <= branch.year
    }
    manifest = evolve(new_manifest(identity, identity[YEARS]), finished=finished)
    store = CheckpointStore(branch.files.checkpoints)
    outputs = graph_of(branch.year).outputs

    def adopt(digests: Mapping[str, str]) -> bool:
        return not place.keeps or place.store.adopt(store.folder, branch.year, digests)

    def settle(cursor: Any) -> Mapping[int, Mapping[str, str]]:
        """Give the rows to the new run's scenarios; their digests are taken beside the next year.

        Those of the years before do not hold any more: of each table the last year's rows are left.
        """
        if scenarios:
            as_scenarios(cursor, outputs, scenarios)
        Ledger(manifest.run_id, manifest.years).forget_digests(cursor)
        return {year: {} for year in finished}

    # Of a table that each year replaces, the database has what the last year left.
    later = branch.year != max(source.finished)
    replaced = {each.relation for each in outputs if later and not each.by_year}
    ahead = TablesAhead(store.read(branch.year, place.relay, replaced) if replaced else iter(()))
    try:
        problem = _copy(branch, source, place)
    except BaseException:
        ahead.close()
        raise
    if problem:
        ahead.close()
        taken = from_checkpoint(
            evolve(manifest, years=tuple(finished)),
            graph_of,
            evolve(place, store=store),
            (problem,),
        )
        if taken.arrange is None or taken.finished[-1] != branch.year:
            raise CheckpointError(
                f"--from: nothing of {branch} can be used: {'; '.join(taken.notes)}"
            )
        restore = taken.arrange

        def arrange_restored(cursor: Any) -> Mapping[int, Mapping[str, str]]:
            restore(cursor)
            return settle(cursor)

        return Start(manifest, arrange=arrange_restored, adopt=adopt, notes=taken.notes)

    def arrange(cursor: Any) -> Mapping[int, Mapping[str, str]]:
        forget_later_rows(cursor, outputs, branch.year, place.step_variable)
        _restore(cursor, ahead, replaced, branch.year)
        take_over(cursor, source.run_id, branch.year, Ledger(manifest.run_id, manifest.years))
        return settle(cursor)

    return Start(
        manifest,
        foundation=same,
        arrange=arrange,
        adopt=adopt,
        notes=(f"branched from {branch}",),
        ahead=ahead,
    )


def _copy(branch: Branch, source: RunManifest, place: Place) -> str:
    """Copy the run's database; gives why it cannot be used, or nothing. Then nothing is left."""
    files = branch.files
    # The lock of the place itself is held already.
    own = (
        files.database == place.database.resolve() or files.work in place.database.resolve().parents
    )
    try:
        with nullcontext() if own else database_lock(files.database):
            # DuckDB takes longer to open a file than the system to copy it.
            with (
                reading(files.database) as connection,
                alongside(lambda: shutil.copyfile(files.database, place.database)) as copying,
            ):
                there = finished_years(connection, source.run_id)
            copying.result()
        problem = (
            ""
            if there and branch.year in there
            else f"{files.database} does not hold {branch.year}"
        )
    except WarehouseError as error:
        problem = str(error)
    except OSError as error:
        raise WarehouseError(f"{place.database}: {error.strerror or error}") from error
    if problem:
        remove_database(place.database)
    return problem


def _restore(
    cursor: Any, tables: Iterable[YearTable], replaced: Set[tuple[str, str]], year: int
) -> None:
    """Put back what later years replaced."""
    wanted = set(replaced)
    for stored in tables:
        restore_table(cursor, stored)
        wanted.remove(stored.relation)
    if wanted:
        raise CheckpointError(f"the checkpoint of {year} lacks {'.'.join(min(wanted))}")
