"""What one thread hands to another comes whole and in order, or the other one breaks off."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.handover import Handover
from planwise.interruption import GivenUpError, alongside


@given(st.lists(st.one_of(st.none(), st.integers())))
def test_all_things_come_in_order(things: list[int | None]) -> None:
    handed: Handover[int | None] = Handover()
    with alongside(lambda: list(handed)) as used, handed.filling():
        for thing in things:
            handed.put(thing)
    assert used.result() == things


def test_a_thing_is_used_before_the_next_one_is_made() -> None:
    handed: Handover[int] = Handover()
    used = threading.Event()

    def use() -> None:
        for _ in handed:
            used.set()

    with alongside(use), handed.filling():
        handed.put(1)
        assert used.wait(30)
        handed.put(2)


def test_what_is_not_all_is_never_taken_for_all() -> None:
    handed: Handover[int] = Handover()
    seen: list[int] = []

    def use() -> None:
        seen.extend(handed)

    def hand_over() -> None:
        with handed.filling():
            handed.put(1)
            raise OSError("the disk is gone")

    with alongside(use) as using, pytest.raises(OSError, match="the disk is gone"):
        hand_over()
    with pytest.raises(GivenUpError):
        using.result()
