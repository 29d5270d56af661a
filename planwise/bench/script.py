"""How a script of ``benchmarks/`` ends: measured, failed with one line, or interrupted."""

from __future__ import annotations

import sys
from collections.abc import Callable

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
