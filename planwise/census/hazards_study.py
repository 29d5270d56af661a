"""Who of one census is still there in another: people, leavers and exposure by band."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from planwise.census.hazards_fit import Cell
from planwise.census.loading import load_census
from planwise.census.values import CensusOptions, CensusSummary, printable
from planwise.errors import CensusError, UsageError, WarehouseError

if TYPE_CHECKING:
    import duckdb

    from planwise.scenarios import AgeBand, TenureBand

_SEASONAL_DAYS = (300, 430)
_TABLES = ("hazard_people", "hazard_age_bands", "hazard_tenure_bands", "hazard_fates")


@frozen
class Study:
    """What two censuses say about leaving.

    Attributes:
        first, second: what was read of each file.
        cells: those with people, in order.
        notes: sentences about what was counted how.
    """

    first: CensusSummary
    second: CensusSummary
    cells: tuple[Cell, ...]
    notes: tuple[str, ...]

    @property
    def days(self) -> int:
        """Days between the two dates."""
        return (self.second.census_date - self.first.census_date).days


def study_leavers(
    connection: duckdb.DuckDBPyConnection,
    first: CensusOptions,
    second: CensusOptions,
    age_bands: Sequence[AgeBand],
    tenure_bands: Sequence[TenureBand],
) -> Study:
    """Follow everybody who can be used in the first census to the second.

    Whoever does not occur in the second, or occurs there as terminated by its date, has left.
    People of the second alone were hired in between, or are set aside in the first: not counted.

    Args:
        connection: a database whose ``inputs.census`` may be replaced; one in memory does.
        first, second: the files and their dates.
        age_bands, tenure_bands: complete and in order; people are put into them by their completed
            years on the date of the first census.

    Raises:
        UsageError: the second date is not after the first.
        CensusError: a file cannot be used, no id occurs in both, or nobody, or everybody, left.
    """
    import duckdb

    if second.census_date <= first.census_date:
        raise UsageError(
            f"--to-date {second.census_date}: expected a day after --from-date "
            f"{first.census_date}; the census of the later date goes to --to"
        )
    try:
        return _study(connection, first, second, age_bands, tenure_bands)
    except duckdb.InterruptException:
        raise KeyboardInterrupt from None
    except duckdb.Error as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise WarehouseError(f"the two censuses cannot be compared: {reason}") from error


def _study(
    connection: duckdb.DuckDBPyConnection,
    first: CensusOptions,
    second: CensusOptions,
    age_bands: Sequence[AgeBand],
    tenure_bands: Sequence[TenureBand],
) -> Study:
    for table in _TABLES:
        connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
    first_read = load_census(connection, first)
    connection.execute(
        "CREATE TEMP TABLE hazard_people AS SELECT employee_id, birth_date, hire_date "
        "FROM inputs.census"
    )
    second_read = load_census(connection, second, roll=True)
    _write_bands(connection, age_bands, tenure_bands)
    _write_fates(connection, first.census_date, second.census_date)
    counts = _counts(connection)
    notes = _notes(counts, first_read, second_read)
    if not counts["in_both"]:
        raise CensusError(
            f"{_name(second_read)}: none of the {first_read.people:,} people of "
            f"{_name(first_read)} occurs in it; expected the same employee_id for the same person "
            f"in both files (as text: '007' is not '7')"
        )
    _refuse_one_fate(counts, first_read, second_read)
    rows = connection.execute(
        """
        SELECT first_year, age, tenure, count(*), count(*) FILTER (has_left),
            sum(half_days)::BIGINT
        FROM hazard_fates WHERE half_days IS NOT NULL GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()
    return Study(first_read, second_read, tuple(Cell(*row) for row in rows), notes)


def _write_bands(
    connection: duckdb.DuckDBPyConnection,
    age_bands: Sequence[AgeBand],
    tenure_bands: Sequence[TenureBand],
) -> None:
    bounds = {
        "age": [(band.min_age, band.max_age) for band in age_bands],
        "tenure": [(band.min_years, band.max_years) for band in tenure_bands],
    }
    for kind, bands in bounds.items():
        connection.execute(
            f"CREATE TEMP TABLE hazard_{kind}_bands (place INTEGER, low INTEGER, high INTEGER)"
        )
        connection.executemany(
            f"INSERT INTO hazard_{kind}_bands VALUES (?, ?, ?)",  # noqa: S608 - two names from above
            [(place, *band) for place, band in enumerate(bands)],
        )


