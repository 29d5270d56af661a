"""The page put together: one file that needs nothing else and asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import string
from pathlib import Path
from typing import Final

from planwise.analysis.run_report import RunReport
from planwise.reporting.html.analyst import analyst_section, census_section, key_figures
from planwise.reporting.html.assets import asset, scripts
from planwise.reporting.html.chart_data import chart_data
from planwise.reporting.html.ending import ending_section, headline
from planwise.reporting.html.engineer import engineer_section
from planwise.reporting.html.markup import (
    Column,
    embedded_json,
    escaped,
    name,
    seconds,
    section,
    table,
)

_LINKS: Final = (
    ("end", "What happened"),
    *(("figures", "Key figures"), ("people", "People and plan"), ("census", "Census")),
    *(("run", "How the run went"), ("lacks", "What is missing")),
)


def report_page(report: RunReport) -> str:
    """The report of a run as the text of an HTML file.

    Args:
        report: what it shows.
    """
    code = scripts()
    unfinished = " (not finished)" if report.unfinished else ""
    sections = {
        "end": ending_section(report),
        "figures": _figures(report),
        "people": analyst_section(report),
        "census": census_section(report.census) if report.census else "",
        "run": engineer_section(report),
        "lacks": _lacks(report),
    }
    links = "\n".join(
        f'<li><a href="#{key}">{title}</a></li>' for key, title in _LINKS if sections[key]
    )
    return string.Template(asset("page.html")).substitute(
        policy=escaped(_policy(code)),
        title=escaped(f"planwise report: {report.database.name}{unfinished}"),
        heading=name(report.database.name).text,
        subtitle=_subtitle(report),
        style=asset("page.css"),
        links=links,
        sections="\n".join(sections[key] for key, _ in _LINKS if sections[key]),
        footer=_footer(report),
        data=embedded_json(chart_data(report)),
        scripts="\n".join(f"<script>{each}</script>" for each in code),
    )


def write_page(report: RunReport, file: Path) -> int:
    """Write the report into a file.

    Args:
        report: what it shows.
        file: where to; replaced.

    Returns:
        The size in bytes.

    Raises:
        OSError: it cannot be written.
    """
    return file.write_bytes(report_page(report).encode("utf-8"))


def _policy(code: list[str]) -> str:
    """The policy of the page: nothing is fetched, and no script runs but these."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'"
        for each in code
    )
    # The charts' own style elements are made by the library while it draws.
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'"
    )


def _figures(report: RunReport) -> str:
    found = key_figures(report)
    return section("figures", "Key figures", [found]) if found else ""


def _lacks(report: RunReport) -> str:
    if not report.lacks:
        return ""
    rows = [(each.part, name(each.why)) for each in report.lacks]
    content = table("Parts that this report cannot have", [Column("Part"), Column("Why")], rows)
    return section("lacks", "What is missing", [content])


def _subtitle(report: RunReport) -> str:
    years, count = report.years, len(report.scenarios)
    parts = []
    if years:
        parts.append(str(years[0]) if len(years) == 1 else f"{years[0]} to {years[-1]}")
    if count == 1:
        parts.append(f"scenario {name(report.labels[report.scenarios[0]]).text}")
    elif count:
        parts.append(f"{count:,} scenarios")
    if report.unfinished is not None:
        parts.append(escaped(headline(report.unfinished)))
    elif report.account is not None:
        parts.append(f"simulated in {seconds(report.account.wall_s)}")
        if report.account.details is not None:
            at = report.account.details.finished_at
            parts.append(f"finished {escaped(at[:16].replace('T', ' '))} UTC")
    return " · ".join(parts)


def _footer(report: RunReport) -> str:
    by = f"planwise {report.simulated_by}" if report.simulated_by else "plain dbt"
    made = report.made_at.strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"Database {name(report.database).text}, made by {escaped(by)}. Report made {made}. "
        "Amounts are dollars, rounded; the database has every cent."
    )
