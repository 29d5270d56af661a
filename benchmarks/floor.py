"""Replays a recorded run: ``python benchmarks/floor.py RECORDING DATABASE``.

What a recording is: docs/benchmarks.md. The script itself is part of the installed package, where
``planwise bench`` finds it; to run it there, with ``python -I``, saves the start of this one.
"""

from __future__ import annotations

import runpy
from pathlib import Path

if __name__ == "__main__":
    folder = Path(__file__).resolve().parents[1] / "planwise" / "bench"
    runpy.run_path(str(folder / "floor.py"), run_name="__main__")
