"""Options that the actions of ``planwise bench`` share."""

from __future__ import annotations

import argparse
from pathlib import Path

from planwise.bench.precision import LEAST, MOST, PERCENT


def add_census(parser: argparse.ArgumentParser) -> None:
    """Add a census: the user's own, or a synthetic one of so many people."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--census", type=Path, metavar="FILE", help="your own census")
    source.add_argument(
        "--employees",
        type=int,
        default=10_000,
        metavar="N",
        help="people of a synthetic one (default: 10000)",
    )
    parser.add_argument(
        "--census-date", metavar="YYYY-MM-DD", help="the day that --census describes"
    )


def add_common(parser: argparse.ArgumentParser, *, rounds: int | None, page: bool = False) -> None:
    """Add what every benchmark has.

    Args:
        parser: of the action.
        rounds: how often each arm is measured by default; None where another option decides.
        page: whether the result is an HTML page, with the JSON beside it.
    """
    add = parser.add_argument
    add("--years", nargs="+", default=["2025-2029"], metavar="YEAR", help="default: 2025-2029")
    add(
        "--rounds",
        type=int,
        default=rounds,
        metavar="N",
        help="runs of each arm; a verdict needs 6 "
        f"(default: {'as --precision says' if rounds is None else rounds})",
    )
    add("--config", type=Path, metavar="FILE", help="as for simulate")
    add("--dbt-project", type=Path, metavar="DIR", help="as for simulate")
    add("--scenario", nargs="+", default=[], metavar="NAME", help="as for simulate")
    add(
        "--pool-size",
        type=int,
        default=4,
        metavar="N",
        help="planwise's pool, dbt's --threads (default: 4)",
    )
    add("--seed", type=int, metavar="N", help="of order and bootstrap (default: random, printed)")
    add("--scratch", type=Path, metavar="DIR", help="where to run (default: the system's temp)")
    if page:
        add(
            "--output",
            type=Path,
            default=Path("bench.html"),
            metavar="FILE.html",
            help="the page; the JSON goes beside it as FILE.json (default: bench.html)",
        )
    else:
        add("--output", type=Path, metavar="FILE.json", help="write everything as JSON too")
    add("--verbose", action="store_true", help="show tracebacks of errors")


def add_precision(parser: argparse.ArgumentParser) -> None:
    """Add how well a ratio has to be known, of a benchmark of two arms."""
    parser.add_argument(
        "--precision",
        type=float,
        metavar="PERCENT",
        help=f"without --rounds: go on after {LEAST} rounds, to {MOST} at the most, until the "
        f"95 %% interval reaches no farther to either side (default: {PERCENT})",
    )


def add_course(parser: argparse.ArgumentParser, *, cold: bool = True) -> None:
    """Add how a benchmark takes its course.

    Args:
        parser: of the action.
        cold: whether its arms may have empty caches.
    """
    add = parser.add_argument
    add(
        "--warmup",
        type=int,
        default=1,
        metavar="N",
        help="runs of each arm before those that count, 1 or more (default: 1)",
    )
    add(
        "--time-budget",
        type=float,
        metavar="SECONDS",
        help="begin no round that would end later than this; one is measured in any case",
    )
    if not cold:
        return
    add(
        "--cold",
        action="store_true",
        help="empty caches in every run (default: its own, begun as the reference's are)",
    )
