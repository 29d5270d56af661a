"""The arm ``in-process``: dbt in one process, as a careful user would write it by hand.

``python -m planwise.bench.in_process JSON`` writes the inputs, parses the project once, and lets
dbt build the foundation and each year with that manifest.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from planwise.project.dbt_worker import reset_compile_state


def main(argument: str) -> int:
    """Run the arm; the argument is the JSON that planwise/bench/arms.py makes."""
    words = json.loads(argument)
    start = time.perf_counter()
    _write_inputs(words)
    from dbt.cli.main import dbtRunner

    first = words["years"][0]
    manifest = _invoke(dbtRunner(), ["parse"], words, first).result
    threads = ["--threads", str(words["threads"])]
    runner = dbtRunner(manifest)
    _invoke(runner, ["seed", *threads], words, first)
    reset_compile_state(manifest)
    _invoke(runner, ["run", "--select", "+tag:foundation", *threads], words, first)
    ends = [time.perf_counter()]
    for year in words["years"]:
        reset_compile_state(manifest)
        refresh = ["--full-refresh"] if year == first else []
        command = ["run", "--exclude", "+tag:foundation", *threads, *refresh]
        _invoke(runner, command, words, year)
        ends.append(time.perf_counter())
    results = {
        "foundation": {"wall_s": ends[0] - start},
        "year_phases": [
            {"year": year, "wall_s": end - begin}
            for year, begin, end in zip(words["years"], ends, ends[1:], strict=False)
        ],
    }
    Path(words["results"]).write_text(json.dumps(results), encoding="utf-8")
    return 0


def _write_inputs(words: dict[str, Any]) -> None:
    import datetime

    from planwise.config import load_config, load_scenarios
    from planwise.inputs import load_inputs
    from planwise.warehouse.opening import connect

    date = words["census_date"]
    base = load_config(Path(words["config"]) if words["config"] else None)
    configs = [
        config.with_overrides(
            years=words["years"],
            census_file=Path(words["census"]),
            census_date=datetime.date.fromisoformat(date) if date else None,
        )
        for config in load_scenarios(base, words["scenarios"])
    ]
    with connect(Path(words["database"])) as connection:
        load_inputs(connection, configs, Path(words["project"]), Path(words["folder"]))


def _invoke(runner: Any, command: list[str], words: dict[str, Any], year: int) -> Any:
    folder = Path(words["folder"])
    done = runner.invoke(
        [
            *command,
            *("--project-dir", words["project"], "--profiles-dir", words["profiles"]),
            *("--target-path", str(folder / "target"), "--log-path", str(folder / "logs")),
            *("--vars", json.dumps({"simulation_year": year}), "--quiet", "--no-write-json"),
        ]
    )
    if not done.success:
        raise SystemExit(f"dbt failed: {' '.join(command)}: {done.exception or done.result}")
    return done


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
