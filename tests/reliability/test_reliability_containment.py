"""Whatever is wrong with a plugin ends the run with its name, or is done without on request.

Each plugin is a distribution on disk, as an installer leaves it, on the path of a process.
"""

from __future__ import annotations

import html
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import pytest
from forking import Ended, Forks
from killing import digests_of, environment, only_line
from misbehaving import stat_of

from planwise.run_files import RunFiles
from planwise.run_record import read_account

LIMIT_S = 1.5
_HOOK = """
    class Plugin:
        planwise_api = "0.1"

        @hookimpl
        def {0}:
            {1}
    """
ONE_MODEL_A_BATCH = "return BatchPlan([Batch([each]) for each in order(request.nodes)])"
ORDER = """
    def order(nodes):
        done = []
        while len(done) < len(nodes):
            done += [key for key, node in sorted(nodes.items()) if key not in done
                     and all(each in done or each not in nodes for each in node.depends_on)]
        return done
    """


def hook(signature: str, body: str, *, before: str = "") -> str:
    return textwrap.dedent(before) + textwrap.dedent(_HOOK).format(signature, body)


@attrs.frozen
class Case:
    """Something that is wrong with a plugin.

    Attributes:
        source: its module, after an import of the API.
        says: what a run says of it.
        hook: which hook is named; None where none is to blame.
        mend: what is said to do.
        warn: what comes of a run with ``--plugin-errors=warn``: it goes on ``without`` the plugin,
            or ``ends``.
        finds: what the doctor says; None for what it cannot see.
        flags: of the run.
        looked_at: the plugins that the doctor is asked for; the others take their time.
        others: further plugins, by distribution: the entry point's name and the source.
    """

    source: str
    says: str
    hook: str | None = None
    mend: str = "--no-mine"
    warn: str = "without"
    finds: str | None = ""
    flags: tuple[str, ...] = ()
    looked_at: tuple[str, ...] = ("mine",)
    others: Mapping[str, tuple[str, str]] = attrs.field(factory=dict)

    @property
    def found(self) -> str | None:
        return self.says if self.finds == "" else self.finds


METRIC = "record_metric(self, metric)"
PLAN = "plan_batches(self, request)"
OWN_BATCHER = ("--no-batching",)
SLEEPS = "import time; time.sleep(1000)"
RESTORES = """
        @hookimpl
        def restore_state(self, state, limit_bytes):
            return None
    """
