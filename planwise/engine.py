"""The Python API: the names that scripts written for the reference guide call.

Example:
    ::

        from planwise import create_optimization_engine, create_optimized_multi_year_engine

        engine = create_optimization_engine(pool_size=8, enable_monitoring=True)
        with engine.connection_pool.get_connection() as connection:
            connection.execute("SET threads = 12")
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from planwise.checkpoints.codec import bit_equal, compress, restore
from planwise.errors import CheckpointError, UsageError
from planwise.machine import this_machine
from planwise.plugin_set import build_relay, enabled_plugins
from planwise.plugins import installed_plugins
from planwise.ports import Observer
from planwise.results import PhaseRecord
from planwise.run_files import RunFiles
from planwise.settings import fixed_settings
from planwise.simulation import Simulation
from planwise.simulation_options import SimulationOptions
from planwise.values import CompressedState, StateTable, TuneRequest
from planwise.warehouse.database import Warehouse
from planwise.warehouse.lock import database_lock
from planwise.warehouse.opening import connect
from planwise.warehouse.pool import ConnectionPool, check_pool_size

if TYPE_CHECKING:
    from planwise.config import Config

_TOGGLES = ("tuning", "batching", "compression", "monitoring")


@frozen
class CachedState:
    """What came of caching a state.

    Attributes:
        name: what it was cached as.
        codec: the format.
        rows: rows of the table.
        original_size, compressed_size: bytes as Arrow buffers, and as stored.
        compression_ratio: the first over the second.
        compression_time, restore_time: seconds; it was restored once, as verification.
    """

    name: str
    codec: str
    rows: int
    original_size: int
    compressed_size: int
    compression_time: float
    restore_time: float
    _blob: CompressedState = field(repr=False, alias="blob")
    _plugin: str = field(repr=False, alias="plugin")

    @property
    def compression_ratio(self) -> float:
        """How many times smaller; 0 for an empty state."""
        return self.original_size / self.compressed_size if self.compressed_size else 0.0


class OptimizationEngine:
    """A tuned DuckDB with a connection pool and a cache of compressed states.

    Args:
        pool_size: connections at most, 1 to 64.
        database: a DuckDB file, or None for one in memory.
        config: a settled configuration; its defaults by default.
        toggles: plugins switched on or off.

    Attributes:
        connection_pool: lends connections.
    """

    def __init__(
        self,
        *,
        pool_size: int,
        database: Path | None,
        config: Config,
        toggles: Mapping[str, bool],
    ) -> None:
        check_pool_size(pool_size)
        environ = dict(os.environ)
        self._relay = build_relay(
            config, enabled_plugins(config, toggles), flags={}, environ=environ
        )
        self._cache: dict[str, CachedState] = {}
        fixed = fixed_settings(config, environ, memory_limit=None, threads=None)
        settings = {each.name: each.value for each in fixed}
        folder = database.resolve().parent if database else Path.cwd()
        tuned = self._relay.db_tune(
            TuneRequest(this_machine(folder / "planwise.tmp"), pool_size, dict(settings))
        )
        settings.update({each.setting.name: each.setting.value for each in tuned})
        self._warehouse = Warehouse(database or Path(":memory:"), pool_size)
        with ExitStack() as stack:
            if database is not None:
                RunFiles(database.resolve()).check()
                stack.enter_context(database_lock(database))
                if database.exists():
                    connect(database).close()  # refuses what is no DuckDB file
            stack.callback(self._warehouse.close)
            self._warehouse.open(settings)
            self.connection_pool: ConnectionPool = self._warehouse.pool
            self._resources = stack.pop_all()

    def __enter__(self) -> OptimizationEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; safe to call twice."""
        self._resources.close()

    def compress_and_cache_state(self, name: str, state: Any) -> CachedState:
        """Compress a table, verify that it comes back, and keep it under a name.

        Args:
            name: to ask for it later; what was cached under it before is replaced.
            state: a ``pyarrow.Table``, a pandas ``DataFrame``, or whatever else gives Arrow data
                (``__arrow_c_stream__``: polars, a DuckDB relation).

        Returns:
            Sizes in bytes, the ratio, and times in seconds.

        Raises:
            UsageError: the state is no table.
        """
        table = _as_table(state)
        start = time.perf_counter()
        blob, plugin = compress(StateTable(name, -1, table), self._relay)
        middle = time.perf_counter()
        restored = restore(blob, self._relay, written_by=plugin)
        took = time.perf_counter() - middle
        if not restored.schema.equals(table.schema) or not bit_equal(restored, table):
            raise CheckpointError(f"state '{name}': codec '{blob.codec}' does not give it back")
        cached = CachedState(
            name=name,
            codec=blob.codec,
            rows=table.num_rows,
            original_size=blob.raw_bytes,
            compressed_size=len(blob.payload),
            compression_time=middle - start,
            restore_time=took,
            blob=blob,
            plugin=plugin,
        )
        self._cache[name] = cached
        return cached

    def restore_cached_state(self, name: str) -> Any:
        """The table that was cached under a name, as a ``pyarrow.Table``.

        Raises:
            CheckpointError: nothing was.
        """
        cached = self._cache.get(name)
        if cached is None:
            known = ", ".join(sorted(self._cache)) or "none"
            raise CheckpointError(f"no state '{name}' is cached; cached: {known}")
        return restore(cached._blob, self._relay, written_by=cached._plugin)  # noqa: SLF001  # its maker


