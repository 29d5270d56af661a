"""A project of 115 models and 805 tests, written when it is needed."""

from __future__ import annotations

import json
from pathlib import Path

LAYERS, WIDTH = 5, 23
PROFILE = """\
corpus:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: "{{ env_var('PROJECT_DATABASE') }}"
      schema: main
      threads: 2
"""
COLUMNS = {
    "id": ["not_null", "unique"],
    "y": ["not_null"],
    "a": ["not_null"],
    "b": ["not_null"],
    "c": ["not_null"],
    "d": ["not_null"],
}


def write_large(folder: Path) -> None:
    """Layers of models, each of which reads two of the layer before."""
    for name in ("models", "macros"):
        (folder / name).mkdir()
    project = {
        "name": "large",
        "version": "1.0.0",
        "config-version": 2,
        "profile": "corpus",
        "flags": {"send_anonymous_usage_stats": False},
        "models": {"+materialized": "table"},
    }
    (folder / "dbt_project.yml").write_text(json.dumps(project), encoding="utf-8")
    (folder / "profiles.yml").write_text(PROFILE, encoding="utf-8")
    (folder / "macros" / "mixed.sql").write_text(
        "{% macro mixed(value) %}"
        "(({{ value }}) * 31 + {{ var('simulation_year') }}) % 1000"
        "{% endmacro %}",
        encoding="utf-8",
    )
    models = []
    for layer in range(LAYERS):
        for place in range(WIDTH):
            name = f"m{layer}_{place:02}"
            (folder / "models" / f"{name}.sql").write_text(_model(layer, place), encoding="utf-8")
            columns = [{"name": c, "data_tests": tests} for c, tests in COLUMNS.items()]
            models.append({"name": name, "columns": columns})
    text = json.dumps({"version": 2, "models": models})
    (folder / "models" / "models.yml").write_text(text, encoding="utf-8")


def _model(layer: int, place: int) -> str:
    year = "{{ var('simulation_year') }}"
    if layer == 0:
        return (
            f"select i as id, {year} as y, {{{{ mixed('i + {place}') }}}} as a, 3 * i as b, "
            f"{place} as c, 0 as d from range(3) as t(i)"
        )
    kind = ("table", "view", "incremental", "table", "ephemeral")[(layer + place) % 5]
    key = ", unique_key=['id', 'y']" if kind == "incremental" else ""
    left = f"m{layer - 1}_{place:02}"
    right = f"m{layer - 1}_{(place * 7 + layer) % WIDTH:02}"
    if left == right:
        right = f"m{layer - 1}_{(place + 1) % WIDTH:02}"
    return (
        f"{{{{ config(materialized='{kind}'{key}) }}}}\n"
        f"select id, {year} as y, {{{{ mixed('l.a + r.b') }}}} as a, l.b + {layer} as b, "
        f"l.c + r.c as c, {layer} as d\n"
        f"from {{{{ ref('{left}') }}}} as l join {{{{ ref('{right}') }}}} as r using (id)\n"
        f"where l.y = {year} and r.y = {year}"
    )
