"""Making a synthetic census: realistic in shape, the same bytes for the same seed."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from planwise.census import distributions as shape
from planwise.census.distributions import DEFAULT_LEVEL_BANDS, LevelBand
from planwise.census.output import atomic_output
from planwise.errors import UsageError
from planwise.warehouse.opening import load_duckdb

if TYPE_CHECKING:
    import duckdb

MOST_EMPLOYEES = 50_000_000
_CHUNK = 122_880  # people made at once; also the row group of the Parquet file
_COLUMNS = (
    "employee_id",
    "birth_date",
    "hire_date",
    "annual_compensation",
    "job_level",
    "deferral_rate",
    "enrollment_date",
    "auto_escalation_opt_out",
    "scheduled_hours_per_week",
    "department",
    "job_title",
    "gender",
)
# Four draws of 32 bits come from one md5 of seed, block and person.
_DRAWS = (
    ("age", "birthday", "tenure", "level"),
    ("pay", "hours", "department", "gender"),
    ("defers", "rate", "at_once", "enrolled"),
    ("declined", "opt_out"),
)


def generate_census(
    employees: int,
    seed: int,
    output: Path,
    census_date: datetime.date,
    *,
    overwrite: bool = False,
    levels: Sequence[LevelBand] = DEFAULT_LEVEL_BANDS,
) -> None:
    """Write a synthetic census of people employed on a date.

    Ages 20 to 70 (median about 42), hired at 18 or later; tenure decays from the date of hire
    back, with a median of 4 to 5 years that grows with age (the shape of BLS, Employee Tenure in
    2024); pay log-normal within the band of the level; about 60 % of those with a year of service
    defer. Person k of a seed is the same in a census of any size. All draws are md5 of seed and
    person compared in integers, so neither the number of threads nor the version of DuckDB
    matters. There are no SSNs in it.

    Args:
        employees: number of people, 1 to 50,000,000.
        seed: any integer.
        output: the file; .csv, or .parquet or .pq. It appears complete or not at all.
        census_date: the day on which all of them are employed.
        overwrite: whether a file that is there may be replaced.
        levels: the job levels with their pay bands and shares.

    Raises:
        UsageError: a number, the suffix or the date is out of range, or the file is there already.
        CensusError: the file cannot be written.
    """
    if not 1 <= employees <= MOST_EMPLOYEES:
        raise UsageError(f"--employees {employees}: expected 1 to {MOST_EMPLOYEES:,}")
    if not 1950 <= census_date.year <= 9998:
        raise UsageError(f"--census-date {census_date}: expected a year from 1950 on")
    suffix = output.suffix.lower()
    if suffix not in (".csv", ".parquet", ".pq"):
        raise UsageError(f"--output {output}: expected a name that ends in .csv or .parquet")
    ordered = shape.check_levels(levels)
    with atomic_output(output, overwrite=overwrite) as file:
        load_duckdb()
        import duckdb

        with duckdb.connect(":memory:") as connection:
            _create_tables(connection, ordered)
            chunks = _Chunks(connection, employees, seed, census_date)
            if suffix == ".csv":
                _write_csv(file, chunks)
            else:
                _write_parquet(file, chunks)


def _create_tables(connection: duckdb.DuckDBPyConnection, levels: Sequence[LevelBand]) -> None:
    """The tables of :mod:`planwise.census.distributions`, for joins."""
    _table(connection, "ages", "draw INTEGER, age INTEGER, age_group INTEGER", shape.age_table())
    thresholds = shape.level_thresholds(levels)
    _table(
        connection,
        "groups",
        "age_group INTEGER, above INTEGER[], deferring INTEGER",
        [
            (number, list(thresholds[number]), group.deferring)
            for number, group in enumerate(shape.AGE_GROUPS)
        ],
    )
    pay = []
    for rank, band in enumerate(levels, start=1):
        points = shape.pay_points(band)
        pay += [
            (rank, band.level, step, points[step], points[step + 1] - points[step])
            for step in range(shape.PAY_STEPS)
        ]
    _table(
        connection,
        "pay_steps",
        "rank INTEGER, level INTEGER, step INTEGER, pay BIGINT, rise BIGINT",
        pay,
    )
    titles = [
        (name, rank, title.format(name))
        for name, _ in shape.DEPARTMENTS
        for rank, title in enumerate(shape.TITLES, start=1)
    ]
    _table(connection, "titles", "department VARCHAR, rank INTEGER, job_title VARCHAR", titles)
    tables: tuple[tuple[str, str, Sequence[tuple[Any, int]]], ...] = (
        ("departments", "VARCHAR", shape.DEPARTMENTS),
        ("hours", "VARCHAR", shape.WEEKLY_HOURS),
        ("genders", "VARCHAR", shape.GENDERS),
        ("rates", "INTEGER", shape.DEFERRAL_PERCENTS),
    )
    for name, kind, shares in tables:
        values = [value for value, weight in shares for _ in range(weight)]
        _table(connection, name, f"draw INTEGER, value {kind}", list(enumerate(values)))


def _table(
    connection: duckdb.DuckDBPyConnection, name: str, columns: str, rows: Sequence[tuple[Any, ...]]
) -> None:
    import pyarrow

    names = [column.strip().split(" ")[0] for column in columns.split(",")]
    table = pyarrow.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    connection.register("planwise_rows", table)
    connection.execute(f"CREATE TABLE {name} ({columns})")
    connection.execute(f"INSERT INTO {name} SELECT * FROM planwise_rows")  # noqa: S608 - our own names
    connection.unregister("planwise_rows")


def _people_sql(digits: int) -> str:
    blocks = ", ".join(
        f"md5(concat('census|', $seed, '|{number}|', k)) AS block_{number}"
        for number in range(len(_DRAWS))
    )
    draws = ", ".join(
        f"CAST('0x' || substr(block_{number}, {1 + 8 * place}, 8) AS BIGINT) AS u_{name}"
        for number, names in enumerate(_DRAWS)
        for place, name in enumerate(names)
    )

    def share(name: str) -> str:
        return f"((u_{name} * {shape.SHARE}) >> 32)"

    # Tenure as a share of the time since the 18th birthday: (u + 5 u^2 + 2 u^3) / 8, u of 20 bits.
    # Its median is 1/4, which is near the medians by age that BLS finds.
    u = "CAST(u_tenure >> 12 AS HUGEINT)"
    tenure = f"(({u} * 1099511627776 + 5 * {u} * {u} * 1048576 + 2 * {u} * {u} * {u}) >> 3)"
    return f"""
        WITH blocks AS (
            SELECT k, {blocks} FROM range($low, $high) people(k)
        ), draws AS (
            SELECT k, {draws} FROM blocks
        ), born AS (
            SELECT draws.*, age_group, CAST($census_date AS DATE) AS census_date,
                CAST(CAST($census_date AS DATE) - to_years(age) AS DATE)
                    - CAST((u_birthday * 365) >> 32 AS INTEGER) AS birth_date
            FROM draws JOIN ages ON ages.draw = {share("age")}
        ), hired AS (
            SELECT born.*, groups.deferring,
                1 + len(list_filter(groups.above, lambda x: x > {share("level")})) AS rank,
                census_date - CAST(
                    (CAST(census_date - CAST(birth_date + to_years(18) AS DATE) AS HUGEINT)
                        * {tenure}) >> 60 AS INTEGER) AS hire_date
            FROM born JOIN groups USING (age_group)
        ), entered AS (
            SELECT hired.*,
                greatest(hire_date, CAST(birth_date + to_years(21) AS DATE)) AS first_entry,
                {share("defers")} < least({shape.SHARE}, deferring
                    + (rank - 1) * {shape.DEFERRING_MORE_PER_LEVEL})
                    // CASE WHEN hire_date > census_date - to_years(1) THEN 2 ELSE 1 END AS willing
            FROM hired
        ), elected AS (
            SELECT entered.*, willing AND first_entry <= census_date AS defers,
                first_entry + CAST(CASE WHEN {share("at_once")} < 6000
                    THEN least(census_date - first_entry, (u_enrolled * 91) >> 32)
                    ELSE (u_enrolled * (census_date - first_entry + 1)) >> 32 END AS INTEGER)
                    AS enrolled
            FROM entered
        )
        SELECT k, 'EMP' || lpad(CAST(k AS VARCHAR), {digits}, '0') AS employee_id,
            birth_date, hire_date,
            pay + ((rise * (u_pay & 4194303)) >> 22) AS dollars, level AS job_level,
            CASE WHEN defers THEN rates.value WHEN {share("declined")} < {shape.DECLINED} THEN 0
                END AS percent,
            CASE WHEN defers THEN enrolled END AS enrollment_date,
            defers AND {share("opt_out")} < {shape.ESCALATION_OPT_OUT} AS auto_escalation_opt_out,
            hours.value AS hours, departments.value AS department, job_title,
            genders.value AS gender
        FROM elected
        JOIN pay_steps ON pay_steps.rank = elected.rank AND step = (u_pay >> 22)
        JOIN rates ON rates.draw = {share("rate")}
        JOIN hours ON hours.draw = {share("hours")}
        JOIN departments ON departments.draw = {share("department")}
        JOIN genders ON genders.draw = {share("gender")}
        JOIN titles ON titles.department = departments.value
            AND titles.rank = least(elected.rank, {len(shape.TITLES)})
    """  # noqa: S608 - constants of planwise only


_CSV_LINES = """
    SELECT string_agg(concat(employee_id, ',', birth_date, ',', hire_date, ',', dollars, '.00,',
        job_level, ',', CASE WHEN percent IS NOT NULL THEN printf('0.%02d', percent) END, ',',
        enrollment_date, ',', auto_escalation_opt_out, ',', hours, ',', department, ',', job_title,
        ',', gender), chr(10) ORDER BY k) || chr(10) FROM (#)
"""
_PARQUET_ROWS = """
    SELECT employee_id, birth_date, hire_date,
        CAST(dollars AS DECIMAL(12, 2)) AS annual_compensation, job_level,
        CAST(percent * CAST(0.01 AS DECIMAL(7, 5)) AS DECIMAL(7, 5)) AS deferral_rate,
        enrollment_date, auto_escalation_opt_out,
        CAST(hours AS DECIMAL(5, 2)) AS scheduled_hours_per_week, department, job_title, gender
    FROM (#) ORDER BY k
"""


class _Chunks:
    """The people, a chunk at a time, in the form that a writer asks for."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        employees: int,
        seed: int,
        census_date: datetime.date,
    ) -> None:
        self._connection = connection
        self._employees = employees
        self._terms = {"seed": str(seed), "census_date": census_date.isoformat()}
        self._people = _people_sql(digits=max(7, len(str(employees))))

    def run(self, sql: str) -> Iterator[duckdb.DuckDBPyRelation]:
        """The results of ``sql``, in which # stands for the people, chunk by chunk."""
        query = sql.replace("#", self._people)
        for low in range(1, self._employees + 1, _CHUNK):
            high = min(low + _CHUNK, self._employees + 1)
            yield self._connection.sql(query, params={**self._terms, "low": low, "high": high})


def _write_csv(file: BinaryIO, chunks: _Chunks) -> None:
    file.write((",".join(_COLUMNS) + "\n").encode())
    for result in chunks.run(_CSV_LINES):
        for (lines,) in result.fetchall():
            file.write(lines.encode())


def _write_parquet(file: BinaryIO, chunks: _Chunks) -> None:
    import pyarrow.parquet

    writer = None
    try:
        for result in chunks.run(_PARQUET_ROWS):
            table = result.to_arrow_table()
            if writer is None:
                writer = pyarrow.parquet.ParquetWriter(
                    file, table.schema, compression="zstd", write_page_checksum=True
                )
            writer.write_table(table, row_group_size=_CHUNK)
    finally:
        if writer is not None:
            writer.close()
