"""What holds while a plugin is called: its time, its prints, its failure, and its API version."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_distributions import Site

from planwise import time_limits
from planwise.api import (
    API_VERSION,
    CompiledNode,
    Metric,
    PlanwiseError,
    RunSummary,
)
from planwise.api_version import version_problem
from planwise.containment import Guard, TimeLimits, Watched
from planwise.errors import PluginError
from planwise.hook_call import TimeLimitReached, current_call
from planwise.interruption import call_interruptibly
from planwise.plugins import load_plugins
from planwise.prints import prints_kept_apart
from planwise.relay import Relay
from planwise.time_limits import watch
from planwise.values import PlanRequest, Setting, TuneRequest

METRIC = Metric("run", "run", None, 1.0)
NUMBERS = st.integers(0, 10**5)
LIMIT = Guard(TimeLimits(0.2))


def plugin(*methods: str, before: str = "") -> str:
    text = before + "\nclass Plugin:\n    pass\n"
    return text + "".join(
        textwrap.indent(textwrap.dedent(f"@hookimpl\n{each}\n"), "    ") for each in methods
    )


def relay_of(site: Site, guard: Guard | None = None) -> Relay:
    return Relay(load_plugins(site.installed().values(), guard), guard)


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_a_version_is_taken_between_the_oldest_and_the_newest(
    major: int, minor: int, first: int, second: int
) -> None:
    declared, offered = f"{major}.{minor}", f"{first}.{second}"
    problem = version_problem(declared, offered=offered, oldest=f"{first}.0")
    if major == first and minor <= second:
        assert problem is None
    else:
        newer = (major, minor) > (first, second)
        assert problem is not None
        assert f"for API {declared}" in problem
        assert problem.endswith("upgrade planwise" if newer else "upgrade the plugin")


@given(st.one_of(st.text(), st.integers(), st.binary(), st.just("0.1\n"), st.just("٠.١")))
def test_what_is_no_version_is_refused_with_the_one_that_is(declared: Any) -> None:
    problem = version_problem(declared, offered="2.7", oldest="2.0")
    assert problem is not None
    assert "2.7" in problem


def test_who_says_nothing_is_taken() -> None:
    assert version_problem(None) is None
    assert version_problem(API_VERSION) is None


def test_the_version_is_looked_at_before_the_plugin_is_made(site: Site) -> None:
    source = 'class Plugin:\n    planwise_api = "9.9"\n    def __init__(self): raise OSError'
    site.add("mine", source, distribution="future")
    with pytest.raises(PluginError, match=r"future 1\.2.*API 9\.9.*upgrade planwise"):
        site.loaded()


@given(st.integers(0, 10**12), st.floats(0.001, 10**6))
def test_a_limit_grows_with_a_state_and_with_nothing_else(size: int, seconds: float) -> None:
    limits = TimeLimits(seconds)
    assert limits.of("record_metric", size) == seconds
    assert limits.of(None, size) == seconds
    assert limits.of("compress_state", size) == seconds + size / 1e6
    assert limits.of("restore_state", size) == seconds + size / 1e6
    assert limits.of("execute_batch", size) is None
    assert TimeLimits(0).of("compress_state", size) is None


class Someone:
    name = "mine"
    distribution = "mine-dist 1.2"


def test_a_call_that_ends_while_it_is_to_be_interrupted_is_not() -> None:
    """What follows on it is planwise's own code, which nobody expects to be interrupted."""
    interrupted = False
    try:
        with Watched(Someone(), "record_metric", 100) as call:
            pass
        time_limits._interrupt(call)  # as the thread that looks on does, a moment too late
        sum(range(10**5))
        for _ in range(10**5):
            pass
    except TimeLimitReached:
        interrupted = True
    assert not interrupted


@pytest.mark.parametrize("answer", ["return", "raise OSError('gone')"])
def test_who_passes_over_the_interruption_is_too_late_nevertheless(site: Site, answer: str) -> None:
    """Else each of many calls could take all of its time, and nobody would say why."""
    hang = f"try:\n        while True: pass\n    except BaseException: {answer}"
    site.add("mine", plugin(f"def record_metric(self, metric):\n    {hang}"))
    relay = relay_of(site, LIMIT)
    with pytest.raises(PluginError, match=r"has not answered within 0\.2 s.*--no-mine"):
        relay.record_metric(METRIC)


def test_an_import_that_passes_over_the_interruption_is_too_late(site: Site) -> None:
    source = plugin("def record_metric(self, metric): pass")
    hang = "try:\n    while True: pass\nexcept BaseException: pass\n"
    site.add("mine", f"{hang}{source}")
    with pytest.raises(PluginError, match=r"takes more than 0\.2 s.*--no-mine"):
        relay_of(site, LIMIT)


