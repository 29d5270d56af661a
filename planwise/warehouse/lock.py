"""A lock of our own beside the database.

DuckDB's own lock falls as soon as anything in the same process opens and closes the file; after
that a second process can write into it unnoticed.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from planwise.errors import DatabaseLockedError, WarehouseError

_LOOKS: Final = 50
"""At an empty lock file: whoever has just taken it names itself in its next step."""


def lock_file(database: Path) -> Path:
    """Where the lock of a database is."""
    return database.with_name(database.name + ".lock")


@contextmanager
def database_lock(database: Path) -> Iterator[None]:
    """Hold the lock of a database, and remove its file at the end.

    Args:
        database: the database file; its folder must exist.

    Raises:
        DatabaseLockedError: another process holds it; the process is named.
        WarehouseError: the folder cannot be written.
    """
    import fcntl

    path = lock_file(database.resolve())
    descriptor = _open_locked(path, database)
    try:
        _write_holder(descriptor, path)
        yield
    finally:
        # Removed while still held: whoever waits for it sees that the file is another one.
        path.unlink(missing_ok=True)
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def lock_holder(database: Path) -> str | None:
    """The process that holds the lock of a database, as its id and name; None if nobody does.

    A process that was killed leaves the file behind, and nobody holds it then.
    """
    import fcntl

    try:
        descriptor = os.open(lock_file(database.resolve()), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        holder = _holder(descriptor)
        number = holder.partition(" ")[0]
        if not (number.isdecimal() and _is_alive(int(number))):
            return None
        # Another process may have its number by now. Whoever holds the lock is not disturbed, and
        # of a file that a dead one left only a process that starts this moment would be.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return holder
    finally:
        os.close(descriptor)
    return None


def _is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # somebody else's
    return True


def _write_holder(descriptor: int, path: Path) -> None:
    holder = f"{os.getpid()} {Path(sys.argv[0]).name}\n"
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, holder.encode("utf-8", errors="replace"))
    except OSError as error:
        raise WarehouseError(
            f"{path}: cannot be written ({error.strerror}); give another place with --database"
        ) from error


def _open_locked(path: Path, database: Path) -> int:
    import fcntl

    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise WarehouseError(
                f"{path}: cannot be written ({os.strerror(error.errno or 0)}); "
                "give another place with --database"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(descriptor)
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise DatabaseLockedError(
                    f"{database}: in use by another planwise, process {holder or 'unknown'}; "
                    "wait for it, or give another file with --database"
                ) from error
            raise WarehouseError(f"{path}: cannot be locked ({error})") from error
        if _is_current(descriptor, path):
            return descriptor
        os.close(descriptor)  # its last holder removed it between our open and our lock


def _holder(descriptor: int) -> str:
    """What the holder wrote, fit for one line of a terminal."""
    for _ in range(_LOOKS):
        text = os.pread(descriptor, 200, 0).decode("utf-8", errors="replace")
        if text.strip():
            break
        time.sleep(0.01)  # it has the lock, and writes its name next
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _is_current(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
