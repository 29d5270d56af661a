"""``planwise scenarios``: what scenarios there are, what is in force in one, how two differ."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from planwise.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console

    from planwise.config import Config
    from planwise.scenarios import Setting

DESCRIPTION: Final = """\
A scenario is the configuration with a few things changed. The configuration is the base scenario;
each file in the folder `scenarios` beside it is another, named after the file, and holds only what
differs from the base. For example config/scenarios/rich_match.yaml:

  description: The match that the union asks for.
  plan:
    match_formula: custom
    match_tiers:
    - {tier_from: 0, tier_to: 0.06, match_rate: 1.0}

Scenarios use the draws of the base, so that the same people join and leave in all of them and what
differs is what the change does (simulation.draws in the file says otherwise)."""

EXAMPLES: Final = """\
examples:
  planwise scenarios list
  planwise scenarios show rich_match --changed         what the file changes, with its source
  planwise scenarios diff baseline rich_match --json
  planwise simulate --scenario baseline rich_match     both in one pass
  planwise compare baseline rich_match                 then: what it costs, who gains"""


def add_parser(commands: Any) -> None:
    """Add the command and its actions to the commands of planwise."""
    parser = commands.add_parser(
        "scenarios",
        help="list, show and compare what scenarios say",
        description=DESCRIPTION,
        epilog=EXAMPLES,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser(
        "list",
        help="every scenario: how much it changes, what it is, its file",
        description="List the scenarios; the base, which is the configuration, is marked with *.",
    )
    showing = actions.add_parser(
        "show",
        help="every parameter and table in force, and where each came from",
        description="Show every parameter and table in force, and where each came from.",
    )
    showing.add_argument("name", metavar="NAME", help="a scenario of `planwise scenarios list`")
    showing.add_argument(
        "--changed", action="store_true", help="only what differs from the base scenario"
    )
    difference = actions.add_parser(
        "diff",
        help="the parameters and tables in which two scenarios differ",
        description="Show the parameters and tables in which two scenarios differ: the value and "
        "the source in each.",
    )
    difference.add_argument("one", metavar="A", help="a scenario")
    difference.add_argument("other", metavar="B", help="another scenario")
    for each in (listing, showing, difference):
        each.add_argument(
            "--config",
            type=Path,
            metavar="FILE",
            help="configuration (default: config/simulation_config.yaml if it is there)",
        )
        each.add_argument(
            "--dbt-project", type=Path, metavar="DIR", help="whose defaults hold; as for simulate"
        )
        each.add_argument("--json", action="store_true", help="print JSON")
        each.add_argument("--verbose", action="store_true", help="show tracebacks of errors")


def run(options: argparse.Namespace) -> int:
    """Run the chosen action.

    Raises:
        ConfigError: the configuration or a scenario file is wrong.
        UsageError: there is no such scenario, or one is compared with itself.
    """
    return {"list": _list, "show": _show, "diff": _diff}[options.action](options)


def _list(options: argparse.Namespace) -> int:
    from planwise.cli.settled import read_config
    from planwise.config import load_scenario, scenario_names
    from planwise.config.scenario_folder import stray_files

    base = read_config(options)
    in_force = _in_force(base, options)
    rows = []
    for name in scenario_names(base):
        row: dict[str, Any] = {"name": name, "base": name == base.simulation.scenario}
        row |= {"description": None, "differences": None, "file": None, "problems": []}
        try:
            config = load_scenario(base, name)
            row["description"] = config.description
            row["differences"] = len(_differing(in_force, _in_force(config, options)))
            file = config.scenario_file or config.path
            row["file"] = None if file is None else str(file)
        except ConfigError as error:
            row["problems"] = list(error.problems)
        rows.append(row)
    strays = stray_files(base)
    if options.json:
        _print_json({"scenarios": rows, "problems": list(strays)})
        return 0
    table = _table("scenario", "differences", "description", "file")
    for row in rows:
        count = "" if row["differences"] is None else str(row["differences"])
        text = row["description"] or ("the base: the configuration" if row["base"] else "")
        if row["problems"]:
            text = f"does not load: {row['problems'][0]}"
        mark = " *" if row["base"] else ""
        where = "" if row["problems"] else row["file"] or "defaults"  # a problem names its file
        table.add_row(row["name"] + mark, count, text, where)
    console = _console()
    console.print(table)
    for line in strays:
        console.print(line)
    return 0


def _show(options: argparse.Namespace) -> int:
    from planwise.cli.settled import read_config
    from planwise.config import load_scenario

    base = read_config(options)
    config = load_scenario(base, options.name)
    settings = _in_force(config, options)
    if options.changed:
        pairs = _differing(_in_force(base, options), settings)
        settings = tuple(mine for _, mine in pairs)
    if options.json:
        shown = {"name": options.name, "base": config.scenario_file is None}
        shown |= {"description": config.description, "file": _file(config)}
        _print_json({**shown, "settings": [_as_json(each) for each in settings]})
        return 0
    console = _console()
    console.print(f"scenario {options.name}: {_file(config) or 'the defaults'}")
    if config.description:
        console.print(config.description)
    if options.changed and not settings:
        console.print("nothing differs from the base scenario")
    parameters = [each for each in settings if not each.is_table]
    if parameters:
        table = _table("parameter", "value", "source")
        for each in parameters:
            table.add_row(each.name, each.value, each.source)
        console.print()
        console.print(table)
    for each in settings:
        if each.is_table:
            _print_rows(console, f"{each.name}: {each.value}  ({each.source})", each.rows)
    return 0


def _diff(options: argparse.Namespace) -> int:
    from planwise.cli.settled import read_config
    from planwise.config import load_scenarios

    if options.one == options.other:
        raise UsageError(f"scenario {options.one!r} does not differ from itself; name two")
    configs = load_scenarios(read_config(options), [options.one, options.other])
    pairs = _differing(*(_in_force(config, options) for config in configs))
    if options.json:
        found = [
            {"name": a.name, "table": a.is_table, "a": _said(a), "b": _said(b)} for a, b in pairs
        ]
        _print_json({"a": options.one, "b": options.other, "differences": found})
        return 0
    console = _console()
    if not pairs:
        console.print(f"{options.one} and {options.other} do not differ")
        return 0
    table = _table("parameter", options.one, options.other, "source A", "source B")
    for a, b in pairs:
        table.add_row(a.name, a.value, b.value, a.source, b.source)
    console.print(table)
    for a, b in pairs:
        if a.is_table:
            for name, each in ((options.one, a), (options.other, b)):
                _print_rows(console, f"{each.name} of {name}: {each.value}", each.rows)
    return 0


def _in_force(config: Config, options: argparse.Namespace) -> tuple[Setting, ...]:
    """Everything in force in a scenario, once it has passed the checks of a run."""
    from planwise.cli.settled import settled_project
    from planwise.inputs import check_scenarios, settled_census_date
    from planwise.scenarios import scenario_from_config, settings_in_force

    project = settled_project(options)
    check_scenarios([config], project)
    date, _ = settled_census_date(config)
    scenario = scenario_from_config(
        config, first_year=config.years[0], census_date=date, seed=config.simulation.seed
    )
    return settings_in_force(scenario, project)


def _differing(
    one: Sequence[Setting], other: Sequence[Setting]
) -> tuple[tuple[Setting, Setting], ...]:
    from planwise.scenarios import differing

    return differing(one, other)


def _file(config: Config) -> str | None:
    file = config.scenario_file or config.path
    return None if file is None else str(file)


def _as_json(setting: Setting) -> dict[str, Any]:
    return {"name": setting.name, "table": setting.is_table, **_said(setting)}


def _said(setting: Setting) -> dict[str, Any]:
    """Value and source; a table's value is its rows, or a word where it has none yet."""
    rows = [dict(row) for row in setting.rows] if setting.is_table else None
    from_census = setting.is_table and not setting.rows and setting.value == "from census"
    return {
        "value": setting.value if rows is None or from_census else rows,
        "source": setting.source,
    }


def _print_rows(console: Console, title: str, rows: Iterable[Mapping[str, str]]) -> None:
    rows = list(rows)
    console.print(f"\n{title}")
    if not rows:
        return
    table = _table(*rows[0])
    for row in rows:
        table.add_row(*row.values())
    console.print(table)


def _table(*headings: str) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _console() -> Console:
    from planwise.reporting.terminal import make_console

    return make_console(sys.stdout)


def _print_json(value: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
