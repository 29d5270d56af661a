"""What several tests of the built-in plugins share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from planwise_plugins.compression import columnar


@pytest.fixture(scope="module")
def few_rows_too() -> Iterator[None]:
    """Parquet for few rows too, which otherwise go into Arrow streams: they show what it does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columnar, "FEW_ROWS", -1)
        yield
