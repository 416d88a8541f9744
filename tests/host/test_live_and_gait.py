"""What the live view says of a walk is what its analysis says: one rule for shares, stride times and heel lowering."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from walked import CHANNELS, save_walk

from retrosole.gait.statistics import shares
from retrosole.gait.strides import Stride
from retrosole.gait.table import Table, base_table, computed_columns, next_rows
from retrosole.live.lines import format_status
from retrosole.live.pace import OF_LAST_N, cadence_steps_min, stride_time_s
from retrosole.live.state import FootState, LiveState, both_toe_first_share
from retrosole.twin.gait_model import SIDES, generate

Walk = tuple[list[Stride], Table, LiveState]


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """Walk in all ways, not all of which are told, rest, walk on, and show each stride to the live view."""
    session = save_walk(tmp_path_factory.mktemp("mixed"), generate("mixed", CHANNELS, 60.0, 5))
    strides = []
    for k, stride in enumerate(session.strides):
        later_s = 20.0 if k > 40 else 0.0
        times = {name: getattr(stride, name) + later_s for name in ("initial_contact_s", "final_contact_s")}
        zones = {name: getattr(stride, name) + later_s for name in ("forefoot_on_s", "heel_on_s")}
        words = {"contact_order": "unknown"} if k % 7 == 3 else {"direction": "unknown"} if k % 5 == 2 else {}
        strides.append(replace(stride, **times, **zones, **words))
    state = LiveState([FootState(side, ["c"], ["heel"], 200.0) for side in SIDES])
    for stride in strides:
        state.feet[SIDES.index(stride.side)].push_stride(stride)
    table = base_table(strides)
    return strides, table | computed_columns(table, next_rows(table, {}), {}), state


def test_shares_are_of_what_was_told(walk: Walk) -> None:
    _, table, state = walk
    views = [foot.snapshot() for foot in state.feet]
    for view in views:
        own = shares(table, table["side"] == view.side)
        assert (view.stride_n, view.decided_n) == (own.stride_n, own.decided_n)
        assert 100 * view.toe_first_share == pytest.approx(own.toe_first_percent)
    both = shares(table, np.isin(table["side"], SIDES))
    assert both.toe_first_percent is not None and both.backward_percent is not None
    assert min(both.toe_first_percent, both.unknown_percent or 0, both.unknown_direction_percent or 0) > 10
    assert max(both.toe_first_percent, both.backward_percent) < 97, "of all kinds there are some"
    assert 100 * both_toe_first_share(views) == pytest.approx(both.toe_first_percent)
    assert f"backward {both.backward_percent:.0f} %" in format_status(state)


def test_stride_times_cadence_and_heel_lowering(walk: Walk) -> None:
    strides, table, _ = walk
    for side in SIDES:
        own = [s for s in strides if s.side == side]
        rows = table["side"] == side
        live_s = [stride_time_s(before, s) for before, s in pairwise(own)]
        told_s = table["stride_time_s"][rows]
        assert np.isnan(live_s).sum() == 1, "the rest"
        assert live_s == pytest.approx(told_s[:-1].tolist(), nan_ok=True)
        cadence = cadence_steps_min(own, own[-1].final_contact_s)
        assert cadence == pytest.approx(120.0 / np.median(told_s[-1 - OF_LAST_N : -1]))
        lowering_s = table["heel_lowering_s"][rows].tolist()
        assert [s.heel_lowering_s for s in own] == pytest.approx(lowering_s, nan_ok=True)
