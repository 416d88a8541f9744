"""A real pty, a real socket and pyserial's loop: opening, reading, going away, and what is said when it fails."""

from __future__ import annotations

import errno
import grp
import json
import os
import pty
import pwd
import re
import socket
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import serial
from serial.rfc2217 import PortManager
from serial.tools import list_ports

from retrosole import ports, transport
from retrosole.errors import PortError
from retrosole.transport import Chunk, PortGone, Transport, open_failed_text


@pytest.fixture
def pair() -> Iterator[tuple[int, str]]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    for fd in (master, slave):
        try:
            os.close(fd)
        except OSError:
            continue  # the test has unplugged it


def read_bytes(port: Transport, n: int, timeout_s: float = 2.0) -> bytes:
    data, end_s = b"", time.monotonic() + timeout_s
    while len(data) < n and time.monotonic() < end_s:
        item = port.read(0.1)
        data += item.data if isinstance(item, Chunk) else b""
    return data


class _Lines:
    """What pyserial's server of RFC 2217 writes its own words to."""

    def __init__(self, connection: socket.socket) -> None:
        self.write = connection.sendall


def echo_over_rfc2217(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection, serial.serial_for_url("loop://", timeout=0) as device:
        manager = PortManager(device, _Lines(connection))
        while data := connection.recv(4096):
            device.write(b"".join(manager.filter(data)))
            connection.sendall(b"".join(manager.escape(device.read(4096))))


def test_a_port_behind_rfc2217() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=echo_over_rfc2217, args=(server,), daemon=True)
        thread.start()
        port = Transport(f"rfc2217://127.0.0.1:{server.getsockname()[1]}")
        port.write(b"\0there\xff\0")
        assert read_bytes(port, 8) == b"\0there\xff\0"
        port.close()
        thread.join(10)


def test_bytes_come_as_chunks_with_their_time(pair: tuple[int, str]) -> None:
    port = Transport(pair[1])
    before_s = time.monotonic()
    os.write(pair[0], b"hello\0")
    chunk = port.read(2.0)
    assert isinstance(chunk, Chunk)
    assert chunk.data + read_bytes(port, 6 - len(chunk.data)) == b"hello\0"
    assert before_s <= chunk.received_s <= time.monotonic()
    port.write(b"\0there")
    assert os.read(pair[0], 100) == b"\0there"
    port.close()
    port.close()


def test_nothing_within_the_time_is_none(pair: tuple[int, str]) -> None:
    port = Transport(pair[1])
    assert port.read(0.05) is None
    port.close()


def test_a_vanished_port_is_an_event_after_all_that_came_before(pair: tuple[int, str]) -> None:
    port = Transport(pair[1])
    os.write(pair[0], b"half a fra")
    assert read_bytes(port, 10) == b"half a fra"
    os.close(pair[0])
    gone = port.read(2.0)
    assert isinstance(gone, PortGone)
    reason = gone.text.removeprefix(f"port {pair[1]} went away (")
    reason = reason.removesuffix("): was the insole unplugged or switched off?")
    assert reason in ("it hung up", "[Errno 5] Input/output error", "read failed: [Errno 5] Input/output error")
    assert port.read(0.0) is gone
    with pytest.raises(PortError, match="went away"):
        port.write(b"x" * 10)
    port.close()


def test_a_port_that_takes_nothing_is_said_to(pair: tuple[int, str]) -> None:
    port = Transport(pair[1])
    with pytest.raises(PortError, match=r"took no bytes for 3 s: unplug the insole"):
        port.write(bytes(1 << 20))
    port.close()


def test_a_port_is_locked_and_the_holder_named(pair: tuple[int, str]) -> None:
    first = Transport(pair[1])
    with pytest.raises(PortError, match=f"port {pair[1]} is in use by this same program: close that first"):
        Transport(pair[1])
    first.close()
    Transport(pair[1]).close()


