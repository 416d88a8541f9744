"""`detect` the long way: the firmware behind its console finds bit by bit what its detector finds on CPython."""

from __future__ import annotations

import json
import os
import select
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrosole import cli, wire
from retrosole.errors import ProtocolError, RetrosoleError
from retrosole.framing import Splitter, encode_command, parse
from retrosole.session.recording import Recording, SideRecording, load_recording, write_pressure_csv
from retrosole.twin import detect_virtual as long_way
from retrosole.twin import launch
from retrosole.twin.boards import board_channels, zone_numbers
from retrosole.twin.child import Child
from retrosole.twin.detect import channels_for, detect_source, frames_of
from retrosole.twin.detect_virtual import detect_virtual, virtual_frames
from retrosole.twin.feed import SOURCE_RATE_HZ, Channel, Source
from retrosole.twin.front_end import REALISTIC
from retrosole.twin.gait_model import generate
from retrosole.twin.runtimes import Runtime, find
from retrosole.twin.sim_options import SimOptions
from retrosole.twin.source import from_recording
from retrosole.twin.walk import Walk
from tests.chain.walks import recording
from tests.machines import need

pytestmark = pytest.mark.slow

EIGHT = ("heel",) * 3 + ("midfoot",) * 2 + ("forefoot",) * 2 + ("toes",)
CHANNELS: tuple[Channel, ...] = tuple((zone, "unused") for zone in EIGHT)
UNUSED = wire.Site.UNUSED


def runtime(kind: str) -> Runtime:
    return find("cpython") if kind == "cpython" else need(kind)


def made_walk(duration_s: float = 15.0, gait: str = "mixed") -> Recording:
    source = generate(gait, CHANNELS, duration_s, seed=4)
    across = tuple(k / 8 for k in range(8))
    names = tuple(f"s{k}" for k in range(8))
    time_s = np.arange(len(source.counts["left"][::10])) / 100
    sides = {
        side: SideRecording(time_s, counts[::10].astype(float), names, EIGHT, across, "counts")
        for side, counts in source.counts.items()
    }
    return Recording("pressure_csv", sides)


def written(path: Path, walk: Recording) -> Path:
    with open(path, "w") as out:
        write_pressure_csv(walk, out)
    return path


@pytest.fixture
def made_csv(tmp_path: Path) -> Path:
    return written(tmp_path / "made.csv", made_walk())


# ------------------------------------------------------------------------------------------------------- bit-identical


