"""What a run did, kept beside its database: who executed each model, when, why, with what."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import attrs
from attrs import field, frozen

from planwise.containment import PluginFailure
from planwise.errors import WarehouseError
from planwise.improvement import Improvement
from planwise.kept_values import hold_to, made, perhaps
from planwise.results import (
    CheckpointRecord,
    ChosenSetting,
    ModelRecord,
    PhaseRecord,
    Retuning,
    RunResult,
    Stretch,
)
from planwise.run_files import write_text_atomically
from planwise.values import Baseline

FILE_NAME: Final = "run.json"
_FORMAT: Final = 1
"""Raised when a key changes its meaning; one that is new is left out of what was written before."""
_COUNTS: Final = Mapping[str, int]
_CENSUS: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("people", "rows_read"), int),
    **dict.fromkeys(("set_aside", "warnings", "repaired", "assumed"), _COUNTS),
    "path": str,
    "columns_used": Mapping[str, str],
    "notes": list[str],
}
"""What is read again of the summary of a census."""
UNFINISHED_NAME: Final = "unfinished.json"
"""The record of a run that did not finish, beside that of the last one that did."""
RunStatus = Literal["finished", "failed", "interrupted"]


@frozen
class PhaseAccount:
    """The foundation or a year, as far as it is kept.

    Attributes:
        name: ``foundation`` or ``year 2026``.
        wall_s: from its start to its end.
        state_s: storing the state and trying to read it back, beside the phase that follows.
        models: every execution, in order.
        start_s: seconds from the run's beginning to its own; None, and the following unknown, in
            a record that an older planwise wrote.
        cpu_s: CPU time of the process in that span.
        peak_rss_bytes: peak resident size of the process so far.
        rows, bytes_read, bytes_written, batches: as in the results of the run.
        checkpoint: the state as stored, if it was.
        storing: when it was.
        improvement: against the baseline of the phase.
    """

    name: str
    wall_s: float
    state_s: float
    models: tuple[ModelRecord, ...]
    start_s: float | None = None
    cpu_s: float = 0.0
    peak_rss_bytes: int = 0
    rows: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    batches: int = 0
    checkpoint: CheckpointRecord | None = None
    storing: Stretch | None = None
    improvement: Improvement | None = None


@frozen
class PluginAccount:
    """An installed plugin.

    Attributes:
        name: its entry-point name.
        enabled: whether it was on.
        distribution: ``name version`` of what brings it; empty if that is not known.
        hooks: those that it answers; empty for one that was off, which is never imported.
    """

    name: str
    enabled: bool
    distribution: str = ""
    hooks: tuple[str, ...] = ()


@frozen
class Circumstances:
    """What a run ran with.

    Attributes:
        pool_size: how many models may run at once.
        cores: those that the process may use.
        memory_total_bytes: of the machine or container.
        versions: of Python and the distributions; None for one that is not installed.
        plugins: every installed one.
        census: the summary of the census without its examples, which show single people; None for
            a project that reads none.
        synthetic_census: people in the census if it was generated for want of one, else None.
        project: the folder of the dbt project; empty in the record of an older planwise.
        scenarios: how many there were, with their replicates; 0 of a project that reads no inputs.
    """

    pool_size: int
    cores: int
    memory_total_bytes: int
    versions: Mapping[str, str | None] = field(factory=dict)
    plugins: tuple[PluginAccount, ...] = ()
    census: Mapping[str, Any] | None = None
    synthetic_census: int | None = None
    project: str = ""
    scenarios: int = 0


@frozen
class RunDetails:
    """What is kept of a run since planwise makes reports of it.

    Attributes:
        finished_at: when it was written, in UTC, as ISO 8601 says it.
        requested_years, resumed_years: as in the results of the run.
        cpu_s: CPU time of the process, all threads.
        parse_s: seconds in dbt's parser, part of the foundation's wall time.
        peak_rss_bytes: peak resident size of the process.
        settings, retunings: DuckDB's settings at the end, who chose them, and what was changed.
        baseline: what improvement is quoted against.
        improvement: of the whole run.
        circumstances: what it ran with.
        plugin_failures: failures of plugins with which it went on. None in older records.
    """

    finished_at: str
    requested_years: tuple[int, ...]
    resumed_years: tuple[int, ...]
    cpu_s: float
    parse_s: float
    peak_rss_bytes: int
    settings: tuple[ChosenSetting, ...]
    retunings: tuple[Retuning, ...]
    baseline: Baseline | None
    improvement: Improvement | None
    circumstances: Circumstances
    plugin_failures: tuple[PluginFailure, ...] = ()


@frozen
class RunEnd:
    """How a run ended.

    Attributes:
        status: what came of it.
        finished_years: the years that are finished, those of an interrupted run before included.
        run_id: what the ledger and the manifest know the run by.
        error: why it did not finish, in one line.
        phase: the phase in which it broke off; empty between two phases.
        batch: the number of the batch that ran then; 0 for none.
        models: the names of the models in it; one of them failed, if it was a model.
    """

    status: RunStatus
    finished_years: tuple[int, ...]
    run_id: str = ""
    error: str = ""
    phase: str = ""
    batch: int = 0
    models: tuple[str, ...] = ()


@frozen
class RunAccount:
    """A run.

    Attributes:
        wall_s: of the whole run.
        parsed_anew_because: what the year decides when the project is parsed.
        uncached_because: why nothing rendered is kept between runs; empty if it is.
        phases: the foundation, then the years; of a run that broke off in one, as far as it came.
        details: what an older planwise did not keep; None then.
        end: how it ended; None in the record of an older planwise, which kept finished runs only.
    """

    wall_s: float
    parsed_anew_because: tuple[str, ...]
    uncached_because: str
    phases: tuple[PhaseAccount, ...]
    details: RunDetails | None = None
    end: RunEnd | None = None


def account_of(result: RunResult, circumstances: Circumstances) -> RunAccount:
    """What is kept of a result."""
    phases = (result.foundation, *result.year_phases)
    return RunAccount(
        wall_s=result.wall_s,
        parsed_anew_because=result.parsed_anew_because,
        uncached_because=result.uncached_because,
        phases=tuple(map(phase_account, phases)),
        details=RunDetails(
            finished_at=datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="seconds"),
            requested_years=result.requested_years,
            resumed_years=result.resumed_years,
            cpu_s=result.cpu_s,
            parse_s=result.parse_s,
            peak_rss_bytes=result.peak_rss_bytes,
            settings=result.settings,
            retunings=result.retunings,
            baseline=result.baseline,
            improvement=result.improvement,
            circumstances=circumstances,
            plugin_failures=result.plugin_failures,
        ),
        end=RunEnd("finished", result.years),
    )


def phase_account(record: PhaseRecord) -> PhaseAccount:
    """What is kept of a phase."""
    stored = record.checkpoint
    seconds = stored.compress_s + stored.restore_s if stored else 0.0
    kept = {each.name for each in attrs.fields(PhaseAccount)} - {"state_s"}
    return PhaseAccount(state_s=seconds, **{name: getattr(record, name) for name in kept})


def write_account(folder: Path, account: RunAccount) -> Path:
    """Write the account of a run into its folder, whole or not at all.

    Args:
        folder: the run's own, beside the database.
        account: the run.

    Returns:
        The file: ``run.json`` of a run that finished, else ``unfinished.json``.

    Raises:
        WarehouseError: the folder cannot be written.
    """
    finished = account.end is None or account.end.status == "finished"
    file = folder / (FILE_NAME if finished else UNFINISHED_NAME)
    write_text_atomically(file, json.dumps({"format": _FORMAT, **attrs.asdict(account)}))
    return file


def read_account(folder: Path, name: str = FILE_NAME) -> RunAccount:
    """Read the account of a run.

    Args:
        folder: the run's own, beside the database.
        name: of the file; that of the last finished run by default.

    Raises:
        WarehouseError: there is none, or it is not readable; the mend is named.
    """
    file = folder / name
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content.pop("format") != _FORMAT:
            content = {}  # another version's: its keys may mean something else
        return made(
            RunAccount,
            content,
            parsed_anew_because=tuple(content["parsed_anew_because"]),
            phases=tuple(map(_phase_from, content["phases"])),
            details=_details_from(content["details"]) if content.get("details") else None,
            end=_end_from(content["end"]) if content.get("end") else None,
        )
    except FileNotFoundError:
        how = "it is written by planwise simulate, for the database beside it"
        if (folder / UNFINISHED_NAME).is_file():
            how = (
                "no run has finished there yet; planwise report shows what the last one did, and "
                "planwise simulate --resume goes on with it"
            )
        raise WarehouseError(f"{file}: no such file; {how}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WarehouseError(
            f"{file}: cannot be used ({type(error).__name__}: {error}); simulate again"
        ) from error


def _phase_from(data: Mapping[str, Any]) -> PhaseAccount:
    return made(
        PhaseAccount,
        data,
        models=tuple(
            made(ModelRecord, each, depends_on=tuple(each["depends_on"])) for each in data["models"]
        ),
        checkpoint=perhaps(CheckpointRecord, data.get("checkpoint")),
        storing=perhaps(Stretch, data.get("storing")),
        improvement=perhaps(Improvement, data.get("improvement")),
    )


def _end_from(data: Mapping[str, Any]) -> RunEnd:
    return made(
        RunEnd,
        data,
        finished_years=tuple(data["finished_years"]),
        models=tuple(data["models"]),
    )


def _details_from(data: Mapping[str, Any]) -> RunDetails:
    around = data["circumstances"]
    datetime.datetime.fromisoformat(data["finished_at"])  # an age is counted to it
    census = around.get("census")
    for key, kind in _CENSUS.items() if census is not None else ():
        hold_to(census[key], kind, f"census.{key}")
    plugins = tuple(
        made(PluginAccount, each, hooks=tuple(each["hooks"])) for each in around["plugins"]
    )
    return made(
        RunDetails,
        data,
        requested_years=tuple(data["requested_years"]),
        resumed_years=tuple(data["resumed_years"]),
        settings=tuple(made(ChosenSetting, each) for each in data["settings"]),
        retunings=tuple(
            made(
                Retuning,
                each,
                wall_s=tuple(each["wall_s"]),
                spilled_bytes=tuple(each["spilled_bytes"]),
            )
            for each in data["retunings"]
        ),
        baseline=perhaps(Baseline, data["baseline"]),
        improvement=perhaps(Improvement, data["improvement"]),
        circumstances=made(Circumstances, around, plugins=plugins),
        plugin_failures=tuple(
            made(PluginFailure, each) for each in data.get("plugin_failures", ())
        ),
    )
