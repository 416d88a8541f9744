"""What a sample costs, in counted instructions, and that the reference in C comes to the same results."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from retrosole.errors import RetrosoleError
from tests.cost import crosscheck, measure, reference, walks
from tests.machines import need

MEAN_MOST, WORST_MOST = 4_000, 40_000
PLAIN_LEAST, C_MOST = 8, 5
SHORTER_N = 3_000  # plain bytecode, for a ratio
EVENTS = {"CONTACT", "LIFT", "TOUCH", "SURGED", "ALARM", "FULL", "HOLE"}
ZONES = {2: (0, 1), 3: (0, 1, 2), 5: (3, 0, 0, 1, 1), 6: (0, 0, 0, 0, 1, 1), 8: (3, 0, 0, 0, 2, 2, 1, 1)}


def missing(what: str) -> None:
    """Skip aloud; in CI fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"it must be there in CI: {what}")
    pytest.skip(f"NOT TESTED: {what}")


@pytest.fixture(scope="module")
def in_c(tmp_path_factory: pytest.TempPathFactory) -> reference.Follow:
    compiler = reference.host_compiler()
    if compiler is None:
        missing("no C compiler for the reference kernel")
    assert compiler is not None
    return reference.library(tmp_path_factory.mktemp("c"), compiler)


def test_c_agrees_on_walks(in_c: reference.Follow) -> None:
    for gait in ("backward", "mixed"):
        pair = crosscheck.Pair(in_c, ZONES[6], walks.RATE_HZ)
        counts = walks.backward(3000, gait)
        pair.walk(np.arange(len(counts), dtype=np.int32), counts)
        assert pair.seen["LIFT"] > 10 and pair.seen["CONTACT"] > 10, pair.seen


def test_c_agrees_on_random_walks_with_holes(in_c: reference.Follow) -> None:
    seen = set()
    for seed, (channel_n, zones) in enumerate(ZONES.items()):
        rng = np.random.default_rng(seed)
        pair = crosscheck.Pair(in_c, zones, (100, 200, 500)[seed % 3])
        pair.walk(walks.with_holes(rng, 2500), walks.random_walk(rng, channel_n, 2500))
        seen |= set(pair.seen)
    assert seen == EVENTS


def test_the_comparison_notices_a_wrong_word(in_c: reference.Follow) -> None:
    def wrong(marks: np.ndarray, counts: np.ndarray, frame: np.ndarray, state: np.ndarray) -> int:
        events = in_c(marks, counts, frame, state)
        state[-1] += 1
        return events

    pair = crosscheck.Pair(wrong, ZONES[6], walks.RATE_HZ)
    with pytest.raises(AssertionError, match=r"word \d+: 1 in C, 0"):
        pair.walk(np.arange(10, dtype=np.int32), walks.backward(100)[:10])


@pytest.fixture(scope="module")
def viper() -> measure.Cost:
    need("rv32")
    return measure.measure("viper", walks.backward())


@pytest.mark.slow
def test_a_sample_costs_little_and_allocates_nothing(viper: measure.Cost) -> None:
    assert viper.stride_n >= 45, "it was a walk"
    assert viper.contact_n >= viper.stride_n
    dearest = measure.kind_name(int(viper.kinds[viper.worst_at]))
    assert viper.allocated_bytes == 0
    assert viper.mean <= MEAN_MOST
    assert viper.worst <= WORST_MOST, f"sample {viper.worst_at}: {dearest}"
    assert viper.whole[0] <= WORST_MOST, "the first sample, with which the detector begins"


@pytest.mark.slow
def test_the_count_is_the_same_every_time() -> None:
    need("rv32")
    walk = walks.backward(400)
    first, second = (measure.measure("viper", walk) for _ in range(2))
    assert first.whole.tolist() == second.whole.tolist()


@pytest.mark.slow
def test_native_code_is_worth_it(viper: measure.Cost) -> None:
    plain = measure.measure("plain", walks.backward(SHORTER_N))
    assert plain.sent == viper.sent[: len(plain.sent)], "not the same work"
    assert plain.mean >= PLAIN_LEAST * viper.whole[:SHORTER_N].mean()


@pytest.mark.slow
def test_native_code_is_near_to_c(viper: measure.Cost, tmp_path: Path) -> None:
    try:
        code = reference.image(tmp_path, measure.C_AT, measure.C_SPENT_AT)
    except RetrosoleError as error:
        missing(str(error))
    c = measure.measure("c", walks.backward(), code)
    assert c.sent == viper.sent, "not the same results"
    assert viper.kernel_mean <= C_MOST * c.kernel_mean


def cost(mean: int, worst: int, kernel: int, allocated_bytes: int = 0) -> measure.Cost:
    """Make a cost whose samples are all alike, but for the first and a dear one that leave the mean as it is."""
    whole = np.full(1001, mean, dtype=np.int32)
    whole[0], whole[500] = 2 * mean - worst, worst
    like = np.zeros_like(whole)
    return measure.Cost(whole, np.full_like(whole, kernel), like, b"", 1, 1, allocated_bytes, 0)


def test_the_bench_says_beside_every_must_whether_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[1])  # `make bench` runs it as a script there
    bench_cost = import_module("bench_cost")
    kept = bench_cost.verdicts(cost(4_000, 40_000, 2_500), cost(32_000, 90_000, 1), cost(900, 1_000, 500))
    assert len(kept) == 5
    assert all(": ok" in line for line in kept), kept
    assert kept[1] == "worst 40,000 (at most 40,000): ok; sample 500, quiet"
    broken = bench_cost.verdicts(cost(4_001, 40_001, 2_501, 8), cost(32_000, 90_000, 1), cost(900, 1_000, 500))
    assert all(": MISSED" in line for line in broken), broken
