"""The relay: answers are merged and checked, and whoever is at fault is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from kernel_distributions import Site

from planwise.errors import CheckpointError, GraphError, PlanwiseError, PluginError, WarehouseError
from planwise.hookspecs import KINDS
from planwise.relay import Relay
from planwise.values import (
    Batch,
    BatchPlan,
    BatchRequest,
    CompressedState,
    Machine,
    Metric,
    ModelNode,
    PlanRequest,
    RunSummary,
    StateTable,
    TuneRequest,
)

GIB = 1 << 30
NODES = {
    "model.a": ModelNode("model.a", "a"),
    "model.b": ModelNode("model.b", "b", depends_on=("model.a",)),
}
TUNE = TuneRequest(Machine(2, 8 * GIB, 4 * GIB, Path("t"), GIB), 4, {"threads": 2})
PLAN = PlanRequest(NODES, 2)
BATCH = BatchRequest((NODES["model.a"],), "year", 2025, False, {}, 2, Path("p"), lambda: None)  # type: ignore[arg-type,return-value]  # nobody connects
RESULT = "ModelResult(n.unique_id, 2.5)"
SUMMARY = RunSummary((2025,), 1.0, succeeded=True)

ASK: dict[str, Any] = {
    "add_options": lambda relay: relay.add_options(),
    "configure": lambda relay: relay.configure({}),
    "db_tune": lambda relay: relay.db_tune(TUNE),
    "plan_batches": lambda relay: relay.plan_batches(PLAN),
    "execute_batch": lambda relay: relay.execute_batch(BATCH),
    "compress_state": lambda relay: relay.compress_state(StateTable("main.t", 2025, None)),
    "restore_state": lambda relay: relay.restore_state(
        CompressedState("c", b"", 0), 9, written_by="someone"
    ),
    "record_metric": lambda relay: relay.record_metric(Metric("run", "run", None, 1.0)),
    "report_section": lambda relay: relay.report_sections(SUMMARY),
}


def plugin(**bodies: str) -> str:
    """A plugin class; each hook takes whatever it is given and runs its body."""
    arguments = {
        "configure": ", options",
        "compress_state": ", state",
        "restore_state": ", state, limit_bytes",
        "record_metric": ", metric",
        "report_section": ", summary",
        "add_options": "",
    }
    lines = ["class Plugin:", "    def __init__(self): self.seen = []"]
    for hook, body in bodies.items():
        lines += ["    @hookimpl", f"    def {hook}(self{arguments.get(hook, ', request')}):"]
        lines += [f"        {line}" for line in body.splitlines()]
    return "\n".join(lines)


def relay_of(site: Site, **plugins: str) -> Relay:
    for name, source in plugins.items():
        site.add(name, source, distribution=f"dist-{name}")
    return Relay(site.loaded())


def refused(relay: Relay, hook: str, *words: str) -> PluginError:
    with pytest.raises(PluginError) as caught:
        ASK[hook](relay)
    text = str(caught.value)
    assert "\n" not in text
    for word in (*words, hook, "dist-"):
        assert word in text
    assert caught.value.hook == hook
    return caught.value


def test_the_table_of_questions_is_complete() -> None:
    assert set(ASK) == set(KINDS)


def test_without_plugins_each_hook_has_its_default() -> None:
    relay = Relay()
    assert relay.add_options() == {}
    assert relay.db_tune(TUNE) == ()
    assert relay.plan_batches(PLAN) == BatchPlan([Batch(["model.a"]), Batch(["model.b"])])
    assert relay.execute_batch(BATCH) is None
    assert ASK["compress_state"](relay) is None
    assert relay.report_sections(SUMMARY) == ()
    ASK["configure"](relay)
    ASK["record_metric"](relay)
    with pytest.raises(CheckpointError, match="codec 'c', written by plugin 'someone'"):
        ASK["restore_state"](relay)


@pytest.mark.parametrize("hook", sorted(ASK))
@pytest.mark.parametrize(
    "raised", ["RuntimeError('oops')", "SystemExit(3)", "BaseException('odd')", "GeneratorExit()"]
)
def test_whatever_a_hook_raises_names_it(site: Site, hook: str, raised: str) -> None:
    relay = relay_of(site, mine=plugin(**{hook: f"raise {raised}"}))
    refused(relay, hook, raised.partition("(")[0], "--no-mine")


@pytest.mark.parametrize("hook", sorted(ASK))
def test_what_a_hook_raises_is_one_line(site: Site, hook: str) -> None:
    relay = relay_of(site, mine=plugin(**{hook: r"raise ValueError('one\ntwo')"}))
    refused(relay, hook, "ValueError", "one")


@pytest.mark.parametrize("hook", sorted(ASK))
def test_errors_for_users_and_ctrl_c_pass_through(site: Site, hook: str) -> None:
    relay = relay_of(site, mine=plugin(**{hook: "raise WarehouseError('the disk is full')"}))
    with pytest.raises(WarehouseError, match=r"^the disk is full$"):
        ASK[hook](relay)
    (relay.plugins[0].instance.__class__).__dict__[hook].__globals__["WarehouseError"] = (
        KeyboardInterrupt
    )
    with pytest.raises(KeyboardInterrupt):
        ASK[hook](relay)


GARBAGE = ["42", "'text'", "object()", "{'a': 1}", "[1]", "(None,)", "True", "b'bytes'"]
ANSWERING = sorted(set(ASK) - {"configure", "record_metric", "restore_state"})


@pytest.mark.parametrize("hook", ANSWERING)
@pytest.mark.parametrize("garbage", GARBAGE)
def test_an_answer_of_the_wrong_type_is_named(site: Site, hook: str, garbage: str) -> None:
    relay = relay_of(site, mine=plugin(**{hook: f"return {garbage}"}))
    refused(relay, hook, "expected a")


@pytest.mark.parametrize("hook", ["add_options", "plan_batches", "compress_state"])
def test_no_answer_where_one_is_needed_is_named(site: Site, hook: str) -> None:
    refused(relay_of(site, mine=plugin(**{hook: "return None"})), hook, "expected a", "None")


@pytest.mark.parametrize("hook", ["db_tune", "execute_batch", "report_section"])
def test_no_answer_where_none_is_needed_is_the_default(site: Site, hook: str) -> None:
    relay = relay_of(site, mine=plugin(**{hook: "return None"}))
    assert not ASK[hook](relay)


@pytest.mark.parametrize(
    "garbage", ["42", "'text'", "object()", "[[1, 2]]", "{'a': [1]}", "True", "b'bytes'"]
)
def test_a_restored_state_has_to_be_a_table(site: Site, garbage: str) -> None:
    """The caller checks it: it is the one that knows Arrow; see the tests of the checkpoints."""
    from planwise.checkpoints.store import restore

    relay = relay_of(site, mine=plugin(restore_state=f"return {garbage}"))
    with pytest.raises(PlanwiseError) as caught:
        restore(CompressedState("c", b"", 0), relay, written_by="mine")
    assert "codec 'c'" in str(caught.value)


def test_tuners_that_agree_are_merged_in_name_order(site: Site) -> None:
    relay = relay_of(
        site,
        one=plugin(db_tune="return [Setting('threads', 1, 'mine'), Setting('pin_threads', 2)]"),
        two=plugin(db_tune="return (Setting('threads', 1, 'also mine'),)"),
    )
    tuned = relay.db_tune(evolve(TUNE, fixed={}))
    expected = [("pin_threads", 2), ("threads", 1)]
    assert [(each.setting.name, each.setting.value) for each in tuned] == expected
    assert [each.plugin for each in tuned] == ["one", "one"]


def test_a_conflict_of_tuners_names_both(site: Site) -> None:
    relay = relay_of(
        site,
        one=plugin(db_tune="return [Setting('memory_limit', '1GB')]"),
        two=plugin(db_tune="return [Setting('memory_limit', '2GB')]"),
    )
    refused(relay, "db_tune", "'1GB'", "'2GB'", "--no-one", "--no-two", "dist-one", "dist-two")


def test_a_plugin_that_contradicts_itself_is_named(site: Site) -> None:
    relay = relay_of(site, one=plugin(db_tune="return [Setting('pin_threads', n) for n in (1, 2)]"))
    refused(relay, "db_tune", "'pin_threads' to 2", "to 1")


@pytest.mark.parametrize(
    ("left", "right"), [("Memory_Limit", "memory_limit"), ("TEMP_DIRECTORY", "temp_directory")]
)
def test_settings_are_one_whatever_their_case(site: Site, left: str, right: str) -> None:
    """As in DuckDB, where the later SET would win in silence."""
    relay = relay_of(
        site,
        one=plugin(db_tune=f"return [Setting({left!r}, '1GB')]"),
        two=plugin(db_tune=f"return [Setting({right!r}, '2GB')]"),
    )
    refused(relay, "db_tune", "'1GB'", "'2GB'")


@pytest.mark.parametrize("name", ["threads", "THREADS"])
def test_what_the_user_fixed_stays(site: Site, name: str) -> None:
    answer = f"return [Setting({name!r}, 8), Setting('pin_threads', 1)]"
    relay = relay_of(site, one=plugin(db_tune=answer))
    assert [each.setting.name for each in relay.db_tune(TUNE)] == ["pin_threads"]


@pytest.mark.parametrize("value", ["None", "[1]", "b'x'", "object()"])
def test_a_setting_has_a_value_that_duckdb_takes(site: Site, value: str) -> None:
    relay = relay_of(site, one=plugin(db_tune=f"return [Setting('memory_limit', {value})]"))
    refused(relay, "db_tune", "'memory_limit'", "expected text")


@pytest.mark.parametrize("name", ["7", "None", "''"])
def test_a_setting_has_a_name(site: Site, name: str) -> None:
    relay = relay_of(site, one=plugin(db_tune=f"return [Setting({name}, 1)]"))
    refused(relay, "db_tune", "name")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("BatchPlan([Batch(['model.b']), Batch(['model.a'])])", "before its dependency"),
        ("BatchPlan([Batch(['model.a'])])", "'model.b'"),
        ("BatchPlan([])", "not planned"),
        ("BatchPlan([Batch(['model.x'])])", "unknown node 'model.x'"),
        ("BatchPlan([Batch([1])])", "unknown node"),
        ("BatchPlan([Batch([['model.a']])])", "unknown node"),
    ],
)
def test_a_wrong_plan_is_named(site: Site, answer: str, words: str) -> None:
    refused(relay_of(site, mine=plugin(plan_batches=f"return {answer}")), "plan_batches", words)


def test_a_plugin_may_find_a_cycle_itself(site: Site) -> None:
    relay = relay_of(site, mine=plugin(plan_batches="raise GraphError('a -> b -> a')"))
    with pytest.raises(GraphError, match="a -> b -> a"):
        relay.plan_batches(PLAN)


@pytest.mark.parametrize(
    "answer",
    [
        "BatchResult([])",
        "BatchResult([ModelResult('model.b', 1.0)])",
        "BatchResult([ModelResult('model.a', 1.0), ModelResult('model.a', 1.0)])",
        "BatchResult([1])",
        "BatchResult(['model.a'])",
        "BatchResult([ModelResult(1, 1.0)])",
    ],
)
def test_results_have_to_be_those_of_the_batch(site: Site, answer: str) -> None:
    refused(relay_of(site, mine=plugin(execute_batch=f"return {answer}")), "execute_batch")


def test_the_results_of_a_batch_are_the_plugins(site: Site) -> None:
    relay = relay_of(
        site,
        mine=plugin(execute_batch=f"return BatchResult([{RESULT} for n in request.nodes])"),
    )
    result = relay.execute_batch(BATCH)
    assert result is not None
    assert [(each.unique_id, each.wall_s) for each in result.results] == [("model.a", 2.5)]


@pytest.mark.parametrize(
    "answer",
    [
        "CompressedState(1, b'', 0)",
        "CompressedState('', b'', 0)",
        "CompressedState('arrow', b'', 0)",
        "CompressedState('c', 'text', 0)",
        "CompressedState('c', None, 0)",
        "CompressedState('c', b'', -1)",
        "CompressedState('c', b'', 1.5)",
        "CompressedState('c', b'', None)",
    ],
)
def test_a_compressed_state_has_to_be_storable(site: Site, answer: str) -> None:
    """``arrow`` is the kernel's own codec: a blob of that name would never reach the plugin."""
    refused(relay_of(site, mine=plugin(compress_state=f"return {answer}")), "compress_state")


