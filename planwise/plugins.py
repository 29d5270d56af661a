"""Plugins: discovery by entry point, toggles, clash checks, loading.

Toggles are settled on entry-point names alone; a plugin that is switched off is never imported.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

import pluggy
from attrs import frozen

from planwise import hookspecs
from planwise.answers import told
from planwise.errors import PluginError, UsageError
from planwise.interruption import may_be_the_users

GROUP: Final = "planwise.plugins"
_HOOKS: Final = ", ".join(sorted(hookspecs.KINDS))
_DEFERRED: Final = (
    inspect.isgeneratorfunction,
    inspect.iscoroutinefunction,
    inspect.isasyncgenfunction,
)
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,40}\Z")

RESERVED_NAMES: Final = frozenset({
    "all-optimizations", "cache-dir", "census", "census-date", "checkpoint-limit", "checkpoints",
    "config", "database", "dbt-project", "dry-run", "enable-all-optimizations", "foundation",
    "from", "help", "keep-intermediates", "memory-limit", "metrics", "no-cache", "no-checkpoints",
    "output", "plugin", "pool-size", "profile", "profiles-dir", "quiet", "record-statements",
    "resume", "scenario", "seed", "select", "step-var", "target", "test", "threads", "vars",
    "verbose", "version", "years",
})  # fmt: skip
"""Names that are flags of planwise itself; a plugin of that name could not have its toggle."""


@frozen
class InstalledPlugin:
    """A plugin that some distribution offers; nothing of it is imported yet.

    Attributes:
        name: entry-point name, which is also the flag.
        distribution: ``name version`` of the distribution that offers it.
        entry_point: how to load it.
    """

    name: str
    distribution: str
    entry_point: EntryPoint

    @property
    def on_request(self) -> bool:
        """Whether it is off unless somebody asks for it: it needs an extra of its distribution.

        The entry point names the extra: ``mine = "my_package:Mine [extra]"``.
        """
        return bool(self.entry_point.extras)


@frozen
class LoadedPlugin:
    """An enabled plugin with the object that implements its hooks."""

    installed: InstalledPlugin
    instance: Any

    @property
    def name(self) -> str:
        """The entry-point name."""
        return self.installed.name

    def error(self, message: str, hook: str | None = None) -> PluginError:
        """An error that names this plugin, its distribution and the hook."""
        return PluginError(
            message, plugin=self.name, distribution=self.installed.distribution, hook=hook
        )


def installed_plugins(points: Iterable[EntryPoint] | None = None) -> dict[str, InstalledPlugin]:
    """Every installed plugin, by name, in name order.

    Args:
        points: the entry points to look at; those of the running Python by default.

    Raises:
        PluginError: a name is no valid flag, is a flag of planwise, or is offered twice.
    """
    found: dict[str, InstalledPlugin] = {}
    for point in entry_points(group=GROUP) if points is None else points:
        distribution = f"{point.dist.name} {point.dist.version}" if point.dist else "unknown"
        plugin = InstalledPlugin(point.name, distribution, point)
        if not _NAME.match(point.name):
            raise PluginError(
                f"an entry-point name must match {_NAME.pattern[:-2]}: it becomes a flag",
                plugin=point.name,
                distribution=distribution,
            )
        if point.name in RESERVED_NAMES or point.name.startswith("no-"):
            raise PluginError(
                f"--{point.name} is a flag of planwise; the plugin needs another entry-point name",
                plugin=point.name,
                distribution=distribution,
            )
        other = found.get(point.name)
        if other is not None and other.entry_point != point:
            raise PluginError(
                f"the name is offered by {other.distribution} and by {distribution}; "
                "uninstall one of them",
                plugin=point.name,
                distribution=distribution,
            )
        found[point.name] = plugin
    return dict(sorted(found.items()))


def settle_toggles(installed: Mapping[str, Any], *layers: Mapping[str, bool]) -> dict[str, bool]:
    """Which plugins are on: everything, unless a layer says otherwise; later layers win.

    Args:
        installed: the installed plugins by name.
        layers: mappings from plugin name to on or off, the weakest first.

    Raises:
        UsageError: a layer names a plugin that is not installed.
    """
    toggles = dict.fromkeys(installed, True)
    for layer in layers:
        for name, enabled in layer.items():
            if name not in toggles:
                raise UsageError(unknown_plugin_message(name, installed))
            toggles[name] = enabled
    return toggles


def unknown_plugin_message(name: str, installed: Iterable[str]) -> str:
    """One line for a plugin name that nobody offers, with the closest that exists."""
    names = sorted(installed)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f"no plugin '{name}' is installed; {hint}installed: {', '.join(names) or 'none'}"


def load_plugins(installed: Iterable[InstalledPlugin]) -> list[LoadedPlugin]:
    """Import the given plugins and check what they implement.

    Args:
        installed: the enabled plugins. They are loaded in name order, so that nothing depends on
            the order in which distributions happen to be found.

    Returns:
        The loaded plugins in name order.

    Raises:
        PluginError: an import fails, a hook is misspelt or has arguments that do not exist, or
            two plugins provide one *choose* hook.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    loaded: list[LoadedPlugin] = []
    for plugin in sorted(installed, key=lambda each: each.name):
        entry = LoadedPlugin(plugin, _instance(plugin))
        try:
            manager.register(entry.instance, name=plugin.name)
            manager.check_pending()
        except (pluggy.PluginValidationError, ValueError) as error:
            # The argument or the name at fault is not on the first line.
            message = "; ".join(line.strip() for line in str(error).splitlines() if line.strip())
            raise entry.error(f"{message}; the hooks are: {_HOOKS}") from error
        except Exception as error:  # reading the attributes of a plugin runs its code
            raise entry.error(f"cannot be examined: {told(error, first_line=True)}") from error
        _refuse_unheard(entry)
        _refuse_wrappers(manager, entry)
        _refuse_deferred(entry)
        loaded.append(entry)
    _check_single_providers(loaded)
    return loaded


