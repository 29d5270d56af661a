"""The plugins of one run: settled, loaded, and told their options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from planwise.containment import Guard, PluginErrors, TimeLimits
from planwise.option_names import refuse_shared_names
from planwise.plugins import installed_plugins, load_plugins, settle_toggles
from planwise.relay import Relay
from planwise.settings import plugin_option_values
from planwise.values import SettingValue

if TYPE_CHECKING:
    from planwise.config import Config


def enabled_plugins(config: Config, flags: Mapping[str, bool]) -> dict[str, bool]:
    """Every installed plugin, on or off: the command line over the configuration.

    One that needs an extra of its distribution is on only where one of them says so.

    Raises:
        UsageError: a toggle names a plugin that is not installed.
        PluginError: two distributions offer one name, or a name is no flag.
    """
    configured = {
        name: settings.enabled
        for name, settings in config.plugins.items()
        if settings.enabled is not None
    }
    installed = installed_plugins()
    named = dict.fromkeys(config.plugins, True)
    on_request = {name: False for name, plugin in installed.items() if plugin.on_request}
    return settle_toggles(installed, named, on_request, configured, flags)


def guard_of(config: Config, on_error: PluginErrors | None = None) -> Guard:
    """How the plugins of a run are called.

    Args:
        config: its section ``performance``.
        on_error: what the command line says of failures, or None.
    """
    performance = config.performance
    limits = TimeLimits(float(performance.plugin_time_limit_s))
    return Guard(limits, on_error or performance.plugin_errors)


def build_relay(
    config: Config,
    toggles: Mapping[str, bool],
    *,
    flags: Mapping[str, Mapping[str, SettingValue]],
    environ: Mapping[str, str],
    guard: Guard | None = None,
) -> Relay:
    """The enabled plugins, loaded, checked and configured.

    Args:
        config: their options, how long they may take, and whether their failures end the run.
        toggles: every installed plugin, on or off.
        flags: options of plugins from the command line, by plugin and option.
        environ: the process's environment.
        guard: how they are called; None: as the configuration says.
    """
    available = installed_plugins()
    guard = guard or guard_of(config)
    enabled = (available[name] for name, on in toggles.items() if on)
    relay = Relay(load_plugins(enabled, guard), guard)
    declared = relay.add_options()
    refuse_shared_names(relay.plugins, declared, available)
    relay.configure(plugin_option_values(declared, flags=flags, environ=environ, config=config))
    return relay