def test_options_reach_the_plugin_that_declared_them(site: Site) -> None:
    options = "return [PluginOption('level', 3, 'Effort.', type=int)]"
    relay = relay_of(
        site,
        one=plugin(add_options=options, configure="self.seen.append(dict(options))"),
        two=plugin(add_options=options, configure="self.seen.append(dict(options))"),
    )
    assert set(relay.add_options()) == {"one", "two"}
    relay.configure({"one": {"level": 7}, "two": {"level": 8}})
    assert [each.instance.seen for each in relay.plugins] == [[{"level": 7}], [{"level": 8}]]


def test_a_plugin_cannot_change_what_the_next_one_sees(site: Site) -> None:
    relay = relay_of(
        site,
        one=plugin(db_tune="request.fixed['threads'] = 99\nreturn []"),
        two=plugin(db_tune="return []"),
    )
    refused(relay, "db_tune", "TypeError")
    assert TUNE.fixed["threads"] == 2


@pytest.mark.parametrize(
    "answer",
    [
        "[PluginOption('a', 1, 'x'), PluginOption('a', 2, 'y')]",
        "[PluginOption('', 1, 'x')]",
        "[PluginOption('Upper', 1, 'x')]",
        "[PluginOption('with-dash', 1, 'x')]",
        "[PluginOption('a b', 1, 'x')]",
        "[PluginOption(3, 1, 'x')]",
        "[PluginOption('a', 1, 'x', type=list)]",
        "[PluginOption('a', 'text', 'x', type=int)]",
        "[PluginOption('a', 5, 'x', type=int, choices=(1, 2))]",
        "[PluginOption('enabled', True, 'x', type=bool)]",
    ],
)
def test_an_option_that_could_not_be_a_flag_is_named(site: Site, answer: str) -> None:
    """``enabled`` is the toggle's own key in the configuration."""
    refused(relay_of(site, mine=plugin(add_options=f"return {answer}")), "add_options")


