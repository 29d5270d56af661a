"""Where a run keeps its files, and how a finished run takes the place of the one before.

A run is built aside, under the same file name (views keep the name of their database), and moved
into place when every year has finished. A run that fails, is interrupted or is killed leaves the
previous result as it was.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from attrs import frozen

from planwise.errors import UsageError, WarehouseError

MANIFEST_NAME: Final = "run_manifest.json"
"""How far a run is, in its folder while it is built, and beside the finished database."""
_ODD_IN_NAME: Final = re.compile(r"[\x00-\x1f\x7f\"';{}]")
_SCHEMAS: Final = frozenset(
    {"main", "inputs", "planwise", "temp", "system", "information_schema", "pg_catalog"}
)
"""Names after which ``name.table`` would mean two things."""


@frozen
class RunFiles:
    """The files of a run.

    Attributes:
        database: the finished database.
    """

    database: Path

    @property
    def work(self) -> Path:
        """The run's folder, beside the database; no two databases have the same."""
        return self.database.with_name(self.database.name + ".planwise")

    @property
    def building(self) -> Path:
        """Where the next result is built."""
        return self.work / "building"

    @property
    def building_database(self) -> Path:
        """The database while it is built."""
        return self.building / self.database.name

    @property
    def checkpoints(self) -> Path:
        """The checkpoints of the finished run."""
        return self.work / "checkpoints"

    @property
    def building_checkpoints(self) -> Path:
        """The checkpoints while the run is built."""
        return self.building / "checkpoints"

    def check(self, *, make: bool = True) -> None:
        """Refuse a database path that could not be written at the end.

        Args:
            make: whether to make its folder; without, nothing is written.

        Raises:
            UsageError: it is a folder, or has a name that dbt or DuckDB cannot work with.
            WarehouseError: its folder cannot be made or written.
        """
        if self.database.is_dir():
            raise UsageError(f"{self.database}: is a folder; --database names a file")
        problem = name_problem(self.database)
        if problem:
            raise UsageError(f"--database {self.database}: {problem}; give another name")
        folder = self.database.parent
        problem = write_problem(folder)
        if problem:
            raise WarehouseError(f"{problem}; give another --database")
        try:
            if make:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WarehouseError(f"{folder}: cannot be made ({error.strerror})") from error

    def prepare(self) -> None:
        """Start with an empty place to build in; what a killed run left there goes.

        Raises:
            WarehouseError: the folder cannot be written.
        """
        try:
            shutil.rmtree(self.building, ignore_errors=True)
            self.building.mkdir(parents=True)
        except OSError as error:
            raise WarehouseError(f"{self.building}: {error.strerror}") from error

    def publish(self) -> None:
        """Put the finished database and its checkpoints in place, synced."""
        _sync(self.building_database)
        # In this order, a kill in between leaves a database without checkpoints at worst, and never
        # with those of another run; the manifest, which goes last, tells --resume of it.
        (self.work / MANIFEST_NAME).unlink(missing_ok=True)
        if self.checkpoints.exists():
            self.checkpoints.rename(self.building / "replaced")
        # A log of the previous result would be replayed into the new one.
        self.database.with_name(self.database.name + ".wal").unlink(missing_ok=True)
        self.building_database.replace(self.database)
        if self.building_checkpoints.is_dir():
            self.building_checkpoints.rename(self.checkpoints)
        if (self.building / MANIFEST_NAME).is_file():
            (self.building / MANIFEST_NAME).replace(self.work / MANIFEST_NAME)
        _sync(self.work)
        _sync(self.database.parent)
        self.discard()

    def unpublish(self) -> None:
        """Undo the beginning of :meth:`publish`: its run was interrupted in the middle of it."""
        self.database.replace(self.building_database)
        if self.checkpoints.is_dir() and not self.building_checkpoints.exists():
            self.checkpoints.rename(self.building_checkpoints)

    def discard(self) -> None:
        """Remove what was being built."""
        shutil.rmtree(self.building, ignore_errors=True)


def name_problem(database: Path) -> str | None:
    """Why a database cannot have this name, or None.

    DuckDB names the catalog after the file. dbt-duckdb writes that name into SQL as it is, and a
    catalog that is called like a schema makes every reference to the schema ambiguous.
    """
    try:
        str(database).encode()
    except UnicodeEncodeError:
        return "the path is not UTF-8"
    odd = _ODD_IN_NAME.search(database.name)
    if odd:
        return f"dbt cannot work with {odd[0]!r} in the file's name"
    if database.stem.casefold() in _SCHEMAS:
        return f"'{database.stem}' is the name of a schema or catalog"
    return None


def write_problem(folder: Path) -> str | None:
    """Why no file can be made in a folder, or in the nearest one above it that exists; or None.

    Leaves nothing behind. Asking for permissions would not do: root has them everywhere, and still
    cannot write to a read-only file system.
    """
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        return f"{folder}: cannot be written ({error.strerror})"
    return None


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(file: Path, write: Callable[[Path], object]) -> None:
    """Write a file under a temporary name in the same folder, sync it, and rename it.

    Args:
        file: the file to make or replace.
        write: fills the temporary file; what it gives back is dropped.

    Raises:
        WarehouseError: the folder cannot be written.
    """
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        _sync(temporary)
        temporary.replace(file)
        _sync(file.parent)
    except OSError as error:
        raise WarehouseError(f"{file}: cannot be written ({error.strerror})") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text_atomically(file: Path, text: str) -> None:
    """Write a text as UTF-8, as :func:`write_atomically` does.

    Raises:
        WarehouseError: the folder cannot be written.
    """
    write_atomically(file, lambda temporary: temporary.write_text(text, encoding="utf-8"))
