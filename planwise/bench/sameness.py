"""Whether two arms give the same tables: digests of every table, and a refusal that names them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from planwise.bench.job import clean_environment, database_of, planwise_command
from planwise.bench.process import run
from planwise.errors import PlanwiseError

_TAIL: Final = "nothing is reported, since an optimization must not change a result"


class DigestsDifferError(PlanwiseError):
    """Two arms do not give the same tables: there is nothing to compare."""


def differing_tables(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """The tables that both have and that are not the same."""
    return sorted(name for name in one.keys() & other.keys() if one[name] != other[name])


def check_same_tables(arm: str, digests: Mapping[str, str], reference: Mapping[str, str]) -> int:
    """Refuse an arm whose tables are not the reference's; gives how many they share.

    Args:
        arm: the arm.
        digests: of its tables.
        reference: of the reference's.

    Raises:
        DigestsDifferError: a table that both have differs, or they share none.
    """
    differing = differing_tables(digests, reference)
    if differing:
        raise DigestsDifferError(
            f"arm '{arm}' gives other tables than the reference: {', '.join(differing)}; {_TAIL}"
        )
    shared = len(digests.keys() & reference.keys())
    if not shared:
        raise DigestsDifferError(f"arm '{arm}' has no table in common with the reference")
    return shared


def digests_of(folder: Path, scenario: str | None = None) -> dict[str, str]:
    """Rows and digest of each table of the run in a folder, as a text.

    Args:
        folder: where the run was.
        scenario: only its rows; all without.
    """
    log = folder / "digest.json"
    chosen = () if scenario is None else ("--scenario", scenario)
    run(
        planwise_command("digest", str(database_of(folder)), *chosen),
        cwd=folder,
        environment=clean_environment(),
        log=log,
    )
    tables = json.loads(log.read_text(encoding="utf-8"))["tables"]
    return {name: f"{table['rows']} {table['digest']}" for name, table in tables.items()}
