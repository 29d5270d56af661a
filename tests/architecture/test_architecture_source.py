"""Rules that hold for every source file."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest
from sources import ROOT, parsed, shown, source_files

from planwise import api, errors, hookspecs

IGNORE = re.compile(r"#\s*(noqa|type:\s*ignore|fmt:|pragma)", re.IGNORECASE)
WITH_REASON = re.compile(
    r"#\s*(noqa:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*|type:\s*ignore\[[a-z-]+(,\s*[a-z-]+)*\])"
    r"\s+[#-]\s+\S.{5,}"
)
EVERYWHERE = [
    file
    for file in source_files(
        *(ROOT / name for name in ("planwise", "plugins", "examples", "tests"))
    )
    if "projects" not in file.parts
]


EXAMPLES = source_files(*(ROOT / "examples").glob("*/src"))


def comments(file: Path) -> Iterator[tuple[int, str]]:
    with file.open("rb") as stream:
        for token in tokenize.tokenize(stream.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def imported_names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("file", EVERYWHERE, ids=shown)
def test_nothing_unpickles_and_yaml_is_read_safely(file: Path) -> None:
    tree = parsed(file)
    forbidden = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
    assert not {name.partition(".")[0] for name in imported_names(tree)} & forbidden
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute | ast.Name | ast.ImportFrom):
            continue
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            unsafe = {"load", "load_all", "unsafe_load", "full_load", "Loader", "UnsafeLoader"}
            assert not (node.value.id == "yaml" and node.attr in unsafe), node.lineno
        if isinstance(node, ast.ImportFrom) and node.module == "yaml":
            names = {alias.name for alias in node.names}
            assert not names & {"load", "load_all", "unsafe_load", "full_load"}, node.lineno


@pytest.mark.parametrize("file", [*source_files(), *EXAMPLES], ids=shown)
def test_every_ignore_names_its_rule_and_its_reason(file: Path) -> None:
    for line, comment in comments(file):
        # How code is laid out is nobody's correctness: fmt needs no reason.
        if IGNORE.search(comment) and not comment.startswith("# fmt:"):
            assert WITH_REASON.search(comment), f"{shown(file)}:{line}: {comment}"


@pytest.mark.parametrize("file", [*source_files(), *EXAMPLES], ids=shown)
def test_a_module_is_annotated_documented_and_small(file: Path) -> None:
    tree = parsed(file)
    assert ast.get_docstring(tree), "no docstring"
    imports = {name for name in imported_names(tree) if name.startswith("__future__")}
    if any(not isinstance(node, ast.Expr) for node in tree.body):
        assert "__future__.annotations" in imports
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("file", EXAMPLES, ids=shown)
def test_an_example_sees_the_api_alone(file: Path) -> None:
    own = [name for name in imported_names(parsed(file)) if name.partition(".")[0] == "planwise"]
    assert all(name == "planwise.api" or name.startswith("planwise.api.") for name in own)


def test_the_kinds_are_all_the_hooks() -> None:
    marked = {
        name
        for name, value in vars(hookspecs).items()
        if hasattr(value, f"{hookspecs.PROJECT}_spec")
    }
    assert marked == set(hookspecs.KINDS)
    assert all(word in (hookspecs.__doc__ or "") for word in ("notify", "collect", "choose"))


def test_the_api_offers_what_the_hooks_speak_of() -> None:
    """A plugin's author needs no other import to annotate any hook."""
    assert sorted(api.__all__) == sorted(set(api.__all__))
    spoken: set[str] = set()
    for name in hookspecs.KINDS:
        signature = inspect.signature(getattr(hookspecs, name))
        texts = [str(each.annotation) for each in signature.parameters.values()]
        spoken |= set(re.findall(r"[A-Z]\w+", " ".join([*texts, str(signature.return_annotation)])))
    assert spoken - {"Any", "Mapping", "Sequence", "None"} <= set(api.__all__)


def test_every_error_for_users_has_one_root() -> None:
    classes = [value for value in vars(errors).values() if inspect.isclass(value)]
    found = [each for each in classes if each.__module__ == "planwise.errors"]
    assert len(found) > 10
    assert all(issubclass(each, errors.PlanwiseError) for each in found)
    # 0 is for one that is no failure: there was nothing to do.
    assert {each.exit_code for each in found} == {0, 1, 2}


def test_every_value_that_crosses_a_hook_is_frozen() -> None:
    import attrs

    values = importlib.import_module("planwise.values")
    classes = [each for each in vars(values).values() if inspect.isclass(each)]
    own = [each for each in classes if each.__module__ == "planwise.values"]
    assert len(own) > 10
    for each in own:
        assert attrs.has(each)
        assert each.__setattr__ is not object.__setattr__, f"{each.__name__} can be changed"
