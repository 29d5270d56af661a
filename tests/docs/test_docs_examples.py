"""What the documents say is what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from planwise import hookspecs

ROOT = Path(__file__).parents[2]


def python_blocks(document: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `make run` leaves a checkout: the project, a (small) census, its result."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "dbt").symlink_to(ROOT / "dbt")
    (folder / "output").mkdir()
    for words in (
        ["census", "generate", "--employees", "60", "--output", "output/census.csv"],
        ["simulate", "--census", "output/census.csv", "--years", "2025"],
    ):
        command = [sys.executable, "-m", "planwise.cli.main", *words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("number", range(2))
def test_the_python_of_the_readme_runs(checkout: Path, number: int) -> None:
    blocks = python_blocks("README.md")
    assert len(blocks) == 2
    done = subprocess.run(
        [sys.executable, "-c", blocks[number]], cwd=checkout, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_hooks_of_the_architecture_are_those_of_the_code() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)`(?:, `(\w+)`)? \| (\w+)", text, flags=re.MULTILINE)
    documented = {name: kind for *names, kind in rows for name in names if name}
    assert documented == hookspecs.KINDS


def test_every_link_between_the_documents_leads_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    assert len(documents) > 8
    for document in documents:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
