"""Whatever the graph of models: planwise gives what plain dbt gives, in each year.

``PLANWISE_GRAPH_EXAMPLES`` sets how many graphs are tried, at random then, and shrinks what fails;
without it they are few and always the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from attrs import frozen
from corpus import YEARS, CorpusProject
from corpus_large import PROFILE
from corpus_runs import References, Workspace
from database_contents import contents, differences
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

EXAMPLES = os.environ.get("PLANWISE_GRAPH_EXAMPLES")
NUMBERS = count()


@frozen
class Model:
    """A model of a generated project.

    Attributes:
        kind: its materialization.
        reads: models that it reads in every year.
        early, late: what it reads beside them up to a year and after it, if that is not the same.
        turn: the year after which ``late`` is read.
        key: ``unique_key`` of an incremental model, as text.
        strategy: its strategy.
        own: whether it reads itself.
        tag: ``foundation`` for what runs once.
        alias: another name in the database.
    """

    kind: str
    reads: tuple[int, ...]
    early: int | None
    late: int | None
    turn: int
    key: str | None
    strategy: str
    own: bool
    tag: str
    alias: str | None

    def sql(self, number: int) -> str:
        """The model's text."""
        options = [f"materialized='{self.kind}'", f"tags=['{self.tag}']"]
        if self.alias is not None and self.kind != "ephemeral":  # dbt does not quote a CTE's name
            options.append(f"alias='{self.alias} {number}'")
        incremental = self.kind == "incremental"
        if incremental:
            options.append(f"incremental_strategy='{self.strategy}'")
            if self.key is not None and self.strategy != "append":
                options.append(f"unique_key={self.key}")
        year = "{{ var('simulation_year') }}"
        parts = [f"select id, v from {{{{ ref('m{each}') }}}}" for each in self.reads]
        text = "\nunion all ".join(
            [*parts, f"select i as id, i * {number + 2} as v from range(3) as t(i)"]
        )
        if self.early is not None and self.late is not None:
            text += (
                f"\n{{% if var('simulation_year') > {self.turn} %}}"
                f"union all select id, v from {{{{ ref('m{self.late}') }}}}"
                "{% else %}"
                f"union all select id, v + 1 from {{{{ ref('m{self.early}') }}}}"
                "{% endif %}"
            )
        if incremental and self.own:
            own = "union all select max(id) + 1, count(*) from {{ this }}"
            text += f"\n{{% if is_incremental() %}}{own}{{% endif %}}"
        return (
            f"{{{{ config({', '.join(options)}) }}}}\n"
            f"select id::bigint as id, {year} as y, sum(v)::bigint as v from (\n{text}\n)\n"
            "group by id"
        )


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Model, ...]:
    """Two to seven models; each reads earlier ones, and the last is a table."""
    models: list[Model] = []
    steady: list[int] = []
    for number in range(draw(st.integers(2, 7))):
        earlier = st.sampled_from(range(number)) if number else st.none()
        reads = draw(st.lists(earlier, max_size=2, unique=True)) if number else []
        turning = number > 1 and draw(st.booleans())
        early, late = (draw(earlier), draw(earlier)) if turning else (None, None)
        if not turning and set(reads) <= set(steady):
            steady.append(number)
        # What the year decides does not run once: which models did would depend on the year too.
        once = number in steady and draw(st.integers(0, 3)) == 0
        kind = draw(st.sampled_from(["table", "view", "ephemeral", "incremental"]))
        models.append(
            Model(
                kind=kind,
                reads=tuple(reads),
                early=early,
                late=late,
                turn=draw(st.sampled_from(YEARS[:2])),
                key=draw(st.sampled_from([None, "'id'", "['id', 'y']", "'id % 2'", "'y'"])),
                strategy=draw(st.sampled_from(["delete+insert", "append"])),
                own=draw(st.booleans()),
                tag="foundation" if once else draw(st.sampled_from(["yearly", "other"])),
                alias=draw(st.sampled_from([None, None, "Odd Name", "select"])),
            )
        )
    last = max(draw(st.integers(0, len(models) - 1)), 0)
    return (*models, Model("table", (last,), None, None, 0, None, "append", False, "yearly", None))


def write(models: tuple[Model, ...], folder: Path) -> None:
    """Write a project of these models."""
    project = {"name": "generated", "version": "1.0.0", "config-version": 2, "profile": "corpus"}
    project["flags"] = {"send_anonymous_usage_stats": False}
    (folder / "dbt_project.yml").write_text(json.dumps(project), encoding="utf-8")
    (folder / "profiles.yml").write_text(PROFILE, encoding="utf-8")
    (folder / "models").mkdir()
    for number, model in enumerate(models):
        (folder / "models" / f"m{number}.sql").write_text(model.sql(number), encoding="utf-8")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[References]:
    references = References(tmp_path_factory.mktemp("plain"))
    yield references
    references.close()


@pytest.mark.slow
@settings(
    max_examples=int(EXAMPLES or 3),
    deadline=None,
    derandomize=EXAMPLES is None,
    database=None,
    report_multiple_bugs=False,
    phases=[Phase.generate, *([Phase.shrink] if EXAMPLES else [])],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(models=graphs())
def test_any_graph_gives_what_plain_dbt_gives(
    models: tuple[Model, ...], plain: References, tmp_path_factory: pytest.TempPathFactory
) -> None:
    name = f"generated{next(NUMBERS)}"
    for number, model in enumerate(models):
        note(f"m{number}: {model.sql(number)}")
    project = CorpusProject(
        name,
        (),
        foundation=any(model.tag == "foundation" for model in models),
        generate=lambda folder: write(models, folder),
    )
    plain.submit(project)
    workspace = Workspace(project, tmp_path_factory.mktemp(name))
    reference = plain.get(project)
    assert reference.succeeded, reference.log
    runs = [(workspace.cold, YEARS), *((workspace.run(YEARS[:n]), YEARS[:n]) for n in (3, 1, 2))]
    for (done, database), years in runs:
        assert done.returncode == 0, done.stdout + done.stderr
        assert differences(reference.after(years[-1]), contents(database)) == {}
