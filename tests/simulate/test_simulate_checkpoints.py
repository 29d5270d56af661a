"""The checkpoint of a year is the state that the next year starts from, to the bit."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from simulate_runs import YEARS, SimulationOutcome, simulation

from planwise.checkpoints.store import CheckpointStore
from planwise.errors import CheckpointError
from planwise.relay import Relay
from planwise.warehouse.opening import reading


@pytest.mark.parametrize("compression", [True, False])
def test_checkpoints_hold_the_rows_of_the_database(
    census: Path, tmp_path: Path, compression: bool
) -> None:
    run = simulation(census, tmp_path / "simulation.duckdb", toggles={"compression": compression})
    outcome = run.run()
    store = CheckpointStore(outcome.files.checkpoints)
    assert store.years() == list(YEARS)
    for year in YEARS:
        states = {state.name: state for state in store.read(year, run.relay)}
        published = {name: state for name, state in states.items() if ".fct_" in name}
        assert set(published) == {
            "main.fct_workforce_snapshot",
            "main.fct_headcount",
            "main.fct_headcount_by_level",
            "main.fct_compensation_growth",
            "main.fct_plan_cost",
            "main.fct_yearly_events",
        }
        # Of tables that each year replaces the database has only the last one's.
        assert set(states) - set(published) == {"main.check_year", "main.check_plan"}
        with reading(outcome.files.database) as connection:
            for name, state in published.items():
                connection.register("stored", state.table)
                of_year = f"from {name} where simulation_year <= {year}"
                for sql in (
                    f"from stored except all {of_year}",
                    f"{of_year} except all from stored",
                ):
                    assert connection.execute(sql).fetchall() == []
                described = [
                    connection.execute(f"describe {sql}").fetchall()
                    for sql in ("from stored", of_year)
                ]
                assert [row[:2] for row in described[0]] == [row[:2] for row in described[1]]
                assert state.table.num_rows > 0


def test_the_records_say_what_is_on_disk(reference: SimulationOutcome) -> None:
    for phase in reference.result.year_phases:
        record = phase.checkpoint
        assert record is not None
        folder = reference.files.checkpoints / str(phase.year)
        on_disk = sum(file.stat().st_size for file in folder.glob("*.state"))
        assert record.stored_bytes == on_disk
        assert record.ratio == record.raw_bytes / on_disk > 1
        assert record.tables == len(list(folder.glob("*.state"))) == 8


def test_a_state_needs_the_plugin_that_wrote_it(reference: SimulationOutcome) -> None:
    store = CheckpointStore(reference.files.checkpoints)
    with pytest.raises(CheckpointError, match="written by plugin 'compression'"):
        store.verify(YEARS[0], Relay())


def test_a_damaged_checkpoint_is_refused(census: Path, tmp_path: Path) -> None:
    run = simulation(census, tmp_path / "simulation.duckdb", years=(2025,))
    files = run.run().files
    state = files.checkpoints / "2025" / "0.state"
    content = bytearray(state.read_bytes())
    content[len(content) // 2] ^= 1
    state.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        CheckpointStore(files.checkpoints).verify(2025, run.relay)


def test_a_state_is_an_arrow_table(census: Path, reference: SimulationOutcome) -> None:
    relay = simulation(census, reference.files.database).relay
    for state in CheckpointStore(reference.files.checkpoints).read(YEARS[-1], relay):
        assert isinstance(state.table, pa.Table)
        assert state.year == YEARS[-1]
