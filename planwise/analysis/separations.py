"""Leavers of a simulated year among the people employed on 1 January, by age and tenure."""

from __future__ import annotations

from typing import Any, Final, Literal

from attrs import frozen

from planwise.analysis.figures import E5, quotient
from planwise.analysis.result_database import ResultDatabase, ScenarioInForce, chosen_years
from planwise.errors import UsageError

Kind = Literal["all", "tenure", "age"]

_BANDS: Final[tuple[tuple[Kind, str, str, str], ...]] = (
    ("tenure", "hire_date", "min_years", "max_years"),
    ("age", "birth_date", "min_age", "max_age"),
)


@frozen
class BandLeavers:
    """People of a band on 1 January, and how many of them left in the year.

    Attributes:
        kind: what the band is of, or ``all`` for everybody.
        band: its name; empty for everybody.
        people: employed on 1 January.
        leavers: of these, terminated by 31 December; this year's hires are not among them.
    """

    kind: Kind
    band: str
    people: int
    leavers: int

    @property
    def share_e5(self) -> int | None:
        """Leavers over people in 1e-5; None without people."""
        return quotient(self.leavers * E5, self.people) if self.people else None


@frozen
class Separations:
    """The leavers of one scenario and year.

    Attributes:
        scenario: whose.
        year: the simulated year.
        bands: everybody first, then the tenure bands, then the age bands, each in order; those
            without people too.
    """

    scenario: ScenarioInForce
    year: int
    bands: tuple[BandLeavers, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "scenario_id": self.scenario.scenario_id,
            "replicate_id": self.scenario.replicate_id,
            "simulation_year": self.year,
            "bands": [
                {
                    "kind": band.kind,
                    "band": band.band,
                    "people": band.people,
                    "leavers": band.leavers,
                    "share_e5": band.share_e5,
                }
                for band in self.bands
            ],
        }


def separations(
    result: ResultDatabase,
    *,
    scenario: str | None = None,
    replicate: int = 1,
    year: int | None = None,
) -> tuple[Separations, ...]:
    """Leavers by band.

    Ages and tenures are those of 1 January, by which the simulation decides who leaves; the
    snapshot itself holds those of the end of the year.

    Args:
        result: where they are.
        scenario: one scenario; every one that has the replicate, if None.
        replicate: which replicate.
        year: a simulated year; the first of each scenario if None.

    Raises:
        UsageError: the scenario, replicate or year is not there.
        WarehouseError: the result lacks a table.
    """
    result.require(
        "fct_workforce_snapshot", ("detailed_status", "birth_date", "hire_date", "simulation_year")
    )
    for kind, _, low, high in _BANDS:
        result.require(f"dim_{kind}_band", (f"{kind}_band", low, high))
    if scenario is None:
        chosen = [each for each in result.scenarios() if each.replicate_id == replicate]
        if not chosen:
            raise UsageError(f"--replicate: {result.path} has no replicate {replicate}")
    else:
        chosen = [result.scenario(scenario, replicate)]
    found = []
    for each in chosen:
        years = result.years(each)
        if not years:
            raise UsageError(f"{result.path}: no year of {each.scenario_id} was simulated")
        of_year = years[0] if year is None else chosen_years([year], years, "--year")[0]
        found.append(Separations(each, of_year, _bands(result, each, of_year)))
    return tuple(found)


def _bands(result: ResultDatabase, scenario: ScenarioInForce, year: int) -> tuple[BandLeavers, ...]:
    # Whoever has a row of the year and was not hired in it was employed on 1 January.
    opening = """
        select birth_date, hire_date, detailed_status = 'experienced_terminated' as leaves,
            make_date(simulation_year, 1, 1) as first_day
        from main.fct_workforce_snapshot
        where scenario_id = ? and replicate_id = ? and simulation_year = ?
            and detailed_status in ('continuous_active', 'experienced_terminated')
    """
    key = [*scenario.key, year]
    everybody = result.query(
        f"select count(*), count(*) filter (leaves) from ({opening})",  # noqa: S608  # the text above
        key,
    )
    bands = [BandLeavers("all", "", *everybody[0])]
    for kind, since, low, high in _BANDS:
        rows = result.query(
            f"""
            with opening as ({opening})
            select b.{kind}_band, count(o.leaves), count(*) filter (o.leaves)
            from main.dim_{kind}_band as b
            left join opening as o
                on date_sub('year', o.{since}, o.first_day) >= b.{low}
                and date_sub('year', o.{since}, o.first_day) < b.{high}
            where b.scenario_id = ? and b.replicate_id = ?
            group by b.{kind}_band, b.{low}
            order by b.{low}
            """,  # noqa: S608  # names of this module only
            [*key, *scenario.key],
        )
        bands += [BandLeavers(kind, *row) for row in rows]
    return tuple(bands)