def _write_fates(
    connection: duckdb.DuckDBPyConnection, start: datetime.date, end: datetime.date
) -> None:
    """``hazard_fates``: each person of the first census with bands, fate and exposure.

    Several rows of one id in the second census: somebody who is employed in one of them is there.
    A row that is set aside for its pay, say, shows all the same that the person is there.
    """
    connection.execute(
        """
        CREATE TEMP TABLE hazard_fates AS
        WITH roll AS (
            SELECT employee_id,
                bool_or(reason IS NULL) AS is_used,
                bool_or(coalesce(reason, '') NOT IN ('terminated', 'bad_termination_date'))
                    AS is_there,
                max(termination_date) FILTER (reason = 'terminated') AS left_on,
                max(hire_date) FILTER (reason IS NULL) AS hired_again
            FROM census_roll GROUP BY employee_id
        ),
        judged AS (
            SELECT p.*, r.is_used, r.left_on, r.hired_again,
                CASE WHEN r.employee_id IS NULL THEN 'gone'
                    WHEN r.is_there THEN 'there'
                    WHEN r.left_on IS NULL THEN 'unclear'
                    WHEN r.left_on <= $start THEN 'left_before'
                    ELSE 'left' END AS fate
            FROM hazard_people p LEFT JOIN roll r USING (employee_id)
        )
        SELECT j.*,
            fate IN ('gone', 'left') AS has_left,
            -- As the simulation says it: hired last year, seen from the census date.
            j.hire_date > CAST($start - INTERVAL 1 YEAR AS DATE) AS first_year,
            a.place AS age,
            t.place AS tenure,
            CASE fate WHEN 'there' THEN 2 * ($end - $start) WHEN 'gone' THEN $end - $start
                WHEN 'left' THEN 2 * (left_on - $start) END AS half_days
        FROM judged j
        JOIN hazard_age_bands a ON date_sub('year', j.birth_date, $start) >= a.low
            AND date_sub('year', j.birth_date, $start) < a.high
        JOIN hazard_tenure_bands t ON date_sub('year', j.hire_date, $start) >= t.low
            AND date_sub('year', j.hire_date, $start) < t.high
        """,
        {"start": start, "end": end},
    )


def _counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    cursor = connection.execute(
        """
        SELECT count(*) AS people,
            count(*) FILTER (fate <> 'gone') AS in_both,
            count(*) FILTER (fate = 'there') AS there,
            count(*) FILTER (fate = 'there' AND NOT is_used) AS set_aside,
            count(*) FILTER (fate = 'gone') AS gone,
            count(*) FILTER (fate = 'left') AS left_dated,
            count(*) FILTER (fate = 'left_before') AS left_before,
            count(*) FILTER (fate = 'unclear') AS unclear,
            count(*) FILTER (fate = 'there' AND hired_again > hire_date) AS hired_later,
            count(*) FILTER (fate = 'there' AND hired_again < hire_date) AS hired_earlier,
            (SELECT count(*) FROM inputs.census c
                WHERE NOT EXISTS (SELECT 1 FROM hazard_people p WHERE p.employee_id = c.employee_id)
            ) AS new
        FROM hazard_fates
        """
    )
    names = [column[0] for column in cursor.description or ()]
    return dict(zip(names, cursor.fetchall()[0], strict=True))


def _refuse_one_fate(counts: dict[str, int], first: CensusSummary, second: CensusSummary) -> None:
    """Where all have one fate there is nothing to tell bands apart by."""
    if not counts["gone"] + counts["left_dated"]:
        raise CensusError(
            f"{_name(second)}: nobody of the {counts['people']:,} people of {_name(first)} has "
            f"left between {first.census_date} and {second.census_date}, so that there is no rate "
            f"to fit; check that the two files are of two dates"
        )
    if not counts["there"]:
        raise CensusError(
            f"{_name(second)}: everybody of {_name(first)} has left by {second.census_date}, so "
            f"that there is no rate to fit; check the files and --from-date, --to-date"
        )


def _notes(counts: dict[str, int], first: CensusSummary, second: CensusSummary) -> tuple[str, ...]:
    sentences = {
        "gone": "no longer in the second census and without a termination date: exposed for half "
        "of the time between the censuses",
        "left_dated": "terminated by the second census: exposed until their termination date",
        "set_aside": "in the second census, where their row is set aside: counted as there",
        "left_before": "terminated on or before the first date by the second census, employed by "
        "the first: left out",
        "unclear": "with a termination date that is not a date: left out",
        "hired_later": "with a later hire date in the second census (rehired, or corrected): "
        "counted as there, tenure from the first",
        "hired_earlier": "with an earlier hire date in the second census: tenure from the first",
        "new": "in the second census alone: not counted",
    }
    notes = [f"{counts[key]:,} {text}" for key, text in sentences.items() if counts[key]]
    days = (second.census_date - first.census_date).days
    if not _SEASONAL_DAYS[0] <= days <= _SEASONAL_DAYS[1]:
        notes.append(
            f"the censuses are {days:,} days apart: rates are for a year all the same, and bear "
            "the season, or the years, that lie between"
        )
    if 2 * counts["gone"] > counts["people"]:
        notes.append(
            f"more than half of {_name(first)} is not in {_name(second)}: are the ids the same, "
            "and both files of the whole employer?"
        )
    return tuple(notes)


def _name(census: CensusSummary) -> str:
    return printable(str(census.path), 200)