@pytest.mark.parametrize("thread", ["main", "other"])
def test_python_that_never_ends_is_ended_in_any_thread(site: Site, thread: str) -> None:
    """As a library: nobody handles signals for planwise."""
    site.add("mine", plugin("def record_metric(self, metric):\n    while True: pass"))
    relay, caught = relay_of(site, LIMIT), list[BaseException]()

    def call() -> None:
        try:
            relay.record_metric(METRIC)
        except PluginError as error:
            caught.append(error)

    if thread == "main":
        call()
    else:
        other = threading.Thread(target=call)
        other.start()
        other.join(30)
    assert len(caught) == 1
    assert "hook 'record_metric': has not answered within 0.2 s" in str(caught[0])
    assert "--no-mine" in str(caught[0])
    assert current_call() is None


def test_what_waits_in_c_is_told_of_where_nothing_can_end_it(site: Site) -> None:
    body = "import time\n    time.sleep(3.6)"
    site.add("mine", plugin(f"def record_metric(self, metric):\n    {body}"))
    relay = relay_of(site, LIMIT)
    thrown = list[str]()
    before, threading.excepthook = threading.excepthook, lambda args: thrown.append(str(args))
    try:
        with (
            pytest.warns(RuntimeWarning, match="'mine'.*does not end when it is interrupted"),
            pytest.raises(PluginError, match="has not answered"),
        ):
            relay.record_metric(METRIC)
    finally:
        threading.excepthook = before
    assert thrown == []


def test_a_call_within_its_limit_is_left_alone(site: Site) -> None:
    site.add(
        "mine", plugin("def record_metric(self, metric):\n    import time\n    time.sleep(0.1)")
    )
    relay = relay_of(site, LIMIT)
    for _ in range(5):  # together they take longer than one may
        relay.record_metric(METRIC)


def test_nobody_looks_on_once_all_is_over(site: Site) -> None:
    site.add("mine", plugin("def record_metric(self, metric): pass"))
    relay = relay_of(site, LIMIT)
    relay.record_metric(METRIC)
    until = time.monotonic() + 30
    while any(each.name == "planwise-limits" for each in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.05)
    relay.record_metric(METRIC)
    assert watch().of_main_thread() == []


STOPPED = """
import time
from planwise.api import Metric, hookimpl
from importlib.metadata import EntryPoint
from planwise.containment import Guard, TimeLimits, Watched
from planwise.plugins import InstalledPlugin, LoadedPlugin
from planwise.relay import Relay

class Plugin:
    @hookimpl
    def record_metric(self, metric):
        print("begun", flush=True)
        time.sleep(0.4)

installed = InstalledPlugin("mine", "mine 1.0", EntryPoint("mine", "mine", "planwise.plugins"))
Relay([LoadedPlugin(installed, Plugin())], Guard(TimeLimits(1.5))).record_metric(
    Metric("run", "run", None, 1.0))
print("ended", flush=True)
"""


