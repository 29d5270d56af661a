"""The kit for authors of plugins finds what is wrong with a plugin, and says whose fault it is.

Each class of ``broken_plugins`` breaks one rule. They are offered by a distribution on disk, and
the tests of the kit that have to find it are run by pytest in a process of its own, as authors do.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET  # pytest wrote it
from collections.abc import Mapping
from pathlib import Path

import broken_plugins
import pytest
from attrs import frozen
from kernel_distributions import Site

from planwise.hookspecs import KINDS
from planwise.plugins import GROUP
from planwise.testing import contracts

ROOT = Path(__file__).parents[2]
CONFTEST = """
from importlib.metadata import entry_points

from hypothesis import Phase, settings

# A failure is shown as it was found: making it small takes most of the time.
settings.register_profile("found", phases=[Phase.explicit, Phase.generate])
settings.load_profile("found")
if "planwise.testing.pytest_plugin" not in {p.value for p in entry_points(group="pytest11")}:
    pytest_plugins = ["planwise.testing.pytest_plugin"]
"""


@frozen
class Fault:
    """What finds a broken plugin.

    Attributes:
        contract: a class of the kit.
        test: the inherited test, with what it is tried on.
        says: what the failure says.
        hook: the hook that it names; none where it is no hook's fault.
        words: further lines of the class that an author would write.
    """

    contract: str
    test: str
    says: str
    hook: str = ""
    words: str = ""


COVERS = "test_a_plan_covers_each_node_once_in_order_and_fits_the_pool"
WITHIN = "test_settings_stay_within_the_machine[4]"
ANY_METRICS = "test_metrics_in_any_order_are_taken"
ANY_SECTION = "test_a_section_is_valid_whatever_was_measured"
DAMAGE = "test_cut_and_extended_bytes_are_an_error"
DIGESTS = "test_tables_are_those_that_dbt_makes[small]"
FAILS = "test_a_model_that_fails_ends_the_run"
LOADS = "test_it_loads_and_its_hooks_are_known"
REST = "test_settings_come_to_rest[nothing spilled]"

FAULTS: Mapping[str, Fault] = {
    "Forgetful": Fault("PlanBatches", COVERS, "nodes are not planned", "plan_batches"),
    "AllAtOnce": Fault(
        "PlanBatches", "test_a_thousand_nodes_are_planned[4-wide]",
        "holds 1000 nodes, the pool 4", "plan_batches",
    ),
    "WaitsForOthers": Fault(
        "PlanBatches", "test_what_is_outside_of_the_graph_is_done_already",
        "raised KeyError: 'model.p.elsewhere'", "plan_batches",
    ),
    "Moody": Fault(
        "PlanBatches", "test_the_same_request_gives_the_same_plan",
        "expected the same plan for the same request", "plan_batches",
    ),
    "Chatty": Fault(
        "PlanBatches", "test_nothing_to_run_is_an_empty_plan",
        "expected that it prints nothing, it printed 'planning 0", "plan_batches",
    ),
    "ChattyInC": Fault("PlanBatches", COVERS, "it printed 'from below'", "plan_batches"),
    "Meddler": Fault(
        "PlanBatches", COVERS, "expected that it leaves its PlanRequest as it was", "plan_batches"
    ),
    "Schemaless": Fault(
        "CompressState", "test_whole_tables_come_back", "expected the table as it was: its schema",
        "restore_state",
    ),
    "Unchecked": Fault(
        "CompressState", "test_damage_is_found[numbers]",
        "expected a CheckpointError, got a table", "restore_state",
    ),
    "Boundless": Fault(
        "CompressState", "test_a_limit_is_respected[true]",
        "expected a CheckpointError, got a table", "restore_state",
    ),
    "Greedy": Fault(
        "CompressState", "test_other_codecs_are_left_to_others",
        "expected None for the codec 'arrow'", "restore_state",
    ),
    "OtherErrors": Fault(
        "CompressState", DAMAGE, "expected a CheckpointError, got ValueError", "restore_state"
    ),
    "TooMuchMemory": Fault("DbTune", WITHIN, "expected a memory_limit below", "db_tune"),
    "TooManyThreads": Fault("DbTune", WITHIN, "expected 1 to 1 threads, or more", "db_tune"),
    "Flapping": Fault("DbTune", REST, "does not go back and forth", "db_tune"),
    "Restless": Fault("DbTune", REST, "rests after 15 years", "db_tune"),
    "SpillsAnywhere": Fault(
        "DbTune", WITHIN, "machine 'read-only temp': expected a temp_directory", "db_tune"
    ),
    "Overruling": Fault(
        "DbTune", "test_what_the_user_fixed_is_left_alone[memory_limit]", "it sets max_memory",
        "db_tune",
    ),
    "WordForANumber": Fault("DbTune", WITHIN, "expected a number of up to 1024", "db_tune"),
    "UnknownValue": Fault(
        "DbTune", WITHIN, "DuckDB refuses the setting force_compression = 'very'", "db_tune"
    ),
    "Cutting": Fault("ExecuteBatch", DIGESTS, "main.by_grade differ"),
    "Forgiving": Fault("ExecuteBatch", FAILS, "", "execute_batch"),
    "Secretive": Fault(
        "ExecuteBatch", FAILS, "expected an error with 'no such year: 2026'", "execute_batch"
    ),
    "Committing": Fault("ExecuteBatch", DIGESTS, "hook 'execute_batch'"),
    "NeedsAYear": Fault("RecordMetric", ANY_METRICS, "raised TypeError", "record_metric"),
    "NeedsTime": Fault("RecordMetric", ANY_METRICS, "raised ZeroDivisionError", "record_metric"),
    "NeedsPhases": Fault("RecordMetric", ANY_METRICS, "raised AttributeError", "record_metric"),
    "NeedsMetrics": Fault(
        "ReportSection", "test_a_run_without_metrics_has_a_section_or_none", "raised ValueError",
        "report_section",
    ),
    "NeedsSuccess": Fault(
        "ReportSection", "test_a_run_that_failed_at_once_raises_nothing", "raised IndexError",
        "report_section",
    ),
    "Unwritable": Fault("ReportSection", ANY_SECTION, "its data is no JSON", "report_section"),
    "LongLines": Fault(
        "ReportSection", ANY_SECTION, "expected a line of text for each line", "report_section"
    ),
    "Undocumented": Fault(
        "AddOptions", "test_each_option_is_documented", "option 'level': expected one line of help",
        "add_options",
    ),
    "Changing": Fault(
        "AddOptions", "test_options_are_always_the_same", "expected the same options each time",
        "add_options",
    ),
    "TooWide": Fault(
        "AddOptions", "test_each_choice_and_truth_value_is_taken",
        "expected that it takes level=3, which its options offer", "configure",
        "options = {'level': 1}",
    ),
    "DefaultRefused": Fault(
        "Configure", "test_defaults_are_taken", "level: expected 1 or 2", "configure"
    ),
    "ChattyWhenConfigured": Fault(
        "Configure", "test_it_is_given_its_own_options_only", "it printed 'level 3", "configure"
    ),
    "CallsAll": Fault(
        "Configure", "test_defaults_are_taken", "raised KeyError: 'levels'", "configure"
    ),
    "Unmarked": Fault("Plugin", LOADS, "marked with @hookimpl, got none"),
}  # fmt: skip


def documented(language: str) -> list[str]:
    """The plugin that the documentation writes, or the tests that it writes for it."""
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    chapter = {"python": "Writing one", "py": "Testing a plugin"}[language]
    (found,) = re.findall(rf"^## {chapter}\n(.*?)(?=^## )", text, re.DOTALL | re.MULTILINE)
    return re.findall(rf"^```{language}\n(.*?)^```", found, re.DOTALL | re.MULTILINE)


def flag(name: str) -> str:
    """The entry point's name of a class."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What pytest says of each broken plugin: one process for all of them."""
    folder = tmp_path_factory.mktemp("author")
    site = Site(folder / "site")
    shutil.copy(broken_plugins.__file__, site.folder)
    info = site.folder / "broken-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.2\n")
    points = [f"{flag(name)} = broken_plugins:{name}" for name in FAULTS]
    (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *points, ""]))
    site.add("loud", "print('hello')\nclass Plugin: ...", distribution="loud")
    site.add("gone", "import no_such_library", distribution="gone")
    faults = FAULTS | {
        "Loud": Fault("Plugin", "test_importing_it_prints_nothing", "it printed 'hello"),
        "Gone": Fault("Plugin", LOADS, "cannot be loaded: ModuleNotFoundError"),
        "Heavy": Fault(
            "Plugin", "test_importing_it_imports_no_heavy_library", "imports pyarrow",
            words="plugin = 'forgetful'",
        ),
        "Absent": Fault("Plugin", LOADS, "no plugin 'absent' is installed"),
        "Unnamed": Fault("Plugin", LOADS, "expected the entry point's name", words="plugin = ''"),
        "OtherHook": Fault(
            "PlanBatches", LOADS, "expected this hook, it has db_tune",
            words="plugin = 'restless'",
        ),
    }  # fmt: skip
    lines = ["from planwise.testing import contracts"]
    for name, fault in faults.items():
        lines += [f"class Test{name}(contracts.{fault.contract}):", f"    plugin = '{flag(name)}'"]
        lines += [f"    {fault.words or 'pass'}"]
    (folder / "test_them.py").write_text("\n".join(lines))
    (folder / "test_documented.py").write_text("\n".join(documented("py")))
    site.add("patience", *documented("python"), target="Patience", distribution="patience")
    (folder / "conftest.py").write_text(CONFTEST)
    chosen = [f"test_them.py::Test{name}::{fault.test}" for name, fault in faults.items()]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--junitxml=said.xml",
         "--hypothesis-seed=1", "-W", "error:plugin:UserWarning", "test_documented.py", *chosen],
        cwd=folder,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join([str(site.folder), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    found = {}
    for case in ET.parse(folder / "said.xml").iter("testcase"):  # noqa: S314  # pytest wrote it
        messages = [each.get("message", "") for each in case if each.tag in ("failure", "error")]
        of = case.attrib["classname"].rpartition(".Test")[2]
        found[of] = "\n".join([*filter(None, [found.get(of)]), *messages])
    assert set(found) == {*faults, "ReportSection", "test_documented"}, done.stdout + done.stderr
    return found


@pytest.mark.parametrize("name", FAULTS)
def test_a_broken_plugin_is_found_and_named(name: str, said: Mapping[str, str]) -> None:
    fault = FAULTS[name]
    whose = f"plugin '{flag(name)}' (from broken 1.2)"
    assert whose in said[name]
    assert fault.says in said[name]
    if fault.hook:
        assert f"{whose}, hook '{fault.hook}': " in said[name]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Loud", "(from loud 1.2): expected an import that prints nothing, it printed 'hello"),
        ("Gone", "cannot be loaded: ModuleNotFoundError: No module named 'no_such_library'"),
        ("Heavy", "plugin 'forgetful' imports pyarrow when it is loaded"),
        ("Absent", "TestAbsent.plugin: no plugin 'absent' is installed"),
        ("Unnamed", "TestUnnamed.plugin: expected the entry point's name of a plugin, got none"),
        ("OtherHook", "hook 'plan_batches': expected this hook, it has db_tune"),
    ],
)  # fmt: skip
def test_what_is_wrong_before_any_hook_is_called_is_named(
    name: str, words: str, said: Mapping[str, str]
) -> None:
    assert words in said[name]


