"""States of several years that grow and change as a simulation's do, and codecs to store them."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint
from typing import Any

import pyarrow as pa

from planwise.api import CompressedState, StateTable, hookimpl
from planwise.checkpoints.codec import same_table
from planwise.checkpoints.tables import YearTable
from planwise.plugins import InstalledPlugin, LoadedPlugin, installed_plugins, load_plugins
from planwise.relay import Relay

PEOPLE = ("main", "people")
LEDGER = ("main", "ledger")
RATES = ("other", "rates")


class Zlib:
    """A codec from elsewhere, without checksums of its own worth the name."""

    @hookimpl
    def compress_state(self, state: StateTable) -> CompressedState:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, state.table.schema) as writer:
            writer.write_table(state.table)
        raw = sink.getvalue().to_pybytes()
        return CompressedState("arrow+zlib", zlib.compress(raw), state.table.nbytes)

    @hookimpl
    def restore_state(self, state: CompressedState, limit_bytes: int) -> pa.Table | None:
        if state.codec != "arrow+zlib":
            return None
        return pa.ipc.open_stream(zlib.decompress(state.payload)).read_all()


def relay(*instances: Any) -> Relay:
    """A relay with plugins as they are after loading."""
    point = EntryPoint("mine", "mine:Plugin", "planwise.plugins")
    return Relay(LoadedPlugin(InstalledPlugin("mine", "mine 1.0", point), i) for i in instances)


def with_compression() -> Relay:
    """The built-in codec, as it is installed."""
    made = Relay(load_plugins([installed_plugins()["compression"]]))
    made.configure({"compression": {"codec": "lz4", "level": None}})
    return made


def people(year: int, count: int) -> pa.Table:
    """Most stay as they were, some get a raise, some leave, some come: another table each year."""
    chance = random.Random(7)  # noqa: S311 - no secret
    pay = {number: 50_000 + number for number in range(count)}
    for passed in range(2025, year + 1):
        for number in chance.sample(sorted(pay), count // 20):
            pay[number] += 1_000
        for number in chance.sample(sorted(pay), count // 50):
            del pay[number]
        pay |= {passed * 100_000 + number: 40_000 for number in range(count // 40)}
    return pa.table(
        {
            "id": pa.array(sorted(pay), pa.int64()),
            "pay": pa.array([pay[number] for number in sorted(pay)], pa.int64()),
            "name": pa.array([f"P{number:07}" for number in sorted(pay)]),
            "rate": pa.array([pay[number] / 7 for number in sorted(pay)], pa.float64()),
        }
    )


def events(year: int, count: int) -> pa.Table:
    """What a year adds to the ledger."""
    return pa.table(
        {
            "simulation_year": pa.array([year] * count, pa.int32()),
            "what": pa.array([("raise", "leave", None)[i % 3] for i in range(count)]),
            "amount": pa.array([(i * year) % 1_000 for i in range(count)], pa.int64()),
        }
    )


RATES_TABLE = pa.table({"rate": pa.array([0.5, float("nan"), -0.0, None])})
_TYPES = {"int64": "BIGINT", "int32": "INTEGER", "string": "VARCHAR", "double": "DOUBLE"}


def year_table(
    relation: tuple[str, str], year: int, table: pa.Table, *, added: bool = False, digest: str = ""
) -> YearTable:
    types = tuple(_TYPES.get(str(field.type), "BIGINT") for field in table.schema)
    return YearTable(relation, year, table, types, added=added, digest=digest)


def state(year: int, *, added: bool, count: int = 2_000) -> list[YearTable]:
    """A state as it is handed over: the ledger as the year's rows alone, or whole."""
    ledger = events(year, count // 10) if added else whole_ledger(year, count)
    return [
        year_table(PEOPLE, year, people(year, count), digest=f"people {year}"),
        year_table(LEDGER, year, ledger, added=added, digest=f"ledger {year}"),
        year_table(RATES, year, RATES_TABLE),
    ]


def whole_ledger(year: int, count: int) -> pa.Table:
    return pa.concat_tables(events(each, count // 10) for each in range(2025, year + 1))


def whole_state(year: int, count: int = 2_000) -> list[YearTable]:
    """What has to come back."""
    return state(year, added=False, count=count)


def same(restored: Iterable[YearTable], expected: Sequence[YearTable]) -> bool:
    """Whether tables are those expected, to the bit, none of them as rows added."""
    found = list(restored)
    return [(each.relation, each.year, each.types, each.added) for each in found] == [
        (each.relation, each.year, each.types, False) for each in expected
    ] and all(
        same_table(left.table, right.table) for left, right in zip(found, expected, strict=True)
    )
