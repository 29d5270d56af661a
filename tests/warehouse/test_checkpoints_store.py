"""Checkpoints: what is stored comes back to the bit, and what is damaged never does."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from planwise.api import CompressedState, StateTable, hookimpl
from planwise.checkpoints.codec import same_table
from planwise.checkpoints.manifest import seal
from planwise.checkpoints.store import CheckpointStore, bit_equal
from planwise.checkpoints.tables import YearTable
from planwise.errors import CheckpointError, CheckpointSpaceError, PlanwiseError
from planwise.plugins import InstalledPlugin, LoadedPlugin
from planwise.relay import Relay


def to_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


class Zlib:
    """A codec from elsewhere, without checksums of its own worth the name."""

    @hookimpl
    def compress_state(self, state: StateTable) -> CompressedState:
        raw = to_bytes(state.table)
        return CompressedState("arrow+zlib", zlib.compress(raw), state.table.nbytes)

    @hookimpl
    def restore_state(self, state: CompressedState, limit_bytes: int) -> pa.Table | None:
        if state.codec != "arrow+zlib":
            return None
        assert limit_bytes >= state.raw_bytes
        return pa.ipc.open_stream(zlib.decompress(state.payload)).read_all()


def relay(*instances: Any) -> Relay:
    """A relay with plugins as they are after loading."""
    point = EntryPoint("mine", "mine:Plugin", "planwise.plugins")
    return Relay(LoadedPlugin(InstalledPlugin("mine", "mine 1.0", point), i) for i in instances)


TABLE = pa.table(
    {
        "id": pa.array([1, 2, None], pa.int64()),
        "pay": pa.array([1.5, float("nan"), -0.0], pa.float64()),
        "name": pa.array(["a", "", None], pa.string()),
        "on": pa.array([True, None, False]),
        "rate": pa.array([None, 1, 2], pa.decimal128(9, 5)),
        "tags": pa.array([["x"], [], None], pa.list_(pa.string())),
    }
)
OTHER = pa.table({"n": pa.array([7, 8], pa.int32())})


def state(name: str, table: pa.Table, year: int = 2025) -> YearTable:
    return YearTable(("main", name), year, table, ("ANY",) * table.num_columns)


STATE = [state("people", TABLE), state("plain", OTHER)]
SMALL = [state("small", OTHER)]
CODECS = [pytest.param((), id="uncompressed"), pytest.param((Zlib(),), id="zlib")]


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(tmp_path / "checkpoints", memory_bytes=1 << 30)


def same(restored: Iterable[YearTable], stored: list[YearTable] = STATE) -> bool:
    found = list(restored)
    return [(each.relation, each.year, each.types) for each in found] == [
        (each.relation, each.year, each.types) for each in stored
    ] and all(
        same_table(left.table, right.table) for left, right in zip(found, stored, strict=True)
    )


@pytest.mark.parametrize("plugins", CODECS)
def test_what_is_stored_comes_back(store: CheckpointStore, plugins: tuple[Any, ...]) -> None:
    record = store.write(2025, STATE, relay(*plugins))
    assert same(store.read(2025, relay(*plugins)))
    assert (record.year, record.tables, record.rows) == (2025, 2, 5)
    assert record.codec == ("arrow+zlib" if plugins else "arrow")
    files = list((store.folder / "2025").glob("*.state"))
    assert record.stored_bytes == sum(file.stat().st_size for file in files)
    assert record.raw_bytes == TABLE.nbytes + OTHER.nbytes
    assert store.years() == [2025]


def test_a_state_of_nothing(store: CheckpointStore) -> None:
    empty = TABLE.slice(0, 0)
    states = [state("empty", empty), state("none", pa.table({}))]
    store.write(2025, states, relay(Zlib()))
    assert same(store.read(2025, relay(Zlib())), states)
    assert store.write(2026, [], relay()).tables == 0
    assert list(store.read(2026, relay())) == []
    assert store.years() == [2025, 2026]


def test_a_year_written_again_takes_the_place_of_the_first(store: CheckpointStore) -> None:
    store.write(2025, STATE, relay())
    store.write(2025, STATE[1:], relay(Zlib()))
    assert same(store.read(2025, relay(Zlib())), STATE[1:])
    assert [each.name for each in store.folder.iterdir()] == ["2025"]


def test_years_are_folders_of_that_name(store: CheckpointStore) -> None:
    assert store.years() == []
    store.folder.mkdir()
    for name in ("2025", "x", "²", "٢٠٢٥", ".2026.writing", "20255", "0025"):
        (store.folder / name).mkdir()
    (store.folder / "2027").write_text("a file")
    assert store.years() == [2025]


def test_without_the_plugin_of_its_codec_a_state_names_it(store: CheckpointStore) -> None:
    store.write(2025, STATE, relay(Zlib()))
    with pytest.raises(CheckpointError, match=r"codec 'arrow\+zlib', written by plugin 'mine'"):
        store.verify(2025, relay())


def test_an_uncompressed_state_needs_no_plugin(store: CheckpointStore) -> None:
    store.write(2025, STATE, relay())
    assert same(store.read(2025, relay(Zlib())))


class Altering(Zlib):
    """A codec that gives back something else."""

    def __init__(self, change: Any) -> None:
        self.change = change

    @hookimpl
    def restore_state(self, state: CompressedState, limit_bytes: int) -> Any:
        table = pa.ipc.open_stream(zlib.decompress(state.payload)).read_all()
        return self.change(table)


ULP = 1.5000000000000002
TEXTS = pa.list_(pa.string())


def with_column(name: str, values: Any) -> Any:
    return lambda t: t.set_column(t.schema.get_field_index(name), name, values)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(with_column("id", pa.array([1, 3, None], pa.int64())), id="a value"),
        pytest.param(with_column("id", pa.array([1, 2, 0], pa.int64())), id="a null"),
        pytest.param(with_column("id", pa.array([1, 2, None], pa.int32())), id="a type"),
        pytest.param(with_column("pay", pa.array([1.5, None, -0.0])), id="NaN as null"),
        pytest.param(with_column("pay", pa.array([1.5, float("nan"), 0.0])), id="a sign of zero"),
        pytest.param(with_column("pay", pa.array([ULP, float("nan"), -0.0])), id="ulp"),
        pytest.param(with_column("name", pa.array(["a", None, None])), id="empty as null"),
        pytest.param(with_column("tags", pa.array([["x"], None, None], TEXTS)), id="list"),
        pytest.param(lambda t: t.slice(1), id="a row less"),
        pytest.param(lambda t: pa.concat_tables([t, t]), id="rows twice"),
        pytest.param(lambda t: t.take([1, 0, 2]), id="another order"),
        pytest.param(lambda t: t.drop_columns(["on"]), id="a column less"),
        pytest.param(lambda t: t.rename_columns(["x", *t.column_names[1:]]), id="a name"),
        pytest.param(lambda t: t.select(t.column_names[::-1]), id="columns moved"),
        pytest.param(lambda t: t.to_pylist(), id="no table"),
        pytest.param(lambda t: t.to_batches()[0], id="a batch"),
        pytest.param(lambda t: None, id="nothing"),
        pytest.param(lambda t: 1 / 0, id="an error"),
        pytest.param(lambda t: sys.exit(0), id="an exit"),
    ],
)  # fmt: skip
def test_a_codec_that_loses_anything_is_refused_when_it_writes(
    store: CheckpointStore, change: Any
) -> None:
    with pytest.raises(PlanwiseError) as caught:
        store.write(2025, STATE[:1], relay(Altering(change)))
    text = str(caught.value)
    assert "mine" in text
    assert "\n" not in text
    assert store.years() == []
    assert list(store.folder.iterdir()) == []


def test_tables_in_pieces_are_equal_to_whole_ones() -> None:
    pieces = pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)])
    assert bit_equal(pieces, TABLE)
    assert not bit_equal(pieces, TABLE.slice(0, 2))


def refused(store: CheckpointStore, *plugins: Any, year: int = 2025) -> str:
    with pytest.raises(CheckpointError) as caught:
        store.verify(year, relay(*plugins))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("plugins", CODECS)
def test_every_flip_of_every_bit_is_refused(
    store: CheckpointStore, plugins: tuple[Any, ...]
) -> None:
    store.write(2025, SMALL, relay(*plugins))
    reading = relay(*plugins)
    for file in sorted((store.folder / "2025").iterdir()):
        content = file.read_bytes()
        assert len(content) < 5_000
        for bit in range(8 * len(content)):
            damaged = bytearray(content)
            damaged[bit // 8] ^= 1 << bit % 8
            file.write_bytes(damaged)
            with pytest.raises(CheckpointError, match=file.name):
                store.verify(2025, reading)
        file.write_bytes(content)
    assert same(store.read(2025, reading), SMALL)


@pytest.mark.parametrize("plugins", CODECS)
def test_every_cut_and_every_extra_byte_is_refused(
    store: CheckpointStore, plugins: tuple[Any, ...]
) -> None:
    store.write(2025, SMALL, relay(*plugins))
    for file in sorted((store.folder / "2025").iterdir()):
        content = file.read_bytes()
        for length in range(len(content)):
            file.write_bytes(content[:length])
            refused(store, *plugins)
        file.write_bytes(content + b"x")
        refused(store, *plugins)
        file.write_bytes(content)
    assert same(store.read(2025, relay(*plugins)), SMALL)


def test_files_that_changed_places_are_refused(store: CheckpointStore) -> None:
    store.write(2025, STATE, relay())
    folder = store.folder / "2025"
    (folder / "0.state").rename(folder / "x")
    (folder / "1.state").rename(folder / "0.state")
    (folder / "x").rename(folder / "1.state")
    assert "0.state: damaged" in refused(store)


def test_years_that_changed_places_are_refused(store: CheckpointStore) -> None:
    for year in (2025, 2026):
        store.write(year, [state("people", TABLE, year)], relay())
    for old, new in (("2025", "x"), ("2026", "2025"), ("x", "2026")):
        (store.folder / old).rename(store.folder / new)
    assert "is of the year 2026, not of 2025" in refused(store)
    assert "is of the year 2025, not of 2026" in refused(store, year=2026)


@pytest.mark.parametrize("gone", ["0.state", "1.state", "manifest.json", "."])
def test_what_is_missing_is_named(store: CheckpointStore, gone: str) -> None:
    store.write(2025, STATE, relay())
    path = store.folder / "2025" / gone
    shutil.rmtree(path) if gone == "." else path.unlink()
    assert (gone if gone.endswith("state") else "no checkpoint there") in refused(store)


def entry(payload: bytes, changes: dict[str, Any]) -> dict[str, Any]:
    """An entry of a table, some values exchanged; those of its part are named by two words."""
    part = {
        "name": "rows",
        "rows": 2,
        "codec": "arrow",
        "plugin": "",
        "raw_bytes": OTHER.nbytes,
        "stored_bytes": len(payload),
        "sha256": hashlib.sha256(payload).hexdigest(),
    }
    part |= {key[5:]: value for key, value in changes.items() if key.startswith("part ")}
    whole = {
        "schema": "main",
        "identifier": "plain",
        "file": "0.state",
        "kind": "whole",
        "rows": 2,
        "raw_bytes": OTHER.nbytes,
        "digest": "",
        "columns": [["n", "int32", "ANY"]],
        "parts": [part],
    }
    return whole | {key: value for key, value in changes.items() if not key.startswith("part ")}


def forged(tables: Any, **changes: Any) -> bytes:
    head = {"format_version": 2, "year": 2025, "written": "", "parent": None, "origin": {}}
    return seal(head | changes, tables)


def forge(store: CheckpointStore, manifest: bytes, payload: bytes = b"") -> None:
    """A checkpoint by somebody who can compute checksums too."""
    folder = store.folder / "2025"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_bytes(manifest)
    (folder / "0.state").write_bytes(payload)


def test_a_forged_manifest_is_read_where_nothing_is_wrong_with_it(store: CheckpointStore) -> None:
    payload = to_bytes(OTHER)
    forge(store, forged([entry(payload, {})]), payload)
    assert same(store.read(2025, relay()), STATE[1:])


LIES = [
    {"file": "../../secret.state"},
    {"file": "/etc/hostname"},
    {"file": "0.state/../../x.state"},
    {"file": "manifest.json"},
    {"file": "0.state\n"},
    {"file": "٠.state"},
    {"file": ""},
    {"file": 0},
    {"file": None},
    {"file": "1.state"},
    {"schema": 1},
    {"identifier": None},
    {"kind": "other"},
    {"kind": "added"},
    {"kind": "delta"},
    {"kind": ["whole"]},
    {"kind": None},
    {"digest": None},
    {"rows": 3},
    {"rows": "2"},
    {"rows": 2.0},
    {"rows": True},
    {"rows": -1},
    {"raw_bytes": -1},
    {"raw_bytes": 1 << 80},
    {"raw_bytes": 100_000_000_000},
    {"columns": [["m", "int32", "ANY"]]},
    {"columns": [["n", "int64", "ANY"]]},
    {"columns": [["n", "int32"]]},
    {"columns": []},
    {"columns": {"n": "int32"}},
    {"columns": None},
    {"parts": []},
    {"parts": None},
    {"parts": [1]},
    {"part name": "other"},
    {"part name": None},
    {"part codec": 1},
    {"part codec": "unknown"},
    {"part codec": ""},
    {"part plugin": None},
    {"part plugin": ["mine"]},
    {"part rows": 3},
    {"part rows": "2"},
    {"part raw_bytes": -1},
    {"part raw_bytes": 1.5},
    {"part raw_bytes": "8"},
    {"part raw_bytes": 1 << 80},
    {"part raw_bytes": 100_000_000_000},
    {"part raw_bytes": True},
    {"part stored_bytes": 0},
    {"part stored_bytes": -1},
    {"part stored_bytes": 1 << 80},
    {"part stored_bytes": 100_000_000_000},
    {"part stored_bytes": None},
    {"part sha256": "0" * 64},
    {"part sha256": ""},
    {"part sha256": 0},
    {"part sha256": "é" * 64},
]


@pytest.mark.parametrize("lie", LIES, ids=str)
def test_a_forged_manifest_that_lies_is_refused(store: CheckpointStore, lie: Any) -> None:
    payload = to_bytes(OTHER)
    (store.folder.parent / "secret.state").write_bytes(payload)
    forge(store, forged([entry(payload, lie)]), payload)
    refused(store)


@pytest.mark.parametrize(
    "entries", [[[]], ["text"], [None], [{}], [{"name": "x"}], [[["name", "x"]]], [1]], ids=str
)
def test_a_forged_manifest_of_other_things_is_refused(store: CheckpointStore, entries: Any) -> None:
    forge(store, forged(entries))
    refused(store)


HEADS = [
    {"year": 2026},
    {"year": "2025"},
    {"year": True},
    {"year": -1},
    {"year": None},
    {"format_version": 1},
    {"format_version": 3},
    {"format_version": True},
    {"format_version": "2"},
    {"written": 1},
    {"origin": None},
    {"origin": {"planwise": 1}},
    {"origin": []},
    {"parent": 2024},
    {"parent": {"year": 2024}},
    {"parent": {"year": 2024, "sha256": "0"}},
    {"parent": {"year": 2024, "sha256": "0" * 64}},
    {"parent": {"year": 2025, "sha256": "0" * 64}},
    {"parent": {"year": 2026, "sha256": "0" * 64}},
]


@pytest.mark.parametrize("head", HEADS, ids=str)
def test_a_forged_manifest_whose_head_lies_is_refused(store: CheckpointStore, head: Any) -> None:
    payload = to_bytes(OTHER)
    forge(store, forged([entry(payload, {})], **head), payload)
    refused(store)


def test_a_newer_format_is_named(store: CheckpointStore) -> None:
    forge(store, forged([], format_version=3))
    assert "manifest.json: of format version 3; this planwise reads 2" in refused(store)


def test_a_table_that_is_there_twice_is_refused(store: CheckpointStore) -> None:
    payload = to_bytes(OTHER)
    forge(store, forged([entry(payload, {})] * 2), payload)
    assert "one is there twice" in refused(store)


def test_more_tables_than_anybody_has_are_refused(store: CheckpointStore) -> None:
    forge(store, forged([0] * 10_001))
    assert "expected a list of 10000 at the most" in refused(store)


def sealed(text: bytes) -> bytes:
    """Any text under a checksum that holds."""
    return text + b'"sha256": "' + hashlib.sha256(text).hexdigest().encode() + b'"\n}\n'


TEXTS_OF_NOTHING = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"1",
    b'"text"',
    b"{",
    b"\xff\xfe",
    b"\x00" * 100,
    b'{"format_version": 2}',
    b'{"format_version": true, "year": 2025, "tables": []}',
    b'{"format_version": 2, "year": 2025, "tables": []}',
    b'{"format_version": 2, "year": 2025, "tables": [], "sha256": "0"}',
    b'{"format_version": ' + b"9" * 5000 + b",",
    b"[" * 500,
    b"[" * 100_000,
    b'{"format_version": 2, "tables": ' + b"[" * 900 + b"]" * 900 + b",",
    b'{"format_version": 2, "tables": ' + b"[" * 50_000 + b"]" * 50_000 + b",",
    b'{"a": NaN, "format_version": 2,',
    b"{",
]


@pytest.mark.parametrize("text", TEXTS_OF_NOTHING, ids=lambda text: repr(text[:40]))
def test_what_is_no_manifest_is_refused(store: CheckpointStore, text: bytes) -> None:
    forge(store, text)
    refused(store)
    (store.folder / "2025" / "manifest.json").write_bytes(sealed(text))
    refused(store)


def test_a_manifest_beyond_any_size_is_refused(store: CheckpointStore) -> None:
    forge(store, b" " * (2 * 1024 * 1024 + 1))
    assert "larger than any manifest" in refused(store)


def test_a_manifest_is_not_followed_to_a_device(store: CheckpointStore) -> None:
    forge(store, b"")
    (store.folder / "2025" / "manifest.json").unlink()
    (store.folder / "2025" / "manifest.json").symlink_to("/dev/zero")
    assert "manifest.json: is reached by a link" in refused(store)


def test_the_bytes_of_another_codec_are_refused(store: CheckpointStore) -> None:
    payload = zlib.compress(to_bytes(OTHER))
    forge(store, forged([entry(payload, {})]), payload)
    assert "cannot be read" in refused(store)


@pytest.mark.parametrize("payload", [b"", b"ARROW1", b"\xff" * 64, bytes(64)])
def test_bytes_of_nothing_are_refused(store: CheckpointStore, payload: bytes) -> None:
    forge(store, forged([entry(payload, {})]), payload)
    refused(store)


def test_a_place_that_cannot_be_written() -> None:
    store = CheckpointStore(Path("/proc/checkpoints"))
    with pytest.raises(CheckpointSpaceError, match=r"/proc/checkpoints: the state of 2025 cannot"):
        store.write(2025, STATE, relay())


FULL = """
import resource, sys
from pathlib import Path
import pyarrow as pa
from planwise.checkpoints.store import CheckpointStore
from planwise.checkpoints.tables import YearTable
from planwise.errors import CheckpointSpaceError
from planwise.relay import Relay

