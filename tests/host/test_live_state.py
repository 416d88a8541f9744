"""What the live view keeps, and that two threads can use it."""

import math
import threading
import time

import numpy as np
import pytest

from retrosole.gait.strides import Stride
from retrosole.live.state import FootState, LiveState, MessageClock

RATE_HZ = 200.0


def foot(window_s: float = 0.1, channel_n: int = 2) -> FootState:
    return FootState(
        "left", [f"c{i}" for i in range(channel_n)], ["heel"] * channel_n, RATE_HZ, window_s
    )


def ramp(first: int, n: int, channel_n: int = 2) -> np.ndarray:
    return np.repeat(np.arange(first, first + n, dtype=np.uint16)[:, None], channel_n, axis=1)


def stride(start_s: float, direction: str = "backward") -> Stride:
    return Stride("left", 1, start_s, final_contact_s=start_s + 0.5, direction=direction)


def test_new_window_is_empty() -> None:
    state = foot()
    assert state.window().shape == (20, 2)
    assert np.isnan(state.window()).all() and np.isnan(state.loads()).all()


def test_window_keeps_the_newest_in_order() -> None:
    state = foot()
    for first in range(0, 70, 7):
        state.push_samples(first, ramp(first, 7))
    np.testing.assert_array_equal(state.window()[:, 0], np.arange(50, 70))


def test_one_push_longer_than_the_window() -> None:
    state = foot()
    state.push_samples(0, ramp(0, 55))
    np.testing.assert_array_equal(state.window()[:, 1], np.arange(35, 55))


def test_missing_and_left_out_samples_are_gaps() -> None:
    state = foot()
    first = ramp(0, 5)
    first[2, 1] = 4095
    state.push_samples(0, first)
    state.push_samples(8, ramp(8, 2))
    window = state.window()[-10:]
    expected = np.array([0, 1, 2, 3, 4, np.nan, np.nan, np.nan, 8, 9])
    np.testing.assert_array_equal(window[:, 0], expected)
    expected[2] = np.nan
    np.testing.assert_array_equal(window[:, 1], expected)


def test_doubled_late_and_ancient_frames_leave_time_alone() -> None:
    state = foot()
    state.push_samples(0, ramp(0, 10))
    state.push_samples(20, ramp(20, 10))
    state.push_samples(20, ramp(20, 10))
    state.push_samples(10, ramp(10, 10))
    state.push_samples(0, ramp(500, 5))
    np.testing.assert_array_equal(state.window()[:, 0], np.arange(10, 30))
    assert state.snapshot().end_idx == 30


def test_a_jump_far_ahead_costs_one_window() -> None:
    state = foot()
    state.push_samples(0, ramp(0, 10))
    state.push_samples(4_000_000_000, ramp(7, 3))
    window = state.window()[:, 0]
    assert np.isnan(window[:-3]).all()
    np.testing.assert_array_equal(window[-3:], [7, 8, 9])


def test_restart_begins_at_zero_and_keeps_strides() -> None:
    state = foot()
    state.push_samples(1000, ramp(0, 10))
    state.push_stride(stride(1.0))
    before = state.stamp()
    state.restart()
    assert state.stamp() != before
    state.push_samples(0, ramp(3, 2))
    np.testing.assert_array_equal(state.window()[-2:, 0], [3, 4])
    view = state.snapshot()
    assert view.end_idx == 2 and view.stride_n == 1 and view.marks == ()


def test_load_runs_from_baseline_to_peak() -> None:
    state = foot(window_s=1.0, channel_n=1)
    levels = np.repeat(np.array([100, 2100, 1100], dtype=np.uint16), 20)[:, None]
    state.push_samples(0, levels[:20])
    state.push_samples(20, levels[20:40])
    assert state.loads()[0] == pytest.approx(1.0)
    state.push_samples(40, levels[40:])
    assert state.loads()[0] == pytest.approx(0.5)


def test_noise_alone_is_a_small_load() -> None:
    state = foot(window_s=1.0, channel_n=1)
    state.push_samples(0, (100 + ramp(0, 10, 1) % 5).astype(np.uint16))
    assert state.loads()[0] < 0.05


def test_standing_longer_than_the_window_is_still_a_load() -> None:
    state = foot(window_s=1.0, channel_n=1)
    state.push_samples(0, np.full((100, 1), 100, dtype=np.uint16))
    for i in range(1, 11):
        state.push_samples(100 * i, np.full((100, 1), 2000, dtype=np.uint16))
    assert state.loads()[0] > 0.9