CASES = {
    "import error": Case("import no_such_library", "No module named 'no_such_library'"),
    "exit at import": Case("raise SystemExit(0)", "SystemExit"),
    "a name that the API lacks": Case(
        "from planwise.api import TimeMachine", "the plugin may be built for another one"
    ),
    "exception in a hook": Case(
        hook(METRIC, "raise RuntimeError('broken')"), "RuntimeError: broken", "record_metric"
    ),
    "exception in add_options": Case(
        hook("add_options(self)", "return 1 / 0"), "ZeroDivisionError", "add_options"
    ),
    "exception where a result depends on it": Case(
        hook("execute_batch(self, request)", "raise RuntimeError('broken')"),
        "RuntimeError: broken",
        "execute_batch",
        warn="ends",
        finds=None,
        flags=("--no-precompile",),
    ),
    "wrong type": Case(
        hook(PLAN, "return ['a', 'list']"), "expected a BatchPlan", "plan_batches",
        flags=OWN_BATCHER,
    ),
    "missing answer": Case(
        hook(PLAN, "pass"), "got None, which is no answer", "plan_batches", flags=OWN_BATCHER
    ),
    "missing answer for a state": Case(
        hook("compress_state(self, state)", "pass") + textwrap.indent(
            textwrap.dedent(RESTORES), "    "
        ),
        "got None, which is no answer",
        "compress_state",
        warn="ends",
        flags=("--no-compression",),
    ),
    "hang that sleeps": Case(
        hook(METRIC, SLEEPS), f"has not answered within {LIMIT_S:g} s", "record_metric",
        finds="hangs when it is called",
    ),
    "hang that waits for a lock": Case(
        hook(METRIC, "import threading; threading.Event().wait()"),
        f"has not answered within {LIMIT_S:g} s",
        "record_metric",
        finds="hangs when it is called",
    ),
    "hang that computes": Case(
        hook(PLAN, "while True: pass"), f"has not answered within {LIMIT_S:g} s", "plan_batches",
        finds="hangs when it is called", flags=OWN_BATCHER,
    ),
    "hang at import": Case(
        SLEEPS, f"cannot be loaded: it takes more than {LIMIT_S:g} s",
        finds="hangs while it is loaded",
    ),
    "changed arguments": Case(
        hook(PLAN, "request.nodes.clear()"), "read-only: change a copy", "plan_batches",
        flags=OWN_BATCHER,
    ),
    "changed options": Case(
        hook("configure(self, options)", "options['a'] = 1"), "read-only", "configure"
    ),
    "changed summary": Case(
        hook("report_section(self, summary)", "summary.years.append(1)"), "AttributeError",
        "report_section",
    ),
    "two providers of a choose-hook": Case(
        hook(PLAN, ONE_MODEL_A_BATCH, before=ORDER), "only one may", "plan_batches",
        mend="--no-batching or --no-mine", warn="ends", looked_at=(),
    ),
    "a name clash": Case(
        hook(METRIC, "pass"), "the name is offered by", mend="uninstall", warn="ends",
        others={"other-dist": ("mine", hook(METRIC, "pass"))},
    ),
    "a reserved name": Case(
        hook(METRIC, "pass"), "--years is a flag of planwise",
        mend="another entry-point name", warn="ends", looked_at=("years",),
        others={"mine-dist": ("years", hook(METRIC, "pass"))},
    ),
    "built for another API version": Case(
        hook(METRIC, "pass").replace('"0.1"', '"7.3"'),
        "built for API 7.3, and this planwise offers 0.1: upgrade planwise",
    ),
    "built for an API version that is none": Case(
        hook(METRIC, "pass").replace('"0.1"', "3"), "is no version of the API"
    ),
    "a misspelt hook": Case(hook("record_metrics(self, metric)", "pass"), "record_metrics"),
    "an async hook": Case(
        hook(METRIC, "pass").replace("def record", "async def record"),
        "without 'async' and 'yield'", "record_metric",
    ),
}  # fmt: skip


def install(site: Path, distribution: str, name: str, source: str) -> None:
    """A module and the folder that an installer describes it in."""
    module = distribution.replace("-", "_")
    text = "from planwise.api import *\nfrom planwise.api import hookimpl\n"
    site.mkdir(parents=True, exist_ok=True)
    (site / f"{module}.py").write_text(text + textwrap.dedent(source))
    info = site / f"{module}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(f"[planwise.plugins]\n{name} = {module}:Plugin\n")


@attrs.frozen
class Prepared:
    """What all cases share.

    Attributes:
        folder: where configuration and census are.
        sites: a folder of distributions for each case.
        forks: what runs commands.
        earlier: a result that is there before.
    """

    folder: Path
    sites: Path
    forks: Forks
    earlier: Path

    def run(self, site: str, *words: str) -> Ended:
        """A process for which the distributions of a case are installed."""
        path = [str(self.sites / site), *filter(None, [os.environ.get("PYTHONPATH")])]
        before = f"import sys; sys.path.insert(0, {path[0]!r})"
        return self.forks.run(
            words,
            before=before,
            PYTHONPATH=os.pathsep.join(path),
            PLANWISE_CACHE_DIR=str(self.folder / "cache"),
        )

    def simulate(self, site: str, *more: str, database: Path | None = None) -> Ended:
        words = ["--census", str(self.folder / "census.csv"), "--database"]
        words += [str(database or self.earlier), "--config", str(self.folder / "config.yaml")]
        return self.run(site, "simulate", *words, *more)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    folder = tmp_path_factory.mktemp("contained").resolve()
    (folder / "config.yaml").write_text(
        "simulation: {start_year: 2025, end_year: 2025}\n"
        f"performance: {{plugin_time_limit_s: {LIMIT_S}}}\n"
    )
    for key, case in CASES.items():
        install(folder / "sites" / key, "mine-dist", "mine", case.source) if not any(
            each == "mine-dist" for each in case.others
        ) else None
        for distribution, (name, source) in case.others.items():
            install(folder / "sites" / key, distribution, name, source)
    (folder / "sites" / "none").mkdir()
    with Forks(folder / "forks") as forks:
        found = Prepared(folder, folder / "sites", forks, folder / "earlier" / "simulation.duckdb")
        made = found.run(
            "none", "census", "generate", "--employees", "60",
            "--output", str(folder / "census.csv"),
        )  # fmt: skip
        assert made.code == 0, made.said
        ended = found.simulate("none")
        assert ended.code == 0, ended.said
        yield found


