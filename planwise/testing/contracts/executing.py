"""What an executor has to hold: the hook ``execute_batch``."""

from __future__ import annotations

import pytest

from planwise.errors import PlanwiseError
from planwise.testing.contracts.common import Plugin
from planwise.testing.corpus import EXECUTED, FAILING, FAILS_WITH, PROJECTS
from planwise.testing.host import Host, Place


class ExecuteBatch(Plugin):
    """dbt's tables on every project of the kit, and dbt's or DuckDB's word where a model fails.

    The projects have tables, views, ephemeral models, seeds, hooks, incremental models that delete
    and insert or append, ``{{ this }}``, and a graph that the year decides. Each is run by dbt
    alone, with every plugin off, and with the plugin.
    """

    hooks = ("execute_batch",)

    @pytest.mark.parametrize("project", EXECUTED)
    def test_tables_are_those_that_dbt_makes(self, planwise_place: Place, project: str) -> None:
        """Two years of a project; every table of the result is compared by its digest."""
        self.compare_run(planwise_place, project)

    @pytest.mark.parametrize("project", EXECUTED[:2])
    def test_tables_are_the_same_from_a_warm_cache(
        self, planwise_place: Place, project: str
    ) -> None:
        """A second run finds what the first one rendered, and may need no dbt."""
        self.compare_run(planwise_place, project)
        self.compare_run(planwise_place, project, again=True)

    def test_a_model_that_fails_ends_the_run(self, planwise_place: Place) -> None:
        """The error is dbt's or DuckDB's, the model is named, and nothing is published."""
        place = Place(planwise_place.new_folder())
        said = _failure(self.host(place))
        self.expect(
            said is not None,
            "execute_batch",
            f"project '{FAILING}': expected a run that fails, it succeeded",
        )
        for word in (FAILS_WITH, "broken"):
            self.expect(
                word in str(said),
                "execute_batch",
                f"project '{FAILING}': expected an error with '{word}', got: {said}",
            )
        left = list(place.folder.rglob("run*/simulation.duckdb"))
        self.expect(
            not left,
            "execute_batch",
            f"project '{FAILING}': expected that a failed run publishes nothing",
        )


def _failure(host: Host) -> str | None:
    try:
        host.simulate(project=PROJECTS / FAILING)
    except PlanwiseError as error:
        return str(error)
    return None
