"""What a new plugin is called: as a flag, a distribution, a module and a class."""

from __future__ import annotations

import builtins
import importlib.util
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint
from typing import Final

from attrs import frozen

from planwise.answers import shown
from planwise.errors import PluginError, UsageError
from planwise.plugins import GROUP, InstalledPlugin, installed_plugins
from planwise.versions import version_of

_SEPARATORS: Final = re.compile(r"[-_]+")
_MOST_CHARACTERS: Final = 41
_LONGEST_CLASS: Final = 24
"""With every name a line of generated code that has the class in it has to fit and to stay one."""


@frozen
class Names:
    """The names of one plugin.

    Attributes:
        plugin: the entry-point name, which is the flag.
        distribution: what pip calls it, such as ``planwise-my-batcher``.
        module: what Python imports, such as ``planwise_my_batcher``.
        class_name: the plugin's class, such as ``MyBatcher``.
        key: the plugin's name as a key of JSON and of SQL, such as ``my_batcher``.
    """

    plugin: str
    distribution: str
    module: str
    class_name: str
    key: str


def names_of(plugin: str, *, taken: Iterable[str] = ()) -> Names:
    """Derive every name of a plugin from its own.

    Args:
        plugin: the name to be, as a user typed it.
        taken: names that the plugin's module uses; its class gets another one.

    Raises:
        UsageError: a plugin cannot have that name; one that it could have is named.
    """
    if not _may_be_installed(plugin):
        could_be = _possible(plugin)
        mend = f"; '{could_be}' would do" if could_be else ""
        raise UsageError(
            f"plugin name {shown(plugin)}: it becomes a flag, so expected up to "
            f"{_MOST_CHARACTERS} small letters, digits, '-' and '_', a letter first, and no flag "
            f"that planwise has already{mend}"
        )
    words = [word for word in _SEPARATORS.split(plugin) if word]
    return Names(
        plugin=plugin,
        distribution="-".join(["planwise", *words]),
        module="_".join(["planwise", *words]),
        class_name=_class_name(words, taken),
        key=plugin.replace("-", "_"),
    )


def environment_prefix(names: Names) -> str:
    """What the plugin's variables of the environment begin with."""
    return f"PLANWISE_{names.plugin}".upper().replace("-", "_")


def refuse_taken(names: Names, installed: Mapping[str, InstalledPlugin]) -> None:
    """Refuse names that something installed has already: planwise could not start with both.

    Raises:
        UsageError: the plugin, the distribution or the module is there already.
    """
    other = installed.get(names.plugin)
    if other is not None:
        raise UsageError(
            f"plugin '{names.plugin}' is installed already, by {other.distribution}, and planwise "
            "starts with one of each name only; choose another name, or uninstall that first"
        )
    version = version_of(names.distribution)
    if version is not None:
        raise UsageError(
            f"the distribution {names.distribution} {version} is installed already; choose "
            "another name, or uninstall that first"
        )
    if importlib.util.find_spec(names.module) is not None:
        raise UsageError(
            f"a module {names.module} can be imported already; choose another name, so that one "
            "does not hide the other"
        )


def _may_be_installed(plugin: str) -> bool:
    """Whether the kernel takes a name: asked of the kernel itself, so that both always agree."""
    try:
        installed_plugins([EntryPoint(plugin, "module:Plugin", GROUP)])
    except PluginError:
        return False
    return True


def _class_name(words: Iterable[str], taken: Iterable[str]) -> str:
    name = "".join(word.capitalize() for word in words)
    if len(name) > _LONGEST_CLASS:
        return "Plugin"
    # All capitals look like a constant, and pytest takes what begins with Test for tests.
    constant = name.isupper() and len(name) > 1
    if constant or name in taken or hasattr(builtins, name):  # None and Exception among these
        return f"{name}Plugin"
    return f"Plugin{name}" if name.startswith("Test") else name


def _possible(plugin: str) -> str:
    """The nearest name that a plugin can have, or nothing."""
    words = re.sub(r"[^a-z0-9_]+", "-", plugin.lower()).strip("-_")
    for name in (words, re.sub(r"^[^a-z]+", "", words), f"my-{words}"):
        cut = name[:_MOST_CHARACTERS].rstrip("-_")
        if words and _may_be_installed(cut):
            return cut
    return ""
