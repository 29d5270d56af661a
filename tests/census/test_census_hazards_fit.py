"""The statistics of leaving, held against what must be true of any figures, and worked by hand."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from planwise.census.hazards_fit import (
    FULL_CREDIBILITY,
    Cell,
    Fit,
    credibility,
    fit_cells,
    in_5_decimals,
    person_years,
    yearly_share,
)

AGES, TENURES = 4, 3
LITTLE = Decimal("1e-8")
YEAR = 730  # half days of 365 days


def everybody(fit: Fit) -> Decimal:
    """Leavers that the fit expects of all."""
    found = fit.observed(lambda _: True)
    assert found.fitted is not None
    return found.fitted * found.person_years


def by_cell(*rows: tuple[bool, int, int, int, int]) -> list[Cell]:
    """Cells of a year: group, age, tenure, people, leavers; those who left had half of it."""
    return [Cell(*row, half_days=(row[3] - row[4]) * YEAR + row[4] * YEAR // 2) for row in rows]


@st.composite
def studies(draw: st.DrawFn) -> list[Cell]:
    """Cells as a study gives them: at most everybody of a cell leaves, and somebody does."""
    places = draw(
        st.lists(
            st.tuples(st.booleans(), st.integers(0, AGES - 1), st.integers(0, TENURES - 1)),
            min_size=1,
            max_size=16,
            unique=True,
        )
    )
    rows = []
    for place in places:
        people = draw(st.integers(1, 3000))
        rows.append((*place, people, draw(st.integers(0, people))))
    if not any(row[4] for row in rows):
        rows[0] = (*rows[0][:4], 1)
    return by_cell(*rows)


@given(studies(), st.sampled_from([1, 271, FULL_CREDIBILITY]))
def test_the_leavers_add_up_whatever_the_credibility(cells: list[Cell], full: int) -> None:
    fit = fit_cells(cells, AGES, TENURES, full)
    assert abs(everybody(fit) - sum(cell.leavers for cell in cells)) < LITTLE


@given(studies())
def test_rates_shares_and_credibility_stay_in_their_bounds(cells: list[Cell]) -> None:
    fit = fit_cells(cells, AGES, TENURES)
    choices: list[Callable[[Cell], bool]] = [lambda _: True]
    choices += [lambda c, p=place: c.age == p for place in range(AGES)]
    choices += [lambda c, p=place: c.tenure == p for place in range(TENURES)]
    for chosen in choices:
        seen = fit.observed(chosen)
        assert 0 <= seen.credibility <= 1
        if seen.rate is None:
            assert (seen.people, seen.leavers, seen.weighted, seen.fitted) == (0, 0, None, None)
            continue
        assert seen.rate >= 0
        assert 0 <= yearly_share(seen.rate) <= 1
        low, high = sorted((seen.rate, fit.overall))
        assert low - LITTLE <= seen.weighted <= high + LITTLE
        assert seen.fitted >= 0
        assert 0 <= yearly_share(seen.fitted) <= 1
    for share in (fit.share(True), fit.share(False)):
        assert share is None or 0 <= share <= 1
    for multiplier in (*fit.age.credible, *fit.tenure.credible):
        assert Decimal("0.00001") <= multiplier <= 1000
        assert multiplier == in_5_decimals(multiplier)


@given(studies())
def test_multipliers_lie_between_those_of_the_data_and_one(cells: list[Cell]) -> None:
    fit = fit_cells(cells, AGES, TENURES)
    rounding = Decimal("0.00001")
    for factor in (fit.age, fit.tenure):
        for raw, credible in zip(factor.raw, factor.credible, strict=True):
            low, high = sorted((min(raw, Decimal(1000)), Decimal(1)))
            assert low - rounding <= credible <= high + rounding


@given(studies())
def test_a_fully_credible_fit_reproduces_every_marginal_total(cells: list[Cell]) -> None:
    many = [
        attrs.evolve(cell, leavers=cell.leavers * 2000, half_days=cell.half_days * 2000)
        for cell in cells
    ]
    fit = fit_cells(many, AGES, TENURES)
    # On the edge, where some pairs of bands hold leavers only, or none, there is no finite fit.
    assume(fit.difference < LITTLE)
    margins: list[Callable[[Cell], bool]] = [
        lambda c, g=group: c.first_year is g for group in (False, True)
    ]
    margins += [lambda c, p=place: c.age == p for place in range(AGES)]
    margins += [lambda c, p=place: c.tenure == p for place in range(TENURES)]
    # A band that nobody left has no credibility: it is drawn to 1, and the others give way.
    assume(all(fit.observed(each).leavers or not fit.observed(each).people for each in margins))
    # The multipliers have 5 decimals, which a small one feels; a base makes up for both factors.
    rounding = sum(Decimal("0.000005") / min(each.credible) for each in (fit.age, fit.tenure))
    assume(max(*fit.age.raw, *fit.tenure.raw) <= 1000)
    for chosen in margins:
        seen = fit.observed(chosen)
        if seen.fitted is None:
            continue
        allowed = 1 + 4 * rounding * seen.leavers
        assert abs(seen.fitted * seen.person_years - seen.leavers) <= allowed


@given(studies(), st.integers(2, 50))
def test_rates_and_raw_multipliers_do_not_know_how_large_the_employer_is(
    cells: list[Cell], times: int
) -> None:
    larger = [
        attrs.evolve(
            cell,
            people=cell.people * times,
            leavers=cell.leavers * times,
            half_days=cell.half_days * times,
        )
        for cell in cells
    ]
    one, many = fit_cells(cells, AGES, TENURES), fit_cells(larger, AGES, TENURES)
    assert abs(one.overall - many.overall) < LITTLE
    seen, seen_larger = one.observed(lambda c: c.age == 0), many.observed(lambda c: c.age == 0)
    assert (seen.rate is None) == (seen_larger.rate is None)
    if seen.rate is not None:
        assert abs(seen.rate - seen_larger.rate) < LITTLE
    assert seen_larger.credibility >= seen.credibility
    if max(one.difference, many.difference) < LITTLE:
        for few, lots in zip(one.tenure.raw, many.tenure.raw, strict=True):
            assert abs(few - lots) <= LITTLE * max(1, few)


@given(studies(), st.randoms(use_true_random=False))
def test_the_order_of_the_cells_changes_nothing_that_is_written(
    cells: list[Cell], random: object
) -> None:
    shuffled = list(cells)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis's own Random
    one, other = fit_cells(cells, AGES, TENURES), fit_cells(shuffled, AGES, TENURES)
    assert (one.age.credible, one.tenure.credible) == (other.age.credible, other.tenure.credible)
    assert one.share(True) == pytest.approx(other.share(True), abs=LITTLE)


@given(st.integers(1, 10_000), st.data())
def test_the_yearly_share_is_leavers_over_people(people: int, data: st.DataObject) -> None:
    """Half a year of exposure for each leaver and back: d of n is d / n again."""
    leavers = data.draw(st.integers(0, people))
    rate = leavers / (people - Decimal(leavers) / 2)
    assert abs(yearly_share(rate) - Decimal(leavers) / people) < LITTLE


def test_credibility_by_the_square_root_rule() -> None:
    assert credibility(0) == 0
    assert credibility(1082) == credibility(10_000) == 1
    assert credibility(271) == Decimal("0.50046")  # sqrt(271 / 1082)
    assert credibility(271, 271) == 1
    assert credibility(1081) < 1
    assert (credibility(97) < Decimal("0.3"), credibility(98) < Decimal("0.3")) == (True, False)


def test_a_year_is_365_and_a_quarter_days() -> None:
    assert person_years(1461) == 2
    assert person_years(0) == 0


def test_multipliers_that_are_exactly_in_the_data_are_found() -> None:
    """Rates 0.1 * (1, 2) by age * (1, 3) by tenure, with much more exposure in one corner."""
    cells = []
    for age, tenure, people in ((0, 0, 40), (0, 1, 2), (1, 0, 3), (1, 1, 10)):
        rate = (1, 2)[age] * (1, 3)[tenure]
        cells.append(Cell(False, age, tenure, people * 1000, people * 100 * rate, people * 730_500))
    fit = fit_cells(cells, 2, 2)
    assert fit.difference < LITTLE
    assert abs(fit.age.raw[1] / fit.age.raw[0] - 2) < LITTLE
    assert abs(fit.tenure.raw[1] / fit.tenure.raw[0] - 3) < LITTLE
    # The mean over the exposure is 1: (42 a + 13 * 2 a) / 55.
    assert abs(fit.age.raw[0] - Decimal(55) / 68) < LITTLE
    assert fit.share(True) is None


def test_the_rate_of_the_first_year_is_told_apart_from_the_band_it_is_in() -> None:
    """Both groups share the first tenure band; its multiplier is that of the older group."""
    cells = by_cell(
        (True, 0, 0, 100_000, 40_000),
        (False, 0, 0, 100_000, 20_000),
        (False, 0, 1, 800_000, 80_000),
    )
    fit = fit_cells(cells, 1, 2)
    rate = [cell.leavers / person_years(cell.half_days) for cell in cells]
    assert abs(fit.tenure.raw[0] / fit.tenure.raw[1] - rate[1] / rate[2]) < LITTLE
    shares = [fit.share(group) for group in (True, False)]
    assert shares == pytest.approx([Decimal("0.4"), Decimal("0.1111")], abs=Decimal("0.001"))


def test_a_thin_band_is_drawn_to_the_rate_of_all_and_said_to_be_thin() -> None:
    cells = by_cell((False, 0, 0, 20_000, 2_000), (False, 1, 0, 50, 25))
    fit = fit_cells(cells, 2, 1)
    thin = fit.observed(lambda cell: cell.age == 1)
    assert thin.thin
    assert fit.age.raw[1] > 6
    z = credibility(25)
    assert fit.age.credible[1] == in_5_decimals(1 + z * (fit.age.raw[1] - 1))
    assert abs(thin.weighted - (z * thin.rate + (1 - z) * fit.overall)) < LITTLE
    assert not fit.observed(lambda cell: cell.age == 0).thin


def test_a_band_without_people_has_a_multiplier_of_one_and_no_rate() -> None:
    fit = fit_cells(by_cell((False, 1, 0, 1000, 100)), 3, 1)
    assert fit.age.credible == (1, 1, 1)
    assert fit.observed(lambda cell: cell.age == 0).rate is None


def test_a_band_that_nobody_left_is_not_held_for_ever() -> None:
    fit = fit_cells(by_cell((False, 0, 0, 1000, 100), (False, 1, 0, 1000, 0)), 2, 1)
    assert fit.age.raw[1] == 0
    assert fit.age.credible[1] == 1
    assert abs(everybody(fit) - 100) < LITTLE
