"""The JSON results of a run; docs/results.md describes every key, and a test holds it to that."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planwise.containment import PluginFailure
from planwise.improvement import Improvement
from planwise.profiles import ProfiledModel
from planwise.results import (
    SCHEMA_VERSION,
    CheckpointRecord,
    ModelRecord,
    PhaseRecord,
    Retuning,
    slowest_models,
)
from planwise.run_files import write_text_atomically
from planwise.simulation_options import SimulationOutcome
from planwise.values import Baseline
from planwise.versions import installed_versions

if TYPE_CHECKING:
    from planwise.reporting.results_types import (
        BaselineDict,
        CheckpointDict,
        ImprovementDict,
        ModelDict,
        PhaseDict,
        PluginFailureDict,
        ProfileDict,
        ResultsDict,
        RetuningDict,
        ScenarioDict,
    )


def results_dict(outcome: SimulationOutcome) -> ResultsDict:
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
        "plugin_failures": [plugin_failure_dict(each) for each in result.plugin_failures],
        "settings": [
            {"name": each.name, "value": each.value, "origin": each.origin, "reason": each.reason}
            for each in result.settings
        ],
        "retunings": [retuning_dict(each) for each in result.retunings],
        "baseline": _baseline(result.baseline),
        "improvement": _improvement(result.improvement),
        "foundation": _phase(result.foundation),
        "year_phases": [_phase(phase) for phase in result.year_phases],
        "slowest_models": [
            {
                "name": each["name"],
                "wall_s": each["wall_s"],
                "runs": each["runs"],
                "share": each["share"],
            }
            for each in slowest_models(result)
        ],
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


def plugin_failure_dict(failure: PluginFailure) -> PluginFailureDict:
    """A failure of a plugin as JSON."""
    return {
        "plugin": failure.plugin,
        "distribution": failure.distribution,
        "hook": failure.hook,
        "problem": failure.problem,
        "off": failure.off,
    }


def retuning_dict(change: Retuning) -> RetuningDict:
    """A change of a setting as JSON."""
    return {
        "after_year": change.after_year,
        "name": change.name,
        "before": change.before,
        "value": change.value,
        "reason": change.reason,
        "wall_s": list(change.wall_s),
        "spilled_bytes": list(change.spilled_bytes),
    }


def _baseline(baseline: Baseline | None) -> BaselineDict | None:
    if baseline is None:
        return None
    return {
        "kind": baseline.kind,
        "foundation_setup_ms": baseline.foundation_setup_ms,
        "year_processing_ms": baseline.year_processing_ms,
        "total_simulation_ms": baseline.total_simulation_ms,
        "arm": baseline.arm,
        "measured_at": baseline.measured_at,
    }


def _scenarios(outcome: SimulationOutcome) -> list[ScenarioDict]:
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


def _phase(phase: PhaseRecord) -> PhaseDict:
    return {
        "name": phase.name,
        "year": phase.year,
        "wall_s": phase.wall_s,
        "cpu_s": phase.cpu_s,
        "peak_rss_bytes": phase.peak_rss_bytes,
        "rows": phase.rows,
        "bytes_read": phase.bytes_read,
        "bytes_written": phase.bytes_written,
        "batches": phase.batches,
        "models": [_model(each) for each in phase.models],
        "checkpoint": _checkpoint(phase.checkpoint),
        "improvement": _improvement(phase.improvement),
        "start_s": phase.start_s,
        "storing": None
        if phase.storing is None
        else {"start_s": phase.storing.start_s, "wall_s": phase.storing.wall_s},
    }


def _profile(profile: ProfiledModel, outcome: SimulationOutcome) -> ProfileDict:
    return {
        "unique_id": profile.unique_id,
        "year": profile.year,
        "wall_s": profile.wall_s,
        "file": str(outcome.files.work / profile.file),
    }


def _model(model: ModelRecord) -> ModelDict:
    return {
        "unique_id": model.unique_id,
        "name": model.name,
        "year": model.year,
        "wall_s": model.wall_s,
        "cpu_s": model.cpu_s,
        "rows": model.rows,
        "executed_by": model.executed_by,
        "reason": model.reason,
        "depends_on": list(model.depends_on),
        "spilled_bytes": model.spilled_bytes,
        "batch": model.batch,
        "start_s": model.start_s,
    }


def _checkpoint(stored: CheckpointRecord | None) -> CheckpointDict | None:
    if stored is None:
        return None
    return {
        "year": stored.year,
        "codec": stored.codec,
        "tables": stored.tables,
        "rows": stored.rows,
        "raw_bytes": stored.raw_bytes,
        "stored_bytes": stored.stored_bytes,
        "compress_s": stored.compress_s,
        "restore_s": stored.restore_s,
        "ratio": stored.ratio,
    }


def _improvement(value: Improvement | None) -> ImprovementDict | None:
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
