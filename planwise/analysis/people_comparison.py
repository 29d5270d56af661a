"""Who gets more employer money under B than under A, and who less.

People are the same if their id, birth date and hire date are: a hire of the same number may be
another person where two scenarios hire at other paces or draw otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs
from attrs import frozen

from planwise.analysis.figures import quotient
from planwise.analysis.result_database import ResultDatabase, ScenarioInForce


@frozen
class Group:
    """People of both scenarios who have something in common.

    Attributes:
        name: the band or level, as in A.
        people: how many.
        gaining, losing, same: how many of them get more, less and the same under B.
        a_cents, b_cents: their employer money of the year.
    """

    name: str
    people: int
    gaining: int
    losing: int
    same: int
    a_cents: int
    b_cents: int

    @property
    def total_difference_cents(self) -> int:
        """B less A."""
        return self.b_cents - self.a_cents

    @property
    def mean_difference_cents(self) -> int | None:
        """The same for each person, to the cent, halves away from zero; None without people."""
        return quotient(self.total_difference_cents, self.people) if self.people else None


@frozen
class OneSided:
    """People that only one of the scenarios has in the year.

    Attributes:
        people: how many.
        employer_cents: their employer money of the year.
    """

    people: int
    employer_cents: int


@frozen
class PeopleComparison:
    """Employer money (match, core and reallocated forfeitures) of the people of a year.

    Attributes:
        year: the year; its leavers are among the people.
        everybody: the people of both scenarios.
        age_bands, tenure_bands, levels: the same people by band or level in A.
        only_a, only_b: the people of one scenario alone.
        same_id: ids that stand for one person in A and for another in B; both are among those of
            one scenario alone.
    """

    year: int
    everybody: Group
    age_bands: Sequence[Group]
    tenure_bands: Sequence[Group]
    levels: Sequence[Group]
    only_a: OneSided
    only_b: OneSided
    same_id: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return {
            "simulation_year": self.year,
            "everybody": _group_json(self.everybody),
            "age_bands": [_group_json(each) for each in self.age_bands],
            "tenure_bands": [_group_json(each) for each in self.tenure_bands],
            "levels": [_group_json(each) for each in self.levels],
            "only_a": attrs.asdict(self.only_a),
            "only_b": attrs.asdict(self.only_b),
            "same_id_other_person": self.same_id,
        }


_JOINED: Final = """
with a as (
    select *, match_cents + core_cents + reallocated_cents as employer_cents
    from main.fct_workforce_snapshot
    where scenario_id = ? and replicate_id = ? and simulation_year = ?
),

b as (
    select *, match_cents + core_cents + reallocated_cents as employer_cents
    from main.fct_workforce_snapshot
    where scenario_id = ? and replicate_id = ? and simulation_year = ?
),

both_sides as (
    select
        a.employee_id is not null as in_a,
        b.employee_id is not null as in_b,
        a.age_band, a.tenure_band, a.job_level,
        a.employer_cents as a_cents,
        b.employer_cents as b_cents
    from a
    full join b
        on b.employee_id = a.employee_id
        and b.birth_date = a.birth_date and b.hire_date = a.hire_date
)
"""
_FIGURES: Final = """
    count(*),
    count(*) filter (where b_cents > a_cents),
    count(*) filter (where b_cents < a_cents),
    count(*) filter (where b_cents = a_cents),
    coalesce(sum(a_cents), 0),
    coalesce(sum(b_cents), 0)
"""
_COLUMNS: Final = (
    *("employee_id", "birth_date", "hire_date", "age_band", "tenure_band", "job_level"),
    *("match_cents", "core_cents", "reallocated_cents"),
)


def compare_people(
    result: ResultDatabase, a: ScenarioInForce, b: ScenarioInForce, year: int
) -> PeopleComparison:
    """Compare the employer money of each person in a year.

    Args:
        result: where both scenarios are.
        a, b: the scenarios.
        year: the simulation year.

    Raises:
        WarehouseError: the result has no plan.
    """
    result.require("fct_workforce_snapshot", _COLUMNS)
    keys = [*a.key, year, *b.key, year]
    sides = result.query(
        f"{_JOINED} select count(*) filter (where not in_b), "  # noqa: S608  # constants
        "coalesce(sum(a_cents) filter (where not in_b), 0), count(*) filter (where not in_a), "
        "coalesce(sum(b_cents) filter (where not in_a), 0) from both_sides",
        keys,
    )[0]
    other_people = result.query(
        f"{_JOINED} select count(*) from a inner join b on b.employee_id = a.employee_id "  # noqa: S608  # constants
        "where (a.birth_date, a.hire_date) is distinct from (b.birth_date, b.hire_date)",
        keys,
    )[0][0]
    everybody = result.query(
        f"{_JOINED} select 'all', {_FIGURES} from both_sides where in_a and in_b",  # noqa: S608  # constants
        keys,
    )[0]

    def groups(name: str, dimension: str, label: str, order: str) -> list[Group]:
        rows = result.query(
            f"{_JOINED} select {label}, {_FIGURES} from both_sides as p "  # noqa: S608  # constants
            f"inner join main.{dimension} as d on d.{name} = p.{_KEYS.get(name, name)} "
            "and d.scenario_id = ? and d.replicate_id = ? "
            f"where in_a and in_b group by {label}, {order} order by {order}",
            [*keys, *a.key],
        )
        return [Group(*row) for row in rows]

    return PeopleComparison(
        year,
        Group(*everybody),
        groups("age_band", "dim_age_band", "d.age_band", "d.min_age"),
        groups("tenure_band", "dim_tenure_band", "d.tenure_band", "d.min_years"),
        groups("level", "dim_job_level", "d.level || ' ' || d.level_name", "d.level"),
        OneSided(sides[0], sides[1]),
        OneSided(sides[2], sides[3]),
        other_people,
    )


_KEYS: Final = {"level": "job_level"}


def _group_json(group: Group) -> dict[str, Any]:
    return {
        **attrs.asdict(group),
        "total_difference_cents": group.total_difference_cents,
        "mean_difference_cents": group.mean_difference_cents,
    }
