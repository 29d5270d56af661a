"""What an option of a plugin is called in each place, and that no two things have one name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from planwise.plugins import RESERVED_NAMES, LoadedPlugin
from planwise.values import PluginOption

OWN_VARIABLES: Final = frozenset({"PLANWISE_CACHE_DIR", "PLANWISE_DATABASE", "PLANWISE_DATA_DIR"})
"""Environment variables of planwise itself and of its dbt project."""


def option_flag(plugin: str, option: str) -> str:
    """The flag of an option; of a truth value, ``--no-…`` is there too."""
    return f"--{plugin}-{option.replace('_', '-')}"


def option_variable(plugin: str, option: str) -> str:
    """The environment variable of an option."""
    return f"PLANWISE_{plugin}_{option}".upper().replace("-", "_")


def option_key(plugin: str, option: str) -> str:
    """The key of an option in the configuration, dotted."""
    return f"plugins.{plugin}.{option}"


def refuse_shared_names(
    plugins: Iterable[LoadedPlugin],
    declared: Mapping[str, Sequence[PluginOption]],
    installed: Iterable[str],
) -> None:
    """Refuse an option whose flag or variable is something else's too: one would get its value.

    Args:
        plugins: those that are loaded.
        declared: the options of each, by its name.
        installed: the names of all that are installed; each is a flag.

    Raises:
        PluginError: a name has two meanings; plugin, distribution and both meanings are named.
    """
    taken = {f"--{name}": "a flag of planwise" for name in RESERVED_NAMES}
    taken |= {f"--{name}": f"the toggle of the plugin {name}" for name in installed}
    taken |= dict.fromkeys(OWN_VARIABLES, "a variable of planwise")
    for plugin in plugins:
        for option in declared.get(plugin.name, ()):
            meaning = f"option '{option.name}' of plugin '{plugin.name}'"
            names = (
                option_flag(plugin.name, option.name),
                option_variable(plugin.name, option.name),
            )
            for name in names:
                other = taken.setdefault(name, meaning)
                if other != meaning:
                    raise plugin.error(
                        f"its option '{option.name}' would be {name}, which is {other}; the option "
                        f"needs another name; switch the plugin off with --no-{plugin.name}",
                        "add_options",
                    )
