"""Runs of the corpus: by plain dbt, in processes beside the tests, and by planwise.

With ``PLANWISE_CORPUS_REFERENCES`` set to a folder, what plain dbt gave is kept there from one
session to the next, by everything that it depends on.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import yaml
from attrs import frozen
from corpus import FOUNDATION, STEP, YEARS, CorpusProject, Edit, Value
from database_contents import Contents, contents, unstable_columns
from project_runs import PROJECTS

PLANWISE = Path(sys.executable).with_name("planwise")
KEPT = "PLANWISE_CORPUS_REFERENCES"
QUIET = ("--quiet", "--no-write-json", "--log-level-file", "none", "--no-use-colors")
KINDS = tuple(part for kind in ("model", "seed", "snapshot") for part in ("--resource-type", kind))
NO_EDIT = Edit("none", "model", years=YEARS)


def run_planwise(
    project_dir: Path,
    database: Path,
    cache_dir: Path,
    years: Sequence[int],
    vars_file: Path | None = None,
    env: Mapping[str, str] | None = None,
    *flags: str,
) -> subprocess.CompletedProcess[str]:
    """One run of planwise, in a process of its own, in the database that the profile names.

    Args:
        project_dir: the dbt project, and its profile.
        database: the database, that may be there already.
        cache_dir: the caches, of this run and of later ones.
        years: consecutive years.
        vars_file: vars beside the year.
        env: variables of the environment.
        flags: more flags.
    """
    command = [str(PLANWISE), "simulate", "--dbt-project", str(project_dir)]
    command += ["--profiles-dir", str(project_dir), "--step-var", STEP]
    command += ["--years", f"{years[0]}-{years[-1]}" if len(years) > 1 else str(years[0])]
    command += ["--database", str(database), "--cache-dir", str(cache_dir)]
    if vars_file is not None:
        command += ["--vars", str(vars_file)]
    outside = os.environ | {"PROJECT_DATABASE": str(database)} | dict(env or {})
    return subprocess.run(
        [*command, *flags], env=outside, cwd=database.parent, capture_output=True, text=True
    )


def in_one_line(text: str) -> str:
    """Text as one line, so that a message is found however it is broken."""
    return " ".join(text.split())


def lay_out(project: CorpusProject, folder: Path) -> Path:
    """Copy or generate a project; gives its folder."""
    target = folder / "project"
    if project.generate is None:
        shutil.copytree(PROJECTS / project.name, target)
    else:
        target.mkdir(parents=True)
        project.generate(target)
    return target


def lay_ground(database: Path, sql: str) -> None:
    """Write what is in the database before the run."""
    database.parent.mkdir(parents=True, exist_ok=True)
    if sql:
        connection = duckdb.connect(str(database))
        try:
            connection.execute(sql)
        finally:
            connection.close()


def environment(project: CorpusProject, edit: Edit, folder: Path) -> dict[str, str]:
    """Variables for a run, and the folder of its external files."""
    files = folder / "files"
    files.mkdir(parents=True, exist_ok=True)
    return {"CORPUS_FILES": str(files), **project.env, **edit.env}


@frozen
class Reference:
    """What plain dbt gave.

    Attributes:
        folder: where it ran.
        project: the project.
        years: the years that were asked for.
        codes: exit code of each command; the last is not 0 if one failed.
        cpu_s: processor time of the commands.
    """

    folder: Path
    project: CorpusProject
    years: tuple[int, ...]
    codes: tuple[int, ...]
    cpu_s: float

    @property
    def succeeded(self) -> bool:
        return not any(self.codes)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    def after(self, year: int) -> Contents:
        """The database after a year."""
        return contents(self.folder / "kept" / str(year) / self.project.database)

    def last(self) -> Contents:
        """The database after the last year."""
        assert self.succeeded, self.log
        return self.after(self.years[-1])


def plain_steps(
    project: CorpusProject, edit: Edit, folder: Path, laid_out: Path, years: Sequence[int]
) -> list[dict[str, Any]]:
    """dbt's command lines: packages, the foundation, each year, the first as a full refresh."""
    steps: list[dict[str, Any]] = []

    def add(command: str, arguments: Sequence[str], year: int, keep: bool = False) -> None:
        variables = {STEP: year, **project.vars, **edit.vars}
        common = ["--project-dir", str(laid_out), "--profiles-dir", str(laid_out)]
        common += ["--log-path", str(folder / "logs"), *QUIET, "--vars", json.dumps(variables)]
        if edit.target is not None:
            common += ["--target", edit.target]
        if command != "deps":
            common += ["--target-path", str(folder / f"target{len(steps)}")]
        kept = str(folder / "kept" / str(year)) if keep else None
        steps.append({"arguments": [command, *common, *arguments], "keep": kept})

    if (laid_out / "packages.yml").exists():
        add("deps", (), years[0])
    foundation = FOUNDATION.split()
    if project.foundation:
        add("build", [*KINDS, "--full-refresh", "--select", *foundation], years[0])
    for year in years:
        chosen = ["--full-refresh"] if year == years[0] else []
        if project.select is not None:
            chosen += ["--select", *project.select.split()]
        if project.foundation:
            chosen += ["--exclude", *foundation]
        add("build", [*KINDS, *chosen], year, keep=True)
    return steps


