"""What each model takes, learnt from what planwise measures at boundaries.

A process has one peak of its resident size, and it only rises. So a model that raised it is known:
it took what lies between the resident size before its batch and the new peak. Of a model that did
not, no more is known than that it fitted below the peak.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from attrs import define
from planwise.api import Metric


@define
class Measured:
    """What is known of a model.

    Attributes:
        took_bytes: the most that it was seen to take; 0 if it never raised the peak.
        at_most_bytes: where it never raised the peak, the least room in which it fitted.
    """

    took_bytes: int = 0
    at_most_bytes: int | None = None


class Memory:
    """Takes the metrics of a run in their order, and says what a model takes."""

    def __init__(self) -> None:
        self._known: dict[str, Measured] = {}
        self._batch: list[Metric] = []
        self._resident = 0
        self._peak = 0

    def take(self, metric: Metric) -> None:
        """Learn from a metric; the models of a batch are told of before the batch itself.

        Args:
            metric: of any kind.
        """
        if metric.kind == "model":
            self._batch.append(metric)
            return
        if metric.kind == "batch":
            self._learn(self._batch)
        if metric.kind in ("batch", "phase"):
            self._batch = []
            # Beside a model a state is stored, so checkpoints say nothing about the models.
            self._resident = metric.rss_bytes
            self._peak = max(self._peak, metric.peak_rss_bytes)

    def bytes_of(self, models: Iterable[str]) -> dict[str, int]:
        """What to reckon with for each model.

        One that raised the peak counts as what it took. Any other counts as the median of those,
        and no more than the room in which it fitted; as nothing while none is known.

        Args:
            models: unique ids.
        """
        took = [each.took_bytes for each in self._known.values() if each.took_bytes]
        usual = int(median(took)) if took else 0
        return {model: self._bytes_of(model, usual) for model in models}

    def unseen(self, models: Iterable[str]) -> frozenset[str]:
        """Those of the models that have not run yet where it could be measured."""
        return frozenset(model for model in models if model not in self._known)

    def measured(self) -> dict[str, int]:
        """What each model took that is known, by unique id."""
        return {key: each.took_bytes for key, each in self._known.items() if each.took_bytes}

    def _bytes_of(self, model: str, usual: int) -> int:
        known = self._known.get(model, Measured())
        if known.took_bytes:
            return known.took_bytes
        return usual if known.at_most_bytes is None else min(usual, known.at_most_bytes)

    def _learn(self, batch: list[Metric]) -> None:
        """Share what a batch took among its models, in the order in which they ended."""
        if not self._resident:
            return  # nothing is known of what was there before it
        charged: list[tuple[Metric, int]] = []
        peak = self._peak
        for model in sorted(batch, key=_ended_s):
            known = self._known.setdefault(model.name, Measured())
            spilled = max(0, int(model.values.get("spilled_bytes", 0)))
            beside = sum(took for other, took in charged if _overlap(other, model))
            if model.peak_rss_bytes > peak:
                # What ran beside it holds its part of the peak; what ended before holds none.
                took = max(model.peak_rss_bytes - self._resident - beside, 0) + spilled
                peak = model.peak_rss_bytes
                charged.append((model, took - spilled))
            elif spilled:
                took = spilled
            else:
                room = max(0, peak - self._resident)
                least = known.at_most_bytes
                known.at_most_bytes = room if least is None else min(room, least)
                continue
            known.took_bytes = max(known.took_bytes, took)


def _ended_s(model: Metric) -> float:
    return 0.0 if model.started_s is None else model.started_s + model.wall_s


def _overlap(one: Metric, other: Metric) -> bool:
    """Whether two models ran at the same time; of unknown times, that they did not."""
    if one.started_s is None or other.started_s is None:
        return False
    return one.started_s < _ended_s(other) and other.started_s < _ended_s(one)
