from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planwise.api import Machine, Setting, TuneRequest, YearObservation
from planwise_plugins.tuning import (
    GIB,
    LEAST_MEMORY,
    LEAST_SHARE,
    MEMORY_PER_THREAD,
    MIB,
    MOST_SHARE,
    MOST_THREADS,
    RSS_PER_LIMIT,
    MemoryChoice,
    Tuning,
    memory_after,
    spill_space,
    threads_setting,
)

SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def as_bytes(value: object) -> int:
    number, unit = re.fullmatch(r"(\d+)(B|MiB)", str(value)).groups()
    return int(number) * (MIB if unit == "MiB" else 1)


def by_name(answer: list[Setting]) -> dict[str, Setting]:
    named = {each.name: each for each in answer}
    assert len(named) == len(answer), "a setting is answered twice"
    return named


def machine(folder: Path, *, cores: int = 4, available: int = 8 * GIB, free: int = 100 * GIB):
    return Machine(cores, 2 * available, available, folder / "run.duckdb.tmp", free)


@st.composite
def machines(draw: st.DrawFn, folder: Path) -> Machine:
    total = draw(st.integers(512 * MIB, 1024 * GIB))
    available = int(total * draw(st.floats(0.1, 1.0)))
    return Machine(
        cores=draw(st.integers(1, 128)),
        memory_total_bytes=total,
        memory_available_bytes=available,
        temp_directory=folder / "run.duckdb.tmp",
        temp_free_bytes=draw(st.integers(0, 4096 * GIB)),
    )


@SAME_FOLDER
@given(data=st.data(), pool_size=st.integers(1, 64))
def test_every_machine_gets_settings_within_its_means(
    tmp_path: Path, data: st.DataObject, pool_size: int
) -> None:
    given_machine = data.draw(machines(tmp_path))
    chosen = by_name(Tuning().db_tune(TuneRequest(given_machine, pool_size)))
    available = given_machine.memory_available_bytes
    limit = as_bytes(chosen["memory_limit"].value)
    assert LEAST_SHARE * available <= limit <= MOST_SHARE * available
    # The default leaves room for what DuckDB uses beyond its limit.
    assert limit * RSS_PER_LIMIT <= available
    assert 1 <= int(chosen["threads"].value) <= min(MOST_THREADS, given_machine.cores)
    assert int(chosen["threads"].value) == 1 or limit >= 32 * MIB * int(chosen["threads"].value)
    if "temp_directory" in chosen:
        assert chosen["temp_directory"].value == str(given_machine.temp_directory)
        spill = as_bytes(chosen["max_temp_directory_size"].value)
        assert 0 < spill <= given_machine.temp_free_bytes * 0.9
    assert chosen["preserve_insertion_order"].value is False
    for each in chosen.values():
        assert each.reason


@SAME_FOLDER
@given(data=st.data())
def test_the_reasons_of_what_depends_on_the_machine_quote_figures(
    tmp_path: Path, data: st.DataObject
) -> None:
    given_machine = data.draw(machines(tmp_path))
    chosen = by_name(Tuning().db_tune(TuneRequest(given_machine, 4)))
    assert f"{given_machine.memory_available_bytes / MIB:,.0f} MiB" in chosen["memory_limit"].reason
    assert str(given_machine.cores) in chosen["threads"].reason


@pytest.mark.parametrize(
    ("cores", "available", "free"),
    [
        (1, 100 * MIB, 0),
        (1, 512 * MIB, GIB),
        (2, 333_333_333, 200 * MIB),
        (128, 50 * MIB, 10 * GIB),
        (128, 512 * GIB, 4096 * GIB),
    ],
)
def test_duckdb_takes_the_settings_and_means_the_same_by_them(
    tmp_path: Path, cores: int, available: int, free: int
) -> None:
    given_machine = machine(tmp_path, cores=cores, available=available, free=free)
    chosen = by_name(Tuning().db_tune(TuneRequest(given_machine, 4)))
    with duckdb.connect(str(tmp_path / "run.duckdb")) as connection:
        for name in sorted(chosen):
            connection.execute(f"set global {name} = '{chosen[name].value}'")
        known = connection.execute("select name from duckdb_settings()").fetchall()
        assert set(chosen) <= {name for (name,) in known}
        assert connection.execute("select current_setting('threads')").fetchone() == (
            chosen["threads"].value,
        )
        order = connection.execute("select current_setting('preserve_insertion_order')")
        assert order.fetchone() == (False,)
        shown = connection.execute("select current_setting('memory_limit')").fetchone()[0]
        number, unit = shown.split()
        size = float(number) * {"MiB": MIB, "GiB": GIB}[unit]
        assert size == pytest.approx(as_bytes(chosen["memory_limit"].value), rel=0.05)
        assert connection.execute("select sum(i) from range(1000) t(i)").fetchone() == (499500,)


