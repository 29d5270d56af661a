"""Which templates let the year decide graph or configuration, and which only write it as text."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.project.parse_time import reads_step, year_dependent_parts

MACROS = {
    "this_year": "{% macro this_year() %}{{ var('simulation_year') }}{% endmacro %}",
    "other_var": "{% macro other_var() %}{{ var('colour') }}{% endmacro %}",
    "quoted_list": "{% macro quoted_list(a) %}{{ a | join(',') }}{% endmacro %}",
    "refers": "{% macro refers(name) %}{{ ref(name) }}{% endmacro %}",
    "indirect": "{% macro indirect() %}{{ this_year() }}{% endmacro %}",
    "dispatched": "{% macro dispatched() %}{{ adapter.dispatch('made')() }}{% endmacro %}",
    "default__made": "{% macro default__made() %}{{ var('simulation_year') }}{% endmacro %}",
    "year_ref": "{% macro year_ref() %}{{ ref('m' ~ var('simulation_year')) }}{% endmacro %}",
}


def manifest_of(models: dict[str, str], macros: dict[str, str], disabled: Any = ()) -> Any:
    """As much of dbt's manifest as is read; the real one is used in test_project_years.py."""
    nodes = {name: SimpleNamespace(unique_id=name, raw_code=code) for name, code in models.items()}
    texts = {
        name: SimpleNamespace(name=name, macro_sql=sql, package_name="small")
        for name, sql in macros.items()
    }
    off = {name: [SimpleNamespace(unique_id=name, raw_code=code)] for name, code in disabled}
    return SimpleNamespace(nodes=nodes, macros=texts, disabled=off)


def decides(template: str, tmp_path: Path, macros: dict[str, str] | None = None) -> bool:
    used = {n: sql for n, sql in MACROS.items() if n != "year_ref"} if macros is None else macros
    return bool(
        year_dependent_parts(manifest_of({"m": template}, used), tmp_path, "simulation_year")
    )


HARMLESS = [
    "select 1",
    "select {{ var('simulation_year') }}",
    "select {{ var('simulation_year') + 1 }} from {{ ref('a') }}",
    "select {{ var('simulation_year') | int }}, '{{ var(\"simulation_year\") }}'",
    "{% set y = var('simulation_year') %}select {{ y }} from {{ ref('a') }}",
    "{% set y = var('simulation_year') %}{% set z = y - 1 %}select {{ z }}",
    "{% if var('simulation_year') > 9 %}select 1{% else %}select 2{% endif %} from {{ ref('a') }}",
    "{% for i in range(var('simulation_year')) %}{{ i }}{% endfor %}{{ ref('a') }}",
    "{{ config(materialized='table') }}select {{ var('simulation_year') }}",
    "select {{ this_year() }} from {{ ref('a') }}",
    "select {{ indirect() }} from {{ source('s', 't') }}",
    "select {{ quoted_list([var('simulation_year')]) }} from {{ ref('a') }}",
    "select {{ var('colour') }} from {{ ref(var('colour')) }}",
    "{{ config(enabled=var('colour') == 'red') }}",
    "{% if var('colour') %}{{ ref('a') }}{% endif %} {{ var('simulation_year') }}",
    "{# ref(var('simulation_year')) #}select {{ var('simulation_year') }}",
    "{% raw %}{{ ref(var('simulation_year')) }}{% endraw %}",
    "select {{ var('simulation_year') }} from {{ ref('a') }} {% if is_incremental() %}x{% endif %}",
    "{% set found = [] %}{% do found.append(var('simulation_year')) %}{{ found }}",
    "{% if execute %}{{ var('simulation_year') }}{% endif %}{{ ref('a') }}",
    "{{ log(var('simulation_year')) }}{{ ref('a') }}",
    "select {{ range(var('simulation_year'))|list }}",
    "select {{ small.this_year() }} from {{ ref('a') }}",
    "select {{ dispatched() }} from {{ ref('a') }}",
    "select {{ adapter.quote(var('simulation_year')) }} from {{ ref('a') }}",
]

