"""Flags of ``planwise simulate`` for a dbt project of the user's own."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_project_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of a project that planwise did not write."""
    group = parser.add_argument_group(
        "your own dbt project",
        "a year-stepped dbt-duckdb project, with --dbt-project; planwise.yaml beside its "
        "dbt_project.yml says the same and more (docs/projects.md)",
    )
    group.add_argument(
        "--step-var", metavar="NAME", help="the var that holds the year (default: simulation_year)"
    )
    group.add_argument(
        "--foundation",
        nargs="+",
        metavar="SELECTOR",
        help="what runs once, before the first year, as dbt selects it (default: seeds, models "
        "tagged foundation, and what these depend on)",
    )
    group.add_argument(
        "--select",
        nargs="+",
        metavar="SELECTOR",
        help="what runs in each year, as dbt selects it (default: everything else)",
    )
    group.add_argument(
        "--profiles-dir",
        type=Path,
        metavar="DIR",
        help="the folder of your profiles.yml: the run is then in the database that it names",
    )
    group.add_argument("--target", metavar="NAME", help="the target of that profile")
    group.add_argument(
        "--vars",
        type=Path,
        metavar="FILE",
        help="further dbt vars, a YAML file of names and values",
    )
    group.add_argument(
        "--keep-intermediates",
        action="store_true",
        help="keep the tables that the project marks as needed during their year only",
    )
    group.add_argument(
        "--test",
        action="store_true",
        help="let dbt run the project's tests after the foundation and after each year; implies "
        "--keep-intermediates",
    )