def test_what_does_not_fit_is_spilled_where_the_tuner_says_and_later_answers_still_apply(
    tmp_path: Path,
) -> None:
    tuner = Tuning()
    small = machine(tmp_path, cores=2, available=100 * MIB, free=4 * GIB)
    first = by_name(tuner.db_tune(TuneRequest(small, 1)))
    with duckdb.connect(str(tmp_path / "run.duckdb")) as connection:
        for name in sorted(first):
            connection.execute(f"set global {name} = '{first[name].value}'")
        connection.execute(
            "create temp table big as "
            "select i, md5(i::varchar) || md5((i + 1)::varchar) as text from range(2000000) t(i)"
        )
        files = connection.execute("select path, size from duckdb_temporary_files()").fetchall()
        assert files
        assert all(Path(path).parent == small.temp_directory for path, _ in files)
        seen = YearObservation(2025, 1.0, 1.0, 0, sum(size for _, size in files))
        roomy = machine(tmp_path, cores=2, available=4 * GIB, free=4 * GIB)
        later = by_name(tuner.db_tune(TuneRequest(roomy, 1, observed=seen)))
        assert "temp_directory" not in later
        for name in sorted(later):
            connection.execute(f"set global {name} = '{later[name].value}'")
        assert connection.execute("select count(*) from big").fetchone() == (2_000_000,)
    grown = as_bytes(later["memory_limit"].value)
    assert as_bytes(first["memory_limit"].value) < grown <= MOST_SHARE * 100 * MIB


def test_more_models_at_once_and_less_room_to_spill_mean_more_memory(tmp_path: Path) -> None:
    def limit(pool_size: int, free: int) -> int:
        request = TuneRequest(machine(tmp_path, free=free), pool_size)
        return as_bytes(by_name(Tuning().db_tune(request))["memory_limit"].value)

    assert limit(1, 100 * GIB) < limit(4, 100 * GIB) < limit(4, GIB)
    assert limit(4, GIB) == limit(4, 0)


def test_with_next_to_no_memory_duckdbs_own_limit_is_left_alone(tmp_path: Path) -> None:
    request = TuneRequest(machine(tmp_path, available=LEAST_MEMORY - 1), 4)
    assert "memory_limit" not in by_name(Tuning().db_tune(request))


def test_threads_fall_where_memory_cannot_feed_them() -> None:
    assert threads_setting(128, None).value == MOST_THREADS
    assert threads_setting(128, 8 * MEMORY_PER_THREAD).value == 8
    starved = threads_setting(128, 3 * MEMORY_PER_THREAD)
    assert starved.value == 3
    assert "96 MiB" in starved.reason
    assert threads_setting(4, 1).value == 1


def test_what_goes_with_a_fixed_setting_is_settled_by_it(tmp_path: Path) -> None:
    def chosen(**fixed: str) -> dict[str, Setting]:
        return by_name(Tuning().db_tune(TuneRequest(machine(tmp_path), 4, fixed)))

    assert "max_temp_directory_size" not in chosen(temp_directory="/elsewhere")
    assert chosen(memory_limit="1GB")["threads"].value == 4
    assert chosen(MAX_MEMORY="1GB")["threads"].value == 4


@pytest.mark.parametrize("where", ["a file", "a missing parent", "a place that refuses", "full"])
def test_a_directory_that_cannot_be_spilled_to_is_found_before_the_first_spill(
    tmp_path: Path, where: str
) -> None:
    free = 100 * GIB
    if where == "a file":
        directory = tmp_path / "file"
        directory.write_text("")
        directory = directory / "spill"
    elif where == "a missing parent":
        directory = tmp_path / "no" / "spill"
    elif where == "a place that refuses":
        directory = Path("/proc/self")  # not writable for root either
        if not directory.is_dir():
            pytest.skip("no /proc here")
    else:
        directory, free = tmp_path / "spill", 100 * MIB
    found = spill_space(directory, free)
    assert found.usable_bytes == 0
    assert found.problem
    given_machine = Machine(4, 16 * GIB, 8 * GIB, directory, free)
    chosen = by_name(Tuning().db_tune(TuneRequest(given_machine, 4)))
    assert not {"temp_directory", "max_temp_directory_size"} & set(chosen)
    assert found.problem in chosen["memory_limit"].reason


