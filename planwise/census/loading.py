"""Reading a census file into the tables that the simulation starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from planwise.census import auditing, cleaning, parsing
from planwise.census.fields import FIELD_NAMES
from planwise.census.files import LONGEST_CELL, CensusFile, open_census_file
from planwise.census.headers import HeaderMatch, match_headers
from planwise.census.values import CensusOptions, CensusSummary, counted
from planwise.errors import CensusError, WarehouseError
from planwise.interruption import stop_if_asked

if TYPE_CHECKING:
    import duckdb

_BATCH = "planwise_census_batch"
_TEMPORARY = (
    "census_text",
    "census_terms",
    "census_dates",
    "census_numbers",
    "census_judged",
    "census_findings",
)


def load_census(
    connection: duckdb.DuckDBPyConnection, options: CensusOptions, *, roll: bool = False
) -> CensusSummary:
    """Read a census and write ``inputs.census`` and ``inputs.census_audit``.

    Both tables are replaced in one transaction: after an error the database is as before.

    Args:
        connection: a connection that may write and has no transaction open.
        options: the file and how to read it.
        roll: whether to leave behind the temporary table ``census_roll``: ``employee_id``,
            ``hire_date``, ``termination_date`` and ``reason`` (null: used) of every row with an
            id, the rows that are set aside included.

    Returns:
        What was read, used, set aside, warned of, repaired and assumed.

    Raises:
        CensusError: the file cannot be read, lacks a required column, is not in order, or has
            no row that can be used.
        WarehouseError: the database failed.
    """
    import duckdb

    schema = _schema(connection)
    file = open_census_file(options.path)
    match = match_headers(options.path, file.headers, options.columns)
    connection.execute("BEGIN TRANSACTION")
    try:
        summary = _load(connection, options, file, match, schema, roll=roll)
        connection.execute("COMMIT")
    except BaseException as error:
        _roll_back(connection)
        if isinstance(error, duckdb.Error) and not isinstance(error, duckdb.InterruptException):
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise WarehouseError(
                f"the database failed while the census {options.path} was read: {first}; check "
                f"its disk and memory"
            ) from error
        raise
    # A COMMIT that returns may still have rolled back: what counts is what can be read again.
    row = connection.execute(f"SELECT count(*) FROM {schema}.census").fetchone()  # noqa: S608 - quoted
    if row is None or row[0] != summary.people:
        raise WarehouseError(
            f"the census {options.path} was read but not stored; check the disk and run again"
        )
    return summary


def _schema(connection: duckdb.DuckDBPyConnection) -> str:
    """The schema ``inputs`` with its catalog, since a database may be called ``inputs`` too."""
    row = connection.execute("SELECT current_database()").fetchone()
    catalog = str(row[0]) if row is not None else "memory"
    return '"' + catalog.replace('"', '""') + '".inputs'


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    import duckdb

    try:
        connection.execute("ROLLBACK")
    except duckdb.Error:
        # A transaction that ended by itself is rolled back already; the first error is told.
        return


def _load(
    connection: duckdb.DuckDBPyConnection,
    options: CensusOptions,
    file: CensusFile,
    match: HeaderMatch,
    schema: str,
    *,
    roll: bool,
) -> CensusSummary:
    _drop_temporary(connection)
    cleaning.create_text_table(connection, options)
    _take_in(connection, file, match)
    _refuse_odd_cells(connection, options, file)
    parsing.parse_dates(connection)
    parsing.refuse_day_first_dates(connection, options.path, file.place)
    parsing.parse_numbers(connection)
    deferral = cleaning.rate_unit(connection, "deferral_rate", options.deferral_unit)
    roth = cleaning.rate_unit(connection, "roth_rate", options.deferral_unit)
    if deferral.percent and not roth.percent:
        # Nothing in the column speaks against it, and both come from one record keeper.
        roth = cleaning.RateUnit(percent=True, unmarked=roth.unmarked)
    cleaning.judge_rows(connection, deferral, roth, file.place)
    auto = options.deferral_unit == "auto"
    wide = auditing.write_audit(
        connection,
        match.positions,
        deferral if auto else None,
        roth if auto else None,
        file.place,
    )
    summary = _summary(connection, options, file, match, wide)
    _refuse_unusable(summary)
    _publish(connection, schema)
    if roll:
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE census_roll AS SELECT employee_id, hire_date, "
            "termination_date, reason FROM census_judged WHERE employee_id IS NOT NULL"
        )
    _drop_temporary(connection)
    return summary


def _drop_temporary(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("DROP VIEW IF EXISTS temp.census_people")
    for table in _TEMPORARY:
        connection.execute(f"DROP TABLE IF EXISTS temp.{table}")


def _take_in(connection: duckdb.DuckDBPyConnection, file: CensusFile, match: HeaderMatch) -> None:
    import pyarrow

    for batch in file.batches(match.positions):
        stop_if_asked()
        kinds: dict[str, Literal["text", "float"]] = {
            name: "float" if pyarrow.types.is_floating(batch.schema.field(name).type) else "text"
            for name in match.positions
        }
        connection.register(_BATCH, pyarrow.table(_trimmed(batch)))
        try:
            connection.execute(cleaning.insert_text_sql(kinds, _BATCH))
        finally:
            connection.unregister(_BATCH)


def _trimmed(batch: Any) -> dict[str, Any]:
    """The columns of a batch, texts without blanks around them (many times faster than in SQL)."""
    import pyarrow
    import pyarrow.compute as pc

    columns = {}
    types = pyarrow.types
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        text = types.is_string(column.type) or types.is_large_string(column.type)
        columns[name] = pc.utf8_trim(column, characters=cleaning.BLANKS) if text else column
    return columns


def _refuse_odd_cells(
    connection: duckdb.DuckDBPyConnection, options: CensusOptions, file: CensusFile
) -> None:
    checks = {
        f"holds a cell of more than {LONGEST_CELL:,} characters; a double quote may be missing, "
        f"or the file is not a census": f"length({{}}) > {LONGEST_CELL}",
        "holds a NUL character; export the file again": "contains({}, chr(0))",
    }
    for complaint, condition in checks.items():
        cells = ", ".join(f"min(source_line) FILTER ({condition.format(n)})" for n in FIELD_NAMES)
        row: tuple[Any, ...] | None = connection.execute(
            f"SELECT {cells} FROM census_text"  # noqa: S608 - field names only
        ).fetchone()
        for name, line in zip(FIELD_NAMES, row or (), strict=True):
            if line is not None:
                raise CensusError(f"{options.path}: {file.place} {line}, {name}: {complaint}")


def _summary(
    connection: duckdb.DuckDBPyConnection,
    options: CensusOptions,
    file: CensusFile,
    match: HeaderMatch,
    wide: dict[str, int],
) -> CensusSummary:
    row = connection.execute(
        "SELECT (SELECT count(*) FROM census_text), (SELECT count(*) FROM census_people)"
    ).fetchone()
    rows_read, people = row if row is not None else (0, 0)
    counts = auditing.count_findings(connection)
    counts["assumed"].update(wide)
    reasons = [reason for words in counts.values() for reason in words]
    return CensusSummary(
        path=options.path,
        census_date=options.census_date,
        rows_read=rows_read,
        people=people,
        set_aside=counts["set_aside"],
        warnings=counts["warning"],
        repaired=counts["repaired"],
        assumed=counted(counts["assumed"].items()),
        examples=auditing.examples_of(connection, reasons),
        columns_used=match.headers,
        columns_ignored=match.ignored,
        notes=tuple(file.notes),
        place=file.place,
    )


def _refuse_unusable(summary: CensusSummary) -> None:
    if summary.people:
        return
    if summary.rows_read == summary.set_aside.get("empty_row", 0):
        raise CensusError(
            f"{summary.path}: has a header and no rows; expected one row for each person"
        )
    counts = ", ".join(f"{count:,} {reason}" for reason, count in summary.set_aside.items())
    example = next(
        examples[0] for word, examples in summary.examples.items() if word in summary.set_aside
    )
    raise CensusError(
        f"{summary.path}: none of the {summary.rows_read:,} rows can be used: {counts}; "
        f"{summary.place} {example.line}: {example.detail}"
    )


def _publish(connection: duckdb.DuckDBPyConnection, schema: str) -> None:
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE {schema}.census (
            employee_id VARCHAR, birth_date DATE, hire_date DATE,
            annual_compensation_cents BIGINT, job_level INTEGER, deferral_rate_e5 INTEGER,
            enrollment_date DATE, roth_rate_e5 INTEGER, auto_escalation_opt_out BOOLEAN,
            scheduled_hours_per_week DECIMAL(5, 2), department VARCHAR, job_title VARCHAR,
            gender VARCHAR, ssn VARCHAR, source_line BIGINT
        )
        """
    )
    connection.execute(
        f"""
        INSERT INTO {schema}.census
        SELECT employee_id, birth_date, hire_date, pay_cents, job_level, deferral_e5,
            CASE WHEN deferral_e5 > 0 THEN coalesce(enrollment_date, first_entry)
                WHEN deferral_e5 = 0 THEN enrollment_date END,
            roth_e5, coalesce(opt_out, false), coalesce(hours, 40), department, job_title, gender,
            ssn, source_line
        FROM census_people ORDER BY employee_id
        """  # noqa: S608 - the schema is quoted
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE {schema}.census_audit (
            source_line BIGINT, employee_id VARCHAR, action VARCHAR, reason VARCHAR, detail VARCHAR
        )
        """
    )
    connection.execute(
        f"INSERT INTO {schema}.census_audit SELECT * FROM census_findings "  # noqa: S608 - the schema is quoted
        "ORDER BY source_line NULLS FIRST, action, reason"
    )
