"""The simulator: its options, what it walks on, and the real firmware behind real ports."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from retrosole.device import connect as retrosole_connect
from retrosole.errors import PortError, UsageError
from retrosole.twin import registry
from retrosole.twin.launch import device_id
from retrosole.twin.relay import Pause
from retrosole.twin.runtimes import Runtime
from retrosole.twin.sim import opening_lines
from retrosole.twin.sim_options import (
    SimOptions,
    check,
    links,
    parse_channels,
    parse_pauses,
    parse_tcp,
)
from retrosole.twin.virtual import VirtualInsoles, virtual_insoles
from retrosole.twin.walk import Walk, prepare_walk


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder / "retrosole"


def until(condition: Callable[[], object], timeout_s: float = 3.0) -> None:
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"feet": "three"}, "feet is left, right or both, got 'three'"),
        ({"duration_s": 0.0}, "duration is in seconds and above 0, got 0: try --duration 60"),
        ({"duration_s": -1.0}, "duration is in seconds and above 0, got -1: try --duration 60"),
        (
            {"speed": -2.0},
            "speed is a factor from 0 (as fast as possible) up, got -2: 1 is real time",
        ),
        ({"seed": -1}, "seed is a whole number from 0 up, got -1"),
        ({"drop": 2.0}, "drop is a probability per byte from 0 to 1, got 2: try 0.001"),
        ({"unpower": ("-1:2",)}, "unpower needs AT from 0 up and S above 0, got '-1:2': try --unpower 10:3"),
        ({"unplug": ("soon",)}, "unplug is AT:S, both in seconds, got 'soon': try --unplug 10:3"),
        (
            {"unplug": ("5:0",)},
            "unplug needs AT from 0 up and S above 0, got '5:0': try --unplug 10:3",
        ),
        (
            {"unplug": ("5:3", "6:1")},
            "unplug 5:3 lasts until 8 s, the next begins at 6 s: leave time between them",
        ),
        (
            {"tcp": "7000"},
            "tcp is HOST:PORT with a port up to 65534, got '7000': try --tcp 127.0.0.1:7000",
        ),
        (
            {"tcp": "127.0.0.1:65535"},
            "tcp is HOST:PORT with a port up to 65534, got '127.0.0.1:65535': try --tcp 127.0.0.1:7000",
        ),
        (
            {"tcp": "127.0.0.1:7000", "link": Path("/tmp/x")},
            "--link and --tcp exclude each other: a TCP port has no path to link to",
        ),
        (
            {"truth": Path("/nowhere/at/all.csv")},
            "the folder of /nowhere/at/all.csv does not exist: make it, or choose another path for --truth",
        ),
        (
            {"front_end": "bridge"},
            "front end is one of board, ideal, realistic, divider, amplifier, got 'bridge'",
        ),
        (
            {"link": Path("/nowhere/foot")},
            "the folder /nowhere does not exist: make it, or choose another path for --link",
        ),
        (
            {"link": Path("/etc/passwd"), "feet": "left"},
            "/etc/passwd exists and is no link: choose another path for --link",
        ),
    ],
)
def test_impossible_options_are_refused_with_one_clear_line(options: dict[str, object], text: str) -> None:
    with pytest.raises(UsageError) as refusal:
        check(SimOptions(**options))  # type: ignore[arg-type]
    assert str(refusal.value) == text


def test_unplugs_are_sorted_and_addresses_understood() -> None:
    assert parse_pauses(("10:2", "1:0.5"), "unplug") == [Pause(1.0, 0.5), Pause(10.0, 2.0)]
    assert parse_tcp("[::1]:7000", 2) == ("::1", 7000)
    assert parse_tcp(None, 2) is None


def test_link_is_the_path_for_one_foot_and_has_the_side_for_two(tmp_path: Path) -> None:
    link = tmp_path / "foot"
    assert links(SimOptions(feet="right", link=link)) == {"right": link}
    assert links(SimOptions(link=link)) == {
        "left": tmp_path / "foot-left",
        "right": tmp_path / "foot-right",
    }


def test_channels_go_by_number_or_site_with_or_without_a_side() -> None:
    sites = ["hallux", "heel_medial"]
    assert parse_channels(("1", "left:hallux"), sites, "dead") == [(None, 1), ("left", 0)]
    for wrong in ("2", "toe", "up:0", "-1", "both:hallux"):
        with pytest.raises(UsageError) as refusal:
            parse_channels((wrong,), sites, "dead")
        assert str(refusal.value) == (
            f"--dead {wrong}: no such channel; this insole has 0 hallux, 1 heel_medial (put left: or right: before it)"
        )


def options_for(**more: object) -> SimOptions:
    return SimOptions(**{"interpreter": "cpython", "duration_s": 5.0, **more})  # type: ignore[arg-type]


def test_two_feet_answer_with_their_side_and_nothing_is_left_behind(runtime_folder: Path) -> None:
    with virtual_insoles(options_for()) as insoles:
        assert list(insoles.ports) == ["left", "right"]
        assert len(list(runtime_folder.glob("*.json"))) == 2
        pids = [relay.pid for relay in insoles.relays.values()]
        for side, port in insoles.ports.items():
            with retrosole_connect(port) as insole:
                assert insole.side == side
                assert insole.identity.device_id.hex() == device_id(1, side)
        folder = insoles.folder
        assert folder.exists()
    assert list(runtime_folder.iterdir()) == []
    assert not folder.exists()
    assert not any(registry.is_running(pid) for pid in pids if pid is not None)


def test_the_folder_of_a_killed_run_is_removed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    killed, living = tmp_path / f"retrosole-sim-{dead.pid}-x", tmp_path / f"retrosole-sim-{os.getpid()}-x"
    killed.mkdir()
    (killed / "left.u16").write_bytes(bytes(100))
    living.mkdir()
    with virtual_insoles(options_for(feet="left")):
        assert not killed.exists()
        assert living.exists()


def test_two_feet_on_tcp_take_two_ports_in_a_row(runtime_folder: Path) -> None:
    first = free_pair()
    with virtual_insoles(options_for(tcp=f"127.0.0.1:{first}")) as insoles:
        assert insoles.ports == {
            "left": f"socket://127.0.0.1:{first}",
            "right": f"socket://127.0.0.1:{first + 1}",
        }
        for side, port in insoles.ports.items():
            with retrosole_connect(port) as insole:
                assert insole.side == side


def free_pair() -> int:
    for _ in range(50):
        with closing(socket.create_server(("127.0.0.1", 0))) as one:
            number = int(one.getsockname()[1])
            try:
                socket.create_server(("127.0.0.1", number + 1)).close()
            except (OSError, OverflowError):
                continue
            return number
    raise AssertionError("no two free ports in a row")


def test_dead_and_stuck_channels_are_in_the_samples_and_the_truth_is_written(
    tmp_path: Path,
) -> None:
    options = options_for(
        feet="left",
        gait="backward",
        dead=("hallux",),
        stuck=("left:5",),
        truth=tmp_path / "truth.csv",
    )
    walk = prepare_walk(options, tmp_path)
    counts = np.fromfile(walk.samples["left"], "<u2").reshape(-1, len(walk.channels))
    assert list(walk.samples) == ["left"]
    assert len(counts) == 7000  # 5 s and a margin of 2 s at 1000 Hz
    assert counts[:, 0].max() == 0
    assert np.ptp(counts[:, 5]) == 0
    assert counts[0, 5] > 500
    assert all(np.ptp(counts[:, channel]) > 500 for channel in (1, 2, 3, 4))
    assert len((tmp_path / "truth.csv").read_text().splitlines()) > 3


def test_a_recording_is_walked_on(tmp_path: Path) -> None:
    path = tmp_path / "walk.csv"
    rows = [f"{k / 100:.2f},{10 + k % 50},{20 + k % 30}" for k in range(200)]
    path.write_text("\n".join(["time_s,left_heel_a,left_forefoot_a", *rows]) + "\n")
    walk = prepare_walk(options_for(source=str(path), feet="left"), tmp_path)
    assert walk.story == "recording: walk.csv, 2 s"
    assert walk.samples["left"].stat().st_size == 1991 * 6 * 2
    with pytest.raises(UsageError) as refusal:
        prepare_walk(options_for(source=str(path)), tmp_path)
    assert str(refusal.value) == "walk.csv has no right foot, only left: add --feet left"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"gait": "moonwalk"}, "moonwalk.*expected one of .*backward"),
        (
            {"board": "toaster"},
            "there is no board 'toaster': choose one of esp32_c3, esp32_devkitc, esp32_s3, insole_s3",
        ),
        (
            {"source": "/nowhere/walk.csv"},
            "/nowhere/walk.csv is no file: give --source model, or the path",
        ),
        ({"dead": ("9",)}, "--dead 9: no such channel; this insole has 0 hallux, 1 met1, 2 met3"),
        (
            {"feet": "left", "stuck": ("right:0",)},
            "right:hallux was asked for, but the right foot is not there",
        ),
    ],
)
def test_an_impossible_walk_is_refused(options: dict[str, object], text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=text):
        prepare_walk(options_for(**options), tmp_path)


def test_a_link_of_a_running_virtual_insole_is_not_taken_over(tmp_path: Path) -> None:
    options = options_for(feet="left", link=tmp_path / "foot")
    with virtual_insoles(options) as insoles:
        with pytest.raises(PortError) as refusal, virtual_insoles(options):
            pass
        assert str(refusal.value).startswith(f"{tmp_path / 'foot'} belongs to the virtual insole of process")
        with retrosole_connect(insoles.ports["left"]) as insole:
            assert insole.side == "left"


RUN = """
import sys
from retrosole.twin.sim import SimOptions, run_sim
sys.exit(run_sim(SimOptions(interpreter="cpython", gait="standing", duration_s=float(sys.argv[1]), feet=sys.argv[2])))
"""


def simulator(seconds: float, feet: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(seconds), feet],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    return process


def test_first_line_names_the_ports_and_the_rest_says_what_runs(runtime_folder: Path) -> None:
    with simulator(0.3, "both") as process:
        text, errors = process.communicate(timeout=20)
    first, interpreter, story, look, end, *_ = text.splitlines()
    assert first == f"left {runtime_folder}/left-{process.pid} right {runtime_folder}/right-{process.pid}"
    assert interpreter.startswith("CPython 3.")
    assert story == "gait model: standing, seed 1"
    _, left, _, right = first.split()
    assert look == f"Look: retrosole live --port {left} --port {right}"
    assert end == "Ends after 0.3 s, or with Ctrl-C"
    assert (process.returncode, errors) == (0, "")


def test_falling_back_to_cpython_is_said_and_an_open_port_is_warned_of(tmp_path: Path) -> None:
    cpython = Runtime("cpython", "3.11.7", (sys.executable,), 64)
    walk = Walk({}, (), 1.0, "gait model: mixed, seed 1")
    insoles = VirtualInsoles(cpython, walk, tmp_path)
    lines = opening_lines(insoles, SimOptions(tcp="0.0.0.0:7000"))
    assert lines[0] == "CPython 3.11.7 (64-bit)"
    assert lines[1].startswith("No MicroPython here, so the firmware runs on CPython")
    assert "Careful: anybody who can reach 0.0.0.0:7000 can open these ports" in lines
    assert lines[-1] == "End: Ctrl-C"
    asked_for = opening_lines(insoles, SimOptions(interpreter="cpython", tcp="127.0.0.1:7000"))
    assert not any("No MicroPython" in line or "Careful" in line for line in asked_for)


def test_whoever_wants_the_first_line_only_does_not_end_the_simulator() -> None:
    with simulator(0.5, "left") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("left ")
        process.stdout.close()
        assert process.stderr is not None
        errors = process.stderr.read()
    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -9)],
)
def test_however_it_is_ended_no_process_stays(runtime_folder: Path, number: int, code: int) -> None:
    with simulator(60, "left") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"left {runtime_folder}/left-{process.pid}\n"
        children = children_of(process.pid)
        assert children
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (code, "")
    until(lambda: not any(is_alive(child) for child in children))
    if number == signal.SIGKILL:
        registry.clear_stale(runtime_folder)
    assert list(runtime_folder.iterdir()) == []


def test_in_the_background_of_a_script_an_interrupt_ends_it_all_the_same(runtime_folder: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # what a shell without job control does for `sim &`
    try:
        process = simulator(20, "left")
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (130, "")
    assert list(runtime_folder.iterdir()) == []


def children_of(pid: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    """Tell a living process from none, and from one that has ended and waits to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_another_foot_seed_or_user_is_another_device(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = set()
    for user in ("/run/user/1000", "/run/user/1001"):
        monkeypatch.setenv("XDG_RUNTIME_DIR", user)
        ids |= {device_id(seed, side) for seed in (1, 2) for side in ("left", "right")}
        assert device_id(1, "left") in ids, "the same every time"
    assert len(ids) == 8 and all(len(one) == 16 and one.startswith("56") for one in ids)
