"""What `record --lsl` streams, taken by real inlets on this computer, against the log of the same session."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrosole import open_session, wire
from retrosole.lsl import NOT_READ
from retrosole.session.hostclock import host_clock
from retrosole.twin.sim import SimOptions, virtual_insoles

pylsl = pytest.importorskip("pylsl")

pytestmark = pytest.mark.slow  # seconds, on ports

PROGRAM = "from retrosole.cli import main; main()"
NAMES = ("retrosole-left", "retrosole-right", "retrosole-markers")
# The stream is told the time by the clock queries of the moment, the log by all of them afterwards. Both are right to
# half of what question and answer took; on a virtual insole that is some milliseconds when the computer is busy.
WITHIN_S = 0.03


class Inlet(threading.Thread):
    """Take a stream as it comes."""

    def __init__(self, found: Any, stopped: threading.Event) -> None:
        super().__init__(daemon=True)
        self.stamps: list[float] = []
        self.values: list[Any] = []
        self.info: Any = None
        self._inlet = pylsl.StreamInlet(found, recover=False)
        self._stopped = stopped
        self.start()

    def run(self) -> None:
        self._inlet.open_stream(timeout=20)
        self.info = self._inlet.info(timeout=20)
        try:
            while not self._stopped.is_set():
                values, stamps = self._inlet.pull_chunk(timeout=0.2)
                self.values += list(values)
                self.stamps += list(stamps)
        except pylsl.util.LostError:
            return  # the recording is over


class Recorder(threading.Thread):
    """Look for the streams again and again, as recorders do, and take each.

    One look at a time: a look takes ports of the range in which streams can be found. Several that go on for long take
    all of them, and streams opened then are found by nobody.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.inlets: dict[str, Inlet] = {}
        self._stopped = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._stopped.is_set() and len(self.inlets) < len(NAMES):
            for found in pylsl.resolve_bypred("starts-with(name,'retrosole-')", minimum=len(NAMES), timeout=2):
                if found.name() not in self.inlets:
                    self.inlets[found.name()] = Inlet(found, self._stopped)

    def stop(self) -> dict[str, Inlet]:
        """Give what was taken, when all streams were."""
        self._stopped.set()
        for thread in (self, *self.inlets.values()):
            thread.join(20)
            assert not thread.is_alive()
        assert sorted(self.inlets) == sorted(NAMES)
        return self.inlets


@pytest.fixture(autouse=True)
def _alone(registry: Path) -> None:
    """Work in a folder of its own."""


def record(folder: Path, seconds: float, *options: str) -> tuple[dict[str, Inlet], subprocess.CompletedProcess[str]]:
    recorder = Recorder()
    command = [sys.executable, "-c", PROGRAM, "record", "--lsl", "--seconds", str(seconds), "--out", str(folder)]
    with virtual_insoles(SimOptions(interpreter="cpython", gait="backward")):
        done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=120, check=False)
    return recorder.stop(), done


def test_a_stream_has_the_samples_of_the_log_at_their_times(tmp_path: Path) -> None:
    inlets, done = record(tmp_path / "kept", 12.0)
    assert done.returncode == 0, done.stderr
    session = open_session(next((tmp_path / "kept").iterdir()))
    off_s = {side: compare(session, side, inlets[f"retrosole-{side}"]) for side in ("left", "right")}
    for side, found in off_s.items():
        print(f"{side}: {1e3 * np.mean(found):+.2f} ms in the mean, {1e3 * np.ptp(found):.2f} ms spread")
    assert "not announced in the network" in done.stderr and "bug" not in done.stderr
    check_markers(session, inlets["retrosole-markers"])


def compare(session: Any, side: str, inlet: Inlet) -> Any:
    index, counts = session.samples(side)
    values, stamps = np.array(inlet.values), np.array(inlet.stamps)
    assert np.all(np.diff(stamps) > 0), "time goes on in a stream"
    # whoever connects late has missed the beginning, so all from the first that came; and nothing in between
    begin = int(np.searchsorted(index, values[0, 0]))
    assert begin < 400, "the stream was there before the walk"
    end = begin + len(values)
    assert end <= len(index) and len(index) - end < 2 * 26  # what came while the streams were being closed
    assert np.array_equal(values[:, 0], index[begin:end])
    told = counts[begin:end].astype(np.int64)
    assert np.array_equal(values[:, 1:], np.where(told == wire.MISSING_COUNT, NOT_READ, told))
    clock = host_clock(session, side)
    assert clock is not None
    # the host's steady clock and the stream's are the same on Linux
    off_s = stamps - (session.times_s(side)[begin:end] + clock.steady_s)
    assert np.abs(off_s).max() < WITHIN_S, off_s
    check_description(session, side, inlet.info)
    return off_s


def check_description(session: Any, side: str, info: Any) -> None:
    assert (info.type(), info.nominal_srate(), info.channel_format()) == ("Pressure", 200.0, pylsl.cf_int32)
    assert info.source_id() == f"retrosole-{session.logs[side].identity.device_id.hex()}"
    sites = [sensor.site for sensor in session.sensors(side)]
    assert info.get_channel_labels() == ["sample", *sites]
    assert info.get_channel_units() == ["1", *["counts"] * len(sites)]


def check_markers(session: Any, inlet: Inlet) -> None:
    told = [(at_s, json.loads(row[0])) for at_s, row in zip(inlet.stamps, inlet.values, strict=True)]
    strides = {(one["side"], one["stride"]): (at_s, one) for at_s, one in told if one["event"] == "stride"}
    kept = {(stride.side, stride.stride): stride for stride in session.strides}
    assert set(strides) <= set(kept) and len(kept) - len(strides) <= 4 and len(strides) > 4
    for key, (at_s, one) in strides.items():
        stride, clock = kept[key], host_clock(session, key[0])
        assert clock is not None
        for name in ("contact_order", "lift_order", "direction"):
            assert one[name] == getattr(stride, name)
        assert abs(at_s - clock.steady_s - stride.initial_contact_s) < WITHIN_S
        assert abs(one["final_contact_s"] - at_s - stride.stance_s) < 2e-3
    contacts = [one for _, one in told if one["event"] == "contact"]
    assert len(contacts) >= len(strides) - 2


def test_without_the_library_it_says_what_to_install(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    from retrosole import walk
    from retrosole.cli import run

    found: Callable[..., Any] = walk.importlib.util.find_spec
    monkeypatch.setattr(walk.importlib.util, "find_spec", lambda name: None if name == "pylsl" else found(name))
    with virtual_insoles(SimOptions(interpreter="cpython", feet="left")):
        assert run(["record", "--lsl", "--seconds", "1"]) == 2
    error = capsys.readouterr().err
    assert error.strip().splitlines()[-1].endswith("needs pylsl: pip install 'retrosole[lsl]'")