class References:
    """Plain dbt on projects of the corpus, in processes beside the tests.

    Args:
        folder: where everything is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: dict[str, tuple[CorpusProject, tuple[int, ...]]] = {}
        self._done: dict[str, Reference] = {}
        self._process: subprocess.Popen[str] | None = None

    def submit(self, project: CorpusProject, edit: Edit = NO_EDIT, number: int = 0) -> str:
        """Have a project run by plain dbt; gives the key to ask for it with.

        Args:
            project: a project of the corpus.
            edit: what is changed before.
            number: several runs of the same have different numbers.
        """
        key = f"{project.name}-{edit.name}-{number}"
        if key in self._waiting or key in self._done:
            return key
        sketch = self._folder / "sketch" / key
        laid_out = lay_out(project, sketch)
        edit.apply(laid_out)
        folder = Path(os.environ.get(KEPT) or self._folder) / _fingerprint(
            laid_out, project, edit, key
        )
        self._waiting[key] = (project, edit.years)
        if (folder / "done.json").exists():
            self._finish(key, folder, json.loads((folder / "done.json").read_text()))
            return key
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        laid_out = laid_out.rename(folder / "project")
        database = folder / project.database
        lay_ground(database, project.before + edit.before)
        job = {
            "key": key,
            "log": str(folder / "log"),
            "database": str(database),
            "environment": {
                "PROJECT_DATABASE": str(database),
                "DO_NOT_TRACK": "1",
                "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
                **environment(project, edit, folder),
            },
            "steps": plain_steps(project, edit, folder, laid_out, edit.years),
        }
        (folder / "log").touch()
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        pipe = self._started().stdin
        assert pipe is not None
        pipe.write(f"{folder / 'job.json'}\n")
        pipe.flush()
        return key

    def get(self, project: CorpusProject, edit: Edit = NO_EDIT, number: int = 0) -> Reference:
        """Wait for a run by plain dbt."""
        key = self.submit(project, edit, number)
        while key not in self._done:
            pipe = self._started().stdout
            assert pipe is not None
            line = pipe.readline()
            assert line, "plain dbt ended early"
            answer = json.loads(line)
            folder = Path(answer["folder"])
            (folder / "done.json").write_text(json.dumps(answer), encoding="utf-8")
            self._finish(answer["key"], folder, answer)
        return self._done[key]

    def unstable(self, project: CorpusProject) -> set[str]:
        """Columns that differ between two runs of plain dbt, after any of the years."""
        first, second = self.get(project), self.get(project, number=1)
        years = [
            year for year in first.years if project.fails_in is None or year < project.fails_in
        ]
        return set().union(
            *(unstable_columns(first.after(year), second.after(year)) for year in years)
        )

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("corpus_worker.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        return self._process

    def _finish(self, key: str, folder: Path, answer: Mapping[str, Any]) -> None:
        project, years = self._waiting.pop(key)
        codes = tuple(answer["codes"])
        self._done[key] = Reference(folder, project, years, codes, float(answer["cpu_s"]))


def _fingerprint(laid_out: Path, project: CorpusProject, edit: Edit, key: str) -> str:
    """Everything that a run of plain dbt depends on, and the run's number."""
    versions = [importlib.metadata.version(n) for n in ("dbt-core", "dbt-duckdb", "duckdb")]
    files = sorted(path for path in laid_out.rglob("*") if path.is_file())
    texts = [(str(p.relative_to(laid_out)), p.read_bytes()) for p in files]
    here = [Path(__file__).read_bytes(), Path(__file__).with_name("corpus_worker.py").read_bytes()]
    parts = (
        (key, versions, texts, here, project.foundation, project.select, project.before),
        (project.database, edit.before, edit.years, edit.target),
        sorted({**project.vars, **edit.vars}.items()),
        sorted({**project.env, **edit.env}.items()),
    )
    return f"{key}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}"