def test_time_in_which_the_process_was_stopped_is_not_the_plugins() -> None:
    with subprocess.Popen([sys.executable, "-c", STOPPED], stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout is not None
        assert it.stdout.readline() == "begun\n"
        os.kill(it.pid, signal.SIGSTOP)
        time.sleep(3)  # twice the limit; nothing could be waited for in its place
        os.kill(it.pid, signal.SIGCONT)
        assert it.stdout.read() == "ended\n"
    assert it.returncode == 0


# Prints.


def test_what_others_print_meanwhile_is_their_own(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    """A plugin in one thread, planwise in another; and what a thread does for the plugin."""
    body = "import builtins\n    builtins.planwise_test_meanwhile()\n    print('mine', end='')"
    site.add("mine", plugin(f"def record_metric(self, metric):\n    {body}"), distribution="dist")
    relay = relay_of(site)

    def meanwhile() -> None:
        other = threading.Thread(target=print, args=("planwise",))
        other.start()
        other.join()
        call_interruptibly(lambda: print("for it"), lambda: None)

    import builtins

    builtins.planwise_test_meanwhile = meanwhile  # type: ignore[attr-defined]  # for the plugin
    try:
        with prints_kept_apart():
            relay.record_metric(METRIC)
            print("afterwards")
    finally:
        del builtins.planwise_test_meanwhile  # type: ignore[attr-defined]  # as above
    said = capsys.readouterr()
    assert said.out == "planwise\nafterwards\n"
    whose = "planwise: plugin 'mine' (from dist 1.2), hook 'record_metric', prints: "
    assert said.err == f"{whose}for it\n{whose}mine\n"


def test_a_plugin_that_prints_for_ever_takes_no_memory(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    body = "[print('x' * 999) for _ in range(5000)]"
    site.add("mine", plugin(f"def record_metric(self, metric): {body}"))
    with prints_kept_apart():
        relay_of(site).record_metric(METRIC)
    said = capsys.readouterr()
    assert len(said.err) < 200_000
    assert said.err.endswith("prints: ...\n")


def test_a_plugin_does_not_close_standard_output(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    body = "import sys; sys.stdout.close(); print('mine')"
    site.add("mine", plugin(f"def record_metric(self, metric): {body}"))
    with prints_kept_apart():
        relay_of(site).record_metric(METRIC)
        print("afterwards")
    said = capsys.readouterr()
    assert said.out == "afterwards\n"
    assert said.err.endswith("prints: mine\n")


# Failures that are excused.


def warned(site: Site) -> tuple[Relay, Guard]:
    guard = Guard(on_error="warn")
    return relay_of(site, guard), guard


def test_a_plugin_that_cannot_be_loaded_spoils_no_other(site: Site) -> None:
    good = plugin("def record_metric(self, metric): pass")
    site.add("a", plugin("def record_metrics(self, metric): pass"))
    site.add("b", "import no_such_library")
    site.add("c", good)
    relay, guard = warned(site)
    assert [each.name for each in relay.plugins] == ["c"]
    assert [(each.plugin, each.hook, each.off) for each in guard.failures] == [
        ("a", None, "all"),
        ("b", None, "all"),
    ]
    load_plugins(site.installed().values(), guard)
    assert len(guard.failures) == 2, "it is told once"


def test_a_tuner_that_fails_leaves_the_settings_of_the_others(site: Site, tmp_path: Path) -> None:
    from planwise.machine import this_machine

    site.add("a", plugin("def db_tune(self, request): return [Setting('threads', 2)]"))
    body = "return [Setting('memory_limit', '1GB'), Setting('threads', 'NaN', 3)]"
    site.add("b", plugin(f"def db_tune(self, request): {body}"))
    relay, guard = warned(site)
    for _ in range(2):
        tuned = relay.db_tune(TuneRequest(this_machine(tmp_path), 4))
        assert [each.setting for each in tuned] == [Setting("threads", 2)]
    assert [each.plugin for each in guard.failures] == ["b"]


def test_what_a_result_may_depend_on_is_never_excused(site: Site) -> None:
    site.add("mine", plugin("def execute_batch(self, request): return 3"))
    relay, guard = warned(site)
    with pytest.raises(PluginError, match="expected a BatchResult"):
        relay.execute_batch(None)  # type: ignore[arg-type]  # it is never looked at
    assert guard.failures == []
    assert relay.provides("execute_batch")


def test_hooks_that_results_need_are_asked_of_a_plugin_that_failed_elsewhere(site: Site) -> None:
    site.add(
        "mine",
        plugin(
            "def record_metric(self, metric): raise ValueError('no')",
            "def plan_batches(self, request): raise ValueError('never asked')",
            "def execute_batch(self, request): return None",
        ),
    )
    relay, guard = warned(site)
    relay.record_metric(METRIC)
    relay.record_metric(METRIC)
    assert relay.plan_batches(PlanRequest({}, 1)).batches == ()
    assert len(guard.failures) == 1
    assert relay.provides("execute_batch")
    assert not relay.provides("plan_batches")


def test_what_a_user_said_wrong_is_never_excused(site: Site) -> None:
    site.add("mine", plugin("def configure(self, options): raise PlanwiseError('level: no')"))
    relay, guard = warned(site)
    with pytest.raises(PlanwiseError, match="level: no"):
        relay.configure({})
    assert guard.failures == []


# What hooks are given is read-only.


def test_nothing_that_a_hook_is_given_can_be_changed_by_mistake() -> None:
    years: Any = RunSummary([2025], 1.0, succeeded=True).years
    assert years == (2025,)
    config: Any = CompiledNode(
        "a", "table", "a", ("a", "b", "c"), "a", [], {"unique_key": ["a"], "more": {"b": [1]}}
    ).config
    assert config["unique_key"] == ("a",)
    for change in (
        lambda: config.update(a=1),
        lambda: config["more"].update(a=1),
        lambda: config["more"]["b"].append(1),
    ):
        with pytest.raises(AttributeError):
            change()
