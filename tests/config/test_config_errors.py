"""Everything wrong with a file is told at once, each with file, line, key, expectation and mend."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planwise.config import load_config
from planwise.config.reference import key_references
from planwise.errors import ConfigError

NAME_RULE = "of 1 to 64 characters: a-z, 0-9, _ and -, starting with a letter or digit"
OLD_BOOLEAN = "(some YAML readers take it as true or false: write that, or quote it)"
BAND = "termination_mult: 1, promotion_mult: 1"
LEVEL = "merit_rate: 0.01, new_hire_percentile: 0.3"

# YAML text, then every problem after "c.yaml:".
TABLE: dict[str, tuple[str, list[str]]] = {
    # unknown keys
    "misspelt": (
        "simulation:\n  end_yaer: 2030\n",
        ["2: key simulation.end_yaer: expected a known key, got end_yaer; did you mean end_year?"],
    ),
    "misspelt section": (
        "workforc: {}\n",
        ["1: key workforc: expected a known key, got workforc; did you mean workforce?"],
    ),
    "dashes": (
        "simulation: {start-year: 2025}",
        [
            (
                "1: key simulation.start-year: expected a known key, got start-year; "
                "did you mean start_year?"
            )
        ],
    ),
    "in the wrong section": (
        "workforce: {cola_rate: 0.02}",
        [
            (
                "1: key workforce.cola_rate: expected a known key, got cola_rate; "
                "it belongs in section compensation"
            )
        ],
    ),
    "section inside another": (
        "simulation:\n  environment: {}\n",
        [
            (
                "2: key simulation.environment: expected a known key, got environment; "
                "it belongs at the top of the file"
            )
        ],
    ),
    "nothing like it": (
        "simulation: {zzz: 1}",
        [
            (
                "1: key simulation.zzz: expected a known key, got zzz; "
                "known here: draws, end_year, scenario, seed, start_year"
            )
        ],
    ),
    "in a row": (
        f"workforce:\n  age_bands:\n  - {{age_band: all, min_agee: 0, min_age: 0, {BAND}}}\n",
        [
            (
                "3: key workforce.age_bands[1].min_agee: expected a known key, got min_agee; "
                "did you mean min_age?"
            )
        ],
    ),
    "hostile key": (
        'simulation: {"a\\u001b[31m\\nb": 1}',
        [
            (
                "1: key simulation.'a\\x1b[31m\\nb': expected a known key, got 'a\\x1b[31m\\nb'; "
                "known here: draws, end_year, scenario, seed, start_year"
            )
        ],
    ),
    "plan": (
        "plan:\n  match_formla: simple\n  zzz: graded\n",
        [
            (
                "2: key plan.match_formla: expected a known key, got match_formla; "
                "did you mean match_formula?"
            ),
            "3: key plan.zzz: expected a known key, got zzz; see docs/configuration.md",
        ],
    ),
    # sections of the wrong type
    "section is a list": (
        "simulation: [2025]",
        ["1: key simulation: expected a mapping (key: value), got a list"],
    ),
    "section is a number": (
        "census:\n  synthetic: 5000\n",
        ["2: key census.synthetic: expected a mapping (key: value), got 5000"],
    ),
    "plan is text": ("plan: none", ["1: key plan: expected a mapping (key: value), got 'none'"]),
    # whole numbers and years
    "years reversed": (
        "simulation:\n  start_year: 2029\n  end_year: 2025\n",
        ["3: key simulation.end_year: expected start_year (2029) or later, got 2025"],
    ),
    "end before the default start": (
        "simulation: {end_year: 2020}",
        ["1: key simulation.end_year: expected start_year (2025) or later, got 2020"],
    ),
    "year too early and too late": (
        "simulation:\n  start_year: 1899\n  end_year: 2201\n",
        [
            "2: key simulation.start_year: expected a whole number from 1900 to 2200, got 1899",
            "3: key simulation.end_year: expected a whole number from 1900 to 2200, got 2201",
        ],
    ),
    "default end too late": (
        "simulation: {start_year: 2199}",
        ["1: key simulation.end_year: expected a whole number from 1900 to 2200, got 2203"],
    ),
    "only the start is wrong": (
        "simulation: {start_year: soon}",
        ["1: key simulation.start_year: expected a whole number from 1900 to 2200, got 'soon'"],
    ),
    "true is not 1": (
        "simulation: {seed: true}",
        ["1: key simulation.seed: expected a whole number from 0 to 9223372036854775807, got true"],
    ),
    "decimal for a whole number": (
        "census: {synthetic: {employees: 1.0}}",
        ["1: key census.synthetic.employees: expected a whole number from 1 to 50000000, got 1.0"],
    ),
    "number in quotes": (
        "performance: {pool_size: '4'}",
        [
            (
                "1: key performance.pool_size: expected a whole number from 1 to 64, got '4' "
                "(a number is written without quotes)"
            )
        ],
    ),
    "pool of 0 and of 65": (
        "performance: {pool_size: 0}\nenvironment: {DUCKDB_THREADS: 0}",
        [
            "1: key performance.pool_size: expected a whole number from 1 to 64, got 0",
            "2: key environment.DUCKDB_THREADS: expected a whole number from 1 to 1024, got 0",
        ],
    ),
    "seed beyond 63 bits": (
        "simulation: {seed: 9223372036854775808}",
        [
            (
                "1: key simulation.seed: expected a whole number from 0 to 9223372036854775807, "
                "got 9223372036854775808"
            )
        ],
    ),
    "a time is no number": (
        "environment: {DUCKDB_THREADS: 12:30:00}",
        [
            (
                "1: key environment.DUCKDB_THREADS: expected a whole number from 1 to 1024, "
                "got '12:30:00' (some YAML readers take it as a number to base 60: quote it)"
            )
        ],
    ),
    "octal": (
        "simulation: {seed: 042}",
        [
            (
                "1: key simulation.seed: expected a whole number from 0 to 9223372036854775807, "
                "got 042 (YAML readers disagree on such a number: write it plainly, or quote it)"
            )
        ],
    ),
    "nothing": (
        "simulation:\n  seed:\n",
        [
            (
                "2: key simulation.seed: expected a whole number from 0 to 9223372036854775807, "
                "got nothing (leave the key out for the default)"
            )
        ],
    ),
    # rates and money
    "percent for a fraction": (
        "workforce: {termination_rate: 12}",
        [
            (
                "1: key workforce.termination_rate: expected a rate from 0 to 1, at most 5 "
                "decimals, "
                "got 12 (12 % is written 0.12)"
            )
        ],
    ),
    "percent sign": (
        "workforce: {termination_rate: 12%}",
        [
            (
                "1: key workforce.termination_rate: expected a rate from 0 to 1, at most 5 "
                "decimals, "
                "got '12%' (1 % is written 0.01)"
            )
        ],
    ),
    "growth of -1": (
        "workforce: {growth_rate: -1}",
        [
            (
                "1: key workforce.growth_rate: expected a rate above -1 and up to 10, "
                "at most 5 decimals, got -1"
            )
        ],
    ),
    "first-year rate above .98": (
        "workforce: {first_year_termination_rate: 0.981}",
        [
            (
                "1: key workforce.first_year_termination_rate: expected a rate from 0 to 0.98, "
                "at most 5 decimals, got 0.981"
            )
        ],
    ),
    "six decimals": (
        "compensation: {cola_rate: 0.025001}",
        [
            (
                "1: key compensation.cola_rate: expected a rate from -0.5 to 1, at most 5 "
                "decimals, "
                "got 0.025001 (it is not rounded in silence)"
            )
        ],
    ),
    "NaN and infinity": (
        "workforce:\n  termination_rate: .nan\n  market_factor: .inf\n",
        [
            (
                "2: key workforce.termination_rate: expected a rate from 0 to 1, at most 5 "
                "decimals, "
                "got .nan (not a finite number)"
            ),
            (
                "3: key workforce.market_factor: expected a multiplier above 0 and up to 100, "
                "at most 5 decimals, got .inf (not a finite number)"
            ),
        ],
    ),
    "market factor 0": (
        "workforce: {market_factor: 0}",
        [
            (
                "1: key workforce.market_factor: expected a multiplier above 0 and up to 100, "
                "at most 5 decimals, got 0"
            )
        ],
    ),
    "money with a sign": (
        "census: {pay_floor: '$10,000'}",
        [
            (
                "1: key census.pay_floor: expected an amount of money from 0 to 1,000,000,000, "
                "at most 2 decimals, got '$10,000' "
                "(a number is written without quotes, commas and signs of currency)"
            )
        ],
    ),
    "a tenth of a cent": (
        "compensation: {raise_cap_amount: 0.001}",
        [
            (
                "1: key compensation.raise_cap_amount: expected an amount of money from 0 to "
                "1,000,000,000, at most 2 decimals, got 0.001 (it is not rounded in silence)"
            )
        ],
    ),
    "huge exponent": (
        "compensation: {raise_cap_amount: 1e99}",
        [
            (
                "1: key compensation.raise_cap_amount: expected an amount of money from 0 to "
                f"1,000,000,000, at most 2 decimals, got 1{'0' * 99}"
            )
        ],
    ),
    "baseline of 0 ms": (
        "performance: {baseline_metrics: {total_simulation: 0}}",
        [
            (
                "1: key performance.baseline_metrics.total_simulation: expected milliseconds "
                "above 0 "
                "and up to 1,000,000,000, at most 3 decimals, got 0"
            )
        ],
    ),
    # words, names, dates, files
    "no is no name": (
        "simulation: {scenario: no}",
        [f"1: key simulation.scenario: expected a name {NAME_RULE}, got no {OLD_BOOLEAN}"],
    ),
    "number for a name": (
        "simulation: {scenario: 2025}",
        [
            (
                f"1: key simulation.scenario: expected a name {NAME_RULE}, got 2025 "
                "(a name that looks like a number is written in quotes)"
            )
        ],
    ),
    "name for SQL": (
        'simulation: {scenario: "a\'; DROP TABLE x; --"}',
        [f'1: key simulation.scenario: expected a name {NAME_RULE}, got "a\'; DROP TABLE x; --"'],
    ),
    "unknown word": (
        "workforce: {hire_level_shares: Census}\ncensus: {deferral_unit: per cent}",
        [
            "1: key workforce.hire_level_shares: expected census or current, got 'Census'",
            "2: key census.deferral_unit: expected auto, percent or fraction, got 'per cent'",
        ],
    ),
    "no such day": (
        "census: {date: 2018-02-30}",
        [
            (
                "1: key census.date: expected a date as YYYY-MM-DD, 1900 to 2200, got '2018-02-30' "
                "(there is no such day)"
            )
        ],
    ),
    "date in another form": (
        "census: {date: 6/30/2018}",
        ["1: key census.date: expected a date as YYYY-MM-DD, 1900 to 2200, got '6/30/2018'"],
    ),
    "year for a date": (
        "census: {date: 2018}",
        ["1: key census.date: expected a date as YYYY-MM-DD, 1900 to 2200, got 2018"],
    ),
    "file is a list": (
        "census: {file: [a.csv]}",
        ["1: key census.file: expected a file name, got a list"],
    ),
    "memory without unit": (
        "environment: {DUCKDB_MEMORY_LIMIT: 4}",
        [
            (
                "1: key environment.DUCKDB_MEMORY_LIMIT: expected an amount of memory like 4GB, "
                "512MiB "
                "or 80%, got 4 (the unit is missing)"
            )
        ],
    ),
    "memory above all": (
        "environment: {DUCKDB_MEMORY_LIMIT: 101%}",
        [
            (
                "1: key environment.DUCKDB_MEMORY_LIMIT: expected an amount of memory like 4GB, "
                "512MiB "
                "or 80%, got '101%'"
            )
        ],
    ),
    "1 is not true": (
        "environment: {DBT_PARTIAL_PARSE: 1}",
        ["1: key environment.DBT_PARTIAL_PARSE: expected true or false, got 1"],
    ),
    "yes is not true": (
        "environment: {DBT_PARTIAL_PARSE: yes}",
        [f"1: key environment.DBT_PARTIAL_PARSE: expected true or false, got yes {OLD_BOOLEAN}"],
    ),
    "blank, padded, long and two-line headers": (
        (
            "census:\n  columns:\n    ssn: ''\n    gender: ' x'\n"
            f'    job_title: {"y" * 257}\n    department: "a\\nb"\n    birth_date: true\n'
        ),
        [
            f"{line}: key census.columns.{field}: expected text of 1 to 256 printable characters, "
            f"got {got}"
            for line, field, got in (
                (3, "ssn", "''"),
                (4, "gender", "' x'"),
                (5, "job_title", f"'{'y' * 60}…'"),
                (6, "department", "'a\\nb'"),
                (7, "birth_date", "true"),
            )
        ],
    ),
    "blank file name": (
        "census: {file: ' '}",
        ["1: key census.file: expected a file name, got ' '"],
    ),
    "file name with a control character": (
        'census: {file: "a\\u0007b"}',
        ["1: key census.file: expected a file name, got 'a\\x07b'"],
    ),
    "columns is text": (
        "census: {columns: id}",
        ["1: key census.columns: expected a mapping of fields to headers, got 'id'"],
    ),
    "option beyond 64 bits": (
        "plugins: {tuning: {bytes: 9223372036854775808}}",
        [
            (
                "1: key plugins.tuning.bytes: expected a single value (number, text, "
                "true or false), got 9223372036854775808"
            )
        ],
    ),
    "no memory at all": (
        "environment: {DUCKDB_MEMORY_LIMIT: 0GB}",
        [
            (
                "1: key environment.DUCKDB_MEMORY_LIMIT: expected an amount of memory like 4GB, "
                "512MiB or 80%, got '0GB'"
            )
        ],
    ),
    # census columns and plugins
    "unknown field": (
        "census:\n  columns:\n    hiredate: Hired\n",
        [
            (
                "3: key census.columns.hiredate: expected a field of the census, got this key; "
                "did you mean hire_date?"
            )
        ],
    ),
    "one header for two fields": (
        "census: {columns: {hire_date: Hired, birth_date: hired}}",
        [
            (
                "1: key census.columns.birth_date: expected a header of its own, "
                "got 'hired' as for hire_date"
            )
        ],
    ),
    "header is a number": (
        "census: {columns: {hire_date: 3}}",
        [
            (
                "1: key census.columns.hire_date: expected text of 1 to 256 printable characters, "
                "got 3 (text that looks like a number is written in quotes)"
            )
        ],
    ),
    "plugin switched off the short way": (
        "plugins: {compression: false}",
        [
            (
                "1: key plugins.compression: expected a mapping of options to values, got false "
                "(to switch a plugin off: enabled: false)"
            )
        ],
    ),
    "plugin option is a list": (
        "plugins:\n  tuning:\n    levels: [1, 2]\n    enabled: 1\n    off: no\n",
        [
            (
                "3: key plugins.tuning.levels: expected a single value (number, text, true or "
                "false), "
                "got a list"
            ),
            "4: key plugins.tuning.enabled: expected true or false, got 1",
            (
                "5: key plugins.tuning.off: expected a single value (number, text, true or false), "
                f"got no {OLD_BOOLEAN}"
            ),
        ],
    ),
    "plugin with a bad name": (
        "plugins: {My Plugin: {}}",
        [f"1: key plugins.'My Plugin': expected the name of a plugin {NAME_RULE}, got 'My Plugin'"],
    ),
    "option with a bad name": (
        "plugins: {tuning: {Max Threads: 1}}",
        [f"1: key plugins.tuning.'Max Threads': expected a name {NAME_RULE}, got 'Max Threads'"],
    ),
    "plugins is a list": (
        "plugins: [tuning]",
        ["1: key plugins: expected a mapping of plugins to their options, got a list"],
    ),
    # tables
    "bands with gap, overlap, end and twin": (
        (
            "workforce:\n  age_bands:\n"
            f"  - {{age_band: a, min_age: 1, max_age: 30, {BAND}}}\n"
            f"  - {{age_band: b, min_age: 31, max_age: 40, {BAND}}}\n"
            f"  - {{age_band: a, min_age: 35, max_age: 120, {BAND}}}\n"
        ),
        [
            (
                "3: key workforce.age_bands[1].min_age: expected 0 (since the first band starts "
                "at 0), "
                "got 1"
            ),
            (
                "4: key workforce.age_bands[2].min_age: expected 30 (where the band before ends), "
                "got 31"
            ),
            "5: key workforce.age_bands[3].age_band: expected a new name, got 'a' again",
            (
                "5: key workforce.age_bands[3].max_age: expected 999 (or no key) in the last band, "
                "which has no end, got 120"
            ),
            (
                "5: key workforce.age_bands[3].min_age: expected 40 (where the band before ends), "
                "got 35"
            ),
        ],
    ),
    "empty band": (
        "workforce:\n  tenure_bands:\n"
        f"  - {{tenure_band: a, min_years: 0, max_years: 0, {BAND}}}\n".replace(
            "max_years: 0", "max_years: 5"
        )
        + f"  - {{tenure_band: b, min_years: 5, max_years: 5, {BAND}}}\n"
        + f"  - {{tenure_band: c, min_years: 5, {BAND}}}\n",
        ["4: key workforce.tenure_bands[2].max_years: expected more than 5, got 5"],
    ),
    "a row without a key": (
        (
            "workforce:\n  tenure_bands:\n  - tenure_band: all\n    min_years: 0\n"
            "    termination_mult: 1\n"
        ),
        [
            (
                "3: key workforce.tenure_bands[1].promotion_mult: expected a value, "
                "but the key is missing"
            )
        ],
    ),
    "a row that is none": (
        "workforce:\n  tenure_bands:\n  - 2\n",
        ["3: key workforce.tenure_bands[1]: expected a mapping (key: value), got 2"],
    ),
    "no rows": (
        "workforce: {age_bands: []}",
        ["1: key workforce.age_bands: expected a list of 1 to 50 age bands, got a list (it has 0)"],
    ),
    "levels out of order, falling, upside down": (
        "workforce:\n  levels:\n"
        f"  - {{level: 0, level_name: a, min_pay: 1, max_pay: 2, {LEVEL}}}\n".replace(
            "level: 0", "level: 2"
        )
        + f"  - {{level: 2, level_name: b, min_pay: 9, max_pay: 8, {LEVEL}}}\n"
        + f"  - {{level: 3, level_name: a, min_pay: 5, max_pay: 7.5, {LEVEL}}}\n",
        [
            "3: key workforce.levels[1].level: expected 1 (levels count up from 1), got 2",
            "4: key workforce.levels[2].max_pay: expected min_pay (9) or more, got 8",
            "5: key workforce.levels[3].level_name: expected a new name, got 'a' again",
            "5: key workforce.levels[3].max_pay: expected 8 or more (as the level below), got 7.5",
            "5: key workforce.levels[3].min_pay: expected 9 or more (as the level below), got 5",
        ],
    ),
    "level word": (
        "workforce: {levels: from_cencus}",
        [
            (
                "1: key workforce.levels: expected a list of 1 to 9 levels, or the word "
                "from_census, "
                "got 'from_cencus'"
            )
        ],
    ),
    "ten levels": (
        "workforce: {levels: [1,2,3,4,5,6,7,8,9,10]}",
        [
            (
                "1: key workforce.levels: expected a list of 1 to 9 levels, or the word "
                "from_census, "
                "got a list (it has 10)"
            )
        ],
    ),
    "shares that do not add up": (
        "workforce: {hire_ages: {22: 0.5, 30: 0.499999}}",
        ["1: key workforce.hire_ages: expected shares that add up to exactly 1, got 0.999999"],
    ),
    "shares of thirds": (
        "compensation: {raise_months: {1: 0.3333333, 4: 0.3333333, 7: 0.3333334}}",
        [
            f"1: key compensation.raise_months.{month}: expected a share from 0 to 1, "
            f"at most 6 decimals, got {part} (it is not rounded in silence)"
            for month, part in ((1, "0.3333333"), (4, "0.3333333"), (7, "0.3333334"))
        ],
    ),
    "month 13, month as a word": (
        "compensation:\n  raise_months:\n    13: 0.5\n    July: 0.5\n    01: 0\n",
        [
            "3: key compensation.raise_months.13: expected a whole number from 1 to 12, got 13",
            (
                "4: key compensation.raise_months.July: expected a whole number from 1 to 12, "
                "got 'July'"
            ),
            ("5: key compensation.raise_months.01: expected a whole number from 1 to 12, got '01'"),
        ],
    ),
    "distribution as a list": (
        "compensation: {raise_months: [1]}",
        [
            (
                "1: key compensation.raise_months: expected a mapping of months (1 to 12) to "
                "shares, "
                "got a list"
            )
        ],
    ),
    "age of a child": (
        "workforce: {hire_ages: {13: 1}}",
        ["1: key workforce.hire_ages.13: expected a whole number from 14 to 85, got 13"],
    ),
    # many at once, of every sort, in the order of the lines
    "several": (
        (
            "simulation:\n  seed: -1\n  seed: 2\n  scenario: A\nworkforce:\n  growth_rate: 50%\n"
            "environment:\n  DUCKDB_THREADS: many\nextra: 1\n"
        ),
        [
            "2: key simulation.seed: expected a whole number from 0 to 9223372036854775807, got -1",
            "3: key simulation.seed: expected once, got it again (first on line 2)",
            f"4: key simulation.scenario: expected a name {NAME_RULE}, got 'A'",
            (
                "6: key workforce.growth_rate: expected a rate above -1 and up to 10, "
                "at most 5 decimals, got '50%' (1 % is written 0.01)"
            ),
            "8: key environment.DUCKDB_THREADS: expected a whole number from 1 to 1024, got 'many'",
            (
                "9: key extra: expected a known key, got extra; known here: census, compensation, "
                "environment, performance, plan, plugins, simulation, workforce"
            ),
        ],
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_every_problem_is_told(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, expected = TABLE[name]
    monkeypatch.chdir(tmp_path)
    path = Path("c.yaml")
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert list(caught.value.problems) == [f"c.yaml:{problem}" for problem in expected]
    assert caught.value.exit_code == 1


def test_hostile_file_name(tmp_path: Path) -> None:
    path = tmp_path / "a\n\x1b[31mb.yaml"
    path.write_text("extra: 1")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    [problem] = caught.value.problems
    assert problem.isprintable()


def test_long_values_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(f"simulation: {{scenario: {'x' * 500_000}, {'k' * 1000}: 1}}")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert max(len(problem) for problem in caught.value.problems) < 600


KEYS = sorted({row.key for row in key_references({})} | {"simulation", "workforce", "plan", "zz"})
VALUES = st.sampled_from(
    [
        "~",
        "no",
        "1",
        "0",
        "-1",
        "0.5",
        ".nan",
        "12:30",
        "2025",
        "x",
        "'q'",
        "{}",
        "[]",
        "true",
        "1e9",
        "2025-01-01",
        "from_census",
        '"\\u202e"',
        "0.12345678",
    ]
)


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        VALUES,
        lambda inner: (
            st.dictionaries(st.sampled_from(KEYS), inner, max_size=5).map(
                lambda pairs: (
                    "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
                )
            )
            | st.lists(inner, max_size=3).map(lambda rows: "[" + ", ".join(rows) + "]")
        ),
        max_leaves=20,
    )
)
def test_whatever_is_written_only_config_errors_come_out(tmp_path_factory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text)
    problems: tuple[str, ...] = ()
    try:
        load_config(path)
    except ConfigError as error:
        problems = error.problems
    assert all(problem.startswith(f"{path}:1: ") for problem in problems)
    assert all(problem.isprintable() for problem in problems)
