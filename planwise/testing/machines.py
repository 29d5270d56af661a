"""Machines for tuners: as the kernel describes them, from a small container to a large server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from planwise.values import Machine

if TYPE_CHECKING:
    from hypothesis import strategies as st

MIB: Final = 1 << 20
GIB: Final = 1 << 30
_SHAPES: Final = {
    # name: cores, memory of the machine or its limit, what is free of it, free space on disk
    "1 core": (1, 2 * GIB, int(1.4 * GIB), 20 * GIB),
    "512 MiB": (1, 512 * MIB, 390 * MIB, 5 * GIB),
    "laptop": (8, 16 * GIB, 6 * GIB, 120 * GIB),
    "CI runner": (2, 7 * GIB, 5 * GIB, 14 * GIB),
    "container of 2 cores and 4 GiB": (2, 4 * GIB, int(3.7 * GIB), 200 * GIB),
    "container of 64 cores and 1 GiB": (64, GIB, 900 * MIB, 200 * GIB),
    "128 cores": (128, 1024 * GIB, 980 * GIB, 4096 * GIB),
    "memory in use": (16, 64 * GIB, 150 * MIB, 500 * GIB),
    "next to no memory": (2, 512 * MIB, 12 * MIB, 5 * GIB),
    "almost no disk": (4, 8 * GIB, 5 * GIB, 3 * MIB),
    "full disk": (4, 8 * GIB, 5 * GIB, 0),
}
READ_ONLY: Final = "read-only temp"


def recorded_machines(folder: Path) -> dict[str, Machine]:
    """Machines by a name that says what is odd about each.

    Args:
        folder: where they may spill; a tuner may try whether it can. The machine
            :data:`READ_ONLY` has a place where nobody can, root included.
    """
    found = {
        name: Machine(cores, total, available, folder / "run.duckdb.tmp", free)
        for name, (cores, total, available, free) in _SHAPES.items()
    }
    # A file where a folder should be refuses everybody; a mode would not keep root out.
    blocked = folder / "blocked"
    blocked.touch()
    found[READ_ONLY] = Machine(4, 16 * GIB, 9 * GIB, blocked / "run.duckdb.tmp", 50 * GIB)
    return found


def generated_machines(folder: Path) -> st.SearchStrategy[Machine]:
    """Any machine that the kernel may describe (a hypothesis strategy).

    Args:
        folder: where they may spill.
    """
    from hypothesis import strategies as st

    def machine(cores: int, total: int, share: float, free: int) -> Machine:
        return Machine(cores, total, int(total * share), folder / "run.duckdb.tmp", free)

    return st.builds(
        machine,
        st.integers(1, 256),
        st.integers(256 * MIB, 2048 * GIB),
        st.floats(0.0, 1.0),
        st.integers(0, 4096 * GIB),
    )
