"""A run in the terminal: a line per phase, a progress bar where there is a terminal, a report."""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
)
from rich.progress import TimeElapsedColumn as Elapsed
from rich.table import Table
from rich.text import Text

from planwise.containment import off_words
from planwise.improvement import Improvement, baseline_words
from planwise.prints import KeptApart, keep_apart
from planwise.profile_files import FOLDER
from planwise.reporting.estimate import Durations, TimeLeft, about
from planwise.results import ChosenSetting, PhaseRecord, Retuning, RunPlan, RunResult

if TYPE_CHECKING:
    from planwise.simulation_options import SimulationOutcome

_LEAST_TOLD_S: Final = 0.005
"""What takes less would be told as 0.00 s."""
_MOST_ROWS: Final = 20
"""More rows of years and scenarios than this are no summary."""


def make_console(file: TextIO, *, quiet: bool = False) -> Console:
    """A console that leaves plain text plain in a pipe, at a width that tables need.

    Args:
        file: where it writes; colours are left out where NO_COLOR is set.
        quiet: whether it writes nothing at all.
    """
    console = Console(
        file=file, highlight=False, soft_wrap=True, emoji=False, markup=False, quiet=quiet
    )
    if not console.is_terminal:
        console.width = 120
    return console


class _Left(ProgressColumn):
    """About how long the run still takes."""

    def __init__(self, left: TimeLeft) -> None:
        super().__init__()
        self._left = left

    def render(self, task: Task) -> Text:  # noqa: ARG002  # it is of the whole run
        return Text(about(self._left.seconds()))


class TerminalObserver:
    """Watches a run: plain lines in a pipe, a progress bar below them in a terminal.

    Args:
        console: where to write. Use the observer as a context manager.

    Attributes:
        left: how long the run still takes, as far as it can be told.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self.left = TimeLeft(lambda: (), lambda: None, time.monotonic)
        self._shows = console.is_terminal and not console.quiet
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            Elapsed(),
            _Left(self.left),
            console=console,
            transient=True,
            disable=not self._shows,
        )
        self._task: TaskID | None = None

    def estimate(
        self, years: Callable[[], Sequence[int]], earlier: Callable[[], Durations | None]
    ) -> None:
        """Show how long the run still takes, where there is a terminal.

        Args:
            years: asked once, when the first models begin: those that are run, in order.
            earlier: asked once, then too: what an earlier run took.
        """
        if self._shows:
            self.left.years, self.left.earlier = years, earlier

    def __enter__(self) -> TerminalObserver:
        before = sys.stdout
        self._progress.start()
        if isinstance(before, KeptApart):
            keep_apart()  # else what a plugin prints would pass through the progress bar
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the bar away; safe to call twice."""
        self._progress.stop()

    def phase_started(self, name: str, year: int | None, models: int) -> None:
        """Show a bar for the phase."""
        self.left.phase_started(year, models)
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(name, total=models or None)

    def models_finished(self, count: int) -> None:
        """Advance the bar."""
        if self._task is not None:
            self._progress.advance(self._task, count)

    def phase_finished(self, record: PhaseRecord) -> None:
        """Print the phase's line."""
        self.left.phase_finished(record.year, record.wall_s)
        self._console.print(phase_line(record))

    def note(self, text: str) -> None:
        """Print a line."""
        self._console.print(text)


def phase_line(record: PhaseRecord) -> str:
    """One line for a finished phase: time, rows, compression, improvement."""
    parts = [f"{record.name}: {record.wall_s:.2f} s", f"{record.rows:,} rows"]
    parts.append(f"{len(record.models)} models in {record.batches} batches")
    if record.checkpoint is not None:
        stored = f"{record.checkpoint.codec} {record.checkpoint.ratio:.1f} times smaller"
        parts.append(f"state {stored}")
    if record.improvement is not None:
        parts.append(improvement_text(record.improvement))
    return ", ".join(parts)


def improvement_text(value: Improvement) -> str:
    """An improvement with its class."""
    wording = {
        "achieved": "target of 82 % achieved",
        "significant": "significant",
        "below": "below 50 %",
    }
    return f"{value.percent:.1f} % less time than the baseline ({wording[value.label]})"


