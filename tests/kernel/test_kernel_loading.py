"""Loading: whatever is wrong with a plugin is one error that names it and its distribution."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel_distributions import Site

from planwise import hookspecs
from planwise.errors import PluginError
from planwise.plugins import implemented_hooks

ARGUMENTS = {
    "add_options": "",
    "configure": "options",
    "db_tune": "request",
    "plan_batches": "request",
    "execute_batch": "request",
    "compress_state": "state",
    "restore_state": "state, limit_bytes",
    "record_metric": "metric",
    "report_section": "summary",
}
CHOOSE = sorted(name for name, kind in hookspecs.KINDS.items() if kind == "choose")


def hook(name: str, body: str = "return None", arguments: str | None = None) -> str:
    given = ARGUMENTS.get(name, "") if arguments is None else arguments
    return f"""
class Plugin:
    @hookimpl
    def {name}(self{", " if given else ""}{given}):
        {body}
"""


def refused(site: Site, pattern: str, *names: str) -> PluginError:
    with pytest.raises(PluginError, match=pattern) as caught:
        site.loaded(*names)
    text = str(caught.value)
    assert "\n" not in text
    assert caught.value.distribution
    assert caught.value.distribution in text
    assert f"plugin '{caught.value.plugin}'" in text
    return caught.value


def test_the_table_of_arguments_is_complete() -> None:
    assert set(ARGUMENTS) == set(hookspecs.KINDS)


@pytest.mark.parametrize("name", sorted(ARGUMENTS))
def test_each_hook_can_be_implemented_alone(site: Site, name: str) -> None:
    site.add("mine", hook(name))
    (loaded,) = site.loaded()
    assert implemented_hooks(loaded.instance) == (name,)


def test_a_class_is_made_anew_for_each_run(site: Site) -> None:
    site.add("mine", hook("record_metric"))
    (first,), (second,) = site.loaded(), site.loaded()
    assert first.instance is not second.instance


def test_a_module_can_be_a_plugin(site: Site) -> None:
    site.add("mine", "@hookimpl\ndef record_metric(metric): ...", target=None)
    (loaded,) = site.loaded()
    assert implemented_hooks(loaded.instance) == ("record_metric",)


def test_a_plugin_without_hooks_is_harmless(site: Site) -> None:
    site.add("mine", "class Plugin:\n    def db_tune(self): 'not marked, so not a hook'")
    (loaded,) = site.loaded()
    assert implemented_hooks(loaded.instance) == ()


@pytest.mark.parametrize("misspelt", ["db_tuen", "plan_batch", "record_metrics", "compress"])
def test_a_misspelt_hook_is_named_with_those_that_exist(site: Site, misspelt: str) -> None:
    site.add("mine", hook(misspelt, arguments="request"))
    error = refused(site, re.escape(misspelt))
    assert all(name in str(error) for name in hookspecs.KINDS)


@pytest.mark.parametrize("name", sorted(ARGUMENTS))
def test_an_argument_that_does_not_exist_is_refused(site: Site, name: str) -> None:
    site.add("mine", hook(name, arguments="requset"))
    refused(site, "requset")


def test_fewer_arguments_than_offered_are_fine(site: Site) -> None:
    site.add("mine", hook("restore_state", arguments="state"))
    assert len(site.loaded()) == 1


@pytest.mark.parametrize(
    ("source", "pattern"),
    [
        ("import no_such_module_at_all", "ModuleNotFoundError: No module named 'no_such_module"),
        ("raise SystemExit(0)", "SystemExit"),
        ("raise RuntimeError('first line\\nsecond line')", "RuntimeError: first line"),
        ("raise RuntimeError()", "RuntimeError"),
        ("raise BaseException('odd')", "BaseException: odd"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("def broken(:", "SyntaxError"),
        ("Other = 1", "AttributeError"),
        ("class Plugin:\n    def __init__(self, needed): ...", "TypeError"),
        ("class Plugin:\n    def __init__(self): raise SystemExit(3)", "SystemExit: 3"),
        ("class Plugin:\n    def __init__(self): raise ValueError('no')", "ValueError: no"),
    ],
)
def test_what_cannot_be_loaded_says_how_to_go_on(site: Site, source: str, pattern: str) -> None:
    site.add("mine", source)
    error = refused(site, pattern)
    assert "--no-mine" in str(error)
    assert "second line" not in str(error)


def test_ctrl_c_during_an_import_stops_planwise(site: Site) -> None:
    site.add("mine", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        site.loaded()


def test_a_missing_module_is_blamed_on_the_plugin(site: Site) -> None:
    module = site.add("mine", hook("record_metric"))
    (site.folder / f"{module}.py").unlink()
    refused(site, "ModuleNotFoundError")


@pytest.mark.parametrize("name", CHOOSE)
def test_two_providers_of_one_choice_name_both(site: Site, name: str) -> None:
    site.add("first", hook(name), distribution="dist-one")
    site.add("second", hook(name), distribution="dist-two")
    error = refused(site, "only one may")
    text = str(error)
    assert all(word in text for word in ("first", "second", "dist-one 1.2", "dist-two 1.2", name))
    assert "--no-first" in text
    assert "--no-second" in text
    assert [each.name for each in site.loaded("second")] == ["second"]


@pytest.mark.parametrize("name", sorted(set(hookspecs.KINDS) - set(CHOOSE)))
def test_hooks_that_are_not_choices_may_have_many(site: Site, name: str) -> None:
    site.add("first", hook(name))
    site.add("second", hook(name))
    assert len(site.loaded()) == 2


@pytest.mark.parametrize("marker", ["wrapper=True", "hookwrapper=True"])
@pytest.mark.parametrize("name", ["db_tune", "plan_batches", "record_metric"])
def test_wrappers_are_refused(site: Site, marker: str, name: str) -> None:
    arguments = ARGUMENTS[name]
    site.add(
        "mine",
        f"class Plugin:\n    @hookimpl({marker})\n    def {name}(self, {arguments}):\n"
        "        return (yield)",
    )
    error = refused(site, "wrappers")
    assert error.hook == name


def test_a_second_name_for_a_hook_is_refused(site: Site) -> None:
    """pluggy lets a function of any name implement a hook; the relay looks hooks up by name."""
    source = """
