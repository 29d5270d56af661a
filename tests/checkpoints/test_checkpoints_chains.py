"""Years that build on one another come back whole, and nobody else's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from checkpoint_states import (
    LEDGER,
    PEOPLE,
    Zlib,
    events,
    people,
    relay,
    same,
    state,
    whole_state,
    with_compression,
    year_table,
)

from planwise.api import CompressedState, hookimpl
from planwise.checkpoints import chains, placing
from planwise.checkpoints import store as store_module
from planwise.checkpoints.manifest import Manifest, read_manifest
from planwise.checkpoints.store import CheckpointStore
from planwise.errors import CheckpointError
from planwise.relay import Relay

YEARS = range(2025, 2036)


@pytest.fixture(params=["uncompressed", "zlib", "compression"])
def plugins(request: pytest.FixtureRequest) -> Relay:
    return {
        "uncompressed": relay,
        "zlib": lambda: relay(Zlib()),
        "compression": with_compression,
    }[request.param]()


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(tmp_path / "checkpoints", full_every=4)


def write(store: CheckpointStore, year: int, plugins: Relay, count: int = 2_000) -> None:
    parent = store.parent_of(year)
    store.write(year, state(year, added=parent is not None, count=count), plugins, parent=parent)


def kinds(store: CheckpointStore, year: int) -> list[str]:
    return [entry.kind for entry in store.manifest(year).tables]


def test_years_that_build_on_one_another_come_back(store: CheckpointStore, plugins: Relay) -> None:
    for year in YEARS:
        write(store, year, plugins)
    # Another store, which has nothing in memory.
    again = CheckpointStore(store.folder)
    for year in YEARS:
        assert same(again.read(year, plugins), whole_state(year))
    assert again.newest_good(plugins) == (2035, [])


def test_every_so_many_years_one_stands_alone(store: CheckpointStore) -> None:
    plugins = with_compression()
    for year in YEARS:
        write(store, year, plugins)
    parents = {year: store.manifest(year).parent for year in YEARS}
    assert [year for year, parent in parents.items() if parent is None] == [2025, 2029, 2033]
    assert kinds(store, 2029) == ["whole", "whole", "whole"]
    assert kinds(store, 2030) == ["delta", "added", "whole"]
    assert store.size_bytes(2030) < store.size_bytes(2029) / 2


def test_a_year_reads_no_manifest_but_of_those_that_it_builds_on(
    store: CheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each year would take longer than the one before."""
    plugins = with_compression()
    for year in YEARS[:-1]:
        write(store, year, plugins)
    years = set()

    def noted(file: Path, year: int) -> Manifest:  # the real one: only who asks is of interest
        years.add(year)
        return read_manifest(file, year)

    for module in (chains, placing, store_module):
        monkeypatch.setattr(module, "read_manifest", noted)
    write(store, YEARS[-1], plugins)
    assert years == {2033, 2034}


