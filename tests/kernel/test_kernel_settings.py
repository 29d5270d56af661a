"""What the user fixed: flag over environment over config over plugin, and values that are wrong."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import attrs
import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_distributions import Site

from planwise.config import Config, load_config
from planwise.errors import UsageError
from planwise.relay import Relay
from planwise.settings import (
    configured_baseline,
    fixed_settings,
    memory_text,
    option_value,
    partial_parse,
    plugin_option_values,
    thread_count,
)
from planwise.values import Machine, PluginOption, TuneRequest

DEFAULTS = load_config(None)


def config_with(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return load_config(file)


PLACES = list(product([False, True], repeat=3))


@pytest.mark.parametrize(("flag", "environment", "config"), PLACES)
def test_precedence_of_duckdbs_settings(
    site: Site, tmp_path: Path, flag: bool, environment: bool, config: bool
) -> None:
    """Every combination of places, down to the plugin that has an opinion of its own."""
    text = "environment: {DUCKDB_MEMORY_LIMIT: 3GB, DUCKDB_THREADS: 3}" if config else "{}"
    environ = {"DUCKDB_MEMORY_LIMIT": "2GB", "DUCKDB_THREADS": "2"} if environment else {}
    fixed = fixed_settings(
        config_with(tmp_path, text),
        environ,
        memory_limit="1GB" if flag else None,
        threads=1 if flag else None,
    )
    places = (flag, environment, config)
    origin = next(
        (n for n, on in zip(("command line", "environment", "config"), places, strict=True) if on),
        None,
    )
    number = {"command line": 1, "environment": 2, "config": 3, None: None}[origin]
    expected = (
        []
        if number is None
        else [("memory_limit", f"{number}GB", origin), ("threads", number, origin)]
    )
    assert [(each.name, each.value, each.origin) for each in fixed] == expected

    names = "('memory_limit', '9GB'), ('threads', 9), ('pin_threads', 1)"
    answer = f"return [Setting(*each) for each in ({names})]"
    site.add("mine", f"class Plugin:\n    @hookimpl\n    def db_tune(self, request): {answer}")
    request = TuneRequest(
        Machine(2, 1, 1, tmp_path, 1), 4, {each.name: each.value for each in fixed}
    )
    tuned = {each.setting.name for each in Relay(site.loaded()).db_tune(request)}
    assert tuned == ({"pin_threads"} if number else {"memory_limit", "threads", "pin_threads"})


def test_an_empty_variable_is_none_at_all(tmp_path: Path) -> None:
    environ = {"DUCKDB_MEMORY_LIMIT": "", "DUCKDB_THREADS": "", "DBT_PARTIAL_PARSE": ""}
    assert fixed_settings(DEFAULTS, environ, memory_limit=None, threads=None) == ()
    assert partial_parse(DEFAULTS, environ)


@pytest.mark.parametrize(
    "text", ["4GB", "512MiB", "80%", "1.5 GB", "100B", "1TB", "0.5gb", " 2GB ", "300KB", "1GiB"]
)
def test_sizes_that_duckdb_takes(text: str) -> None:
    value = memory_text(text, "--memory-limit")
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"set memory_limit = '{value}'")


@pytest.mark.parametrize(
    "text",
    ["", " ", "4", "GB", "-4GB", "4 GBs", "lots", "4XB", "0GB", "0.0%", "1e3GB", "4GB; drop",
     "٤GB", "4,5GB", "inf", "nan", "4G B", "'4GB'", "1_000MB"],
)  # fmt: skip
def test_sizes_that_are_none(text: str) -> None:
    for where in ("--memory-limit", "DUCKDB_MEMORY_LIMIT"):
        with pytest.raises(UsageError) as caught:
            memory_text(text, where)
        assert str(caught.value).startswith(f"{where}: expected a size like 4GB")


@given(st.text(max_size=12))
def test_no_size_reaches_duckdb_that_it_would_refuse(text: str) -> None:
    try:
        value = memory_text(text, "here")
    except UsageError:
        return
    assert value.isascii()
    assert "'" not in value


@pytest.mark.parametrize("text", ["0", "1025", "-1", "two", "2.0", "", "1e2", "٢", "99999", "+4"])
def test_numbers_of_threads_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="DUCKDB_THREADS: expected a whole number from 1 to 1024"):
        thread_count(text, "DUCKDB_THREADS")


@given(st.integers(1, 1024))
def test_numbers_of_threads(count: int) -> None:
    assert thread_count(f" {count} ", "here") == count


@pytest.mark.parametrize("environ", [{"DUCKDB_THREADS": "junk"}, {"DUCKDB_MEMORY_LIMIT": "junk"}])
def test_a_wrong_variable_is_named(environ: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=next(iter(environ))):
        fixed_settings(DEFAULTS, environ, memory_limit=None, threads=None)


@pytest.mark.parametrize("environ", [{"DUCKDB_THREADS": "junk", "DUCKDB_MEMORY_LIMIT": "junk"}])
def test_a_wrong_variable_does_not_matter_where_a_flag_wins(environ: dict[str, str]) -> None:
    fixed = fixed_settings(DEFAULTS, environ, memory_limit="1GB", threads=2)
    assert [each.value for each in fixed] == ["1GB", 2]


@pytest.mark.parametrize(
    ("variable", "config", "expected"),
    [
        ("", "", True),
        ("true", "false", True),
        ("0", "true", False),
        ("No", "", False),
        ("ON", "false", True),
        ("", "false", False),
        ("", "true", True),
    ],
)
def test_partial_parsing(tmp_path: Path, variable: str, config: str, expected: bool) -> None:
    text = f"environment: {{DBT_PARTIAL_PARSE: {config}}}" if config else "{}"
    environ = {"DBT_PARTIAL_PARSE": variable} if variable else {}
    assert partial_parse(config_with(tmp_path, text), environ) is expected


@pytest.mark.parametrize("text", ["maybe", "2", "tru", " "])
def test_partial_parsing_that_is_neither(text: str) -> None:
    with pytest.raises(UsageError, match="DBT_PARTIAL_PARSE: expected true or false"):
        partial_parse(DEFAULTS, {"DBT_PARTIAL_PARSE": text})


def test_the_baseline_is_the_configured_one_and_says_so(tmp_path: Path) -> None:
    assert configured_baseline(DEFAULTS) is None
    text = "performance: {baseline_metrics: {year_processing: 1200}}"
    baseline = configured_baseline(config_with(tmp_path, text))
    assert baseline is not None
    assert attrs.astuple(baseline) == ("configured", None, 1200.0, None, None, None)


LEVEL = PluginOption("level", 3, "Effort.", type=int, choices=(1, 3, 9))
RATE = PluginOption("rate", 0.5, "Rate.", type=float)
FAST = PluginOption("fast", False, "Fast.", type=bool)
WORD = PluginOption("word", None, "Word.")
DECLARED = {"my-plugin": (LEVEL, RATE, FAST, WORD)}


@pytest.mark.parametrize(("flag", "environment", "config"), PLACES)
def test_precedence_of_options(tmp_path: Path, flag: bool, environment: bool, config: bool) -> None:
    text = "plugins: {my-plugin: {level: 9, fast: true, word: config}}" if config else "{}"
    environ = (
        {"PLANWISE_MY_PLUGIN_LEVEL": "1", "PLANWISE_MY_PLUGIN_WORD": "environ"}
        if environment
        else {}
    )
    values = plugin_option_values(
        DECLARED,
        flags={"my-plugin": {"word": "flag"}} if flag else {},
        environ=environ,
        config=config_with(tmp_path, text),
    )["my-plugin"]
    assert values["level"] == (1 if environment else 9 if config else 3)
    assert values["fast"] is config
    assert values["rate"] == 0.5
    places = ((flag, "flag"), (environment, "environ"), (config, "config"), (True, None))
    assert values["word"] == next(word for on, word in places if on)


@pytest.mark.parametrize(
    ("option", "given", "expected"),
    [
        (LEVEL, "9", 9),
        (LEVEL, 9, 9),
        (LEVEL, 9.0, 9),
        (LEVEL, " 9 ", 9),
        (RATE, "1e-3", 0.001),
        (RATE, 2, 2.0),
        (FAST, "Yes", True),
        (FAST, False, False),
        (FAST, 0, False),
        (WORD, 5, "5"),
        (WORD, "5 words", "5 words"),
    ],
)
def test_values_of_options(option: PluginOption, given: object, expected: object) -> None:
    value = option_value(option, given, "here")
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("option", "given"),
    [
        (LEVEL, "2"),
        (LEVEL, "x"),
        (LEVEL, "9.5"),
        (LEVEL, True),
        (LEVEL, "1e999"),
        (LEVEL, "nan"),
        (LEVEL, "inf"),
        (LEVEL, None),
        (RATE, "x"),
        (RATE, "nan"),
        (RATE, "inf"),
        (RATE, "1e999"),
        (RATE, False),
        (RATE, None),
        (FAST, "maybe"),
        (FAST, 2),
        (FAST, None),
        (WORD, None),
        (WORD, True),
    ],
)
def test_values_that_an_option_does_not_take(option: PluginOption, given: object) -> None:
    with pytest.raises(UsageError, match=r"^here: expected"):
        option_value(option, given, "here")


@given(st.integers(-(10**18), 10**18))
def test_whole_numbers_stay_exact(number: int) -> None:
    option = PluginOption("n", 0, "Number.", type=int)
    assert option_value(option, str(number), "here") == number


def test_an_unknown_option_is_named_with_its_place_and_those_that_exist(tmp_path: Path) -> None:
    config = config_with(tmp_path, "plugins: {my-plugin: {levle: 3}}")
    with pytest.raises(UsageError) as caught:
        plugin_option_values(DECLARED, flags={}, environ={}, config=config)
    assert "config.yaml: plugins.my-plugin.levle" in str(caught.value)
    assert "fast, level, rate, word" in str(caught.value)


def test_a_plugin_without_options_refuses_all(site: Site, tmp_path: Path) -> None:
    site.add("mine", "class Plugin: ...")
    config = config_with(tmp_path, "plugins: {mine: {level: 3}}")
    declared = Relay(site.loaded()).add_options()
    with pytest.raises(UsageError, match="it takes: none"):
        plugin_option_values(declared, flags={}, environ={}, config=config)


def test_a_wrong_variable_of_an_option_is_named() -> None:
    with pytest.raises(UsageError, match=r"^PLANWISE_MY_PLUGIN_LEVEL: expected one of 1, 3, 9"):
        plugin_option_values(
            DECLARED, flags={}, environ={"PLANWISE_MY_PLUGIN_LEVEL": "2"}, config=DEFAULTS
        )
