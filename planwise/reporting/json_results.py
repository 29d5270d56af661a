"""The JSON results of a run; docs/results.md describes every key, and a test holds it to that."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from planwise.improvement import Improvement
from planwise.profiles import ProfiledModel
from planwise.results import SCHEMA_VERSION, PhaseRecord, slowest_models
from planwise.run_files import write_text_atomically
from planwise.simulation_options import SimulationOutcome
from planwise.versions import installed_versions


def results_dict(outcome: SimulationOutcome) -> dict[str, Any]:
    """The results as JSON-ready values.

    Args:
        outcome: a finished simulation.
    """
    result = outcome.result
    return {
        "schema_version": SCHEMA_VERSION,
        "versions": installed_versions(),
        "database": str(outcome.files.database),
        "checkpoints": str(outcome.files.checkpoints),
        "years": list(result.years),
        "requested_years": list(result.requested_years),
        "resumed_years": list(result.resumed_years),
        "success_rate": result.success_rate,
        "wall_s": result.wall_s,
        "cpu_s": result.cpu_s,
        "parse_s": result.parse_s,
        "peak_rss_bytes": result.peak_rss_bytes,
        "parsed_anew_because": list(result.parsed_anew_because),
        "uncached_because": result.uncached_because,
        "plugins": dict(outcome.toggles),
        "settings": [attrs.asdict(setting) for setting in result.settings],
        "retunings": [attrs.asdict(each) for each in result.retunings],
        "baseline": attrs.asdict(result.baseline) if result.baseline else None,
        "improvement": _improvement(result.improvement),
        "foundation": _phase(result.foundation),
        "year_phases": [_phase(phase) for phase in result.year_phases],
        "slowest_models": slowest_models(result),
        "profiles": [_profile(each, outcome) for each in result.profiles],
        "scenarios": _scenarios(outcome),
        "headcount": [dict(row) for row in outcome.headcount],
        "plan_cost": [dict(row) for row in outcome.plan_cost],
        "census": outcome.inputs.census.to_dict() if outcome.inputs else None,
        "synthetic_census": outcome.inputs.synthetic if outcome.inputs else None,
        "sections": {section.key: dict(section.data) for section in result.sections},
    }


def results_text(outcome: SimulationOutcome) -> str:
    """The results as JSON text; numbers that JSON has no sign for are errors."""
    return json.dumps(results_dict(outcome), indent=2, default=_plain, allow_nan=False) + "\n"


def write_results(outcome: SimulationOutcome, file: Path) -> None:
    """Write the results to a file, whole or not at all.

    Raises:
        WarehouseError: the file cannot be written.
    """
    text = results_text(outcome)
    write_text_atomically(file, text)


def _scenarios(outcome: SimulationOutcome) -> list[dict[str, Any]]:
    if outcome.inputs is None:
        return []
    files = outcome.inputs.files
    return [
        {
            "scenario_id": each.scenario_id,
            "replicate_id": each.replicate_id,
            "seed": each.seed,
            "draws": each.draws or each.scenario_id,
            "file": str(files[each.scenario_id]) if each.scenario_id in files else None,
        }
        for each in outcome.inputs.scenarios
    ]


def _phase(phase: PhaseRecord) -> dict[str, Any]:
    checkpoint = None
    if phase.checkpoint is not None:
        checkpoint = {**attrs.asdict(phase.checkpoint), "ratio": phase.checkpoint.ratio}
    return {
        **attrs.asdict(phase),
        "checkpoint": checkpoint,
        "improvement": _improvement(phase.improvement),
    }


def _profile(profile: ProfiledModel, outcome: SimulationOutcome) -> dict[str, Any]:
    return {
        "unique_id": profile.unique_id,
        "year": profile.year,
        "wall_s": profile.wall_s,
        "file": str(outcome.files.work / profile.file),
    }


def _improvement(value: Improvement | None) -> Mapping[str, Any] | None:
    return None if value is None else {"percent": value.percent, "class": value.label}


def _plain(value: object) -> Any:
    """What json does not know: dates and paths as text, a decimal as a number."""
    if isinstance(value, datetime.date | Path):
        return str(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"not a JSON value: {value!r}")
