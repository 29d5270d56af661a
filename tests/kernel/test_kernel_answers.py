"""Answers of the right type with something wrong inside: each is named, or harmless."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import attrs
import duckdb
import pytest

from planwise.api import (
    Batch,
    BatchPlan,
    BatchResult,
    CompressedState,
    Machine,
    Metric,
    ModelNode,
    ModelResult,
    PlanRequest,
    PluginOption,
    ReportSection,
    RunSummary,
    Setting,
    StateTable,
    TuneRequest,
    hookimpl,
)
from planwise.errors import PluginError
from planwise.interruption import signals_heard_by
from planwise.plugins import GROUP, InstalledPlugin, LoadedPlugin
from planwise.relay import Relay
from planwise.reporting.metric_lines import metric_lines
from planwise.values import BatchRequest
from planwise.warehouse.metrics_table import METRICS, record_metrics

GIB = 1 << 30
NODE = ModelNode("model.a", "a")
TUNE = TuneRequest(Machine(2, 8 * GIB, 4 * GIB, Path("t"), GIB), 4)
BATCH = BatchRequest((NODE,), "year", 2025, False, {}, 2, Path("p"), lambda: None)  # type: ignore[arg-type,return-value]  # nobody connects


class Evil:
    """Every question that can be asked of it raises."""

    def _raise(self, *_: object, **__: object) -> Any:
        raise RuntimeError("evil")

    __repr__ = __str__ = __len__ = __iter__ = __eq__ = __bool__ = __lt__ = __le__ = _raise
    __hash__ = __index__ = __int__ = __float__ = __format__ = __contains__ = _raise

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("evil")


VALUES: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "NaN": lambda: math.nan,
    "infinity": lambda: math.inf,
    "a huge number": lambda: 10**5000,  # Python refuses to write it as text
    "a negative number": lambda: -1,
    "an object that raises": Evil,
    "a list": lambda: [Evil()],
    "a generator": lambda: (each for each in ()),
    "bytes": lambda: b"bytes",
}
ANSWERS: dict[str, Any] = {
    "add_options": PluginOption("level", 3, "Effort.", int, (3, 4)),
    "db_tune": Setting("threads", 1, "one is enough"),
    "plan_batches": Batch(["model.a"]),
    "execute_batch": ModelResult("model.a", 1.0, rows=3),
    "compress_state": CompressedState("mine", b"bytes", 5),
    "report_section": ReportSection("mine", "Mine", ["line"], {"count": 1}),
}
WHOLE: dict[str, Callable[[Any], Any]] = {
    "add_options": lambda each: [each],
    "db_tune": lambda each: [each],
    "plan_batches": lambda each: BatchPlan([each]),
    "execute_batch": lambda each: BatchResult([each]),
    "compress_state": lambda each: each,
    "report_section": lambda each: each,
}
ASK: dict[str, Callable[[Relay], Any]] = {
    "add_options": lambda relay: relay.add_options(),
    "db_tune": lambda relay: relay.db_tune(TUNE),
    "plan_batches": lambda relay: relay.plan_batches(PlanRequest({"model.a": NODE}, 2)),
    "execute_batch": lambda relay: relay.execute_batch(BATCH),
    "compress_state": lambda relay: relay.compress_state(StateTable("main.t", 2025, None)),
    "report_section": lambda relay: relay.report_sections(RunSummary((2025,), 1.0, succeeded=True)),
}


def relay_with(hook: str, answer: Callable[[], Any]) -> Relay:
    """A relay whose one plugin answers one hook so."""

    def implementation(**_: Any) -> Any:
        return answer()

    plugin = type("Plugin", (), {hook: staticmethod(hookimpl(implementation))})()
    point = EntryPoint("mine", "mine:Plugin", GROUP)
    return Relay([LoadedPlugin(InstalledPlugin("mine", "dist-mine 1.0", point), plugin)])


def spoilt(hook: str, field: str, value: Any) -> Any:
    return WHOLE[hook](attrs.evolve(ANSWERS[hook], **{field: value}))


def cases() -> Iterator[tuple[str, str, str]]:
    for hook, answer in ANSWERS.items():
        for field in attrs.fields_dict(type(answer)):
            yield from ((hook, field, value) for value in VALUES)


@pytest.mark.parametrize("hook", ANSWERS)
def test_the_answers_are_good_as_they_are(hook: str) -> None:
    ASK[hook](relay_with(hook, lambda: WHOLE[hook](ANSWERS[hook])))


@pytest.mark.parametrize(("hook", "field", "value"), list(cases()))
def test_a_wrong_field_is_named_or_harmless(hook: str, field: str, value: str) -> None:
    relay = relay_with(hook, lambda: spoilt(hook, field, VALUES[value]()))
    try:
        ASK[hook](relay)
    except PluginError as error:
        text = str(error)
        assert text.startswith(f"plugin 'mine' (from dist-mine 1.0), hook '{hook}': ")
        assert "\n" not in text
        assert len(text) < 3000
    else:
        # An option may have no default and a model no rows; texts and bytes are as they are.
        fine = value in ("None", "bytes", "a generator", "a negative number")
        assert fine or (field, value) == ("choices", "a list"), (hook, field, value)


@pytest.mark.parametrize("hook", ANSWERS)
@pytest.mark.parametrize("value", VALUES)
def test_a_wrong_answer_is_one_line(hook: str, value: str) -> None:
    relay = relay_with(hook, VALUES[value])
    if value == "None" and hook in ("db_tune", "execute_batch", "report_section"):
        ASK[hook](relay)
        return
    with pytest.raises(PluginError) as caught:
        ASK[hook](relay)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 3000


@pytest.mark.parametrize(
    "name",
    [
        *("default_null_order", "fsync_mode", "enable_external_access", "lock_configuration"),
        *("TimeZone", "autoinstall_known_extensions", "schema", "no_such_setting"),
    ],
)
def test_a_tuner_leaves_alone_what_is_no_matter_of_speed(name: str) -> None:
    relay = relay_with("db_tune", lambda: [Setting(name, "x")])
    with pytest.raises(PluginError, match=f"'{name}' is no setting of speed or memory"):
        relay.db_tune(TUNE)


def test_the_order_of_rows_is_kept_where_a_table_may_depend_on_it() -> None:
    def answered(value: Any) -> Relay:
        return relay_with("db_tune", lambda: [Setting("preserve_insertion_order", value)])

    careful = attrs.evolve(TUNE, keep_order=True)
    for value in (False, "false", 0):
        assert answered(value).db_tune(TUNE)
        with pytest.raises(PluginError, match="order of rows"):
            answered(value).db_tune(careful)
    for value in (True, "true", 1):
        assert answered(value).db_tune(careful)


@pytest.mark.parametrize("value", [0.5, "many", 2000, -1, True])
def test_threads_are_a_number_that_a_machine_can_start(value: Any) -> None:
    with pytest.raises(PluginError, match="expected a number of up to 1024"):
        relay_with("db_tune", lambda: [Setting("threads", value)]).db_tune(TUNE)


def test_ctrl_c_that_nobody_pressed_is_the_plugins() -> None:
    def interrupt() -> Any:
        raise KeyboardInterrupt

    relay = relay_with("db_tune", interrupt)
    try:
        for heard, expected in ((False, PluginError), (True, KeyboardInterrupt)):
            signals_heard_by(lambda heard=heard: heard)  # type: ignore[misc]  # bound at once
            with pytest.raises(expected):
                relay.db_tune(TUNE)
    finally:
        signals_heard_by(None)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError(), "raised KeyError; switch it off with --no-mine"),
        (ValueError(" \n "), "raised ValueError; switch"),
        (ValueError("two\nlines"), "raised ValueError: two lines; switch"),
    ],
)
def test_what_a_plugin_raises_is_told_with_its_type(error: Exception, said: str) -> None:
    def fail() -> Any:
        raise error

    with pytest.raises(PluginError, match=said):
        relay_with("db_tune", fail).db_tune(TUNE)


@pytest.mark.parametrize("field", [each.name for each in attrs.fields(Metric)])
@pytest.mark.parametrize("value", VALUES)
def test_a_metric_with_something_wrong_inside_is_named_or_can_be_stored(
    field: str, value: str
) -> None:
    spoilt_value = VALUES[value]()
    metric = Metric("model", "model.a", 2025, 1.0, rows=3, values={"spilled_bytes": 5})
    object.__setattr__(metric, field, {"odd": spoilt_value} if field == "values" else spoilt_value)
    section = attrs.evolve(ANSWERS["report_section"], metrics=[metric])
    relay = relay_with("report_section", lambda: section)
    told = blamed = None
    try:
        (told,) = ASK["report_section"](relay)
    except PluginError as error:
        blamed = str(error)
    if told is None:
        assert blamed is not None
        assert "\n" not in blamed
        assert "hook 'report_section'" in blamed
        return
    with duckdb.connect() as connection:
        record_metrics(connection, "run", told.metrics)
        assert connection.execute(f"select count(*) from {METRICS}").fetchall() == [(1,)]
    assert len(metric_lines(told.metrics).splitlines()) == 1
