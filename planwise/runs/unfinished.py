"""A run that did not finish, as far as its folder tells: its record, its manifest, its database."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from planwise.errors import CheckpointError, WarehouseError
from planwise.run_files import RunFiles
from planwise.run_record import UNFINISHED_NAME, RunAccount, RunEnd, read_account
from planwise.runs.identity import PROJECT, VERSIONS
from planwise.runs.manifest import RunManifest, read_manifest
from planwise.warehouse.ledger import finished_years, is_finished
from planwise.warehouse.lock import lock_holder
from planwise.warehouse.opening import reading


@frozen
class UnfinishedRun:
    """A run that did not finish.

    Attributes:
        years: those that were asked for; empty if nothing tells.
        finished: those that are finished, and that ``--resume`` does not run again.
        account: its record; None of a run that was killed, or that could not write it.
        why: why there is no record, a sentence without its full stop; empty if there is one.
        database: what holds the finished years; None if nothing does.
        version: of the planwise that ran it, if that is known.
        replaces: whether there is an earlier result, which is as it was.
        project: SHA-256 of each file of its project, by its path in it; None if nothing tells.
    """

    years: tuple[int, ...]
    finished: tuple[int, ...]
    account: RunAccount | None
    why: str
    database: Path | None
    version: str | None
    replaces: bool
    project: Mapping[str, str] | None

    @property
    def end(self) -> RunEnd | None:
        """How it ended, if its record tells."""
        return self.account.end if self.account else None


def find_unfinished(files: RunFiles) -> UnfinishedRun | None:
    """The last run, if it did not finish; None if it did, or is still running.

    Args:
        files: the files of the run.
    """
    if lock_holder(files.database) is not None:
        return None
    manifest, database = _manifest(files)
    account, why = _account(files.work, manifest)
    if account is None and manifest is None:
        return None
    if database is not None and not database.is_file():
        database = None
    finished, end = _finished(database, manifest), account.end if account else None
    details = account.details if account else None
    versions = manifest.identity.get(VERSIONS, {}) if manifest else {}
    if details is not None:
        versions = details.circumstances.versions
    return UnfinishedRun(
        years=manifest.years if manifest else details.requested_years if details else (),
        finished=finished or (end.finished_years if end and manifest else ()),
        account=account,
        why=why,
        database=database,
        version=versions.get("planwise"),
        replaces=files.database.is_file() and database != files.database,
        project=manifest.identity.get(PROJECT, {}).get("files") if manifest else None,
    )


def _manifest(files: RunFiles) -> tuple[RunManifest | None, Path | None]:
    """What tells how far the run is, and the database that it was built in."""
    built = _read(files.building)
    if built is not None and not _ledger_says(files.database, built, whole=True):
        return built, files.building_database
    # Of a run in the user's own database the manifest is where that of a finished run is too.
    own = _read(files.work)
    if own is not None and _ledger_says(files.database, own, whole=False):
        return own, files.database
    return None, None


def _read(folder: Path) -> RunManifest | None:
    try:
        return read_manifest(folder)
    except CheckpointError:
        return None


def _ledger_says(database: Path, manifest: RunManifest, *, whole: bool) -> bool:
    """Whether a database holds the run, the whole of it or only a part."""
    try:
        with reading(database) as connection:
            there = finished_years(connection, manifest.run_id) is not None
            return there and is_finished(connection, manifest.run_id) == whole
    except WarehouseError:
        return False


def _account(folder: Path, manifest: RunManifest | None) -> tuple[RunAccount | None, str]:
    """The record of the run, or why there is none."""
    unknown = (
        "it left no record, as a process does that is killed (kill -9, no memory left) or whose "
        "machine goes down"
    )
    if not (folder / UNFINISHED_NAME).exists():
        return None, unknown
    try:
        account = read_account(folder, UNFINISHED_NAME)
    except WarehouseError as error:
        return None, str(error)
    if account.end is None:
        return None, unknown
    if manifest is not None and account.end.run_id != manifest.run_id:
        return None, unknown  # it is of the run before
    return account, ""


def _finished(database: Path | None, manifest: RunManifest | None) -> tuple[int, ...]:
    """The finished years: the database knows of one more than what lies beside it, at times."""
    if manifest is None:
        return ()
    known = set(manifest.finished)
    if database is not None:
        with suppress(WarehouseError), reading(database) as connection:
            known |= set(finished_years(connection, manifest.run_id) or ())
    return tuple(sorted(known))
