"""Discovery and toggles, on distributions that are really on disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_distributions import Site, importable

from planwise.errors import PluginError, UsageError
from planwise.plugin_set import enabled_plugins
from planwise.plugins import RESERVED_NAMES, installed_plugins, load_plugins, settle_toggles

PLAIN = """
    class Plugin:
        @hookimpl
        def record_metric(self, metric): ...
"""


def planwise(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    """The real command line in a process of its own, with the site's distributions installed."""
    path = os.pathsep.join([str(site.folder), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "planwise.cli.main", *words],
        env=os.environ | {"PYTHONPATH": path},
        cwd=site.folder,
        capture_output=True,
        text=True,
    )


def test_a_plugin_is_found_with_its_distribution_and_not_imported(site: Site) -> None:
    module = site.add("mine", PLAIN, distribution="my-plugin", version="3.1")
    found = site.installed()
    assert list(found) == ["mine"]
    assert found["mine"].distribution == "my-plugin 3.1"
    assert module not in sys.modules


def test_plugins_come_in_name_order(site: Site) -> None:
    for name in ("zeta", "alpha", "mid"):
        site.add(name, PLAIN)
    assert list(site.installed()) == ["alpha", "mid", "zeta"]
    assert [each.name for each in site.loaded()] == ["alpha", "mid", "zeta"]


def test_the_built_in_plugins_are_found_like_any_other() -> None:
    found = installed_plugins()
    assert {"tuning", "batching", "compression", "monitoring"} <= set(found)
    assert {each.distribution.split()[0] for each in found.values()} >= {"planwise"}


def test_a_name_offered_twice_names_both_distributions(site: Site) -> None:
    site.add("mine", PLAIN, distribution="first-offer", version="1.0")
    site.add("mine", PLAIN, distribution="second-offer", version="2.0")
    with pytest.raises(PluginError, match=r"uninstall one") as caught:
        site.installed()
    assert "first-offer 1.0" in str(caught.value)
    assert "second-offer 2.0" in str(caught.value)
    assert caught.value.plugin == "mine"


def test_two_distributions_may_offer_different_names(site: Site) -> None:
    site.add("one", PLAIN)
    site.add("two", PLAIN)
    assert list(site.installed()) == ["one", "two"]


@pytest.mark.parametrize(
    "name", ["Upper", "1st", "under score", "é", "-dash", "a" * 42, "dot.ted", "semi;colon", "_a"]
)
def test_a_name_that_is_no_flag_is_refused(site: Site, name: str) -> None:
    site.add(name, PLAIN, distribution="odd-names")
    with pytest.raises(PluginError, match="becomes a flag") as caught:
        site.installed()
    assert "odd-names 1.2" in str(caught.value)


@pytest.mark.parametrize("name", ["a", "abc-def", "a1_b", "a" * 41])
def test_a_name_that_is_a_flag_is_taken(site: Site, name: str) -> None:
    site.add(name, PLAIN)
    assert list(site.installed()) == [name]


@pytest.mark.parametrize("name", [*sorted(RESERVED_NAMES), "no-tuning", "no-"])
def test_a_flag_of_planwise_is_no_plugin_name(site: Site, name: str) -> None:
    site.add(name, PLAIN, distribution="thief")
    with pytest.raises(PluginError, match=r"flag of planwise") as caught:
        site.installed()
    assert "thief" in str(caught.value)


def test_every_flag_of_planwise_is_reserved() -> None:
    """Without plugins the parser has no flag but planwise's own."""
    from planwise.cli.parser import build_parser, known_flags

    parser = build_parser([])
    flags = {
        flag.removeprefix("--")
        for command in ("simulate", "validate")
        for flag in known_flags(parser, command)
        if flag.startswith("--")
    }
    assert {"database", "dry-run", "years"} <= flags
    assert flags <= RESERVED_NAMES
    # Of a plugin `cache` the toggle would have that flag.
    assert {flag.removeprefix("no-") for flag in flags} <= RESERVED_NAMES


@pytest.mark.parametrize("words", [["plugins"], ["simulate", "--help"], ["plugins", "--json"]])
def test_a_broken_distribution_is_one_line(site: Site, words: list[str]) -> None:
    site.add("Bad Name", PLAIN, distribution="odd-names")
    done = planwise(site, *words)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "odd-names 1.2" in done.stderr
    assert "Traceback" not in done.stderr


def marker_plugin(marker: Path) -> str:
    return f"""
        import pathlib
        pathlib.Path({str(marker)!r}).write_text("imported")
        class Plugin:
            @hookimpl
            def record_metric(self, metric): ...
    """


def test_a_third_party_plugin_gets_its_toggle_without_being_imported(
    site: Site, tmp_path: Path
) -> None:
    marker = tmp_path / "imported"
    site.add("mine", marker_plugin(marker), distribution="my-plugin")
    done = planwise(site, "validate", "--help")
    assert done.returncode == 0
    assert "--mine" in done.stdout
    assert "--no-mine" in done.stdout
    assert not marker.exists()