class MultiYearEngine:
    """A simulation over several years. Made by :func:`create_optimized_multi_year_engine`."""

    def __init__(self, options: SimulationOptions, observer: Observer) -> None:
        self._options = options
        self._observer = observer
        self._simulation: Simulation | None = None

    @contextmanager
    def optimized_simulation_context(self) -> Iterator[MultiYearEngine]:
        """Load the plugins and check the project; the simulation runs inside."""
        self._simulation = Simulation(self._options, self._observer)
        try:
            yield self
        finally:
            self._simulation = None

    def execute_multi_year_simulation_optimized(self) -> dict[str, Any]:
        """Run every year.

        Returns:
            The results, with the keys of the JSON results (docs/results.md).

        Raises:
            PlanwiseError: a step failed; an earlier result stays as it was.
        """
        from planwise.reporting.json_results import results_dict

        simulation = self._simulation or Simulation(self._options, self._observer)
        return dict(results_dict(simulation.run()))


class QuietObserver:
    """Watches a run and says nothing."""

    def phase_started(self, name: str, year: int | None, models: int) -> None:
        """Nothing to show."""

    def models_finished(self, count: int) -> None:
        """Nothing to show."""

    def phase_finished(self, record: PhaseRecord) -> None:
        """Nothing to show."""

    def note(self, text: str) -> None:
        """Nothing to show."""


def create_optimization_engine(
    pool_size: int = 4,
    *,
    enable_tuning: bool = True,
    enable_batching: bool = True,
    enable_compression: bool = True,
    enable_monitoring: bool = True,
    toggles: Mapping[str, bool] | None = None,
    database_path: str | Path | None = None,
    config_path: str | Path | None = None,
) -> OptimizationEngine:
    """A tuned DuckDB with a connection pool and compressed states.

    Args:
        pool_size: connections at most, 1 to 64.
        enable_tuning, enable_batching, enable_compression, enable_monitoring: plugins on or off.
        toggles: any other plugin on or off, by name; wins over the four above.
        database_path: a DuckDB file; in memory without one.
        config_path: a configuration file; defaults without one.

    Raises:
        PlanwiseError: an argument or the configuration is wrong, or the database cannot be opened.
    """
    enabled = (enable_tuning, enable_batching, enable_compression, enable_monitoring)
    return OptimizationEngine(
        pool_size=pool_size,
        database=Path(database_path) if database_path else None,
        config=_config(config_path),
        toggles={**_toggles(enabled), **(toggles or {})},
    )


def create_optimized_multi_year_engine(
    dbt_project_path: str | Path = "dbt",
    simulation_years: Sequence[int] | None = None,
    *,
    baseline_metrics: Mapping[str, float] | None = None,
    census_path: str | Path | None = None,
    database_path: str | Path = "output/simulation.duckdb",
    config_path: str | Path | None = None,
    pool_size: int | None = None,
    seed: int | None = None,
    scenarios: Sequence[str] | None = None,
    enable_tuning: bool = True,
    enable_batching: bool = True,
    enable_compression: bool = True,
    enable_monitoring: bool = True,
    toggles: Mapping[str, bool] | None = None,
    observer: Observer | None = None,
) -> MultiYearEngine:
    """A simulation of several years.

    Args:
        dbt_project_path: the dbt project.
        simulation_years: consecutive years; the configuration's by default.
        baseline_metrics: milliseconds to quote improvement against: ``foundation_setup``,
            ``year_processing``, ``total_simulation``. Reported as configured.
        census_path: a census; a synthetic one is generated without it, and the results say so.
        database_path: where the result goes.
        config_path: a configuration file; defaults without one.
        pool_size: models that may run at once.
        seed: of every draw.
        scenarios: names of scenarios to simulate in one pass, as for ``--scenario``: files of the
            folder ``scenarios`` beside the configuration file, or the configuration's own, which
            is simulated alone by default.
        enable_tuning, enable_batching, enable_compression, enable_monitoring: plugins on or off.
        toggles: any other plugin on or off, by name; wins over the four above.
        observer: told of each phase as it ends; nobody by default.

    Raises:
        PlanwiseError: an argument or the configuration is wrong.
    """
    from planwise.config import load_scenarios

    if isinstance(scenarios, str):
        raise UsageError(f"scenarios: expected a list of names, got the text '{scenarios}'")
    base = _config(config_path)
    config, *settled = (
        each.with_overrides(
            years=simulation_years,
            seed=seed,
            census_file=Path(census_path) if census_path else None,
            pool_size=pool_size,
            baseline_metrics=baseline_metrics,
            origin="argument",
        )
        for each in (base, *load_scenarios(base, scenarios or ()))
    )
    enabled = (enable_tuning, enable_batching, enable_compression, enable_monitoring)
    options = SimulationOptions(
        config=config,
        dbt_project=Path(dbt_project_path),
        database=Path(database_path),
        toggles={**_toggles(enabled), **(toggles or {})},
        scenarios=tuple(settled),
    )
    return MultiYearEngine(options, observer or QuietObserver())


def _config(path: str | Path | None) -> Config:
    from planwise.config import load_config

    return load_config(Path(path) if path else None)


def _toggles(enabled: Sequence[bool]) -> dict[str, bool]:
    """Toggles of the built-in plugins; one that is uninstalled counts as off."""
    installed = installed_plugins()
    return {n: on for n, on in zip(_TOGGLES, enabled, strict=True) if n in installed}


def _as_table(state: Any) -> Any:
    import pyarrow as pa

    if isinstance(state, pa.Table):
        return state
    if hasattr(state, "__arrow_c_stream__"):
        return pa.table(state)
    if hasattr(state, "to_arrow_table"):
        return state.to_arrow_table()
    raise UsageError(
        f"state: expected a table (pyarrow, pandas, polars, DuckDB), got {type(state).__name__}"
    )


__all__ = [
    "CachedState",
    "MultiYearEngine",
    "OptimizationEngine",
    "create_optimization_engine",
    "create_optimized_multi_year_engine",
]
