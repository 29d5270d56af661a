"""What decides a simulation, and what comes of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from attrs import field, frozen

from planwise.containment import Guard
from planwise.project.spec import ProjectSpec
from planwise.values import SettingValue

if TYPE_CHECKING:
    from planwise.config import Config
    from planwise.inputs import InputsSummary
    from planwise.results import RunResult
    from planwise.run_files import RunFiles
    from planwise.runs.branching import Branch

Resume = Literal["no", "yes", "force"]

DEFAULT_DATABASE: Final = Path("output/simulation.duckdb")


@frozen
class SimulationOptions:
    """Everything that decides a run.

    Attributes:
        config: the configuration, with what the command line says already merged in.
        scenarios: likewise one configuration for each scenario; empty for ``config`` alone.
        dbt_project: folder of the dbt project.
        database: the file that will hold the result.
        toggles: plugins switched on or off on the command line.
        plugin_flags: options of plugins from the command line, by plugin and option.
        memory_limit, threads: DuckDB settings from the command line.
        environ: the process's environment.
        cache: where graphs and rendered SQL are kept between runs; None keeps none.
        project: how the project is stepped through the years; None for what holds for every one.
        tests: whether dbt's tests are run after the foundation and after each year.
        record: a folder for a recording of every statement that planwise sends, or None.
        years_given: whether somebody asked for these years, or they are a default; then a project
            that does not read them runs once.
        resume: whether an interrupted run is gone on with; ``force``: even if it was made from
            something else.
        branch: the year of another run after which this one starts.
        checkpoints: whether the state of each year is stored.
        checkpoint_limit: bytes that the stored states may take, or None.
        profile: whether DuckDB profiles what is executed, and the slowest profiles are kept.
        guard: how plugins are called; None: as the configuration says.
    """

    config: Config
    dbt_project: Path
    database: Path = DEFAULT_DATABASE
    toggles: Mapping[str, bool] = field(factory=dict)
    plugin_flags: Mapping[str, Mapping[str, SettingValue]] = field(factory=dict)
    memory_limit: str | None = None
    threads: int | None = None
    environ: Mapping[str, str] = field(factory=lambda: dict(os.environ))
    scenarios: tuple[Config, ...] = ()
    cache: Path | None = None
    project: ProjectSpec | None = None
    tests: bool = False
    record: Path | None = None
    years_given: bool = True
    resume: Resume = "no"
    branch: Branch | None = None
    checkpoints: bool = True
    checkpoint_limit: int | None = None
    profile: bool = False
    guard: Guard | None = None

    @property
    def spec(self) -> ProjectSpec:
        """The project, and how it is stepped through the years."""
        return self.project or ProjectSpec(self.dbt_project)

    @property
    def in_place(self) -> bool:
        """Whether the run is in the database of a profile of the user's own."""
        return self.spec.profiles is not None

    @property
    def configs(self) -> tuple[Config, ...]:
        """The configuration of each scenario."""
        return self.scenarios or (self.config,)


@frozen
class SimulationOutcome:
    """A finished simulation.

    Attributes:
        result: times, models, checkpoints, settings.
        inputs: what was loaded, or None for a project that reads no inputs.
        headcount: one mapping per scenario, replicate and year, from ``fct_headcount``; empty for
            a project without that table.
        plan_cost: likewise, from ``fct_plan_cost``.
        toggles: every installed plugin, on or off.
        files: where the result is.
    """

    result: RunResult
    inputs: InputsSummary | None
    headcount: tuple[Mapping[str, Any], ...]
    plan_cost: tuple[Mapping[str, Any], ...]
    toggles: Mapping[str, bool]
    files: RunFiles
