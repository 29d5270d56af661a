"""Many installed plugins that are off: none is imported, and none costs more than its name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from kernel_distributions import Site

MANY = 50
# Tells at the end what the process imported and which files of the metadata it opened.
PROGRAM = """
import json, os, sys
opened = []
sys.addaudithook(lambda event, args: event == "open" and opened.append(str(args[0])))
from planwise.cli.main import main
code = main(sys.argv[2:])
found = {
    "modules": sorted(sys.modules),
    "metadata": [file for file in opened if os.path.basename(file) == "METADATA"],
    "entry_points": [file for file in opened if os.path.basename(file) == "entry_points.txt"],
}
open(sys.argv[1], "w").write(json.dumps(found))
sys.exit(code)
"""


@pytest.fixture
def many(site: Site) -> Site:
    """Plugins that would end the process if they were imported; a configuration with all off."""
    for number in range(MANY):
        site.add(f"off-{number}", "import os\nos.write(2, b'imported')\nos._exit(99)")
    off = "".join(f"  off-{number}: {{enabled: false}}\n" for number in range(MANY))
    census = "census: {synthetic: {employees: 20}}\n"
    (site.folder / "off.yaml").write_text(f"{census}plugins:\n{off}")
    (site.folder / "none.yaml").write_text(census)
    return site


def run(folder: Path, plugins: Path | None, *words: str) -> dict[str, list[str]]:
    path = [str(plugins)] if plugins else []
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder / "found.json"), *words],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([*path, os.environ.get("PYTHONPATH", "")])},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "imported" not in done.stderr
    return dict(json.loads((folder / "found.json").read_text()))


@pytest.mark.parametrize(
    "words",
    [
        ("plugins",),
        ("validate", "--config", "CONFIG", "--years", "2025"),
        ("simulate", "--config", "CONFIG", "--years", "2025", "--dry-run"),
    ],
    ids=lambda words: words[0],
)
def test_no_plugin_that_is_off_is_imported(
    many: Site, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "config").mkdir()
    for name in ("off", "none"):
        text = (many.folder / f"{name}.yaml").read_text()
        (tmp_path / f"{name}.yaml").write_text(text)
    given = {name: [w.replace("CONFIG", f"{name}.yaml") for w in words] for name in ("off", "none")}
    if words == ("plugins",):
        given = {name: [*words, "--config", f"{name}.yaml"] for name in given}
    with_many = run(tmp_path, many.folder, *given["off"])
    without = run(tmp_path, None, *given["none"])
    assert with_many["modules"] == without["modules"]


def test_a_plugin_costs_no_more_than_its_name(many: Site, tmp_path: Path) -> None:
    """To start, its entry points are read, once, and not what else there is of its metadata."""
    found = run(
        tmp_path, many.folder, "census", "generate", "--employees", "20", "--output", "c.csv"
    )
    own = [file for file in found["metadata"] if str(many.folder) in file]
    assert own == []
    read = [file for file in found["entry_points"] if str(many.folder) in file]
    assert len(read) == len(set(read)) == MANY
