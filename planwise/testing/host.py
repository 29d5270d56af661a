"""The kernel's side of the hooks, for a test: plugins as a run has them, and runs with them."""

from __future__ import annotations

import copy
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, field, frozen

from planwise.engine import QuietObserver
from planwise.errors import ProjectError, UsageError
from planwise.option_names import option_key
from planwise.plugin_set import build_relay, enabled_plugins
from planwise.plugins import LoadedPlugin, installed_plugins, unknown_plugin_message
from planwise.project.bundled import bundled_project
from planwise.relay import Relay
from planwise.simulation import Simulation
from planwise.simulation_options import SimulationOptions
from planwise.values import (
    BatchPlan,
    BatchRequest,
    BatchResult,
    CompressedState,
    Metric,
    PlanRequest,
    PluginOption,
    ReportSection,
    RunSummary,
    Setting,
    SettingValue,
    StateTable,
    TuneRequest,
)
from planwise.warehouse.digests import database_digests
from planwise.warehouse.opening import reading

if TYPE_CHECKING:
    from planwise.config import Config

YEARS: Final = (2025, 2026)
_SEED: Final = 42
_DECIDES_A_RUN: Final = ("DUCKDB_", "DBT_", "PLANWISE_")
Options = Mapping[str, SettingValue]


@frozen(eq=False)
class Place:
    """Where hosts simulate, and what their runs share: censuses, and what dbt rendered.

    Attributes:
        folder: an empty folder; every run makes one of its own in it.
    """

    folder: Path
    _numbers: Iterator[int] = field(factory=itertools.count, init=False, repr=False)

    @property
    def cache(self) -> Path:
        """What one run parsed and rendered serves the others, as it does between a user's runs."""
        return self.folder / "cache"

    def new_folder(self) -> Path:
        """A folder for one run."""
        folder = self.folder / f"run{next(self._numbers)}"
        folder.mkdir()
        return folder

    def census(self, employees: int) -> Path:
        """A synthetic census of so many people, made once."""
        from datetime import date

        from planwise.census.generation import generate_census

        file = self.folder / f"census{employees}.csv"
        if not file.exists():
            generate_census(employees, _SEED, file, date(YEARS[0] - 1, 12, 31))
        return file


@frozen
class HostRun:
    """A finished simulation.

    Attributes:
        digests: the digest of each table of the result, by ``schema.table``: equal ones hold the
            same rows, in whatever order.
        results: what ``--output`` writes, described in ``docs/results.md``.
        database: the DuckDB file.
    """

    digests: Mapping[str, str]
    results: Mapping[str, Any] = field(repr=False)
    database: Path