def test_a_whole_window_of_missing_samples_forgets_nothing() -> None:
    state = foot(window_s=0.1, channel_n=1)
    state.push_samples(0, np.array([[100], [2100]] * 5, dtype=np.uint16))
    state.push_samples(10, np.full((40, 1), 4095, dtype=np.uint16))
    assert np.isnan(state.loads()).all()
    state.push_samples(50, np.full((10, 1), 1100, dtype=np.uint16))
    assert state.loads()[0] == pytest.approx(0.5, abs=0.01)


def test_stride_concludes_its_contact_and_only_that() -> None:
    state = foot()
    state.push_contact("heel_first", 2.0)
    assert state.snapshot().contact is not None
    state.push_stride(stride(0.0))
    assert state.snapshot().contact is not None
    state.push_stride(stride(2.0))
    assert state.snapshot().contact is None


def test_counts_of_both_feet() -> None:
    left, right = foot(), foot()
    left.push_stride(stride(0.0))
    left.push_stride(stride(1.0, "forward"))
    right.push_stride(stride(0.5, "unknown"))
    assert LiveState([left, right]).stride_counts() == (3, 1, 2), "of two strides the direction is known"


def test_every_change_changes_the_stamp() -> None:
    state = foot()
    seen = [state.stamp()]
    for name, value in (
        ("link", "lost, retrying"),
        ("fault", "x"),
        ("cue_on", True),
        ("battery_mv", 3),
    ):
        setattr(state, name, value)
        seen.append(state.stamp())
    for push in (
        lambda: state.push_samples(0, ramp(0, 1)),
        lambda: state.push_contact("together", 0.0),
        lambda: state.push_stride(stride(0.0)),
    ):
        push()
        seen.append(state.stamp())
    assert len(set(seen)) == len(seen)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected \(k, 2\)"):
        foot().push_samples(0, ramp(0, 4, channel_n=3))
    with pytest.raises(ValueError, match="2 channel names for 1 zones"):
        FootState("left", ["a", "b"], ["heel"], RATE_HZ)
    with pytest.raises(ValueError, match="rate 0"):
        FootState("left", ["a"], ["heel"], 0)


class SlowRing(np.ndarray):
    """A ring that lets other threads run in the middle of every write."""

    def __setitem__(self, key: object, value: object) -> None:
        middle = len(key) // 2 if isinstance(key, np.ndarray) else 0
        if middle and np.ndim(value) == 2:
            super().__setitem__(key[:middle], value[:middle])
            time.sleep(0.001)
            super().__setitem__(key[middle:], value[middle:])
        else:
            super().__setitem__(key, value)


def test_readers_never_see_half_a_push() -> None:
    """Every push fills the window with one number; a reader that sees two has read half of it."""
    state = foot(window_s=0.5, channel_n=6)
    state._ring = state._ring.view(SlowRing)
    state.push_samples(0, np.zeros((100, 6), dtype=np.uint16))

    def feed() -> None:
        for i in range(1, 60):
            state.push_samples(i * 100, np.full((100, 6), i, dtype=np.uint16))

    feeder = threading.Thread(target=feed)
    feeder.start()
    read_n = 0
    while feeder.is_alive():
        assert len(np.unique(state.snapshot().counts)) == 1
        read_n += 1
    feeder.join()
    assert read_n > 0 and np.unique(state.window()) == [59]


def test_shares_cadence_and_target_are_in_the_snapshot() -> None:
    state = foot()
    assert math.isnan(state.snapshot().toe_first_share) and math.isnan(state.snapshot().cadence_steps_min)
    for number, order in enumerate(["forefoot_first", "forefoot_first", "together", "heel_first", "unknown"]):
        state.push_stride(Stride("left", number, 1.2 * number, final_contact_s=1.2 * number + 0.7, contact_order=order))
    state.push_samples(0, ramp(0, 1000))
    state.target_order, state.link = "heel_first", "connected"
    view = state.snapshot()
    assert (view.forefoot_first_n, view.decided_n, view.toe_first_share) == (2, 4, 0.5)
    assert view.cadence_steps_min == pytest.approx(100)
    assert view.target_order == "heel_first"


def test_a_message_stands_for_a_while_and_again_when_it_is_told_again() -> None:
    state, messages = LiveState([]), MessageClock()
    assert messages.text(state, 100.0) == ""
    state.tell("mark 1 set")
    assert [messages.text(state, now_s) for now_s in (101.0, 110.9, 111.0)] == ["mark 1 set", "mark 1 set", ""]
    state.tell("mark 1 set")
    assert messages.text(state, 120.0) == "mark 1 set"
