"""The page put together: one file that needs nothing else and asks the network for nothing."""

from __future__ import annotations

import base64
import datetime
import hashlib
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from planwise.analysis.run_report import RunReport
from planwise.reporting.html.analyst import analyst_section, census_section, key_figures
from planwise.reporting.html.assets import asset, scripts
from planwise.reporting.html.chart_data import chart_data
from planwise.reporting.html.contributions import BenchFigures, bench_data, bench_section
from planwise.reporting.html.ending import ending_section, headline
from planwise.reporting.html.engineer import engineer_section
from planwise.reporting.html.markup import (
    Column,
    Html,
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
    *(("run", "How the run went"), ("bench", "Plugins"), ("lacks", "What is missing")),
)


def report_page(report: RunReport, bench: BenchFigures | None = None) -> str:
    """The report of a run as the text of an HTML file.

    Args:
        report: what it shows.
        bench: what plugins contribute, if a benchmark of the same is at hand.
    """
    unfinished = " (not finished)" if report.unfinished else ""
    sections = {
        "end": ending_section(report),
        "figures": _figures(report),
        "people": analyst_section(report),
        "census": census_section(report.census) if report.census else "",
        "run": engineer_section(report),
        "bench": "" if bench is None else bench_section(bench, report.made_at),
        "lacks": _lacks(report),
    }
    data = chart_data(report)
    if bench is not None:
        data["bench"] = bench_data(bench)
    return _page(
        title=f"planwise report: {report.database.name}{unfinished}",
        heading=name(report.database.name),
        subtitle=_subtitle(report),
        sections=sections,
        footer=_footer(report),
        data=data,
    )


def bench_page(bench: BenchFigures, baseline: Sequence[str], made_at: datetime.datetime) -> str:
    """The report of a benchmark as the text of an HTML file.

    Args:
        bench: what was found.
        baseline: what was measured of plain dbt, a sentence each.
        made_at: when the page is made.
    """
    against = section("run", "Plain dbt", [f"<p>{escaped(each)}</p>" for each in baseline])
    return _page(
        title="planwise benchmark",
        heading=Html("Benchmark of planwise"),
        subtitle=escaped(bench.source(made_at)),
        sections={"run": against if baseline else "", "bench": bench_section(bench, made_at)},
        footer=f"Made {made_at.strftime('%Y-%m-%d %H:%M UTC')}. The method: docs/benchmarks.md",
        data={"scenarios": [], "run": None, "bench": bench_data(bench)},
        links={"run": "Plain dbt", "bench": "Plugins"},
    )


def _page(
    *,
    title: str,
    heading: Html,
    subtitle: str,
    sections: Mapping[str, str],
    footer: str,
    data: Mapping[str, Any],
    links: Mapping[str, str] = MappingProxyType(dict(_LINKS)),
) -> str:
    """A page of sections, those that are empty left out; subtitle and footer are markup."""
    code = scripts()
    there = {key: each for key, each in links.items() if sections.get(key)}
    items = (f'<li><a href="#{key}">{each}</a></li>' for key, each in there.items())
    return string.Template(asset("page.html")).substitute(
        policy=escaped(_policy(code)),
        title=escaped(title),
        heading=heading.text,
        subtitle=subtitle,
        style=asset("page.css"),
        links="\n".join(items),
        sections="\n".join(sections[key] for key in there),
        footer=footer,
        data=embedded_json(data),
        scripts="\n".join(f"<script>{each}</script>" for each in code),
    )


def write_page(report: RunReport, file: Path, bench: BenchFigures | None = None) -> int:
    """Write the report into a file.

    Args:
        report: what it shows.
        file: where to; replaced.
        bench: as for :func:`report_page`.

    Returns:
        The size in bytes.

    Raises:
        OSError: it cannot be written.
    """
    return file.write_bytes(report_page(report, bench).encode("utf-8"))


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
