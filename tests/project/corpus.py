"""The corpus: small dbt projects, one or more for each feature that real ones use, and their edits.

Each is a folder of ``tests/projects`` that plain dbt runs as well as planwise does: its profile
takes the database from ``PROJECT_DATABASE``. :mod:`corpus_runs` runs them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal

from attrs import field, frozen
from corpus_large import write_large

YEARS: Final = (2025, 2026, 2027)
ONE_YEAR: Final = YEARS[:1]
STEP: Final = "simulation_year"
FOUNDATION: Final = "resource_type:seed +tag:foundation"
"""What planwise runs once, before the first year, as a dbt selection."""

Value = str | int | bool
Kind = Literal["macro", "model", "seed", "var", "env", "package", "yaml", "years", "data", "target"]


@frozen
class Edit:
    """A change to a project whose caches are warm.

    Attributes:
        name: names the test.
        kind: what is changed.
        apply: edits a copy of the project.
        vars: vars of the command line beside the project's.
        env: variables of the environment beside the project's.
        before: SQL beside the project's, run on the new database.
        years: the years to run afterwards; one, where a second would show nothing else.
        target: a target of the profile.
        fails: what dbt says if the edited project fails.
        new_unstable: unstable columns that the edit makes.
    """

    name: str
    kind: Kind
    apply: Callable[[Path], None] = lambda folder: None
    vars: Mapping[str, Value] = field(factory=dict)
    env: Mapping[str, str] = field(factory=dict)
    before: str = ""
    years: tuple[int, ...] = YEARS[:2]
    target: str | None = None
    fails: str = ""
    new_unstable: frozenset[str] = frozenset()


@frozen
class CorpusProject:
    """A project of the corpus.

    Attributes:
        name: its folder in ``tests/projects``.
        features: what it exercises.
        edits: what is changed once its caches are warm.
        foundation: whether something runs once, before the first year.
        select: a dbt selection of what runs in each year.
        vars: vars of the command line.
        env: variables of the environment.
        before: SQL that is run on the empty database before: sources, tables of an older run.
        database: name of the database's file.
        unstable: columns that differ between two runs of plain dbt, as ``schema.table.column``. Of
            a project without any, one run will do: planwise's is the second.
        fails: what dbt says if the project fails.
        fails_in: the year in which it does.
        generate: writes the project, if it is not in ``tests/projects``.
    """

    name: str
    features: tuple[str, ...]
    edits: tuple[Edit, ...] = ()
    foundation: bool = False
    select: str | None = None
    vars: Mapping[str, Value] = field(factory=dict)
    env: Mapping[str, str] = field(factory=dict)
    before: str = ""
    database: str = "corpus.duckdb"
    unstable: frozenset[str] = frozenset()
    fails: str = ""
    fails_in: int | None = None
    generate: Callable[[Path], None] | None = None


def replaced(file: str, old: str, new: str) -> Callable[[Path], None]:
    """An edit of a file's text; time of change and, if the texts are as long, size stay.

    A cache that trusts either is stale then, as it would be on a disk whose times are all the same
    (an image, a store, a checkout that restores them). YAML files get a new time: dbt's own parse
    cache trusts theirs.
    """

    def apply(folder: Path) -> None:
        path = folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{path} has no '{old}'"
        before = path.stat()
        path.write_text(text.replace(old, new), encoding="utf-8")
        if path.suffix not in {".yml", ".yaml"}:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    return apply


def written(file: str, text: str) -> Callable[[Path], None]:
    """An edit that adds a file."""

    def apply(folder: Path) -> None:
        path = folder / file
        assert not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    return apply


def removed(file: str) -> Callable[[Path], None]:
    """An edit that removes a file."""
    return lambda folder: (folder / file).unlink()


RAW: Final = """
create schema raw;
create table raw.people as select i as id, 'person ' || i as name from range(3) as t(i);
create table raw."Pay by Year" as
select i as "person id", y as "Simulation Year", 1000 + i * 100 + y - 2025 as pay
from range(3) as t(i), range(2025, 2028) as u(y);
"""

CORPUS: Final = (
    CorpusProject(
        "year_graph",
        (
            "ref() in a conditional on the year",
            "graph of the first year differs",
            "models disabled by var",
            "alias by var",
            "tags and selection",
            "source that is an own table",
            "vars of dbt_project.yml",
        ),
        foundation=True,
        select="tag:yearly",
        edits=(
            Edit(
                "macro",
                "macro",
                replaced(
                    "macros/graph.sql", "'odd' if", "'even' if var('rate_percent') else 'odd' if"
                ),
            ),
            Edit("first_year", "years", years=(2026, 2027), vars={"first_year": 2026}),
            Edit("bonus_from", "var", vars={"bonus_from": 2027}),
            Edit(
                "new_model",
                "model",
                written("models/bonus_of.sql", "{{ config(tags='yearly') }}\nselect 1 as a"),
                years=ONE_YEAR,
            ),
            Edit(
                "no_tag",
                "yaml",
                replaced(
                    "models/tags.yml",
                    "- name: by_parity\n    config:\n      tags: [yearly]",
                    "- name: by_parity",
                ),
            ),
        ),
    ),
    CorpusProject(
        "introspection",
        (
            "run_query",
            "statement",
            "get_columns_in_relation",
            "get_relation",
            "load_relation",
            "graph",
        ),
        foundation=True,
        edits=(
            Edit("seed_row", "seed", replaced("seeds/measures.csv", "weight", "length")),
            Edit("macro", "macro", replaced("macros/ask.sql", "join(' ')", "join('-')")),
            Edit(
                "columns_of_another",
                "model",
                replaced("models/facts.sql", "'later' as era", "'later' as age"),
            ),
            Edit("new_model", "model", written("models/more.sql", "select 1 as a"), years=ONE_YEAR),
        ),
    ),
    CorpusProject(
        "hooks",
        (
            "on-run-start",
            "on-run-end",
            "pre- and post-hooks that DELETE and INSERT",
            "hooks with this, var, ref",
            "hooks outside of the transaction",
        ),
        foundation=True,
        edits=(
            Edit(
                "macro_of_hook",
                "macro",
                replaced("macros/logged.sql", "'{{ what }}'", "'{{ what }}!'"),
            ),
            Edit("var_of_hook", "var", vars={"keep": 3}),
            Edit(
                "var_of_start_hook",
                "yaml",
                replaced("dbt_project.yml", "shift: 100", "shift: 200"),
                years=ONE_YEAR,
            ),
        ),
    ),
    CorpusProject(
        "self_reference",
        (
            "this read by the model itself",
            "incremental delete+insert, scalar key",
            "NULL keys",
            "columns in another order, cast",
            "full_refresh in config",
        ),
        before="create table kept_table as select 2020 as simulation_year, -1 as incremental;"
        "create table always_new as select 2020 as simulation_year, -1 as incremental;",
        edits=(
            Edit("macro", "macro", replaced("macros/growth.sql", "// 10", "// 20")),
            Edit("var", "var", vars={"start": 5000}),
            Edit("nothing_there_before", "data", before="drop table kept_table;", years=ONE_YEAR),
        ),
    ),
    CorpusProject(
        "incremental_keys",
        (
            "incremental delete+insert, scalar key",
            "incremental delete+insert, list key",
            "incremental delete+insert, expression key",
            "NULL keys",
            "append",
            "merge",
            "microbatch",
            "incremental_predicates",
        ),
        foundation=True,
        edits=(
            Edit("seed", "seed", replaced("seeds/changes.csv", "2026,3,c,31", "2026,3,,931")),
            Edit("predicate", "var", vars={"below": 30}),
            Edit("key", "model", replaced("models/by_expression.sql", "id % 2", "id % 5")),
        ),
    ),
    CorpusProject(
        "schema_change",
        (
            "on_schema_change: ignore",
            "on_schema_change: append_new_columns",
            "on_schema_change: sync_all_columns",
            "on_schema_change: fail",
        ),
        edits=(
            Edit("macro", "macro", replaced("macros/columns.sql", "n * 1.5", "n * 2.5")),
            Edit(
                "fail",
                "var",
                vars={"strict_changes": True},
                fails="The source and target schemas on this incremental model are out of sync!",
            ),
        ),
    ),
    CorpusProject(
        "contracts",
        ("enforced contracts", "constraints", "foreign keys"),
        edits=(
            Edit(
                "macro",
                "macro",
                replaced("macros/people.sql", "person ", "nobody "),
                years=ONE_YEAR,
            ),
            Edit("constraint", "var", vars={"offset": -30}, fails="CHECK constraint failed"),
            Edit(
                "contract",
                "yaml",
                replaced("models/contracts.yml", "data_type: smallint", "data_type: bigint"),
                fails="This model has an enforced contract that failed",
            ),
        ),
    ),
    CorpusProject(
        "ephemeral_chain",
        ("ephemeral chains", "ephemeral model that asks the database"),
        foundation=True,
        edits=(
            Edit("macro", "macro", replaced("macros/pay.sql", "200", "300")),
            Edit(
                "ephemeral",
                "model",
                replaced("models/next_year.sql", "simulation_year +", "simulation_year *"),
            ),
            Edit("var", "var", vars={"step": 3}, years=ONE_YEAR),
        ),
    ),
    CorpusProject(
        "snapshots",
        ("snapshots: timestamp", "snapshots: check", "custom schemas without a macro"),
        unstable=frozenset(
            f"{table}.{column}"
            for table in ("main.by_check", "main_kept.by_all")
            for column in ("dbt_updated_at", "dbt_valid_from", "dbt_valid_to", "dbt_scd_id")
        ),
        edits=(
            Edit("macro", "macro", replaced("macros/dates.sql", ", 1, 1)", ", 2, 2)")),
            Edit(
                "strategy",
                "yaml",
                replaced("snapshots/by_all.yml", "check_cols: all", "check_cols: [id]"),
            ),
        ),
    ),
    CorpusProject(
        "python_models",
        ("Python models", "var in a YAML file"),
        edits=(
            Edit("python", "model", replaced("models/scaled.py", "* {factor}", "+ {factor}")),
            Edit("var", "var", vars={"factor": 5}, years=ONE_YEAR),
        ),
    ),
    CorpusProject(
        "sources",
        ("sources", "quoting", "default selector"),
        before=RAW,
        edits=(
            Edit(
                "column", "data", before="alter table raw.people add column age integer default 40;"
            ),
            Edit(
                "macro",
                "macro",
                replaced("macros/star.sql", "not in without", "in without"),
                years=ONE_YEAR,
            ),
            Edit(
                "schema",
                "var",
                before="create schema other; create table other.people as from raw.people limit 2;"
                'create table other."Pay by Year" as from raw."Pay by Year" where pay > 1000;',
                vars={"raw_schema": "other"},
            ),
            Edit(
                "gone",
                "data",
                before="drop table raw.people;",
                fails="Table with name people does not exist",
            ),
        ),
    ),
    CorpusProject(
        "naming",
        (
            "custom schemas with an own generate_schema_name",
            "aliases",
            "quoting",
            "versions of a model",
        ),
        foundation=True,
        database="odd name-1.duckdb",
        edits=(
            Edit(
                "macro",
                "macro",
                replaced("macros/names.sql", "{{ node.name }} v", "{{ node.name }} V"),
                years=ONE_YEAR,
            ),
            Edit("var", "var", vars={"suffix": "_x"}),
            Edit("seed", "seed", replaced("seeds/Upper_Seed.csv", "2,y", "2,z"), years=ONE_YEAR),
        ),
    ),
    CorpusProject(
        "packaged",
        (
            "installed packages",
            "dispatch",
            "custom schemas without a macro",
            "models disabled in a package",
        ),
        foundation=True,
        edits=(
            Edit(
                "package_macro",
                "package",
                replaced("local_packages/dates/macros/dates.sql", "// 3", "// 2"),
            ),
            Edit(
                "package_model",
                "package",
                replaced("local_packages/dates/models/months.sql", "<=", "< "),
            ),
            Edit(
                "package_yaml",
                "package",
                replaced("local_packages/dates/dbt_project.yml", "view", "table"),
                years=ONE_YEAR,
            ),
            Edit(
                "dispatch",
                "macro",
                replaced("macros/overrides.sql", ", 15)", ", 16)"),
                years=ONE_YEAR,
            ),
            Edit("dispatch_gone", "macro", removed("macros/overrides.sql")),
            Edit(
                "package_var",
                "yaml",
                replaced("dbt_project.yml", "months: 3", "months: 4"),
                years=ONE_YEAR,
            ),
        ),
    ),
    CorpusProject(
        "seed_types",
        (
            "seeds: column_types",
            "seeds: quotes, empty strings, NULLs",
            "seeds: dates, booleans, leading zeros, big integers",
            "seeds: delimiter",
            "seeds: quote_columns",
        ),
        foundation=True,
        edits=(
            Edit(
                "value",
                "seed",
                replaced("seeds/inferred.csv", "quoted, comma", "quoted, Comma"),
                years=ONE_YEAR,
            ),
            Edit(
                "inferred_type",
                "seed",
                replaced("seeds/inferred.csv", "1,007,", "1,x07,"),
                years=ONE_YEAR,
            ),
            Edit(
                "column_type",
                "yaml",
                replaced("dbt_project.yml", "big: hugeint", "big: double"),
                years=ONE_YEAR,
            ),
            Edit(
                "delimiter",
                "yaml",
                replaced("dbt_project.yml", 'delimiter: ";"', 'delimiter: ","'),
                fails="semicolons",
            ),
        ),
    ),
    CorpusProject(
        "own_materializations",
        ("custom materialization", "custom incremental strategy"),
        edits=(
            Edit(
                "materialization",
                "macro",
                replaced("macros/refilled.sql", "*, -1 from", "*, -2 from"),
            ),
            Edit("strategy", "macro", replaced("macros/strategy.sql", "- 1 }};", "- 0 }};")),
        ),
    ),
    CorpusProject(
        "overridden_macros",
        ("overridden create_table_as", "overridden ref", "overridden run_hooks"),
        before="create table hook_calls (model varchar, hooks integer, simulation_year integer);",
        edits=(
            Edit(
                "create_table_as",
                "macro",
                replaced("macros/create_table_as.sql", "'made'", "'done'"),
            ),
            Edit(
                "ref",
                "macro",
                replaced("macros/ref.sql", "'ref' as", "'REF' as"),
                years=ONE_YEAR,
            ),
            Edit("override_gone", "macro", removed("macros/hooks.sql")),
            Edit(
                "override_added",
                "macro",
                written(
                    "macros/view.sql",
                    "{% macro duckdb__create_view_as(relation, sql) %}"
                    "create view {{ relation }} as (select *, 1 as added from ({{ sql }}))"
                    "{% endmacro %}",
                ),
                years=ONE_YEAR,
            ),
        ),
    ),
    CorpusProject(
        "relation_options",
        (
            "persist_docs",
            "indexes",
            "sql_header",
            "grants",
            "view replaced by a table",
            "table replaced by a view",
            "external",
        ),
        foundation=True,
        edits=(
            Edit(
                "docs",
                "yaml",
                replaced("models/models.yml", "Whose it is.", "Who it is."),
                years=ONE_YEAR,
            ),
            Edit(
                "docs_block",
                "model",
                replaced("models/docs.md", "of two lines.", "of 2 lines."),
                years=ONE_YEAR,
            ),
            Edit("header", "var", vars={"header_value": 12}),
            Edit(
                "macro",
                "macro",
                replaced("macros/header.sql", "') }};", "') + 1 }};"),
                years=ONE_YEAR,
            ),
        ),
    ),
    CorpusProject(
        "environment",
        (
            "env_var in a model",
            "env_var in the profile",
            "env_var in dbt_project.yml",
            "vars of dbt_project.yml",
            "vars of the command line",
            "targets",
        ),
        vars={"given": "by the command line"},
        env={"CORPUS_WORD": "hello", "CORPUS_SCHEMA": "marts", "CORPUS_IN_PROFILE": "base"},
        edits=(
            Edit("env_of_model", "env", env={"CORPUS_WORD": "goodbye"}),
            Edit("env_of_macro", "env", env={"CORPUS_OTHER": "set"}, years=ONE_YEAR),
            Edit("env_of_profile", "env", env={"CORPUS_IN_PROFILE": "ground"}, years=ONE_YEAR),
            Edit("env_of_settings", "env", env={"CORPUS_ORDER": "desc"}, years=ONE_YEAR),
            Edit("env_of_project", "env", env={"CORPUS_SCHEMA": "other"}, years=ONE_YEAR),
            Edit("env_of_graph", "env", env={"CORPUS_WORD": "hello", "CORPUS_OTHER": "off"}),
            Edit(
                "var_of_project",
                "yaml",
                replaced("dbt_project.yml", "from the project", "changed"),
                years=ONE_YEAR,
            ),
            Edit("var_of_command_line", "var", vars={"given": "changed"}),
            Edit("target", "target", target="prod", years=ONE_YEAR),
            Edit(
                "env_default_gone",
                "macro",
                replaced("macros/outside.sql", "'CORPUS_OTHER', 'unset'", "'CORPUS_OTHER'"),
                fails="Env var required but not provided: 'CORPUS_OTHER'",
            ),
        ),
    ),
    CorpusProject(
        "moments",
        ("invocation_id", "run_started_at", "modules.datetime"),
        unstable=frozenset(
            {
                *(f"main.stamped.{c}" for c in ("invocation", "started")),
                *(f"main.stamped_too.{c}" for c in ("invocation", "started")),
                *(f"main.history.{c}" for c in ("invocation", "started", "rendered")),
                *(f"main.drawn.{c}" for c in ("draw", "id", "moment")),
            }
        ),
        edits=(
            Edit(
                "macro",
                "macro",
                replaced("macros/stamp.sql", "'here'", "'HERE'"),
                years=ONE_YEAR,
            ),
        ),
    ),
    CorpusProject(
        "text",
        ("trailing comments", "semicolons in a model"),
        edits=(
            Edit("macro", "macro", replaced("macros/words.sql", "w;ord", "w,ord"), years=ONE_YEAR),
            Edit(
                "semicolon",
                "model",
                replaced("models/with_first.sql", "limit 2", "limit 2;"),
                fails='syntax error at or near ";"',
            ),
            Edit(
                "unclosed",
                "model",
                replaced("models/block_comment.sql", "ends */", "ends"),
                fails="unterminated",
            ),
            Edit(
                "required_var",
                "model",
                replaced(
                    "models/jinja_comment.sql", "{# var('nothing') #}", "-- {{ var('nothing') }}"
                ),
                fails="Required var 'nothing' not found in config",
            ),
            Edit(
                "undefined_macro",
                "macro",
                replaced("macros/words.sql", "macro word()", "macro sword()"),
                fails="'word' is undefined",
            ),
        ),
    ),
    CorpusProject(
        "failing_year",
        ("a model that fails",),
        fails="no such year: 2026",
        fails_in=2026,
        edits=(
            Edit("mended", "macro", replaced("macros/checked.sql", ">= 2026", ">= 2036")),
            Edit(
                "fails_at_once",
                "macro",
                replaced("macros/checked.sql", ">= 2026", ">= 2016"),
                fails="no such year: 2025",
            ),
        ),
    ),
    CorpusProject(
        "large",
        ("over 100 models", "over 800 tests that are not run"),
        generate=write_large,
        edits=(Edit("macro", "macro", replaced("macros/mixed.sql", "31", "37"), years=ONE_YEAR),),
    ),
)
