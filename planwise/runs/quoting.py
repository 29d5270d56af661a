"""The measured baseline that a run quotes, if one is stored for what it simulates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import evolve

from planwise.baselines import UnusableBaselineError, baseline_folder, find_baseline, subject_of
from planwise.errors import ConfigError
from planwise.run_request import RunRequest
from planwise.values import Baseline

if TYPE_CHECKING:
    from planwise.ports import Observer
    from planwise.project.spec import ProjectSpec
    from planwise.runs.starting import Start
    from planwise.simulation_options import SimulationOptions


def quoting(
    request: RunRequest,
    files: Mapping[str, str],
    options: SimulationOptions,
    start: Start,
    observer: Observer,
) -> RunRequest:
    """A request that quotes the stored baseline of this machine, project and number of people.

    A configured baseline goes before it. None is quoted in a database of the user's own, where
    earlier years are not simulated again, or where the project gets other vars or steps than it
    says itself: a benchmark measures it as it is.

    Args:
        request: what to run.
        files: SHA-256 of each file of the project, by its path in it.
        options: what decides the simulation.
        start: where the run starts.
        observer: told of a stored baseline that cannot be used; the run goes on without.
    """
    if options.in_place or start.foundation or start.finished or not _as_it_is(options.spec):
        return request

    def measured(people: int) -> Baseline | None:
        subject = subject_of(files, people, len(options.configs))
        try:
            found = find_baseline(subject, baseline_folder(options.environ))
        except UnusableBaselineError as error:
            observer.note(f"warning: {error}")
            return None
        return None if found is None else found.quoted(len(request.years))

    return evolve(request, measured=measured)


def _as_it_is(spec: ProjectSpec) -> bool:
    """Whether a project is run as its own files say; they are part of what a baseline is of."""
    from planwise.config.project_file import read_project_file

    try:
        own = read_project_file(spec.directory)
    except ConfigError:
        return False  # it was handed in from Python, and nobody has read the file
    parts = ("step_variable", "variables", "foundation", "year")
    return all(getattr(spec, each) == getattr(own, each) for each in parts)
