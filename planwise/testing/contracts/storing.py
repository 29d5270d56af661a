"""What a codec has to hold: the hooks ``compress_state`` and ``restore_state``."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import duckdb
import pyarrow as pa
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from planwise.answers import told
from planwise.checkpoints.codec import HEADROOM_BYTES
from planwise.errors import CheckpointError
from planwise.testing.arrow_columns import FLAT, OTHER, bits
from planwise.testing.arrow_tables import EDGES, make_table, tables
from planwise.testing.asking import called
from planwise.testing.contracts.common import GENERATED, Plugin
from planwise.testing.host import Host, Place
from planwise.values import CompressedState, StateTable

MIB: Final = 1 << 20
_COLUMNS: Final = FLAT | OTHER
_LARGE_BYTES: Final = 64 * MIB
_LIMIT_BYTES: Final = MIB
_MOST_BYTES: Final = 24 * MIB
"""What may be in use while a limit of 1 MiB is found to be too low for 64 MiB: libraries have
buffers of their own."""
_CUTS: Final = 300
_FLIPS: Final = 1500
_SMALL: Final = {
    "numbers": lambda: pa.table({"a": [1, None, -7]}),
    "texts": lambda: pa.table({"t": ["x", "", None, "yy"] * 30, "n": list(range(120))}),
    "nested": lambda: pa.table(
        {"l": [[1, 2], None, []], "d": pa.array(["a", "b", "a"]).dictionary_encode()}
    ),
}


class CompressState(Plugin):
    """Tables come back to the bit, damage is found, memory is bounded, other codecs are left alone.

    Tried on every type of Arrow and of DuckDB with any values (NaN of every payload, -0.0, NULL,
    empty texts, wide decimals, nested types, time zones, dictionaries), and on tables without rows,
    without columns, with one name twice, of many chunks. Stored bytes are cut, extended and
    flipped: the answer to each is a ``CheckpointError``, or the table as it was.
    """

    hooks = ("compress_state", "restore_state")

    @pytest.mark.parametrize("kind", _COLUMNS)
    @settings(GENERATED, max_examples=10)
    @given(data=st.data())
    def test_every_type_comes_back(
        self, planwise_place: Place, kind: str, data: st.DataObject
    ) -> None:
        """A column of a type of Arrow, of any values."""
        self.comes_back(self.host(planwise_place), pa.table({"column": data.draw(_COLUMNS[kind])}))

    @settings(GENERATED, max_examples=40)
    @given(table=tables())
    def test_whole_tables_come_back(self, planwise_place: Place, table: pa.Table) -> None:
        """Several columns under any names, in any chunks, with metadata of schema and fields."""
        self.comes_back(self.host(planwise_place), table)

    @pytest.mark.parametrize("edge", EDGES)
    def test_tables_at_the_edges_come_back(self, planwise_place: Place, edge: str) -> None:
        """Of no rows, no columns, no chunks, one name twice, huge texts."""
        self.comes_back(self.host(planwise_place), EDGES[edge]())

    def test_every_type_of_duckdb_comes_back(self, planwise_place: Place) -> None:
        """DuckDB's own table of all types, and a wide one that goes back into DuckDB."""
        host = self.host(planwise_place)
        with duckdb.connect() as connection:
            everything = connection.sql("from test_all_types()").to_arrow_table()
            content = make_table(connection)
            for table in (everything, content, content.slice(0, 0)):
                self.comes_back(host, table)
            for name in content.column_names:
                self.comes_back(host, content.select([name]))
            connection.register("back", self.restored(host, self.stored(host, content)))
            connection.execute("create table again as from wide limit 0")
            connection.execute("insert into again from back")
            expected = connection.sql("from wide").fetchall()
            given_back = connection.sql("from again").fetchall()
        self.expect(
            str(given_back) == str(expected),
            "restore_state",
            f"expected that DuckDB reads {expected} again, it reads {given_back}",
        )

    @pytest.mark.parametrize("table", _SMALL)
    def test_damage_is_found(self, planwise_place: Place, table: str) -> None:
        """Bytes that were cut, extended or flipped never give another table."""
        host = self.host(planwise_place)
        content = _SMALL[table]()
        blob = self.stored(host, content)
        for what, payload in _damaged(blob.payload):
            self.error_or_same(host, evolve(blob, payload=payload), content, what)

    def test_cut_and_extended_bytes_are_an_error(self, planwise_place: Place) -> None:
        """What is left of them is not taken for the whole, nor is anything passed over."""
        host = self.host(planwise_place)
        blob = self.stored(host, pa.table({"a": list(range(300)), "t": ["x", "y", "z"] * 100}))
        payload = blob.payload
        for what, bad in {
            "nothing": b"",
            "half of the bytes": payload[: len(payload) // 2],
            "the bytes without the last": payload[:-1],
            "the bytes and a zero": payload + b"\0",
            "the bytes twice": payload + payload,
        }.items():
            self.refused(host, evolve(blob, payload=bad), _limit(blob), what)

    @pytest.mark.parametrize("recorded", ["true", "a lie"])
    def test_a_limit_is_respected(self, planwise_place: Place, recorded: str) -> None:
        """A small state that unfolds to 64 MiB is refused at 1 MiB, before it takes the memory."""
        host = self.host(planwise_place)
        numbers = pa.Array.from_buffers(
            pa.int64(), _LARGE_BYTES // 8, [None, pa.py_buffer(bytes(_LARGE_BYTES))]
        )
        blob = self.stored(host, pa.table({"zeros": numbers}))
        state = blob if recorded == "true" else evolve(blob, raw_bytes=1)
        what = f"{len(blob.payload)} bytes that unfold to {_LARGE_BYTES} (recorded: {recorded})"
        peak = self.refused(host, state, _LIMIT_BYTES, what)
        self.expect(
            peak <= _MOST_BYTES,
            "restore_state",
            f"expected that {what} are refused before they are decoded, at a limit of "
            f"{_LIMIT_BYTES} bytes {peak} were in use",
        )

    def test_other_codecs_are_left_to_others(self, planwise_place: Place) -> None:
        """None for a codec that is not its own, whatever the bytes are."""
        host = self.host(planwise_place)
        blob = self.stored(host, _SMALL["numbers"]())
        for codec in ("arrow", "", "nobody+codec", f"{blob.codec}x", f"x{blob.codec}"):
            for payload in (blob.payload, b"noise"):
                state = CompressedState(codec, payload, blob.raw_bytes)
                found, error = _outcome(host, state, _limit(blob))
                self.expect(
                    found is None and error is None,
                    "restore_state",
                    f"expected None for the codec '{codec}', which is not its own, got "
                    f"{'a table' if error is None else told(error)}",
                )

    def stored(self, host: Host, table: pa.Table) -> CompressedState:
        """A table as bytes, with its size recorded truly."""
        blob = self.ask("compress_state", host.compress_state, StateTable("main.t", 2025, table))
        self.expect(
            blob.raw_bytes == table.nbytes,
            "compress_state",
            f"expected raw_bytes {table.nbytes}, the table's size in Arrow, got {blob.raw_bytes}",
        )
        return blob

    def restored(self, host: Host, blob: CompressedState) -> pa.Table:
        """The table of these bytes, within the limit that the kernel gives."""
        back = self.ask("restore_state", host.restore_state, blob, _limit(blob))
        self.expect(
            isinstance(back, pa.Table),
            "restore_state",
            f"expected a pyarrow.Table, got a {type(back).__name__}",
        )
        return back

    def comes_back(self, host: Host, table: pa.Table) -> None:
        """A table is the same to the bit after it was stored, types and metadata included."""
        back = self.restored(host, self.stored(host, table))
        problem = _difference(back, table)
        self.expect(problem is None, "restore_state", f"expected the table as it was: {problem}")

    def error_or_same(self, host: Host, state: CompressedState, table: pa.Table, what: str) -> None:
        """Damaged bytes are a ``CheckpointError``, or else changed nothing."""
        found, error = _outcome(host, state, _limit(state))
        if error is None:
            same = isinstance(found, pa.Table) and _difference(found, table) is None
            self.expect(
                same,
                "restore_state",
                f"{what}: expected a CheckpointError, got a table that is another one"
                if found is not None
                else f"{what}: expected a CheckpointError, got None",
            )
        elif not isinstance(error, CheckpointError):
            self.fail("restore_state", f"{what}: expected a CheckpointError, got {told(error)}")

    def refused(self, host: Host, state: CompressedState, limit_bytes: int, what: str) -> int:
        """Expect a ``CheckpointError``; gives the most bytes that were in use meanwhile."""
        with _memory_in_use() as peak:
            found, error = _outcome(host, state, limit_bytes)
        got = told(error) if error else "None" if found is None else "a table"
        self.expect(
            isinstance(error, CheckpointError),
            "restore_state",
            f"{what}: expected a CheckpointError, got {got}",
        )
        return peak()


def _limit(blob: CompressedState) -> int:
    """The limit that the kernel gives."""
    return 2 * blob.raw_bytes + HEADROOM_BYTES


def _outcome(host: Host, state: CompressedState, limit_bytes: int) -> tuple[Any, Exception | None]:
    """What the plugin itself answers or raises."""
    (plugin,) = host.plugins
    try:
        return called(plugin, "restore_state", state=state, limit_bytes=limit_bytes), None
    except Exception as error:  # noqa: BLE001  # a plugin may raise anything; it is judged by type
        return None, error


_POOLS: Final[list[pa.MemoryPool]] = []
"""Kept for good: what was made in a pool is given back to it, whenever that is."""


@contextmanager
def _memory_in_use() -> Iterator[Callable[[], int]]:
    """Gives a function that says the most bytes of Python and Arrow that were in use."""
    own = pa.default_memory_pool()
    _POOLS.append(pa.proxy_memory_pool(own))
    pool, python = _POOLS[-1], 0
    pa.set_memory_pool(pool)
    tracemalloc.start()
    try:
        yield lambda: (pool.max_memory() or 0) + python
    finally:
        python = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        pa.set_memory_pool(own)


def _difference(back: pa.Table, table: pa.Table) -> str | None:
    """How a table differs from the one that was stored."""
    if not back.schema.equals(table.schema, check_metadata=True):
        return f"its schema was {table.schema}, it is {back.schema}"
    if back.num_rows != table.num_rows:
        return f"it had {table.num_rows} rows, it has {back.num_rows}"
    try:
        back.validate()
    except pa.ArrowInvalid as error:
        return f"it is no valid table: {error}"
    for number, name in enumerate(table.column_names):
        if bits(back.column(number)) != bits(table.column(number)):
            return f"column '{name}' of type {table.schema.field(number).type} has other values"
    return None


def _damaged(payload: bytes) -> Iterator[tuple[str, bytes]]:
    """Bytes that were cut, extended or flipped, at places that are spread over all of them."""
    size = len(payload)
    for length in sorted({size * number // _CUTS for number in range(_CUTS)}):
        yield f"cut to {length} of {size} bytes", payload[:length]
    for more in (b"\0", b"trailing", payload):
        yield f"extended by {len(more)} bytes", payload + more
    for place in sorted({8 * size * number // _FLIPS for number in range(_FLIPS)}):
        flipped = bytearray(payload)
        flipped[place // 8] ^= 1 << place % 8
        yield f"bit {place % 8} of byte {place // 8} flipped", bytes(flipped)
    noise = random.Random(size)  # noqa: S311  # not for secrets
    yield "any bytes", noise.randbytes(size)