def improvement_sentence(result: RunResult) -> str:
    """What the report says of improvement where no plugin says it: never a number made up."""
    if result.baseline is None:
        return (
            "improvement: there is no baseline, so none is quoted; measure one of this machine, "
            "project and number of people with `planwise bench baseline`"
        )
    if result.improvement is None:
        if result.baseline.kind == "measured":
            return (
                "improvement: none quoted for the whole run, since the baseline was measured over "
                "another number of years"
            )
        return f"improvement: the {result.baseline.kind} baseline has no total_simulation"
    return f"improvement: {improvement_text(result.improvement)}, which is {result.baseline.kind}"


def print_report(console: Console, outcome: SimulationOutcome) -> None:
    """The report at the end of a run."""
    result = outcome.result
    console.print()
    console.print(
        f"Simulated {len(result.years)} of {len(result.requested_years)} years "
        f"({result.years[0]} to {result.years[-1]}) in {result.wall_s:.2f} s; "
        f"success rate {result.success_rate:.0%}"
    )
    if outcome.headcount:
        _print_headcount(console, outcome)
    if outcome.plan_cost:
        _print_plan_cost(console, outcome)
    _print_times(console, result)
    for section in result.sections:
        console.print(f"\n{section.title}")
        for line in section.lines:
            console.print(f"  {line}")
    if not any("improvement" in section.data for section in result.sections):
        console.print(f"\n{improvement_sentence(result)}")
    if result.baseline is not None:
        now = datetime.datetime.now(tz=datetime.UTC)
        console.print(f"baseline: {baseline_words(result.baseline, now)}")
    _print_settings(console, result.settings)
    for each in result.retunings:
        console.print(Text(_retuning_line(each)))
    for failure in result.plugin_failures:
        console.print(Text(f"warning: {failure.problem}; {off_words(failure)}"))
    for part in result.parsed_anew_because:
        console.print(f"parsed anew for each year, since the year decides: {part}")
    console.print(f"\ndatabase     {outcome.files.database}")
    console.print(f"checkpoints  {outcome.files.checkpoints}")
    if result.profiles:
        console.print(f"profiles     {outcome.files.work / FOLDER}")


def print_plan(console: Console, plan: RunPlan, toggles: dict[str, bool]) -> None:
    """What a dry run shows: years, plugins, settings, batches with their models."""
    console.print(f"years: {' '.join(str(year) for year in plan.years)}")
    shown = ", ".join(f"{name} {'on' if on else 'off'}" for name, on in toggles.items())
    console.print(f"plugins: {shown or 'none installed'}")
    console.print(f"pool size: {plan.pool_size}")
    _print_settings(console, plan.settings)
    for title, batches in (("foundation", plan.foundation), ("each year", plan.year)):
        console.print(f"\n{title}: {len(batches.batches)} batches")
        for number, batch in enumerate(batches.batches, start=1):
            names = ", ".join(plan.nodes[key].name for key in batch.nodes)
            console.print(f"  {number:>2}  {names}")
    console.print("\ndry run: nothing was written")


def _print_headcount(console: Console, outcome: SimulationOutcome) -> None:
    table, rows = _by_year("Headcount and payroll", "fct_headcount", outcome.headcount)
    for heading in ("opening", "hires", "leavers", "closing", "target", "payroll"):
        table.add_column(heading, justify="right")
    for first, row in rows:
        leavers = row["new_hire_leavers"] + row["experienced_leavers"] + row["reduction_in_force"]
        table.add_row(
            *first,
            *(f"{row[key]:,}" for key in ("opening", "hires")),
            f"{leavers:,}",
            *(f"{row[key]:,}" for key in ("closing", "target")),
            money(row["payroll_cents"]),
        )
    console.print()
    console.print(table)


