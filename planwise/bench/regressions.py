"""``planwise bench compare``: a result against an earlier one."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from statistics import median

from attrs import frozen

from planwise.bench.ratios import LEAST_ROUNDS, Comparison, compare_unpaired
from planwise.bench.stored import StoredResult, UnusableResultError, read_result
from planwise.errors import UsageError


@frozen
class Change:
    """How an arm changed from one result to another.

    Attributes:
        arm: its name.
        ratios: of its time to that of its reference, in the earlier and in the later result; None
            for a reference.
        relative: the change of that ratio; None likewise.
        wall_s: medians of its seconds in both.
        absolute: the change of its time; None on another machine.
        regression: whether it is slower now, by more than the threshold.
    """

    arm: str
    ratios: tuple[float, float] | None
    relative: Comparison | None
    wall_s: tuple[float, float]
    absolute: Comparison | None
    regression: bool


def compare_results(
    old_file: Path, new_file: Path, threshold: float, say: Callable[[str], None]
) -> bool:
    """Compare two stored results of one action, and print what changed.

    Args:
        old_file, new_file: what ``--output`` wrote.
        threshold: the factor up to which a slowdown is none.
        say: told the result.

    Returns:
        Whether an arm has become slower by more than the threshold.

    Raises:
        UsageError: the threshold is out of range, a file holds no result, or the two cannot be
            compared.
    """
    if not (math.isfinite(threshold) and threshold >= 1):
        raise UsageError(f"--threshold: expected a factor of 1 or more, got {threshold:g}")
    old, new = read_result(old_file), read_result(new_file)
    shared = shared_arms(old, new)
    found = changes(old, new, shared, threshold)
    same = old.machine == new.machine
    say(f"old: {old.file}, {_rounds(old)} round(s); new: {new.file}, {_rounds(new)} round(s)")
    say(
        "the machine is the same: times are compared too"
        if same
        else "the machine is another: ratios to the reference arm are compared, times are not"
    )
    for one, other in ((old, new), (new, old)):
        if alone := [name for name in one.arms if name not in other.arms]:
            say(f"only in {one.file}: {', '.join(alone)}")
    if min(_rounds(old), _rounds(new)) < LEAST_ROUNDS:
        say(f"warning: a verdict needs {LEAST_ROUNDS} rounds in both")
    if old.tables != new.tables:
        say("note: the tables are not the same in both; the simulation computes something else")
    say("\n" + "\n".join(table(found)))
    regressed = [each.arm for each in found if each.regression]
    say(
        f"\nregressions above {threshold:g}: {', '.join(regressed)}"
        if regressed
        else f"\nno regression above {threshold:g}"
    )
    return bool(regressed)


def shared_arms(old: StoredResult, new: StoredResult) -> list[str]:
    """The arms that both results have.

    Args:
        old, new: the results.

    Raises:
        UnusableResultError: they are of other actions, years, people or arms; which is said.
    """
    pairs: dict[str, tuple[object, object]] = {"action": (old.benchmark, new.benchmark)}
    pairs |= {key.replace("_", " "): (old.called[key], new.called[key]) for key in old.called}
    for name, arm in old.arms.items():
        if name in new.arms:
            other = new.arms[name]
            for key, value in arm.definition.items():
                # Results of before arms had their flags in them are not others for that.
                if key != "flags" or None not in (value, other.definition[key]):
                    pairs[f"arm '{name}', {key}"] = (value, other.definition[key])
    different = [f"{what}: {_short(a)} and {_short(b)}" for what, (a, b) in pairs.items() if a != b]
    if different:
        raise UnusableResultError(
            f"{old.file} and {new.file} cannot be compared: {'; '.join(different)}"
        )
    shared = [
        name
        for name, arm in old.arms.items()
        if name in new.arms and arm.reference in new.arms and arm.reference in old.arms
    ]
    if not shared:
        raise UnusableResultError(
            f"{old.file} and {new.file} have no arm in common: {', '.join(old.arms)}; and "
            f"{', '.join(new.arms)}"
        )
    return shared


def changes(
    old: StoredResult, new: StoredResult, shared: list[str], threshold: float
) -> list[Change]:
    """How each arm changed.

    Args:
        old, new: the results.
        shared: the arms to compare.
        threshold: the factor up to which a slowdown is none.
    """
    same_machine = old.machine == new.machine
    found = []
    for name in shared:
        walls = [list(result.arms[name].wall_s.values()) for result in (new, old)]
        absolute = compare_unpaired(*walls, seed=new.seed) if same_machine else None
        relative = ratios = None
        if old.arms[name].reference != name:
            each = [_ratios(result, name) for result in (new, old)]
            relative = compare_unpaired(*each, seed=new.seed)
            ratios = (_middle(each[1]), _middle(each[0]))
        found.append(
            Change(
                arm=name,
                ratios=ratios,
                relative=relative,
                wall_s=(median(walls[1]), median(walls[0])),
                absolute=absolute,
                regression=_is_regression(relative, absolute, threshold),
            )
        )
    return found


def _is_regression(
    relative: Comparison | None, absolute: Comparison | None, threshold: float
) -> bool:
    if absolute is not None and _above(absolute, threshold):
        return True
    # An arm that itself takes no longer has a higher ratio because its reference became faster.
    faster_reference = absolute is not None and absolute.ratio <= 1
    return relative is not None and _above(relative, threshold) and not faster_reference


def _above(found: Comparison, threshold: float) -> bool:
    return found.verdict == "slower" and found.ratio > threshold


def table(found: list[Change]) -> list[str]:
    """A Markdown table, a line an arm.

    Args:
        found: what changed.
    """
    heads = ["arm", "ratio old", "ratio new", "change", "95 % interval"]
    heads += ["wall s old", "wall s new", "change", "95 % interval", "verdict"]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for each in found:
        ratios = ["", ""] if each.ratios is None else [f"{ratio:.3f}" for ratio in each.ratios]
        walls = [f"{wall_s:.2f}" for wall_s in each.wall_s]
        cells = [each.arm, *ratios, *_cells(each.relative), *walls, *_cells(each.absolute)]
        lines.append(f"| {' | '.join([*cells, _verdict(each)])} |")
    return lines


def _cells(found: Comparison | None) -> list[str]:
    if found is None:
        return ["", ""]
    return [f"{found.ratio:.3f}", f"{found.low:.3f} to {found.high:.3f}"]


def _verdict(change: Change) -> str:
    if change.regression:
        return "REGRESSION"
    known = [each.verdict for each in (change.relative, change.absolute) if each is not None]
    return " / ".join(dict.fromkeys(known)) or "the reference"


def _ratios(result: StoredResult, name: str) -> list[float]:
    arm = result.arms[name]
    reference = result.arms[arm.reference].wall_s
    return [wall_s / reference[number] for number, wall_s in arm.wall_s.items()]


def _middle(ratios: list[float]) -> float:
    return math.exp(median(map(math.log, ratios)))


def _rounds(result: StoredResult) -> int:
    return max(len(arm.wall_s) for arm in result.arms.values())


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 120 else text[:117] + "..."