def implemented_hooks(instance: Any) -> tuple[str, ...]:
    """Names of the hooks that a loaded plugin implements, in name order."""
    names = []
    for name in hookspecs.KINDS:
        method = getattr(instance, name, None)
        if method is not None and getattr(method, f"{hookspecs.PROJECT}_impl", None) is not None:
            names.append(name)
    return tuple(sorted(names))


def _instance(plugin: InstalledPlugin) -> Any:
    """Import the entry point; a class is called, so that each run has its own object."""
    try:
        target = plugin.entry_point.load()
        return target() if inspect.isclass(target) else target
    except BaseException as error:  # a plugin may raise anything at import, SystemExit too
        if isinstance(error, KeyboardInterrupt) and may_be_the_users():
            raise
        raise PluginError(
            f"cannot be loaded: {told(error, first_line=True)}; "
            f"switch it off with --no-{plugin.name}, or mend or uninstall it",
            plugin=plugin.name,
            distribution=plugin.distribution,
        ) from error


def _refuse_unheard(plugin: LoadedPlugin) -> None:
    """Refuse what is marked as a hook and would never be called.

    pluggy passes over names that begin with an underscore and over hooks marked optional, and
    lets ``specname`` stand for the name; the relay calls hooks by their names.
    """
    for name in dir(plugin.instance):
        # Statically, so that no property of the plugin is run.
        member = inspect.getattr_static(plugin.instance, name, None)
        mark = getattr(member, f"{hookspecs.PROJECT}_impl", None)
        if mark is None:
            continue
        if name not in hookspecs.KINDS or mark.get("specname") not in (None, name):
            raise plugin.error(f"'{name}' is marked and no hook; the hooks are: {_HOOKS}")


def _refuse_wrappers(manager: pluggy.PluginManager, plugin: LoadedPlugin) -> None:
    """Refuse wrappers: the relay asks implementations one by one, so that blame is certain."""
    for caller in manager.get_hookcallers(plugin.instance) or ():
        for implementation in caller.get_hookimpls():
            if implementation.plugin is plugin.instance and (
                implementation.wrapper or implementation.hookwrapper
            ):
                raise plugin.error("hook wrappers are not supported", hook=caller.name)


def _refuse_deferred(plugin: LoadedPlugin) -> None:
    """Refuse what a call does not run: of a hook that nobody answers it would never be noticed."""
    for hook in implemented_hooks(plugin.instance):
        function = getattr(plugin.instance, hook)
        if any(kind(function) for kind in _DEFERRED):
            raise plugin.error(
                "a call would run nothing of it: expected a function without 'async' and 'yield'",
                hook=hook,
            )


def _check_single_providers(loaded: Iterable[LoadedPlugin]) -> None:
    providers: dict[str, LoadedPlugin] = {}
    for plugin in loaded:
        for hook in implemented_hooks(plugin.instance):
            if hookspecs.KINDS[hook] != "choose":
                continue
            other = providers.setdefault(hook, plugin)
            if other is not plugin:
                raise plugin.error(
                    f"'{other.name}' (from {other.installed.distribution}) provides this hook "
                    f"too, and only one may; use --no-{other.name} or --no-{plugin.name}",
                    hook=hook,
                )
