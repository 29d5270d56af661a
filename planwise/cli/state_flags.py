"""Flags of ``planwise simulate`` for what outlives a run: states, metrics, profiles; going on."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_state_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of resuming, branching and checkpoints."""
    group = parser.add_argument_group(
        "going on",
        "a run that is interrupted keeps its finished years (docs/checkpoints.md)",
    )
    group.add_argument(
        "--resume",
        nargs="?",
        const="yes",
        default="no",
        choices=("yes", "force"),
        metavar="force",
        help="go on with an interrupted run at its first unfinished year, or start if there is "
        "none; refused if project, configuration or census differ, unless --resume=force",
    )
    group.add_argument(
        "--from",
        dest="branch",
        metavar="RUN@YEAR",
        help="start from what the run in the database RUN had at the end of YEAR, for example "
        "--from output/simulation.duckdb@2027 --scenario generous_match --years 2028-2030 "
        "--database output/generous.duckdb",
    )
    group.add_argument(
        "--no-checkpoints",
        action="store_true",
        help="do not store the state of each year, from which a damaged database is made anew",
    )
    group.add_argument(
        "--checkpoint-limit",
        metavar="SIZE",
        help="what the stored states of the run may take, such as 500MB: the oldest go first",
    )
    group = parser.add_argument_group("watching", "what a run took (docs/plugins.md)")
    group.add_argument(
        "--metrics",
        type=Path,
        metavar="FILE",
        help="write time, CPU, memory, storage and rows of each phase, batch, model and checkpoint "
        "as JSON lines too; in the database they are the table planwise.planwise_metrics",
    )
    group.add_argument(
        "--profile",
        action="store_true",
        help="keep DuckDB's profiles of the slowest models, plan and operator times, in the run's "
        "folder",
    )
