"""Which rows of a census are set aside, and for which reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def shown(text: str) -> str:
    """SQL for a text of the file as it may stand in a message: one line, in quotes, not long."""
    return f"'''' || left(regexp_replace({text}, '\\p{{C}}+', ' ', 'g'), 40) || ''''"


def _not_a_date(name: str, text: str) -> str:
    return f"'{name} ' || {shown(text)} || ' is not a date like 2018-06-30'"


# In the order of looking; a row is set aside for the first that holds, and its detail names all.
_FLAWS: tuple[tuple[str, str, str], ...] = (
    ("empty_row", "is_empty", "'no cell of a used column holds anything'"),
    ("missing_employee_id", "employee_id IS NULL", "'employee_id is empty'"),
    (
        "terminated",
        "termination_date <= census_date",
        "'terminated ' || termination_date || ', not after the census date ' || census_date",
    ),
    (
        "bad_termination_date",
        "termination_text IS NOT NULL AND termination_date IS NULL",
        _not_a_date("termination_date", "termination_text"),
    ),
    ("missing_birth_date", "birth_text IS NULL", "'birth_date is empty'"),
    (
        "bad_birth_date",
        "birth_text IS NOT NULL AND birth_date IS NULL",
        _not_a_date("birth_date", "birth_text"),
    ),
    ("missing_hire_date", "hire_text IS NULL", "'hire_date is empty'"),
    (
        "bad_hire_date",
        "hire_text IS NOT NULL AND hire_date IS NULL",
        _not_a_date("hire_date", "hire_text"),
    ),
    (
        "hired_before_birth",
        "hire_date <= birth_date",
        "'hired ' || hire_date || ', born ' || birth_date",
    ),
    (
        "hired_after_census",
        "hire_date > census_date",
        "'hired ' || hire_date || ', after the census date ' || census_date",
    ),
    ("missing_compensation", "pay_text IS NULL", "'annual_compensation is empty'"),
    (
        "bad_compensation",
        "pay_text IS NOT NULL AND pay_cents IS NULL",
        f"'annual_compensation ' || {shown('pay_text')} || ' is not an amount like 56000.00'",
    ),
    (
        "non_positive_compensation",
        "pay_cents <= 0",
        f"'annual_compensation ' || {shown('pay_text')} || ' is not above zero'",
    ),
    (
        "bad_deferral_rate",
        "deferral_text IS NOT NULL AND deferral_e5 IS NULL",
        f"'deferral_rate ' || {shown('deferral_text')} || ' is not between 0 and 100 percent'",
    ),
    (
        "reserved_employee_id",
        "regexp_full_match(employee_id, '(?i)NH_[0-9]{4}_[0-9]{6,}')",
        "'ids like ' || employee_id || ' belong to simulated hires'",
    ),
)
# These say all there is to say about a row.
_SUFFICIENT = ("empty_row", "terminated")


def set_aside(connection: duckdb.DuckDBPyConnection, read: str) -> None:
    """Write ``census_judged``: the rows of the query ``read`` with reason and detail."""
    reasons = " ".join(f"WHEN {condition} THEN '{reason}'" for reason, condition, _ in _FLAWS)
    details = ", ".join(
        f"CASE WHEN {condition} THEN {detail} END"
        for reason, condition, detail in _FLAWS
        if reason not in _SUFFICIENT
    )
    alone = " ".join(
        f"WHEN reason = '{reason}' THEN {detail}"
        for reason, _, detail in _FLAWS
        if reason in _SUFFICIENT
    )
    connection.execute(
        f"""
        CREATE TEMP TABLE census_judged AS
        WITH read AS ({read})
        SELECT *, CASE {reasons} END AS reason, CAST(NULL AS VARCHAR) AS detail FROM read
        """  # noqa: S608 - constants of this module only
    )
    # Apart, because most censuses set nobody aside, and all these texts take long to plan.
    row = connection.execute("SELECT count(reason) FROM census_judged").fetchone()
    if row is not None and row[0]:
        connection.execute(
            f"""
            UPDATE census_judged SET detail = CASE {alone} ELSE concat_ws('; ', {details}) END
            WHERE reason IS NOT NULL
            """  # noqa: S608 - constants of this module only
        )


def set_duplicates_aside(connection: duckdb.DuckDBPyConnection, place: str) -> None:
    """Of usable rows with one id keep the latest hire date, then the highest pay, the first line.

    Args:
        connection: where ``census_judged`` is.
        place: what a line number counts, 'line' or 'row'.
    """
    connection.execute(
        """
        UPDATE census_judged SET reason = 'duplicate_employee_id', detail = chosen.detail
        FROM (
            WITH several AS (
                SELECT employee_id FROM census_judged WHERE reason IS NULL
                GROUP BY employee_id HAVING count(*) > 1
            )
            SELECT source_line, 'the row of this id on $place '
                || first_value(source_line) OVER best || ' is kept' AS detail,
                row_number() OVER best AS place
            FROM census_judged JOIN several USING (employee_id)
            WHERE reason IS NULL
            WINDOW best AS (
                PARTITION BY employee_id ORDER BY hire_date DESC, pay_cents DESC, source_line
            )
        ) chosen
        WHERE chosen.place > 1 AND census_judged.source_line = chosen.source_line
        """.replace("$place", place)
    )
