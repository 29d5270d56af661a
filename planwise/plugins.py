"""Plugins: discovery by entry point, toggles, clash checks, loading.

Toggles are settled on entry-point names alone; a plugin that is switched off is never imported.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

import pluggy
from attrs import frozen

from planwise import hookspecs
from planwise.answers import told
from planwise.api_version import API_VERSION, DECLARATION, version_problem
from planwise.containment import Guard
from planwise.errors import PluginError, UsageError
from planwise.hook_call import TimeLimitReached
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
    "all-optimizations", "cache", "cache-dir", "census", "census-date", "checkpoint-limit",
    "checkpoints",
    "config", "database", "dbt-project", "dry-run", "enable-all-optimizations", "foundation",
    "from", "help", "keep-intermediates", "memory-limit", "metrics", "no-cache", "no-checkpoints",
    "output", "plugin", "plugin-errors", "pool-size", "profile", "profiles-dir", "quiet",
    "record-statements", "resume", "scenario", "seed", "select", "step-var", "target", "test",
    "threads", "vars", "verbose", "version", "years",
})  # fmt: skip
"""Names that are flags of planwise itself, or are one after ``no-``: a plugin of that name could
not have its toggle."""


@frozen
class InstalledPlugin:
    """A plugin that some distribution offers; nothing of it is imported yet.

    Attributes:
        name: entry-point name, which is also the flag.
        entry_point: how to load it.
    """

    name: str
    _distribution: str | None
    entry_point: EntryPoint

    @property
    def distribution(self) -> str:
        """``name version`` of the distribution that offers it.

        Read when it is asked for: it is in another file than the entry points, a longer one, and
        most starts ask for it of no plugin.
        """
        if self._distribution is not None:
            return self._distribution
        found = self.entry_point.dist
        return f"{found.name} {found.version}" if found else "unknown"

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

    def refusal(self, message: str, hook: str | None = None) -> PluginError:
        """Likewise, with what a user can do about a plugin that cannot be taken as it is."""
        return self.error(f"{message}; switch it off with --no-{self.name}, or mend it", hook)


def installed_plugins(points: Iterable[EntryPoint] | None = None) -> dict[str, InstalledPlugin]:
    """Every installed plugin, by name, in name order.

    Args:
        points: the entry points to look at; those of the running Python by default.

    Raises:
        PluginError: a name is no valid flag, is a flag of planwise, or is offered twice.
    """
    found: dict[str, InstalledPlugin] = {}
    for plugin in offered_plugins(points):
        if problem := name_problem(plugin):
            raise problem
        other = found.get(plugin.name)
        if other is not None and other.entry_point != plugin.entry_point:
            raise PluginError(
                f"the name is offered by {other.distribution} and by {plugin.distribution}; "
                "uninstall one of them",
                plugin=plugin.name,
                distribution=plugin.distribution,
            )
        found[plugin.name] = plugin
    return dict(sorted(found.items()))


def offered_plugins(points: Iterable[EntryPoint] | None = None) -> Iterator[InstalledPlugin]:
    """Every plugin that any distribution offers, whatever is wrong with its name.

    Args:
        points: as for :func:`installed_plugins`.
    """
    for point in entry_points(group=GROUP) if points is None else points:
        yield InstalledPlugin(point.name, None, point)


def name_problem(plugin: InstalledPlugin) -> PluginError | None:
    """Why its name can be no flag, or None."""
    name, problem = plugin.name, ""
    if not _NAME.match(name):
        problem = f"an entry-point name must match {_NAME.pattern[:-2]}: it becomes a flag"
    elif name in RESERVED_NAMES or name.startswith("no-"):
        problem = f"--{name} is a flag of planwise; the plugin needs another entry-point name"
    if not problem:
        return None
    return PluginError(problem, plugin=name, distribution=plugin.distribution)


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


def load_plugins(
    installed: Iterable[InstalledPlugin], guard: Guard | None = None
) -> list[LoadedPlugin]:
    """Import the given plugins and check what they implement.

    Args:
        installed: the enabled plugins. They are loaded in name order, so that nothing depends on
            the order in which distributions happen to be found.
        guard: how they are called; by default with the usual time, and a failure is an error.

    Returns:
        The loaded plugins in name order.

    Raises:
        PluginError: an import fails, a hook is misspelt or has arguments that do not exist, a
            plugin was built for an API that is not offered, or two provide one *choose* hook.
            The guard may excuse all but the last: nobody can say which of the two is wanted.
    """
    guard = Guard() if guard is None else guard
    manager = _manager()
    loaded: list[LoadedPlugin] = []
    for plugin in sorted(installed, key=lambda each: each.name):
        if guard.is_off(plugin.name):
            continue
        try:
            loaded.append(_loaded_in_time(plugin, manager, guard))
        except PluginError as error:
            if not guard.excuses(plugin, None, error):
                raise
            manager = _manager()  # the old one would name what is wrong with it again
    _check_single_providers(loaded)
    return loaded


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def _loaded_in_time(
    plugin: InstalledPlugin, manager: pluggy.PluginManager, guard: Guard
) -> LoadedPlugin:
    try:
        with guard.loading(plugin):
            return _loaded(plugin, manager)
    except TimeLimitReached:
        raise PluginError(
            f"cannot be loaded: it takes more than {guard.limits.seconds:g} s; "
            f"switch it off with --no-{plugin.name}, or mend or uninstall it",
            plugin=plugin.name,
            distribution=plugin.distribution,
        ) from None


def _loaded(plugin: InstalledPlugin, manager: pluggy.PluginManager) -> LoadedPlugin:
    """Import a plugin and check what it implements."""
    entry = LoadedPlugin(plugin, _instance(plugin))
    try:
        manager.register(entry.instance, name=plugin.name)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        # The argument or the name at fault is not on the first line.
        message = "; ".join(line.strip() for line in str(error).splitlines() if line.strip())
        raise entry.refusal(f"{message}; the hooks are: {_HOOKS}") from error
    except Exception as error:  # reading the attributes of a plugin runs its code
        raise entry.refusal(f"cannot be examined: {told(error, first_line=True)}") from error
    _refuse_unheard(entry)
    _refuse_wrappers(manager, entry)
    _refuse_deferred(entry)
    return entry


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
        # Before it is called: what it does may need what this planwise does not offer.
        declared = getattr(target, DECLARATION, None)
        problem = version_problem(declared)
        if problem is None:
            return target() if inspect.isclass(target) else target
    except TimeLimitReached:
        raise
    except BaseException as error:  # a plugin may raise anything at import, SystemExit too
        if isinstance(error, KeyboardInterrupt) and may_be_the_users():
            raise
        raise PluginError(
            f"cannot be loaded: {told(error, first_line=True)}{_newer_hint(error)}; "
            f"switch it off with --no-{plugin.name}, or mend or uninstall it",
            plugin=plugin.name,
            distribution=plugin.distribution,
        ) from error
    raise PluginError(
        f"{problem}, or switch the plugin off with --no-{plugin.name}",
        plugin=plugin.name,
        distribution=plugin.distribution,
    )


def _newer_hint(error: BaseException) -> str:
    """What is likely where the API lacks a name: the plugin was built for a later one."""
    if isinstance(error, ImportError) and str(error.name).startswith("planwise"):
        return (
            f" (this planwise offers API {API_VERSION}: the plugin may be built for another one; "
            "plugins import planwise.api alone)"
        )
    return ""


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
            raise plugin.refusal(f"'{name}' is marked and no hook; the hooks are: {_HOOKS}")


def _refuse_wrappers(manager: pluggy.PluginManager, plugin: LoadedPlugin) -> None:
    """Refuse wrappers: the relay asks implementations one by one, so that blame is certain."""
    for caller in manager.get_hookcallers(plugin.instance) or ():
        for implementation in caller.get_hookimpls():
            if implementation.plugin is plugin.instance and (
                implementation.wrapper or implementation.hookwrapper
            ):
                raise plugin.refusal("hook wrappers are not supported", hook=caller.name)


def _refuse_deferred(plugin: LoadedPlugin) -> None:
    """Refuse what a call does not run: of a hook that nobody answers it would never be noticed."""
    for hook in implemented_hooks(plugin.instance):
        function = getattr(plugin.instance, hook)
        if any(kind(function) for kind in _DEFERRED):
            raise plugin.refusal(
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