class Host:
    """Some plugins, loaded, checked and configured as in a run; made by ``planwise_host``.

    Each hook is a method of its name, which asks the plugins as the kernel does, checks the answer,
    and raises a ``PlanwiseError`` that names plugin and hook.

    Attributes:
        plugins: the loaded plugins, in the order of their names.
        toggles: every installed plugin, on or off.
        relay: what the kernel asks.
    """

    def __init__(self, place: Place, config: Config, toggles: Mapping[str, bool]) -> None:
        self._place = place
        self._config = config
        self.toggles = enabled_plugins(config, toggles)
        self.relay: Relay = build_relay(
            config, self.toggles, flags={}, environ=_clean_environment()
        )

    def again(self) -> Host:
        """A host of the same plugins with new objects of them, as the next run has."""
        other = copy.copy(self)
        other.relay = build_relay(
            self._config, self.toggles, flags={}, environ=_clean_environment()
        )
        return other

    @property
    def plugins(self) -> tuple[LoadedPlugin, ...]:
        """The loaded plugins, in the order of their names."""
        return self.relay.plugins

    def add_options(self) -> dict[str, tuple[PluginOption, ...]]:
        """The options that each plugin declares, by its name."""
        return self.relay.add_options()

    def configure(self, options: Mapping[str, Mapping[str, SettingValue | None]]) -> None:
        """Configure the plugins once more, by name. A host has configured them already."""
        self.relay.configure(options)

    def db_tune(self, request: TuneRequest) -> tuple[Setting, ...]:
        """The settings that the tuners agree on, in name order, without those that are fixed."""
        return tuple(each.setting for each in self.relay.db_tune(request))

    def plan_batches(self, request: PlanRequest) -> BatchPlan:
        """The plan, proved to cover the nodes, to respect dependencies and to fit the pool."""
        return self.relay.plan_batches(request)

    def execute_batch(self, request: BatchRequest) -> BatchResult | None:
        """One result for each node, or None where the batch is left to dbt."""
        return self.relay.execute_batch(request)

    def compress_state(self, state: StateTable) -> CompressedState:
        """The bytes of a table.

        Raises:
            UsageError: no plugin of this host compresses states.
        """
        answer = self.relay.compress_state(state)
        if answer is None:
            raise UsageError("no plugin of this host has the hook 'compress_state'")
        return answer[0]

    def restore_state(self, state: CompressedState, limit_bytes: int) -> Any:
        """The table of these bytes, a ``pyarrow.Table``.

        Raises:
            CheckpointError: they are damaged, or no plugin of this host knows the codec.
        """
        return self.relay.restore_state(state, limit_bytes, written_by="a host for tests")

    def record_metric(self, metric: Metric) -> None:
        """Tell the plugins of a boundary that was passed."""
        self.relay.record_metric(metric)

    def report_section(self, summary: RunSummary) -> tuple[ReportSection, ...]:
        """What the plugins say about a run, in the order of their names."""
        return self.relay.report_sections(summary)

    def simulate(
        self,
        years: Sequence[int] = YEARS,
        project: Path | None = None,
        employees: int = 300,
    ) -> HostRun:
        """Simulate with the plugins of this host switched on, in this process.

        The plugins are loaded anew, as in every run: objects of this host see nothing of it.

        Args:
            years: consecutive years.
            project: the folder of a dbt project; planwise's own simulation without one.
            employees: how many people it has; a project that reads no census has none.

        Raises:
            PlanwiseError: the run failed, and nothing was published.
        """
        from planwise.reporting.json_results import results_text

        folder = self._place.new_folder()
        own = bundled_project()
        if project is None and own is None:
            raise ProjectError("planwise's own project is not installed; give a project")
        config = self._config.with_overrides(
            years=years,
            census_file=self._place.census(employees) if project is None else None,
            origin="simulate()",
        )
        options = SimulationOptions(
            config=config,
            dbt_project=project or own or folder,
            database=folder / "simulation.duckdb",
            toggles=self.toggles,
            environ=_clean_environment(),
            cache=self._place.cache,
        )
        outcome = Simulation(options, QuietObserver()).run()
        with reading(outcome.files.database) as connection:
            digests = database_digests(connection)
        return HostRun(
            {name: each.digest for name, each in digests.items()},
            json.loads(results_text(outcome)),
            outcome.files.database,
        )


def make_host(
    place: Place,
    *names: str,
    options: Mapping[str, SettingValue | Options] | None = None,
    only: bool = True,
) -> Host:
    """A host with the installed plugins of some names.

    Args:
        place: where its runs go; the fixture ``planwise_host`` gives it.
        names: entry-point names of installed plugins. Without any: the kernel alone.
        options: options of the plugin, by name, as a configuration file has them; of several
            plugins by the plugin's name first: ``{"compression": {"codec": "zstd"}}``.
        only: whether all other plugins are off; if not, they are as in a run without any flag.

    Raises:
        UsageError: a plugin is not installed, or an option is wrong.
        PluginError: a plugin cannot be loaded, or misbehaves when it is configured.
    """
    from planwise.config import load_config
    from planwise.config.maps import PluginSettings

    installed = installed_plugins()
    for name in names:
        if name not in installed:
            raise UsageError(unknown_plugin_message(name, installed))
    by_plugin = _options_by_plugin(names, options or {})
    settings = {
        name: PluginSettings(options={key: _as_in_a_file(value) for key, value in given.items()})
        for name, given in by_plugin.items()
    }
    keys = [option_key(name, key) for name, given in by_plugin.items() for key in given]
    config = evolve(load_config(None), plugins=settings, sources={key: key for key in keys})
    toggles = dict.fromkeys(installed, False) if only else {}
    return Host(place, config, toggles | dict.fromkeys(names, True))


def _options_by_plugin(
    names: Sequence[str], options: Mapping[str, SettingValue | Options]
) -> dict[str, Options]:
    flat = {name: value for name, value in options.items() if not isinstance(value, Mapping)}
    nested = {name: value for name, value in options.items() if isinstance(value, Mapping)}
    if not flat:
        return nested
    if len(names) != 1 or nested:
        raise UsageError("options of several plugins: expected {'PLUGIN': {'OPTION': value}}")
    return {names[0]: flat}


def _as_in_a_file(value: SettingValue) -> int | Decimal | str:
    """A value as the configuration's reader gives it, which keeps every digit."""
    return Decimal(repr(value)) if isinstance(value, float) else value


def _clean_environment() -> dict[str, str]:
    """The environment without what would change a run: a developer's shell decides no test."""
    return {k: v for k, v in os.environ.items() if not k.startswith(_DECIDES_A_RUN)}
