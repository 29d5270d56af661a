"""``planwise plugins show NAME``: one plugin, when it is asked, and its options in force."""

from __future__ import annotations

import argparse
import inspect
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from planwise.errors import UsageError
from planwise.hook_docs import first_sentence, hook_doc, marked
from planwise.option_names import option_flag, option_key, option_variable, refuse_shared_names
from planwise.plugins import (
    InstalledPlugin,
    implemented_hooks,
    installed_plugins,
    load_plugins,
    unknown_plugin_message,
)

if TYPE_CHECKING:
    from planwise.config import Config
    from planwise.settings import SettledOption

_DESCRIPTION: Final = """\
Show one plugin: where it comes from, whether it is on and why, when it is asked, and its options
with their values and where each was given. The plugin is loaded for that, also where it is off."""

_EXAMPLES: Final = """\
examples:
  planwise plugins show compression
  PLANWISE_COMPRESSION_CODEC=zstd planwise plugins show compression --json"""


def add_parser(actions: Any) -> None:
    """Add the action to those of ``planwise plugins``."""
    parser = actions.add_parser(
        "show",
        help="one plugin: its hooks, its options and their values",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    parser.set_defaults(module="plugins_show")
    parser.add_argument("name", metavar="NAME", help="a plugin of `planwise plugins`")
    # Suppressed, so that what was given before the action's name stays.
    kept = argparse.SUPPRESS
    parser.add_argument("--config", type=Path, default=kept, metavar="FILE", help="as for simulate")
    parser.add_argument("--json", action="store_true", default=kept, help="print JSON")
    parser.add_argument(
        "--verbose", action="store_true", default=kept, help="show tracebacks of errors"
    )


def run(options: argparse.Namespace) -> int:
    """Show the plugin.

    Raises:
        UsageError: no such plugin is installed, or a value that was given to it is wrong.
        PluginError: it cannot be loaded.
        ConfigError: the configuration is wrong.
    """
    from planwise.cli.settled import read_config

    installed = installed_plugins()
    if options.name not in installed:
        raise UsageError(unknown_plugin_message(options.name, installed))
    account = _account(installed[options.name], read_config(options), installed)
    if options.json:
        sys.stdout.write(json.dumps(account, indent=2) + "\n")
    else:
        _print(account)
    return 0


def _account(plugin: InstalledPlugin, config: Config, installed: Any) -> dict[str, Any]:
    """All that is shown, as JSON-ready data."""
    from planwise.relay import Relay
    from planwise.settings import settled_options

    (loaded,) = load_plugins([plugin])
    declared = Relay([loaded]).add_options()
    refuse_shared_names([loaded], declared, installed)
    settled = settled_options(
        plugin.name, declared[plugin.name], flags={}, environ=os.environ, config=config
    )
    enabled, because = _state(plugin, config)
    return {
        "name": plugin.name,
        "summary": _summary(loaded.instance),
        "distribution": plugin.distribution,
        "entry_point": plugin.entry_point.value,
        "api": _text_or_none(getattr(loaded.instance, "planwise_api", None)),
        "enabled": enabled,
        "because": because,
        "hooks": [_hook(name) for name in implemented_hooks(loaded.instance)],
        "options": [_option(plugin.name, each) for each in settled.values()],
    }


def _state(plugin: InstalledPlugin, config: Config) -> tuple[bool, str]:
    """Whether a run would use it, and what says so: as ``enabled_plugins`` settles it."""
    given = config.plugins[plugin.name].enabled if plugin.name in config.plugins else None
    if given is not None:
        return given, config.source(option_key(plugin.name, "enabled"))
    if plugin.on_request:
        extras = ", ".join(plugin.entry_point.extras)
        return False, f"it needs the extra {extras}: off unless asked for"
    return True, "default"


def _summary(instance: Any) -> str:
    """The first line of its docstring, or of its module's."""
    if inspect.ismodule(instance):
        return (inspect.getdoc(instance) or "").partition("\n")[0]
    own = inspect.getdoc(type(instance))
    return (own or inspect.getdoc(inspect.getmodule(type(instance))) or "").partition("\n")[0]


def _hook(name: str) -> dict[str, str]:
    hook = hook_doc(name)
    return {"name": name, "kind": hook.kind, "when": marked(first_sentence(hook.moment))}


def _option(plugin: str, settled: SettledOption) -> dict[str, Any]:
    option = settled.option
    return {
        "name": option.name,
        "type": option.type.__name__,
        "default": option.default,
        "choices": list(option.choices),
        "help": option.help,
        "value": settled.value,
        "source": settled.source,
        "where": settled.where,
        "flag": option_flag(plugin, option.name),
        "variable": option_variable(plugin, option.name),
        "key": option_key(plugin, option.name),
    }


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)


def _print(account: dict[str, Any]) -> None:
    from planwise.reporting.terminal import make_console

    console = make_console(sys.stdout)
    name, on = account["name"], account["enabled"]
    console.print(f"{name}: {account['summary'] or 'says nothing of itself'}")
    console.print(f"distribution {account['distribution']}, {account['entry_point']}")
    switch = f"--no-{name} switches it off" if on else f"--{name} switches it on"
    console.print(f"state        {'on' if on else 'off'} ({account['because']}); {switch}")
    console.print(f"API version  {account['api'] or 'not declared'}")
    console.print("hooks" if account["hooks"] else "hooks        none")
    for hook in account["hooks"]:
        console.print(f"  {hook['name']} ({hook['kind']}): {hook['when']}")
    console.print("options" if account["options"] else "options      none")
    for option in account["options"]:
        choices = f", one of {', '.join(map(_shown, option['choices']))}"
        kind = f"{option['type']}{choices if option['choices'] else ''}"
        console.print(f"  {option['name']}: {option['help']}")
        console.print(f"    {kind}; default {_shown(option['default'])}")
        console.print(f"    now {_shown(option['value'])} ({option['where']})")
        console.print(f"    {option['flag']}, {option['variable']}, {option['key']}")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else str(value)
