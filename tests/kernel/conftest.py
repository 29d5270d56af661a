from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kernel_distributions import Site, importable


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """An empty folder of distributions, importable during the test."""
    site = Site(tmp_path / "site")
    with importable(site.folder):
        yield site