def blamed(case: Case, line: str, *, says: str | None = None) -> None:
    """A line names the plugin, its distribution, the hook, what happened and what to do."""
    assert "plugin '" in line, line
    assert "-dist 1.2" in line, line
    assert (says or case.says) in line, line
    assert case.hook is None or f"hook '{case.hook}'" in line, line
    assert "bug in planwise" not in line, line


@pytest.mark.parametrize("key", CASES)
def test_a_run_ends_and_says_who_and_what_to_do(prepared: Prepared, key: str) -> None:
    case, before = CASES[key], stat_of(prepared.earlier)
    ended = prepared.simulate(key, *case.flags)
    assert ended.code == 1, ended.said
    line = only_line(ended.errors)
    blamed(case, line)
    assert case.mend in line, line
    assert stat_of(prepared.earlier) == before


WITHOUT = [key for key, case in CASES.items() if case.warn == "without"]


@pytest.mark.parametrize("key", [key for key in CASES if key not in WITHOUT])
def test_a_failure_that_a_result_may_depend_on_ends_the_run_in_any_case(
    prepared: Prepared, key: str
) -> None:
    case, before = CASES[key], stat_of(prepared.earlier)
    ended = prepared.simulate(key, *case.flags, "--plugin-errors=warn")
    assert ended.code == 1, ended.said
    blamed(case, only_line(ended.errors))
    assert stat_of(prepared.earlier) == before


@pytest.mark.parametrize("key", WITHOUT)
def test_a_run_goes_on_without_and_says_so(prepared: Prepared, key: str, tmp_path: Path) -> None:
    case, database, results = CASES[key], tmp_path / "a.duckdb", tmp_path / "results.json"
    ended = prepared.simulate(
        key, *case.flags, "--plugin-errors=warn", "--output", str(results), database=database
    )
    assert ended.code == 0, ended.said
    line = only_line(ended.errors)
    assert line.startswith("planwise: warning: ")
    assert "the run goes on" in line
    blamed(case, line)
    assert line.removeprefix("planwise: ") in ended.output.splitlines()
    (failure,) = json.loads(results.read_text())["plugin_failures"]
    assert (failure["plugin"], failure["distribution"]) == ("mine", "mine-dist 1.2")
    assert failure["hook"] == case.hook
    assert case.says in failure["problem"]
    kept = read_account(RunFiles(database).work)
    assert kept.details is not None
    assert [attrs.asdict(each) for each in kept.details.plugin_failures] == [failure]
    assert digests_of(database) == digests_of(prepared.earlier)


def test_the_page_of_a_run_says_what_it_went_on_without(prepared: Prepared, tmp_path: Path) -> None:
    key, database, page = WITHOUT[0], tmp_path / "a.duckdb", tmp_path / "page.html"
    flags = CASES[key].flags
    ended = prepared.simulate(key, *flags, "--plugin-errors=warn", database=database)
    assert ended.code == 0, ended.said
    written = prepared.run(key, "report", str(database), "--output", str(page))
    assert written.code == 0, written.said
    text = page.read_text(encoding="utf-8")
    assert "the run went on" in text
    assert text.count("<bdi>mine-dist 1.2</bdi>") == 1
    assert CASES[key].says in html.unescape(text)