def test_a_difference_is_made_to_files_where_memory_has_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes are stored, whether the year before is in memory or in files."""
    plugins, found = with_compression(), []
    for most in (store_module._MOST_KEPT_BYTES, 0):
        monkeypatch.setattr(store_module, "_MOST_KEPT_BYTES", most)
        store = CheckpointStore(tmp_path / str(most))
        for year in (2025, 2026, 2027):
            write(store, year, plugins)
        assert kinds(store, 2027)[0] == "delta"
        found.append([(store.folder / "2027" / f"{n}.state").read_bytes() for n in range(3)])
    assert found[0] == found[1]


def test_the_parent_of_a_year(store: CheckpointStore) -> None:
    plugins = relay()
    assert store.parent_of(2025) is None
    for year in (2025, 2026, 2027):
        write(store, year, plugins)
        assert store.parent_of(year + 1) == year
    assert store.parent_of(2025) is None
    assert store.parent_of(2029) is None
    write(store, 2028, plugins)
    assert store.parent_of(2029) is None  # the chain is as long as it may be
    (store.folder / "2026" / "1.state").unlink()
    assert store.parent_of(2028) is None
    assert store.parent_of(2026) == 2025


def test_a_table_without_a_parent_is_whole(store: CheckpointStore) -> None:
    """And a year of which no table needs the year before stands alone."""
    plugins = relay()
    write(store, 2025, plugins)
    fresh = [year_table(("main", "new"), 2026, people(2026, 2_000))]
    store.write(2026, fresh, plugins, parent=2025)
    assert kinds(store, 2026) == ["whole"]
    assert store.manifest(2026).parent is None
    shutil.rmtree(store.folder / "2025")
    assert same(store.read(2026, plugins), fresh)


def test_a_table_of_other_columns_is_stored_whole(store: CheckpointStore) -> None:
    plugins = relay()
    write(store, 2025, plugins)
    other = people(2026, 2_000).append_column("more", pa.array(range(people(2026, 2_000).num_rows)))
    store.write(2026, [year_table(PEOPLE, 2026, other)], plugins, parent=2025)
    assert kinds(store, 2026) == ["whole"]


def test_rows_are_added_to_a_difference_and_a_difference_made_to_added_rows(
    store: CheckpointStore,
) -> None:
    """A caller may change its mind from year to year."""
    plugins = with_compression()
    write(store, 2025, plugins)
    write(store, 2026, plugins)
    store.write(2027, state(2027, added=False), plugins, parent=2026)
    assert kinds(store, 2027)[1] in ("delta", "whole")
    write(store, 2028, plugins)
    for year in range(2025, 2029):
        assert same(store.read(year, plugins), whole_state(year))


@pytest.mark.parametrize("parent", [None, 2025])
def test_rows_that_nothing_is_there_to_add_to_are_refused(
    store: CheckpointStore, parent: int | None
) -> None:
    store.write(2025, [year_table(PEOPLE, 2025, people(2025, 50))], relay())
    added = [year_table(LEDGER, 2026, events(2026, 5), added=True)]
    with pytest.raises(CheckpointError, match=r"main\.ledger: rows were added in 2026 to a table"):
        store.write(2026, added, relay(), parent=parent)
    assert store.years() == [2025]


def test_rows_of_other_columns_are_not_added(store: CheckpointStore) -> None:
    write(store, 2025, relay())
    other = events(2026, 5).rename_columns(["simulation_year", "what", "cents"])
    with pytest.raises(CheckpointError, match="have other columns"):
        store.write(2026, [year_table(LEDGER, 2026, other, added=True)], relay(), parent=2025)


def test_a_parent_that_is_not_there_is_named(store: CheckpointStore) -> None:
    with pytest.raises(CheckpointError, match="2025: no checkpoint there"):
        store.write(2026, state(2026, added=True), relay(), parent=2025)


def test_types_and_digests_are_kept(store: CheckpointStore) -> None:
    plugins = relay()
    for year in (2025, 2026):
        write(store, year, plugins)
    digests = {each.relation: each.digest for each in store.read(2026, plugins)}
    # The ledger's is of the rows of its year, as it was handed over.
    assert digests == {PEOPLE: "people 2026", LEDGER: "ledger 2026", ("other", "rates"): ""}
    entry = store.manifest(2026).table(LEDGER)
    assert entry is not None
    assert (entry.digest, entry.types) == ("ledger 2026", ("INTEGER", "VARCHAR", "BIGINT"))
    assert entry.rows == 400


def test_what_wrote_it_is_kept(store: CheckpointStore) -> None:
    origin = {"planwise": "0.1", "project": "a" * 64, "odd \U0001f600": "\udcff\n"}
    store.write(2025, state(2025, added=False), relay(), origin=origin)
    assert store.manifest(2025).origin == origin


def test_fewer_types_than_columns_are_refused(store: CheckpointStore) -> None:
    table = year_table(PEOPLE, 2025, people(2025, 5))
    wrong = [type(table)(table.relation, 2025, table.table, ("BIGINT",))]
    with pytest.raises(CheckpointError, match="1 DuckDB types for 4 columns"):
        store.write(2025, wrong, relay())


class Forgetful(Zlib):
    """A codec that drops what a schema says beside names and types."""

    @hookimpl
    def restore_state(self, state: CompressedState, limit_bytes: int) -> pa.Table | None:
        table = super().restore_state(state, limit_bytes)
        return None if table is None else table.replace_schema_metadata(None)


def test_a_codec_that_drops_metadata_costs_the_difference_alone(store: CheckpointStore) -> None:
    plugins = relay(Forgetful())
    for year in (2025, 2026):
        write(store, year, plugins)
    assert kinds(store, 2026)[0] == "whole"
    assert same(store.read(2026, plugins), whole_state(2026))


def test_a_damaged_parent_costs_the_difference_alone(store: CheckpointStore) -> None:
    plugins = relay()
    write(store, 2025, plugins)
    file = store.folder / "2025" / "0.state"
    content = bytearray(file.read_bytes())
    content[-9] ^= 1
    file.write_bytes(content)
    again = CheckpointStore(store.folder)  # which has nothing in memory
    again.write(2026, state(2026, added=False), plugins, parent=2025)
    assert kinds(again, 2026)[0] == "whole"
    assert again.newest_good(plugins) == (2026, [])


def test_a_year_written_again_takes_those_with_it_that_were_built_on_it(
    store: CheckpointStore,
) -> None:
    plugins = relay()
    for year in range(2025, 2030):
        write(store, year, plugins)
    write(store, 2026, plugins)
    assert store.years() == [2025, 2026, 2029]
    assert store.newest_good(plugins) == (2029, [])
    assert same(store.read(2026, plugins), whole_state(2026))


@pytest.mark.parametrize("full_every", [0, 101, -1])
def test_a_chain_has_a_sensible_length(tmp_path: Path, full_every: int) -> None:
    with pytest.raises(ValueError, match="expected 1 to 100"):
        CheckpointStore(tmp_path, full_every=full_every)


def test_full_every_year(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path, full_every=1)
    write(store, 2025, relay())
    assert store.parent_of(2026) is None
