"""What must hold between the keys of the section ``plan``.

A rule that looks at a key which is left out needs its default, and the defaults are in the dbt
project's seeds. So the rules run twice: on what the file gives, as it is read, and again with the
defaults, once the project is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs

from planwise.config.tables import NO_END, Finding
from planwise.config.text import shown

if TYPE_CHECKING:
    from planwise.config.plan import Plan

WITH_MATCH_TIERS: Final = ("custom", "tenure_graded", "points_graded")
"""Formulas of the match that have no tiers of their own."""

NEEDS_CORE_TIERS: Final = ("points",)
TAKES_CORE_TIERS: Final = ("service", "points")

QACA_LEAST_RATE: Final = Decimal("0.03")
"""401(k)(13)(C)(iii): an automatic deferral of a qualified arrangement starts at 3 %."""

MOST_CORE_EXCESS: Final = Decimal("0.057")
"""401(l)(2)(A): the most that an integrated plan adds above the wage base."""

CLIFF_3: Final[Mapping[int, Decimal]] = {3: Decimal(1)}
GRADED_2_TO_6: Final[Mapping[int, Decimal]] = {
    2: Decimal("0.2"),
    3: Decimal("0.4"),
    4: Decimal("0.6"),
    5: Decimal("0.8"),
    6: Decimal(1),
}
"""411(a)(2)(B): vested shares by years of service, of which a plan keeps one at every year."""


@attrs.frozen
class PlanDefaults:
    """Defaults of the dbt project that the rules look at.

    Attributes:
        parameters: text by parameter.
        age_bands: lower bounds of the age bands of enrolment.
        pay_bands: lower bounds of the pay bands.
        deferrals: the pairs of both that the default table has a deferral for.
        first_limit_year: the first year of the default limits.
    """

    parameters: Mapping[str, str]
    age_bands: tuple[int, ...]
    pay_bands: tuple[Decimal, ...]
    deferrals: tuple[tuple[int, Decimal], ...]
    first_limit_year: int


def plan_findings(plan: Plan, defaults: PlanDefaults | None) -> list[Finding]:
    """What is wrong between the keys of a plan.

    Args:
        plan: the section; each key is right by itself.
        defaults: what holds for keys that are left out; without it, a rule that needs a key which
            is left out is not applied.

    Returns:
        Paths below the section, each with a text.
    """
    return [finding for rule in _RULES for finding in rule(plan, defaults)]


def plan_warnings(plan: Plan, defaults: PlanDefaults) -> list[str]:
    """What is allowed and most likely not meant, in sentences."""
    rate = _rate(plan, "auto_enrollment_rate", defaults)
    if plan.match_formula != "qaca" or rate is None or rate >= QACA_LEAST_RATE:
        return []
    text = f"plan.match_formula is qaca and plan.auto_enrollment_rate is {shown(rate)}"
    return [f"{text}: a qualified automatic arrangement starts at {shown(QACA_LEAST_RATE)} or more"]


def _voluntary_bounds(plan: Plan, defaults: PlanDefaults | None) -> Iterable[Finding]:
    low = _rate(plan, "voluntary_deferral_min", defaults)
    high = _rate(plan, "voluntary_deferral_max", defaults)
    if low is None or high is None or low <= high:
        return
    if plan.voluntary_deferral_min is not None:
        text = f"expected voluntary_deferral_max ({shown(high)}) or less, got {shown(low)}"
        yield ("voluntary_deferral_min",), text
    else:
        text = f"expected voluntary_deferral_min ({shown(low)}) or more, got {shown(high)}"
        yield ("voluntary_deferral_max",), text


def _integrated(plan: Plan, defaults: PlanDefaults | None) -> Iterable[Finding]:
    base = _rate(plan, "core_rate", defaults)
    excess = _rate(plan, "core_excess_rate", defaults)
    if plan.core_formula != "integrated" or base is None or excess is None:
        return
    if excess > MOST_CORE_EXCESS:
        text = f"expected {shown(MOST_CORE_EXCESS)} or less with core_formula integrated"
        yield ("core_excess_rate",), f"{text}, got {shown(excess)}"
    elif excess > base and plan.core_excess_rate is not None:
        text = f"expected core_rate ({shown(base)}) or less with core_formula integrated"
        yield ("core_excess_rate",), f"{text}, got {shown(excess)}"
    elif excess > base:
        text = f"expected core_excess_rate ({shown(excess)}) or more with core_formula integrated"
        yield ("core_rate",), f"{text}, got {shown(base)}"


def _match_tiers(plan: Plan, _: PlanDefaults | None) -> Iterable[Finding]:
    takes = plan.match_formula in WITH_MATCH_TIERS
    if takes and plan.match_tiers is None:
        text = f"expected the table match_tiers beside it, which {plan.match_formula} needs"
        yield ("match_formula",), f"{text}, but the key is missing"
    elif not takes and plan.match_tiers is not None:
        yield ("match_tiers",), _no_table("match_formula", plan.match_formula, WITH_MATCH_TIERS)
    elif plan.match_formula == "custom":
        for number, tier in enumerate(plan.match_tiers or ()):
            for column, due in (("band_min", 0), ("band_max", NO_END)):
                if (got := getattr(tier, column)) != due:
                    text = f"expected {due} (or no key), since custom has no bands, got {got}"
                    yield ("match_tiers", number, column), text
                    return


def _core_tiers(plan: Plan, _: PlanDefaults | None) -> Iterable[Finding]:
    if plan.core_formula in NEEDS_CORE_TIERS and plan.core_tiers is None:
        text = f"expected the table core_tiers beside it, which {plan.core_formula} needs"
        yield ("core_formula",), f"{text}, but the key is missing"
    elif plan.core_formula not in TAKES_CORE_TIERS and plan.core_tiers is not None:
        yield ("core_tiers",), _no_table("core_formula", plan.core_formula, TAKES_CORE_TIERS)


def _vesting_steps(plan: Plan, _: PlanDefaults | None) -> Iterable[Finding]:
    for source in ("match", "core"):
        schedule = getattr(plan, f"{source}_vesting")
        steps = {
            number: step
            for number, step in enumerate(plan.vesting_steps or ())
            if step.money_source == source
        }
        if schedule == "custom" and not steps:
            text = f"expected steps of {source} in vesting_steps, which custom needs"
            yield (f"{source}_vesting",), f"{text}, but there are none"
        elif schedule != "custom" and steps:
            is_what = f"{schedule}" if schedule else "left to its default"
            text = f"expected no steps of {source}, since {source}_vesting is {is_what}"
            yield ("vesting_steps", min(steps)), f"{text} and only custom takes them"
        elif steps and not plan.governmental:
            vested = {step.service_years: step.vested for step in steps.values()}
            cliff, graded = _behind(vested, CLIFF_3), _behind(vested, GRADED_2_TO_6)
            if cliff is not None and graded is not None:
                text = (
                    "expected at every year of service what a 3-year cliff vests, or at every year "
                    f"what 2-to-6 graded does: it is behind the one at {cliff} and behind the "
                    f"other at {graded} years; only a governmental plan may be slower"
                )
                yield ("vesting_steps", min(steps)), text


def _behind(vested: Mapping[int, Decimal], law: Mapping[int, Decimal]) -> int | None:
    """The first year of service at which a schedule vests less than another."""
    return next((year for year in sorted(law) if _at(vested, year) < law[year]), None)


def _at(vested: Mapping[int, Decimal], year: int) -> Decimal:
    """The vested share at a number of years, which is that of the last step reached."""
    reached = [step for step in vested if step <= year]
    return vested[max(reached)] if reached else Decimal(0)


def _deferral_grid(plan: Plan, defaults: PlanDefaults | None) -> Iterable[Finding]:
    given = [key for key in _GRID if getattr(plan, key) is not None]
    if not given or (defaults is None and len(given) < len(_GRID)):
        return
    ages = _lower_bounds(plan.enrollment_age_bands, "min_age", defaults and defaults.age_bands)
    pays = _lower_bounds(plan.enrollment_pay_bands, "min_pay", defaults and defaults.pay_bands)
    rows = (
        [(row.min_age, row.min_pay) for row in plan.enrollment_deferrals]
        if plan.enrollment_deferrals is not None
        else list(defaults.deferrals if defaults else ())
    )
    missing = [(age, pay) for age in ages for pay in pays if (age, pay) not in set(rows)]
    if plan.enrollment_deferrals is None:
        surplus = [row for row in rows if row[0] not in ages or row[1] not in pays]
        if missing or surplus:
            text = "expected the table enrollment_deferrals beside it, with a row for every pair of"
            yield (given[0],), f"{text} these bands: the default table is for the default bands"
        return
    for number, (age, pay) in enumerate(rows):
        for column, bounds, value in (("min_age", ages, age), ("min_pay", pays, pay)):
            if value not in bounds:
                listed = ", ".join(shown(bound) for bound in bounds)
                text = f"expected where a band begins ({listed}), got {shown(value)}"
                yield ("enrollment_deferrals", number, column), text
    if missing:
        age, pay = missing[0]
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        text = "expected a row for every pair of an age band and a pay band, but there is none for"
        yield ("enrollment_deferrals",), f"{text} min_age {age} and min_pay {shown(pay)}{more}"


def _lower_bounds(rows: Sequence[Any] | None, column: str, default: Any) -> tuple[Any, ...]:
    return tuple(default or ()) if rows is None else tuple(getattr(row, column) for row in rows)


def _rate(plan: Plan, key: str, defaults: PlanDefaults | None) -> Decimal | None:
    """The rate that is given, else its default, else nothing."""
    given: Decimal | None = getattr(plan, key)
    if given is None and defaults is not None:
        return Decimal(defaults.parameters[key])
    return given


def _no_table(key: str, formula: str | None, takes: Sequence[str]) -> str:
    is_what = formula or "left to its default"
    return (
        f"expected no table here, since {key} is {is_what}; "
        f"{', '.join(takes[:-1])} and {takes[-1]} take one"
    )


_GRID: Final = ("enrollment_age_bands", "enrollment_pay_bands", "enrollment_deferrals")
_RULES: Final[tuple[Callable[[Any, PlanDefaults | None], Iterable[Finding]], ...]] = (
    _voluntary_bounds,
    _integrated,
    _match_tiers,
    _core_tiers,
    _vesting_steps,
    _deferral_grid,
)