@pytest.mark.parametrize("key", [key for key, case in CASES.items() if case.finds is not None])
def test_the_doctor_finds_it_without_a_run(prepared: Prepared, key: str) -> None:
    case = CASES[key]
    ended = prepared.run(key, "plugins", "doctor", *case.looked_at, "--time-limit", str(LIMIT_S))
    assert ended.code == 1, ended.said
    assert ended.errors == ""
    wrong = [line for line in ended.output.splitlines() if line.startswith("FAIL")]
    assert wrong, ended.output
    for line in wrong:
        blamed(case, line, says=case.found)


def test_the_doctor_finds_nothing_wrong_with_what_is_well(prepared: Prepared) -> None:
    ended = prepared.run("none", "plugins", "doctor", "--json")
    assert ended.code == 0, ended.said
    found = json.loads(ended.output)
    assert found["ok"]
    assert found["problems"] == []
    assert {"batching", "compression", "precompile"} <= {each["name"] for each in found["plugins"]}
    assert all(each["api"] == "0.1" for each in found["plugins"] if each["hooks"])
    assert not any(each["problems"] for each in found["plugins"])


# A plugin that prints: not an error of a run, and not mixed with what planwise prints.

PRINTS = """
    print("at import")

    class Plugin:
        planwise_api = "0.1"

        @hookimpl
        def add_options(self):
            print("two words", end="")
            print(" and more")
            return []

        @hookimpl
        def record_metric(self, metric):
            if metric.kind == "run":
                print("a run")
    """


def test_what_a_plugin_prints_goes_to_standard_error_with_its_name(
    prepared: Prepared, tmp_path: Path
) -> None:
    install(prepared.sites / "prints", "mine-dist", "mine", PRINTS)
    listed = prepared.run("prints", "plugins", "--json")
    assert listed.code == 0, listed.said
    assert "mine" in {each["name"] for each in json.loads(listed.output)}
    whose = "planwise: plugin 'mine' (from mine-dist 1.2)"
    assert listed.errors == f"{whose}, prints: at import\n"
    ended = prepared.simulate("prints", database=tmp_path / "a.duckdb")
    assert ended.code == 0, ended.said
    assert ended.errors.splitlines() == [
        f"{whose}, prints: at import",
        f"{whose}, hook 'add_options', prints: two words and more",
        f"{whose}, hook 'record_metric', prints: a run",
    ]
    assert "at import" not in ended.output
    doctor = prepared.run("prints", "plugins", "doctor", "mine")
    assert doctor.code == 1, doctor.said
    wrong = [line for line in doctor.output.splitlines() if line.startswith("FAIL")]
    assert len(wrong) == 3, doctor.output  # at import, and in two hooks
    assert all("prints to standard output" in line and whose[10:] in line for line in wrong)


DECIMAL = """
    class Plugin:
        planwise_api = "0.1"

        @hookimpl
        def add_options(self):
            return [PluginOption("share", 0.5, "a share", float)]
    """


@pytest.mark.parametrize(
    ("share", "code", "says"),
    [("0.25", 0, "ok "), ("half", 1, "expected a number, got 'half'")],
)
def test_the_doctor_reads_options_that_the_configuration_gives(
    prepared: Prepared, tmp_path: Path, share: str, code: int, says: str
) -> None:
    install(prepared.sites / tmp_path.name, "mine-dist", "mine", DECIMAL)
    config = tmp_path / "config.yaml"
    config.write_text(f"plugins: {{mine: {{share: {share}}}}}\n")
    ended = prepared.run(tmp_path.name, "plugins", "doctor", "mine", "--config", str(config))
    assert ended.code == code, ended.said
    assert says in ended.output


