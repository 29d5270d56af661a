"""``planwise bench arms``: the arms against one another, once they have been shown to agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from planwise.bench import arms, report
from planwise.bench.runner import contenders, measure
from planwise.bench.session import Setup, people
from planwise.errors import UsageError


def compare_arms(
    setup: Setup,
    *,
    employees: int,
    wanted: Sequence[str] | None,
    reference: str,
    per_model_years: int | None,
    say: Callable[[str], None],
) -> None:
    """Measure the arms, and print and write what was found.

    Args:
        setup: how the benchmark was called.
        employees: people of a synthetic census.
        wanted: the arms, each of which must run; None for all that can.
        reference: the arm that ratios are taken to.
        per_model_years: how many years the arm ``per-model`` runs; None for all.
        say: told of progress, and the result.

    Raises:
        PlanwiseError: an arm fails or cannot run, or two do not give the same tables.
    """
    setup.check()
    if per_model_years is not None and per_model_years < 1:
        raise UsageError(f"--per-model-years: expected 1 or more, got {per_model_years}")
    comparable = [arm.name for arm in arms.ARMS.values() if arm.gives_tables]
    if reference not in comparable:
        raise UsageError(f"--reference: expected one of {', '.join(comparable)}, got '{reference}'")
    chosen = arms.chosen([*wanted, reference] if wanted else None)
    setup.announce(", ".join(arm.name for arm in chosen), say)
    fewer = {} if per_model_years is None else {arms.PER_MODEL: per_model_years}
    with setup.scratch_folder() as scratch:
        job = setup.job(scratch, employees)
        if not job.caches:
            say(
                "warning: this planwise keeps no caches between runs (simulate --cache-dir): "
                f"{arms.WARM} runs as {arms.COLD} does"
            )
        measurement = measure(
            contenders(chosen, job, reference, fewer),
            rounds=setup.rounds,
            seed=setup.seed,
            scratch=scratch,
            say=say,
            required=frozenset([*(wanted or ()), reference]),
        )
    found = report.comparisons(measurement, setup.seed)
    say(
        f"\nEvery table that an arm shares with {reference} is the same "
        f"({min(measurement.tables_compared.values())} tables at least). "
        f"{people(setup, employees)}, {len(job.years)} years, medians of {setup.rounds} round(s)\n"
    )
    say("\n".join(report.whole_table(measurement, found, reference=reference)))
    say("\n" + "\n".join(report.phase_table(measurement, job.years)))
    around = setup.surroundings(
        employees=None if setup.census else employees,
        benchmark="arms",
        reference=reference,
        caches=job.caches,
    )
    setup.write(report.as_json(measurement, found, around), say)
