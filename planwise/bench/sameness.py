"""Whether two arms give the same tables: digests of every table, and a refusal that names them."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import define, field

from planwise.bench.job import clean_environment, database_of, planwise_command
from planwise.bench.process import StepFailedError, run
from planwise.errors import PlanwiseError

_TAIL: Final = "nothing is reported, since an optimization must not change a result"


class DigestsDifferError(PlanwiseError):
    """Two arms do not give the same tables: there is nothing to compare."""


@define
class Sameness:
    """Holds the tables of every run against those of the first run of its reference.

    Attributes:
        kept: where the database of each reference's first run stays, so that rows can be shown, for
            runs of one program, which have the same tables and none more; None for runs that may
            have tables of their own, and to keep nothing.
        digests: of every table of each reference.
        compared: by contender, how many tables it shares with its reference.
    """

    kept: Path | None
    digests: dict[str, Mapping[str, str]] = field(factory=dict, init=False)
    compared: dict[str, int] = field(factory=dict, init=False)

    def check(self, name: str, reference: str, folder: Path, say: Callable[[str], None]) -> None:
        """Refuse a run whose tables are not the reference's.

        Args:
            name: the contender that ran.
            reference: the one that it is held against; it ran before, or is this one.
            folder: where the run was.
            say: told of rows that differ.

        Raises:
            DigestsDifferError: a table that both have differs, one has a table more, or they share
                none.
        """
        digests = digests_of(folder)
        own = self.digests.setdefault(reference, digests)
        alone = sorted(digests.keys() ^ own.keys())
        if alone and self.kept is not None:
            raise DigestsDifferError(
                f"arm '{name}' has other tables than the reference: only one of them has "
                f"{', '.join(alone)}; {_TAIL}"
            )
        try:
            self.compared[name] = check_same_tables(name, digests, own)
        except DigestsDifferError:
            if self.kept is not None:
                # Of a reference that differs from itself, too: a plugin may do it now and then.
                names = (f"{reference}, first run" if name == reference else reference, name)
                tables = differing_tables(digests, own)
                _show_rows(self._database(reference), folder, names, tables, say)
            raise
        if own is digests and self.kept is not None:
            self._keep(folder, self._database(reference))

    def _database(self, reference: str) -> Path:
        assert self.kept is not None  # noqa: S101  # asked for only where databases are kept
        folder = self.kept / "reference"
        return folder / f"{reference.replace(' ', '-')}.duckdb"

    def _keep(self, folder: Path, place: Path) -> None:
        place.parent.mkdir(exist_ok=True)
        database = database_of(folder)
        shutil.move(database, place)
        # Whoever was not planwise may have left what it wrote in the log.
        log = database.with_name(f"{database.name}.wal")
        if log.exists():
            shutil.move(log, place.with_name(f"{place.name}.wal"))


def _show_rows(
    reference: Path,
    folder: Path,
    names: tuple[str, str],
    tables: Sequence[str],
    say: Callable[[str], None],
) -> None:
    """Say how the tables differ. A process of its own, since DuckDB would make this one large."""
    if not tables:
        return
    words = {
        "databases": [str(reference), str(database_of(folder))],
        "names": list(names),
        "tables": list(tables),
    }
    command = (sys.executable, "-m", "planwise.bench.differences", json.dumps(words))
    log = folder / "differences.log"
    try:
        run(command, cwd=folder, environment=clean_environment(), log=log)
    except StepFailedError as error:
        say(f"the rows that differ cannot be shown: {error}")
    else:
        say(log.read_text(encoding="utf-8").rstrip())


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
