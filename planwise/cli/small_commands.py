"""Commands of a few lines: ``digest``, ``census generate``, ``inputs``."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


def digest(options: argparse.Namespace) -> int:
    """Print the digests of a database's tables as JSON."""
    from planwise.errors import UsageError, WarehouseError
    from planwise.warehouse.digests import database_digests
    from planwise.warehouse.opening import first_line, load_duckdb, reading

    load_duckdb()
    import duckdb

    try:
        with reading(options.database) as connection:
            digests = database_digests(connection, options.scenario)
    except duckdb.Error as error:
        raise WarehouseError(f"{options.database}: {first_line(error)}") from error
    if options.scenario is not None and not any(d.rows for d in digests.values()):
        raise UsageError(f"--scenario: {options.database} has no rows of '{options.scenario}'")
    tables = {name: {"rows": d.rows, "digest": d.digest} for name, d in digests.items()}
    _write(json.dumps({"tables": tables}, indent=2))
    return 0


def census(options: argparse.Namespace) -> int:
    """``planwise census generate``."""
    from planwise.census import generate_census

    generate_census(
        options.employees,
        options.seed,
        options.output,
        options.census_date,
        overwrite=options.force,
    )
    _write(f"{options.output}: {options.employees:,} people on {options.census_date}")
    return 0


def inputs(options: argparse.Namespace) -> int:
    """Write census and scenarios into a database, for plain dbt."""
    from planwise.cli.settled import settled_configs, settled_project
    from planwise.inputs import load_inputs_interruptibly
    from planwise.run_files import RunFiles
    from planwise.warehouse.lock import database_lock
    from planwise.warehouse.opening import connect

    _, configs = settled_configs(options)
    project = settled_project(options)
    database = options.database.resolve()  # DuckDB gives names such as :memory: and md:x a meaning
    RunFiles(database).check()
    with ExitStack() as stack:
        stack.enter_context(database_lock(database))
        work = stack.enter_context(tempfile.TemporaryDirectory(prefix="planwise-"))
        new = None if database.exists() else stack.enter_context(_removed(database))
        with connect(database) as connection:
            summary = load_inputs_interruptibly(connection, configs, project, Path(work))
        if new is not None:
            new.pop_all()  # it is whole: it stays
    for line in summary.lines():
        _write(line)
    _write(f"{options.database}: schema inputs written; first year {configs[0].years[0]}")
    return 0


@contextmanager
def _removed(database: Path) -> Iterator[ExitStack]:
    """Remove a database at the end, unless the stack is emptied before."""
    with ExitStack() as stack:
        for name in (database.name, database.name + ".wal"):
            stack.callback(database.with_name(name).unlink, missing_ok=True)
        yield stack


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
