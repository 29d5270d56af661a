"""Options of plugins, from each place where they are given to each place where they are shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from kernel_distributions import Site

from planwise.errors import PluginError, UsageError
from planwise.option_names import OWN_VARIABLES, refuse_shared_names
from planwise.relay import Relay
from planwise.settings import option_value
from planwise.values import PluginOption

SOURCE = '''
    class Plugin:
        """Keeps what it is given.

        More of it.
        """

        @hookimpl
        def add_options(self):
            return [
                PluginOption("level", 3, "Effort, 100 % at most.", type=int),
                PluginOption("fast", False, "Saves 10 % of the time.", type=bool),
                PluginOption("mode", "calm", "How.", choices=("calm", "brisk")),
                PluginOption("share", None, "How much.", type=float),
            ]

        @hookimpl
        def configure(self, options):
            import json, pathlib
            pathlib.Path("told.json").write_text(json.dumps(dict(options)))
'''
BROKEN = "raise RuntimeError('out of order')"


def planwise(
    site: Site, *words: str, more: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site.folder), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "planwise.cli.main", *words],
        env=os.environ | {"PYTHONPATH": path} | (more or {}),
        cwd=site.folder,
        capture_output=True,
        text=True,
    )


def declared_option(name: str) -> str:
    return f"""
        class Plugin:
            @hookimpl
            def add_options(self):
                return [PluginOption({name!r}, 1, "A number.", type=int)]
    """


def test_a_plugin_is_told_flag_over_environment_over_config_over_default(site: Site) -> None:
    site.add("my-own", SOURCE)
    (site.folder / "c.yaml").write_text(
        "census: {synthetic: {employees: 20}}\n"
        "plugins: {my-own: {level: 5, mode: brisk, share: 0.25}}\n"
    )
    words = ["simulate", "--config", "c.yaml", "--years", "2025", "--dry-run"]
    more = {"PLANWISE_MY_OWN_LEVEL": "7", "PLANWISE_MY_OWN_MODE": "", "PLANWISE_MY_OWN_FAST": "1"}
    done = planwise(site, *words, "--my-own-level", "9", "--no-my-own-fast", more=more)
    assert done.returncode == 0, done.stderr
    told = json.loads((site.folder / "told.json").read_text())
    assert told == {"level": 9, "fast": False, "mode": "brisk", "share": 0.25}


@pytest.mark.parametrize(
    ("words", "more", "config", "said"),
    [
        (["--mine-level", "x"], {}, "{}", "--mine-level: expected a whole number"),
        (["--mine-level", "1e999999999"], {}, "{}", "--mine-level: expected a whole number"),
        (["--mine-mode=odd"], {}, "{}", "--mine-mode: expected one of calm, brisk, got 'odd'"),
        ([], {"PLANWISE_MINE_SHARE": "nan"}, "{}", "PLANWISE_MINE_SHARE: expected a number"),
        ([], {"PLANWISE_MINE_FAST": "2"}, "{}", "PLANWISE_MINE_FAST: expected true or false"),
        ([], {}, "{share: much}", "c.yaml: plugins.mine.share: expected a number, got 'much'"),
        ([], {}, "{level: 2.5}", " of less than 2^63, got 2.5"),
        ([], {}, "{levl: 1}", "c.yaml: plugins.mine.levl: unknown option of plugin 'mine'"),
    ],
)
def test_a_wrong_value_names_its_place_and_what_was_expected(
    site: Site, words: list[str], more: dict[str, str], config: str, said: str
) -> None:
    site.add("mine", SOURCE)
    (site.folder / "c.yaml").write_text(f"plugins: {{mine: {config}}}\n")
    done = planwise(site, "simulate", "--config", "c.yaml", "--dry-run", *words, more=more)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


def test_a_number_that_would_take_for_ever_is_refused_at_once() -> None:
    option = PluginOption("n", 0, "Number.", type=int)
    for text in ("1e999999999", "-1e999999999", "9223372036854775808"):
        with pytest.raises(UsageError, match="less than 2"):
            option_value(option, text, "here")
    assert option_value(option, "9223372036854775807", "here") == 2**63 - 1


def test_the_help_has_every_option_whatever_another_plugin_does(site: Site) -> None:
    site.add("mine", SOURCE)
    site.add("broken", BROKEN, distribution="broken-dist")
    site.add("odd", declared_option("No Name"), distribution="odd-dist")
    done = planwise(site, "simulate", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    _, heading, options = done.stdout.partition("options of the plugin mine:\n")
    assert heading
    for text in (
        "--mine-level",
        "--no-mine-fast",
        "calm|brisk",
        "PLANWISE_MINE_*",
        "100 %",
        "10 %",
    ):
        assert text in options
    for plugin in ("broken", "odd"):
        assert f"options of the plugin {plugin}: not known\n" in done.stdout
        assert f"(from {plugin}-dist 1.2)" in done.stdout
    assert "--no-broken" in done.stdout


def test_the_help_loads_nothing_that_the_command_line_switches_off(site: Site) -> None:
    site.add("mine", "import pathlib\npathlib.Path('loaded').touch()\nclass Plugin: ...")
    assert planwise(site, "simulate", "--no-mine", "--help").returncode == 0
    assert not (site.folder / "loaded").exists()
    assert planwise(site, "simulate", "--help").returncode == 0
    assert (site.folder / "loaded").exists()


@pytest.mark.parametrize(
    ("plugins", "words"),
    [
        ({"record": "statements"}, "--record-statements, which is a flag of planwise"),
        ({"memory": "limit"}, "--memory-limit, which is a flag of planwise"),
        ({"data": "dir"}, "PLANWISE_DATA_DIR, which is a variable of planwise"),
        ({"a": "b", "a-b": "c"}, "--a-b, which is the toggle of the plugin a-b"),
        ({"a": "b_c", "a-b": "c"}, "--a-b-c, which is option 'b_c' of plugin 'a'"),
        ({"a-b": "c", "a_b": "c"}, "PLANWISE_A_B_C, which is option 'c' of plugin 'a-b'"),
    ],
)
def test_one_name_for_two_things_is_refused(
    site: Site, plugins: dict[str, str], words: str
) -> None:
    for name, option in plugins.items():
        site.add(name, declared_option(option), distribution=f"dist-of-{name.replace('_', 'u')}")
    relay = Relay(site.loaded())
    with pytest.raises(PluginError) as caught:
        refuse_shared_names(relay.plugins, relay.add_options(), site.installed())
    assert words in str(caught.value)
    assert "dist-of-" in str(caught.value)
    assert "--no-" in str(caught.value)


def test_options_that_are_named_apart_are_taken(site: Site) -> None:
    for name in ("one", "two", "one-more"):
        site.add(name, declared_option("level"))
    relay = Relay(site.loaded())
    refuse_shared_names(relay.plugins, relay.add_options(), site.installed())


def test_the_variables_of_planwise_itself_are_known() -> None:
    """Those of tests and development aside, which no user sets."""
    root = Path(__file__).parents[2]
    files = [*(root / "planwise").rglob("*.py"), *(root / "dbt").glob("*.yml")]
    text = "".join(file.read_text("utf-8") for file in files if file.name != "option_names.py")
    for name in OWN_VARIABLES:
        assert name in text


def test_a_plugin_is_shown_with_all_that_is_known_of_it(site: Site) -> None:
    site.add("my-own", SOURCE, distribution="my-dist", module="its_module")
    (site.folder / "c.yaml").write_text("plugins: {my-own: {mode: brisk, level: 5}}\n")
    more = {"PLANWISE_MY_OWN_LEVEL": "7"}
    words = ("plugins", "show", "my-own", "--config", "c.yaml")
    done = planwise(site, *words, "--json", more=more)
    assert (done.returncode, done.stderr) == (0, "")
    shown = json.loads(done.stdout)
    assert {key: shown[key] for key in ("name", "summary", "distribution", "entry_point")} == {
        "name": "my-own",
        "summary": "Keeps what it is given.",
        "distribution": "my-dist 1.2",
        "entry_point": "its_module:Plugin",
    }
    assert (shown["enabled"], shown["because"], shown["api"]) == (True, "default", None)
    assert [(each["name"], each["kind"]) for each in shown["hooks"]] == [
        ("add_options", "collect"),
        ("configure", "notify"),
    ]
    assert all(each["when"].startswith(("Asked", "Called")) for each in shown["hooks"])
    options = {each["name"]: each for each in shown["options"]}
    assert options["level"] == {
        "name": "level",
        "type": "int",
        "default": 3,
        "choices": [],
        "help": "Effort, 100 % at most.",
        "value": 7,
        "source": "environment",
        "where": "PLANWISE_MY_OWN_LEVEL",
        "flag": "--my-own-level",
        "variable": "PLANWISE_MY_OWN_LEVEL",
        "key": "plugins.my-own.level",
    }
    assert options["mode"]["choices"] == ["calm", "brisk"]
    assert (options["mode"]["value"], options["mode"]["source"]) == ("brisk", "config")
    assert options["mode"]["where"] == "c.yaml: plugins.my-own.mode"
    assert (options["fast"]["value"], options["fast"]["source"]) == (False, "default")
    assert not (site.folder / "told.json").exists()  # it is asked, and not configured

    text = planwise(site, *words, more=more)
    assert (text.returncode, text.stderr) == (0, "")
    assert "\x1b" not in text.stdout
    for line in (
        "my-own: Keeps what it is given.",
        "state        on (default); --no-my-own switches it off",
        "    str, one of calm, brisk; default calm",
        "    now brisk (c.yaml: plugins.my-own.mode)",
        "    --my-own-level, PLANWISE_MY_OWN_LEVEL, plugins.my-own.level",
    ):
        assert line in text.stdout.splitlines()
    assert json.loads(planwise(site, "plugins", "--json", *words[1:], more=more).stdout) == shown


def test_why_a_plugin_is_on_or_off_is_shown(site: Site) -> None:
    site.add("mine", "class Plugin: ...")
    (site.folder / "c.yaml").write_text("plugins: {mine: {enabled: false}}\n")
    for name, words in (("mine", ["--config", "c.yaml"]), ("telemetry", [])):
        shown = json.loads(planwise(site, "plugins", "show", name, "--json", *words).stdout)
        assert shown["enabled"] is False
        assert ("c.yaml: plugins.mine.enabled" if words else "extra telemetry") in shown["because"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["mien"], 2, "no plugin 'mien' is installed; did you mean 'mine'?"),
        (["broken"], 1, "plugin 'broken' (from broken-dist 1.2): cannot be loaded"),
        ([""], 2, "no plugin '' is installed"),
        ([], 2, "NAME"),
        (["mine", "--config", "nowhere.yaml"], 1, "nowhere.yaml: no such configuration file"),
    ],
)
def test_what_cannot_be_shown_is_one_line(
    site: Site, words: list[str], code: int, said: str
) -> None:
    site.add("mine", SOURCE)
    site.add("broken", BROKEN, distribution="broken-dist")
    done = planwise(site, "plugins", "show", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