class Plugin:
    @hookimpl(specname="db_tune")
    def tune(self, request): return []
"""
    site.add("mine", source)
    refused(site, "tune")


@pytest.mark.parametrize(
    "marked",
    [
        '@hookimpl(specname="db_tune")\n    def plan_batches(self, request): ...',
        "@hookimpl(optionalhook=True)\n    def db_tuen(self, request): ...",
        "@hookimpl\n    def _db_tune(self, request): ...",
    ],
)
def test_what_would_never_be_called_is_refused(site: Site, marked: str) -> None:
    site.add("mine", f"class Plugin:\n    {marked}")
    refused(site, "is marked and no hook")


def test_a_plugin_that_cannot_be_examined_is_named(site: Site) -> None:
    source = """
class Plugin:
    def __dir__(self):
        raise RuntimeError("not now")
"""
    site.add("mine", source)
    refused(site, "not now")


def test_an_order_among_plugins_cannot_be_asked_for_in_silence(site: Site) -> None:
    """``tryfirst`` has no meaning here: answers are merged, and their order is the names'."""
    for name, marker in (("alpha", "trylast=True"), ("zeta", "tryfirst=True")):
        site.add(
            name,
            f"class Plugin:\n    @hookimpl({marker})\n    def record_metric(self, metric): ...",
        )
    assert [each.name for each in site.loaded()] == ["alpha", "zeta"]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text("abcdefgh_", min_size=1, max_size=12))
def test_no_marked_name_but_a_hook_is_accepted(site: Site, name: str) -> None:
    entry = f"p{abs(hash(name)) % 10**9}x{len(list(site.folder.iterdir()))}"
    site.add(entry, hook(name, arguments="request"))
    with pytest.raises(PluginError):
        site.loaded(entry)


@pytest.mark.parametrize("kind", ["generator", "coroutine", "both"])
def test_a_hook_that_a_call_does_not_run_is_refused(site: Site, kind: str) -> None:
    """Nobody looks at what is not answered: a metric would be lost without a word."""
    word = "def" if kind == "generator" else "async def"
    body = "pass" if kind == "coroutine" else "yield"
    site.add("mine", f"class Plugin:\n    @hookimpl\n    {word} record_metric(self): {body}")
    refused(site, "hook 'record_metric': a call would run nothing of it")
