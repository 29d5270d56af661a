"""What the user fixed, from every place where it can be said: command line, environment, config."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from attrs import frozen

from planwise.errors import UsageError
from planwise.option_names import option_flag, option_key, option_variable
from planwise.results import ChosenSetting
from planwise.values import Baseline, PluginOption, SettingValue

if TYPE_CHECKING:
    from planwise.config import Config

MEMORY_VARIABLE: Final = "DUCKDB_MEMORY_LIMIT"
THREADS_VARIABLE: Final = "DUCKDB_THREADS"
PARSE_VARIABLE: Final = "DBT_PARTIAL_PARSE"
_MEMORY: Final = re.compile(r"\d+(\.\d+)?\s*(%|B|[KMGT]i?B)\Z", re.IGNORECASE | re.ASCII)
_SIZE: Final = re.compile(r"(\d{1,12}(\.\d{1,6})?)\s*(B|[KMGT]i?B)", re.IGNORECASE | re.ASCII)
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})
_TOO_LARGE: Final = 2**63
_EXPECTED: Final[Mapping[type, str]] = {
    str: "text",
    int: "a whole number of less than 2^63",
    float: "a number",
    bool: "true or false",
}


def memory_text(text: str, where: str) -> str:
    """A memory limit as DuckDB takes it.

    Args:
        text: such as ``4GB``, ``512MiB`` or ``80%``.
        where: what to name in the error.

    Raises:
        UsageError: it is something else.
    """
    if not _MEMORY.match(text.strip()) or not re.search(r"[1-9]", text):
        raise UsageError(f"{where}: expected a size like 4GB, 512MiB or 80%, got '{text}'")
    return text.strip()


def size_bytes(text: str, where: str) -> int:
    """A size in bytes.

    Args:
        text: such as ``500MB`` or ``2GiB``.
        where: what to name in the error.

    Raises:
        UsageError: it is something else.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None or not float(found[1]):
        raise UsageError(f"{where}: expected a size like 500MB or 2GiB, got '{text}'")
    unit = found[3].upper()
    base = 1024 if "I" in unit else 1000
    return int(float(found[1]) * base ** " KMGT".index(unit[0] if unit != "B" else " "))


def thread_count(text: str, where: str) -> int:
    """A number of threads.

    Raises:
        UsageError: not a whole number from 1 to 1024.
    """
    if not re.fullmatch(r"\s*[0-9]{1,4}\s*", text) or not 1 <= int(text) <= 1024:
        raise UsageError(f"{where}: expected a whole number from 1 to 1024, got '{text}'")
    return int(text)


def fixed_settings(
    config: Config, environ: Mapping[str, str], *, memory_limit: str | None, threads: int | None
) -> tuple[ChosenSetting, ...]:
    """DuckDB settings that the user chose: command line over environment over config.

    Args:
        config: the configuration; its section ``environment``.
        environ: the process's environment.
        memory_limit, threads: from the command line, or None.

    Raises:
        UsageError: a value that DuckDB could not take.
    """
    chosen: list[ChosenSetting] = []
    memory = config.environment.DUCKDB_MEMORY_LIMIT
    if memory_limit is not None:
        chosen.append(
            ChosenSetting(
                "memory_limit", memory_text(memory_limit, "--memory-limit"), "command line"
            )
        )
    elif environ.get(MEMORY_VARIABLE):
        value = memory_text(environ[MEMORY_VARIABLE], MEMORY_VARIABLE)
        chosen.append(ChosenSetting("memory_limit", value, "environment"))
    elif memory is not None:
        chosen.append(ChosenSetting("memory_limit", memory, "config"))
    if threads is not None:
        chosen.append(ChosenSetting("threads", threads, "command line"))
    elif environ.get(THREADS_VARIABLE):
        count = thread_count(environ[THREADS_VARIABLE], THREADS_VARIABLE)
        chosen.append(ChosenSetting("threads", count, "environment"))
    elif config.environment.DUCKDB_THREADS is not None:
        chosen.append(ChosenSetting("threads", config.environment.DUCKDB_THREADS, "config"))
    return tuple(chosen)


def partial_parse(config: Config, environ: Mapping[str, str]) -> bool:
    """Whether dbt may reuse its parse cache: environment over config; yes unless said otherwise.

    Raises:
        UsageError: the environment holds something that is neither yes nor no.
    """
    text = environ.get(PARSE_VARIABLE, "")
    if text:
        if text.lower() not in _TRUE | _FALSE:
            raise UsageError(f"{PARSE_VARIABLE}: expected true or false, got '{text}'")
        return text.lower() in _TRUE
    return config.environment.DBT_PARTIAL_PARSE is not False


def configured_baseline(config: Config) -> Baseline | None:
    """The baseline that the configuration gives, named as configured; None without one."""
    metrics = config.performance.baseline_metrics
    values = (metrics.foundation_setup, metrics.year_processing, metrics.total_simulation)
    if all(value is None for value in values):
        return None
    foundation, year, total = (None if value is None else float(value) for value in values)
    return Baseline("configured", foundation, year, total)


