"""What a pipeline is asked to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from attrs import frozen

from planwise.results import ChosenSetting
from planwise.values import Baseline

if TYPE_CHECKING:
    from planwise.ports import GraphPort

INPUTS_SCHEMA: Final = "inputs"
"""The schema of the sources that planwise fills."""


@frozen
class RunRequest:
    """What to run.

    Attributes:
        years: simulation years, ascending and without gaps or repeats.
        pool_size: how many models may run at once.
        step_variable: the dbt var that holds the year.
        inputs_schema: schema of the sources that planwise fills; a project that reads nothing
            from it is run without inputs. None: they are the user's own, and left alone.
        fixed_settings: DuckDB settings that the user chose; they win over every plugin.
        baseline: what improvement is quoted against, if anything.
        measured: asked for another one if there is none, with the rows of the inputs.
        keep_order: whether a table may depend on the order of rows, as far as planwise knows.
        tests: whether dbt's tests are run after the foundation and after each year.
        keep_intermediates: whether tables that the project does not keep are kept all the same.
        years_given: whether the years were asked for; a default is no reason to run a project
            several times that does not read the year.
        finished: the first of the years, which are in the database already, and with them the
            foundation.
        foundation_finished: whether the foundation is in the database already.
    """

    years: tuple[int, ...]
    pool_size: int
    step_variable: str = "simulation_year"
    inputs_schema: str | None = INPUTS_SCHEMA
    fixed_settings: tuple[ChosenSetting, ...] = ()
    baseline: Baseline | None = None
    measured: Callable[[int], Baseline | None] = lambda _: None
    keep_order: bool = False
    tests: bool = False
    keep_intermediates: bool = False
    years_given: bool = True
    finished: tuple[int, ...] = ()
    foundation_finished: bool = False

    @property
    def next_year(self) -> int:
        """The first year that is not finished; the last one if all are."""
        return next((year for year in self.years if year not in self.finished), self.years[-1])

    def years_of(self, graph_of: Callable[[int], GraphPort]) -> tuple[int, ...]:
        """The years that are run: the first alone where nobody asked and nothing reads any year.

        Args:
            graph_of: the project's graph in a year. It is not asked where years were asked for: of
                a branch the first year may be one that only dbt could tell of.
        """
        if self.years_given:
            return self.years
        graph = graph_of(self.years[0])
        return self.years if graph.reads_step or graph.state_relations else self.years[:1]
