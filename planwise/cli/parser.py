"""The arguments of every command. Builds on names alone: no plugin is imported for it."""

from __future__ import annotations

import argparse
import difflib
import importlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, NoReturn

from planwise import __version__
from planwise.cli.project_flags import add_project_flags
from planwise.cli.state_flags import add_state_flags
from planwise.errors import UsageError
from planwise.option_names import option_flag, option_variable
from planwise.plugins import unknown_plugin_message
from planwise.values import PluginOption

DESCRIPTION = """\
Multi-year workforce and retirement-plan simulations: a dbt project on DuckDB, run year by year,
with every optimization a plugin that can be switched off and measured."""

EXAMPLES = """\
examples:
  planwise census generate --employees 10000 --output census.csv
  planwise simulate --census census.csv --years 2025-2029 --output results.json
  planwise simulate --years 2025 2026 --dry-run        show the plan, write nothing
  planwise simulate --years 2025-2029 --no-compression switch one plugin off
  planwise scenarios list                              what-ifs that are written down
  planwise simulate --scenario baseline stretch_match  several scenarios in one pass
  planwise validate                                    is everything here and sound?

exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted, 143 terminated"""

SUBCOMMANDS: Final = (
    "plugins",
    "scenarios",
    "separations",
    "compare",
    "export",
    "employee",
    "explain",
    "report",
    "checkpoints",
    "schema",
    "bench",
)
"""Modules of this package that bring a command of their own.

Each has ``add_parser(commands)``, which adds its parser to what ``add_subparsers`` gave, and
``run(options) -> int``, which is called when its command was chosen. They are imported whenever a
parser is built, so that nothing heavy may be imported at their top.
"""

CENSUS_ACTIONS: Final[tuple[str, ...]] = ("census_hazards",)
"""Likewise for the actions of ``planwise census``."""


class Parser(argparse.ArgumentParser):
    """An argument parser that takes no abbreviations and answers a mistake with one line.

    Attributes:
        of_flags: options whose value is a text of flags, which argparse would take for an option.
    """

    of_flags: frozenset[str] = frozenset()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("allow_abbrev", False)
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, with ``--a "--flag"`` for ``--a="--flag"``."""
        words: list[str] = []
        for word in sys.argv[1:] if args is None else args:
            if words and words[-1] in self.of_flags and word not in self.of_flags:
                words[-1] += f"={word}"
            else:
                words.append(word)
        return super().parse_known_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the whole usage."""
        raise UsageError(f"{message}; see `{self.prog} --help`")


