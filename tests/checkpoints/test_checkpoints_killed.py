"""A process that is killed while it writes or removes leaves a checkpoint whole, or none."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from checkpoint_states import same, whole_state, with_compression

from planwise.checkpoints.store import CheckpointStore

HERE = Path(__file__).parent

# One process forks a child for each line of the store's code that a scenario goes through, and the
# child kills itself there. What is left is looked at in the parent.
AT_EACH_LINE = """
import itertools, os, shutil, signal, sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from checkpoint_states import same, state, whole_state, with_compression
from planwise.checkpoints import files, placing, store as store_module
from planwise.checkpoints.store import CheckpointStore

COUNT = 1_000
WATCHED = {module.__file__ for module in (files, placing, store_module)}
base, work, plugins = Path(sys.argv[2], "base"), Path(sys.argv[2], "work"), with_compression()
scenario = sys.argv[3]
years = range(2025, 2030)
state_of = {year: state(year, added=year in (2026, 2028), count=COUNT) for year in years}
whole = {year: whole_state(year, COUNT) for year in years}

store = CheckpointStore(base, full_every=2)
for year in range(2025, 2029):
    store.write(year, state_of[year], plugins, parent=year - 1 if year in (2026, 2028) else None)
size = sum(store.size_bytes(year) for year in store.years())


def act(store):
    if scenario == "new":
        store.write(2029, state_of[2029], plugins, origin={"by": "act"})
    elif scenario == "replaced":
        store.write(2027, state_of[2027], plugins, origin={"by": "act"})
    elif scenario == "room":
        store._limit_bytes = size
        store.write(2029, state_of[2029], plugins)
    else:
        store.prune([2028])


def child(last):
    passed = 0

    def trace(frame, event, argument):
        nonlocal passed
        if frame.f_code.co_filename not in WATCHED:
            return None
        if event == "line":
            passed += 1
            if passed == last:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    act(CheckpointStore(work, full_every=2))
    os._exit(0)


for last in itertools.count(1, int(sys.argv[4])):
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(base, work)
    number = os.fork()
    if not number:
        try:
            child(last)
        finally:
            os._exit(3)
    code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    assert code in (0, -signal.SIGKILL), code
    left = CheckpointStore(work, full_every=2)
    for year in left.years():
        assert same(left.read(year, plugins), whole[year]), (last, year)
    years = set(left.years())
    must = {"new": {2025, 2026, 2027, 2028}, "replaced": {2025, 2026}}.get(scenario, {2027, 2028})
    assert must <= years, (last, years)
    # Whatever was left, the next write clears it away.
    left.write(2029, state_of[2029], plugins)
    left.verify(2029, plugins)
    assert not [each.name for each in work.iterdir() if not each.name.isdigit()], last
    if code == 0:
        print("lines", last)
        break
"""


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["new", "replaced", "room", "removed"])
def test_a_kill_at_any_line_leaves_it_whole_or_absent(tmp_path: Path, scenario: str) -> None:
    """At every fourth in fact; at each with PLANWISE_EVERY_BIT in the environment."""
    every = "1" if "PLANWISE_EVERY_BIT" in os.environ else "4"
    done = subprocess.run(
        [sys.executable, "-c", AT_EACH_LINE, str(HERE), str(tmp_path), scenario, every],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[1]) > 30


AGAIN_AND_AGAIN = """
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from checkpoint_states import state, with_compression
from planwise.checkpoints.store import CheckpointStore

store, plugins = CheckpointStore(Path(sys.argv[2]), full_every=3), with_compression()
print("begun", flush=True)
year = max(store.years(), default=2024) + 1
while year < 2100:
    parent = store.parent_of(year)
    tables = state(2025 + (year - 2025) % 4, added=False)
    store.write(year, tables, plugins, parent=parent)
    store.prune(store.years()[-4:])
    year += 1
"""


@pytest.mark.slow
def test_kills_at_random_moments_leave_years_whole_or_absent(tmp_path: Path) -> None:
    plugins = with_compression()
    chance = random.Random(3)  # noqa: S311 - no secret
    newest = 0
    for kills in range(1, 401):  # many only where the machine is busy with something else
        process = subprocess.Popen(
            [sys.executable, "-c", AGAIN_AND_AGAIN, str(HERE), str(tmp_path / "c")],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(chance.uniform(0.0, 0.4))
        process.kill()
        process.wait()
        process.stdout.close()
        store = CheckpointStore(tmp_path / "c", full_every=3)
        for year in store.years():
            expected = whole_state(2025 + (year - 2025) % 4)
            found = [each.table for each in store.read(year, plugins)]
            assert all(a.equals(b.table) for a, b in zip(found[:2], expected[:2], strict=True))
        last = max(store.years(), default=0)
        assert last >= newest  # nothing that was stored has gone
        newest = last
        if newest > 2060 or (kills >= 50 and newest > 2026):
            break
    assert newest > 2026
    assert same(store.read(newest, plugins), [
        type(each)(each.relation, newest, each.table, each.types)
        for each in whole_state(2025 + (newest - 2025) % 4)
    ])  # fmt: skip
