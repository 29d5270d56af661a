"""What is reported about a census: the audit table, the counts and the examples."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from planwise.census.cleaning import RateUnit
from planwise.census.fields import REASONS, Action
from planwise.census.findings import ASSUMED, REPAIRS, SHOWN_ID, WARNINGS
from planwise.census.values import EXAMPLES_PER_REASON, Example

if TYPE_CHECKING:
    import duckdb


def _select(
    table: str, action: Action, reason: str, condition: str, detail: str, *, literal: bool = True
) -> str:
    """SQL for the audit rows of one reason; neither ids nor details show an SSN."""
    word = f"'{reason}'" if literal else reason
    hidden = (
        f"CASE WHEN length(regexp_replace(ssn, '\\D', '', 'g')) >= 4 "
        f"THEN replace({detail}, ssn, '***') ELSE {detail} END"
    )
    return (
        f"SELECT source_line, {SHOWN_ID}, '{action}', {word}, "  # noqa: S608 - constants of planwise only
        f"regexp_replace(regexp_replace({hidden}, '\\p{{C}}+', ' ', 'g'), "
        f"'\\b\\d{{3}}[- ]?\\d{{2}}[- ]?\\d{{4}}\\b', '***', 'g') FROM {table} WHERE {condition}"
    )


def write_audit(
    connection: duckdb.DuckDBPyConnection,
    present: Collection[str],
    deferral: RateUnit | None,
    roth: RateUnit | None,
    place: str,
) -> dict[str, int]:
    """Write ``census_findings``, from which ``inputs.census_audit`` is sorted.

    Args:
        connection: where ``census_judged`` and ``census_people`` are.
        present: the fields that the file has a column for.
        deferral: what unmarked deferral rates were taken for; None when the user said so.
        roth: the same for Roth rates.
        place: what a line number counts, 'line' or 'row'.

    Returns:
        How many values each assumption about the file as a whole concerns; in the table such an
        assumption is one row without a line.
    """
    connection.execute(
        "CREATE TEMP TABLE census_findings (source_line BIGINT, employee_id VARCHAR, "
        "action VARCHAR, reason VARCHAR, detail VARCHAR)"
    )
    selects = [
        _select(
            "census_judged", "set_aside", "reason", "reason IS NOT NULL", "detail", literal=False
        )
    ]
    selects += _of_people(connection, present)
    selects.append(
        _select(
            "(SELECT p.*, CASE WHEN source_line = a THEN b ELSE a END AS other "
            "FROM census_people p JOIN (SELECT regexp_replace(ssn, '\\D', '', 'g') AS digits, "
            "min(source_line) AS a, max(source_line) AS b FROM census_people GROUP BY digits "
            "HAVING digits <> '' AND count(*) > 1) s "
            "ON regexp_replace(p.ssn, '\\D', '', 'g') = digits)",
            "warning",
            "shared_ssn",
            "true",
            f"'the same SSN as {place} ' || other",
        )
    )
    for select in selects:
        connection.execute(f"INSERT INTO census_findings {select}")
    return _write_file_wide(connection, present, deferral, roth)


def _of_people(connection: duckdb.DuckDBPyConnection, present: Collection[str]) -> list[str]:
    """SQL for the findings in single rows, as far as there are any.

    One query tells which there are: most censuses have two or three, and to plan all of them would
    take longer than to read a census of 10,000 people.
    """
    findings: list[tuple[Action, str, str, str]] = [
        *(("warning", *warning) for warning in WARNINGS),
        *(("repaired", *repair) for repair in REPAIRS),
        *(
            ("assumed", reason, condition, detail)
            for reason, field, condition, detail in ASSUMED
            if field in present
        ),
    ]
    found = ", ".join(f"coalesce(bool_or({condition}), false)" for _, _, condition, _ in findings)
    row: tuple[Any, ...] | None = connection.execute(
        f"SELECT {found} FROM census_people"  # noqa: S608 - constants of planwise only
    ).fetchone()
    return [
        _select("census_people", *finding)
        for finding, there in zip(findings, row or (), strict=True)
        if there
    ]


def _write_file_wide(
    connection: duckdb.DuckDBPyConnection,
    present: Collection[str],
    deferral: RateUnit | None,
    roth: RateUnit | None,
) -> dict[str, int]:
    absent = ", ".join(f"count(*) FILTER ({condition})" for _, _, condition, _ in ASSUMED)
    row = connection.execute(
        f"SELECT count(*), coalesce(sum(us_dates), 0)::BIGINT, "  # noqa: S608 - constants of this module only
        f"count(*) FILTER (opt_out IS NULL), {absent} FROM census_people"
    ).fetchone()
    people, us_dates, no_opt_out, *counts = row if row is not None else (0, 0, 0)
    found: list[tuple[str, int, str]] = []
    if "termination_date" not in present:
        found.append(("everybody_employed", people, "no column for termination_date"))
    found.append(
        ("us_date_order", us_dates, f"{us_dates:,} dates like 6/30/2018 read as month/day/year")
    )
    if "deferral_rate" not in present:
        found.append(("no_election", people, "no column for deferral_rate: nobody has elected"))
    for prefix, name, unit in (
        ("deferral", "deferral_rate", deferral),
        ("roth", "roth_rate", roth),
    ):
        if unit is not None:
            word = "percent" if unit.percent else "fraction"
            why = "some are" if unit.percent else "none is"
            found.append(
                (
                    f"{prefix}_unit_{word}",
                    unit.unmarked,
                    f"{unit.unmarked:,} values of {name} without % read as {word}: {why} above 1",
                )
            )
    for (reason, field, _, _), count in zip(ASSUMED, counts, strict=True):
        if field not in present:
            found.append((reason, count, f"no column for {field}"))
    found.append(
        ("no_escalation_opt_out", no_opt_out, "auto_escalation_opt_out taken as no where not given")
    )
    found = [(reason, count, detail) for reason, count, detail in found if count > 0]
    for reason, _, detail in found:
        connection.execute(
            "INSERT INTO census_findings VALUES (NULL, NULL, 'assumed', ?, ?)", [reason, detail]
        )
    return {reason: count for reason, count, _ in found}


def count_findings(connection: duckdb.DuckDBPyConnection) -> dict[Action, dict[str, int]]:
    """How many findings there are, by action and reason, in the order of the reasons."""
    rows = connection.execute(
        "SELECT reason, count(*) FROM census_findings GROUP BY reason"
    ).fetchall()
    counts = dict(rows)
    return {
        action: {word: counts[word] for word in words if word in counts}
        for action, words in REASONS.items()
    }


def examples_of(
    connection: duckdb.DuckDBPyConnection, reasons: Collection[str]
) -> dict[str, tuple[Example, ...]]:
    """The first rows for each reason."""
    examples = {}
    for reason in reasons:
        rows = connection.execute(
            "SELECT source_line, employee_id, detail FROM census_findings WHERE reason = ? "
            "ORDER BY source_line LIMIT ?",
            [reason, EXAMPLES_PER_REASON],
        ).fetchall()
        examples[reason] = tuple(Example(*row) for row in rows)
    return examples