def build_parser(plugins: Iterable[str]) -> Parser:
    """The parser of ``planwise``.

    Args:
        plugins: names of the installed plugins; each gives ``--name`` and ``--no-name``.
    """
    parser = Parser("planwise", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("--version", action="version", version=f"planwise {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    names = list(plugins)
    _simulate(commands, names)
    _validate(commands, names)
    _digest(commands)
    _census(commands)
    _inputs(commands)
    _from_modules(commands, SUBCOMMANDS)
    return parser


def option_parser(declared: Mapping[str, Sequence[PluginOption]]) -> Parser:
    """The parser of the plugins' own options: ``--<plugin>-<option>``."""
    parser = Parser("planwise simulate", add_help=False, usage=argparse.SUPPRESS)
    for plugin, options in declared.items():
        group = parser.add_argument_group(
            f"options of the plugin {plugin}",
            f"also {option_variable(plugin, '*')} in the environment, and keys of plugins.{plugin} "
            "in the configuration",
        )
        for option in options:
            default = "none" if option.default is None else option.default
            text = f"{option.help} (default: {default})".replace("%", "%%")
            flag, dest = option_flag(plugin, option.name), f"{plugin}\0{option.name}"
            if option.type is bool:
                group.add_argument(
                    flag, dest=dest, action=argparse.BooleanOptionalAction, default=None, help=text
                )
                continue
            words = "|".join(str(choice) for choice in option.choices)
            group.add_argument(flag, dest=dest, metavar=words or option.type.__name__, help=text)
    return parser


def unknown_arguments(
    words: Sequence[str], plugins: Iterable[str], known: Iterable[str], command: str | None
) -> str:
    """One line for arguments that nobody knows; a misspelt toggle gets the nearest plugin."""
    flag = words[0].split("=")[0]
    bare = {each.lstrip("-"): each for each in known}
    close = difflib.get_close_matches(flag.lstrip("-"), bare, n=1) if flag[:1] == "-" else []
    if close and bare[close[0]] != flag:  # else another action of the command has it
        return f"unknown argument {flag}; did you mean {bare[close[0]]}?"
    if flag.startswith("--no-"):
        return unknown_plugin_message(flag.removeprefix("--no-"), plugins)
    return f"unknown argument {flag}; see `planwise {command or ''}".rstrip() + " --help`"


def command_parser(parser: argparse.ArgumentParser, command: str) -> argparse.ArgumentParser:
    """The parser of a command."""
    for action in parser._actions:  # noqa: SLF001  # argparse has no public way to list them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  # as above
            found = action.choices[command]
            if isinstance(found, argparse.ArgumentParser):
                return found
    raise KeyError(command)


def known_flags(parser: argparse.ArgumentParser, command: str) -> list[str]:
    """Every flag of a command and of its actions."""
    return _flags(command_parser(parser, command))


def _flags(parser: argparse.ArgumentParser) -> list[str]:
    flags = list(parser._option_string_actions)  # noqa: SLF001  # as in command_parser
    for action in parser._actions:  # noqa: SLF001  # as in command_parser
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  # as in command_parser
            flags += [flag for each in action.choices.values() for flag in _flags(each)]
    return flags


def _from_modules(commands: Any, names: Sequence[str]) -> None:
    """Let modules add their parsers, and note in each whose ``run`` it leads to."""
    for name in names:
        before = set(commands.choices)
        importlib.import_module(f"planwise.cli.{name}").add_parser(commands)
        for added in set(commands.choices) - before:
            commands.choices[added].set_defaults(module=name)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="configuration (default: config/simulation_config.yaml if it is there)",
    )
    parser.add_argument(
        "--dbt-project",
        type=Path,
        metavar="DIR",
        help="the dbt project (default: ./dbt, else the simulation that comes with planwise)",
    )
    parser.add_argument(
        "--census", type=Path, metavar="FILE", help="CSV, Parquet or Excel, a row a person"
    )
    parser.add_argument(
        "--census-date",
        type=parse_date,
        metavar="YYYY-MM-DD",
        help="the day that the census describes (default: 31 December before the first year)",
    )
    parser.add_argument(
        "--years",
        nargs="+",
        metavar="YEAR",
        help="simulation years: 2025 2026 2027, or 2025-2029 (default: the configuration's)",
    )
    parser.add_argument(
        "--scenario",
        nargs="+",
        metavar="NAME",
        help="scenarios to take, in one pass: files of the folder `scenarios` beside the "
        "configuration, or the configuration's own (default); see `planwise scenarios list`",
    )
    parser.add_argument("--seed", type=_seed, metavar="N", help="seed of every draw (default: 42)")
    parser.add_argument("--verbose", action="store_true", help="show tracebacks of errors")


def _toggles(parser: argparse.ArgumentParser, plugins: Sequence[str]) -> None:
    group = parser.add_argument_group(
        "plugins",
        "every installed plugin is on unless it is switched off here or in the config; one that "
        "needs an extra is off unless it is switched on",
    )
    group.add_argument(
        "--enable-all-optimizations",
        action="store_true",
        help="switch every installed plugin on that needs no extra, whatever the config says",
    )
    for name in plugins:
        group.add_argument(
            f"--{name}",
            dest=f"toggle\0{name}",
            action=argparse.BooleanOptionalAction,
            default=None,
            help=f"the plugin {name} on or off",
        )


def _simulate(commands: Any, plugins: Sequence[str]) -> None:
    parser = commands.add_parser(
        "simulate",
        help="run the simulation through the years",
        description="Run the simulation through the years, and print a report.",
    )
    _common(parser)
    parser.add_argument(
        "--database",
        type=Path,
        metavar="FILE",
        help="where the result goes (default: output/simulation.duckdb); replaced when all is done",
    )
    parser.add_argument(
        "--pool-size",
        type=int,
        metavar="N",
        help="models that may run at once, 1 to 64 (default: 4)",
    )
    parser.add_argument(
        "--memory-limit",
        metavar="SIZE",
        help="bound of DuckDB's buffers, such as 4GB; wins over DUCKDB_MEMORY_LIMIT, the config "
        "and the tuner",
    )
    parser.add_argument(
        "--threads", type=int, metavar="N", help="DuckDB's threads; wins over DUCKDB_THREADS etc."
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE.json", help="write the results as JSON too"
    )
    parser.add_argument(
        "--quiet",
        action="store_true",
        help="print errors only, and with --dry-run the plan; files are written all the same",
    )
    parser.add_argument(
        "--cache-dir",
        type=Path,
        metavar="DIR",
        help="where graphs and rendered SQL are kept between runs (default: PLANWISE_CACHE_DIR, "
        "else planwise in the user's cache folder)",
    )
    parser.add_argument(
        "--no-cache", action="store_true", help="keep nothing between runs, and use nothing kept"
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="check everything, show years, plugins, settings and batches, and write nothing; "
        "refused with what only a run gives: --output, --metrics, --profile, --record-statements, "
        "--resume",
    )
    parser.add_argument(
        "--record-statements",
        type=Path,
        metavar="DIR",
        help="record every statement that planwise sends to the database, for a replay "
        "(docs/benchmarks.md); an empty folder",
    )
    add_state_flags(parser)
    add_project_flags(parser)
    parser.add_argument(
        "--plugin-errors",
        choices=("fail", "warn"),
        help="whether a plugin that fails ends the run also where no result depends on it, or is "
        "warned of and left out (default: fail; see docs/plugins.md)",
    )
    _toggles(parser, plugins)


def _validate(commands: Any, plugins: Sequence[str]) -> None:
    parser = commands.add_parser(
        "validate",
        help="check dependencies, plugins, config, scenarios, project, census, disk and memory",
        description="Check all that a run needs. Exit code 1, with what to do, if something fails.",
    )
    _common(parser)
    parser.add_argument("--database", type=Path, metavar="FILE", help="as for simulate")
    _toggles(parser, plugins)


def _digest(commands: Any) -> None:
    parser = commands.add_parser(
        "digest",
        help="print order-independent fingerprints of every table",
        description="Print rows and digest of every table as JSON. Equal digests, equal tables.",
    )
    parser.add_argument("database", type=Path, metavar="DB", help="a DuckDB file")
    parser.add_argument(
        "--scenario", metavar="NAME", help="only the rows of one scenario, where tables have them"
    )
    parser.add_argument("--verbose", action="store_true", help="show tracebacks of errors")


def _census(commands: Any) -> None:
    parser = commands.add_parser("census", help="make a synthetic census, and more about censuses")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    generate = actions.add_parser(
        "generate",
        help="write a realistic synthetic census",
        description="Write a realistic synthetic census; the same seed gives the same file.",
    )
    generate.add_argument("--employees", type=int, default=10_000, metavar="N", help="people")
    generate.add_argument("--seed", type=_seed, default=42, metavar="N", help="default: 42")
    generate.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help="FILE.csv or FILE.parquet"
    )
    generate.add_argument(
        "--census-date",
        type=parse_date,
        default=date(2024, 12, 31),
        metavar="YYYY-MM-DD",
        help="the day that it describes (default: 2024-12-31)",
    )
    generate.add_argument("--force", action="store_true", help="replace a file that is there")
    generate.add_argument("--verbose", action="store_true", help="show tracebacks of errors")
    _from_modules(actions, CENSUS_ACTIONS)


def _inputs(commands: Any) -> None:
    parser = commands.add_parser(
        "inputs",
        help="write census and scenarios into a database, to run the models with plain dbt",
        description="Write the sources of the simulation (schema inputs) into a database; then "
        "`dbt seed` and `dbt run` need no planwise.",
    )
    _common(parser)
    parser.add_argument(
        "--database", type=Path, required=True, metavar="FILE", help="made if it is missing"
    )


def parse_date(text: str) -> date:
    """A date of the command line."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a date like 2024-12-31, got '{text}'") from None


def _seed(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = -1
    if not 0 <= value < 2**63:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to 2^63-1, got '{text}'")
    return value
