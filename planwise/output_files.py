"""Files that a user asks for by name: they appear complete or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from planwise.errors import UsageError, WarehouseError
from planwise.interruption import signals_wait


@contextlib.contextmanager
def output_file(path: Path, *, force: bool) -> Iterator[Path]:
    """Give a file to write that takes its name only when the block ends well.

    It is written beside its place under another name, synced, renamed, and the folder synced; if
    the block raises, nothing is left and what was there is as it was.

    Args:
        path: the file to be.
        force: whether a file that is there may be replaced.

    Yields:
        The file to write; empty.

    Raises:
        UsageError: the file is there already and may not be replaced, or is a folder.
        WarehouseError: the folder is missing or cannot be written, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        refuse_existing(path, force=force)
        temporary.open("wb").close()
        yield temporary
        sync(temporary)
        refuse_existing(path, force=force)
        temporary.replace(path)
        sync(path.parent)
    except OSError as error:
        raise WarehouseError(complaint(path, error)) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def output_folder(path: Path, names: Sequence[str], *, force: bool) -> Iterator[Path]:
    """Give a folder to write several files into, which take their places when the block ends well.

    Args:
        path: the folder to be; made if it is missing, but not the one above it.
        names: the files that will be written.
        force: whether files of these names that are there may be replaced; others stay.

    Yields:
        An empty folder beside the place.

    Raises:
        UsageError: one of the files is there already and may not be replaced.
        WarehouseError: the folder cannot be made or written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        if path.exists() and not path.is_dir():
            raise UsageError(f"{path}: is a file; name a folder")
        for name in names:
            refuse_existing(path / name, force=force)
        temporary.mkdir()
        yield temporary
        for name in names:
            sync(temporary / name)
        for name in names:
            refuse_existing(path / name, force=force)
        with signals_wait():
            path.mkdir(exist_ok=True)
            for name in names:
                (temporary / name).replace(path / name)
            sync(path)
            sync(path.parent)
    except OSError as error:
        raise WarehouseError(complaint(path, error)) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def refuse_existing(path: Path, *, force: bool) -> None:
    """Refuse a place that a file must not take.

    Raises:
        UsageError: it is a folder, or a file that may not be replaced.
    """
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; name a file in it")
    if not force and path.exists():
        raise UsageError(
            f"{path}: is there already; choose another name or allow to overwrite it (--force)"
        )


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def complaint(path: Path, error: OSError) -> str:
    """One line on a file that cannot be written, with the mend."""
    mends = {
        errno.ENOENT: f"the folder {path.parent} does not exist; create it",
        errno.ENOTDIR: f"{path.parent} is not a folder; choose another place",
        errno.EACCES: f"the folder {path.parent} may not be written by this user; choose another",
        errno.EROFS: f"the folder {path.parent} is read-only; choose another",
        errno.ENOSPC: "the disk is full; free some space or choose another place",
        errno.EDQUOT: "the disk quota is used up; free some space or choose another place",
        errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    }
    mend = mends.get(error.errno or 0, f"{error.strerror or error}; choose another place")
    return f"{path}: cannot be written: {mend}"
