"""How large the tables of a result are as stored states, and what writing and reading them takes.

``python measuring/states.py output/simulation.duckdb``: the three largest tables, by this plugin
and by planwise's own ``compression``; processor time, the least of nine attempts.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import duckdb
from planwise.api import StateTable
from planwise_plugins.compression import Compression

from planwise_quick_states import QuickStates

ATTEMPTS = 9
HEADROOM = 1 << 26


def main(database: str) -> None:
    """Measure the tables of a DuckDB file."""
    with duckdb.connect(database, read_only=True) as connection:
        names = connection.sql(
            "select table_name from duckdb_tables() where schema_name = 'main' and not internal"
        ).fetchall()
        tables = {name: connection.table(f'main."{name}"').to_arrow_table() for (name,) in names}
    print("| table | by | Arrow bytes | stored bytes | write ms | read ms |")
    print("|---|---|---|---|---|---|")
    largest = sorted(tables, key=lambda name: -tables[name].nbytes)[:3]
    for name in largest:
        state = StateTable(f"main.{name}", 2025, tables[name])
        plugins: dict[str, Any] = {"compression": Compression(), "quick-states": QuickStates()}
        for plugin, hooks in plugins.items():
            stored = hooks.compress_state(state)
            limit = 2 * stored.raw_bytes + HEADROOM
            written = least_ms(lambda hooks=hooks, state=state: hooks.compress_state(state))
            read = least_ms(
                lambda hooks=hooks, stored=stored, limit=limit: hooks.restore_state(stored, limit)
            )
            sizes = f"{stored.raw_bytes:,} | {len(stored.payload):,}"
            print(f"| `{name}` | {plugin} | {sizes} | {written:.1f} | {read:.1f} |")


def least_ms(work: Callable[[], Any]) -> float:
    """Milliseconds of processor time, all threads."""
    taken = []
    for _ in range(ATTEMPTS):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return min(taken) * 1000


if __name__ == "__main__":
    main(sys.argv[1])
