"""``planwise bench full``: plain dbt, every combination of plugins, and one page about both."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from attrs import evolve

from planwise.baselines import StoredBaseline
from planwise.bench import arms
from planwise.bench.baseline import measure_baseline
from planwise.bench.combinations import ALL, combine
from planwise.bench.figures import read_figures
from planwise.bench.session import Setup
from planwise.bench.surroundings import Hooks
from planwise.errors import UsageError
from planwise.output_files import output_file
from planwise.reporting.html.page import bench_page

_BASELINE_ROUNDS: Final = 3
_BASELINE_SHARE: Final = 0.25
"""Of the budget of time that plain dbt may take, one round of it excepted."""


def check_page(page: Path) -> Path:
    """The JSON that goes beside a page.

    Args:
        page: where the page is to be.

    Raises:
        UsageError: it is no name of a page, or the JSON has no place beside it.
    """
    if page.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--output: {page}: expected a name that ends with .html")
    if not page.parent.is_dir():
        raise UsageError(f"--output: {page.parent}: no such folder")
    if (beside := page.with_suffix(".json")).is_dir():
        raise UsageError(f"--output: {beside}, which goes beside the page, is a folder")
    return beside


def run_full(
    setup: Setup,
    *,
    employees: int,
    toggles: Mapping[str, Mapping[str, bool]],
    hooks: Mapping[str, Hooks],
    page: Path,
    say: Callable[[str], None],
) -> None:
    """Measure and store a baseline, then every combination, and write both as a page.

    Args:
        setup: how the benchmark was called; its output is the JSON beside the page.
        employees: people of a synthetic census.
        toggles: each plugin, on or off, in each arm: every combination.
        hooks: the active hooks in each arm.
        page: the HTML file; replaced.
        say: told of progress, and the result.

    Raises:
        PlanwiseError: a run fails, two arms do not give the same tables, or a file cannot be
            written.
    """
    assert setup.output is not None  # noqa: S101  # the page is made from what is written there
    budget = setup.time_budget_s
    first = evolve(
        setup,
        rounds=min(setup.rounds, _BASELINE_ROUNDS),
        output=None,
        time_budget_s=None if budget is None else budget * _BASELINE_SHARE,
    )
    say("Plain dbt\n")
    baseline = measure_baseline(first, employees=employees, arm=arms.PER_YEAR, say=say)
    say("\nEvery combination of plugins\n")
    combine(
        setup,
        employees=employees,
        mode=ALL,
        toggles=toggles,
        hooks=hooks,
        cold=False,
        say=say,
    )
    shown = read_figures(setup.output)
    now = datetime.datetime.now(tz=datetime.UTC)
    reference = next(each.wall_s for each in shown.figures.arms if each.wall_s is not None)
    text = bench_page(shown.figures, _sentences(baseline, reference), now)
    with output_file(page, force=True) as temporary:
        temporary.write_text(text, encoding="utf-8")
    say(f"written: {page}")


def _sentences(baseline: StoredBaseline, reference_s: float) -> list[str]:
    foundation_s, year_s, total_s = (
        each / 1000
        for each in (
            *(baseline.foundation_setup_ms, baseline.year_processing_ms),
            baseline.total_simulation_ms,
        )
    )
    rounds = f"{baseline.rounds} round{'s' if baseline.rounds > 1 else ''}"
    dbt = (
        f"Plain dbt ({baseline.arm}) takes {total_s:,.2f} s: {foundation_s:,.2f} s for the "
        f"foundation, {year_s:,.2f} s for a year (medians of {rounds})."
    )
    planwise = (
        f"planwise with all plugins on that are combined below takes {reference_s:,.2f} s, "
        f"{100 * reference_s / total_s:.1f} % of that. The tables are the same."
    )
    stored = (
        "Plain dbt's times are stored as the baseline that runs of this project, with as many "
        "people, quote on this machine."
    )
    return [dbt, planwise, stored]
