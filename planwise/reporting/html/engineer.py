"""What an engineer looks for: where the time went, memory, stored states, and who chose what."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import Final

from planwise.analysis.explanation import node_accounts, phase_time
from planwise.analysis.run_report import RunReport
from planwise.analysis.timeline import model_bars
from planwise.containment import off_words
from planwise.improvement import Improvement, baseline_words
from planwise.reporting.html.markup import (
    NONE,
    Cell,
    Column,
    beside,
    cards,
    chart,
    counted,
    details,
    name,
    rate,
    seconds,
    section,
    size,
    table,
)
from planwise.run_record import PhaseAccount, RunAccount, RunDetails

MOST_BARS: Final = 400
"""Models in the table of the timeline; of more, those that took longest."""
MOST_SLOWEST: Final = 12
"""Models in the chart of the slowest."""


def engineer_section(report: RunReport) -> str:
    """How the run went, as far as its record tells."""
    account = report.account
    if account is None:
        return ""
    parts = [cards(_cards(account))]
    if model_bars(account):
        parts.append(_timeline(account))
    small = [_phases(account), _slowest(account)]
    if account.details is not None:
        small.append(_memory(account))
        if any(phase.checkpoint for phase in account.phases):
            small.append(_checkpoints(account))
    parts += [beside(*small), _critical(account)]
    if account.details is not None:
        parts += _chosen(account.details)
    parts += _notes(account)
    return section("run", "How the run went", parts)


def baseline_ms(account: RunAccount, phase: PhaseAccount) -> float | None:
    """What a phase is compared with, in milliseconds; None without a baseline."""
    baseline = account.details.baseline if account.details else None
    if baseline is None:
        return None
    first = phase.name == "foundation"
    return baseline.foundation_setup_ms if first else baseline.year_processing_ms


def _cards(account: RunAccount) -> Iterator[tuple[str, str, str]]:
    models = [model for phase in account.phases for model in phase.models]
    by_dbt = sum(model.executed_by == "dbt" for model in models)
    run = counted(len(models), "execution") + f" of models, {by_dbt:,} by dbt"
    yield "Wall time", seconds(account.wall_s), run
    details = account.details
    if details is None:
        return
    cores = f"{details.cpu_s / account.wall_s:.1f}" if account.wall_s else NONE
    around = details.circumstances
    yield "CPU time", seconds(details.cpu_s), f"{cores} of {counted(around.cores, 'core')} busy"
    whole = f"of {size(around.memory_total_bytes)}"
    yield "Peak memory", size(details.peak_rss_bytes), whole
    stored = [phase.checkpoint for phase in account.phases if phase.checkpoint]
    if stored:
        held = sum(each.stored_bytes for each in stored)
        raw = sum(each.raw_bytes for each in stored)
        ratio = f"{raw / held:.1f} times smaller than in memory" if held else ""
        yield "Stored states", size(held), ratio
    if details.baseline is not None:
        kind = f"against the {details.baseline.kind} baseline"
        yield "Time saved", _improvement(details.improvement), kind


def _baseline_words(details: RunDetails | None) -> str:
    """What the baseline is, its age counted to the end of the run."""
    if details is None or details.baseline is None:
        return NONE
    ended = datetime.datetime.fromisoformat(details.finished_at)
    return baseline_words(details.baseline, ended)


def _improvement(value: Improvement | None) -> str:
    return NONE if value is None else f"{value.percent:,.1f}\u00a0% ({value.label})"


def _timeline(account: RunAccount) -> str:
    bars = model_bars(account)
    lanes = max(bar.lane for bar in bars)
    longest = sorted(bars, key=lambda bar: -bar.model.wall_s)[:MOST_BARS]
    kept = {id(bar) for bar in longest}
    shown = [bar for bar in bars if id(bar) in kept]
    text = (
        f"{counted(len(bars), 'execution')} of models in {counted(lanes, 'lane')}: what is in one "
        "lane never ran at the same time. Storing a year's state goes on beside the next year. "
        "Marked models are on the critical path of their phase."
    )
    if len(bars) > len(shown):
        text += f" Drawn and listed are the {len(shown):,} that took longest."
    columns = (
        Column("Model"),
        Column("Phase"),
        *(Column(each, number=True) for each in ("Batch", "Lane", "Start, s", "Wall, s")),
        Column("By"),
        Column("Critical path"),
    )
    rows: list[Sequence[Cell]] = [
        (
            name(bar.model.name),
            bar.phase,
            str(bar.model.batch or NONE),
            str(bar.lane),
            f"{bar.start_s:,.3f}",
            f"{bar.model.wall_s:,.3f}",
            name(bar.model.executed_by),
            "yes" if bar.critical else "",
        )
        for bar in shown
    ]
    content = table("Executions of models in order of time", columns, rows)
    return chart("timeline", "Timeline", text, content)


def _phases(account: RunAccount) -> str:
    times = [phase_time(phase) for phase in account.phases]
    baseline = account.details.baseline if account.details else None
    text = (
        "Wall time of the foundation and of each year. The rest is parsing, rendering, planning "
        "and committing; the critical path is the least that the models can take."
    )
    if baseline is not None:
        text += f" Baseline: {_baseline_words(account.details)}."
    headings = ["Wall, s", "Models, s", "Rest, s", "Critical path, s", "State beside, s"]
    if baseline is not None:
        headings += [f"Baseline ({baseline.kind}), s", "Time saved"]
    columns = [Column("Phase"), *(Column(each, number=True) for each in headings)]
    rows = []
    for phase, time in zip(account.phases, times, strict=True):
        row = [phase.name]
        figures = (time.wall_s, time.models_s, time.rest_s, time.path_s, time.state_s)
        row += [f"{figure:,.3f}" for figure in figures]
        if baseline is not None:
            against = baseline_ms(account, phase)
            row.append(NONE if against is None else f"{against / 1000:,.3f}")
            row.append(_improvement(phase.improvement))
        rows.append(row)
    return chart("phases", "Time by phase", text, table("Time by phase", columns, rows))


def _critical(account: RunAccount) -> str:
    rows: list[Sequence[Cell]] = []
    for phase in account.phases:
        time = phase_time(phase)
        path = name(" → ".join(time.path) or NONE)
        rows.append((phase.name, f"{time.path_s:,.3f}", path))
    columns = (Column("Phase"), Column("Seconds", number=True), Column("Models, first to last"))
    content = table("The models that waited for one another longest", columns, rows)
    return details("Critical path of each phase", content)


def _slowest(account: RunAccount) -> str:
    nodes = node_accounts(account)
    total = sum(each.wall_s for each in nodes)
    first = nodes[:MOST_SLOWEST]
    share = sum(each.wall_s for each in first) / total if total else 0.0
    text = (
        f"The {len(first)} models that took longest, all their runs together: "
        f"{share:.0%} of the time of all {len(nodes)}."
    )
    columns = (
        Column("Model"),
        *(Column(each, number=True) for each in ("Runs", "Wall, s", "Share")),
        Column("By"),
        Column("How, or why dbt"),
    )
    rows: list[Sequence[Cell]] = [
        (
            name(each.name),
            f"{each.runs:,}",
            f"{each.wall_s:,.3f}",
            rate(round(1e5 * each.wall_s / total)) if total else NONE,
            name(", ".join(each.executed_by)),
            name("; ".join(each.reasons)),
        )
        for each in nodes
    ]
    return chart("slowest", "Slowest models", text, table("Time by model", columns, rows))


def _memory(account: RunAccount) -> str:
    headings = ("Peak so far, MiB", "CPU, s", "Read, MiB", "Written, MiB", "Rows", "Spilled, MiB")
    columns = [Column("Phase"), *(Column(each, number=True) for each in headings)]
    rows = []
    for phase in account.phases:
        spilled = max((model.spilled_bytes for model in phase.models), default=0)
        rows.append(
            [
                phase.name,
                f"{phase.peak_rss_bytes / 2**20:,.1f}",
                f"{phase.cpu_s:,.2f}",
                *(f"{each / 2**20:,.1f}" for each in (phase.bytes_read, phase.bytes_written)),
                f"{phase.rows:,}",
                f"{spilled / 2**20:,.1f}",
            ]
        )
    text = (
        "The most memory that the process has held by the end of each phase. What is read and "
        "written is what reached storage; spilled is the most in DuckDB's temporary files."
    )
    return chart("memory", "Memory", text, table("Memory and storage by phase", columns, rows))


def _checkpoints(account: RunAccount) -> str:
    headings = (
        *("Tables", "Rows", "In memory, MiB", "Stored, MiB", "Times smaller"),
        *("Compress, s", "Restore, s"),
    )
    columns = [Column("Year"), *(Column(each, number=True) for each in headings), Column("Format")]
    stored = [phase.checkpoint for phase in account.phases if phase.checkpoint]
    rows: list[Sequence[Cell]] = [
        (
            str(each.year),
            f"{each.tables:,}",
            f"{each.rows:,}",
            *(f"{held / 2**20:,.2f}" for held in (each.raw_bytes, each.stored_bytes)),
            f"{each.ratio:,.1f}",
            *(f"{figure:,.3f}" for figure in (each.compress_s, each.restore_s)),
            name(each.codec),
        )
        for each in stored
    ]
    text = (
        "The state of each year, from which a run can go on: as it is in memory, and as it is "
        "stored. Each is restored once, to prove it."
    )
    return chart("checkpoints", "Stored states", text, table("Stored states", columns, rows))


def _chosen(kept: RunDetails) -> Iterator[str]:
    """Settings, retunings, plugins and versions."""
    if kept.settings:
        columns = [Column(each) for each in ("Setting", "Value", "Chosen by", "Why")]
        rows = [
            (name(each.name), name(each.value), name(each.origin), name(each.reason))
            for each in kept.settings
        ]
        yield details("DuckDB settings, and who chose them", table("Settings", columns, rows))
    else:
        yield "<p>Nobody chose any setting of DuckDB: its defaults held.</p>"
    if kept.retunings:
        yield details("Settings changed between years", _retunings(kept))
    around = kept.circumstances
    columns = [Column(each) for each in ("Plugin", "On", "Distribution", "Hooks")]
    plugins = [
        (
            name(each.name),
            "on" if each.enabled else "off",
            name(each.distribution or NONE),
            name(", ".join(each.hooks) or NONE),
        )
        for each in around.plugins
    ]
    yield details("Plugins, on and off", table("Plugins", columns, plugins))
    if kept.plugin_failures:
        yield "<p>Plugins failed where no result depends on them, and the run went on:</p>"
        yield _failures(kept)
    versions = [(name(key), name(value or NONE)) for key, value in around.versions.items()]
    versions.append((name("models at once"), name(str(around.pool_size))))
    content = table("Versions", [Column("What"), Column("Version or value")], versions)
    yield details("Versions", content)


def _retunings(kept: RunDetails) -> str:
    columns = [
        *(Column("After", number=True), Column("Setting"), Column("Before"), Column("Since")),
        Column("Why"),
        Column("Year's wall, s", number=True),
    ]
    rows = [
        (
            str(each.after_year),
            name(each.name),
            name("DuckDB's default" if each.before is None else each.before),
            name(each.value),
            name(each.reason),
            " → ".join(f"{wall:,.2f}" for wall in each.wall_s),
        )
        for each in kept.retunings
    ]
    return table("Settings that were changed", columns, rows)


def _failures(kept: RunDetails) -> str:
    columns = [Column(each) for each in ("Plugin", "Distribution", "Hook", "Problem", "Since then")]
    rows = [
        (
            name(each.plugin),
            name(each.distribution),
            name(each.hook or NONE),
            name(each.problem),
            name(off_words(each)),
        )
        for each in kept.plugin_failures
    ]
    return table("Plugins that failed", columns, rows)


def _notes(account: RunAccount) -> Iterator[str]:
    if account.parsed_anew_because:
        parts = ", ".join(account.parsed_anew_because)
        yield f"<p>Parsed anew for each year, since the year decides: {name(parts).text}</p>"
    if account.uncached_because:
        why = name(account.uncached_because).text
        yield f"<p>Nothing is kept between runs: {why}</p>"
