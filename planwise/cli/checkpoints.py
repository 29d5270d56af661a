"""``planwise checkpoints``: the stored states of years listed, verified, removed, exported."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from planwise.errors import CheckpointError, PluginError, UsageError

if TYPE_CHECKING:
    from planwise.checkpoints.manifest import Manifest
    from planwise.checkpoints.store import CheckpointStore
    from planwise.relay import Relay

DESCRIPTION: Final = """\
A checkpoint is the state of a finished year: the tables that the next year reads, compressed, in
files with checksums, beside the database. The finished result has some, and so has a run that is
going on or was stopped. One checkpoint may build on that of the year before, and holds then what
has changed."""

EXAMPLES: Final = """\
examples:
  planwise checkpoints list                            what is stored, and how large it is
  planwise checkpoints list my.duckdb --json
  planwise checkpoints verify                          read everything; exit code 1 if any is bad
  planwise checkpoints prune --keep-last 2
  planwise checkpoints prune my.duckdb --years 2025-2027
  planwise checkpoints export 2026 --output state      as Parquet, also while a run goes on

docs/checkpoints.md has the format, and what happens when the disk is full"""

_EXPORT: Final = """\
This is the way to look at a year while a run still goes on: a checkpoint is whole or not there, and
reading it disturbs nobody. A year that both the finished result and an unfinished run have is taken
from the run, unless --finished says otherwise.