def same_frames(source: Source, rate_hz: int, machine: Runtime) -> list[bytes]:
    """Give the frames of both feet, after a look that they are byte for byte the same both ways."""
    frames = virtual_frames(source, rate_hz, machine)
    for side, counts in source.counts.items():
        assert frames[side] == frames_of(counts[:: SOURCE_RATE_HZ // rate_hz], source.channels, rate_hz)
    return [frame for side in frames for frame in frames[side]]


def stride_n(frames: list[bytes]) -> int:
    return sum(frame[0] == wire.StrideFrame.TYPE for frame in frames)


@pytest.mark.parametrize("kind", ["cpython", "unix32"])
@pytest.mark.parametrize("rate_hz", [50, 200, 500])
def test_a_made_walk(kind: str, rate_hz: int) -> None:
    source = from_recording(made_walk(), CHANNELS, REALISTIC)
    assert stride_n(same_frames(source, rate_hz, runtime(kind))) >= 8


# One stride in twenty is told when a frame of samples is full.
def test_a_walk_so_long_that_strides_meet_full_frames() -> None:
    frames = same_frames(generate("forward", CHANNELS, 60.0, seed=3), 200, runtime("cpython"))
    assert stride_n(frames) >= 60


@pytest.mark.parametrize("kind", ["cpython", "unix32"])
@pytest.mark.parametrize("name", ["gaitpdb/GaPt07_01.txt.gz", "moticon/230927_102231.txt.gz"])
def test_a_real_walk(kind: str, name: str) -> None:
    real = load_recording(recording(name))
    source = from_recording(real, channels_for(real))
    assert stride_n(same_frames(source, 200, runtime(kind))) >= 10


def test_a_real_walk_on_the_emulated_machine() -> None:
    machine = need("rv32")
    real = load_recording(recording("moticon/230927_102231.txt.gz"))
    source = from_recording(real, channels_for(real))
    assert stride_n(same_frames(source, 200, machine)) >= 10


def test_the_command_writes_the_same_table(made_csv: Path, tmp_path: Path) -> None:
    need("unix32")
    tables = []
    for interpreter in ("cpython", "unix32"):
        out = tmp_path / f"{interpreter}.csv"
        assert cli.run(["detect", str(made_csv), "--out", str(out), "--interpreter", interpreter]) == 0
        tables.append(out.read_bytes())
    assert tables[0] == tables[1]
    assert tables[0].count(b"\n") > 10


# --------------------------------------------------------------------------------------------------------------- holes


def with_hole(walk: Recording, first_s: float, last_s: float) -> Recording:
    sides = {}
    for side, one in walk.sides.items():
        keep = (one.time_s <= first_s) | (one.time_s >= last_s)
        sides[side] = replace(one, time_s=one.time_s[keep], pressure=one.pressure[keep])
    return replace(walk, sides=sides)


@pytest.mark.parametrize("kind", ["cpython", "unix32"])
def test_what_is_missing_in_the_walk_is_missing_on_the_insole(kind: str) -> None:
    source = from_recording(with_hole(made_walk(), 5.003, 7.501), CHANNELS)
    for side, counts in source.counts.items():  # and at both ends, as where one foot starts later
        counts[: 700 if side == "left" else 333] = 4095
        counts[-1500:] = 4095
    assert stride_n(same_frames(source, 200, runtime(kind))) >= 4
    assert any(stride.initial_contact_s > 7.5 for stride in detect_source(source).strides)


def test_a_hole_that_no_insole_survives_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    need("unix32")
    path = written(tmp_path / "torn.csv", with_hole(made_walk(), 3.0, 12.0))
    code = cli.run(["detect", str(path), "--out", "-", "--interpreter", "unix32"])
    out, error = capsys.readouterr()
    assert (code, out) == (2, "")
    assert "9.0 s are missing from 3.0 s on" in error
    assert error.count("\n") == 1
    assert cli.run(["detect", str(path), "--out", "-"]) == 0


# --------------------------------------------------------------------------------------------------------------- fails


def test_samples_that_are_not_the_walks_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    source = from_recording(made_walk(3.0), CHANNELS)

    def write_another(walk: Source, folder: Path) -> dict[str, Path]:
        other = {side: counts.copy() for side, counts in walk.counts.items()}
        other["right"][1000:1005, 2] ^= 1
        return write(replace(walk, counts=other), folder)

    write = long_way.write
    monkeypatch.setattr(long_way, "write", write_another)
    with pytest.raises(ProtocolError, match=r"right virtual insole took other samples than the walk has at 0\.9"):
        detect_virtual(source, 200, find("cpython"))


def test_an_insole_that_ends_is_said() -> None:
    source = from_recording(made_walk(3.0), CHANNELS)
    ends = Runtime("given", "1.25.0", (sys.executable, "-c", "pass"), 64)
    with pytest.raises(RetrosoleError, match="virtual insole stopped with exit code 0: it said nothing; try again"):
        detect_virtual(source, 200, ends)


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    source = from_recording(made_walk(3.0), CHANNELS)
    detect_virtual(source, 200, find("cpython"))

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detect_virtual(source, 200, find("cpython"), interrupt)
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------------------ channel roles


def identity(folder: Path, runtime: Runtime, channels: tuple[Channel, ...], board: str) -> wire.IdentityFrame:
    """Start a virtual insole whose channels have these roles; give what it says of itself."""
    samples = folder / "left.u16"
    np.zeros((10, len(channels)), "<u2").tofile(samples)
    walk = Walk({"left": samples}, channels, 0.01, "")
    log = folder / "left.log"
    child = Child(launch.prepare(runtime, walk, SimOptions(board=board, speed=0.0), "left", log), log)
    child.start()
    try:
        os.write(child.input, encode_command(wire.HelloFrame(1)))
        splitter = Splitter()
        while select.select([child.output], [], [], 10.0)[0]:
            for frame in splitter.feed(os.read(child.output, 65536)):
                message = parse(frame)
                if isinstance(message, wire.IdentityFrame):
                    return message
    finally:
        child.end()
    raise AssertionError(child.last_words())


@pytest.mark.parametrize("kind", ["cpython", "unix32"])
def test_roles_are_a_setting_and_stand_in_the_identity(kind: str, tmp_path: Path) -> None:
    who = identity(tmp_path, runtime(kind), CHANNELS, "esp32_s3")
    assert tuple(who.zones) == zone_numbers(CHANNELS)
    own = board_channels("esp32_s3")
    for k, (zone, site) in enumerate(own):
        assert who.sites[k] == (wire.Site[site.upper()] if zone == EIGHT[k] else UNUSED)
    assert UNUSED in tuple(who.sites)


def test_fewer_channels_have_roles_likewise(tmp_path: Path) -> None:
    channels = (("heel", "unused"), ("toes", "unused"), ("forefoot", "unused"), *board_channels("esp32_c3")[3:])
    who = identity(tmp_path, find("cpython"), channels, "esp32_c3")
    assert tuple(who.zones) == (*zone_numbers(channels), 255, 255, 255)
    assert tuple(who.sites[2:5]) == (wire.Site.MET5, wire.Site.HEEL_MEDIAL, wire.Site.HEEL_LATERAL)


@pytest.mark.parametrize("bits", [None, -1, -5, 1 << 12, 1 << 30])
def test_without_a_setting_or_with_a_senseless_one_the_board_files_roles_hold(bits: int | None, tmp_path: Path) -> None:
    own = board_channels("esp32_devkitc")
    if bits is not None:
        (tmp_path / "left.json").write_text(json.dumps({"insole.zones": bits}))
    who = identity(tmp_path, find("cpython"), own, "esp32_devkitc")
    assert tuple(who.zones[:6]) == zone_numbers(own)
    assert tuple(who.sites[:6]) == tuple(wire.Site[site.upper()] for _, site in own)


def test_a_role_of_zero_bits_is_a_forefoot_in_every_channel(tmp_path: Path) -> None:
    (tmp_path / "left.json").write_text(json.dumps({"insole.zones": 0}))
    who = identity(tmp_path, find("cpython"), board_channels("esp32_devkitc"), "esp32_devkitc")
    assert tuple(who.zones[:6]) == (wire.Zone.FOREFOOT,) * 6
    assert tuple(who.sites[4:6]) == (UNUSED, UNUSED)
