"""Writing a file so that it appears complete or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from planwise.errors import CensusError, UsageError
from planwise.output_files import complaint, sync


@contextlib.contextmanager
def atomic_output(path: Path, *, overwrite: bool) -> Iterator[BinaryIO]:
    """Open a file that takes its name only when the block ends well.

    It is written beside its place under another name, synced, renamed, and the folder synced;
    if the block raises, nothing is left.

    Args:
        path: the file to be.
        overwrite: whether a file that is there may be replaced.

    Raises:
        UsageError: the file is there already and may not be replaced.
        CensusError: the folder is missing or cannot be written, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    # A signal may be raised as soon as the file is there: it is opened where it is removed.
    try:
        _refuse_existing(path, overwrite)
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _refuse_existing(path, overwrite)
        temporary.replace(path)
        sync(path.parent)
    except OSError as error:
        raise CensusError(complaint(path, error)) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _refuse_existing(path: Path, overwrite: bool) -> None:
    if path.is_dir():
        raise CensusError(f"{path}: is a folder; name a file in it")
    if not overwrite and path.exists():
        raise UsageError(
            f"{path}: is there already; choose another name or allow to overwrite it (--force)"
        )
