"""The relay between a device and its port, with a stand-in for the firmware and real ports."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import serial

from retrosole.errors import PortError, RetrosoleError, UsageError
from retrosole.twin import registry
from retrosole.twin.child import Child, launcher
from retrosole.twin.damage import Damage
from retrosole.twin.outlets import Outlet, PtyOutlet, TcpOutlet, set_link
from retrosole.twin.relay import Pause, Relay, SessionWatch

STAND_IN = Path(__file__).with_name("stand_in_firmware.py")
FRAME = b"\x00\x07\x01abcde\x00"
GONE = (serial.SerialException, OSError, termios.error)


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder / "retrosole"


Starter = Callable[..., Relay]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    started = []

    def begin(outlet: Outlet | None = None, **options: object) -> Relay:
        log = tmp_path / "log"
        argv = [sys.executable, "-S", "-E", str(STAND_IN), f"state={tmp_path / 'state'}"]
        child = Child(launcher(argv, log, tmp_path), log)
        relay = Relay(child, outlet or PtyOutlet(tmp_path / "port"), **options)  # type: ignore[arg-type]
        started.append(relay)
        relay.open()
        relay.start()
        return relay

    yield begin
    for relay in started:
        relay.stop()


def until(condition: Callable[[], object], timeout_s: float = 3.0) -> None:
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.005)


def connect(port: str) -> serial.SerialBase:
    return serial.serial_for_url(port, timeout=2.0)


def echoes(line: serial.SerialBase, text: bytes = b"are you there\n") -> bool:
    line.write(b"e" + text)
    return bool(line.read_until(text).endswith(text))


def gone(port: serial.SerialBase) -> None:
    """Read until the port is gone; fail when it stays."""
    end_s = time.monotonic() + 3.0
    while time.monotonic() < end_s:
        try:
            port.read(port.in_waiting or 1)
        except GONE:
            return
    pytest.fail("the port stayed")


def test_a_serial_program_talks_through_the_link_and_may_come_back(start: Starter) -> None:
    relay = start()
    for _ in range(3):
        with connect(relay.port) as port:
            assert echoes(port)
    assert relay.traffic.from_host_n == 3 * len(b"eare you there\n")


def test_every_byte_value_passes_in_both_directions_untouched(start: Starter) -> None:
    relay = start()
    every = bytes(range(256)).replace(b"\n", b"") + b"\n"
    # Opened without setting anything: the terminal itself is raw.
    until(lambda: relay.traffic.unheard_n >= 6)
    port = os.open(relay.port, os.O_RDWR | os.O_NOCTTY)
    try:
        os.write(port, b"e" + every)
        got = b""
        while len(got) < len(every):
            got += os.read(port, 4096)
    finally:
        os.close(port)
    assert got == every


def test_with_nobody_there_the_output_is_gone_and_the_device_never_waits(start: Starter) -> None:
    relay = start()
    with connect(relay.port) as port:
        port.write(b"bs")  # 300 kB, then streaming: both long after we have left
    until(lambda: relay.traffic.unheard_n > 310_000)
    with connect(relay.port) as port:
        # Nothing of the 300 kB is left over for the next one.
        got = port.read(20 * len(FRAME))
    assert set(got.replace(FRAME, b"")) <= set(FRAME)
    assert relay.traffic.overflow_n == 0


def test_nobody_reads_so_whole_chunks_are_dropped_and_counted(start: Starter) -> None:
    relay = start()
    with connect(relay.port) as port:
        port.write(b"b")
        until(lambda: relay.traffic.overflow_n > 100_000)
        port.timeout = 0.2
        got = b""
        while chunk := port.read(port.in_waiting or 1):
            got += chunk
    # The 300 kB, "done" and "hello"; what was said before we came is in unheard_n.
    assert len(got) + relay.traffic.overflow_n + relay.traffic.unheard_n == 1200 * 256 + 4 + 6
    assert len(got) == relay.traffic.to_host_n


def test_a_fast_device_waits_for_a_slow_reader_and_loses_nothing(start: Starter) -> None:
    relay = start(holds_back=True)
    with connect(relay.port) as port:
        port.write(b"b")
        time.sleep(0.1)
        got = b""
        while not got.endswith(b"done"):
            chunk = port.read(port.in_waiting or 1)
            assert chunk, f"{len(got)} bytes came, then nothing for 2 s"
            got += chunk
    assert got.endswith(bytes(range(256)) * 1200 + b"done")
    assert relay.traffic.overflow_n == 0


def test_unplugged_and_back_under_the_same_link_while_the_device_runs_on(start: Starter, tmp_path: Path) -> None:
    entry = registry.claim("left")
    relay = start(unplug=[Pause(0.1, 0.6)], entry=entry)  # long enough to look at on a busy computer
    port = connect(relay.port)
    port.write(b"s")
    gone(port)
    port.close()
    until(lambda: not os.path.lexists(relay.port) and not entry.path.exists())
    until(lambda: os.path.exists(relay.port) and entry.path.exists())
    with connect(relay.port) as port:
        assert FRAME in port.read(3 * len(FRAME))
    assert (tmp_path / "state").read_text() == "start\n"


def test_tcp_is_unplugged_and_back_on_the_same_port(start: Starter) -> None:
    relay = start(TcpOutlet("127.0.0.1", 0), unplug=[Pause(0.1, 0.2)])
    address = address_of(relay.port)
    with closing(socket.create_connection(address, timeout=1.0)) as client:
        client.sendall(b"s")
        while client.recv(4096):
            pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=1.0)
    time.sleep(0.25)
    with closing(socket.create_connection(address, timeout=1.0)) as client:
        assert FRAME in client.recv(4096) + client.recv(4096)


def test_tcp_serves_one_client_refuses_a_second_and_lets_the_first_come_back(
    start: Starter,
) -> None:
    relay = start(TcpOutlet("127.0.0.1", 0))
    for _ in range(2):
        with connect(relay.port) as port:
            assert echoes(port)
            with (
                pytest.raises(ConnectionResetError),
                closing(socket.create_connection(address_of(relay.port), timeout=1.0)) as second,
            ):
                second.recv(1)
            assert echoes(port)


def address_of(port: str) -> tuple[str, int]:
    host, _, number = port.removeprefix("socket://").rpartition(":")
    return host, int(number)


def test_a_reset_starts_the_firmware_again_with_its_state_while_the_port_stays(start: Starter, tmp_path: Path) -> None:
    relay = start()
    with connect(relay.port) as port:
        assert echoes(port)
        port.write(b"r")
        assert port.read_until(b"hello\n").endswith(b"hello\n")
        assert echoes(port)
    assert relay.reset_n == 1
    assert (tmp_path / "state").read_text() == "start\nstart\n"


def test_without_power_it_is_silent_and_begins_anew_while_the_port_stays(start: Starter, tmp_path: Path) -> None:
    relay = start(unpower=[Pause(0.1, 0.4)])
    with connect(relay.port) as port:
        assert port.read_until(b"hello\n").endswith(b"hello\n")
        port.write(b"s")  # samples begin
        since_s = time.monotonic()
        assert port.read_until(b"hello\n").endswith(b"hello\n")
        assert time.monotonic() - since_s > 0.4
        assert echoes(port)
    assert relay.error is None
    assert relay.reset_n == 1
    assert (tmp_path / "state").read_text() == "start\nstart\n"


def test_a_crash_is_told_with_the_last_line_of_its_error_text(start: Starter) -> None:
    relay = start()
    with connect(relay.port) as port:
        assert echoes(port)
        port.write(b"x")
        gone(port)
    assert relay.ended.wait(2.0)
    assert str(relay.error) == (
        "the firmware of the insole virtual insole stopped with exit code 1, expected 0: "
        "ValueError: the sensor is on fire"
    )


def test_firmware_that_ends_takes_its_port_away(start: Starter) -> None:
    relay = start()
    with connect(relay.port) as port:
        port.write(b"q")
        gone(port)
    assert relay.ended.wait(2.0)
    assert relay.error is None
    assert not os.path.lexists(relay.port)


def test_damage_hits_what_the_host_gets_and_is_counted(start: Starter) -> None:
    damage = Damage(drop=0.01, double=0.01, seed=5)
    relay = start(damage=damage, holds_back=True)
    with connect(relay.port) as port:
        port.write(b"b")
        got = b""
        while chunk := port.read(port.in_waiting or 1):
            got += chunk
            if damage.byte_n >= 1200 * 256 + 4 and len(got) == damage.byte_n - damage.dropped_n + damage.doubled_n:
                break
    relay.stop()  # its thread counts a piece after having sent it
    assert min(damage.dropped_n, damage.doubled_n) > 2000
    assert len(got) == relay.traffic.to_host_n == damage.byte_n - damage.dropped_n + damage.doubled_n


def test_stopping_ends_a_child_that_does_not_listen(start: Starter) -> None:
    relay = start()
    with connect(relay.port) as port:
        port.write(b"w")
        time.sleep(0.05)
    pid = relay.pid
    assert pid is not None
    assert registry.is_running(pid)
    relay.stop()
    assert not registry.is_running(pid)
    assert not os.path.lexists(relay.port)


def test_a_samples_frame_is_noticed_wherever_the_stream_is_cut() -> None:
    for cut in range(len(FRAME)):
        watch = SessionWatch()
        seen = [
            watch.feed(b"MicroPython v1\r\n\x00\x05\x03ab\x00" + FRAME[:cut]),
            watch.feed(FRAME[cut:]),
        ]
        assert seen[1], cut
    assert not SessionWatch().feed(b"text \x00\x00\x06\x02abcd\x00 more \x01 text")


def test_an_entry_names_process_side_and_port_and_disappears(runtime_folder: Path) -> None:
    entry, other = registry.claim("left"), registry.claim("left")
    assert entry.path != other.path
    entry.write("/dev/somewhere")
    assert entry.path == runtime_folder / f"left-{os.getpid()}.json"
    assert json.loads(entry.path.read_text()) == {
        "pid": os.getpid(),
        "side": "left",
        "port": "/dev/somewhere",
    }
    assert runtime_folder.stat().st_mode & 0o077 == 0
    entry.remove()
    other.remove()
    assert list(runtime_folder.iterdir()) == []


def test_what_dead_processes_left_is_cleared_and_the_living_are_left_alone(
    runtime_folder: Path,
) -> None:
    runtime_folder.mkdir()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (runtime_folder / f"left-{dead.pid}.json").write_text("{}")
    os.symlink("/dev/pts/99999", runtime_folder / f"left-{dead.pid}")
    (runtime_folder / f"right-{os.getppid()}.json").write_text("{}")
    (runtime_folder / "notes.json").write_text("{}")
    registry.claim("left").remove()
    assert sorted(path.name for path in runtime_folder.iterdir()) == [
        "notes.json",
        f"right-{os.getppid()}.json",
    ]


def test_a_link_replaces_a_link_and_nothing_else(tmp_path: Path) -> None:
    link = tmp_path / "foot"
    link.symlink_to("old")
    set_link(link, "new")
    assert os.readlink(link) == "new"
    link.unlink()
    link.write_text("mine")
    with pytest.raises(UsageError, match="exists and is no link"):
        set_link(link, "new")
    assert link.read_text() == "mine"


def test_a_tcp_port_in_use_is_told() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(PortError) as refusal:
            TcpOutlet("127.0.0.1", number).open()
    assert str(refusal.value) == (
        f"cannot listen on 127.0.0.1 port {number} ({os.strerror(errno.EADDRINUSE)}): choose another port"
    )


def test_an_address_that_is_not_here_is_told() -> None:
    with pytest.raises(RetrosoleError, match=r"cannot listen on 192\.0\.2\.1 port 7000 \(.*\): choose another port"):
        TcpOutlet("192.0.2.1", 7000).open()


def test_an_interpreter_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    with pytest.raises(RetrosoleError) as refusal:
        launcher(["/nowhere/micropython"], tmp_path / "log", tmp_path)()
    assert str(refusal.value) == (
        "cannot start /nowhere/micropython (No such file or directory): choose another one with --interpreter"
    )