def test_the_probe_leaves_nothing_behind(tmp_path: Path) -> None:
    assert spill_space(tmp_path / "run.duckdb.tmp", 10 * GIB).usable_bytes == 9 * GIB
    assert list(tmp_path.iterdir()) == []


observations = st.builds(
    YearObservation,
    year=st.integers(2025, 2035),
    wall_s=st.floats(0, 100),
    cpu_s=st.floats(0, 100),
    peak_rss_bytes=st.integers(0, 16 * GIB),
    spilled_bytes=st.one_of(st.just(0), st.integers(0, 16 * GIB)),
)


@SAME_FOLDER
@given(
    seen=st.lists(st.tuples(observations, st.integers(0, 16 * GIB)), max_size=12),
    pool_size=st.integers(1, 16),
)
def test_the_limit_never_falls_never_passes_its_share_and_moves_only_after_a_spill(
    tmp_path: Path, seen: list[tuple[YearObservation, int]], pool_size: int
) -> None:
    tuner = Tuning()
    start = machine(tmp_path)
    answers = by_name(tuner.db_tune(TuneRequest(start, pool_size)))
    limit = as_bytes(answers["memory_limit"].value)
    for observed, available in seen:
        request = TuneRequest(machine(tmp_path, available=available), pool_size, observed=observed)
        later = by_name(tuner.db_tune(request))
        new = as_bytes(later["memory_limit"].value)
        assert limit <= new <= MOST_SHARE * start.memory_available_bytes
        if new != limit:
            assert observed.spilled_bytes > 0
            assert new - limit >= 0.02 * start.memory_available_bytes
            assert (new - limit) * RSS_PER_LIMIT <= available + MIB
            assert str(observed.year) in later["memory_limit"].reason
        unchanged = {n: s.value for n, s in answers.items()} | {"memory_limit": 0}
        unchanged.pop("temp_directory")
        assert {n: s.value for n, s in later.items()} | {"memory_limit": 0} == unchanged
        limit = new


def test_after_a_spill_the_limit_grows_to_its_share_and_then_rests() -> None:
    choice = MemoryChoice(700 * MIB, 1000 * MIB, "")
    here = Machine(2, 4 * GIB, 2 * GIB, Path("/nowhere"), 0)
    seen = YearObservation(2025, 1.0, 1.0, peak_rss_bytes=600 * MIB, spilled_bytes=10 * MIB)
    limits = []
    for _ in range(6):
        choice = memory_after(choice, seen, here)
        limits.append(choice.limit_bytes // MIB)
    assert limits == [750, 800, 850, 850, 850, 850]


def test_a_resident_size_that_is_near_the_machines_stops_the_growth() -> None:
    choice = MemoryChoice(700 * MIB, 1000 * MIB, "")
    here = Machine(2, 4 * GIB, 2 * GIB, Path("/nowhere"), 0)
    full = YearObservation(2025, 1.0, 1.0, peak_rss_bytes=990 * MIB, spilled_bytes=GIB)
    assert memory_after(choice, full, here) is choice
    nearly = YearObservation(2025, 1.0, 1.0, peak_rss_bytes=940 * MIB, spilled_bytes=GIB)
    assert memory_after(choice, nearly, here).limit_bytes == 744 * MIB


def test_a_first_answer_after_a_resume_opens_no_spill_directory(tmp_path: Path) -> None:
    seen = YearObservation(2027, 1.0, 1.0, GIB)
    chosen = by_name(Tuning().db_tune(TuneRequest(machine(tmp_path), 4, observed=seen)))
    assert "temp_directory" not in chosen
    assert "memory_limit" in chosen


def test_row_order_can_be_kept(tmp_path: Path) -> None:
    tuner = Tuning()
    (option,) = tuner.add_options()
    assert (option.name, option.default) == ("preserve_insertion_order", False)
    tuner.configure({option.name: True})
    chosen = by_name(tuner.db_tune(TuneRequest(machine(tmp_path), 4)))
    assert chosen["preserve_insertion_order"].value is True
