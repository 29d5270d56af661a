"""Runs that start from a state of another run: ``RUN@2027``."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from planwise.checkpoints.store import CheckpointStore
from planwise.errors import CheckpointError, UsageError, WarehouseError
from planwise.outputs import YearOutput
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
from planwise.runs.starting import GraphOf, Place, Start, from_checkpoint
from planwise.warehouse.digests import year_digest
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
        raise UsageError(
            f"--years: a branch from {branch.year} goes on in {branch.year + 1}, got "
            f"{wanted[0]}-{wanted[-1]}"
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
    finished = {year: each for year, each in source.finished.items() if year <= branch.year}
    manifest = evolve(new_manifest(identity, identity[YEARS]), finished=finished)
    store = CheckpointStore(branch.files.checkpoints)
    problem = _copy(branch, source, place)
    if problem:
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
            return _settle(cursor, branch, graph_of, place, manifest, scenarios)

        return Start(manifest, arrange=arrange_restored, notes=taken.notes)

    def arrange(cursor: Any) -> Mapping[int, Mapping[str, str]]:
        outputs = graph_of(branch.year).outputs
        others = forget_later_rows(cursor, outputs, branch.year, place.step_variable)
        if branch.year != max(source.finished):
            _restore(cursor, others, store, branch.year, place)
        take_over(cursor, source.run_id, branch.year, Ledger(manifest.run_id, manifest.years))
        return _settle(cursor, branch, graph_of, place, manifest, scenarios)

    note = f"branched from {branch}"
    return Start(manifest, foundation=same, arrange=arrange, notes=(note,))


def _copy(branch: Branch, source: RunManifest, place: Place) -> str:
    """Copy the run's database; gives why it cannot be used, or nothing."""
    files = branch.files
    # The lock of the place itself is held already.
    own = (
        files.database == place.database.resolve() or files.work in place.database.resolve().parents
    )
    try:
        with nullcontext() if own else database_lock(files.database):
            with reading(files.database) as connection:
                there = finished_years(connection, source.run_id)
            if there is None or branch.year not in there:
                return f"{files.database} does not hold {branch.year}"
            shutil.copyfile(files.database, place.database)
    except WarehouseError as error:
        return str(error)
    except OSError as error:
        raise WarehouseError(f"{place.database}: {error.strerror or error}") from error
    return ""


def _restore(
    cursor: Any, outputs: Sequence[YearOutput], store: CheckpointStore, year: int, place: Place
) -> None:
    """Put back what later years replaced."""
    wanted = {each.relation for each in outputs}
    if not wanted:
        return
    for stored in store.read(year, place.relay, wanted.copy()):
        restore_table(cursor, stored)
        wanted.remove(stored.relation)
    if wanted:
        raise CheckpointError(f"the checkpoint of {year} lacks {'.'.join(min(wanted))}")


def _settle(
    cursor: Any,
    branch: Branch,
    graph_of: GraphOf,
    place: Place,
    manifest: RunManifest,
    scenarios: Sequence[str],
) -> Mapping[int, Mapping[str, str]]:
    """Give the rows to the new run's scenarios; the digests of the years, as far as they hold."""
    outputs = graph_of(branch.year).outputs
    changed = bool(scenarios) and as_scenarios(cursor, outputs, scenarios)
    ledger = Ledger(manifest.run_id, manifest.years)
    last = {
        ".".join(each.relation): year_digest(cursor, each, branch.year, place.step_variable)
        for each in outputs
    }
    digests = {each: {} if each != branch.year else last for each in manifest.finished}
    for each, known in digests.items():
        ledger.record_digests(cursor, each, known)
    if place.keeps and not changed:  # else what was stored has the rows of another scenario
        place.store.adopt(branch.files.checkpoints, branch.year, last)
    return digests
