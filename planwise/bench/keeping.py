"""What an arm keeps from one run to the next, and what it begins with.

planwise finds two things where an earlier run left them: graphs and rendered texts in the folder
of ``--cache-dir``, and dbt's parse cache beside the database. Both are found by the content of
everything that they depend on, and a plugin is not among that: whoever looks with another key
finds nothing, and makes it. So an arm may begin with a copy of what the reference's first run
left, instead of making the same again; its own first run, which is not counted, is held against
the reference's tables, and adds what it lacks. From then on nothing is shared.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from planwise.bench.job import Place, database_of
from planwise.run_files import RunFiles

CACHES: Final = "caches"
PARSED: Final = "partial_parse.msgpack"


def caches_of(place: Place, *, cold: bool) -> Path:
    """Where a run looks for its caches.

    Args:
        place: of the run.
        cold: whether they are empty before each run; else they are what the arm keeps.
    """
    return (place.folder if cold else place.kept) / CACHES


def lay_out(place: Place, reference: Path) -> None:
    """Put what is kept where the next run looks for it, outside of what is measured.

    Args:
        place: of the run, which has not begun.
        reference: what the arm that it is held against keeps; its own if it is that one.
    """
    if not (place.kept / CACHES).exists() and (reference / CACHES).is_dir():
        shutil.copytree(reference / CACHES, place.kept / CACHES)
    if not (place.kept / PARSED).exists() and (reference / PARSED).is_file():
        shutil.copy2(reference / PARSED, place.kept / PARSED)
    if (place.kept / PARSED).is_file():
        _parsed(place).parent.mkdir(parents=True)
        shutil.copy2(place.kept / PARSED, _parsed(place))


def keep(place: Place) -> None:
    """Keep what a run left, before its folder is removed.

    Args:
        place: of the run, which has ended.
    """
    if _parsed(place).is_file():
        _parsed(place).replace(place.kept / PARSED)


def _parsed(place: Place) -> Path:
    return RunFiles(database_of(place.folder)).work / "target" / PARSED
