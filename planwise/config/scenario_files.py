"""Scenario files: what differs from the configuration, one file a scenario.

They are in the folder ``scenarios`` beside the configuration file and are named after their
scenario: ``config/scenarios/rich_match.yaml``. A file holds only what differs. Its keys take the
place of the configuration's one by one, a table as a whole, and the two together are checked like a
configuration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import attrs
from pydantic import Field, ValidationError

from planwise.config.kinds import Whole
from planwise.config.load import Config, key_sources
from planwise.config.plan import Plan
from planwise.config.problems import Problem, key_problem, schema_problems
from planwise.config.scenario_folder import refuse_file_of_base, scenario_file
from planwise.config.schema import Compensation, ConfigFile, Workforce
from planwise.config.section import Section
from planwise.config.text import nearest, shown_key, shown_path
from planwise.config.words import Name, Sentence
from planwise.config.yaml_safe import YamlDocument, problem_texts, read_yaml
from planwise.errors import ConfigError, UsageError

_CHANGED: Final = ("workforce", "compensation", "plan")
_WORDS: Final = {"match_tiers": "match_formula", "core_tiers": "core_formula"}
"""The tables of the plan that belong to a word; steps of vesting belong to the word of a source."""

_YEARS: Final = "the years are those of the configuration for every scenario"
_OF_EVERY_SCENARIO: Final = {
    "start_year": _YEARS,
    "end_year": _YEARS,
    "scenario": "a scenario is named after its file",
}


class Drawn(Section):
    """What a scenario may say of the draws; the years are those of the configuration."""

    seed: Annotated[int | None, Whole(0, 2**63 - 1)] = None
    draws: Annotated[str | None, Name()] = None


class ScenarioFile(Section):
    """A scenario file."""

    description: Annotated[str | None, Sentence()] = Field(
        None, description="What the scenario is, in a sentence or a few."
    )
    simulation: Drawn = Drawn()
    workforce: Workforce = Workforce()
    compensation: Compensation = Compensation()
    plan: Plan = Plan()


def load_scenario(config: Config, name: str) -> Config:
    """One scenario of a configuration.

    Args:
        config: the configuration, which holds for whatever the scenario's file does not say.
        name: the configuration's own scenario, or the name of a scenario file.

    Returns:
        The configuration itself, or a copy with what the scenario's file changes. Sources name the
        file that a value is from. Its draws are by default those of the configuration's scenario,
        so that the two see the same people leave and join.

    Raises:
        UsageError: there is no scenario of that name.
        ConfigError: its file is wrong: every problem with file, line, key and mend.
    """
    if name == config.simulation.scenario:
        refuse_file_of_base(config)
        return config
    file = scenario_file(config, name)
    document = read_yaml(file)
    merged, inherited = _merged(config, document)
    whole = attrs.evolve(document, root=merged, inherited=inherited)
    problems: list[Problem] = [*document.problems, *_other_keys(document)]
    try:
        read = ScenarioFile.model_validate(merged)
    except ValidationError as error:
        problems += schema_problems(error, whole, ScenarioFile)
    if problems:
        raise ConfigError(problem_texts(file, iter(problems)))
    own = read.simulation
    simulation = {
        key: getattr(config.simulation, key) for key in config.simulation.model_fields_set
    }
    simulation |= {"scenario": name, "draws": own.draws or config.draws}
    if own.seed is not None:
        simulation["seed"] = own.seed
    kept = {key: source for key, source in config.sources.items() if _is_kept(key, merged)}
    return attrs.evolve(
        config,
        simulation=type(config.simulation).model_validate(simulation),
        workforce=read.workforce,
        compensation=read.compensation,
        plan=read.plan,
        sources={**kept, **key_sources(document), "simulation.scenario": shown_path(file)},
        description=read.description,
        scenario_file=file,
        document=whole,
    )


def load_scenarios(config: Config, names: Sequence[str]) -> tuple[Config, ...]:
    """Several scenarios, each once; without a name, the configuration's own.

    Raises:
        UsageError: a name is given twice, or there is no scenario of that name.
        ConfigError: files are wrong; the problems of all of them.
    """
    if twice := [name for number, name in enumerate(names) if name in names[:number]]:
        raise UsageError(f"scenario {shown_key(twice[0])} is asked for twice; name each once")
    loaded: list[Config] = []
    problems: list[str] = []
    for name in names or [config.simulation.scenario]:
        try:
            loaded.append(load_scenario(config, name))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return tuple(loaded)


def _merged(
    config: Config, document: YamlDocument
) -> tuple[dict[str, Any], dict[tuple[str | int, ...], str]]:
    """What the scenario file and the configuration say together, and what is from the latter."""
    root = {key: value for key, value in document.root.items() if key in ScenarioFile.model_fields}
    if isinstance(root.get("simulation"), dict):
        root["simulation"] = {
            key: value for key, value in root["simulation"].items() if key not in _OF_EVERY_SCENARIO
        }
    inherited: dict[tuple[str | int, ...], str] = {}
    base = config.document
    for section in _CHANGED if base else ():
        given = {} if root.get(section) is None else root[section]
        below = base.root.get(section) or {} if base else {}
        if base is None or not isinstance(given, dict):
            continue  # no mapping: reported when the whole is checked
        steps = _kept_steps(below, given)
        kept = {
            key: value
            for key, value in below.items()
            if key not in given and not _is_replaced(key, below, given)
        }
        if "vesting_steps" in kept:
            kept["vesting_steps"] = [below["vesting_steps"][number] for number in steps]
        root[section] = {**kept, **given}
        for path, line in base.lines.items():
            if path[0] == section and len(path) > 1 and path[1] in kept:
                if path[1] == "vesting_steps" and len(path) > 2:
                    if path[2] not in steps:
                        continue
                    path = (*path[:2], steps.index(path[2]), *path[3:])  # noqa: PLW2901 - renumbered
                inherited[path] = f"{shown_path(base.path)}:{line}"
    return root, inherited


def _is_replaced(key: str, below: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """Whether an inherited table goes because the scenario changes the word that it belongs to."""
    if key == "vesting_steps":
        return not _kept_steps(below, given)
    word = _WORDS.get(key)
    return word is not None and word in given and given[word] != below.get(word)


def _kept_steps(below: Mapping[str, Any], given: Mapping[str, Any]) -> list[Any]:
    """The numbers of the inherited vesting steps whose source keeps its schedule."""
    return [
        number
        for number, row in enumerate(below.get("vesting_steps") or ())
        if (word := f"{row['money_source']}_vesting") not in given or given[word] == below.get(word)
    ]


def _is_kept(key: str, merged: Mapping[str, Any]) -> bool:
    """Whether a key of the configuration still says something in the scenario."""
    section, _, name = key.partition(".")
    return section != "plan" or not name or name.partition(".")[0] in (merged.get("plan") or {})


def _other_keys(document: YamlDocument) -> list[Problem]:
    """Sections and keys that a scenario file cannot hold."""
    known = ", ".join(ScenarioFile.model_fields)
    found: list[tuple[tuple[str, ...], str]] = []
    for key in document.root:
        if key in ScenarioFile.model_fields:
            continue
        text = f"expected one of {known} in a scenario file, got {shown_key(key)}"
        if key in ConfigFile.model_fields:
            text += "; it is the same for every scenario and stands in the configuration file"
        elif near := nearest(key, ScenarioFile.model_fields):
            text += f"; did you mean {near}?"
        found.append(((key,), text))
    simulation = document.root.get("simulation")
    for key in simulation if isinstance(simulation, dict) else ():
        if key in _OF_EVERY_SCENARIO:
            text = (
                f"expected seed or draws in a scenario file, got {key}; {_OF_EVERY_SCENARIO[key]}"
            )
            found.append((("simulation", key), text))
    return [
        (document.lines.get(path, 1), key_problem(path, text, document)) for path, text in found
    ]