def _print_plan_cost(console: Console, outcome: SimulationOutcome) -> None:
    table, rows = _by_year("Retirement plan", "fct_plan_cost", outcome.plan_cost)
    for heading in (
        *("eligible", "take part", "deferral", "employee money", "match", "core"),
        *("net cost", "of payroll"),
    ):
        table.add_column(heading, justify="right")
    for first, row in rows:
        table.add_row(
            *first,
            f"{row['eligible']:,}",
            percent(row["participation_rate_e5"]),
            percent(row["average_deferral_e5"]),
            *(money(row[f"{key}_cents"]) for key in ("employee_contributions", "match", "core")),
            money(row["net_employer_cost_cents"]),
            percent(row["net_cost_share_e5"]),
        )
    console.print()
    console.print(table)
    estimated = [row["simulation_year"] for row in outcome.plan_cost if row["limits_estimated"]]
    if estimated:
        console.print(f"(the limits of the law are estimated from {min(estimated)} on)")


def _by_year(
    title: str, name: str, rows: Sequence[Mapping[str, Any]]
) -> tuple[Table, list[tuple[list[str], Mapping[str, Any]]]]:
    """A table and its rows with their first cells: the scenario if there are several, the year.

    Of many rows only each scenario's last year is shown.
    """
    scenarios = {(row["scenario_id"], row["replicate_id"]) for row in rows}
    replicates = len({scenario for scenario, _ in scenarios}) < len(scenarios)
    many = len(scenarios) > 1 and len(rows) > _MOST_ROWS
    if many:
        last = max(row["simulation_year"] for row in rows)
        rows = [row for row in rows if row["simulation_year"] == last]
        title += f" in {last} (every year is in {name})"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    if len(scenarios) > 1:
        table.add_column("scenario", overflow="fold")
    if not many:
        table.add_column("year")
    shown = []
    for row in rows:
        first = [] if many else [str(row["simulation_year"])]
        if len(scenarios) > 1:
            scenario = str(row["scenario_id"])
            first.insert(0, f"{scenario} {row['replicate_id']}" if replicates else scenario)
        shown.append((first, row))
    return table, shown


def _print_times(console: Console, result: RunResult) -> None:
    table = Table(title="Time", title_justify="left", box=None, pad_edge=False)
    table.add_column("phase")
    for heading in ("wall s", "CPU s", "peak MiB", "written MB", "rows", "state ratio"):
        table.add_column(heading, justify="right")
    for phase in (result.foundation, *result.year_phases):
        table.add_row(
            phase.name,
            f"{phase.wall_s:.2f}",
            f"{phase.cpu_s:.2f}",
            f"{phase.peak_rss_bytes / 2**20:.0f}",
            f"{phase.bytes_written / 1e6:.1f}",
            f"{phase.rows:,}",
            f"{phase.checkpoint.ratio:.1f}" if phase.checkpoint else "",
        )
    console.print()
    console.print(table)
    if result.parse_s >= _LEAST_TOLD_S:
        console.print(f"(dbt's parser took {result.parse_s:.2f} s, within the foundation)")


def _print_settings(console: Console, settings: tuple[ChosenSetting, ...]) -> None:
    if not settings:
        console.print("\nDuckDB settings: DuckDB's own defaults")
        return
    console.print("\nDuckDB settings")
    width = max(len(setting.name) for setting in settings)
    for setting in settings:
        why = f": {setting.reason}" if setting.reason else ""
        line = f"  {setting.name:<{width}}  {setting.value}  ({setting.origin}{why})"
        console.print(Text(line))


def _retuning_line(change: Retuning) -> str:
    """What was changed after a year, and what that bought in the next."""
    before = "DuckDB's default" if change.before is None else change.before
    spilled = " -> ".join(f"{each / 2**20:,.0f}" for each in change.spilled_bytes)
    took = " -> ".join(f"{each:.2f}" for each in change.wall_s)
    return (
        f"  re-tuned after {change.after_year}: {change.name} {before} -> {change.value}; "
        f"the year {took} s, the most in temporary files {spilled} MiB"
    )


def percent(e5: int) -> str:
    """A rate as per cent with two decimals; exact in integers, rounded half away from zero."""
    sign, hundredths = "-" if e5 < 0 else "", (abs(int(e5)) + 5) // 10
    return f"{sign}{hundredths // 100}.{hundredths % 100:02d} %"


def money(cents: int) -> str:
    """Cents as whole units with separators; exact in integers, rounded half away from zero."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{(abs(int(cents)) + 50) // 100:,}"
