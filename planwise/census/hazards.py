"""Termination hazards by age and tenure, fitted to two censuses of one employer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs
from attrs import frozen

from planwise.census.hazards_fit import (
    FULL_CREDIBILITY,
    HIGHEST_FIRST_YEAR_RATE,
    Cell,
    Fit,
    Observed,
    fit_cells,
    in_5_decimals,
    yearly_share,
)
from planwise.census.hazards_study import Study, study_leavers
from planwise.census.values import CensusOptions

if TYPE_CHECKING:
    import duckdb

    from planwise.scenarios import AgeBand, TenureBand

_MISSED: Final = Decimal("0.5")


@frozen
class Line:
    """A line of a table: a band, a cell, or everybody.

    Attributes:
        labels: the age band, the tenure band, both, or what the line is about.
        observed: counts, exposure and rates.
        raw_multiplier, multiplier: before and after credibility; None where there is none.
    """

    labels: tuple[str, ...]
    observed: Observed
    raw_multiplier: Decimal | None = None
    multiplier: Decimal | None = None


@frozen
class Hazards:
    """The fitted hazards, with everything that they rest on.

    Attributes:
        study: the two censuses and who left.
        fit: the model.
        age_bands, tenure_bands: with the fitted ``termination_mult``; bounds and promotion
            multipliers are those that were given.
        notes: sentences for the user.
    """

    study: Study
    fit: Fit
    age_bands: tuple[AgeBand, ...]
    tenure_bands: tuple[TenureBand, ...]
    notes: tuple[str, ...]

    @property
    def parameters(self) -> dict[str, Decimal]:
        """The scalar parameters of a scenario, by name, in 5 decimals.

        A rate of a group that nobody is in is missing. Level takes no part: a census need not have
        it, and nothing was fitted to it. The base rate cancels in who leaves.
        """
        found = {}
        for name, first_year, highest in (
            ("termination_rate", False, Decimal(1)),
            ("first_year_termination_rate", True, HIGHEST_FIRST_YEAR_RATE),
        ):
            share = self.fit.share(first_year)
            if share is not None:
                found[name] = in_5_decimals(min(share, highest))
        found["termination_base_rate"] = in_5_decimals(yearly_share(self.fit.overall))
        found["termination_level_step"] = Decimal(0)
        return found

    def totals(self) -> tuple[Line, ...]:
        """Everybody; those hired in the year before the first census; the others."""
        lines = [Line(("all",), self.fit.observed(lambda _: True))]
        for label, first_year in (("hired in the year before", True), ("others", False)):
            lines.append(Line((label,), self.fit.observed(_in_group(first_year))))
        return tuple(lines)

    def by_age(self) -> tuple[Line, ...]:
        """A line for each age band."""
        return tuple(
            Line(
                (band.age_band,),
                self.fit.observed(_in_cell(place, None)),
                self.fit.age.raw[place],
                self.fit.age.credible[place],
            )
            for place, band in enumerate(self.age_bands)
        )

    def by_tenure(self) -> tuple[Line, ...]:
        """A line for each tenure band."""
        return tuple(
            Line(
                (band.tenure_band,),
                self.fit.observed(_in_cell(None, place)),
                self.fit.tenure.raw[place],
                self.fit.tenure.credible[place],
            )
            for place, band in enumerate(self.tenure_bands)
        )

    def by_cell(self) -> tuple[Line, ...]:
        """A line for each pair of an age band and a tenure band, those without people included."""
        return tuple(
            Line((a.age_band, t.tenure_band), self.fit.observed(_in_cell(age, tenure)))
            for age, a in enumerate(self.age_bands)
            for tenure, t in enumerate(self.tenure_bands)
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything as values that ``json.dumps`` takes; rates and multipliers in 1e-5."""
        return {
            "from": self.study.first.to_dict(),
            "to": self.study.second.to_dict(),
            "days": self.study.days,
            "full_credibility_leavers": self.fit.full_credibility,
            "parameters": {f"{name}_e5": _e5(value) for name, value in self.parameters.items()},
            "totals": [_line(line, "group") for line in self.totals()],
            "age_bands": [_line(line, "age_band") for line in self.by_age()],
            "tenure_bands": [_line(line, "tenure_band") for line in self.by_tenure()],
            "cells": [_line(line, "age_band", "tenure_band") for line in self.by_cell()],
            "notes": list(self.notes),
        }


