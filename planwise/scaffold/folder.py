"""A folder that is written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from planwise.errors import UsageError, WarehouseError
from planwise.interruption import signals_wait
from planwise.output_files import complaint, sync

_MAY_BE_THERE: Final = frozenset({".git"})
"""A folder that a version control was told of is as good as empty."""


def refuse_used(folder: Path) -> None:
    """Refuse a place where a package would mix with something else.

    Raises:
        UsageError: it is a file, a link that leads nowhere, or a folder with something in it.
        WarehouseError: it cannot be looked at.
    """
    try:
        if folder.is_symlink() and not folder.exists():
            raise UsageError(f"{folder}: is a link that leads nowhere; name a folder with --dir")
        if not folder.exists():
            return
        if not folder.is_dir():
            raise UsageError(f"{folder}: is a file; name a folder with --dir")
        there = sorted(each.name for each in folder.iterdir() if each.name not in _MAY_BE_THERE)
    except OSError as error:
        raise WarehouseError(complaint(folder, error)) from error
    if there:
        raise UsageError(
            f"{folder}: is there already and not empty ({there[0]!r} is in it); "
            "name another folder with --dir, or empty it"
        )


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Write files into a folder that is not there yet, or empty.

    They are written under another name first. If anything fails then, or on the way to their
    places, what was there before is all that is left.

    Args:
        folder: the folder to be. The one above it has to exist.
        files: text by path in the folder, with ``/`` between its parts.

    Raises:
        UsageError: the folder is used for something else.
        WarehouseError: it cannot be written: no permission, no room, no folder above it.
    """
    refuse_used(folder)
    try:
        # One that is there may be where somebody stands, or mounted: it stays, and is filled.
        if folder.exists():
            _fill(folder, files)
        else:
            _make(folder, files)
    except OSError as error:
        raise WarehouseError(complaint(folder, error)) from error


def _make(folder: Path, files: Mapping[str, str]) -> None:
    temporary = folder.with_name(f".planwise-{os.getpid()}.tmp")
    try:
        _write(temporary, files)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _fill(folder: Path, files: Mapping[str, str]) -> None:
    temporary = folder / f".planwise-{os.getpid()}.tmp"
    moved: list[Path] = []
    try:
        _write(temporary, files)
        with signals_wait():
            for each in sorted(temporary.iterdir()):
                place = folder / each.name
                each.rename(place)
                moved.append(place)  # now, not before: what another put there is not ours
    except BaseException:
        _remove(moved)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir()
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
        sync(file)


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
