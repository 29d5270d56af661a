"""What whoever is lent the cursor of a transaction leaves alone: the transaction and the settings.

A year is one transaction, which the kernel alone ends: what a plugin commits in its middle would be
there without the rest of the year. DuckDB's settings are of the whole database or of the session,
and some of them decide what a query gives, or whether a COMMIT reaches the disk. A cursor that is
lent can do both; so both are looked at before a year is committed, and whenever one fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planwise.warehouse.opening import first_line

if TYPE_CHECKING:
    import duckdb

WATCHED: Final = (
    "Calendar",
    "TimeZone",
    "default_collation",
    "default_null_order",
    "default_order",
    "dialect_compatibility_mode",
    "disable_timestamptz_casts",
    "fsync_mode",
    "ieee_floating_point_ops",
    "integer_division",
    "lock_configuration",
    "max_execution_time",
    "memory_limit",
    "operator_memory_limit",
    "order_by_non_integer_literal",
    "preserve_insertion_order",
    "scalar_subquery_error_on_multiple_rows",
    "schema",
    "search_path",
    "threads",
)
"""Settings that may change a result, lose one, or let a later statement fail; the others bear on
speed. All of them at a time would take some milliseconds."""
ENDED: Final = (
    "ended the transaction of the phase with the cursor that it was lent; planwise alone commits"
)
CLOSED: Final = "closed the cursor of the phase's transaction, which it was lent"


class Watch:
    """Notes how a session is when a transaction begins, and says what is different later."""

    def __init__(self) -> None:
        self._transaction: int | None = None
        self._names: tuple[str, ...] = ()
        self._settings: dict[str, str | None] = {}

    def begin(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Note the transaction that has just begun, and the settings unless they are known."""
        self._transaction = transaction_of(cursor)
        if not self._settings:
            self._settings = self._settings_of(cursor)

    def forget_settings(self) -> None:
        """Somebody who may is about to change settings."""
        self._settings = {}

    def ended(self, cursor: duckdb.DuckDBPyConnection) -> str:
        """As :func:`how_it_ended`, of the transaction that was noted."""
        return how_it_ended(cursor, self._transaction)

    def changed(self, cursor: duckdb.DuckDBPyConnection) -> str:
        """Which setting is another than it was, in words; empty if none is."""
        import duckdb

        if not self._settings:
            return ""
        try:
            now = self._settings_of(cursor)
        except duckdb.Error as error:
            return f"left a connection that answers no longer: {first_line(error)}"
        for name, before in self._settings.items():
            if now[name] != before:
                return f"changed DuckDB's setting {name} from {before!r} to {now[name]!r}"
        return ""

    def _settings_of(self, cursor: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
        if not self._names:
            known = cursor.execute("select name from duckdb_settings()").fetchall()
            self._names = tuple(name for name in WATCHED if (name,) in known)
        wanted = ", ".join(f"current_setting('{name}')::varchar" for name in self._names)
        values = cursor.execute(f"select {wanted}").fetchall()[0]
        return dict(zip(self._names, values, strict=True))


def transaction_of(cursor: duckdb.DuckDBPyConnection) -> int:
    """The number of the open transaction; where none is open, one that no other has had."""
    return int(cursor.execute("select txid_current()").fetchall()[0][0])


def how_it_ended(cursor: duckdb.DuckDBPyConnection, transaction: int | None) -> str:
    """How somebody ended a transaction, in words; empty if nobody did.

    One that a failed statement has aborted is nobody's doing, and commits nothing any more.
    """
    import duckdb

    try:
        return "" if transaction_of(cursor) == transaction else ENDED
    except duckdb.ConnectionException:
        return CLOSED
    except duckdb.Error:
        return ""
