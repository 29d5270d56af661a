"""What the tests of the benchmarks share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def three_models(tmp_path: Path) -> Path:
    """A project of a seed and three models that reads no inputs, and has no profile of its own."""
    files = {
        "dbt_project.yml": "name: three\nversion: '1.0'\nconfig-version: 2\nprofile: three\n"
        "models:\n  +materialized: table\n",
        "seeds/rates.csv": "grade,rate\na,1\nb,2\n",
        "models/base.sql": "{{ config(tags='foundation') }} select *, 7 as x "
        "from {{ ref('rates') }}",
        "models/middle.sql": "select {{ var('simulation_year') }} as y, grade, rate * x as z "
        "from {{ ref('base') }}",
        "models/last.sql": "select y, sum(z) as z from {{ ref('middle') }} group by all",
    }
    for name, text in files.items():
        file = tmp_path / "three" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "three"
