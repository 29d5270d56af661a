"""The stored state of a year as Parquet files, one a table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from planwise.checkpoints.tables import YearTable
from planwise.interruption import call_interruptibly
from planwise.own_results import duckdb_errors
from planwise.warehouse.opening import connect

_ODD: Final = re.compile(r"[^\w.-]+")


def file_names(relations: Sequence[tuple[str, str]]) -> list[str]:
    """A file name for each table: ``schema.table.parquet``, odd signs replaced, none twice.

    Args:
        relations: schema and identifier of each.
    """
    names: list[str] = []
    taken: set[str] = set()
    for relation in relations:
        stem = _ODD.sub("_", ".".join(relation)).lstrip(".")[:150] or "table"
        name, number = stem, 1
        while name.casefold() in taken:  # some file systems do not tell cases apart
            number += 1
            name = f"{stem}_{number}"
        taken.add(name.casefold())
        names.append(f"{name}.parquet")
    return names


def write_states(tables: Iterable[YearTable], files: Sequence[Path]) -> list[tuple[str, int]]:
    """Write tables, one after the other, by DuckDB: it has a Parquet form for each of its types.

    Args:
        tables: the state of a year.
        files: where each goes; replaced if it is there.

    Returns:
        Name and rows of each.

    Raises:
        WarehouseError: a file cannot be written.
        CheckpointError: a table cannot be read.
    """
    written = []
    with duckdb_errors(), connect(Path(":memory:")) as connection:
        for state, file in zip(tables, files, strict=True):
            connection.register("state", state.table)

            def copy(file: Path = file) -> None:
                # The file is a temporary one already: DuckDB is to make none beside it.
                connection.execute(
                    "copy (from state) to ? (format parquet, compression zstd, use_tmp_file false)",
                    [str(file)],
                )

            call_interruptibly(copy, connection.interrupt)
            connection.unregister("state")
            written.append((state.name, state.table.num_rows))
    return written
