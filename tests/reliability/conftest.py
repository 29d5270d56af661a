"""A run that nobody disturbed, and how long it takes; the library that fails calls."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from killing import COMMAND, Clean, digests_of, environment


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Clean:
    folder = tmp_path_factory.mktemp("clean")
    census, config = folder / "census.csv", folder / "config.yaml"
    subprocess.run(
        [*COMMAND[:-1], "census", "generate", "--employees", "60", "--output", str(census)],
        env=environment(),
        check=True,
    )
    config.write_text("simulation: {start_year: 2025, end_year: 2027}\n")
    arguments = ["--census", str(census), "--config", str(config)]
    for _ in range(2):  # the second time its caches are filled
        started = time.perf_counter()
        done = subprocess.run(
            [*COMMAND, *arguments, "--database", str(folder / "simulation.duckdb")],
            env=environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        wall_s = time.perf_counter() - started
    return Clean(arguments, digests_of(folder / "simulation.duckdb"), wall_s)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What makes calls fail, compiled."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler to make the library that fails calls")
    source = Path(__file__).with_name("failing_io.c")
    target = tmp_path_factory.mktemp("library") / "failing_io.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O2", "-o", target, source, "-ldl", "-lpthread"], check=True
    )
    return target