DECIDING = [
    "{{ config(enabled=var('simulation_year') > 2024) }}",
    "{{ config(alias='a_' ~ var('simulation_year')) }}",
    "{{ config({'alias': var('simulation_year')}) }}",
    "{{ config(**{'alias': var('simulation_year')}) }}",
    "{{ config(tags=[this_year()]) }}",
    "{{ config(tags=[indirect()]) }}",
    "{{ ref('m_' ~ var('simulation_year')) }}",
    "{{ ref(this_year()) }}",
    "{{ ref(var('simulation_year') | string) }}",
    "{{ ref('a' if var('simulation_year') else 'b') }}",
    "{{ ref(*['a', var('simulation_year')]) }}",
    "{{ source('s', var('simulation_year')) }}",
    "{{ builtins.ref(var('simulation_year')) }}",
    "{% if var('simulation_year') > 2024 %}{{ ref('a') }}{% endif %}",
    "{% if x %}{% elif var('simulation_year') %}{{ ref('a') }}{% endif %}",
    "{% if true %}{% else %}{% if this_year() %}{{ source('a', 'b') }}{% endif %}{% endif %}",
    "{% for i in range(var('simulation_year')) %}{{ ref('a') }}{% endfor %}",
    "{% for i in [1] if var('simulation_year') %}{{ ref('a') }}{% endfor %}",
    "{{ ref('a') if var('simulation_year') > 2024 else '' }}",
    "{% set y = var('simulation_year') %}{{ ref('m' ~ y) }}",
    "{% set y = var('simulation_year') %}{% set z = y %}{% set w = z %}{{ config(alias=w) }}",
    "{% set y %}{{ var('simulation_year') }}{% endset %}{{ ref(y) }}",
    "{% set n = namespace(x=1) %}{% set n.x = var('simulation_year') %}{{ ref(n.x) }}",
    "{% if this_year() %}{% set m = 'a' %}{% else %}{% set m = 'b' %}{% endif %}{{ ref(m) }}",
    "{% for i in range(var('simulation_year')) %}{% set m = i %}{% endfor %}{{ ref(m) }}",
    "{% for i in [var('simulation_year')] %}{{ ref(i) }}{% endfor %}",
    "{% set f = ref %}{{ f(var('simulation_year')) }}",
    "{{ refers('m' ~ var('simulation_year')) }}",
    "{% if var('simulation_year') %}{{ refers('a') }}{% endif %}",
    "{{ ref(var(name)) }}",
    "{{ ref(var('simulation_' ~ 'year')) }}",
    "{% set v = var %}{{ ref(v('simulation_year')) }}",
    "{{ ref(var.get('simulation_year')) }}",
    "{{ ref(builtins.var('simulation_year')) }}",
    "{{ ref(context['var']('simulation_year')) }}",
    "{% set l = [] %}{% do l.append(var('simulation_year')) %}{{ ref(l[0]) }}",
    "{% set d = {} %}{% do d.update({'m': var('simulation_year')}) %}{{ ref(d.m) }}",
    "{% set x = var('simulation_year') %}{% if x %}{% do config(enabled=false) %}{% endif %}",
    "{% macro inner() %}{{ ref(var('simulation_year')) }}{% endmacro %}{{ inner() }}",
    "{% with y = var('simulation_year') %}{{ ref(y) }}{% endwith %}",
    "{% filter upper %}{{ ref(var('simulation_year')) }}{% endfilter %}",
    "{% call refers(var('simulation_year')) %}x{% endcall %}",
    "{{ ref(var(default=1, var='simulation_year')) }}",
    "{{ ref(small.this_year()) }}",
    "{% set f = log %}{% if this_year() %}{% set f = ref %}{% endif %}{{ f('a') }}",
    "{% set f = this_year %}{{ ref(f()) }}",
    "{{ ref(dispatched()) }}",
    "{% set l = [] %}{% if this_year() %}{% do l.append('a') %}{% endif %}{{ ref(l[0]) }}",
    "{{ context['ref'](this_year()) }}",
    "{% if this_year() %}{{ context['ref']('a') }}{% endif %}",
    "{% set l = [ref] %}{{ l[0](this_year()) }}",
    "{% if var('simulation_year') %}",
    "{{ unfinished var('simulation_year')",
]  # fmt: skip


