"""What a run that did not finish leaves behind: what it measured until then, and why it ended."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from attrs import evolve, frozen

from planwise.containment import PluginFailure
from planwise.errors import PlanwiseError
from planwise.interruption import is_the_users, signals_wait
from planwise.profile_files import UNFINISHED_FOLDER, write_profiles
from planwise.relay import Relay
from planwise.results import PhaseRecord
from planwise.run_record import (
    UNFINISHED_NAME,
    Circumstances,
    RunAccount,
    RunDetails,
    RunEnd,
    phase_account,
    write_account,
)
from planwise.runs.running import Running
from planwise.so_far import RunSoFar
from planwise.values import Metric, RunSummary

_LONGEST: Final = 2_000
"""Signs of an error's line that are kept."""


@frozen
class Left:
    """What was left.

    Attributes:
        file: the record; None where it could not be written.
        warnings: what went wrong meanwhile, a sentence each.
        metrics: what the plugins keep of the run.
        profiles: the folder of DuckDB's profiles; None if there are none.
    """

    file: Path | None
    warnings: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ()
    profiles: Path | None = None


def leave_record(
    folder: Path,
    running: Running,
    relay: Relay,
    around: Callable[[], Circumstances],
    error: BaseException,
) -> Left:
    """Write the record of the run, and tell the plugins that it is over.

    Nothing that goes wrong here is raised: the error with which the run ended is what counts.

    Args:
        folder: the run's own, beside the database.
        running: the run.
        relay: the plugins that were on.
        around: says what the run ran with.
        error: what ended the run.
    """
    warnings: list[str] = []
    so_far = running.pipeline.so_far
    if so_far.span is None or not (so_far.has_begun or is_the_users(error)):
        return Left(None)  # no model has run: what it was to run with was refused
    file = profiles = None
    # The record first: what a plugin does may be ended with the process.
    try:
        with signals_wait():
            try:
                account = _account(running, _end(running, error), around(), relay.guard.failures)
                file = write_account(folder, account)
            except Exception as problem:  # noqa: BLE001  # must not hide the first one
                warnings.append(f"the record of the run could not be written: {told(problem)}")
            try:
                profiles = _write_profiles(folder, running)
            except Exception as problem:  # noqa: BLE001  # as above
                warnings.append(f"the profiles of the run could not be written: {told(problem)}")
    except KeyboardInterrupt as stop:  # it came meanwhile, and only hastens the end
        warnings.append(f"after the run had ended: {_how(stop)} came before its plugins were told")
        return Left(file, tuple(warnings), profiles=profiles)
    try:
        if so_far.sections is None:  # else it ended after them, such as while it was published
            summary = running.pipeline.summary_so_far(running.request)
            _tell_plugins(evolve(summary, years=running.finished), relay, so_far)
    except Exception as problem:  # noqa: BLE001  # as above
        warnings.append(f"after the run had ended: {told(problem)}")
    except KeyboardInterrupt as stop:  # the only way out of a plugin that hangs
        warnings.append(
            f"after the run had ended: {_how(stop)} stopped a plugin that was told of it"
        )
    metrics = tuple(metric for section in so_far.sections or () for metric in section.metrics)
    return Left(file, tuple(warnings), metrics, profiles)


def forget_record(folder: Path) -> None:
    """Remove what a run left that did not finish, since another one takes its place.

    Args:
        folder: the run's own, beside the database; it may be missing.
    """
    for file in (folder / UNFINISHED_NAME, *folder.glob(f".{UNFINISHED_NAME}.*")):
        with suppress(OSError):  # a folder of that name, say: the record is found to be wrong then
            file.unlink(missing_ok=True)
    shutil.rmtree(folder / UNFINISHED_FOLDER, ignore_errors=True)


def told(error: BaseException) -> str:
    """An error in one line."""
    if isinstance(error, SystemExit | BrokenPipeError):  # rich makes the first of the second
        return "whoever read its output has gone"
    text = " ".join(str(error).split())[:_LONGEST]
    if isinstance(error, PlanwiseError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _how(error: BaseException) -> str:
    """By what the user stopped it."""
    return str(getattr(error, "how", "Ctrl-C"))


def _end(running: Running, error: BaseException) -> RunEnd:
    phase = running.pipeline.so_far.under_way
    interrupted = is_the_users(error)
    return RunEnd(
        status="interrupted" if interrupted else "failed",
        finished_years=running.finished,
        run_id=running.progress.manifest.run_id,
        error=_how(error) if interrupted else told(error),
        phase=phase.name if phase else "",
        batch=phase.batches if phase and phase.running else 0,
        models=phase.running if phase else (),
    )


def _write_profiles(folder: Path, running: Running) -> Path | None:
    """Keep the profiles that were taken; gives where."""
    taken = running.pipeline.summary_so_far(running.request).profiles
    return write_profiles(folder, taken, UNFINISHED_FOLDER) if taken else None


def _tell_plugins(summary: RunSummary, relay: Relay, so_far: RunSoFar) -> None:
    """What a plugin gathers it may write now, or give as metrics; its section is in no report."""
    if so_far.span is not None:
        relay.record_metric(so_far.span.metric("run", "run", None))
    so_far.sections = relay.report_sections(summary)


def _account(
    running: Running, end: RunEnd, around: Circumstances, failures: Iterable[PluginFailure]
) -> RunAccount:
    so_far = running.pipeline.so_far
    now = so_far.now()
    phases: list[PhaseRecord | None] = [so_far.foundation, *so_far.ended]
    if so_far.ending is not None and so_far.ending.year in end.finished_years:
        phases.append(so_far.ending)  # committed, and its state was being stored
    broken_off = so_far.broken_off()
    if broken_off is not None:
        phases.append(evolve(broken_off, name=f"{broken_off.name} (not finished)"))
    return RunAccount(
        wall_s=now.wall_s - so_far.began_s,
        parsed_anew_because=(),
        uncached_because="",
        phases=tuple(phase_account(each) for each in phases if each is not None),
        details=RunDetails(
            finished_at=datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="seconds"),
            requested_years=running.request.years,
            resumed_years=running.start.finished,
            cpu_s=now.cpu_s - (so_far.span.start.cpu_s if so_far.span else 0.0),
            parse_s=so_far.parse_s,
            peak_rss_bytes=now.peak_rss_bytes,
            settings=tuple(so_far.settings.values()),
            retunings=so_far.retunings(),
            baseline=so_far.baseline,
            improvement=None,
            circumstances=around,
            plugin_failures=tuple(failures),
        ),
        end=end,
    )
