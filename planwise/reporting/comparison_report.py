"""A comparison of two scenarios in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from planwise.analysis.comparison import Comparison, Difference, YearComparison
from planwise.analysis.figures import in_words, money, percent_2, signed
from planwise.analysis.people_comparison import Group
from planwise.census.values import printable

_MOST_ROWS = 8
"""Rows of a table of rules that are shown for one side."""


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Print figures by year, people, and what differs in the rules."""
    a, b = comparison.a.scenario_id, comparison.b.scenario_id
    console.print(
        f"A  {a}\nB  {b}\nreplicate {comparison.a.replicate_id}; differences are B less A"
    )
    for note in comparison.notes:
        console.print(note)
    console.print()
    console.print(_figures(comparison))
    console.print()
    _print_people(console, comparison)
    _print_rules(console, comparison)


def difference_in_words(difference: Difference) -> tuple[str, str, str, str]:
    """A, B, the difference and the difference in per cent of A, as people read them."""
    kind = difference.measure.kind
    if kind == "money":
        a, b = money(difference.a), money(difference.b)
        absolute = signed(money(difference.absolute))
    elif kind == "rate":
        a, b = percent_2(difference.a), percent_2(difference.b)
        absolute = signed(percent_2(difference.absolute, " pt"))
    else:
        a, b = f"{difference.a:,}", f"{difference.b:,}"
        absolute = f"{difference.absolute:+,}" if difference.absolute else "0"
    relative = difference.relative_e5
    return a, b, absolute, "" if relative is None else signed(percent_2(relative))


def _figures(comparison: Comparison) -> Table:
    table = _table("year", "", "A", "B", "difference", "in %", text=2)
    sections: list[YearComparison] = [*comparison.years]
    if len(sections) > 1:
        sections.append(comparison.total)
    for section in sections:
        name = "all" if section.year is None else str(section.year)
        for difference in section.differences:
            table.add_row(name, difference.measure.label, *difference_in_words(difference))
            name = ""
        table.add_row()
    return table


def _print_people(console: Console, comparison: Comparison) -> None:
    people = comparison.people
    everybody = people.everybody
    console.print(
        f"Employer money of each person in {people.year} (match, core, reallocated forfeitures)"
    )
    table = _table("", "people", "gain", "lose", "same", "A", "B", "difference", "mean", text=1)
    for title, groups in (
        ("everybody in both", [everybody]),
        ("by age", people.age_bands),
        ("by tenure", people.tenure_bands),
        ("by level", people.levels),
    ):
        if title.startswith("by "):
            table.add_row(title)
        for group in groups:
            name = title if group is everybody else f"  {printable(group.name)}"
            table.add_row(name, *_group_in_words(group))
    console.print(table)
    for label, side in (("A", people.only_a), ("B", people.only_b)):
        console.print(f"only in {label}: {side.people:,} people, {money(side.employer_cents)}")
    if people.same_id:
        console.print(
            f"{people.same_id:,} ids stand for one person in A and for another in B; they count "
            "as only in A and only in B"
        )


def _group_in_words(group: Group) -> list[str]:
    mean = group.mean_difference_cents
    return [
        *(f"{count:,}" for count in (group.people, group.gaining, group.losing, group.same)),
        money(group.a_cents),
        money(group.b_cents),
        signed(money(group.total_difference_cents)),
        "" if mean is None else signed(money(mean)),
    ]


def _print_rules(console: Console, comparison: Comparison) -> None:
    console.print()
    if not comparison.parameters and not comparison.tables:
        console.print("No parameter differs.")
        return
    if comparison.parameters:
        table = _table("parameter", "A", "B", "source of A", "source of B", text=5)
        for each in comparison.parameters:
            table.add_row(
                each.name,
                *(printable(in_words(each.column, value)) for value in (each.a, each.b)),
                *(printable(source, 200) for source in (each.source_a, each.source_b)),
            )
        console.print(table)
    for rules in comparison.tables:
        console.print(f"\n{rules.name}: rows that differ")
        for label, rows, source in (
            ("A", rules.only_a, rules.source_a),
            ("B", rules.only_b, rules.source_b),
        ):
            console.print(f"  {label} ({printable(source, 200)})")
            for row in rows[:_MOST_ROWS]:
                console.print(Text(f"    {printable(rules.row_in_words(row), 300)}"))
            if len(rows) > _MOST_ROWS:
                console.print(f"    and {len(rows) - _MOST_ROWS} more")


def _table(*headings: str, text: int) -> Table:
    """A table without lines whose first columns, so many, are text."""
    table = Table(box=None, pad_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number < text else "right", overflow="fold")
    return table


def total_sentence(comparison: Comparison) -> str:
    """One line on the whole: what B costs the employer more or less."""
    cost = next(
        each
        for each in comparison.total.differences
        if each.measure.key == "net_employer_cost_cents"
    )
    a, b, absolute, relative = difference_in_words(cost)
    years: Sequence[int] = [each.year for each in comparison.years if each.year is not None]
    span = f"{years[0]}" if len(years) == 1 else f"{years[0]} to {years[-1]}"
    percentage = f", {relative}" if relative else ""
    return f"net employer cost {span}: A {a}, B {b}, difference {absolute}{percentage}"