examples:
  planwise checkpoints export 2026 --output state
  duckdb -c "select count(*) from 'state/main.fct_workforce_snapshot.parquet'"
  planwise checkpoints export 2026 my.duckdb --output state --finished --force"""

_FINISHED: Final = "the finished result"
_UNFINISHED: Final = "the unfinished run"


@frozen
class _Place:
    """Where checkpoints are, and whose they are."""

    whose: str
    store: CheckpointStore


def add_parser(commands: Any) -> None:
    """Add the command and its actions to the commands of planwise."""
    parser = commands.add_parser(
        "checkpoints",
        help="list, verify, remove and export the stored states of years",
        description=DESCRIPTION,
        epilog=EXAMPLES,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser(
        "list",
        help="what is stored of each year, what it builds on, and how large it is",
        description="List the checkpoints of the finished result and of an unfinished run.",
        epilog="examples:\n  planwise checkpoints list\n  planwise checkpoints list --json",
    )
    listing.add_argument("--json", action="store_true", help="print JSON")
    verifying = actions.add_parser(
        "verify",
        help="read every checkpoint and all that it builds on",
        description="Read every checkpoint and all that it builds on, and say OK or what is wrong. "
        "Exit code 1 if any cannot be used.",
        epilog="examples:\n  planwise checkpoints verify\n  planwise checkpoints verify my.duckdb",
    )
    pruning = actions.add_parser(
        "prune",
        help="remove checkpoints",
        description="Remove checkpoints, without a question. What one that stays builds on stays "
        "too. Refused while a run is going on.",
        epilog="examples:\n  planwise checkpoints prune --keep-last 1\n"
        "  planwise checkpoints prune my.duckdb --years 2025 2026",
    )
    which = pruning.add_mutually_exclusive_group(required=True)
    which.add_argument("--keep-last", type=int, metavar="N", help="remove all but the newest N")
    which.add_argument("--years", nargs="+", metavar="YEAR", help="remove these: 2025 2027-2029")
    exporting = actions.add_parser(
        "export",
        help="write the state of a year as Parquet files, also while a run goes on",
        description="Write the state of a year into a folder, a Parquet file a table.",
        epilog=_EXPORT,
    )
    exporting.add_argument("year", type=int, metavar="YEAR", help="the year")
    for each in (listing, verifying, pruning, exporting):
        each.add_argument(
            "database",
            type=Path,
            nargs="?",
            metavar="DATABASE",
            help="the database beside which they are (default: output/simulation.duckdb)",
        )
        each.add_argument("--verbose", action="store_true", help="show tracebacks of errors")
    exporting.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="the folder; made if missing"
    )
    exporting.add_argument(
        "--finished", action="store_true", help="of the finished result, not of a run going on"
    )
    exporting.add_argument("--force", action="store_true", help="replace files that are there")


def run(options: argparse.Namespace) -> int:
    """Run the chosen action.

    Raises:
        CheckpointError: there is neither a result nor a run, or the year cannot be read.
        DatabaseLockedError: checkpoints are to be removed while a run is going on.
        UsageError: an argument is wrong.
    """
    from planwise.simulation_options import DEFAULT_DATABASE

    database = (options.database or DEFAULT_DATABASE).resolve()
    actions = {"list": _list, "verify": _verify, "prune": _prune, "export": _export}
    return actions[options.action](options, database)


def _places(database: Path) -> list[_Place]:
    """Where there are checkpoints of a database.

    Raises:
        CheckpointError: there is nothing at all of this name.
    """
    from planwise.checkpoints.store import CheckpointStore
    from planwise.run_files import RunFiles

    files = RunFiles(database)
    if not database.exists() and not files.work.exists():
        raise CheckpointError(
            f"{database}: neither a result nor a run is there; name the database, or make one with "
            "`planwise simulate`"
        )
    places = [
        _Place(_FINISHED, CheckpointStore(files.checkpoints)),
        _Place(_UNFINISHED, CheckpointStore(files.building_checkpoints)),
    ]
    return [place for place in places if place.store.years()]


def _list(options: argparse.Namespace, database: Path) -> int:
    places = _places(database)
    found: list[dict[str, Any]] = [
        {
            "of": "finished" if place.whose == _FINISHED else "unfinished",
            "folder": str(place.store.folder),
            "checkpoints": [_facts(place.store, year) for year in place.store.years()],
        }
        for place in places
    ]
    if options.json:
        sys.stdout.write(json.dumps({"places": found}, indent=2) + "\n")
        return 0
    from rich.table import Table

    from planwise.reporting.terminal import make_console

    console = make_console(sys.stdout)
    for number, (place, facts) in enumerate(zip(places, found, strict=True)):
        if number:
            console.print()
        console.print(f"{place.whose}: {place.store.folder}")
        table = Table(box=None, pad_edge=False)
        for heading in ("year", "kind", "tables", "rows", "Arrow bytes", "stored bytes", "ratio"):
            table.add_column(
                heading, justify="left" if heading == "kind" else "right", overflow="fold"
            )
        table.add_column("codec", overflow="fold")
        table.add_column("written", overflow="fold")
        problems = []
        for row in facts["checkpoints"]:
            if row["problem"] is not None:
                table.add_row(str(row["year"]), "cannot be read: see below")
                problems.append(f"{row['year']}: {row['problem']}")
                continue
            counts = ("tables", "rows", "raw_bytes", "stored_bytes")
            table.add_row(
                str(row["year"]),
                "full" if row["parent"] is None else f"against {row['parent']}",
                *(f"{row[key]:,}" for key in counts),
                f"{row['ratio']:.1f}",
                row["codec"],
                row["written"],
            )
        console.print(table)
        for line in problems:
            console.print(line)
    if not places:
        console.print(f"{database}: no checkpoints")
    return 0


def _facts(store: CheckpointStore, year: int) -> dict[str, Any]:
    """What is known of a checkpoint without reading its tables, ready for JSON."""
    try:
        manifest = store.manifest(year)
    except CheckpointError as error:
        return {"year": year, "problem": str(error)}
    raw = sum(entry.raw_bytes for entry in manifest.tables)
    stored = store.size_bytes(year)
    return {
        "year": year,
        "problem": None,
        "parent": None if manifest.parent is None else manifest.parent.year,
        "tables": len(manifest.tables),
        "rows": sum(entry.rows for entry in manifest.tables),
        "raw_bytes": raw,
        "stored_bytes": stored,
        "ratio": raw / stored if stored else 0.0,
        "codec": manifest.codec,
        "codecs": sorted({part.codec for entry in manifest.tables for part in entry.parts}),
        "written": manifest.written,
        "origin": dict(manifest.origin),
    }


def _verify(options: argparse.Namespace, database: Path) -> int:  # noqa: ARG001  # as the others
    places = _places(database)
    if not places:
        raise CheckpointError(f"{database}: no checkpoints to verify")
    relay = _reading_relay()
    bad = 0
    for place in places:
        _say(f"{place.whose}: {place.store.folder}")
        for year in place.store.years():
            try:
                place.store.verify(year, relay)
            except CheckpointError as error:
                bad += 1
                _say(f"{year}: {error}")
            else:
                _say(f"{year}: OK")
    return 1 if bad else 0


def _prune(options: argparse.Namespace, database: Path) -> int:
    from planwise.cli.years import listed_years
    from planwise.warehouse.lock import database_lock

    if options.keep_last is not None and options.keep_last < 0:
        raise UsageError(f"--keep-last: expected 0 or more, got {options.keep_last}")
    asked = listed_years(options.years or ())
    _places(database)  # else the lock would make its file in a folder that is not ours
    with database_lock(database):
        places = _places(database)
        there = sorted({year for place in places for year in place.store.years()})
        for year in asked:
            if year not in there:
                known = ", ".join(map(str, there)) or "none"
                raise UsageError(f"--years: no checkpoint of {year}; there are: {known}")
        for place in places:
            _prune_place(place, options.keep_last, asked)
        if not places:
            _say("no checkpoints: nothing to remove")
    return 0


def _prune_place(place: _Place, keep_last: int | None, asked: list[int]) -> None:
    store = place.store
    years = store.years()
    sizes = {year: store.size_bytes(year) for year in years}
    if keep_last is None:
        keep = [year for year in years if year not in asked]
    else:
        keep = years[len(years) - min(keep_last, len(years)) :]
    removed = store.prune(keep)
    for year in store.years():
        if year not in keep:
            needing = ", ".join(map(str, store.needed_by(year)))
            _say(f"{place.whose}: {year} stays: {needing} cannot be read without it")
    if removed:
        freed = sum(sizes[year] for year in removed)
        _say(f"{place.whose}: removed {', '.join(map(str, removed))}: {freed:,} bytes freed")
    else:
        _say(f"{place.whose}: nothing to remove")


def _export(options: argparse.Namespace, database: Path) -> int:
    from planwise.output_files import output_folder
    from planwise.reporting.state_files import file_names, write_states

    place, manifest = _place_of(options, database)
    relay = _reading_relay()
    names = file_names([entry.relation for entry in manifest.tables])
    with output_folder(options.output, names, force=options.force) as folder:
        states = place.store.read(options.year, relay)
        written = write_states(states, [folder / name for name in names])
    for (table, rows), name in zip(written, names, strict=True):
        _say(f"{table}: {rows:,} rows in {name}")
    _say(f"{options.output}: the state of {options.year} of {place.whose}, written")
    return 0


def _place_of(options: argparse.Namespace, database: Path) -> tuple[_Place, Manifest]:
    """Whose checkpoint of the year is meant: the unfinished run's, if it has one."""
    places = [p for p in _places(database) if p.whose == _FINISHED or not options.finished]
    having = [place for place in places if options.year in place.store.years()]
    if not having:
        known = sorted({year for place in places for year in place.store.years()})
        raise UsageError(
            f"{database}: no checkpoint of {options.year}; there are: "
            f"{', '.join(map(str, known)) or 'none'}"
        )
    return having[-1], having[-1].store.manifest(options.year)


def _reading_relay() -> Relay:
    """Every installed plugin that reads states, whatever the configuration says of it."""
    from planwise.config import load_config
    from planwise.plugins import implemented_hooks, installed_plugins, load_plugins
    from planwise.relay import Relay
    from planwise.settings import plugin_option_values

    readers = []
    for each in installed_plugins().values():
        try:
            # One by one: two that would compress are no trouble where nothing is compressed.
            loaded = load_plugins([each])
        except PluginError as error:
            sys.stderr.write(f"planwise: left out: {error}\n")
            continue
        readers += [one for one in loaded if "restore_state" in implemented_hooks(one.instance)]
    relay = Relay(readers)
    relay.configure(
        plugin_option_values(relay.add_options(), flags={}, environ={}, config=load_config(None))
    )
    return relay


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
