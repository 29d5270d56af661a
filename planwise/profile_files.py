"""The kept profiles of a run as files of its folder: a plan to read, and DuckDB's JSON."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from planwise.errors import WarehouseError
from planwise.profiles import ProfiledModel

FOLDER: Final = "query_profiles"
UNFINISHED_FOLDER: Final = f"unfinished_{FOLDER}"
"""Those of a run that did not finish, beside those of the last one that did."""
_LONGEST_DETAIL: Final = 100


def write_profiles(folder: Path, profiles: Sequence[ProfiledModel], name: str = FOLDER) -> Path:
    """Write each profile as text and as JSON; those of an earlier run go.

    Args:
        folder: the run's own, beside the database.
        profiles: the slowest first; none leaves no folder.
        name: of the folder in it that they go to.

    Returns:
        That folder.

    Raises:
        WarehouseError: the folder cannot be written.
    """
    place = folder / name
    try:
        if place.exists():
            shutil.rmtree(place)
        if profiles:
            place.mkdir(parents=True)
        for each in profiles:
            file = place / Path(each.file).name
            # A plugin's text may hold what UTF-8 has no bytes for.
            file.write_text(profile_text(each), encoding="utf-8", errors="replace")
            file.with_suffix(".json").write_text(each.profile, encoding="utf-8", errors="replace")
    except OSError as error:
        problem = error.strerror or error  # of a link in its place there is no number
        raise WarehouseError(f"{place}: cannot be written ({problem})") from error
    return place


def profile_text(profiled: ProfiledModel) -> str:
    """A profile for people: the plan as an indented list, an operator a line, and the statement.

    An operator comes before those that it reads from. Times of operators are those of all threads.

    Args:
        profiled: the profile; what it lacks, or has in another form, is left out.
    """
    where = "the foundation" if profiled.year is None else f"year {profiled.year}"
    lines = [f"{profiled.unique_id}, {where}: {profiled.wall_s:.3f} s"]
    try:
        found = json.loads(profiled.profile)
        query = found["query"]
        lines.append(f"its longest statement: {query['total_time']:.3f} s")
        lines += ["", f"{'ms':>10} {'rows':>14}  operator", *_plan(found["operator"])]
        lines += ["", query["sql"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        lines.append("DuckDB gave no plan that planwise can read; the JSON beside has all of it")
    return "\n".join(lines) + "\n"


def _plan(operators: Sequence[Any]) -> Iterator[str]:
    left = [(0, each) for each in reversed(operators)]
    while left:
        depth, operator = left.pop()
        details = (f"{key}: {value}" for key, value in operator.get("extra_info", {}).items())
        detail = " ".join("; ".join(details).split())
        if len(detail) > _LONGEST_DETAIL:
            detail = f"{detail[:_LONGEST_DETAIL]} ..."
        yield (
            f"{1000 * operator['timing']:10.2f} {operator['intermediate_rows']:14,}  "
            f"{'  ' * depth}{operator['name']}  {detail}"
        ).rstrip()
        left += [(depth + 1, each) for each in reversed(operator.get("children", []))]
