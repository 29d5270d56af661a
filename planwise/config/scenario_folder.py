"""The folder of the scenario files: which scenarios there are, and which names are none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from planwise.config.text import nearest, quoted, shown_path
from planwise.config.words import NAME, Name
from planwise.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from planwise.config.load import Config

DEFAULT_FOLDER: Final = Path("config/scenarios")
"""Where scenario files are when there is no configuration file."""

SUFFIX: Final = ".yaml"


def scenario_folder(config: Config) -> Path:
    """The folder of the scenario files that belong to a configuration."""
    return DEFAULT_FOLDER if config.path is None else config.path.parent / "scenarios"


def scenario_names(config: Config) -> tuple[str, ...]:
    """The scenarios that may be asked for, whether or not their files are right.

    Args:
        config: the configuration.

    Returns:
        The configuration's own scenario, then those of its scenario files in order.

    Raises:
        ConfigError: the folder cannot be read.
    """
    base = config.simulation.scenario
    found = {
        name.removesuffix(SUFFIX)
        for name in _listed(scenario_folder(config))
        if name.endswith(SUFFIX) and NAME.fullmatch(name.removesuffix(SUFFIX))
    }
    return (base, *sorted(found - {base}))


def stray_files(config: Config) -> tuple[str, ...]:
    """What lies among the scenario files and is none, each as a problem with its mend.

    Raises:
        ConfigError: the folder cannot be read.
    """
    folder = scenario_folder(config)
    problems = []
    for name in sorted(_listed(folder)):
        stem, dot, extension = name.rpartition(".")
        place = shown_path(folder / name)
        if name.startswith(".") or extension.lower() not in {"yaml", "yml"} or not dot:
            continue
        if f".{extension}" != SUFFIX:
            problems.append(f"{place}: expected the extension {SUFFIX}, so it is no scenario")
        elif not NAME.fullmatch(stem):
            problems.append(f"{place}: expected a file named after its scenario: {_rule()}")
        elif stem == config.simulation.scenario:
            problems.append(_named_as_base(config))
    return tuple(problems)


def scenario_file(config: Config, name: str) -> Path:
    """The file of a scenario.

    Args:
        config: the configuration.
        name: any text; not the configuration's own scenario.

    Raises:
        UsageError: it is no name, or unknown.
        ConfigError: the file has another extension, or is a link out of the folder.
    """
    folder = scenario_folder(config)
    where = shown_path(folder)
    file = folder / f"{name}{SUFFIX}"
    if not NAME.fullmatch(name):
        stem = Path(name).stem
        hint = f"; did you mean {stem}?" if stem in scenario_names(config) else ""
        raise UsageError(
            f"scenario {quoted(name[:80])}: expected a name {_rule()}; it is that of a "
            f"file in {where} without {SUFFIX}, and not a path{hint}"
        )
    if not os.path.lexists(file):
        if (folder / f"{name}.yml").exists():
            place = shown_path(folder / f"{name}.yml")
            raise ConfigError([f"{place}: expected the extension {SUFFIX}; rename the file"])
        if (folder / name).is_dir():
            raise ConfigError(
                [f"{shown_path(folder / name)}: is a folder; expected {name}{SUFFIX}"]
            )
        known = scenario_names(config)
        near = nearest(name, known)
        mend = f"did you mean {near}?" if near else f"known: {', '.join(known)}"
        raise UsageError(f"there is no scenario {name}: no file {shown_path(file)}; {mend}")
    try:
        inside = file.resolve(strict=True).is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        raise ConfigError([f"{shown_path(file)}: is a link that leads nowhere"]) from None
    if not inside:
        raise ConfigError(
            [f"{shown_path(file)}: is a link out of {where}; a scenario file is in its folder"]
        )
    return file


def refuse_file_of_base(config: Config) -> None:
    """Refuse a scenario file that is named as the configuration's own scenario.

    Raises:
        ConfigError: there is one.
    """
    if os.path.lexists(scenario_folder(config) / f"{config.simulation.scenario}{SUFFIX}"):
        raise ConfigError([_named_as_base(config)])


def _listed(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        text = f"{shown_path(folder)}: cannot be read: {error.strerror}"
        raise ConfigError([f"{text}; expected a folder of scenario files"]) from None


def _named_as_base(config: Config) -> str:
    name = config.simulation.scenario
    file = scenario_folder(config) / f"{name}{SUFFIX}"
    base = "the defaults" if config.path is None else shown_path(config.path)
    return (
        f"{shown_path(file)}: has the name of the base scenario, which is {base} itself; "
        "rename the file, or set simulation.scenario there"
    )


def _rule() -> str:
    return Name().bounds
