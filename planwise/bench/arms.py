"""The arms: ways to run one simulation, from a process for each model to the bare statements."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from planwise.bench.job import (
    FOUNDATION,
    WHOLE,
    Job,
    Place,
    Step,
    database_of,
    dbt_step,
    inputs_step,
    profiles_of,
    results_of,
    simulate_step,
)
from planwise.errors import UsageError

PER_MODEL: Final = "per-model"
PER_YEAR: Final = "per-year"
IN_PROCESS: Final = "in-process"
COLD: Final = "planwise-cold"
WARM: Final = "planwise-warm"
FLOOR: Final = "floor"
DBT_PARSE: Final = "dbt-parse"

_HERE: Final = Path(__file__).resolve().parent
_ALL_ON: Final = "--enable-all-optimizations"


def _no_steps(_job: Job, _place: Place) -> list[Step]:
    return []


def _no_refusal(_place: Place) -> None:
    return None


@frozen
class Arm:
    """One way to run the simulation.

    Attributes:
        name: what it is called in the table.
        steps: its processes, in order.
        prepare: processes that run once, before anything, and are not counted.
        refusal: why it cannot run, known once it has been prepared; None if it can.
        gives_tables: whether it leaves a database that can be compared.
        flags: of ``planwise simulate``, beyond what all arms have, if it is that.
        keeps: whether it keeps what ``planwise simulate`` finds again, and begins with what the
            reference keeps.
    """

    name: str
    steps: Callable[[Job, Place], list[Step]]
    prepare: Callable[[Job, Place], list[Step]] = _no_steps
    refusal: Callable[[Place], str | None] = _no_refusal
    gives_tables: bool = True
    flags: tuple[str, ...] | None = None
    keeps: bool = False


def chosen(wanted: Sequence[str] | None) -> list[Arm]:
    """The arms that were asked for, each once, in the order of :data:`ARMS`.

    Args:
        wanted: names of arms; None for every one.

    Raises:
        UsageError: there is no such arm.
    """
    for name in wanted or ():
        if name not in ARMS:
            raise UsageError(f"--arms: no arm '{name}'; there are: {', '.join(ARMS)}")
    return [arm for arm in ARMS.values() if not wanted or arm.name in wanted]


def per_year_steps(job: Job, place: Place) -> list[Step]:
    """Plain dbt: what is built once is built once, then a process for each year."""
    first = job.years[0]
    threads = ("--threads", str(job.pool_size))
    found = [
        inputs_step(job, place.folder),
        dbt_step(FOUNDATION, job, place, first, "seed", *threads),
        dbt_step(FOUNDATION, job, place, first, "run", "--select", "+tag:foundation", *threads),
    ]
    for year in job.years:
        words = ["run", "--exclude", "+tag:foundation", *threads]
        if year == first:
            words.append("--full-refresh")
        found.append(dbt_step(str(year), job, place, year, *words))
    return found


def _nodes_file(place: Place) -> Path:
    return place.kept / "nodes.json"


def prepare_dbt(job: Job, place: Place) -> list[Step]:
    """Finds the project's nodes and their order, and writes a profile if the project has none."""
    words = {
        "project": str(job.dbt_project),
        "database": str(database_of(place.folder)),
        "work": str(place.kept / "parsed"),
        "profiles": str(profiles_of(job, place.kept)),
        "years": list(job.years),
        "output": str(_nodes_file(place)),
    }
    command = (sys.executable, "-m", "planwise.bench.nodes", json.dumps(words))
    return [Step(WHOLE, command, {})]


def _per_model_steps(job: Job, place: Place) -> list[Step]:
    """A process for each seed, and for each model and year; dbt is given one node to run."""
    nodes = json.loads(_nodes_file(place).read_text(encoding="utf-8"))
    first = job.years[0]
    found = [inputs_step(job, place.folder)]
    found += [_one_node(FOUNDATION, job, place, first, node) for node in nodes["foundation"]]
    for year in job.years:
        for node in nodes["years"][str(year)]:
            refresh = ("--full-refresh",) if year == first and node["kind"] == "model" else ()
            found.append(_one_node(str(year), job, place, year, node, *refresh))
    return found


def _one_node(phase: str, job: Job, place: Place, year: int, node: Any, *more: str) -> Step:
    command = {"model": "run", "seed": "seed", "snapshot": "snapshot"}[node["kind"]]
    return dbt_step(phase, job, place, year, command, "--select", node["selector"], *more)


def _in_process_steps(job: Job, place: Place) -> list[Step]:
    words = {
        "project": str(job.dbt_project),
        "profiles": str(profiles_of(job, place.kept)),
        "folder": str(place.folder),
        "database": str(database_of(place.folder)),
        "results": str(results_of(place.folder)),
        "years": list(job.years),
        "threads": job.pool_size,
        "census": str(job.census),
        "census_date": job.census_date,
        "config": str(job.config) if job.config else None,
        "scenarios": list(job.scenarios),
    }
    command = (sys.executable, "-m", "planwise.bench.in_process", json.dumps(words))
    environment = {"PLANWISE_DATABASE": str(database_of(place.folder))}
    return [Step(WHOLE, command, environment)]


def _cold_steps(job: Job, place: Place) -> list[Step]:
    return [simulate_step(job, place.folder, place.folder / "caches", _ALL_ON)]


def _warm_steps(job: Job, place: Place) -> list[Step]:
    return [simulate_step(job, place.folder, place.kept / "caches", _ALL_ON)]


def _recording(place: Place) -> Path:
    return place.kept / "recording"


def _record(job: Job, place: Place) -> list[Step]:
    """Two runs, the second with the caches of the first: what is recorded is a warm run."""
    caches = place.kept / "caches"
    record = ("--record-statements", str(_recording(place)))
    warm = simulate_step(job, place.kept, caches, _ALL_ON)
    recorded = simulate_step(job, place.kept, caches, _ALL_ON, *record)
    return [warm, recorded] if job.caches else [recorded]


def _no_floor(place: Place) -> str | None:
    header = json.loads((_recording(place) / "recording.json").read_text(encoding="utf-8"))
    if header["dbt_nodes"]:
        return (
            f"dbt executed {header['dbt_nodes']} of {header['nodes']} nodes over a connection of "
            "its own, so that there is no record of all statements to replay"
        )
    if header["unrecorded"]:
        return f"the record lacks what was done by {', '.join(header['unrecorded'])}"
    return None


def _floor_steps(_job: Job, place: Place) -> list[Step]:
    # Isolated: the script's own folder and the caller's variables do not matter to it.
    script = (sys.executable, "-I", str(_HERE / "floor.py"))
    command = (*script, str(_recording(place)), str(database_of(place.folder)))
    return [Step(WHOLE, command, {})]


def _parse_steps(job: Job, place: Place) -> list[Step]:
    # The first run, which is not counted, leaves the parse cache for the others.
    kept = Place(place.kept, place.kept)
    parse = dbt_step(WHOLE, job, kept, job.years[0], "parse")
    return [parse]


ARMS: Final = {
    arm.name: arm
    for arm in (
        Arm(PER_MODEL, _per_model_steps, prepare_dbt),
        Arm(PER_YEAR, per_year_steps, prepare_dbt),
        Arm(IN_PROCESS, _in_process_steps, prepare_dbt),
        Arm(COLD, _cold_steps),
        Arm(WARM, _warm_steps),
        Arm(FLOOR, _floor_steps, _record, _no_floor),
        Arm(DBT_PARSE, _parse_steps, prepare_dbt, gives_tables=False),
    )
}
"""Every arm, the slowest first."""
