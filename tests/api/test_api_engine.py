"""The engine of the Python API: a tuned pool, and states that come back to the bit."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planwise import OptimizationEngine, create_optimization_engine
from planwise.errors import (
    CheckpointError,
    ConfigError,
    DatabaseLockedError,
    PlanwiseError,
    UsageError,
    WarehouseError,
)


@pytest.fixture(scope="module")
def engine() -> Any:
    """An engine in memory with every plugin."""
    with create_optimization_engine(pool_size=8) as made:
        yield made


class LikeADataFrame:
    """What pandas and polars share: Arrow data through the C stream, and nothing else of Arrow."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


ODD = pa.table(
    {
        "id": pa.array([1, None, 3], pa.int64()),
        "cents": pa.array([2**62, -1, None], pa.int64()),
        "rate": pa.array([0.1, math.nan, -0.0], pa.float64()),
        "text": pa.array(["日本", "", None], pa.string()),
        "pay": pa.array([1, None, -3], pa.int32()).cast(pa.decimal128(18, 2)),
        "day": pa.array([0, None, 18_000], pa.date32()),
        "yes": pa.array([True, None, False]),
    }
)


def same(one: pa.Table, other: pa.Table) -> bool:
    """Equality with NaN equal to NaN, and -0.0 apart from 0.0."""
    return one.schema.equals(other.schema) and repr(one.to_pylist()) == repr(other.to_pylist())


@pytest.mark.parametrize("compression", [True, False])
def test_a_state_comes_back_to_the_bit(compression: bool) -> None:
    with create_optimization_engine(enable_compression=compression) as engine:
        result = engine.compress_and_cache_state("custom_state", ODD)
        assert (result.name, result.rows) == ("custom_state", 3)
        assert (result.codec == "arrow") == (not compression)
        assert result.original_size == ODD.nbytes
        assert result.compressed_size > 0
        assert result.compression_ratio == result.original_size / result.compressed_size
        assert result.compression_time > 0
        assert result.restore_time > 0
        assert same(engine.restore_cached_state("custom_state"), ODD)


def test_a_large_state_gets_smaller(engine: OptimizationEngine) -> None:
    table = duckdb.sql(
        "select i as id, 5000000 + i % 97 as cents, 'department ' || i % 9 as department"
        " from range(50000) as t(i)"
    ).to_arrow_table()
    result = engine.compress_and_cache_state("large", table)
    assert result.compression_ratio > 3
    assert engine.restore_cached_state("large").equals(table)


def test_what_gives_arrow_data_is_a_table(engine: OptimizationEngine) -> None:
    engine.compress_and_cache_state("frame", LikeADataFrame(ODD))
    assert same(engine.restore_cached_state("frame"), ODD)
    with engine.connection_pool.get_connection() as connection:
        relation = connection.sql("select i, i::varchar as t from range(1000) as r(i)")
        result = engine.compress_and_cache_state("relation", relation)
    assert result.rows == 1000
    back = engine.restore_cached_state("relation")
    assert back.column("i").to_pylist() == list(range(1000))
    assert back.column("t").to_pylist() == [str(i) for i in range(1000)]


def test_an_empty_state_is_a_state(engine: OptimizationEngine) -> None:
    for table, rows in ((ODD.slice(0, 0), 0), (ODD.select([]), 3)):
        result = engine.compress_and_cache_state("empty", table)
        assert result.rows == rows
        assert engine.restore_cached_state("empty").schema.equals(table.schema)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    numbers=st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=40),
    texts=st.lists(st.none() | st.text(max_size=12), max_size=40),
    floats=st.lists(st.none() | st.floats(), max_size=40),
    cuts=st.integers(0, 40),
)
def test_any_state_comes_back(
    engine: OptimizationEngine,
    numbers: list[int | None],
    texts: list[str | None],
    floats: list[float | None],
    cuts: int,
) -> None:
    rows = min(len(numbers), len(texts), len(floats))
    table = pa.table(
        {
            "n": pa.array(numbers[:rows], pa.int64()),
            "t": pa.array(texts[:rows], pa.string()),
            "f": pa.array(floats[:rows], pa.float64()),
        }
    )
    # In pieces and from the middle, as tables that others made often are.
    table = pa.concat_tables([table.slice(0, cuts), table.slice(cuts)])
    engine.compress_and_cache_state("any", table)
    assert same(engine.restore_cached_state("any"), table)