class Workspace:
    """A project as planwise finds it: one copy, whose caches get warm with the first run.

    Args:
        project: a project of the corpus.
        folder: where everything is written.
    """

    def __init__(self, project: CorpusProject, folder: Path) -> None:
        self.project = project
        self._folder = folder
        self._cache = folder / "cache"
        self._laid_out = lay_out(project, folder)
        self._runs = 0
        if (self._laid_out / "packages.yml").exists():
            self._install()
        shutil.copytree(self._laid_out, folder / "pristine", symlinks=True)
        self.cold = self.run()

    def run(
        self, years: Sequence[int] = YEARS, edit: Edit = NO_EDIT, *flags: str
    ) -> tuple[subprocess.CompletedProcess[str], Path]:
        """Run in a database of its own; gives what came of the process, and the database."""
        self._runs += 1
        folder = self._folder / f"run{self._runs}"
        database = folder / self.project.database
        lay_ground(database, self.project.before + edit.before)
        variables: dict[str, Value] = {**self.project.vars, **edit.vars}
        file = folder / "vars.yaml" if variables else None
        if file is not None:
            file.write_text(yaml.safe_dump(variables), encoding="utf-8")
        more = [*flags]
        if self.project.select is not None:
            more += ["--select", self.project.select]
        if edit.target is not None:
            more += ["--target", edit.target]
        env = environment(self.project, edit, folder)
        done = run_planwise(self._laid_out, database, self._cache, years, file, env, *more)
        return done, database

    def run_edited(
        self, edit: Edit, *, forget: bool = True
    ) -> tuple[subprocess.CompletedProcess[str], Path]:
        """Run the edited project with warm caches, in place; then it is as it was before.

        Args:
            edit: what is changed.
            forget: whether the caches are put back too.
        """
        aside = self._folder / "cache.aside"
        if forget:
            shutil.copytree(self._cache, aside, symlinks=True)
        try:
            edit.apply(self._laid_out)
            return self.run(edit.years, edit)
        finally:
            shutil.rmtree(self._laid_out)
            shutil.copytree(self._folder / "pristine", self._laid_out, symlinks=True)
            if forget:
                shutil.rmtree(self._cache)
                aside.rename(self._cache)

    def _install(self) -> None:
        dbt = Path(sys.executable).with_name("dbt")
        paths = ["--project-dir", str(self._laid_out), "--profiles-dir", str(self._laid_out)]
        variables = json.dumps({STEP: YEARS[0], **self.project.vars})
        subprocess.run(
            [str(dbt), "deps", *paths, "--vars", variables, "--log-path", str(self._folder)],
            env=os.environ | {"PROJECT_DATABASE": ":memory:"},
            check=True,
            capture_output=True,
        )