def fit_hazards(
    connection: duckdb.DuckDBPyConnection,
    first: CensusOptions,
    second: CensusOptions,
    age_bands: Sequence[AgeBand],
    tenure_bands: Sequence[TenureBand],
    full_credibility: int = FULL_CREDIBILITY,
) -> Hazards:
    """Fit termination rates and multipliers to two censuses.

    Args:
        connection: a database whose ``inputs.census`` may be replaced; one in memory does.
        first, second: the two files and their dates.
        age_bands, tenure_bands: complete and in order.
        full_credibility: leavers from which on a rate is believed wholly, 1 or more.

    Raises:
        UsageError: the second date is not after the first.
        CensusError: a file cannot be used, or the two do not allow a fit.
    """
    study = study_leavers(connection, first, second, age_bands, tenure_bands)
    fit = fit_cells(study.cells, len(age_bands), len(tenure_bands), full_credibility)
    fitted_ages = zip(age_bands, fit.age.credible, strict=True)
    fitted_tenures = zip(tenure_bands, fit.tenure.credible, strict=True)
    return Hazards(
        study=study,
        fit=fit,
        age_bands=tuple(attrs.evolve(band, termination_mult=m) for band, m in fitted_ages),
        tenure_bands=tuple(attrs.evolve(band, termination_mult=m) for band, m in fitted_tenures),
        notes=(*study.notes, *_notes(fit)),
    )


def _notes(fit: Fit) -> list[str]:
    notes = []
    everybody = fit.observed(lambda _: True)
    if everybody.thin:
        notes.append(
            f"{everybody.leavers:,} leavers are few even for the rate of everybody; "
            f"{fit.full_credibility:,} would be enough"
        )
    first_year = fit.share(True)
    if first_year is None:
        notes.append(
            "nobody was hired in the year before the first census: first_year_termination_rate "
            "stays as it is"
        )
    elif first_year > HIGHEST_FIRST_YEAR_RATE:
        notes.append(
            f"first_year_termination_rate is held at {HIGHEST_FIRST_YEAR_RATE}, the most that a "
            "configuration takes"
        )
    if fit.share(False) is None:
        notes.append(
            "everybody was hired in the year before the first census: termination_rate stays as "
            "it is"
        )
    if fit.difference > _MISSED:
        notes.append(
            f"the multipliers miss a total by {fit.difference:.1f} leavers: some bands hold "
            "leavers only, or none, and the others cannot make up for it; use wider bands"
        )
    return notes


def _in_group(first_year: bool) -> Callable[[Cell], bool]:
    return lambda cell: cell.first_year is first_year


def _in_cell(age: int | None, tenure: int | None) -> Callable[[Cell], bool]:
    return lambda cell: age in (None, cell.age) and tenure in (None, cell.tenure)


def _e5(value: Decimal | None) -> int | None:
    return None if value is None else int(in_5_decimals(value).scaleb(5))


def _line(line: Line, *names: str) -> dict[str, Any]:
    found = line.observed
    values = {
        "people": found.people,
        "leavers": found.leavers,
        "person_years": float(round(found.person_years, 2)),
        "rate_e5": _e5(found.rate),
        "credibility_e5": _e5(found.credibility),
        "weighted_rate_e5": _e5(found.weighted),
        "fitted_rate_e5": _e5(found.fitted),
        "fitted_yearly_share_e5": (
            None if found.fitted is None else _e5(yearly_share(found.fitted))
        ),
        "thin": found.thin,
    }
    if line.multiplier is not None:
        values["raw_multiplier_e5"] = _e5(line.raw_multiplier)
        values["multiplier_e5"] = _e5(line.multiplier)
    return {**dict(zip(names, line.labels, strict=True)), **values}
