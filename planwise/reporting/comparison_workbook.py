"""A comparison of two scenarios as an Excel workbook, one sheet a subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from planwise.analysis.comparison import Comparison, Difference, Kind
from planwise.analysis.figures import in_words
from planwise.analysis.parameter_differences import parameters_in_force
from planwise.analysis.people_comparison import Group
from planwise.analysis.provenance import Provenance
from planwise.analysis.result_database import ScenarioInForce
from planwise.reporting.workbook import (
    COUNT,
    EXACT_PERCENT,
    MULTIPLIER,
    Cell,
    Sheet,
    Workbook,
    count_cell,
    money_cell,
    rate_cell,
)

_CELLS: Final[Mapping[Kind, Callable[[int | None], Cell]]] = MappingProxyType(
    {"money": money_cell, "rate": rate_cell, "count": count_cell}
)
_FIGURE = 16
_LABEL = 32


def write_comparison(comparison: Comparison, provenance: Provenance, path: Path) -> None:
    """Write the workbook.

    Args:
        comparison: what is compared.
        provenance: where the figures come from.
        path: the file.

    Raises:
        OSError: it cannot be written.
    """
    people = comparison.people
    with Workbook() as book:
        _summary(book, comparison)
        _by_year(book, comparison)
        _groups(book, "Age bands", people.age_bands, people.everybody)
        _groups(book, "Tenure bands", people.tenure_bands, people.everybody)
        _groups(book, "Levels", people.levels, people.everybody)
        _parameters(book, comparison)
        _metadata(book, comparison, provenance)
        book.save(path)


def _summary(book: Workbook, comparison: Comparison) -> None:
    sheet = book.sheet(
        "Summary",
        ["", "A", "B", "difference", "difference in % of A"],
        [_LABEL, _FIGURE, _FIGURE, _FIGURE, 22],
    )
    sheet.row(["scenario", comparison.a.scenario_id, comparison.b.scenario_id])
    years = [each.year for each in comparison.years]
    sheet.row(["first year", years[0], years[0]])
    sheet.row(["last year", years[-1], years[-1]])
    for difference in comparison.total.differences:
        sheet.row([f"{difference.measure.label}, all years", *_figures(difference)])
    people = comparison.people
    everybody = people.everybody
    sheet.row([])
    sheet.row([f"employer money of people in {people.year}"])
    sheet.row(
        [
            *("in both", money_cell(everybody.a_cents), money_cell(everybody.b_cents)),
            money_cell(everybody.total_difference_cents),
        ]
    )
    sheet.row(
        [
            *("in one only", money_cell(people.only_a.employer_cents)),
            money_cell(people.only_b.employer_cents),
        ]
    )
    sheet.row([])
    for label, count in (
        ("people in both", everybody.people),
        ("gaining under B", everybody.gaining),
        ("losing under B", everybody.losing),
        ("same under both", everybody.same),
        ("people only in A", people.only_a.people),
        ("people only in B", people.only_b.people),
        ("ids of other people in A and B", people.same_id),
    ):
        sheet.row([label, count_cell(count)])
    sheet.row([])
    for note in comparison.notes:
        sheet.row([note])


def _by_year(book: Workbook, comparison: Comparison) -> None:
    sheet = book.sheet(
        "By year",
        ["year", "figure", "A", "B", "difference", "difference in % of A"],
        [8, _LABEL, _FIGURE, _FIGURE, _FIGURE, 22],
    )
    for year in comparison.years:
        for difference in year.differences:
            sheet.row([year.year, difference.measure.label, *_figures(difference)])


def _figures(difference: Difference) -> list[Cell]:
    made = _CELLS[difference.measure.kind]
    values = (difference.a, difference.b, difference.absolute)
    return [*(made(value) for value in values), rate_cell(difference.relative_e5)]


def _groups(book: Workbook, title: str, groups: Sequence[Group], everybody: Group) -> None:
    sheet = book.sheet(
        title,
        [
            *("in A", "people", "gaining", "losing", "same"),
            *("employer money A", "employer money B", "difference", "mean difference"),
        ],
        [20, 10, 10, 10, 10, 20, 20, _FIGURE, 18],
    )
    for group in (*groups, everybody):
        sheet.row(
            [
                group.name,
                *(
                    Cell(count, COUNT)
                    for count in (group.people, group.gaining, group.losing, group.same)
                ),
                *(money_cell(cents) for cents in (group.a_cents, group.b_cents)),
                money_cell(group.total_difference_cents),
                money_cell(group.mean_difference_cents),
            ]
        )


def _parameters(book: Workbook, comparison: Comparison) -> None:
    sheet = book.sheet(
        "Parameters",
        ["parameter or table", "A", "B", "source of A", "source of B"],
        [34, 44, 44, 44, 44],
    )
    for each in comparison.parameters:
        sheet.row(
            [
                each.name,
                _value(each.column, each.a),
                _value(each.column, each.b),
                *(each.source_a, each.source_b),
            ]
        )
    for rules in comparison.tables:
        for number in range(max(len(rules.only_a), len(rules.only_b))):
            sheet.row(
                [
                    rules.name,
                    *(
                        rules.row_in_words(rows[number]) if number < len(rows) else None
                        for rows in (rules.only_a, rules.only_b)
                    ),
                    *(rules.source_a, rules.source_b),
                ]
            )


def _value(column: str, value: Any) -> Any:
    """A parameter as a number where it is one, shown in its unit."""
    if isinstance(value, int) and not isinstance(value, bool):
        if column.endswith("_cents"):
            return money_cell(value)
        if column.endswith("_e5"):
            is_rate = in_words(column, value).endswith("%")
            return rate_cell(value, EXACT_PERCENT if is_rate else MULTIPLIER)
        return value
    return in_words(column, value)


def _metadata(book: Workbook, comparison: Comparison, provenance: Provenance) -> None:
    sheet = book.sheet(
        "Metadata", ["", "A", "B", "source of A", "source of B"], [40, 70, 40, 40, 40]
    )
    _plain(sheet, "made at (UTC)", provenance.made_at.strftime("%Y-%m-%d %H:%M:%S"))
    _plain(sheet, "database", provenance.database)
    _plain(sheet, "simulated by planwise", provenance.simulated_by or "unknown")
    for name, version in provenance.versions.items():
        _plain(sheet, f"read by {name}", version or "unknown")
    a, b = comparison.a, comparison.b
    sheet.row(["scenario", a.scenario_id, b.scenario_id])
    sheet.row(["replicate", a.replicate_id, b.replicate_id])
    for name in ("seed", "draws", "first_year", "census_date"):
        # A seed has up to 19 digits and a number of Excel 15: as text it stays whole.
        sheet.row([name.replace("_", " "), *(str(each.values[name]) for each in (a, b))])
    sheet.row([])
    _all_parameters(sheet, a, b)
    sheet.row([])
    _plain(sheet, "table", "SHA-256 digest (planwise digest)", "rows")
    for table, digest in provenance.digests.items():
        sheet.row([table, digest.digest, count_cell(digest.rows)])


def _all_parameters(sheet: Sheet, a: ScenarioInForce, b: ScenarioInForce) -> None:
    theirs = {column: (value, source) for _, column, value, source in parameters_in_force(b)}
    for name, column, value, source in parameters_in_force(a):
        other, other_source = theirs[column]
        sheet.row([name, _value(column, value), _value(column, other), source, other_source])


def _plain(sheet: Sheet, *values: str) -> None:
    sheet.row(values)