@pytest.mark.parametrize("template", HARMLESS)
def test_text_that_the_year_writes_needs_one_parse(template: str, tmp_path: Path) -> None:
    assert not decides(template, tmp_path)


@pytest.mark.parametrize("template", DECIDING)
def test_what_the_year_may_decide_is_parsed_anew(template: str, tmp_path: Path) -> None:
    assert decides(template, tmp_path)


def test_a_macro_is_named_that_decides_by_itself(tmp_path: Path) -> None:
    manifest = manifest_of({"m": "{{ year_ref() }}"}, MACROS)
    assert "macro year_ref" in year_dependent_parts(manifest, tmp_path, "simulation_year")


@pytest.mark.parametrize(
    "name", ["generate_alias_name", "generate_schema_name", "duckdb__generate_database_name"]
)
@pytest.mark.parametrize("reads", ["var('simulation_year')", "this_year()"])
def test_a_macro_that_names_tables_by_the_year_is_found(
    tmp_path: Path, name: str, reads: str
) -> None:
    """dbt calls it while it parses, and no model mentions it."""
    macro = f"{{% macro {name}(custom, node) %}}{{{{ custom ~ {reads} }}}}{{% endmacro %}}"
    manifest = manifest_of({}, {"this_year": MACROS["this_year"], name: macro})
    assert year_dependent_parts(manifest, tmp_path, "simulation_year") == [f"macro {name}"]
    other = {name: macro.replace(reads, "var('colour')")}
    assert year_dependent_parts(manifest_of({}, other), tmp_path, "simulation_year") == []


def test_macros_that_call_each_other_in_a_circle_end(tmp_path: Path) -> None:
    macros = {
        "one": "{% macro one() %}{{ two() }}{% endmacro %}",
        "two": "{% macro two() %}{{ one() }}{{ var('simulation_year') }}{% endmacro %}",
    }
    assert not decides("select {{ one() }} from {{ ref('a') }}", tmp_path, macros)
    assert decides("{{ ref(one()) }}", tmp_path, macros)


@pytest.mark.parametrize("wrapper", ["", "{{ x }} {% if y %}z{% endif %} "])
def test_a_macro_that_cannot_be_read_is_not_trusted(tmp_path: Path, wrapper: str) -> None:
    macros = {"odd": wrapper + "{% macro odd() %}{% unknown %}{% endmacro %}"}
    assert decides("{{ ref(odd()) }}", tmp_path, macros)
    assert decides("{{ odd() }}", tmp_path, macros)


def test_a_disabled_model_is_read_too(tmp_path: Path) -> None:
    code = "{{ config(enabled=var('simulation_year') > 2024) }}"
    manifest = manifest_of({}, {}, disabled=[("model.later", code)])
    assert year_dependent_parts(manifest, tmp_path, "simulation_year") == ["model.later"]


def test_another_variable_can_be_the_step(tmp_path: Path) -> None:
    manifest = manifest_of({"m": "{{ ref(var('simulation_year')) }}"}, {})
    assert year_dependent_parts(manifest, tmp_path, "quarter") == []


BLOCKS = [
    "{% materialization odd, default %}{{ ref(var('simulation_year')) }}{% endmaterialization %}",
    "{% test positive(model) %}{{ ref(var('simulation_year')) }}{% endtest %}",
    "{% snapshot kept %}{{ config(alias=var('simulation_year')) }}{% endsnapshot %}",
    "{% snapshot kept %}{% if var('simulation_year') %}{{ ref('a') }}{% endif %}{% endsnapshot %}",
]


@pytest.mark.parametrize("block", BLOCKS)
def test_dbts_own_blocks_are_read(tmp_path: Path, block: str) -> None:
    assert decides(block, tmp_path)
    assert not decides(block.replace("simulation_year", "colour"), tmp_path)


