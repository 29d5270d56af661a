"""``planwise plugins``: the installed plugins listed, and what else can be done about plugins."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from planwise.errors import PluginError
from planwise.plugins import implemented_hooks, installed_plugins, load_plugins

ACTIONS: Final[tuple[str, ...]] = ("plugins_show", "plugins_doctor", "plugins_new")
"""Modules of this package that bring an action of ``planwise plugins``.

As the parser's subcommands: ``add_parser(actions)`` adds a parser with the default ``module``, and
``run(options) -> int`` is called when the action was chosen.
"""


def add_parser(commands: Any) -> None:
    """Add the command and its actions to the commands of planwise."""
    parser = commands.add_parser(
        "plugins",
        help="list what is installed",
        description="List the installed plugins: distribution, on or off, and the hooks of those "
        "that are on; a plugin that is off is not loaded.",
    )
    parser.set_defaults(module="plugins")
    parser.add_argument("--config", type=Path, metavar="FILE", help="as for simulate")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--verbose", action="store_true", help="show tracebacks of errors")
    if ACTIONS:
        actions = parser.add_subparsers(dest="action", metavar="ACTION")
        for name in ACTIONS:
            importlib.import_module(f"planwise.cli.{name}").add_parser(actions)


def run(options: argparse.Namespace) -> int:
    """List the installed plugins; loads those that are on, to know their hooks.

    One that cannot be loaded keeps no other from being listed: its error comes last.
    """
    from planwise.cli.settled import read_config
    from planwise.plugin_set import enabled_plugins

    toggles = enabled_plugins(read_config(options), {})
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    for name, plugin in installed_plugins().items():
        hooks = None
        if toggles[name]:
            try:
                # One by one: two providers of one hook are no error until both are to run.
                (loaded,) = load_plugins([plugin])
                hooks = list(implemented_hooks(loaded.instance))
            except PluginError as error:
                problems.append(str(error))
        rows.append(
            {
                "name": name,
                "distribution": plugin.distribution,
                "hooks": hooks,
                "enabled": toggles[name],
            }
        )
    if options.json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    else:
        _print(rows)
    for problem in problems:
        sys.stderr.write(f"planwise: {' '.join(problem.split())}\n")
    return 1 if problems else 0


def _print(rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.table import Table

    from planwise.reporting.terminal import make_console

    table = Table(box=None, pad_edge=False)
    for heading in ("plugin", "on", "distribution", "hooks"):
        table.add_column(heading)
    for row in rows:
        named = "not loaded" if row["hooks"] is None else ", ".join(row["hooks"])
        on = "on" if row["enabled"] else "off"
        table.add_row(str(row["name"]), on, str(row["distribution"]), named)
    make_console(sys.stdout).print(table)
