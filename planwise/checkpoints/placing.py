"""A checkpoint takes its place among the others, and makes room where it has to."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from planwise.checkpoints.chains import folder_of
from planwise.checkpoints.files import delete, remove_whole, size_of, sync
from planwise.checkpoints.manifest import FILE_NAME, read_manifest
from planwise.errors import CheckpointError, CheckpointSpaceError

_YEAR: Final = re.compile(r"[0-9]{1,4}\Z", re.ASCII)


def years_in(folder: Path) -> list[int]:
    """The years that a folder of checkpoints has folders of."""
    if not folder.is_dir():
        return []
    folders = (path for path in folder.iterdir() if path.is_dir())
    names = (path.name for path in folders if _YEAR.match(path.name))
    return sorted(int(name) for name in names if name == str(int(name)))


class Room:
    """What the limit leaves for a checkpoint.

    Args:
        folder: of the checkpoints.
        limit_bytes: what all may take; None for no limit.
        year: the year that is written; what is stored of it now will be replaced.
        needed: the years that it builds on, which cannot go.
    """

    def __init__(
        self, folder: Path, limit_bytes: int | None, year: int, needed: Collection[int]
    ) -> None:
        self._folder, self._limit, self._year, self._needed = folder, limit_bytes, year, needed

    def check(self, new_bytes: int, *, so_far: bool = True) -> None:
        """Refuse a checkpoint that would not fit even if all that can go had gone.

        Args:
            new_bytes: its size.
            so_far: whether more of it is to come.

        Raises:
            CheckpointSpaceError: it does not fit.
        """
        if self._limit is None:
            return
        needed = sum(size_of(folder_of(self._folder, year)) for year in self._needed)
        if new_bytes + needed > self._limit:
            builds = f" and the {needed} bytes that it builds on" if needed else ""
            raise CheckpointSpaceError(
                f"{self._folder}: the state of {self._year} cannot be stored: its "
                f"{new_bytes} bytes{' or more' if so_far else ''}{builds} are over the limit of "
                f"{self._limit} bytes; raise the limit"
            )

    def built_on(self) -> set[int]:
        """The years that were built on what is replaced, and cannot be read without it."""
        # Later years alone can be: else each year would read the manifests of all before it.
        later = [year for year in years_in(self._folder) if year > self._year]
        return dependants(self._folder, later, {self._year}) - {self._year}

    def to_go(self, new_bytes: int) -> list[int]:
        """The years that have to go for a checkpoint, the oldest first, with all built on them.

        Args:
            new_bytes: its size.

        Raises:
            CheckpointSpaceError: it would not fit then either.
        """
        if self._limit is None:
            return []
        self.check(new_bytes, so_far=False)
        replaced = {self._year, *self.built_on()}
        sizes = {
            year: size_of(folder_of(self._folder, year))
            for year in years_in(self._folder)
            if year not in replaced
        }
        gone: set[int] = set()
        for year in sorted(set(sizes) - set(self._needed)):
            if new_bytes + sum(sizes.values()) <= self._limit:
                break
            for each in dependants(self._folder, sizes, {year}):
                sizes.pop(each, None)
                gone.add(each)
        return sorted(gone)


def put_in_place(temporary: Path, final: Path, room: Room) -> None:
    """Give a finished checkpoint its name, then remove what has to go for it.

    In this order, so that a kill in between leaves too much and not too little. Years that were
    built on the one that is replaced go before: a kill leaves none that lacks what it needs.

    Args:
        temporary: where it was written, synced.
        final: where it goes; what is there now is replaced.
        room: who has to go.

    Raises:
        CheckpointSpaceError: it does not fit; nothing has changed.
        OSError: the disk refuses; nothing has changed, but for years that were built on this one.
    """
    to_go = room.to_go(size_of(temporary))
    remove_all(final.parent, room.built_on())
    aside = final.with_name(f".{final.name}.removed")
    with contextlib.suppress(FileNotFoundError):
        final.rename(aside)
    try:
        temporary.rename(final)
        sync([final.parent])
    except OSError:
        delete(final)
        with contextlib.suppress(FileNotFoundError):
            aside.rename(final)
        raise
    delete(aside)
    # The year is stored. One that cannot be removed goes when the next one makes room.
    with contextlib.suppress(OSError):
        remove_all(final.parent, to_go)


def remove_all(folder: Path, years: Iterable[int]) -> None:
    """Remove checkpoints, the newest first, so that none ever lacks what it builds on.

    Raises:
        OSError: the disk refuses.
    """
    for year in sorted(years, reverse=True):
        remove_whole(folder_of(folder, year))


def dependants(folder: Path, years: Iterable[int], of: Collection[int]) -> set[int]:
    """Years that cannot be read without one of some years, these included.

    Args:
        folder: of the checkpoints.
        years: those that there are.
        of: the years.
    """
    found = set(of)
    # Parents are earlier years, so that one pass in order finds all.
    for year in sorted(years):
        with contextlib.suppress(CheckpointError):
            parent = read_manifest(folder_of(folder, year) / FILE_NAME, year).parent
            if parent is not None and parent.year in found:
                found.add(year)
    return found
