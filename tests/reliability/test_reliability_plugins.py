"""A plugin that misbehaves, in every hook and every way: it is named, or nothing comes of it.

A run that had finished its first year is gone on with by a plugin that does everything well but
one thing. Either the run ends with a line that names the plugin and the hook, and what was there
is as it was; or it succeeds with the tables of a clean run. At the end it is resumed without it.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from forking import Forks
from killing import digests_of, only_line
from misbehaving import (
    MOST_S,
    SIGNALS,
    WITHOUT,
    Case,
    Earlier,
    Prepared,
    check_blame,
    contents,
    forks_with_plugin,
    hangs_of,
    install,
    shares,
    signal_when_it_hangs,
    switches,
    ways_of,
)

from planwise import hookspecs

HOOKS = sorted(hookspecs.KINDS)
_AT_ONCE = 2
_NOT_ITS_FAULT_TO_NAME = {"calls os._exit": 7}
"""The process is gone before anybody could say a word; the exit code is the plugin's."""


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Forks]]:
    folder = tmp_path_factory.mktemp("plugins")
    install(folder / "site")
    with ExitStack() as stack:
        yield [
            stack.enter_context(forks_with_plugin(folder / str(number), folder / "site"))
            for number in range(_AT_ONCE)
        ]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, forks: list[Forks]) -> Prepared:
    folder = tmp_path_factory.mktemp("prepared").resolve()
    census, config = folder / "census.csv", folder / "config.yaml"
    config.write_text("simulation: {start_year: 2025, end_year: 2026}\n")
    made = forks[0].run(
        ["census", "generate", "--employees", "60", "--output", str(census)], MISBEHAVING="{}"
    )
    assert made.code == 0, made.said
    arguments = ["--census", str(census), "--config", str(config)]
    nothing = Prepared(folder, folder, arguments)
    clean = Case(nothing, folder / "clean", forks[0])
    ended = clean.run(*WITHOUT)
    assert ended.code == 0, ended.said
    # The plugin does everything well.
    good, calls = Case(nothing, folder / "good", forks[0]), folder / "calls"
    ended = good.run(*switches(), task={"calls": str(calls)})
    assert ended.code == 0, ended.said
    assert digests_of(good.database) == digests_of(clean.database)
    template = Case(nothing, folder / "template", forks[0])
    ended = template.run(*WITHOUT, "--years", "2025-2025")
    assert ended.code == 0, ended.said
    counted = Counter(calls.read_text().split())
    at = 1 + 3 * counted["execute_batch"] // 4
    check_blame(template.misbehave("execute_batch", "raises an Exception", at=at), "execute_batch")
    building = template.files.building_database
    return Prepared(
        folder=folder,
        template=template.folder,
        arguments=arguments,
        digests=digests_of(clean.database),
        rows=contents(clean.database),
        half=contents(building),
        calls=dict(counted),
    )


def _at_once(
    hook: str, ways: list[str], forks: list[Forks], act: Callable[[list[str], Forks], list[str]]
) -> None:
    """Some ways here and some there; fails with the name of each that went wrong."""
    parts = shares(ways, _AT_ONCE)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        wrong = [each for found in pool.map(act, parts, forks) for each in found]
    assert not wrong, f"{len(wrong)} of {len(ways)} of {hook}\n" + "\n\n".join(wrong)


def test_every_hook_is_asked(prepared: Prepared) -> None:
    assert sorted(prepared.calls) == HOOKS


def _go_on(case: Case, hook: str, how: str, earlier: Earlier) -> bool:
    """One case; gives whether the next one can go on with what it left."""
    ended = case.misbehave(hook, how, "--resume")
    if ended.code == 0:
        case.check_complete()
        return False
    if how in _NOT_ITS_FAULT_TO_NAME:
        assert ended.code == _NOT_ITS_FAULT_TO_NAME[how], ended.said
    else:
        loose = how.startswith("keeps ") or "exit code 0" in how
        check_blame(ended, None if loose else hook)
    return case.check_left(earlier) and case.files.building_database.exists()


@pytest.mark.slow
@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_misbehaves_is_named_or_changes_nothing(
    prepared: Prepared, forks: list[Forks], hook: str, tmp_path: Path
) -> None:
    def act(ways: list[str], own: Forks) -> list[str]:
        case, wrong = Case(prepared, tmp_path / str(id(ways)), own), []
        earlier = case.reset()
        for how in ways:
            try:
                again = _go_on(case, hook, how, earlier)
                # What one leaves, the next goes on with; at the end all have to come out well.
                # Both years finished, the hook may not be asked again, and they were compared.
                gone = not case.files.building_database.exists()
                if (gone or how == ways[-1]) and case.files.building.exists():
                    case.resume()
            except AssertionError as error:
                wrong.append(f"{hook} {how}: {error}")
                again = False
            if not again:
                earlier = case.reset()
        return wrong

    _at_once(hook, ways_of(hook), forks, act)


@pytest.mark.slow
def test_a_hook_that_fails_in_a_first_run_is_named(
    prepared: Prepared, forks: list[Forks], tmp_path: Path
) -> None:
    """Once most of it is done: between two years, as the last year ends, before the report."""

    def act(hooks: list[str], own: Forks) -> list[str]:
        wrong = []
        for hook in hooks:
            case = Case(prepared, tmp_path / hook, own)
            at = 1 + 3 * prepared.calls[hook] // 4
            try:
                check_blame(case.misbehave(hook, "raises an Exception", at=at), hook)
                assert not case.database.exists(), "something was published"
                case.resume()
            except AssertionError as error:
                wrong.append(f"{hook}: {error}")
        return wrong

    _at_once("all hooks", HOOKS, forks, act)


@pytest.mark.slow
@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_hangs_ends_with_a_signal(
    prepared: Prepared, forks: list[Forks], hook: str, tmp_path: Path
) -> None:
    def act(ways: list[str], own: Forks) -> list[str]:
        case, wrong = Case(prepared, tmp_path / str(id(ways)), own), []
        earlier = case.reset()
        for how in ways:
            number = signal.SIGINT if len(how) % 2 else signal.SIGTERM
            marker = tmp_path / f"{id(ways)} {how}"
            sender = signal_when_it_hangs(marker, number)
            try:
                ended = case.misbehave(hook, how, "--resume", hangs=str(marker))
                sender.join()
                assert marker.exists(), f"it did not hang: {ended.said}"
                took = time.time() - marker.stat().st_mtime
                assert took < MOST_S, f"it took {took:.1f} s"
                assert ended.code == SIGNALS[number], ended.said
                assert only_line(ended.errors)
                if not case.check_left(earlier) and how != ways[-1]:
                    earlier = case.reset()
            except AssertionError as error:
                wrong.append(f"{hook} {how}: {error}")
                earlier = case.reset()
        if ways:
            case.resume()
        return wrong

    _at_once(hook, hangs_of(hook), forks, act)


@pytest.mark.slow
def test_a_state_that_a_plugin_does_not_give_back_is_done_without(
    prepared: Prepared, forks: list[Forks], tmp_path: Path
) -> None:
    """The database is gone, so that the checkpoint is needed, and the plugin with it."""

    def act(ways: list[str], own: Forks) -> list[str]:
        case, wrong = Case(prepared, tmp_path / str(id(ways)), own), []
        for how in ways:
            earlier = case.reset()
            case.files.building_database.unlink()
            try:
                _go_on(case, "restore_state", how, earlier)
                if case.files.building.exists():
                    case.resume()
            except AssertionError as error:
                wrong.append(f"restore_state {how}: {error}")
        return wrong

    _at_once("restore_state", ways_of("restore_state"), forks, act)