def test_every_plugin_is_told_of_every_metric(site: Site) -> None:
    body = "self.seen.append(metric)"
    relay = relay_of(site, one=plugin(record_metric=body), two=plugin(record_metric=body))
    metric = Metric("phase", "year 2025", 2025, 1.0)
    relay.record_metric(metric)
    assert [each.instance.seen for each in relay.plugins] == [[metric], [metric]]


def test_two_sections_of_one_key_name_both(site: Site) -> None:
    body = "return ReportSection('same', 'Title', ['line'])"
    relay = relay_of(site, one=plugin(report_section=body), two=plugin(report_section=body))
    refused(relay, "report_section", "'same'", "'one'", "'two'")


@pytest.mark.parametrize(
    "answer",
    [
        "ReportSection(1, 'Title', ['x'])",
        "ReportSection('', 'Title', ['x'])",
        "ReportSection('k', 'Title', [1])",
        "ReportSection('k', None, ['x'])",
        "ReportSection('k', 'Title', ['x'], {'a': object()})",
        "ReportSection('k', 'Title', ['x'], {1: float('nan')})",
    ],
)
def test_a_section_has_to_be_fit_for_terminal_and_json(site: Site, answer: str) -> None:
    refused(relay_of(site, mine=plugin(report_section=f"return {answer}")), "report_section")


