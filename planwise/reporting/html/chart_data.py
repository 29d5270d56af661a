"""The figures that the scripts of a report draw: the tables' own integers, and seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planwise.analysis.explanation import node_accounts, phase_time
from planwise.analysis.run_report import HEADCOUNT, PLAN_COST, RunReport
from planwise.analysis.timeline import batch_bars, model_bars
from planwise.reporting.html.engineer import MOST_BARS, MOST_SLOWEST, baseline_ms
from planwise.run_record import RunAccount


def chart_data(report: RunReport) -> dict[str, Any]:
    """What a page embeds, JSON-ready.

    Returns:
        ``scenarios`` (names, to which the rows refer by position), ``headcount`` and ``plan_cost``
        (the rows of the tables, units in the names of the columns), ``run`` (null without a
        record; seconds from the run's beginning).
    """
    positions = {key: position for position, key in enumerate(report.scenarios)}

    def row(values: Mapping[str, Any], columns: tuple[str, ...]) -> dict[str, Any]:
        return {
            "scenario": positions[values["scenario_id"], values["replicate_id"]],
            "year": values["simulation_year"],
            **{column: values[column] for column in columns},
        }

    return {
        "scenarios": [report.labels[key] for key in report.scenarios],
        "headcount": [row(each, HEADCOUNT) for each in report.headcount],
        "plan_cost": [row(each, PLAN_COST) for each in report.plan_cost],
        "run": None if report.account is None else _run(report.account),
    }


def _run(account: RunAccount) -> dict[str, Any]:
    bars = model_bars(account)
    longest = sorted(bars, key=lambda bar: -bar.model.wall_s)[:MOST_BARS]
    batches = sorted(batch_bars(bars), key=lambda bar: -bar.wall_s)[:MOST_BARS]
    nodes = node_accounts(account)[:MOST_SLOWEST]
    return {
        "wall_s": account.wall_s,
        "lanes": max((bar.lane for bar in bars), default=0),
        "phases": [_phase(account, number) for number in range(len(account.phases))],
        "baseline": account.details.baseline.kind
        if account.details and account.details.baseline
        else None,
        "batches": [
            {
                "phase": each.phase,
                "batch": each.number,
                "models": each.models,
                "start_s": each.start_s,
                "wall_s": each.wall_s,
            }
            for each in sorted(batches, key=lambda bar: bar.start_s)
        ],
        "models": [
            {
                "model": each.model.name,
                "phase": each.phase,
                "lane": each.lane,
                "start_s": each.start_s,
                "wall_s": each.model.wall_s,
                "by": each.model.executed_by,
                "critical": each.critical,
            }
            for each in longest
        ],
        "slowest": [
            {"model": each.name, "wall_s": each.wall_s, "by": ", ".join(each.executed_by)}
            for each in nodes
        ],
        "checkpoints": [
            {
                "year": phase.checkpoint.year,
                "raw_bytes": phase.checkpoint.raw_bytes,
                "stored_bytes": phase.checkpoint.stored_bytes,
            }
            for phase in account.phases
            if phase.checkpoint is not None
        ],
    }


def _phase(account: RunAccount, number: int) -> dict[str, Any]:
    phase = account.phases[number]
    time = phase_time(phase)
    against = baseline_ms(account, phase)
    return {
        "phase": phase.name,
        "start_s": phase.start_s,
        "wall_s": phase.wall_s,
        "models_s": time.models_s,
        "rest_s": time.rest_s,
        "baseline_s": None if against is None else against / 1000,
        "peak_rss_bytes": phase.peak_rss_bytes,
        "storing": None
        if phase.storing is None
        else {"start_s": phase.storing.start_s, "wall_s": phase.storing.wall_s},
    }
