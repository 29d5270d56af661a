"""How a script of ``benchmarks/`` begins, and ends: measured, failed with a line, interrupted."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable

from planwise.bench.ratios import LEAST_ROUNDS
from planwise.bench.surroundings import machine, versions
from planwise.errors import PlanwiseError


def run_script(name: str, benchmark: Callable[[], int | None]) -> int:
    """Run a benchmark to its end.

    Args:
        name: of the script, for messages.
        benchmark: measures and prints; gives an exit code, or None for 0.

    Returns:
        The exit code: what the benchmark gives, that of its error, or 130 if it was interrupted.
    """
    try:
        return benchmark() or 0
    except PlanwiseError as error:
        print(f"{name}: {error}", file=sys.stderr)  # noqa: T201  # the scripts' own output
        return error.exit_code
    except KeyboardInterrupt:
        print(f"{name}: interrupted; nothing is reported", file=sys.stderr)  # noqa: T201  # as above
        return 130


def begin(rounds: int, seed: int | None) -> int:
    """Print on what is measured, and whether that is often enough.

    Args:
        rounds: how often each arm is measured.
        seed: of order and bootstrap; None for any.

    Returns:
        The seed.
    """
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    print(f"machine: {machine()}\nversions: {versions()}\nseed {seed}", flush=True)  # noqa: T201  # as above
    if rounds < LEAST_ROUNDS:
        print(f"warning: a verdict needs {LEAST_ROUNDS} rounds", flush=True)  # noqa: T201  # as above
    return seed
