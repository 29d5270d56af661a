"""Every project of the corpus gives what plain dbt gives: cold, warm, and after any edit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from corpus import CORPUS, YEARS, CorpusProject, Edit, Kind
from corpus_runs import (
    NO_EDIT,
    Reference,
    References,
    Workspace,
    environment,
    in_one_line,
    lay_ground,
    lay_out,
    plain_steps,
)
from database_contents import contents, differences

PROJECTS = {project.name: project for project in CORPUS}
EVERY_EDIT = [(project.name, edit) for project in CORPUS for edit in project.edits]
AT_LENGTH = os.environ.get("PLANWISE_CORPUS") == "all"
"""Whether every edit is tried: an hour, where a few minutes try two of each kind."""


def some_of_each_kind() -> list[tuple[str, Edit]]:
    """Two edits of each kind, of different projects where there are."""
    chosen: list[tuple[str, Edit]] = []
    for kind in get_args(Kind):
        of_kind = {name: edit for name, edit in reversed(EVERY_EDIT) if edit.kind == kind}
        chosen += list(of_kind.items())[:2]
    return chosen


EDITS = EVERY_EDIT if AT_LENGTH else some_of_each_kind()
FEWER = list(PROJECTS) if AT_LENGTH else ["year_graph", "schema_change"]

of_each_project = pytest.mark.parametrize("name", PROJECTS)


@pytest.fixture(scope="module")
def plain(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[References]:
    """Plain dbt, beside the tests; it begins with everything that the chosen tests will ask for."""
    references = References(tmp_path_factory.mktemp("plain"))
    for item in request.session.items:
        found = getattr(item, "callspec", None)
        if item.path != request.path or found is None or "name" not in found.params:
            continue
        project = PROJECTS[found.params["name"]]
        if "edit" in found.params:
            references.submit(project, found.params["edit"])
        else:
            for number in range(2 if project.unstable else 1):
                references.submit(project, number=number)
    yield references
    references.close()


class Workspaces:
    """The workspace of each project, made when it is first asked for."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory
        self._made: dict[str, Workspace] = {}

    def __getitem__(self, name: str) -> Workspace:
        if name not in self._made:
            self._made[name] = Workspace(PROJECTS[name], self._factory.mktemp(name))
        return self._made[name]


@pytest.fixture(scope="module")
def workspaces(tmp_path_factory: pytest.TempPathFactory) -> Workspaces:
    return Workspaces(tmp_path_factory)


def same_as_plain(
    run: tuple[subprocess.CompletedProcess[str], Path],
    reference: Reference,
    edit: Edit = NO_EDIT,
    year: int | None = None,
) -> None:
    """A run of planwise gave what plain dbt gave, its error included."""
    done, database = run
    project = reference.project
    fails = edit.fails or ("" if edit is not NO_EDIT else project.fails)
    said = done.stdout + done.stderr
    if fails and (year is None or project.fails_in is None or year >= project.fails_in):
        assert not reference.succeeded
        assert fails in in_one_line(reference.log)
        assert done.returncode != 0
        assert fails in in_one_line(said)
        assert "Traceback" not in said
        return
    assert done.returncode == 0, said
    expected = reference.last() if year is None else reference.after(year)
    unstable = project.unstable | edit.new_unstable
    assert differences(expected, contents(database), unstable) == {}


def test_the_corpus_has_every_kind_of_edit() -> None:
    assert {edit.kind for _, edit in EDITS} == set(get_args(Kind))
    assert len({(name, edit.name) for name, edit in EVERY_EDIT}) == len(EVERY_EDIT)


@pytest.mark.parametrize("name", [name for name, project in PROJECTS.items() if project.unstable])
def test_only_what_is_listed_differs_between_two_runs_of_plain_dbt(
    name: str, plain: References
) -> None:
    project = PROJECTS[name]
    assert plain.unstable(project) == project.unstable


@of_each_project
def test_a_cold_run_gives_what_plain_dbt_gives(
    name: str, workspaces: Workspaces, plain: References
) -> None:
    same_as_plain(workspaces[name].cold, plain.get(PROJECTS[name]))


@of_each_project
def test_a_warm_run_gives_what_plain_dbt_gives(
    name: str, workspaces: Workspaces, plain: References
) -> None:
    """And moments and ids of its own: what differs between two runs differs here too."""
    workspace = workspaces[name]
    warm = workspace.run()
    same_as_plain(warm, plain.get(PROJECTS[name]))
    if PROJECTS[name].unstable:
        before, after = contents(workspace.cold[1]), contents(warm[1])
        same = {
            f"{table}.{column}"
            for table, relation in after.items()
            for column, values in relation.values.items()
            if sorted(values) == sorted(before[table].values[column])
        }
        assert not same & PROJECTS[name].unstable


@pytest.mark.parametrize("name", FEWER)
@pytest.mark.parametrize("years", [YEARS[:1], YEARS[:2]], ids=["one_year", "two_years"])
def test_fewer_years_from_the_same_caches_give_what_plain_dbt_had_then(
    name: str, years: tuple[int, ...], workspaces: Workspaces, plain: References
) -> None:
    run = workspaces[name].run(years)
    same_as_plain(run, plain.get(PROJECTS[name]), year=years[-1])


@pytest.mark.parametrize(
    ("name", "edit"), EDITS, ids=[f"{name}-{edit.name}" for name, edit in EDITS]
)
def test_nothing_is_stale_after_an_edit(
    name: str, edit: Edit, workspaces: Workspaces, plain: References
) -> None:
    """The caches are those of the project as it was; an edit may keep size and time of a file."""
    run = workspaces[name].run_edited(edit)
    reference = plain.get(PROJECTS[name], edit)
    same_as_plain(run, reference, edit)
    if not edit.fails and not PROJECTS[name].fails and edit.years[0] == YEARS[0]:
        before = plain.get(PROJECTS[name]).after(edit.years[-1])
        assert differences(before, reference.last(), PROJECTS[name].unstable), "it has no effect"


@pytest.mark.parametrize("name", ["environment", "packaged"])
def test_nothing_is_stale_when_edits_are_taken_back(
    name: str, workspaces: Workspaces, plain: References
) -> None:
    """Two edits, one after the other, then neither, all with the same caches."""
    workspace = workspaces[name]
    for edit in PROJECTS[name].edits[:2]:
        same_as_plain(
            workspace.run_edited(edit, forget=False), plain.get(PROJECTS[name], edit), edit
        )
    same_as_plain(workspace.run(), plain.get(PROJECTS[name]))


def test_a_fork_gives_what_a_process_of_its_own_gives(tmp_path: Path, plain: References) -> None:
    """The reference forks for each command, to import dbt once: here is dbt as anyone starts it."""
    project: CorpusProject = PROJECTS["hooks"]
    laid_out = lay_out(project, tmp_path)
    database = tmp_path / project.database
    lay_ground(database, project.before)
    outside = {"PROJECT_DATABASE": str(database), "DO_NOT_TRACK": "1"}
    outside |= environment(project, NO_EDIT, tmp_path)
    dbt = str(Path(sys.executable).with_name("dbt"))
    for step in plain_steps(project, NO_EDIT, tmp_path, laid_out, YEARS):
        subprocess.run([dbt, *step["arguments"]], env=os.environ | outside, check=True)
    assert differences(plain.get(project).last(), contents(database)) == {}
