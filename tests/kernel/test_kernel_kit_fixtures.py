"""The fixtures of the kit, as a plugin's author asks for them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from planwise.api import (
    Batch,
    BatchPlan,
    CheckpointError,
    CompressedState,
    Machine,
    Metric,
    PlanRequest,
    PlanwiseError,
    RunSummary,
    TuneRequest,
)
from planwise.testing.host import Host
from planwise.testing.strategies import chain

MakeHost = Callable[..., Host]


def test_the_census_has_300_people(planwise_census: Path) -> None:
    header, *people = planwise_census.read_text(encoding="utf-8").splitlines()
    assert header.startswith("employee_id,birth_date,hire_date")
    assert len(people) == 300


def test_a_project_is_a_copy_of_ones_own(planwise_project: Path, tmp_path: Path) -> None:
    assert planwise_project.is_relative_to(tmp_path)
    (planwise_project / "models" / "more.sql").write_text("select 1 as a")
    assert (planwise_project / "dbt_project.yml").is_file()


def test_machines_are_of_every_shape(planwise_machines: tuple[Machine, ...]) -> None:
    mib = 1 << 20
    assert {1, 128} <= {machine.cores for machine in planwise_machines}
    assert 512 * mib in {machine.memory_total_bytes for machine in planwise_machines}
    assert min(machine.temp_free_bytes for machine in planwise_machines) == 0
    for machine in planwise_machines:
        assert 0 < machine.memory_available_bytes <= machine.memory_total_bytes


def test_a_host_asks_the_plugin_that_is_named_and_no_other(planwise_host: MakeHost) -> None:
    host = planwise_host("batching")
    assert [plugin.name for plugin in host.plugins] == ["batching"]
    assert [name for name, on in host.toggles.items() if on] == ["batching"]
    keys = list(nodes := chain(2))
    plan = host.plan_batches(PlanRequest(nodes, 4))
    assert plan == BatchPlan([Batch([key]) for key in keys])
    assert host.again().plugins[0].instance is not host.plugins[0].instance


def test_without_only_the_others_are_as_in_a_run(planwise_host: MakeHost) -> None:
    toggles = planwise_host("batching", only=False).toggles
    assert toggles["tuning"]
    assert not toggles["telemetry"]


def test_a_kernel_alone_answers_with_its_defaults(
    planwise_host: MakeHost, planwise_machines: tuple[Machine, ...]
) -> None:
    host = planwise_host()
    assert host.add_options() == {}
    assert host.db_tune(TuneRequest(planwise_machines[0], 4)) == ()
    assert host.report_section(RunSummary((), 0.0, succeeded=False)) == ()
    host.record_metric(Metric("run", "run", None, 1.0))
    with pytest.raises(PlanwiseError, match="has the hook 'compress_state'"):
        host.compress_state(None)
    with pytest.raises(CheckpointError, match="codec 'z'"):
        host.restore_state(CompressedState("z", b"", 0), 1)


def test_options_are_those_of_a_configuration_file(planwise_host: MakeHost) -> None:
    flat = planwise_host("compression", options={"codec": "zstd", "level": 9})
    nested = planwise_host(
        "compression", "batching", options={"compression": {"codec": "zstd", "level": 9}}
    )
    assert len(flat.plugins) == 1
    assert len(nested.plugins) == 2


@pytest.mark.parametrize(
    ("names", "options", "says"),
    [
        (["batchin"], {}, "no plugin 'batchin' is installed; did you mean 'batching'"),
        (["compression"], {"codek": "zstd"}, "plugins.compression.codek: unknown option"),
        (["compression"], {"codec": "rar"}, "expected one of lz4, zstd, got 'rar'"),
        (["compression"], {"level": 3.5}, "plugins.compression.level: expected"),
        (["compression", "batching"], {"codec": "zstd"}, r"expected \{'PLUGIN'"),
    ],
)
def test_what_is_wrong_with_a_host_is_said(
    names: list[str], options: dict[str, object], says: str, planwise_host: MakeHost
) -> None:
    with pytest.raises(PlanwiseError, match=says):
        planwise_host(*names, options=options)


def test_a_host_simulates_planwises_own_project_and_one_that_is_given(
    planwise_host: MakeHost, planwise_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUCKDB_THREADS", "no number")  # of the shell, and no matter of a test
    host = planwise_host("precompile", "monitoring")
    run = host.simulate(years=[2025], employees=40)
    assert run.results["plugins"]["precompile"]
    assert run.results["years"] == [2025]
    assert run.database.is_file()
    assert "main.fct_yearly_events" in run.digests
    given = host.simulate(project=planwise_project)
    assert set(given.digests) == {"main.by_grade", "main.pay", "main.people", "main.raises"}
    assert "monitoring" in given.results["sections"]
    assert given.digests == host.simulate(project=planwise_project).digests
    (planwise_project / "models" / "pay.sql").write_text("select 1 / 'x' as wrong")
    with pytest.raises(PlanwiseError, match="pay failed in year 2025"):
        host.simulate(project=planwise_project)


def test_contracts_without_hypothesis_say_what_to_install() -> None:
    hidden = "import sys; sys.modules['hypothesis'] = None; import planwise.testing.contracts"
    done = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True)
    assert done.returncode == 1
    assert "pip install hypothesis pytest" in done.stderr.splitlines()[-1]
