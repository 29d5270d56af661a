"""``planwise bench``: ways to run one simulation, held to the same tables and measured."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from planwise.bench.precision import MOST, PERCENT
from planwise.cli import bench_help
from planwise.cli.bench_options import add_census, add_common, add_course, add_precision
from planwise.errors import UsageError

if TYPE_CHECKING:
    from planwise.bench.session import Setup

_LEAST_PRECISE: Final = 50
"""Percent: of what is known less well nothing can be said."""


def add_parser(commands: Any) -> None:
    """Add the command to the commands of planwise."""
    parser = commands.add_parser("bench", help="measure planwise against plain dbt and the SQL")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    arms = actions.add_parser(
        "arms",
        help="plain dbt, dbt in process, planwise, and the bare statements",
        description="Measure ways to run one simulation in pairs of fresh processes.",
        epilog=bench_help.ARMS,
    )
    add_census(arms)
    arms.add_argument(
        "--arms", nargs="+", metavar="ARM", help="only these, and the reference (default: all)"
    )
    arms.add_argument(
        "--reference",
        default="planwise-warm",
        metavar="ARM",
        help="the arm that ratios are taken to (default: planwise-warm)",
    )
    arms.add_argument(
        "--per-model-years",
        type=int,
        default=1,
        metavar="N",
        help="years of the arm per-model, which is slow; it is held against the reference over the "
        "same years (default: 1)",
    )
    add_common(arms, rounds=6)
    scale = actions.add_parser(
        "scale",
        help="planwise and the bare statements as the census grows",
        description="Measure what a person costs in censuses of several sizes.",
        epilog=bench_help.SCALE,
    )
    scale.add_argument(
        "--employees",
        type=int,
        nargs="+",
        default=[1_000, 10_000, 100_000],
        metavar="N",
        help="people of each synthetic census (default: 1000 10000 100000)",
    )
    scale.add_argument(
        "--memory-limit", metavar="SIZE", help="of DuckDB, such as 2GB, in planwise and the floor"
    )
    add_common(scale, rounds=3)
    _add_ab(actions)
    _add_combinations(actions)
    _add_baseline(actions)
    _add_full(actions)
    _add_compare(actions)


def _add_ab(actions: Any) -> None:
    ab = actions.add_parser(
        "ab",
        help="two sets of flags of `planwise simulate` against each other",
        description="Measure planwise with the flags A against planwise with the flags B.",
        epilog=bench_help.AB,
    )
    ab.of_flags = frozenset({"--a", "--b"})
    ab.add_argument(
        "--a", required=True, metavar="FLAGS", help='flags of simulate in one text, "" for none'
    )
    ab.add_argument(
        "--b", default="", metavar="FLAGS", help="likewise; ratios are taken to B (default: none)"
    )
    ab.add_argument(
        "--branch-from",
        type=int,
        metavar="YEAR",
        help="measure a branch from this one of --years, restored from states that the arm stored",
    )
    add_census(ab)
    add_common(ab, rounds=None)
    add_precision(ab)
    add_course(ab)


def _add_combinations(actions: Any) -> None:
    combinations = actions.add_parser(
        "combinations",
        help="what each plugin contributes",
        description="Measure planwise with plugins on and off, and what each of them contributes.",
        epilog=bench_help.COMBINATIONS,
    )
    combinations.add_argument(
        "--plugins",
        nargs="+",
        metavar="NAME",
        help="only these, commas allowed; the others stay as the configuration has them (default: "
        "every installed plugin that needs no extra)",
    )
    modes = combinations.add_mutually_exclusive_group()
    for mode, text in (
        ("leave-one-out", "all on, each one off alone, all off (default)"),
        ("one-in", "all off, each one on alone, all on"),
        ("all", "every combination: 2^n arms for n plugins, at most 8; Shapley values"),
    ):
        modes.add_argument(f"--{mode}", dest="mode", action="store_const", const=mode, help=text)
    combinations.set_defaults(mode="leave-one-out")
    add_census(combinations)
    add_common(combinations, rounds=8)
    add_course(combinations)


def _add_baseline(actions: Any) -> None:
    baseline = actions.add_parser(
        "baseline",
        help="what plain dbt takes here, stored so that runs quote it",
        description="Measure plain dbt on this machine, and store it as the baseline of runs.",
        epilog=bench_help.BASELINE,
    )
    baseline.add_argument(
        "--arm",
        choices=("per-year", "per-model"),
        default="per-year",
        help="a process of dbt for each year, or for each model and year (default: per-year)",
    )
    add_census(baseline)
    add_common(baseline, rounds=3)
    add_course(baseline, cold=False)


def _add_full(actions: Any) -> None:
    full = actions.add_parser(
        "full",
        help="baseline, every combination of plugins, and one page about both",
        description="Measure plain dbt and every combination of plugins, and write an HTML page.",
        epilog=bench_help.FULL,
    )
    full.add_argument(
        "--plugins", nargs="+", metavar="NAME", help="only these, commas allowed, at most 8"
    )
    add_census(full)
    add_common(full, rounds=8, page=True)
    add_course(full, cold=False)


def _add_compare(actions: Any) -> None:
    compare = actions.add_parser(
        "compare",
        help="two stored results: has something become slower?",
        description="Compare two results that --output wrote, arm by arm.",
        epilog=bench_help.COMPARE,
    )
    compare.add_argument("old", type=Path, metavar="OLD.json", help="the earlier result")
    compare.add_argument("new", type=Path, metavar="NEW.json", help="the later one")
    compare.add_argument(
        "--threshold",
        type=float,
        default=1.05,
        metavar="FACTOR",
        help="a slowdown up to this factor is no regression (default: 1.05)",
    )
    compare.add_argument("--verbose", action="store_true", help="show tracebacks of errors")


def run(options: argparse.Namespace) -> int:
    """Run the benchmark; gives the exit code, 1 for a regression.

    Raises:
        PlanwiseError: an argument is wrong, an arm fails, or two arms differ.
        KeyboardInterrupt: it was stopped; nothing is left behind.
    """
    if options.action == "compare":
        from planwise.bench.regressions import compare_results

        return int(compare_results(options.old, options.new, options.threshold, _say))
    actions = {
        "arms": _arms,
        "scale": _scale,
        "ab": _ab,
        "combinations": _combinations,
        "baseline": _baseline,
        "full": _full,
    }
    try:
        actions[options.action](options, _setup(options))
    except KeyboardInterrupt as stop:
        raise type(stop)("nothing is reported, and nothing is left behind") from None
    return 0


def _setup(options: argparse.Namespace) -> Setup:
    """How the benchmark was called, with what was not said settled."""
    from planwise.bench.session import Setup
    from planwise.cli.settled import config_path, settled_project
    from planwise.cli.years import parse_years
    from planwise.warehouse.pool import check_pool_size

    check_pool_size(options.pool_size)
    given = vars(options)
    employees = given.get("employees")
    if isinstance(employees, int) and employees < 1:
        raise UsageError(f"--employees: expected 1 or more, got {employees}")
    setup = Setup(
        years=parse_years(options.years),
        dbt_project=settled_project(options),
        rounds=MOST if options.rounds is None else options.rounds,
        census=given.get("census"),
        census_date=given.get("census_date"),
        config=config_path(options),
        scenarios=tuple(options.scenario),
        pool_size=options.pool_size,
        memory_limit=given.get("memory_limit"),
        scratch=options.scratch,
        output=options.output,
        warmup=given.get("warmup", 1),
        time_budget_s=given.get("time_budget"),
        branch_from=given.get("branch_from"),
        **({} if options.seed is None else {"seed": options.seed}),
    )
    setup.check()
    return setup


def _arms(options: argparse.Namespace, setup: Setup) -> None:
    from planwise.bench.compare_arms import compare_arms

    compare_arms(
        setup,
        employees=options.employees,
        wanted=options.arms,
        reference=options.reference,
        per_model_years=options.per_model_years,
        say=_say,
    )


def _scale(options: argparse.Namespace, setup: Setup) -> None:
    from planwise.bench.scale import scale

    scale(setup, options.employees, _say)


def _ab(options: argparse.Namespace, setup: Setup) -> None:
    from planwise.bench.ab import A, B, compare_flags
    from planwise.cli.arm_flags import active_hooks, arm_flags

    branching = setup.branch_from is not None
    flags = {
        A: arm_flags(options.a, "--a", branching=branching),
        B: arm_flags(options.b, "--b", branching=branching),
    }
    hooks = active_hooks({f"--{name}": words for name, words in flags.items()}, setup.config)
    compare_flags(
        setup,
        employees=options.employees,
        flags=flags,
        hooks={name: hooks[f"--{name}"] for name in flags},
        cold=options.cold,
        precision=_precision(options),
        say=_say,
    )


def _precision(options: argparse.Namespace) -> float | None:
    """How well a ratio has to be known; None where the number of rounds was said."""
    if options.precision is None:
        return PERCENT if options.rounds is None else None
    if options.rounds is not None:
        raise UsageError("--precision decides the number of rounds; leave out --rounds")
    if not 0 < options.precision <= _LEAST_PRECISE:
        raise UsageError(
            f"--precision: expected percent above 0, {_LEAST_PRECISE} at the most, "
            f"got {options.precision:g}"
        )
    return float(options.precision)


def _combinations(options: argparse.Namespace, setup: Setup) -> None:
    from planwise.bench.combinations import combine

    toggles, hooks = _combined(options.plugins, options.mode, setup.config)
    combine(
        setup,
        employees=options.employees,
        mode=options.mode,
        toggles=toggles,
        hooks=hooks,
        cold=options.cold,
        say=_say,
    )


def _combined(
    wanted: list[str] | None, mode: str, config: Path | None
) -> tuple[dict[str, dict[str, bool]], dict[str, dict[str, list[str]]]]:
    """Each plugin on or off in each arm, and the active hooks in each arm."""
    from planwise.bench.combinations import combined_plugins, toggles_of
    from planwise.bench.toggles import toggle_flags
    from planwise.cli.arm_flags import active_hooks
    from planwise.plugins import installed_plugins

    installed = installed_plugins()
    if wanted is None:
        wanted = [name for name, each in installed.items() if not each.on_request]
    toggles = toggles_of(mode, combined_plugins(wanted, list(installed)))
    hooks = active_hooks({f"arm {n}": toggle_flags(each) for n, each in toggles.items()}, config)
    return toggles, {name: hooks[f"arm {name}"] for name in toggles}


def _baseline(options: argparse.Namespace, setup: Setup) -> None:
    from planwise.bench.baseline import measure_baseline

    measure_baseline(setup, employees=options.employees, arm=options.arm, say=_say)


def _full(options: argparse.Namespace, setup: Setup) -> None:
    from attrs import evolve

    from planwise.bench.combinations import ALL
    from planwise.bench.full import check_page, run_full

    page: Path = options.output
    setup = evolve(setup, output=check_page(page))
    toggles, hooks = _combined(options.plugins, ALL, setup.config)
    run_full(setup, employees=options.employees, toggles=toggles, hooks=hooks, page=page, say=_say)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
