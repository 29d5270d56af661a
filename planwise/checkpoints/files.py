"""Files of a checkpoint: read only if they are what is expected, and made to stay."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from planwise.errors import CheckpointError

_MOST_SYNCED: Final = 8
"""Files at once: eight of a checkpoint took 26 ms one after the other, and 11 together."""
_LEFTOVER: Final = re.compile(r"\.[0-9]{1,4}\.(writing|removed)\Z", re.ASCII)


def read_at_most(file: Path, most_bytes: int, what: str) -> bytes:
    """The bytes of a file that must not be large.

    Args:
        file: a regular file; a link is refused.
        most_bytes: the most that it may hold.
        what: what it would be, for the message.

    Raises:
        FileNotFoundError: there is none.
        CheckpointError: it is no regular file, larger, or cannot be read.
    """
    with _opened(file) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as stream:
        content = stream.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise CheckpointError(f"{file}: larger than {what}")
    return content


def read_sized(file: Path, size_bytes: int) -> bytes:
    """The bytes of a file of a known size.

    Args:
        file: a regular file; a link is refused.
        size_bytes: how large it was when it was written.

    Raises:
        CheckpointError: it is missing, no regular file, or of another size.
    """
    try:
        with _opened(file) as descriptor:
            found = os.fstat(descriptor).st_size
            # Before anything is read: a sparse file of any size takes no space.
            if found != size_bytes:
                raise CheckpointError(
                    f"{file}: damaged: {found} bytes, expected {size_bytes} bytes"
                )
            with os.fdopen(descriptor, "rb", closefd=False) as stream:
                return stream.read(size_bytes)
    except FileNotFoundError as error:
        raise CheckpointError(f"{file}: cannot be read ({error.strerror})") from error


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[int]:
    """Open a regular file; neither a link is followed nor a pipe waited for."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        if file.is_symlink() or file.parent.is_symlink():
            raise CheckpointError(f"{file}: is reached by a link, which planwise does not make")
        descriptor = os.open(file, flags)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise CheckpointError(f"{file}: is no regular file")
            yield descriptor
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise CheckpointError(f"{file}: cannot be read ({error.strerror})") from error


def sync(paths: Sequence[Path]) -> None:
    """Wait until files, and the names in folders, are on the disk.

    All at once: those that wait for a file system's journal together wait for it once.

    Args:
        paths: files and folders, at least one.

    Raises:
        OSError: the disk refuses.
    """
    if len(paths) == 1:
        _sync(paths[0])
        return
    from concurrent.futures import ThreadPoolExecutor  # only where a year is stored

    with ThreadPoolExecutor(
        min(len(paths), _MOST_SYNCED), thread_name_prefix="planwise-sync"
    ) as pool:
        deque(pool.map(_sync, paths), maxlen=0)  # asked for one by one, each tells its error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_whole(path: Path) -> None:
    """Take a checkpoint away by one renaming, so that a kill leaves no half of it, and delete it.

    Raises:
        OSError: the disk refuses.
    """
    aside = path.with_name(f".{path.name}.removed")
    delete(aside)
    path.rename(aside)
    sync([path.parent])
    delete(aside)


def delete(path: Path) -> None:
    """Delete a folder, a file or a link, not what it points at; what cannot be deleted stays."""
    if path.is_symlink() or path.is_file():
        with contextlib.suppress(OSError):
            path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Delete what a write or a removal that was killed has left in a folder of checkpoints."""
    with contextlib.suppress(FileNotFoundError):
        for path in list(folder.iterdir()):
            if _LEFTOVER.match(path.name):
                delete(path)


def size_of(path: Path) -> int:
    """Bytes of the files in a checkpoint's folder; what has gone meanwhile counts 0."""
    size = 0
    with contextlib.suppress(OSError):
        for file in path.iterdir():
            size += file.lstat().st_size
    return size
