"""The arms of ``planwise bench arms``, from a checkout: ``python benchmarks/arms.py --help``."""

from __future__ import annotations

import sys

from planwise.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["bench", "arms", *sys.argv[1:]]))