def test_a_name_holds_the_last_state(engine: OptimizationEngine) -> None:
    engine.compress_and_cache_state("twice", ODD)
    engine.compress_and_cache_state("twice", ODD.slice(1))
    assert same(engine.restore_cached_state("twice"), ODD.slice(1))


def test_settings_of_one_connection_are_those_of_all() -> None:
    with create_optimization_engine(pool_size=2) as engine:
        with engine.connection_pool.get_connection() as connection:
            connection.execute("SET threads = 12")
            connection.execute("create table t as select 42 as answer")
        with (
            engine.connection_pool.get_connection() as one,
            engine.connection_pool.get_connection() as other,
        ):
            for each in (one, other):
                found = each.execute("select current_setting('threads'), answer from t").fetchall()
                assert found == [(12, 42)]


def test_the_tuner_tunes_and_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DUCKDB_MEMORY_LIMIT", "DUCKDB_THREADS"):
        monkeypatch.delenv(variable, raising=False)

    def memory(engine: OptimizationEngine) -> object:
        with engine, engine.connection_pool.get_connection() as connection:
            return connection.execute("select current_setting('memory_limit')").fetchall()

    own = duckdb.sql("select current_setting('memory_limit')").fetchall()
    assert memory(create_optimization_engine(enable_tuning=False)) == own
    assert memory(create_optimization_engine()) != own
    monkeypatch.setenv("DUCKDB_MEMORY_LIMIT", "333MB")
    assert memory(create_optimization_engine()) == [("317.5 MiB",)]


def test_a_file_is_made_kept_and_locked(tmp_path: Path) -> None:
    file = tmp_path / "new" / "own.duckdb"
    with create_optimization_engine(database_path=file) as engine:
        with engine.connection_pool.get_connection() as connection:
            connection.execute("create table t as select 1 as i")
        with pytest.raises(DatabaseLockedError, match="in use"):
            create_optimization_engine(database_path=file)
    engine.close()
    with (
        create_optimization_engine(database_path=file) as again,
        again.connection_pool.get_connection() as connection,
    ):
        assert connection.execute("from t").fetchall() == [(1,)]
    assert [path.name for path in file.parent.iterdir()] == ["own.duckdb"]


@pytest.mark.parametrize("size", [0, -1, 65])
def test_a_pool_size_out_of_range_is_an_error(size: int) -> None:
    with pytest.raises(UsageError, match=f"expected 1 to 64, got {size}"):
        create_optimization_engine(pool_size=size)


@pytest.mark.parametrize("state", [None, 3, "table", [1, 2], {"a": [1]}])
def test_what_is_no_table_is_an_error(engine: OptimizationEngine, state: object) -> None:
    with pytest.raises(UsageError, match="expected a table"):
        engine.compress_and_cache_state("bad", state)
    with pytest.raises(CheckpointError, match="no state 'bad' is cached"):
        engine.restore_cached_state("bad")


def test_errors_name_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("worforce: {}\n")
    (tmp_path / "text.duckdb").write_text("no database")
    with pytest.raises(ConfigError, match="did you mean workforce"):
        create_optimization_engine(config_path=tmp_path / "bad.yaml")
    with pytest.raises(WarehouseError, match=r"text\.duckdb"):
        create_optimization_engine(database_path=tmp_path / "text.duckdb")
    with pytest.raises(PlanwiseError):
        create_optimization_engine(database_path=tmp_path)
    assert (tmp_path / "text.duckdb").read_text() == "no database"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.yaml", "text.duckdb"]


def test_a_closed_engine_says_so() -> None:
    engine = create_optimization_engine()
    engine.close()
    engine.close()
    with (
        pytest.raises(WarehouseError, match="closed"),
        engine.connection_pool.get_connection(),
    ):
        raise AssertionError("a closed pool lent a connection")
