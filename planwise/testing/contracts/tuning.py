"""What a tuner has to hold: the hook ``db_tune``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import duckdb
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from planwise.errors import PlanwiseError
from planwise.settings import size_bytes
from planwise.testing.contracts.common import GENERATED, Plugin
from planwise.testing.host import Host, Place
from planwise.testing.machines import MIB, generated_machines, recorded_machines
from planwise.testing.strategies import observations
from planwise.values import Machine, Setting, SettingValue, TuneRequest, YearObservation
from planwise.warehouse.database import Warehouse

_OTHER_NAMES: Final = {
    "max_memory": "memory_limit",
    "worker_threads": "threads",
    "wal_autocheckpoint": "checkpoint_threshold",
}
"""DuckDB's second names of settings."""
_POOLS: Final = (1, 4, 64)
_YEARS: Final = 15
_SPILLED: Final = YearObservation(2025, 12.0, 20.0, 600 * MIB, 300 * MIB)
_CALM: Final = YearObservation(2025, 3.0, 4.0, 200 * MIB)
_FIXED: Final[tuple[Mapping[str, SettingValue], ...]] = (
    {"memory_limit": "1GB"},
    {"MAX_MEMORY": "1GB"},
    {"threads": 3},
    {"worker_threads": 3},
    {"temp_directory": "/elsewhere"},
    {"preserve_insertion_order": True, "max_temp_directory_size": "1GB"},
)