@pytest.mark.parametrize("of", ["ReportSection", "test_documented"])
def test_the_tests_of_the_documentation_pass_for_its_plugin(
    of: str, said: Mapping[str, str]
) -> None:
    assert said[of] == ""


def test_every_contract_is_broken_in_three_ways() -> None:
    of = [fault.contract for fault in FAULTS.values()]
    for name in contracts.__all__:
        if name not in ("FOR_HOOK", "Plugin"):
            assert of.count(name) >= 3, name


def test_every_hook_has_a_contract_that_asks_for_it() -> None:
    assert set(contracts.FOR_HOOK) == set(KINDS)
    for hook, contract in contracts.FOR_HOOK.items():
        assert hook in contract.hooks
        assert issubclass(contract, contracts.Plugin)
        assert contract.__doc__


def test_a_plain_pytest_pays_nothing_for_the_kit() -> None:
    """It is loaded by every pytest of whoever has planwise installed."""
    program = "import sys, planwise.testing.pytest_plugin; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "planwise.testing.pytest_plugin" in loaded
    assert not loaded & {"hypothesis", "attr", "pluggy.none", "planwise.values", "pyarrow"}


def test_the_entry_point_names_the_kit_where_planwise_is_installed() -> None:
    points = importlib.metadata.entry_points(group="pytest11")
    if found := [p for p in points if p.name == "planwise"]:
        assert [p.value for p in found] == ["planwise.testing.pytest_plugin"]
