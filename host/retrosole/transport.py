"""A serial port, or anything pyserial has a URL for, as a queue of received chunks.

One reader thread per open port. A port that goes away is an event in the queue, never an exception from the thread.
"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import socket
import stat
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import serial
from serial.tools import list_ports

from retrosole.errors import PortError

BAUDRATE = 115200
_READ_TIMEOUT_S = 0.2  # how long a close may have to wait for the reader
_WRITE_TIMEOUT_S = 3.0  # a busy computer or an insole that erases its store may leave a port alone for a second
_BUSY_S = 1.0
_BUSY_AGAIN_S = 0.1
_SOCKET_READ_BYTES = 4096
_NETWORK_SCHEMES = ("socket", "rfc2217")
_SCHEMES = "socket://HOST:PORT or rfc2217://HOST:PORT"

# An unplugged port raises any of three unrelated types (pyserial #417)
LINK_ERRORS: tuple[type[Exception], ...] = (serial.SerialException, OSError)
if sys.platform != "win32":
    import termios

    LINK_ERRORS += (termios.error,)


_OPEN_ERRORS: tuple[type[Exception], ...] = (
    ValueError,
    *LINK_ERRORS,
)  # a ValueError is a URL that pyserial cannot read


@dataclass(frozen=True)
class Chunk:
    """Hold bytes as they came, and when by the host's steady clock."""

    data: bytes
    received_s: float


@dataclass(frozen=True)
class PortGone:
    """Say that the port went away while it was open."""

    text: str
    received_s: float


class Transport:
    """Read a port in a thread and write to it.

    Opening takes an exclusive lock and leaves DTR and RTS released, since they reset many boards; what `open_serial`
    has opened already can be given instead.
    Raises PortError with one line when the port is not there, is busy, or is not ours to open.
    """

    def __init__(self, port: str, baudrate: int = BAUDRATE, opened: Any = None) -> None:
        self.port = port
        self._serial = open_serial(port, baudrate) if opened is None else opened
        self._serial.timeout = _READ_TIMEOUT_S
        self._is_socket = port.startswith("socket://")
        self._queue: queue.SimpleQueue[Chunk | PortGone] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._gone: PortGone | None = None
        self._reader = threading.Thread(target=self._run, name=f"read {port}", daemon=True)
        self._reader.start()

    def read(self, timeout_s: float) -> Chunk | PortGone | None:
        """Give the next chunk, waiting at most `timeout_s`; None when nothing came.

        After the port went away every call gives PortGone, once all that came before is read.
        """
        if self._gone is not None:
            return self._gone
        try:
            item = self._queue.get(timeout=max(timeout_s, 0.0))
        except queue.Empty:
            return None
        if isinstance(item, PortGone):
            self._gone = item
        return item

    def write(self, data: bytes) -> None:
        """Send bytes. Raises PortError when the port is gone or takes nothing for a second."""
        try:
            self._serial.write(data)
        except serial.SerialTimeoutException as error:
            raise PortError(
                f"port {self.port} took no bytes for {_WRITE_TIMEOUT_S:g} s: unplug the insole, plug it in again"
            ) from error
        except LINK_ERRORS as error:
            raise PortError(gone_text(self.port, error)) from error

    def close(self) -> None:
        """Stop the reader and close the port; calling it again does nothing."""
        if self._closing.is_set():
            return
        self._closing.set()
        with contextlib.suppress(AttributeError, *LINK_ERRORS):  # not every URL handler can cancel
            self._serial.cancel_read()
        self._reader.join(timeout=_READ_TIMEOUT_S * 5)
        with contextlib.suppress(*LINK_ERRORS):  # a vanished port cannot be closed more than it is
            self._serial.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                data = self._read_some()
            except LINK_ERRORS as error:
                if not self._closing.is_set():
                    self._queue.put(PortGone(gone_text(self.port, error), time.monotonic()))
                return
            except (TypeError, AttributeError):
                if self._closing.is_set():
                    return  # pyserial, closed under a reader that could not be woken
                raise
            if data:
                self._queue.put(Chunk(data, time.monotonic()))

    def _read_some(self) -> bytes:
        if not self._is_socket:
            return bytes(self._serial.read(self._serial.in_waiting or 1))
        # pyserial's socket handler counts waiting bytes as 0 or 1: wait for one, then take what there is
        self._serial.timeout = _READ_TIMEOUT_S
        first = self._serial.read(1)
        if not first:
            return b""
        self._serial.timeout = 0
        return bytes(first) + bytes(self._serial.read(_SOCKET_READ_BYTES))


def gone_text(port: str, error: Exception) -> str:
    """Say in one line that an open port went away."""
    reason = _reason(error)
    if "returned no data" in reason:  # pyserial's long guess at what a hang-up may be
        reason = "it hung up"
    return f"port {port} went away ({reason}): was the insole unplugged or switched off?"


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def open_serial(port: str, baudrate: int = BAUDRATE, timeout_s: float = _READ_TIMEOUT_S) -> Any:
    """Open a port as every port here is opened: exclusively, with DTR and RTS released.

    Reading waits at most `timeout_s`. Who else has the port may be just looking what it is (ModemManager does at every
    device that is plugged in), so that is waited for, a second. Raises PortError.
    """
    _check_name(port)
    end_s = time.monotonic() + _BUSY_S
    while True:
        try:
            return _opened(port, baudrate, timeout_s)
        except _OPEN_ERRORS as error:
            if not _is_busy(error) or time.monotonic() > end_s:
                raise PortError(open_failed_text(port, error)) from error
        time.sleep(_BUSY_AGAIN_S)