def plugin_option_values(
    declared: Mapping[str, Sequence[PluginOption]],
    *,
    flags: Mapping[str, Mapping[str, SettingValue]],
    environ: Mapping[str, str],
    config: Config,
) -> dict[str, dict[str, SettingValue | None]]:
    """The settled options of each plugin: flag over environment over config over default.

    Args:
        declared: what each plugin declared.
        flags: from the command line, by plugin and option.
        environ: ``PLANWISE_<PLUGIN>_<OPTION>``.
        config: its section ``plugins``.

    Raises:
        UsageError: an unknown option, or a value of the wrong type or not among the choices.
    """
    return {
        plugin: {
            name: each.value
            for name, each in settled_options(
                plugin, options, flags=flags.get(plugin, {}), environ=environ, config=config
            ).items()
        }
        for plugin, options in declared.items()
    }


@frozen
class SettledOption:
    """The value of a plugin's option, and where it was given.

    Attributes:
        option: as the plugin declared it.
        value: of the option's type, or None where nobody gave one and the default is None.
        source: the place that won.
        where: its name: the flag, the variable, file and key, or ``default``.
    """

    option: PluginOption
    value: SettingValue | None
    source: Literal["flag", "environment", "config", "default"]
    where: str


def settled_options(
    plugin: str,
    options: Sequence[PluginOption],
    *,
    flags: Mapping[str, SettingValue],
    environ: Mapping[str, str],
    config: Config,
) -> dict[str, SettledOption]:
    """The settled options of one plugin, by name: flag over environment over config over default.

    Args:
        plugin: its name.
        options: what it declared.
        flags: from the command line, by option.
        environ: the process's environment.
        config: its section ``plugins``.

    Raises:
        UsageError: an unknown option, or a value of the wrong type or not among the choices.
    """
    given = config.plugins[plugin].options if plugin in config.plugins else {}
    _refuse_unknown(plugin, given, options, config)
    settled: dict[str, SettledOption] = {}
    for option in options:
        name = option.name
        variable = option_variable(plugin, name)
        if name in flags:
            found = SettledOption(option, flags[name], "flag", option_flag(plugin, name))
        elif environ.get(variable):  # an empty one is none at all
            value = option_value(option, environ[variable], variable)
            found = SettledOption(option, value, "environment", variable)
        elif name in given:
            where = config.source(option_key(plugin, name))
            found = SettledOption(option, option_value(option, given[name], where), "config", where)
        else:
            found = SettledOption(option, option.default, "default", "default")
        settled[name] = found
    return settled


def option_value(option: PluginOption, value: object, where: str) -> SettingValue:
    """A value of an option's type.

    Args:
        option: the option.
        value: text, or what the configuration holds.
        where: what to name in the error.

    Raises:
        UsageError: it is of another type, or not among the choices.
    """
    expected = _EXPECTED[option.type]
    if option.choices:
        expected = "one of " + ", ".join(str(choice) for choice in option.choices)
    converted = _converted(option.type, value)
    if converted is None or (option.choices and converted not in option.choices):
        got = str(value) if isinstance(value, Decimal) else repr(value)  # as the YAML has it
        raise UsageError(f"{where}: expected {expected}, got {got}")
    return converted


def _converted(kind: type, value: object) -> SettingValue | None:
    if kind is bool:
        if isinstance(value, bool):
            return value
        text = str(value).lower()
        return True if text in _TRUE else False if text in _FALSE else None
    if value is None or isinstance(value, bool):
        return None
    if kind is str:
        return str(value)
    try:
        if kind is int:
            number = Decimal(str(value).strip())
            # Bounded first: 1e999999999 would be worked out to its last digit.
            whole = abs(number) < _TOO_LARGE and number == int(number)
            return int(number) if whole else None
        real = float(str(value))
        return real if math.isfinite(real) else None
    except (ArithmeticError, ValueError):
        return None


def _refuse_unknown(
    plugin: str, given: Mapping[str, object], options: Sequence[PluginOption], config: Config
) -> None:
    known = {option.name for option in options}
    for name in given:
        if name not in known:
            raise UsageError(
                f"{config.source(f'plugins.{plugin}.{name}')}: unknown option of plugin "
                f"'{plugin}'; it takes: {', '.join(sorted(known)) or 'none'}"
            )


def cache_folder(given: Path | None, environ: Mapping[str, str]) -> Path:
    """Where things are kept between runs: the flag, PLANWISE_CACHE_DIR, the user's cache folder.

    Args:
        given: what the command line says.
        environ: the process's environment.
    """
    named = environ.get("PLANWISE_CACHE_DIR")
    if given is not None or named:
        return (given or Path(named or "")).expanduser().absolute()
    home = environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser().absolute() / "planwise"
