"""A project all of whose nodes dbt runs, one after the other, in whatever way dbt can."""

from __future__ import annotations

from pathlib import Path
from typing import Final

BEFORE: Final = "main.first"
"""The table of the node that runs first."""
FILES: Final = {
    "dbt_project.yml": (
        "name: shared\nversion: '1.0.0'\nconfig-version: 2\nprofile: small\n"
        "flags: {send_anonymous_usage_stats: false}\n"
    ),
    "macros/refilled.sql": (
        "{% materialization refilled, adapter='duckdb' %}\n"
        "{%- set target_relation = this.incorporate(type='table') -%}\n"
        "{% if load_cached_relation(this) is none %}{% call statement('main') %}"
        "create table {{ target_relation }} as {{ compiled_code }}{% endcall %}\n"
        "{% else %}{% call statement('main') %}"
        "insert into {{ target_relation }} {{ compiled_code }}{% endcall %}{% endif %}\n"
        "{{ adapter.commit() }}{{ return({'relations': [target_relation]}) }}"
        "{% endmaterialization %}\n"
    ),
    "models/first.sql": (
        "{{ config(materialized='refilled') }}\nselect {{ var('simulation_year') }} as y"
    ),
    "models/middle.sql": (
        "{{ config(materialized='incremental', unique_key='y', "
        "pre_hook='select 1', post_hook='update {{ this }} set y = y') }}\n"
        "select y from {{ ref('first') }} where y = {{ var('simulation_year') }}"
    ),
    "models/scaled.py": (
        "import pyarrow\n\n\n"
        "def model(dbt, session):\n"
        "    dbt.config(materialized='table')\n"
        "    rows = dbt.ref('middle').fetchall()\n"
        "    return pyarrow.table({'y': [row[0] for row in rows]})\n"
    ),
    "snapshots/kept.yml": (
        "version: 2\nsnapshots:\n  - name: kept\n    relation: ref('scaled')\n"
        "    config: {unique_key: y, strategy: check, check_cols: [y]}\n"
    ),
    "models/last.sql": (
        "{{ config(materialized='refilled') }}\n"
        "select {{ var('simulation_year') }} as y from {{ ref('kept') }} limit 1"
    ),
}
"""The nodes in their order: first, middle, scaled, kept, last."""
YEARLY: Final = ("first", "middle", "last")
"""Tables with a row for each year."""


def write_shared(folder: Path, **changed: str) -> Path:
    """Write the project.

    Args:
        folder: where; made.
        changed: other texts, by the name of the node.
    """
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(changed.pop(file.stem, text), encoding="utf-8")
    for name, text in changed.items():
        (folder / "models" / f"{name}.sql").write_text(text, encoding="utf-8")
    return folder


def waiting(marker: Path, year: int, forever: str = "time.sleep(600)") -> str:
    """The Python model, which in a year says that it has begun and then does not end."""
    return (
        "import pathlib, time\n\nimport pyarrow\n\n\n"
        "def model(dbt, session):\n"
        "    dbt.config(materialized='table')\n"
        "    rows = dbt.ref('middle').fetchall()\n"
        "    years = [row[0] for row in rows]\n"
        f"    if {year} in years:\n"
        f"        pathlib.Path({str(marker)!r}).touch()\n"
        f"        {forever}\n"
        "    return pyarrow.table({'y': years})\n"
    )
