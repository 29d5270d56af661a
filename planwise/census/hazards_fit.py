"""The statistics of leaving: rates with credibility, and multipliers of age and tenure.

Counts and days come in as whole numbers; everything between them and the rates that come out is
decimal arithmetic of 34 digits, so that the same censuses give the same digits on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Final

from attrs import frozen

FULL_CREDIBILITY: Final = 1082
"""Leavers from which on a rate is believed wholly, unless the user says otherwise: with them a
Poisson count is within 5 % of its mean in 90 % of the cases, (1.645 / 0.05)^2. L. H. Longley-Cook,
An Introduction to Credibility Theory, Proceedings of the Casualty Actuarial Society 49 (1962)."""

THIN_CREDIBILITY: Final = Decimal("0.3")
"""Below it a band or cell is called thin: fewer than 98 leavers by the default standard."""

LOWEST_MULTIPLIER: Final = Decimal("0.00001")
"""Nobody of a band is made to stay for ever."""

HIGHEST_MULTIPLIER: Final = Decimal(1000)
"""What a configuration takes."""

HIGHEST_FIRST_YEAR_RATE: Final = Decimal("0.98")
"""What a configuration takes: above it, next to no hire would stay to fill a place."""

_ARITHMETIC: Final = Context(prec=34, rounding=ROUND_HALF_UP)
_HALF_DAYS_A_YEAR: Final = Decimal("730.5")
_ROUNDS: Final = 2000
_CLOSE: Final = Decimal("1e-9")
_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)


@frozen
class Cell:
    """People of one age band, one tenure band, and hired within the last year or not.

    Attributes:
        first_year: whether they were hired within the year before the first census.
        age, tenure: positions in the lists of bands, from 0.
        people: employed on the date of the first census.
        leavers: of these, who had left by the second.
        half_days: exposure in half days, so that a leaver without a date, who counts for half of
            the time between the censuses, is a whole number too.
    """

    first_year: bool
    age: int
    tenure: int
    people: int
    leavers: int
    half_days: int


@frozen
class Observed:
    """What was seen in some cells together, and what the fit makes of it.

    Attributes:
        people, leavers: counts.
        person_years: exposure; a year has 365.25 days.
        rate: leavers for each person-year; None without exposure.
        credibility: Z, from 0 to 1.
        weighted: Z * rate + (1 - Z) * rate of everybody; None without exposure.
        fitted: leavers for each person-year by the fitted model; None without exposure.
    """

    people: int
    leavers: int
    person_years: Decimal
    rate: Decimal | None
    credibility: Decimal
    weighted: Decimal | None
    fitted: Decimal | None

    @property
    def thin(self) -> bool:
        """Whether there are too few leavers to say much."""
        return self.credibility < THIN_CREDIBILITY


@frozen
class Multipliers:
    """One factor of the model, by band.

    Attributes:
        raw: from the marginal totals alone; the mean over the exposure is 1.
        credible: Z * raw + (1 - Z) * 1, in 5 decimals: what a scenario takes.
    """

    raw: tuple[Decimal, ...]
    credible: tuple[Decimal, ...]


@frozen
class Fit:
    """The fitted model: rate of a person = base of the group * age factor * tenure factor.

    Attributes:
        cells: what it was fitted to.
        age, tenure: the multipliers.
        base: rate for each person-year at multipliers of 1, by ``first_year``; a group without
            exposure is missing.
        overall: leavers for each person-year of everybody.
        difference: by how many leavers the worst marginal total was missed before credibility.
        full_credibility: leavers from which on a rate is believed wholly.
    """

    cells: tuple[Cell, ...]
    age: Multipliers
    tenure: Multipliers
    base: dict[bool, Decimal]
    overall: Decimal
    difference: Decimal
    full_credibility: int

    def observed(self, chosen: Callable[[Cell], bool]) -> Observed:
        """What was seen in, and fitted to, the chosen cells together."""
        with localcontext(_ARITHMETIC):
            cells = [cell for cell in self.cells if chosen(cell)]
            leavers = sum(cell.leavers for cell in cells)
            years = person_years(sum(cell.half_days for cell in cells))
            z = credibility(leavers, self.full_credibility)
            if not years:
                return Observed(0, 0, years, None, z, None, None)
            rate = leavers / years
            expected = sum((self._expected(cell) for cell in cells), _ZERO)
            return Observed(
                people=sum(cell.people for cell in cells),
                leavers=leavers,
                person_years=years,
                rate=rate,
                credibility=z,
                weighted=z * rate + (1 - z) * self.overall,
                fitted=expected / years,
            )

    def share(self, first_year: bool) -> Decimal | None:
        """Of the people of a group, the share who leave in a year by the fit; None without any."""
        fitted = self.observed(lambda cell: cell.first_year is first_year).fitted
        return None if fitted is None else yearly_share(fitted)

    def _expected(self, cell: Cell) -> Decimal:
        factor = self.age.credible[cell.age] * self.tenure.credible[cell.tenure]
        return person_years(cell.half_days) * self.base[cell.first_year] * factor


def person_years(half_days: int) -> Decimal:
    """Half days as years of 365.25 days."""
    return _ARITHMETIC.divide(Decimal(half_days), _HALF_DAYS_A_YEAR)


def credibility(leavers: int, full: int = FULL_CREDIBILITY) -> Decimal:
    """Z of limited fluctuation: min(1, sqrt(leavers / full)), in 5 decimals."""
    with localcontext(_ARITHMETIC):
        return in_5_decimals(min(_ONE, (Decimal(leavers) / full).sqrt()))


def in_5_decimals(value: Decimal) -> Decimal:
    """A rate or multiplier as the simulation takes it, rounded half up."""
    return value.quantize(Decimal("0.00001"), ROUND_HALF_UP, _ARITHMETIC)


def yearly_share(rate: Decimal) -> Decimal:
    """The share of people who leave in a year where so many leave for each person-year.

    ``rate / (1 + rate / 2)``: with leavers spread evenly over the year, n people of whom d leave
    give n - d/2 person-years, hence rate = d / (n - d/2), and this is d / n again. At most 1.
    """
    with localcontext(_ARITHMETIC):
        return min(_ONE, rate / (1 + rate / 2))


def fit_cells(
    cells: Sequence[Cell],
    age_bands: int,
    tenure_bands: int,
    full_credibility: int = FULL_CREDIBILITY,
) -> Fit:
    """Fit the multiplicative model.

    Leavers of a cell are taken as Poisson with mean exposure * base of the group * age factor *
    tenure factor. The likeliest factors are those whose marginal totals (by group, by age band,
    by tenure band) are the totals seen, and iterative proportional fitting finds them. Then each
    factor is drawn towards 1 by the credibility of its band, the first-year rate towards the rate
    of everybody, and the bases are set so that the leavers add up to those seen.

    Args:
        cells: at least one with exposure and one with leavers; each leaver has exposure.
        age_bands, tenure_bands: how many bands there are.
        full_credibility: leavers from which on a rate is believed wholly, 1 or more.
    """
    with localcontext(_ARITHMETIC):
        used = tuple(cell for cell in cells if cell.half_days)
        leavers, years = _totals(used)
        age, tenure, difference = _proportional(used, age_bands, tenure_bands)
        ages = _credible(used, age, lambda cell: cell.age, full_credibility)
        tenures = _credible(used, tenure, lambda cell: cell.tenure, full_credibility)
        overall = leavers / years
        base = _bases(used, ages.credible, tenures.credible, full_credibility)
        return Fit(used, ages, tenures, base, overall, difference, full_credibility)


def _totals(cells: Iterable[Cell]) -> tuple[int, Decimal]:
    """Leavers and person-years."""
    leavers, half_days = 0, 0
    for cell in cells:
        leavers += cell.leavers
        half_days += cell.half_days
    return leavers, person_years(half_days)


def _proportional(
    cells: Sequence[Cell], age_bands: int, tenure_bands: int
) -> tuple[list[Decimal], list[Decimal], Decimal]:
    """Age and tenure factors of greatest likelihood, and the worst difference of a total."""
    exposures = [person_years(cell.half_days) for cell in cells]
    factors = [[_ONE] * count for count in (2, age_bands, tenure_bands)]
    places = [(int(cell.first_year), cell.age, cell.tenure) for cell in cells]
    seen = [[0] * len(each) for each in factors]
    for cell, place in zip(cells, places, strict=True):
        for margin, level in enumerate(place):
            seen[margin][level] += cell.leavers
    worst = _ZERO
    for _ in range(_ROUNDS):
        worst = _ZERO
        for margin, of_margin in enumerate(factors):
            expected = [_ZERO] * len(of_margin)
            for place, exposure in zip(places, exposures, strict=True):
                group, age, tenure = place
                expected[place[margin]] += (
                    exposure * factors[0][group] * factors[1][age] * factors[2][tenure]
                )
            for level, mean in enumerate(expected):
                if mean:
                    worst = max(worst, abs(mean - seen[margin][level]))
                    of_margin[level] *= seen[margin][level] / mean
        if worst < _CLOSE:
            break
    return factors[1], factors[2], worst


def _credible(
    cells: Sequence[Cell],
    factors: Sequence[Decimal],
    position: Callable[[Cell], int],
    full: int,
) -> Multipliers:
    """Factors scaled to a mean of 1 over the exposure, and drawn towards 1 by credibility."""
    exposure = [0] * len(factors)
    leavers = [0] * len(factors)
    for cell in cells:
        exposure[position(cell)] += cell.half_days
        leavers[position(cell)] += cell.leavers
    products = (factor * e for factor, e in zip(factors, exposure, strict=True))
    mean = sum(products, _ZERO) / sum(exposure)
    raw = tuple(factor / mean if e else _ONE for factor, e in zip(factors, exposure, strict=True))
    drawn = (
        1 + credibility(n, full) * (factor - 1) for factor, n in zip(raw, leavers, strict=True)
    )
    bounded = (min(max(each, LOWEST_MULTIPLIER), HIGHEST_MULTIPLIER) for each in drawn)
    return Multipliers(raw, tuple(in_5_decimals(each) for each in bounded))


def _bases(
    cells: Sequence[Cell], ages: Sequence[Decimal], tenures: Sequence[Decimal], full: int
) -> dict[bool, Decimal]:
    """The base of each group, such that the leavers of both together are those seen."""
    recent = [cell for cell in cells if cell.first_year]
    others = [cell for cell in cells if not cell.first_year]
    leavers, years = _totals(cells)
    recent_leavers, recent_years = _totals(recent)
    if others:
        # Only where there is somebody else to take the difference.
        z = credibility(recent_leavers, full)
        due = z * recent_leavers + (1 - z) * leavers / years * recent_years
    else:
        due = Decimal(recent_leavers)
    base = {}
    for group, total in ((recent, due), (others, leavers - due)):
        weights = (
            person_years(cell.half_days) * ages[cell.age] * tenures[cell.tenure] for cell in group
        )
        if group:
            base[group[0].first_year] = total / sum(weights, _ZERO)
    return base