DRY_RUN = """
    import sys
    from planwise.config import load_config
    from planwise.plugins import installed_plugins
    from planwise.plugin_set import build_relay, enabled_plugins

    config = load_config(None)
    off = dict.fromkeys(installed_plugins(), False)
    toggles = enabled_plugins(config, off | {"mine": sys.argv[1] == "on"})
    build_relay(config, toggles, flags={}, environ={})
"""


@pytest.mark.parametrize("state", ["on", "off"])
def test_a_plugin_that_is_off_is_never_imported(site: Site, tmp_path: Path, state: str) -> None:
    import textwrap

    marker = tmp_path / "imported"
    site.add("mine", marker_plugin(marker))
    path = os.pathsep.join([str(site.folder), os.environ.get("PYTHONPATH", "")])
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(DRY_RUN), state],
        env=os.environ | {"PYTHONPATH": path},
        check=True,
    )
    assert marker.exists() == (state == "on")


def test_the_list_of_plugins_names_distribution_and_hooks(site: Site) -> None:
    site.add("mine", PLAIN, distribution="my-plugin", version="3.1")
    done = planwise(site, "plugins")
    line = next(each for each in done.stdout.splitlines() if "mine" in each)
    assert "my-plugin 3.1" in line
    assert "record_metric" in line


@pytest.mark.parametrize("json", [(), ("--json",)], ids=["table", "json"])
def test_one_that_cannot_be_loaded_keeps_no_other_from_being_listed(
    site: Site, json: tuple[str, ...]
) -> None:
    site.add("broken", "import sys\nsys.exit(3)", distribution="my-plugin")
    done = planwise(site, "plugins", *json)
    assert done.returncode == 1
    assert "tuning" in done.stdout
    assert "broken" in done.stdout
    assert done.stderr.count("\n") == 1
    assert "my-plugin 1.2" in done.stderr
    assert "--no-broken" in done.stderr


def test_an_unknown_toggle_names_the_closest() -> None:
    installed = dict.fromkeys(["compression", "tuning"])
    with pytest.raises(UsageError, match="did you mean 'compression'") as caught:
        settle_toggles(installed, {"compresion": False})
    assert "compression, tuning" in str(caught.value)
    with pytest.raises(UsageError, match="installed: none"):
        settle_toggles({}, {"tuning": True})
    with pytest.raises(UsageError) as far:
        settle_toggles(installed, {"xyzzy": True})
    assert "did you mean" not in str(far.value)


@pytest.mark.parametrize("flag", ["--no-compresion", "--compresion"])
def test_an_unknown_toggle_on_the_command_line(site: Site, flag: str) -> None:
    done = planwise(site, "simulate", flag)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "did you mean" in done.stderr
    assert "compression" in done.stderr


@pytest.mark.parametrize(
    ("words", "config", "on"),
    [
        ([], "", False),
        ([], "plugins: {mine: {}}", False),
        ([], "plugins: {mine: {enabled: true}}", True),
        (["--mine"], "", True),
        (["--mine"], "plugins: {mine: {enabled: false}}", True),
        (["--no-mine"], "plugins: {mine: {enabled: true}}", False),
        (["--enable-all-optimizations"], "", False),
        (["--enable-all-optimizations", "--mine"], "", True),
    ],
)
def test_a_plugin_that_needs_an_extra_is_on_only_where_it_is_asked_for(
    site: Site, tmp_path: Path, words: list[str], config: str, on: bool
) -> None:
    from planwise.cli.parser import build_parser
    from planwise.cli.settled import settled_toggles
    from planwise.config import load_config

    marker = tmp_path / "imported"
    site.add("mine", marker_plugin(marker), target="Plugin [heavy]")
    site.add("other", PLAIN)
    file = tmp_path / "c.yaml"
    file.write_text(config)
    installed = site.installed()
    assert [each.on_request for each in installed.values()] == [True, False]
    flags = settled_toggles(build_parser(installed).parse_args(["simulate", *words]))
    flags = {name: value for name, value in flags.items() if name in installed}
    loaded = load_config(file if config else None)
    with pytest.MonkeyPatch.context() as patch:
        # The site is no part of this process's path: what is installed is what is in it.
        patch.setattr("planwise.plugin_set.installed_plugins", lambda: installed)
        toggles = enabled_plugins(loaded, flags)
    assert toggles == {"mine": on, "other": True}
    assert not marker.exists()
    with importable(site.folder):
        load_plugins(installed[name] for name, enabled in toggles.items() if enabled)
    assert marker.exists() == on


NAMES = st.sampled_from(["a", "b", "c"])


@given(st.lists(st.dictionaries(NAMES, st.booleans()), max_size=4))
def test_toggles_are_on_unless_the_strongest_layer_that_speaks_says_off(
    layers: list[dict[str, bool]],
) -> None:
    settled = settle_toggles(dict.fromkeys("abc"), *layers)
    for name in "abc":
        spoken = [layer[name] for layer in layers if name in layer]
        assert settled[name] is (spoken[-1] if spoken else True)
