"""Whether `planwise bench ab` can be believed: equal arms, a plugin that sleeps, one that changes.

Run it from the checkout, in its environment: ``python benchmarks/equal_arms.py --help``. It takes
hours: with the defaults, 20 benches of 20 rounds or more, and one of them over 10,000 people.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from planwise.bench.job import planwise_command
from planwise.bench.ratios import LEAST_ROUNDS
from planwise.bench.script import run_script
from planwise.errors import PlanwiseError, UsageError

EQUAL: Final = "equal"
SLEEPING: Final = "sleeping"
CHANGING: Final = "changing"
PARTS: Final = (CHANGING, SLEEPING, EQUAL)
NO_DIFFERENCE: Final = "no significant difference"
_ROOT: Final = Path(__file__).resolve().parents[1]
_TABLE: Final = "fct_compensation_growth"
_CHECK: Final = "check_plan"
"""The last model, which reads the table: of a change after it digests alone know."""
PLUGINS: Final[Mapping[str, str]] = {
    SLEEPING: """
        import time

        from planwise.api import hookimpl


        class Plugin:
            @hookimpl
            def record_metric(self, metric):
                if metric.kind == "batch":
                    time.sleep(0.05 * metric.wall_s)
        """,
    CHANGING: f"""
        from planwise.api import hookimpl


        class Plugin:
            @hookimpl
            def execute_batch(self, request):
                names = [node.unique_id for node in request.nodes]
                done = request.run_by_dbt(names)
                if any(name.endswith(".{_CHECK}") for name in names):
                    sql = (
                        "update {_TABLE} set average_pay_cents = average_pay_cents + 1 "
                        "where rowid = (select min(rowid) from {_TABLE})"
                    )
                    request.transaction(lambda cursor: cursor.execute(sql))
                return done
        """,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benches.

    Args:
        arguments: without the program's name; those of the process by default.

    Returns:
        The exit code: 0 all as it must be, 1 something not or failed, 2 wrong usage, 130
        interrupted.
    """
    return run_script("equal_arms", lambda: _benches(_parser().parse_args(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "equal_arms.py", description=(__doc__ or "").splitlines()[0], allow_abbrev=False
    )
    add = parser.add_argument
    add("--repeats", type=int, default=20, metavar="N", help="benches of equal arms (default: 20)")
    add("--rounds", type=int, metavar="N", help="of each bench (default: that of bench ab)")
    add("--employees", type=int, default=1000, metavar="N", help="people (default: 1000)")
    add("--years", nargs="+", default=["2025-2026"], help="years (default: 2025-2026)")
    add(
        "--sleeping-employees",
        type=int,
        default=10_000,
        metavar="N",
        help="people of the bench with a plugin that sleeps, of which batches have to be most "
        "(default: 10000)",
    )
    add("--sleeping-years", nargs="+", default=["2025-2029"], help="likewise (default: 2025-2029)")
    add("--parts", nargs="+", choices=PARTS, default=PARTS, help="only these (default: all)")
    return parser


def _benches(options: argparse.Namespace) -> int:
    if options.repeats < 1:
        raise UsageError(f"--repeats: expected 1 or more, got {options.repeats}")
    if options.rounds is not None and options.rounds < LEAST_ROUNDS:
        raise UsageError(
            f"--rounds: expected {LEAST_ROUNDS} or more, got {options.rounds}; of fewer there is "
            "no verdict"
        )
    small = (options.employees, options.years)
    large = (options.sleeping_employees, options.sleeping_years)
    sound = True
    with tempfile.TemporaryDirectory(prefix="planwise-equal-arms-") as name:
        folder = Path(name)
        if CHANGING in options.parts:
            sound &= _changing(folder, options.rounds, *small)
        if SLEEPING in options.parts:
            sound &= _sleeping(folder, options.rounds, *large)
        if EQUAL in options.parts:
            sound &= _equal(folder, options.repeats, options.rounds, *small)
    print("all is as it must be" if sound else "something is not as it must be: see above")
    return 0 if sound else 1


def _changing(folder: Path, rounds: int | None, employees: int, years: Sequence[str]) -> bool:
    """Whether one value in one row is seen before anything is measured."""
    site = install(folder, CHANGING)
    flags = (f"--no-precompile --{CHANGING}", f"--no-precompile --no-{CHANGING}")
    done = _ab(folder, flags, rounds, employees, years, site)
    rows = [line for line in done.stdout.splitlines() if " rows only in " in line]
    measured = any(line.startswith("round ") for line in done.stdout.splitlines())
    sound = done.returncode == 1 and f"main.{_TABLE};" in done.stderr and not measured
    print(f"a plugin that changes one value: {done.stderr.strip() or 'not seen'}")
    print("\n".join(rows))
    return sound and len(rows) == 1


def _sleeping(folder: Path, rounds: int | None, employees: int, years: Sequence[str]) -> bool:
    """Whether a plugin that sleeps for 5 % of each batch is called slower."""
    site = install(folder, SLEEPING)
    flags = (f"--{SLEEPING}", f"--no-{SLEEPING}")
    verdict, sentence = _verdict(folder, flags, rounds, employees, years, site)
    print(f"a plugin that sleeps for 5 % of each batch: {sentence}", flush=True)
    return verdict == "slower"


def _equal(
    folder: Path, repeats: int, rounds: int | None, employees: int, years: Sequence[str]
) -> bool:
    """Whether equal arms are called equal in 19 of 20 benches, or as many of fewer."""
    verdicts = []
    for number in range(1, repeats + 1):
        verdict, sentence = _verdict(folder, ("", ""), rounds, employees, years, None)
        verdicts.append(verdict)
        print(f"equal arms, {number} of {repeats}: {sentence}", flush=True)
    right = verdicts.count(NO_DIFFERENCE)
    print(f"{right} of {repeats} said '{NO_DIFFERENCE}'; at least {needed(repeats)} have to")
    return right >= needed(repeats)


def needed(repeats: int) -> int:
    """How many of so many benches of equal arms have to see no difference: 19 of each 20.

    Args:
        repeats: how many there are.
    """
    return repeats - repeats // 20


def install(folder: Path, name: str) -> Path:
    """A distribution with one of :data:`PLUGINS`, in a folder for ``PYTHONPATH``; gives that.

    Args:
        folder: to make it in.
        name: of the plugin.
    """
    site = folder / name
    info = site / f"{name}_plugin-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[planwise.plugins]\n{name} = {name}_plugin:Plugin\n")
    (site / f"{name}_plugin.py").write_text(textwrap.dedent(PLUGINS[name]))
    return site


def _verdict(
    folder: Path,
    flags: tuple[str, str],
    rounds: int | None,
    employees: int,
    years: Sequence[str],
    site: Path | None,
) -> tuple[str, str]:
    """The verdict on A, and the sentence about it."""
    done = _ab(folder, flags, rounds, employees, years, site)
    if done.returncode != 0:
        raise PlanwiseError(f"bench ab failed: {done.stderr.strip()}")
    found = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    sentence = next(line for line in done.stdout.splitlines() if line.startswith("a takes "))
    return found["comparisons"]["a"]["verdict"], f"{sentence} (seed {found['seed']})"


def _ab(
    folder: Path,
    flags: tuple[str, str],
    rounds: int | None,
    employees: int,
    years: Sequence[str],
    site: Path | None,
) -> subprocess.CompletedProcess[str]:
    words = [f"--a={flags[0]}", f"--b={flags[1]}", "--employees", str(employees), "--years", *years]
    words += ["--dbt-project", str(_ROOT / "dbt"), "--scratch", str(folder)]
    words += ["--output", str(folder / "found.json")]
    words += [] if rounds is None else ["--rounds", str(rounds)]
    paths = [str(site)] if site else []
    paths += filter(None, [os.environ.get("PYTHONPATH")])
    environment = dict(os.environ, **({"PYTHONPATH": os.pathsep.join(paths)} if paths else {}))
    command = planwise_command("bench", "ab", *words)
    # In an empty folder: no configuration of the caller's own is read.
    return subprocess.run(  # our own command, and no shell
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


if __name__ == "__main__":
    sys.exit(main())
