"""Checkpoints that two runs share: a branch has the years before it in common with its source.

A checkpoint is never written to again once it is in its place, so its files can have a second name
elsewhere on the file system: that takes no time and no room, and either run may remove its own.
"""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

from planwise.checkpoints.chains import Chain, checked_parts, folder_of
from planwise.checkpoints.files import delete, sync
from planwise.checkpoints.manifest import FILE_NAME
from planwise.checkpoints.placing import Room, put_in_place


def adopt_chain(source: Path, folder: Path, chain: Chain) -> None:
    """Give a second name to each checkpoint of a chain, once all its bytes are checked.

    Args:
        source: the folder of the chain.
        folder: of the run that gets it too; checkpoints of the same years are replaced.
        chain: the chain, the youngest first.

    Raises:
        CheckpointError: a file is damaged.
        OSError: a file can have no second name there.
    """
    for manifest in chain:
        place = folder_of(source, manifest.year)
        for entry in manifest.tables:
            deque(checked_parts(place / entry.file, entry), maxlen=0)
    for manifest in reversed(chain):  # so that none is there without those that it builds on
        place, temporary = folder_of(source, manifest.year), folder / f".{manifest.year}.writing"
        delete(temporary)
        try:
            temporary.mkdir(parents=True)
            for name in (FILE_NAME, *(entry.file for entry in manifest.tables)):
                os.link(place / name, temporary / name, follow_symlinks=False)
            sync([temporary])
            final = folder_of(folder, manifest.year)
            put_in_place(temporary, final, Room(folder, None, manifest.year, ()))
        finally:
            delete(temporary)  # still there only if something failed