class DbTune(Plugin):
    """Settings that stay within the machine, that DuckDB takes, and that come to rest.

    Tried on machines of one core and of 128, of 512 MiB, in containers, with full disks and
    without a place to spill, and on generated ones; with and without a year that was observed, and
    with settings that the user fixed.
    """

    hooks = ("db_tune",)

    @pytest.mark.parametrize("pool_size", _POOLS)
    def test_settings_stay_within_the_machine(
        self, planwise_place: Place, tmp_path: Path, pool_size: int
    ) -> None:
        """Every recorded machine, before the database opens and after years, and DuckDB's word."""
        for name, machine in recorded_machines(tmp_path).items():
            host = self.host(planwise_place)
            for observed in (None, _CALM, _SPILLED, evolve(_SPILLED, year=2026)):
                request = TuneRequest(machine, pool_size, {}, observed)
                chosen = self.chosen(host, request)
                self.within(chosen, machine, name)
                self.taken_by_duckdb(chosen.values(), name)

    @settings(GENERATED, max_examples=40)
    @given(data=st.data(), pool_size=st.integers(1, 64))
    def test_settings_stay_within_any_machine(
        self, planwise_place: Place, tmp_path: Path, data: st.DataObject, pool_size: int
    ) -> None:
        """Machines that nobody thought of, with years that nobody thought of."""
        machine = data.draw(generated_machines(tmp_path))
        host = self.host(planwise_place)
        for observed in (None, *data.draw(st.lists(observations(), max_size=3))):
            request = TuneRequest(machine, pool_size, {}, observed, data.draw(st.booleans()))
            chosen = self.chosen(host, request)
            self.within(chosen, machine, str(machine))
        self.taken_by_duckdb(chosen.values(), str(machine))

    @pytest.mark.parametrize("fixed", _FIXED, ids="-".join)
    def test_what_the_user_fixed_is_left_alone(
        self, planwise_place: Place, tmp_path: Path, fixed: Mapping[str, SettingValue]
    ) -> None:
        """Under either of DuckDB's names; the kernel drops only the one that was given."""
        own = {_plain(name) for name in fixed}
        for name, machine in recorded_machines(tmp_path).items():
            host = self.host(planwise_place)
            for observed in (None, _SPILLED):
                chosen = self.chosen(host, TuneRequest(machine, 4, fixed, observed))
                both = sorted(own & chosen.keys())
                self.expect(
                    not both,
                    "db_tune",
                    f"machine '{name}': expected that {', '.join(fixed)} stays as the user "
                    f"fixed it, it sets {', '.join(chosen[each].name for each in both)}",
                )

    @pytest.mark.parametrize("seen", [_CALM, _SPILLED], ids=["nothing spilled", "spilled"])
    def test_settings_come_to_rest(
        self, planwise_place: Place, tmp_path: Path, seen: YearObservation
    ) -> None:
        """Years that are all the same: no value comes back once it was left, and all rest."""
        for name, machine in recorded_machines(tmp_path).items():
            host = self.host(planwise_place)
            self.chosen(host, TuneRequest(machine, 4))
            years = [
                self.chosen(host, TuneRequest(machine, 4, {}, evolve(seen, year=2025 + number)))
                for number in range(_YEARS)
            ]
            for setting in sorted({key for year in years for key in year}):
                values = [year[setting].value if setting in year else None for year in years]
                left = [v for n, v in enumerate(values) if n and v != values[n - 1]]
                steps = [values[0], *left]
                self.expect(
                    len(set(map(str, steps))) == len(steps),
                    "db_tune",
                    f"machine '{name}': expected that {setting} does not go back and "
                    f"forth in years that are the same, got {steps}",
                )
                self.expect(
                    values[-1] == values[-3],
                    "db_tune",
                    f"machine '{name}': expected that {setting} rests after {_YEARS} "
                    f"years that are the same, got {values[-3:]}",
                )

    def test_row_order_is_kept_where_results_may_depend_on_it(
        self, planwise_place: Place, tmp_path: Path
    ) -> None:
        """Of a project that planwise did not write; the kernel refuses it otherwise."""
        for machine in recorded_machines(tmp_path).values():
            request = TuneRequest(machine, 4, keep_order=True)
            self.chosen(self.host(planwise_place), request)

    def chosen(self, host: Host, request: TuneRequest) -> dict[str, Setting]:
        """What the plugin chose, by DuckDB's first name of each setting."""
        found = self.ask("db_tune", host.db_tune, request)
        return {_plain(each.name): each for each in found}

    def within(self, chosen: Mapping[str, Setting], machine: Machine, name: str) -> None:
        """Memory, threads and room to spill are no more than there is."""
        if "memory_limit" in chosen:
            limit = self.size(chosen["memory_limit"], machine.memory_total_bytes)
            self.expect(
                0 < limit < machine.memory_total_bytes,
                "db_tune",
                f"machine '{name}': expected a memory_limit below its "
                f"{machine.memory_total_bytes} bytes, got {limit}",
            )
        if "threads" in chosen:
            threads, reason = chosen["threads"].value, chosen["threads"].reason
            few = isinstance(threads, int) and threads >= 1
            self.expect(
                few and (int(threads) <= machine.cores or bool(reason.strip())),
                "db_tune",
                f"machine '{name}': expected 1 to {machine.cores} threads, or more with a "
                f"reason, got {threads!r} with '{reason}'",
            )
        if "max_temp_directory_size" in chosen:
            size = self.size(chosen["max_temp_directory_size"], machine.temp_free_bytes)
            self.expect(
                size <= machine.temp_free_bytes,
                "db_tune",
                f"machine '{name}': expected a max_temp_directory_size of no more than "
                f"the {machine.temp_free_bytes} bytes that are free, got {size}",
            )
        if "temp_directory" in chosen:
            folder = Path(str(chosen["temp_directory"].value))
            self.expect(
                _can_be_made(folder),
                "db_tune",
                f"machine '{name}': expected a temp_directory that can be written, got "
                f"{folder}: DuckDB takes any, and fails at the first spill",
            )

    def size(self, setting: Setting, whole: int) -> int:
        """Bytes of a setting; a percentage is of what there is."""
        text = str(setting.value).strip()
        if re.fullmatch(r"\d+(\.\d+)?\s*%", text):
            return int(whole * float(text.rstrip("% ")) / 100)
        try:
            return size_bytes(text, setting.name)
        except PlanwiseError as error:
            self.fail("db_tune", str(error))

    def taken_by_duckdb(self, chosen: Iterable[Setting], name: str) -> None:
        """The real DuckDB takes the values, as a run gives them, and still answers."""
        warehouse = Warehouse(Path(":memory:"), 1)
        try:
            warehouse.open({each.name: each.value for each in chosen})
            rows = warehouse.query(lambda cursor: cursor.execute("select 42").fetchall())
            self.expect(rows == [(42,)], "db_tune", f"machine '{name}': DuckDB answers {rows}")
        except (PlanwiseError, duckdb.Error) as error:
            self.fail("db_tune", f"machine '{name}': {error}")
        finally:
            warehouse.close()


def _plain(name: str) -> str:
    return _OTHER_NAMES.get(name.lower(), name.lower())


def _can_be_made(folder: Path) -> bool:
    """Whether a folder can be made and written; nothing of the trial stays."""
    there = folder.exists()
    try:
        folder.mkdir(exist_ok=True)
        probe = folder / "planwise-probe"
        probe.touch()
        probe.unlink()
        if not there:
            folder.rmdir()
    except OSError:
        return False
    return True