store, limit = CheckpointStore(Path(sys.argv[1])), int(sys.argv[2])
table = pa.table({"n": list(range(5000))})
big = [YearTable(("main", "big"), 2025, table, ("BIGINT",))]
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    store.write(2025, big, Relay())
except CheckpointSpaceError as error:
    print(error)
"""


@pytest.mark.parametrize("limit", [0, 100, 20_000])
def test_a_disk_that_is_full_leaves_what_was_there(store: CheckpointStore, limit: int) -> None:
    """As far as a limit on the size of files can stand for one: write() fails on the way."""
    store.write(2025, STATE, relay())
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(store.folder), str(limit)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "the state of 2025 cannot be stored" in done.stdout
    assert same(store.read(2025, relay()))
    assert [each.name for each in store.folder.iterdir()] == ["2025"]


def test_what_a_killed_write_left_is_no_obstacle(store: CheckpointStore) -> None:
    (store.folder / ".2025.writing").mkdir(parents=True)
    (store.folder / ".2025.writing" / "0.state").write_bytes(b"half")
    assert store.years() == []
    store.write(2025, STATE, relay())
    assert same(store.read(2025, relay()))
    assert [each.name for each in store.folder.iterdir()] == ["2025"]


def test_the_manifest_is_json_that_anyone_can_read(store: CheckpointStore) -> None:
    store.write(2025, STATE, relay())
    manifest = json.loads((store.folder / "2025" / "manifest.json").read_text())
    assert manifest["year"] == 2025
    assert [each["identifier"] for each in manifest["tables"]] == ["people", "plain"]
    for each in manifest["tables"]:
        payload = (store.folder / "2025" / each["file"]).read_bytes()
        assert [hashlib.sha256(payload).hexdigest()] == [part["sha256"] for part in each["parts"]]