YAML = [
    ("models:\n  - name: a\n    config: {alias: \"{{ var('simulation_year') }}\"}\n", True),
    ("+enabled: \"{{ var('simulation_year', 2024) | int > 2024 }}\"\n", True),
    ("+enabled: \"{%- if var(\n  'simulation_year') -%}x{%- endif -%}\"\n", True),
    ("enabled: \"{{ var('colour') == 'red' }}\"\n", False),
    ("columns: [{name: simulation_year}]\n", False),
    ("vars: {simulation_year: 2025}\n", False),
]


@pytest.mark.parametrize(("text", "expected"), YAML)
@pytest.mark.parametrize("name", ["dbt_project.yml", "models/deep/schema.yaml", "models/x.yml"])
def test_yaml_files_are_read(tmp_path: Path, text: str, expected: bool, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    found = year_dependent_parts(manifest_of({}, {}), tmp_path, "simulation_year")
    assert found == ([name] if expected else [])


@pytest.mark.parametrize("folder", ["target", "logs", ".git"])
def test_what_dbt_wrote_is_not_read(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "a.yml").write_text("x: \"{{ var('simulation_year') }}\"")
    assert year_dependent_parts(manifest_of({}, {}), tmp_path, "simulation_year") == []


WORDS = st.sampled_from(
    ["{{ ", " }}", "{% ", " %}", "if ", "endif", "set y = ", "for i in ", "endfor", "ref('a')",
     "var('simulation_year')", "y", "i", "else", "[", "]", " ~ ", "this_year()", "select 1 "]
)  # fmt: skip


@given(st.lists(WORDS, max_size=12).map("".join))
def test_any_text_has_an_answer(text: str) -> None:
    assert decides(text, Path("/nonexistent")) in (True, False)


@given(st.integers(1, 6), st.sampled_from(["ref", "config", "source"]))
def test_a_chain_of_names_of_any_length_is_followed(length: int, call: str) -> None:
    lines = ["{% set n0 = var('simulation_year') %}"]
    lines += [f"{{% set n{i} = n{i - 1} %}}" for i in range(1, length + 1)]
    template = "".join(reversed(lines)) + f"{{{{ {call}(n{length}) }}}}"
    assert decides(template, Path("/nonexistent"))


@pytest.mark.parametrize("template", [each for each in HARMLESS if "simulation_year" in each])
def test_a_template_that_reads_the_year_is_found(template: str, tmp_path: Path) -> None:
    assert reads_step(manifest_of({"m": template}, {}), tmp_path, "simulation_year")


@pytest.mark.parametrize("template", DECIDING)
def test_a_template_that_may_read_the_year_is_found(template: str, tmp_path: Path) -> None:
    assert reads_step(manifest_of({"m": template}, MACROS), tmp_path, "simulation_year")


@pytest.mark.parametrize(
    "template",
    [
        "{{ config(post_hook=\"delete from t where y = {{ var('simulation_year') }}\") }}select 1",
        "select {{ invocation_args_dict.vars }}",
        "select '{{ flags.VARS }}'",
    ],
)
def test_the_year_in_a_text_of_a_template_is_found(template: str, tmp_path: Path) -> None:
    assert reads_step(manifest_of({"m": template}, {}), tmp_path, "simulation_year")


def test_the_year_in_a_hook_of_a_package_is_found(tmp_path: Path) -> None:
    manifest = manifest_of({"m": "select 1"}, {})
    assert not reads_step(manifest, tmp_path, "simulation_year")
    manifest.nodes["m"].config = SimpleNamespace(post_hook=["{{ var('simulation_year') }}"])
    assert reads_step(manifest, tmp_path, "simulation_year")


def test_other_vars_are_no_reading_of_the_year(tmp_path: Path) -> None:
    manifest = manifest_of({"m": "select {{ var('colour') }}"}, {"other_var": MACROS["other_var"]})
    assert not reads_step(manifest, tmp_path, "simulation_year")