def _opened(port: str, baudrate: int, timeout_s: float) -> Any:
    device = serial.serial_for_url(port, do_not_open=True)
    device.baudrate = baudrate
    device.timeout = timeout_s
    if not port.lower().startswith("rfc2217://"):  # pyserial has none for it
        device.write_timeout = _WRITE_TIMEOUT_S
    device.dtr = False  # before open: afterwards the board has already been reset
    device.rts = False
    if "://" not in port:
        device.exclusive = True
    device.open()
    return device


def _is_busy(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.EBUSY, errno.EAGAIN)


def open_failed_text(port: str, error: Exception) -> str:
    """Say in one line why a port could not be opened and what to do."""
    code = error.errno if isinstance(error, OSError) else None
    text = _reason(error)
    if _is_busy(error):
        return _busy_text(port)
    if code == errno.ENOENT or "FileNotFoundError" in text:
        return f"port {port} does not exist: {_existing_text()}"
    if code in (errno.EACCES, errno.EPERM) or "PermissionError" in text:
        return _permission_text(port)
    if error.__context__ is not None and error.__context__.args[:1] == (errno.ENOTTY,):
        return f"{port} is no serial port: {_existing_text()}"
    if "://" in port:
        return _url_failed_text(port, error)
    return f"cannot open port {port} ({text}): {_existing_text()}"


def _url_failed_text(url: str, error: Exception) -> str:
    if isinstance(error, ValueError) and "not known" in str(error):
        return f"{url} is of an unknown kind: expected {_SCHEMES}, or a device"
    cause = error.__context__ or error  # pyserial puts the whole URL into its own words
    if isinstance(cause, socket.gaierror):
        return f"{urlsplit(url).hostname} cannot be found, from {url}: is the name of the computer right?"
    reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else _reason(cause)
    return f"cannot open {url} ({reason}): is the other side running, and the address as host:port right?"


def _check_name(port: str) -> None:
    """Raise PortError for what can be seen to be no port without opening it."""
    if not port:
        raise PortError(f"port is empty: name one, or leave it out to look for an insole; {_existing_text()}")
    scheme, url, _ = port.partition("://")
    if url:
        _check_url(port, scheme.lower())
    elif _is_no_serial_port(port):
        raise PortError(f"{port} is no serial port: {_existing_text()}")


def _check_url(url: str, scheme: str) -> None:
    if scheme not in _NETWORK_SCHEMES:
        return
    try:
        parts = urlsplit(url)
        number = parts.port
    except ValueError as error:
        if "range" in str(error):
            raise PortError(f"the port number of {url} is out of range: expected 1 to 65535") from error
        raise PortError(f"{url} has no readable host or port number: expected {scheme}://HOST:PORT") from error
    if not parts.hostname or number is None:
        raise PortError(f"{url} has no {'port number' if parts.hostname else 'host'}: expected {scheme}://HOST:PORT")
    if number == 0:
        raise PortError(f"the port number of {url} is out of range: expected 1 to 65535")


def _is_no_serial_port(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False  # opening it says more
    return sys.platform != "win32" and not stat.S_ISCHR(mode)


def _existing_text() -> str:
    names = sorted(info.device for info in list_ports.comports())
    return f"there are {', '.join(names)}" if names else "there is no serial port; plug the insole in"


def _permission_text(port: str) -> str:
    if sys.platform == "win32":
        return f"port {port} is in use or refused by Windows: close the other program that has it open"
    if sys.platform == "darwin":
        return f"no permission to open port {port}: close other programs that use it, or check its owner with ls -l"
    return f"no permission to open port {port}: run `sudo usermod -aG {_group(port)} $USER`, then log out and in again"


def _group(port: str) -> str:
    """Give the group that owns a device node; Debian's dialout when it cannot be told."""
    try:
        name = Path(port).group()
    except (OSError, KeyError):
        return "dialout"
    return name if name != "root" else "dialout"


def _busy_text(port: str) -> str:
    users = ", ".join(users_of(port))
    return f"port {port} is in use by {users or 'another program'}: close that first"


def users_of(port: str) -> list[str]:
    """Name the processes that hold a device, where /proc can tell; those with the lock before all others."""
    return list(_users(port))


def _users(port: str) -> Iterator[str]:
    pids = _lock_holders(port) or _openers(port)
    for pid in sorted(pids):
        with contextlib.suppress(OSError):
            name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
            yield "this same program" if pid == os.getpid() else f"{name} (process {pid})"


def _lock_holders(port: str) -> set[int]:
    try:
        node = os.stat(port)
        lines = Path("/proc/locks").read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    key = f"{os.major(node.st_dev):02x}:{os.minor(node.st_dev):02x}:{node.st_ino}"
    # 1: FLOCK  ADVISORY  WRITE 708 00:18:12 0 EOF
    rows = [line.split() for line in lines]
    return {int(row[4]) for row in rows if len(row) > 5 and row[5] == key and int(row[4]) > 0}


def _openers(port: str) -> set[int]:
    target = os.path.realpath(port)
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(link) == target:
                found.add(int(link.parts[2]))
    return found
