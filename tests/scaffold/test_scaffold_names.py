"""Any name and any hooks give a package whose names fit together, and anything else is refused."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import EntryPoint

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from planwise import api
from planwise.errors import PlanwiseError, UsageError
from planwise.hookspecs import KINDS
from planwise.plugins import (
    GROUP,
    RESERVED_NAMES,
    implemented_hooks,
    installed_plugins,
    load_plugins,
)
from planwise.scaffold.imports import WIDTH
from planwise.scaffold.modules import CONTRACTS
from planwise.scaffold.names import refuse_taken
from planwise.scaffold.package import names_for, package_files
from planwise.scaffold.parts import PARTS, hooks_of, parts_for
from planwise.testing import contracts

NAMES = st.from_regex(r"\A[a-z][a-z0-9_-]{0,40}\Z").filter(
    lambda name: name not in RESERVED_NAMES and not name.startswith("no-")
)
HOOKS = st.sets(st.sampled_from(sorted(KINDS)), min_size=1)


def test_every_hook_is_in_one_part_and_has_a_contract() -> None:
    assert sorted(hooks_of(PARTS)) == sorted(KINDS)
    assert {hook: suite.__name__ for hook, suite in contracts.FOR_HOOK.items()} == CONTRACTS


def test_every_part_stands_in_for_a_plugin_that_is_there() -> None:
    """One that has the hooks, so that switching it off makes room."""
    installed = installed_plugins()
    for part in PARTS:
        if part.instead_of:
            (built_in,) = load_plugins([installed[part.instead_of]])
            assert set(part.hooks) <= set(implemented_hooks(built_in.instance))
        else:
            assert not any(KINDS[hook] == "choose" for hook in part.hooks)


@given(NAMES, HOOKS)
@example("a", set(KINDS))
@example("a" * 41, set(KINDS))
@example("a-_-b__", {"execute_batch", "add_options"})
@example("test-x", set(KINDS))
@example("batch", {"plan_batches"})
@example("exception", {"plan_batches"})
@example("n-a-m-e", set(KINDS))
@example("none", {"record_metric"})
def test_the_package_says_one_name_everywhere(name: str, hooks: set[str]) -> None:
    names, parts = names_for(name), parts_for(hooks)
    files = package_files(names, parts)
    project = tomllib.loads(files["pyproject.toml"])["project"]
    assert project["name"] == names.distribution == canonicalize_name(names.distribution)
    # On PyPI another project has planwise's name; pip must not be made to look there.
    needed = {canonicalize_name(Requirement(each).name) for each in project["dependencies"]}
    assert needed <= {"duckdb", "pyarrow"}
    points = project["entry-points"][GROUP]
    assert points == {name: f"{names.module}:{names.class_name}"}
    assert list(installed_plugins([EntryPoint(name, points[name], GROUP)])) == [name]
    assert f"src/{names.module}/py.typed" in files
    assert yaml.safe_load(files[".github/workflows/ci.yml"])["jobs"]
    for path, text in files.items():
        if path.endswith(".py"):
            assert all(len(line) <= WIDTH for line in text.splitlines())
            compile(text, path, "exec")
    assert f'plugin = "{name}"' in files["tests/test_contract.py"]
    assert f"--no-{name}" in files["README.md"]

    module: dict[str, object] = {}
    exec(files[f"src/{names.module}/__init__.py"], module)  # noqa: S102  # what was generated here
    plugin = module[names.class_name]
    assert isinstance(plugin, type)
    assert plugin.planwise_api == api.API_VERSION  # type: ignore[attr-defined]  # an attribute of what was generated
    assert set(implemented_hooks(plugin())) == set(hooks_of(parts)) >= hooks


@given(st.text(max_size=60))
@example("")
@example("a\n")
@example("No-Way")
@example("../up")
@example("x" * 10_000)
@example('"; rm -rf /')
def test_any_text_is_a_name_or_is_refused_with_one_that_would_do(text: str) -> None:
    said = ""
    try:
        names = names_for(text)
    except UsageError as error:
        said = str(error)
    if not said:
        assert names.plugin == text
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]{0,29}", names.class_name)
        assert names.module.isidentifier()
        return
    assert len(said) < 600
    could_be = re.search(r"; '([^']+)' would do\Z", said)
    if could_be:
        assert names_for(could_be.group(1)).plugin == could_be.group(1)


@pytest.mark.parametrize(
    ("name", "could_be"),
    [
        ("My Batcher", "my-batcher"),
        ("2fast", "fast"),
        ("years", "my-years"),
        ("no-more", "my-no-more"),
        ("x" * 50, "x" * 41),
    ],
)
def test_a_name_that_would_do_is_offered(name: str, could_be: str) -> None:
    with pytest.raises(UsageError, match=f"'{could_be}' would do"):
        names_for(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("batching", "plugin 'batching' is installed already, by planwise"),
        ("plugins", "a module planwise_plugins can be imported already"),
    ],
)
def test_what_is_installed_is_not_written_again(name: str, words: str) -> None:
    with pytest.raises(PlanwiseError, match=words):
        refuse_taken(names_for(name), installed_plugins())
    refuse_taken(names_for("nobody-has-this"), installed_plugins())


@pytest.mark.parametrize("hook", ["plan-batches", "Plan_Batches", "plan_batch", "planbatches"])
def test_a_misspelt_hook_gets_the_nearest(hook: str) -> None:
    with pytest.raises(
        UsageError, match=r"did you mean 'plan_batches'.* the hooks are: add_options"
    ):
        parts_for(["db_tune", hook])


@given(st.text(max_size=300))
def test_any_text_that_is_no_hook_is_refused(text: str) -> None:
    if text not in KINDS:
        with pytest.raises(UsageError, match="the hooks are: "):
            parts_for([text])
