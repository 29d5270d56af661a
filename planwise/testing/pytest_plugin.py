"""Fixtures for the tests of plugins; pytest finds them through the entry point ``planwise``.

Loaded at every start of pytest, also where nobody asks for a fixture: everything but pytest is
imported by the fixture that needs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from planwise.testing.host import Host, Place
    from planwise.values import Machine


@pytest.fixture(scope="session")
def planwise_place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The folder of a test session in which hosts simulate, and what they share in it."""
    from planwise.testing.host import Place

    return Place(tmp_path_factory.mktemp("planwise"))


@pytest.fixture(scope="session")
def planwise_census(planwise_place: Place) -> Path:
    """A synthetic census of 300 people, as CSV; the same people in every session."""
    return planwise_place.census(300)


@pytest.fixture
def planwise_project(tmp_path: Path) -> Path:
    """A copy of a small dbt project that is stepped through the years; yours to edit.

    A seed, a view, an ephemeral model, a table, and two incremental ones, one of which reads itself
    with ``{{ this }}``. ``planwise_host(...).simulate(project=planwise_project)`` runs it.
    """
    from planwise.testing.corpus import SMALL, copied

    return copied(SMALL, tmp_path / "planwise_project")


@pytest.fixture(scope="session")
def planwise_machines(tmp_path_factory: pytest.TempPathFactory) -> tuple[Machine, ...]:
    """Machines of every shape: one core, 512 MiB, limits of containers, 128 cores, full disks."""
    from planwise.testing.machines import recorded_machines

    return tuple(recorded_machines(tmp_path_factory.mktemp("machines")).values())


@pytest.fixture
def planwise_host(planwise_place: Place) -> Callable[..., Host]:
    """Makes a host: ``planwise_host(*names, options={...}, only=True)``.

    The plugins of these names are loaded, checked and configured as the kernel does it; see
    :func:`planwise.testing.host.make_host`.
    """
    from functools import partial

    from planwise.testing.host import make_host

    return partial(make_host, planwise_place)