def test_a_third_party_plugin_does_what_a_built_in_does(site: Site) -> None:
    """One plugin with every hook, from another distribution, through the public API alone."""
    relay = relay_of(
        site,
        mine=plugin(
            add_options="return [PluginOption('level', 3, 'Effort.', type=int)]",
            configure="self.level = options['level']",
            db_tune="return [Setting('memory_limit', '1GB', 'why not')]",
            plan_batches="return BatchPlan([Batch([n]) for n in sorted(request.nodes)])",
            execute_batch=f"return BatchResult([{RESULT} for n in request.nodes])",
            compress_state="return CompressedState('mine', b'bytes', 5)",
            restore_state="return ('table', state.payload, limit_bytes, self.level)",
            record_metric="self.seen.append(metric)",
            report_section="return ReportSection('mine', 'Mine', [f'{len(self.seen)} metrics'])",
        ),
    )
    assert [option.name for option in relay.add_options()["mine"]] == ["level"]
    relay.configure({"mine": {"level": 9}})
    assert relay.db_tune(TUNE)[0].plugin == "mine"
    assert len(relay.plan_batches(PLAN).batches) == 2
    assert relay.execute_batch(BATCH) is not None
    blob, by = ASK["compress_state"](relay)
    assert (blob.codec, by) == ("mine", "mine")
    assert relay.restore_state(blob, 7, written_by="mine") == ("table", b"bytes", 7, 9)
    ASK["record_metric"](relay)
    assert relay.report_sections(SUMMARY)[0].lines == ("1 metrics",)
