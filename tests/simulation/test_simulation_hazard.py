"""Who leaves, of 100,000 people: those of an independent draw, more where weights are larger."""

from __future__ import annotations

import math
from collections import Counter
from hashlib import md5
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from simulation_inputs import Scenario
from simulation_project import Simulation
from simulation_rules import AGE_BANDS, TENURE_BANDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from simulation_project import Compiled

# Age, tenure and level are independent, so that a difference in one is not a difference in another.
# A fifth is 24 years old, and nobody is younger than the longest tenure.
PEOPLE = """
insert into inputs.census (employee_id, birth_date, hire_date, annual_compensation_cents, job_level)
select
    'E' || i,
    date '2022-12-31' - cast(case
        when a % 5 = 0 then 24 * 365.25 + a % 360 else 25 * 365.25 + a % 16000 end as integer),
    date '2022-12-31' - cast(t % 8700 as integer),
    6000000 + i,
    1 + i % 5
from (
    select
        i,
        cast('0x' || substr(md5('age' || i), 1, 12) as bigint) as a,
        cast('0x' || substr(md5('tenure' || i), 1, 12) as bigint) as t
    from range(100000) as people(i)
)
"""


@pytest.fixture(scope="module")
def leavers(compiled: Compiled) -> Iterator[Simulation]:
    simulation = Simulation(compiled, [], [Scenario(seed=7)])
    simulation.connection.execute(PEOPLE)
    simulation.foundation().year(2023, until="int_experienced_leavers")
    yield simulation
    simulation.close()


@pytest.fixture(scope="module")
def people(leavers: Simulation) -> list[tuple]:
    """Id, age and tenure on 1 January 2023 by the calendar, level, hired last year, left."""
    return leavers.rows(
        "select employee_id,"
        " 2022 - year(birth_date) + (strftime(birth_date, '%m%d') = '0101')::int,"
        " 2022 - year(hire_date) + (strftime(hire_date, '%m%d') = '0101')::int,"
        " job_level, hire_date > date '2021-12-31', l.employee_id is not null"
        " from base_workforce left join int_experienced_leavers as l using (employee_id)"
    )


def band(years: int, bands: list) -> tuple[str, float]:
    return next((b.name, float(b.termination)) for b in bands if b.low <= years < b.high)


def test_leavers_are_those_of_an_independent_draw(people: list[tuple]) -> None:
    assert len(people) == 100_000
    groups: dict[bool, list[tuple[float, str]]] = {True: [], False: []}
    for employee, age, tenure, level, recent, _ in people:
        key = f"7|baseline|1|2023|leave|{employee}".encode()
        bits = int.from_bytes(md5(key, usedforsecurity=False).digest()[:7], "big") >> 3
        weight = (
            band(age, AGE_BANDS)[1]
            * band(tenure, TENURE_BANDS)[1]
            * max(0.4, 1 - 0.1 * (level - 1))
        )
        groups[recent].append((-math.log((bits + 0.5) / 2**53) / weight, employee))
    recent, others = len(groups[True]), len(groups[False])
    counts = {
        True: recent * 25 // 100,
        False: (others * 12 + recent * 25) // 100 - recent * 25 // 100,
    }
    expected = {e for flag, n in counts.items() for _, e in sorted(groups[flag])[:n]}

    found = {row[0] for row in people if row[5]}
    assert len(found) == sum(counts.values()) > 10_000
    for of in (
        lambda row: band(row[1], AGE_BANDS)[0],
        lambda row: band(row[2], TENURE_BANDS)[0],
        lambda row: row[3],
    ):
        assert Counter(of(row) for row in people if row[0] in found) == Counter(
            of(row) for row in people if row[0] in expected
        )
    assert found == expected


@pytest.mark.parametrize(
    "weight",
    [
        lambda row: band(row[1], AGE_BANDS)[1],
        lambda row: band(row[2], TENURE_BANDS)[1],
        lambda row: max(0.4, 1 - 0.1 * (row[3] - 1)),
    ],
    ids=["age", "tenure", "level"],
)
def test_leaving_rises_with_the_multiplier(
    people: list[tuple], weight: Callable[[tuple], float]
) -> None:
    others = [row for row in people if not row[4]]  # those hired last year have a rate of their own
    everybody = Counter(weight(row) for row in others)
    left = Counter(weight(row) for row in others if row[5])
    rates = [left[w] / everybody[w] for w in sorted(everybody)]
    assert len(rates) >= 4
    assert all(low < high for low, high in pairwise(rates)), rates
