"""What a container grants, from files as the kernel writes them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planwise.machine import container_memory, granted_cores, this_machine
from planwise.measure import take_sample

GIB = 1 << 30
OWN = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cgroup(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content)
    return folder


@pytest.mark.parametrize(
    ("quota", "cores"),
    [
        ("max 100000\n", OWN),
        ("100000 100000\n", 1),
        ("150000 100000\n", 1),
        ("50000 100000\n", 1),
        ("1 100000\n", 1),
        ("200000 100000\n", min(OWN, 2)),
        ("10000000 100000\n", OWN),
        ("25000 50000", 1),
        ("", OWN),
        ("max", OWN),
        ("100000", OWN),
        ("-1 100000", OWN),
        ("x y", OWN),
        ("100000 0", OWN),
        ("100000 -5", OWN),
        ("100000 y", OWN),
        ("²00000 100000", OWN),
        ("100000 ²", OWN),
    ],
)
def test_cores_are_cut_by_the_quota(tmp_path: Path, quota: str, cores: int) -> None:
    assert granted_cores(cgroup(tmp_path, cpu_max=quota)) == cores


def test_without_a_quota_the_affinity_counts(tmp_path: Path) -> None:
    assert granted_cores(tmp_path) == OWN
    assert granted_cores(tmp_path / "gone") == OWN
    assert 1 <= granted_cores() <= OWN


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 10**9), st.integers(1, 10**7))
def test_a_quota_gives_at_least_one_core_and_never_more_than_there_are(
    tmp_path: Path, quota: int, period: int
) -> None:
    found = granted_cores(cgroup(tmp_path, cpu_max=f"{quota} {period}\n"))
    assert 1 <= found <= OWN
    assert found <= max(1, quota / period)


def test_memory_is_the_limit_less_what_is_in_use(tmp_path: Path) -> None:
    folder = cgroup(tmp_path, memory_max=f"{4 * GIB}\n", memory_current=f"{GIB}\n")
    assert container_memory(folder) == (4 * GIB, 3 * GIB)


def test_file_cache_that_can_be_given_back_is_free(tmp_path: Path) -> None:
    folder = cgroup(
        tmp_path,
        memory_max=f"{4 * GIB}",
        memory_current=f"{3 * GIB}",
        memory_stat=f"anon 5\ninactive_file {GIB}\nactive_file {GIB}\ninactive_file_x 7\n",
    )
    assert container_memory(folder) == (4 * GIB, 2 * GIB)


def test_a_container_over_its_limit_has_nothing_free(tmp_path: Path) -> None:
    folder = cgroup(tmp_path, memory_max=f"{GIB}", memory_current=f"{2 * GIB}")
    assert container_memory(folder) == (GIB, 0)


def test_cache_is_no_more_than_the_limit(tmp_path: Path) -> None:
    folder = cgroup(
        tmp_path,
        memory_max=f"{GIB}",
        memory_current=f"{GIB // 2}",
        memory_stat=f"inactive_file {4 * GIB}\n",
    )
    assert container_memory(folder) == (GIB, GIB)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"memory_max": "max\n", "memory_current": "5"},
        {"memory_max": "", "memory_current": "5"},
        {"memory_max": str(1 << 62), "memory_current": "5"},
        {"memory_max": "4096"},
        {"memory_max": "4096", "memory_current": ""},
        {"memory_max": "4096", "memory_current": "x"},
        {"memory_max": "²", "memory_current": "5"},
        {"memory_max": "-1", "memory_current": "5"},
    ],
)
def test_no_limit_is_none(tmp_path: Path, files: dict[str, str]) -> None:
    assert container_memory(cgroup(tmp_path, **files)) is None


def test_this_machine(tmp_path: Path) -> None:
    machine = this_machine(tmp_path / "not" / "there" / "yet")
    assert machine.cores == granted_cores()
    assert 0 < machine.memory_available_bytes <= machine.memory_total_bytes
    assert machine.temp_free_bytes > 0
    assert machine.temp_directory == tmp_path / "not" / "there" / "yet"
    assert not (tmp_path / "not").exists()


def test_samples_only_grow() -> None:
    before = take_sample()
    payload = bytearray(os.urandom(1 << 20) * 32)
    after = take_sample()
    assert len(payload) == 32 << 20
    assert after.wall_s > before.wall_s
    assert after.cpu_s >= before.cpu_s
    assert after.peak_rss_bytes >= before.peak_rss_bytes
    assert after.bytes_read >= before.bytes_read
    assert after.bytes_written >= before.bytes_written
    assert after.rss_bytes <= after.peak_rss_bytes or after.rss_bytes == 0