def test_who_only_looks_at_a_port_is_waited_for(pair: tuple[int, str]) -> None:
    looking = Transport(pair[1])
    end = threading.Timer(0.3, looking.close)
    end.start()
    Transport(pair[1]).close()
    end.join()


def test_another_process_that_holds_the_port_is_named(pair: tuple[int, str]) -> None:
    code = f"import serial; p = serial.Serial({pair[1]!r}, exclusive=True); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(PortError, match=rf"in use by python\S* \(process {other.pid}\): close that first"):
            Transport(pair[1])
        other.communicate("\n")


def test_a_port_that_does_not_exist_lists_those_that_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_ports, "comports", lambda: [SimpleNamespace(device="/dev/ttyUSB7")])
    with pytest.raises(PortError, match=r"port /dev/ttyNONE does not exist: there are /dev/ttyUSB7"):
        Transport("/dev/ttyNONE")
    monkeypatch.setattr(list_ports, "comports", list)
    with pytest.raises(PortError, match=r"does not exist: there is no serial port; plug the insole in"):
        Transport("/dev/ttyNONE")


def test_no_permission_gives_the_exact_group_command(monkeypatch: pytest.MonkeyPatch) -> None:
    error = serial.SerialException(errno.EACCES, "could not open port /dev/ttyUSB0")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "group", lambda _: "uucp")
    assert open_failed_text("/dev/ttyUSB0", error) == (
        "no permission to open port /dev/ttyUSB0: run `sudo usermod -aG uucp $USER`, then log out and in again"
    )
    monkeypatch.setattr(Path, "group", lambda _: "root")
    assert "usermod -aG dialout $USER" in open_failed_text("/dev/ttyUSB0", error)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_no_permission_for_real(pair: tuple[int, str]) -> None:
    assert grp.getgrgid(os.stat(pair[1]).st_gid)  # loads grp while it can still be read
    os.chmod(pair[1], 0o600)
    nobody = pwd.getpwnam("nobody").pw_uid
    os.seteuid(nobody)
    try:
        with pytest.raises(
            PortError, match=rf"no permission to open port {pair[1]}: run `sudo usermod -aG \w+ \$USER`"
        ):
            Transport(pair[1])
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    ("platform", "text"),
    [("win32", "is in use or refused by Windows: close the other program"), ("darwin", "check its owner with ls -l")],
)
def test_no_permission_elsewhere(monkeypatch: pytest.MonkeyPatch, platform: str, text: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    error = serial.SerialException("could not open port 'COM3': PermissionError(13, 'Access is denied.', None, 5)")
    assert text in open_failed_text("COM3", error)


@pytest.mark.parametrize(
    ("port", "text"),
    [
        (
            "socket://127.0.0.1:1",
            r"cannot open socket://127\.0\.0\.1:1 \(Connection refused\): is the other side running, .*",
        ),
        ("socket://no.such.invalid:5", r"no\.such\.invalid cannot be found, from socket://no\.such\.invalid:5: is .*"),
        ("rfc2217://no.such.invalid:5", r"no\.such\.invalid cannot be found, from rfc2217://no.*:5: is .*"),
        ("socket://localhost:99999", r"the port number of \S+:99999 is out of range: expected 1 to 65535"),
        ("socket://localhost:0", r"the port number of socket://localhost:0 is out of range: expected 1 to 65535"),
        ("socket://nohost", r"socket://nohost has no port number: expected socket://HOST:PORT"),
        ("socket://:5", r"socket://:5 has no host: expected socket://HOST:PORT"),
        ("rfc2217://x:y", r"rfc2217://x:y has no readable host or port number: expected rfc2217://HOST:PORT"),
        ("nosuch://x", r"nosuch://x is of an unknown kind: expected socket://HOST:PORT or rfc2217://.*"),
        ("/dev/null", r"/dev/null is no serial port: there (is|are) .*"),
        (__file__, r"\S*test_transport.py is no serial port: there (is|are) .*"),
        ("/tmp", r"/tmp is no serial port: there (is|are) .*"),
        ("", r"port is empty: name one, or leave it out to look for an insole; there (is|are) .*"),
    ],
)
def test_what_is_no_port_is_said_in_one_line_that_names_it_once(port: str, text: str) -> None:
    with pytest.raises(PortError) as caught:
        Transport(port)
    assert re.fullmatch(text, str(caught.value)), str(caught.value)
    if port:
        assert str(caught.value).count(port) == 1


def test_loop_url_works() -> None:
    port = Transport("loop://")
    port.write(b"round")
    assert read_bytes(port, 5) == b"round"
    port.close()


def test_a_socket_is_read_in_pieces_larger_than_a_byte() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    accepted: list[socket.socket] = []
    thread = threading.Thread(target=lambda: accepted.append(server.accept()[0]))
    thread.start()
    port = Transport(f"socket://127.0.0.1:{server.getsockname()[1]}")
    thread.join()
    accepted[0].sendall(bytes(range(1, 201)))
    chunk = port.read(2.0)
    assert isinstance(chunk, Chunk)
    assert chunk.data == bytes(range(1, 201))
    accepted[0].close()
    assert isinstance(port.read(2.0), PortGone)
    port.close()
    server.close()


def test_dtr_and_rts_are_released_before_a_port_opens(monkeypatch: pytest.MonkeyPatch, pair: tuple[int, str]) -> None:
    seen: list[tuple[bool, bool]] = []
    opened = serial.Serial.open

    def spy(self: Any) -> None:
        seen.append((self.dtr, self.rts))
        opened(self)

    monkeypatch.setattr(serial.Serial, "open", spy)
    Transport(pair[1]).close()
    assert seen == [(False, False)]


# -------------------------------------------------------------------------------------------------------- candidates


def usb(device: str, vid: int | None, pid: int | None) -> SimpleNamespace:
    return SimpleNamespace(device=device, vid=vid, pid=pid, serial_number="S1")


def test_only_known_usb_ids_are_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    there = [
        usb("/dev/ttyS0", None, None),
        usb("/dev/ttyUSB0", 0x10C4, 0xEA60),
        usb("/dev/ttyACM1", 0x303A, 0x1001),
        usb("/dev/ttyACM0", 0x2341, 0x0043),
        usb("/dev/ttyUSB1", 0x0403, 0x6014),
    ]
    monkeypatch.setattr(list_ports, "comports", lambda: there)
    monkeypatch.setattr(ports, "_virtual_candidates", list)
    assert [c.port for c in ports.list_candidates()] == ["/dev/ttyACM1", "/dev/ttyUSB0"]
    assert ports.list_candidates()[1].description == "Silicon Labs CP210x 10C4:EA60"


def test_running_virtual_insoles_are_candidates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(list_ports, "comports", list)
    monkeypatch.setattr(ports, "registry_dir", lambda: tmp_path)
    with subprocess.Popen([sys.executable, "-c", ""]) as done:
        done.wait()
    entries = {
        "a": {"pid": os.getpid(), "side": "right", "port": "/dev/pts/9"},
        "b": {"pid": done.pid, "side": "left", "port": "/dev/pts/8"},
        "c": {"pid": "x"},
        "e": {"pid": os.getpid(), "side": "right", "port": "/dev/pts/9"},
        "d": [1],
    }
    for name, entry in entries.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(entry))
    (tmp_path / "torn.json").write_text('{"pid": 1')
    found = ports.list_candidates()
    assert [(c.port, c.kind, c.side) for c in found] == [("/dev/pts/9", "virtual", "right")]


def test_the_registry_is_in_the_users_runtime_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("XDG_RUNTIME_DIR is Linux's")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert ports.registry_dir() == tmp_path / "retrosole"


def test_every_error_of_a_link_is_caught() -> None:
    names = {error.__name__ for error in transport.LINK_ERRORS}
    assert names >= {"SerialException", "OSError"}
