"""Where figures come from: versions, and digests of the published tables."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import attrs
from attrs import frozen

from planwise.analysis.published import PUBLISHED_TABLES
from planwise.analysis.result_database import SCHEMA, ResultDatabase
from planwise.warehouse.digests import TableDigest, table_digest

_DISTRIBUTIONS: Final = ("planwise", "duckdb", "dbt-core", "dbt-duckdb", "openpyxl")


@frozen
class Provenance:
    """Where figures come from.

    Attributes:
        database: the result, an absolute path.
        simulated_by: the version of planwise that made the result; None if plain dbt did.
        made_at: when the figures were read, in UTC.
        versions: what is installed where they were read; None for what is not.
        digests: of every published table, by ``schema.table``; see ``planwise digest``.
    """

    database: str
    simulated_by: str | None
    made_at: datetime.datetime
    versions: Mapping[str, str | None]
    digests: Mapping[str, TableDigest]

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return {
            "database": self.database,
            "simulated_by_planwise": self.simulated_by,
            "made_at": self.made_at.isoformat(timespec="seconds"),
            "versions": dict(self.versions),
            "digests": {name: attrs.asdict(each) for name, each in self.digests.items()},
        }


def provenance(
    result: ResultDatabase, advance: Callable[[int], None] = lambda _: None
) -> Provenance:
    """Say where the figures of a result come from.

    Args:
        result: the database; every published table is read once.
        advance: told of each table that is done.

    Raises:
        WarehouseError: a table cannot be read.
    """
    connection = result.connection()
    digests: dict[str, TableDigest] = {}
    for table in published_tables(result):
        digests[f"{SCHEMA}.{table}"] = result.interruptibly(
            partial(table_digest, connection, SCHEMA, table)
        )
        advance(1)
    return Provenance(
        str(result.path.resolve()),
        result.made_by(),
        datetime.datetime.now(tz=datetime.UTC),
        {name: _version(name) for name in _DISTRIBUTIONS},
        digests,
    )


def published_tables(result: ResultDatabase) -> list[str]:
    """The published tables that a result has."""
    return [table for table in PUBLISHED_TABLES if table in result.columns]


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
