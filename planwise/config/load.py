"""Reading a configuration file into typed, frozen values that know where they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import attrs
from pydantic import ValidationError

from planwise.config.maps import PluginSettings
from planwise.config.plan import Plan
from planwise.config.problems import located, schema_problems
from planwise.config.schema import (
    Census,
    Compensation,
    ConfigFile,
    Environment,
    Performance,
    Simulation,
    Workforce,
)
from planwise.config.text import dotted, shown_path
from planwise.config.yaml_safe import YamlDocument, problem_texts, read_yaml
from planwise.errors import ConfigError, UsageError

DEFAULT_ORIGIN = "default"
"""The origin of a value that nobody gave."""


@attrs.frozen
class Config:
    """Every setting of a run.

    Attributes:
        simulation: years, seed and name of the scenario.
        census: the file or the synthetic census, and how to read it.
        workforce: parameters and tables; None is the default of the dbt project's seeds.
        compensation: likewise.
        plan: the retirement plan, likewise.
        plugins: toggles and options by plugin; not checked against the plugins.
        performance: pool size and baseline.
        environment: DuckDB's and dbt's settings.
        path: the file that was read, or None for the defaults.
        sources: the origin of each key that was given, by dotted key.
        description: what a scenario file says of itself.
        scenario_file: the scenario file that was read on top of ``path``, if one was.
        document: what was read, for the lines in later errors.
    """

    simulation: Simulation = attrs.field(factory=Simulation)
    census: Census = attrs.field(factory=Census)
    workforce: Workforce = attrs.field(factory=Workforce)
    compensation: Compensation = attrs.field(factory=Compensation)
    plan: Plan = attrs.field(factory=Plan)
    plugins: Mapping[str, PluginSettings] = attrs.field(factory=dict)
    performance: Performance = attrs.field(factory=Performance)
    environment: Environment = attrs.field(factory=Environment)
    path: Path | None = None
    sources: Mapping[str, str] = attrs.field(factory=dict)
    description: str | None = None
    scenario_file: Path | None = None
    document: YamlDocument | None = attrs.field(default=None, eq=False, repr=False)

    @property
    def years(self) -> range:
        """The simulation years in order."""
        return range(self.simulation.start_year, self.simulation.end_year + 1)

    @property
    def draws(self) -> str:
        """The name whose draws the scenario uses."""
        return self.simulation.draws or self.simulation.scenario

    def problem(self, path: tuple[str | int, ...], text: str) -> str:
        """What is wrong with a key: ``FILE:LINE: key a.b.c: text``; without a file no place."""
        if self.document is None:
            return f"key {dotted(path)}: {text}"
        return located(path, text, self.document)

    @property
    def years_given(self) -> bool:
        """Whether a file or the command line says which years; else they are defaults."""
        keys = ("simulation.start_year", "simulation.end_year")
        return any(self.source(key) != DEFAULT_ORIGIN for key in keys)

    def source(self, key: str) -> str:
        """Where a value came from: ``config/a.yaml: workforce.growth_rate``, or ``default``."""
        return self.sources.get(key, DEFAULT_ORIGIN)

    def with_overrides(
        self,
        *,
        years: Sequence[int] | None = None,
        seed: int | None = None,
        scenario: str | None = None,
        census_file: Path | None = None,
        census_date: date | None = None,
        pool_size: int | None = None,
        baseline_metrics: Mapping[str, float] | None = None,
        origin: str = "command line",
    ) -> Config:
        """A copy in which values from elsewhere take the place of the file's.

        Args:
            years: consecutive years, ascending.
            seed: the seed of every draw.
            scenario: the name of the scenario.
            census_file: a census; relative to the current directory, unlike in the file.
            census_date: the day that it describes.
            pool_size: connections in the pool.
            baseline_metrics: milliseconds, as in the file.
            origin: what :meth:`source` says of these values.

        Raises:
            UsageError: a value that the file could not hold either, or years with gaps.
        """
        if years is not None and (
            not years or list(years) != list(range(years[0], years[0] + len(years)))
        ):
            listed = " ".join(str(year) for year in years) or "none"
            raise UsageError(f"years: expected consecutive years, ascending, got {listed}")
        given: dict[str, dict[str, object]] = {
            "simulation": {
                "start_year": years[0] if years else None,
                "end_year": years[-1] if years else None,
                "seed": seed,
                "scenario": scenario,
            },
            "census": {"file": census_file, "date": census_date},
            "performance": {"pool_size": pool_size, "baseline_metrics": baseline_metrics},
        }
        sections: dict[str, Any] = {}
        problems: list[str] = []
        sources = dict(self.sources)
        for section, overrides in given.items():
            values = {key: value for key, value in overrides.items() if value is not None}
            if not values:
                continue
            old = getattr(self, section)
            try:
                # Only what was given: None of a key that was left out is no value to check.
                kept = {key: getattr(old, key) for key in old.model_fields_set}
                sections[section] = type(old).model_validate({**kept, **values})
            except ValidationError as error:
                document = YamlDocument(Path(origin), {}, {})
                problems += [
                    f"{origin}: {text}" for _, text in schema_problems(error, document, type(old))
                ]
            sources.update({f"{section}.{key}": origin for key in values})
        if problems:
            raise UsageError("; ".join(problems))
        return attrs.evolve(self, **sections, sources=sources)


def load_config(path: Path | None) -> Config:
    """Read and check a configuration file.

    Args:
        path: the file, or None for the defaults.

    Returns:
        The settings. A relative ``census.file`` has been joined to the folder of the
        configuration file, so that the file means the same from every working directory.

    Raises:
        ConfigError: everything that is wrong with the file, each problem as
            ``FILE:LINE: key a.b.c: expected …, got …``.
    """
    if path is None:
        return Config()
    document = read_yaml(path)
    problems = list(document.problems)
    try:
        read = ConfigFile.model_validate(document.root)
    except ValidationError as error:
        problems += schema_problems(error, document, ConfigFile)
    if problems:
        raise ConfigError(problem_texts(path, iter(problems)))
    values = {name: getattr(read, name) for name in ConfigFile.model_fields}
    file = read.census.file
    if file is not None:
        values["census"] = read.census.model_copy(update={"file": _resolved(file, path)})
    return Config(**values, path=path, sources=key_sources(document), document=document)


def _resolved(file: Path, config: Path) -> Path:
    """The census file as seen from the working directory."""
    try:
        expanded = file.expanduser()
    except RuntimeError:
        expanded = file  # no such user: the name is then reported as a file that is not there
    return config.parent / expanded


def key_sources(document: YamlDocument) -> dict[str, str]:
    """The origin of every key in a file, by dotted key (rows of tables belong to their table)."""
    return {
        dotted(keys): f"{shown_path(document.path)}: {dotted(keys)}"
        for keys in document.lines
        if not any(isinstance(step, int) for step in keys)
    }
