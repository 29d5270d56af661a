from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest
from project_runs import PROJECTS, PlainDbt, Run, planwise_run


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlainDbt]:
    """Plain dbt on every small project, three years each, beside the tests.

    Those with a profile of their own are the corpus, which has a reference of its own.
    """
    names = sorted(
        folder.name
        for folder in PROJECTS.iterdir()
        if folder.name != "failing" and not (folder / "profiles.yml").exists()
    )
    running = PlainDbt(tmp_path_factory.mktemp("plain"), names)
    yield running
    running.close()


@pytest.fixture(scope="session")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """``run_of(name)``: a small project run by the kernel, three years, once a session."""

    @cache
    def run(name: str) -> Run:
        return planwise_run(PROJECTS / name, tmp_path_factory.mktemp(name))

    return run
