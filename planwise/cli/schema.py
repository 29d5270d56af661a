"""``planwise schema``: the JSON Schema of configuration and scenario files, and of results."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

_DESCRIPTION: Final = """\
Print the JSON Schema of a kind of file, for an editor that completes keys, shows what they mean and
marks what cannot be. It takes every file that planwise takes; what JSON Schema cannot say, such as
that bands follow each other, `planwise validate` finds. That of `results` is of what
`planwise simulate --output` writes, made from the types that this is held to."""

_EXAMPLES: Final = """\
examples:
  planwise schema config > config.schema.json
  planwise schema scenario > scenario.schema.json
  planwise schema results > results.schema.json

In the first line of a YAML file, most editors then read:
  # yaml-language-server: $schema=config.schema.json"""


def add_parser(commands: Any) -> None:
    """Add the parser of ``planwise schema``."""
    parser = commands.add_parser(
        "schema",
        help="print the JSON Schema of configuration, scenario and results files",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    parser.add_argument("file", choices=["config", "scenario", "results"], help="the kind of file")
    parser.add_argument(
        "--dbt-project",
        type=Path,
        metavar="DIR",
        help="whose seeds say the defaults (default: as for simulate)",
    )
    parser.add_argument("--verbose", action="store_true", help="show tracebacks of errors")


def run(options: argparse.Namespace) -> int:
    """Print the schema.

    Raises:
        PlanwiseError: the project's defaults cannot be read.
    """
    if options.file == "results":
        from planwise.reporting.results_schema import results_schema

        sys.stdout.write(json.dumps(results_schema(), indent=2) + "\n")
        return 0
    from planwise.cli.settled import settled_project
    from planwise.config.json_schema import file_schema
    from planwise.scenarios import read_default_parameters

    project = settled_project(options)
    defaults = {row.parameter: row for row in read_default_parameters(project)}
    sys.stdout.write(json.dumps(file_schema(options.file, defaults), indent=2) + "\n")
    return 0