INTERRUPTS = """
    class Plugin:
        planwise_api = "0.1"

        @hookimpl
        def record_metric(self, metric):
            raise KeyboardInterrupt
    """


def test_the_doctor_blames_a_plugin_for_an_interrupt_of_its_own(
    prepared: Prepared, tmp_path: Path
) -> None:
    install(prepared.sites / tmp_path.name, "mine-dist", "mine", INTERRUPTS)
    ended = prepared.run(tmp_path.name, "plugins", "doctor", "mine")
    assert ended.code == 1, ended.said
    assert "hook 'record_metric': raised KeyboardInterrupt; switch it off" in ended.output


ENDLESS = """
    class Plugin:
        planwise_api = "0.1"

        @hookimpl
        def record_metric(self, metric):
            while True:
                print("x" * 1_000_000)
    """


def test_the_doctor_does_not_fill_the_disk_with_what_a_plugin_prints(
    prepared: Prepared, tmp_path: Path
) -> None:
    install(prepared.sites / tmp_path.name, "mine-dist", "mine", ENDLESS)
    ended = prepared.run(tmp_path.name, "plugins", "doctor", "mine")
    assert ended.code == 1, ended.said
    problems = [line for line in ended.output.splitlines() if line.startswith("FAIL")]
    assert len(problems) == 2, ended.output
    assert "File too large" in problems[0]
    assert "prints to standard output" in problems[1]


# Hangs that no exception ends, and time in which the process did not run.

STUBBORN = """
    import time

    class Plugin:
        @hookimpl
        def record_metric(self, metric):
            while True:
                try:
                    time.sleep(1000)
                except BaseException:
                    pass
    """
IN_A_THREAD = """
    import time

    class Plugin:
        @hookimpl
        def compress_state(self, state):
            {0}

        @hookimpl
        def restore_state(self, state, limit_bytes):
            return None
    """


@pytest.mark.parametrize(
    ("source", "hook", "flags", "says"),
    [
        (STUBBORN, "record_metric", (), "does not end when it is interrupted"),
        (
            IN_A_THREAD.format("time.sleep(1000)"),
            "compress_state",
            ("--no-compression",),
            "does not end when it is interrupted",
        ),
        (
            IN_A_THREAD.format("while True: pass"),
            "compress_state",
            ("--no-compression",),
            "has not answered within",
        ),
    ],
    ids=["passes over it", "sleeps in a thread", "computes in a thread"],
)
def test_a_hang_ends_wherever_it_is(
    prepared: Prepared, source: str, hook: str, flags: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    install(prepared.sites / tmp_path.name, "mine-dist", "mine", source)
    before = stat_of(prepared.earlier)
    ended = prepared.simulate(tmp_path.name, *flags)
    assert ended.code == 1, ended.said
    line = only_line(ended.errors)
    assert f"plugin 'mine' (from mine-dist 1.2), hook '{hook}'" in line
    assert says in line
    assert "--no-mine" in line
    assert stat_of(prepared.earlier) == before
    # What was finished is kept: the year was committed where its state was being stored.
    resumed = prepared.simulate(tmp_path.name, "--no-mine", "--resume")
    assert resumed.code == 0, resumed.said


def test_planwise_says_it_in_a_fresh_process_too(prepared: Prepared) -> None:
    """As a user starts it: with the distribution on PYTHONPATH, and nothing imported before."""
    path = [str(prepared.sites / "a name clash"), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-m", "planwise.cli.main", "plugins", "--json", "doctor"],
        env={**environment(), "PYTHONPATH": os.pathsep.join(path)},
        capture_output=True,
        text=True,
        cwd=prepared.folder,
    )
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    clashing = [each for each in found["plugins"] if each["name"] == "mine"]
    assert {each["distribution"] for each in clashing} == {"mine-dist 1.2", "other-dist 1.2"}
    assert all(each["problems"] for each in clashing)
    assert found["ok"] is False
