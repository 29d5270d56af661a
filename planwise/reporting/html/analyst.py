"""What an analyst looks for: people, pay, the plan and its cost, by year and scenario."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from planwise.analysis.figures import quotient, relative_change, signed
from planwise.analysis.run_report import CensusFacts, Row, RunReport
from planwise.reporting.html.markup import (
    NONE,
    Cell,
    Column,
    Html,
    beside,
    cards,
    chart,
    counted,
    details,
    dollars,
    name,
    rate,
    section,
    short_dollars,
    table,
)

_MOST_DRAWN: Final = 8
"""Scenarios in one chart: as many as there are colours and shapes."""
_SCENARIO: Final = (Column("Scenario"), Column("Year", number=True))
_LEAVERS: Final = ("new_hire_leavers", "experienced_leavers", "reduction_in_force")


def key_figures(report: RunReport) -> str:
    """The figures of the last year: cards for one scenario, a table for several."""
    ends = _ends(report)
    if len(report.scenarios) == 1 and ends:
        return cards(_cards(*ends[0][1:]))
    return _ends_table(ends) if ends else ""


def analyst_section(report: RunReport) -> str:
    """Headcount, payroll and the plan, as far as the result has them."""
    parts, small = [], []
    if report.headcount:
        parts.append(_headcount(report))
        small.append(_payroll(report))
    if report.plan_cost:
        small += [_cost(report), _participation(report), _deferral(report)]
    if small:
        parts.append(beside(*small))
    if report.plan_cost:
        parts.append(_money(report))
    return section("people", "People and plan", parts) if parts else ""


def census_section(census: CensusFacts) -> str:
    """What the simulation began with."""
    facts = [("People simulated", f"{census.people:,}", "")]
    if census.census_date is not None:
        facts.append(("Census date", census.census_date.isoformat(), "the day it describes"))
    if census.rows_read is not None:
        aside = sum(n for (action, _), n in census.findings.items() if action == "set aside")
        facts.append(("Rows read", f"{census.rows_read:,}", f"{aside:,} of them set aside"))
    parts = [cards(facts)]
    if census.synthetic:
        parts.append("<p>No census was given: the people are synthetic.</p>")
    elif census.file is not None:
        parts.append(f"<p>File: {name(census.file).text}</p>")
    parts += [f"<p>{name(note).text}</p>" for note in census.notes]
    if census.findings:
        columns = [Column("Reason"), Column("What was done"), Column("Count", number=True)]
        rows = [
            (_words(reason), _words(action), f"{count:,}")
            for (action, reason), count in sorted(census.findings.items())
        ]
        parts.append(details("Findings of the census", table("Findings", columns, rows)))
    if census.columns:
        fields = [(name(field), name(header)) for field, header in census.columns.items()]
        columns = [Column("Field"), Column("Header in the file")]
        parts.append(details("Columns of the census", table("Columns used", columns, fields)))
    return section("census", "Census", parts)


def _ends(report: RunReport) -> list[tuple[Html, Sequence[Row], Sequence[Row]]]:
    """Each scenario with its rows of headcount and of plan cost."""
    people, money = _by_scenario(report, report.headcount), _by_scenario(report, report.plan_cost)
    return [
        (name(report.labels[key]), people.get(key, ()), money.get(key, ()))
        for key in report.scenarios
    ]


def _by_scenario(report: RunReport, rows: Sequence[Row]) -> Mapping[tuple[str, int], Sequence[Row]]:
    found: dict[tuple[str, int], list[Row]] = {key: [] for key in report.scenarios}
    for row in rows:
        found[row["scenario_id"], row["replicate_id"]].append(row)
    return {key: each for key, each in found.items() if each}


def _cards(people: Sequence[Row], money: Sequence[Row]) -> Iterator[tuple[str, str, str]]:
    if people:
        first, last = people[0], people[-1]
        year, opening = last["simulation_year"], first["opening"]
        change = relative_change(opening, last["closing"])
        since = "" if change is None else f"{signed(rate(change))} "
        yield (
            f"Headcount at the end of {year}",
            f"{last['closing']:,}",
            f"{since}since 1 January {first['simulation_year']} ({opening:,})",
        )
        before = relative_change(first["payroll_cents"], last["payroll_cents"])
        note = "prorated pay of the year"
        if before is not None and len(people) > 1:
            note = f"{signed(rate(before))} since {first['simulation_year']}"
        yield f"Payroll of {year}", short_dollars(last["payroll_cents"]), note
    if money:
        last = money[-1]
        year = last["simulation_year"]
        yield (
            f"Participation in {year}",
            rate(last["participation_rate_e5"]),
            f"{last['participants']:,} of {last['eligible']:,} eligible people",
        )
        yield (
            f"Average deferral in {year}",
            rate(last["average_deferral_e5"]),
            "of pay, mean of the participants",
        )
        yield (
            f"Net employer cost of {year}",
            short_dollars(last["net_employer_cost_cents"]),
            f"{rate(last['net_cost_share_e5'])} of payroll",
        )


def _ends_table(ends: Sequence[tuple[Html, Sequence[Row], Sequence[Row]]]) -> str:
    columns = [Column("Scenario"), Column("Year", number=True)]
    columns += [
        Column(heading, number=True)
        for heading in (
            *("Headcount", "Payroll", "Participation", "Average deferral"),
            *("Net employer cost", "Of payroll"),
        )
    ]
    rows = []
    for label, people, money in ends:
        head, cost = people[-1] if people else None, money[-1] if money else None
        rows.append(
            (
                label,
                str((head or cost or {})["simulation_year"]),
                f"{head['closing']:,}" if head else "",
                short_dollars(head["payroll_cents"]) if head else "",
                rate(cost["participation_rate_e5"]) if cost else "",
                rate(cost["average_deferral_e5"]) if cost else "",
                short_dollars(cost["net_employer_cost_cents"]) if cost else "",
                rate(cost["net_cost_share_e5"]) if cost else "",
            )
        )
    return table("The last year of each scenario", columns, rows)


def _first(report: RunReport, row: Row) -> tuple[Html, str]:
    label = report.labels[row["scenario_id"], row["replicate_id"]]
    return name(label), str(row["simulation_year"])


def _table(
    report: RunReport,
    caption: str,
    rows: Sequence[Row],
    figures: Mapping[str, Callable[[Row], str]],
) -> str:
    """A table by scenario and year.

    Args:
        report: for the names of the scenarios.
        caption: what it shows.
        rows: those of headcount or plan cost.
        figures: how a cell is made, by heading.
    """
    columns = (*_SCENARIO, *(Column(heading, number=True) for heading in figures))
    cells: list[Sequence[Cell]] = [
        (*_first(report, row), *(make(row) for make in figures.values())) for row in rows
    ]
    return table(caption, columns, cells)


def _count(key: str) -> Callable[[Row], str]:
    return lambda row: f"{row[key]:,}"


def _dollars(key: str) -> Callable[[Row], str]:
    return lambda row: dollars(row[f"{key}_cents"])


def _rate(key: str) -> Callable[[Row], str]:
    return lambda row: rate(row[f"{key}_e5"])


def _drawn(report: RunReport) -> str:
    count = len(report.scenarios)
    if count <= _MOST_DRAWN:
        return ""
    return f" The first {_MOST_DRAWN} of {count:,} scenarios are drawn; all are in the table."


def _span(
    report: RunReport, rows: Sequence[Row], what: str, column: str, form: Callable[[int], str]
) -> str:
    """From what to what a figure goes, in the only scenario or the first one."""
    key = report.scenarios[0]
    own = [row for row in rows if (row["scenario_id"], row["replicate_id"]) == key]
    if not own:
        return f"{what}."
    whose = "" if len(report.scenarios) == 1 else f" in {report.labels[key]}"
    first, last = own[0], own[-1]
    begun = f"{form(first[column])} in {first['simulation_year']}"
    if first is last:
        return f"{what}{whose}: {begun}."
    ended = f"{form(last[column])} in {last['simulation_year']}"
    return f"{what}{whose}: from {begun} to {ended}."


def _headcount(report: RunReport) -> str:
    figures = {
        "On 1 January": _count("opening"),
        "Hires": _count("hires"),
        "Hires who left": _count("new_hire_leavers"),
        "Experienced leavers": _count("experienced_leavers"),
        "Reduction in force": _count("reduction_in_force"),
        "On 31 December": _count("closing"),
        "Target": _count("target"),
        "Promotions": _count("promotions"),
    }
    hires = sum(row["hires"] for row in report.headcount)
    leavers = sum(row[key] for row in report.headcount for key in _LEAVERS)
    everywhere = "" if len(report.scenarios) == 1 else " in all scenarios together"
    text = (
        "Each year from the people of 1 January, with hires and leavers of each kind, to those of "
        f"31 December: {counted(hires, 'hire')} and {counted(leavers, 'leaver')}{everywhere}."
    )
    content = _table(report, "Headcount by year", report.headcount, figures)
    return chart("headcount", "Headcount from year to year", text, content)


def _payroll(report: RunReport) -> str:
    rows = report.headcount
    text = _span(report, rows, "Prorated pay", "payroll_cents", short_dollars)
    figures = {"Payroll": _dollars("payroll"), "Payroll per person on 31 December": _mean}
    content = _table(report, "Payroll by year", rows, figures)
    return chart("payroll", "Payroll", text + _drawn(report), content)


def _participation(report: RunReport) -> str:
    rows, what = report.plan_cost, "Eligible people who defer something"
    text = _span(report, rows, what, "participation_rate_e5", rate)
    figures = {
        "Active": _count("headcount"),
        "Eligible": _count("eligible"),
        "Participants": _count("participants"),
        "Participation": _rate("participation_rate"),
    }
    content = _table(report, "Participation by year", rows, figures)
    return chart("participation", "Participation", text + _drawn(report), content)


def _deferral(report: RunReport) -> str:
    rows, what = report.plan_cost, "Mean rate of the participants"
    text = _span(report, rows, what, "average_deferral_e5", rate)
    figures = {
        "Average deferral": _rate("average_deferral"),
        "Employee contributions": _dollars("employee_contributions"),
    }
    content = _table(report, "Deferral by year", rows, figures)
    return chart("deferral", "Average deferral", text + _drawn(report), content)


def _cost(report: RunReport) -> str:
    rows, what = report.plan_cost, "Match and core, less forfeitures that pay for them"
    text = _span(report, rows, what, "net_employer_cost_cents", short_dollars)
    figures = {
        "Net employer cost": _dollars("net_employer_cost"),
        "Of payroll": _rate("net_cost_share"),
    }
    content = _table(report, "Net employer cost by year", rows, figures)
    return chart("cost", "Net employer cost", text + _drawn(report), content)


def _money(report: RunReport) -> str:
    figures = {
        "Employee contributions": _dollars("employee_contributions"),
        "Match": _dollars("match"),
        "Core": _dollars("core"),
        "Reallocated forfeitures": _dollars("reallocated"),
        "Forfeitures used": _dollars("forfeitures_used"),
        "Net employer cost": _dollars("net_employer_cost"),
    }
    text = "What goes into the plan each year: from its people, and from the employer."
    estimated = [row["simulation_year"] for row in report.plan_cost if row["limits_estimated"]]
    if estimated:
        text += f" The limits of the law are estimated from {min(estimated)} on."
    content = _table(report, "Money into the plan by year", report.plan_cost, figures)
    return chart("money", "Money into the plan", text, content)


def _mean(row: Row) -> str:
    people = row["closing"]
    return dollars(quotient(row["payroll_cents"], people)) if people else NONE


def _words(text: str) -> str:
    return text.replace("_", " ")
