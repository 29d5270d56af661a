"""What DuckDB measures of each statement in a phase's transaction."""

from __future__ import annotations


def measuring(*, profile: bool) -> tuple[str, ...]:
    """The statements that make a session measure what it executes.

    Args:
        profile: whether operators are measured too, for a plan with times.
    """
    # One figure costs nothing that could be measured; all of them 5 % of a small statement.
    wanted = "['*']" if profile else "['system.peak_temp_dir_size']"
    return (
        "set enable_profiling = 'no_output'",
        "set profiling_coverage = 'all'",
        f"set tracked_metrics = {wanted}",
    )
