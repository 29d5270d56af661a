"""What goes wrong in dbt is an error that names model, year and dbt's message."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from project_runs import PROJECTS, planwise_run

from planwise.errors import GraphError, ProjectError
from planwise.project.dbt_project import DbtProject
from planwise.project.graph import graph_from_manifest
from planwise.project.profile import read_profile_name
from planwise.values import BatchRequest, ModelNode
from planwise.warehouse.opening import connect, reading


def request_of(nodes: tuple[ModelNode, ...], folder: Path, year: int = 2024) -> BatchRequest:
    @contextmanager
    def nowhere() -> Iterator[None]:
        yield None  # dbt brings a connection of its own

    return BatchRequest(nodes, "year", year, True, {"simulation_year": year}, 2, folder, nowhere)


def copied(name: str, tmp_path: Path) -> Path:
    shutil.copytree(PROJECTS / name, tmp_path / name)
    return tmp_path / name


def test_a_model_that_fails_is_named_with_year_and_message(tmp_path: Path) -> None:
    """The year before it is in the database, and the file can be opened at once."""
    with pytest.raises(ProjectError) as caught:
        planwise_run(PROJECTS / "failing", tmp_path)
    text = str(caught.value)
    assert text.startswith("broken failed in year 2025: ")
    assert "no such year: 2025" in text
    assert "\n" not in text
    connect(tmp_path / "planwise.duckdb").close()
    with reading(tmp_path / "planwise.duckdb") as connection:
        assert connection.execute("select word from broken").fetchall() == [("fine",)]


def test_after_a_failure_the_next_run_in_the_process_works(tmp_path: Path) -> None:
    with pytest.raises(ProjectError):
        planwise_run(PROJECTS / "failing", tmp_path, (2024, 2025))
    (tmp_path / "planwise.duckdb").unlink()
    run = planwise_run(PROJECTS / "failing", tmp_path, (2024,))
    assert run.result.years == (2024,)


def test_what_was_not_run_because_of_a_failure_is_counted(tmp_path: Path) -> None:
    project = DbtProject(PROJECTS / "failing", tmp_path / "work", tmp_path / "a.duckdb")
    with project.session():
        nodes = tuple(project.graph(2026).year.values())
        with pytest.raises(ProjectError, match=r"broken failed in year 2026.*\(1 more not run\)"):
            project.execute(request_of(nodes, project.directory, 2026))


def test_a_node_that_dbt_does_not_know_is_missed(tmp_path: Path) -> None:
    """dbt reports success for a selection of nothing."""
    project = DbtProject(PROJECTS / "failing", tmp_path / "work", tmp_path / "a.duckdb")
    with project.session():
        good = project.graph(2024).year["model.failing.good"]
        graph = project.graph(2024)
        graph.selectors["model.failing.good"] = "fqn:failing.nothing"  # type: ignore[index]  # on purpose
        with pytest.raises(ProjectError, match="dbt ran 0 of 1 nodes in year 2024; not run: good"):
            project.execute(request_of((good,), project.directory))


def test_a_selection_of_more_than_was_asked_for_is_missed(tmp_path: Path) -> None:
    project = DbtProject(PROJECTS / "failing", tmp_path / "work", tmp_path / "a.duckdb")
    with project.session():
        graph = project.graph(2024)
        graph.selectors["model.failing.good"] = "fqn:failing"  # type: ignore[index]  # on purpose
        good = graph.year["model.failing.good"]
        with pytest.raises(ProjectError, match="dbt ran 3 of 1 nodes"):
            project.execute(request_of((good,), project.directory))


def test_a_model_that_was_disabled_after_the_parse_is_missed(tmp_path: Path) -> None:
    """The kernel asks for what the graph of another year held."""
    folder = copied("enabled", tmp_path)
    project = DbtProject(folder, tmp_path / "work", tmp_path / "a.duckdb")
    with project.session():
        later = project.graph(2025).year["model.enabled.later"]
        project.graph(2024)
        with pytest.raises((ProjectError, KeyError)) as caught:
            project.execute(request_of((later,), folder))
    assert isinstance(caught.value, ProjectError)
    assert "later" in str(caught.value)


def test_an_empty_model_is_no_failure(tmp_path: Path) -> None:
    folder = copied("failing", tmp_path)
    (folder / "models" / "broken.sql").write_text("select 1 as word where false")
    run = planwise_run(folder, tmp_path, (2024,))
    assert run.digests["main.after"].rows == 0
    assert len(run.result.year_phases[0].models) == 3


def test_a_run_hook_that_fails_is_an_error(tmp_path: Path) -> None:
    folder = copied("run_hooks", tmp_path)
    text = (folder / "dbt_project.yml").read_text()
    hook = "  - \"select error('hook says no')\"\n"
    (folder / "dbt_project.yml").write_text(text.replace("on-run-end:\n", f"on-run-end:\n{hook}"))
    with pytest.raises(ProjectError, match="hook says no"):
        planwise_run(folder, tmp_path, (2024,))


BROKEN = {
    "a macro that does not exist": ("select {{ no_such_macro() }}", "no_such_macro"),
    "a model that does not exist": ("select * from {{ ref('gone') }}", "gone"),
    "jinja that does not end": ("select {{ 1", "good"),
    "a circle": ("select * from {{ ref('after') }}", "cycle"),
    "a compiler error": ("{{ exceptions.raise_compiler_error('not like this') }}", "not like this"),
}


@pytest.mark.parametrize("case", sorted(BROKEN))
def test_a_project_that_dbt_cannot_parse(tmp_path: Path, case: str) -> None:
    code, word = BROKEN[case]
    folder = copied("failing", tmp_path)
    (folder / "models" / "good.sql").write_text(code)
    with pytest.raises(ProjectError) as caught:
        planwise_run(folder, tmp_path, (2024,))
    assert word.lower() in str(caught.value).lower()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (None, "no dbt_project.yml there; give the project's folder with --dbt-project"),
        ("", "key 'profile'"),
        ("[]", "key 'profile'"),
        ("profile: 7", "key 'profile'"),
        ("profile: {a: b}", "key 'profile'"),
        ("profile: [", "cannot be read"),
        ("a: b: c", "cannot be read"),
        ("profile: !!python/object/apply:os.getcwd []", "cannot be read"),
        ("\x00", "cannot be read"),
        ("[" * 5000, "cannot be read"),
        (b"profile: \xff\xfe", "cannot be read"),
    ],
)
def test_a_folder_that_is_no_project(
    tmp_path: Path, content: str | bytes | None, word: str
) -> None:
    if content is not None:
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / "dbt_project.yml").write_bytes(data)
    with pytest.raises(ProjectError) as caught:
        read_profile_name(tmp_path)
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_profile_of_a_project(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("profile: 'odd: name'")
    assert read_profile_name(tmp_path) == "odd: name"


def test_a_graph_that_refers_to_nothing_is_an_error(tmp_path: Path) -> None:
    project = DbtProject(PROJECTS / "failing", tmp_path / "work", tmp_path / "a.duckdb")
    with project.session():
        project.graph(2024)
        manifest = project._parse(2024).manifest
        assert graph_from_manifest(manifest).year
        del manifest.nodes["model.failing.good"]
        with pytest.raises(GraphError, match=r"depends on 'model\.failing\.good', which does not"):
            graph_from_manifest(manifest)
