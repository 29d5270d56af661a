"""Years written, removed, damaged and read in any order, against a model that is a dict."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from attrs import define
from checkpoint_states import LEDGER, PEOPLE, relay, same, year_table
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from planwise.checkpoints import writing
from planwise.checkpoints.store import CheckpointStore
from planwise.checkpoints.tables import YearTable
from planwise.errors import CheckpointError

YEARS = st.integers(2025, 2032)
FULL_EVERY = 3


@define
class Stored:
    """What the model knows of a checkpoint."""

    people: pa.Table
    ledger: pa.Table
    parent: int | None
    manifest: bool = True
    sizes: bool = True
    content: bool = True


class Checkpoints(RuleBasedStateMachine):
    """The store beside its model."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="planwise-machine-"))
        self.store = CheckpointStore(self.folder / "c", full_every=FULL_EVERY)
        self.model: dict[int, Stored] = {}
        self.flipped: set[tuple[Path, int, int]] = set()
        self.relay = relay()
        self.difference: Callable[..., Any] = writing.difference
        # Of tables this small a difference does not pay, and is what is to be tried.
        writing.difference = lambda before, now: self.difference(
            before, now, least_rows=1, most_share=1e9
        )
        writing._SURE = 1e9

    def teardown(self) -> None:
        writing.difference = self.difference
        writing._SURE = 0.5
        shutil.rmtree(self.folder)

    def chain(self, year: int) -> list[int] | None:
        """The years that one needs, as far as the manifests say; None if one is damaged."""
        found = [year]
        while True:
            stored = self.model.get(found[-1])
            if stored is None or not stored.manifest:
                return None
            if stored.parent is None:
                return found
            found.append(stored.parent)

    def readable(self, year: int) -> bool:
        chain = self.chain(year)
        return chain is not None and all(
            self.model[each].content and self.model[each].sizes for each in chain
        )

    def built_on(self, year: int) -> set[int]:
        found = {year}
        for each, stored in sorted(self.model.items()):
            if stored.manifest and stored.parent in found:
                found.add(each)
        return found

    @rule(year=YEARS, pay=st.lists(st.integers(0, 3), min_size=1, max_size=6), alone=st.booleans())
    def write(self, year: int, pay: list[int], alone: bool) -> None:
        chain = self.chain(year - 1)
        ready = (
            chain is not None
            and len(chain) < FULL_EVERY
            and all(self.model[each].sizes for each in chain)
        )
        parent = self.store.parent_of(year)
        assert parent == (year - 1 if ready else None)
        if alone:
            parent = None
        people = pa.table({"id": pa.array(range(len(pay)), pa.int64()), "pay": pay})
        added = pa.table({"year": pa.array([year] * len(pay), pa.int32())})
        ledger = added
        if parent is not None:
            ledger = pa.concat_tables([self.model[parent].ledger, added])
        self.store.write(
            year,
            [
                year_table(PEOPLE, year, people),
                year_table(LEDGER, year, added, added=parent is not None),
            ],
            self.relay,
            parent=parent,
        )
        for each in self.built_on(year) & self.model.keys():
            del self.model[each]
        self.model[year] = Stored(people, ledger, parent)

    @precondition(lambda self: self.model)
    @rule(
        data=st.data(), seed=st.integers(0, 1 << 30), how=st.sampled_from(["flip", "cut", "gone"])
    )
    def damage(self, data: st.DataObject, seed: int, how: str) -> None:
        year = data.draw(st.sampled_from(sorted(self.model)))
        chance = random.Random(seed)  # noqa: S311 - no secret
        found = sorted((self.store.folder / str(year)).iterdir())
        if not found:
            return
        file = chance.choice(found)
        content = bytearray(file.read_bytes())
        if how == "gone":
            file.unlink()
        elif how == "cut" and content:
            file.write_bytes(content[: chance.randrange(len(content))])
        elif content:
            place, bit = chance.randrange(len(content)), chance.randrange(8)
            if (file, place, bit) in self.flipped:
                return  # it would be mended
            self.flipped.add((file, place, bit))
            content[place] ^= 1 << bit
            file.write_bytes(content)
        else:
            return
        stored = self.model[year]
        if file.name == "manifest.json":
            stored.manifest = False
        elif how == "flip":
            stored.content = False
        else:
            stored.sizes = False

    @rule(keep=st.sets(YEARS, max_size=4))
    def prune(self, keep: set[int]) -> None:
        needed = set(keep)
        for year in keep:
            needed |= set(self.chain(year) or ())
        gone = sorted(self.model.keys() - needed)
        assert self.store.prune(keep) == gone
        for year in gone:
            del self.model[year]

    @rule()
    def open_again(self) -> None:
        self.store = CheckpointStore(self.store.folder, full_every=FULL_EVERY)

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        assert self.store.years() == sorted(self.model)
        for year, stored in self.model.items():
            expected: list[YearTable] = [
                year_table(PEOPLE, year, stored.people),
                year_table(LEDGER, year, stored.ledger),
            ]
            try:
                found = list(self.store.read(year, self.relay))
            except CheckpointError:
                assert not self.readable(year)
            else:
                assert self.readable(year)
                assert same(found, expected)
        good = [year for year in self.model if self.readable(year)]
        newest, problems = self.store.newest_good(self.relay)
        assert newest == max(good, default=None)
        assert len(problems) == len([year for year in self.model if not good or year > max(good)])


Checkpoints.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
test_any_order_of_writing_removing_and_damaging = Checkpoints.TestCase
