"""Generated censuses and scenarios: anything that the workforce's rules allow."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st
from simulation_inputs import Band, Level, Person, Scenario


def rates(low: str, high: str) -> st.SearchStrategy[str]:
    """Plain decimal text with at most five decimals."""
    return st.decimals(low, high, places=5).map(lambda d: f"{d:f}")


def millionths(count: int) -> st.SearchStrategy[list[Decimal]]:
    """Shares of exactly 1, some of them 0."""
    cuts = st.lists(st.integers(0, 10**6), min_size=count - 1, max_size=count - 1).map(sorted)
    return cuts.map(
        lambda c: [Decimal(b - a).scaleb(-6) for a, b in zip([0, *c], [*c, 10**6], strict=True)]
    )


@st.composite
def bands(draw: st.DrawFn) -> list[Band]:
    edges = sorted(draw(st.sets(st.integers(1, 60), max_size=3)))
    mult = st.decimals(0, 5, places=5)
    return [
        Band(f"from {low}", low, high, draw(mult), draw(mult))
        for low, high in zip([0, *edges], [*edges, 999], strict=True)
    ]


@st.composite
def levels(draw: st.DrawFn) -> list[Level]:
    edges = st.integers(1, 400_000).map(Decimal)
    return [
        Level(number, *sorted([draw(edges), draw(edges)]),
              draw(st.decimals("-0.1", "0.5", places=5)), draw(st.decimals(0, 1, places=5)))
        for number in range(1, draw(st.integers(1, 4)) + 1)
    ]  # fmt: skip


PARAMETERS = {
    "growth_rate": rates("-0.6", "0.8"),
    "termination_rate": rates("0", "1"),
    "first_year_termination_rate": rates("0", "0.9"),
    "termination_level_step": rates("0", "1"),
    "termination_level_floor": rates("0", "1"),
    "promotion_base_rate": rates("0", "1"),
    "promotion_level_floor": rates("0", "1"),
    "promotion_dial": rates("0", "20"),
    "promotion_raise": rates("0", "0.5"),
    "promotion_raise_spread": rates("0", "1"),
    "promotion_cap_rate": rates("0", "0.5"),
    "promotion_cap_amount": st.decimals(0, 50_000, places=2).map(str),
    "promotion_min_tenure": st.integers(0, 3).map(str),
    "promotion_max_age": st.integers(30, 80).map(str),
    "cola_rate": rates("-0.1", "0.3"),
    "raise_cap_rate": rates("0", "0.2"),
    "raise_cap_amount": st.decimals(0, 20_000, places=2).map(str),
    "market_factor": rates("0.5", "2"),
    "new_hire_pay_spread": rates("0", "1"),
    "hire_level_shares": st.sampled_from(["census", "current"]),
}


@st.composite
def scenario(draw: st.DrawFn, name: str) -> Scenario:
    chosen = draw(st.sets(st.sampled_from(sorted(PARAMETERS))))
    months = draw(st.lists(st.integers(1, 12), min_size=1, max_size=4, unique=True))
    ages = draw(st.lists(st.integers(18, 70), min_size=1, max_size=4, unique=True))
    return Scenario(
        name,
        draw(st.integers(0, 99)),
        draw(st.integers(0, 2**63 - 1)),
        first_year=draw(st.sampled_from([2023, 2023, 2024])),
        census_date=draw(st.sampled_from([date(2022, 12, 31), date(2020, 2, 29)])),
        parameters={p: draw(PARAMETERS[p]) for p in sorted(chosen)},
        age_bands=draw(st.just([]) | bands()),
        tenure_bands=draw(st.just([]) | bands()),
        levels=draw(st.just([]) | levels()),
        raise_months=draw(
            st.just([]) | millionths(len(months)).map(lambda w: list(zip(months, w, strict=True)))
        ),
        hire_ages=draw(
            st.just([]) | millionths(len(ages)).map(lambda w: list(zip(ages, w, strict=True)))
        ),
    )


LEAP_DAYS = [date(1960, 2, 29), date(1988, 2, 29), date(1996, 2, 29)]


@st.composite
def person(draw: st.DrawFn, number: int) -> Person:
    birth = draw(st.dates(date(1940, 1, 1), date(2001, 12, 31)) | st.sampled_from(LEAP_DAYS))
    hired = draw(
        st.dates(birth + timedelta(1), date(2020, 2, 29))
        | st.just(date(2020, 2, 29))
        | st.dates(date(2019, 2, 1), date(2020, 2, 29))
    )
    text = draw(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=3)
    )
    return Person(
        f"{text}{number}",
        birth,
        max(hired, birth + timedelta(1)),
        draw(st.integers(1, 60_000_000) | st.integers(5_000_000, 9_000_000)),
        # Every scenario has a level 1
        draw(st.sampled_from([None, None, 1])),
        draw(st.none() | st.integers(0, 100_000)),
        draw(st.none() | st.dates(date(2010, 1, 1), date(2022, 12, 31))),
        draw(
            st.none()
            | st.text(st.characters(exclude_categories=["Cs"]), max_size=3).map(
                lambda t: t.replace("\0", "")
            )
        ),
        draw(st.decimals(0, 80, places=2)),
        draw(st.booleans()),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Person], list[Scenario]]:
    count = draw(st.integers(0, 24))
    names = draw(
        st.lists(st.from_regex(r"\A[a-z0-9][a-z0-9_-]{0,6}\Z"), min_size=1, max_size=3, unique=True)
    )
    return [draw(person(i)) for i in range(count)], [draw(scenario(name)) for name in names]
