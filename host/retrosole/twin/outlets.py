"""What the host opens: a pseudo-terminal behind a link, or a TCP port for one client.

Both can vanish like a pulled USB plug and come back under the same name. None of the methods blocks.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import sys
from pathlib import Path
from typing import Protocol

from retrosole.errors import PortError, UsageError

# As much as one turn of the relay moves; a session is 3 kB/s, a fast one some hundred.
_READ_BYTES = 65536


class Outlet(Protocol):
    """One port that the host can open."""

    @property
    def port(self) -> str:
        """The name to open: a path or a pyserial URL."""

    def open(self) -> None:
        """Offer the port; raise PortError or UsageError when that is impossible."""

    def close(self) -> None:
        """Take the port away: whoever has it open gets an error."""

    def refresh(self) -> bool:
        """Notice who came and who left; return whether somebody has the port open."""

    def watched(self) -> list[int]:
        """Return the descriptors whose input ends the relay's waiting."""

    def output(self) -> int | None:
        """Return the descriptor to watch for room while output waits, None when nobody is there."""

    def read(self) -> bytes:
        """Return what the host sent, empty when nothing."""

    def write(self, data: memoryview) -> int:
        """Hand bytes to the host; return how many were taken."""


class PtyOutlet:
    """A pseudo-terminal in raw mode behind a stable link.

    We never keep the slave end open, so a hang-up on the master says that nobody else has it open either.
    """

    def __init__(self, link: Path) -> None:
        """Remember where the link goes; nothing is made yet."""
        self._link = link
        self._master: int | None = None
        self._slave_path = ""
        self._attached = False
        self._poll = select.poll()

    @property
    def port(self) -> str:
        """The link's path."""
        return str(self._link)

    def open(self) -> None:
        """Make a pseudo-terminal and put the link on it."""
        import tty

        try:
            master, slave = os.openpty()
        except OSError as error:
            raise PortError(
                f"cannot make a pseudo-terminal ({error.strerror}): use --tcp 127.0.0.1:7000 instead"
            ) from error
        try:
            tty.setraw(slave)
            self._slave_path = os.ttyname(slave)
            os.set_blocking(master, False)
            set_link(self._link, self._slave_path)
        except BaseException:
            os.close(master)
            raise
        finally:
            os.close(slave)
        self._master = master
        self._poll = select.poll()
        self._poll.register(master, select.POLLIN)
        self._attached = False

    def close(self) -> None:
        """Remove the link and hang up."""
        if self._master is None:
            return
        remove_link(self._link, self._slave_path)
        os.close(self._master)
        self._master = None
        self._attached = False

    def refresh(self) -> bool:
        """Return whether somebody has the slave end open."""
        if self._master is None:
            return False
        attached = not any(what & select.POLLHUP for _, what in self._poll.poll(0))
        if self._attached and not attached:
            self._forget_last_user()
        self._attached = attached
        return attached

    def watched(self) -> list[int]:
        """Return the master end while somebody is there; a hang-up alone would end every wait at once."""
        return [self._master] if self._master is not None and self._attached else []

    def output(self) -> int | None:
        """Return the master end."""
        return self._master if self._attached else None

    def read(self) -> bytes:
        """Return what the host wrote, also when it has left since."""
        if self._master is None:
            return b""
        try:
            return os.read(self._master, _READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno != errno.EIO:  # EIO: hung up, and nothing left to read
                raise
            return b""

    def write(self, data: memoryview) -> int:
        """Hand bytes to the terminal; it takes about 64 kB that nobody reads."""
        if self._master is None:
            return 0
        try:
            return os.write(self._master, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return 0

    def _forget_last_user(self) -> None:
        """Throw away what the last user did not read, and undo what it set: the next finds a fresh port."""
        import termios
        import tty

        slave = os.open(self._slave_path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            tty.setraw(slave, termios.TCSANOW)
            termios.tcflush(slave, termios.TCIFLUSH)
        finally:
            os.close(slave)


def set_link(link: Path, target: str) -> None:
    """Point `link` at `target`, replacing a link but nothing else; raise UsageError or PortError otherwise."""
    if not link.is_symlink() and link.exists():
        raise UsageError(f"{link} exists and is no link: choose another path for --link")
    half = link.with_name(f"{link.name}.{os.getpid()}")
    try:
        os.symlink(target, half)
        os.replace(half, link)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise PortError(f"cannot make the link {link} ({error.strerror}): choose another path for --link") from error


def remove_link(link: Path, target: str) -> None:
    """Remove `link` unless it points elsewhere by now."""
    try:
        if os.readlink(link) == target:
            link.unlink()
    except FileNotFoundError:
        pass  # somebody tidied up before us


class TcpOutlet:
    """A listening TCP port that serves one client at a time; a second one is turned away at once."""

    def __init__(self, host: str, tcp_port: int) -> None:
        """Remember the address; 0 lets the system choose the port."""
        self._host = host
        self._tcp_port = tcp_port
        self._listener: socket.socket | None = None
        self._client: socket.socket | None = None

    @property
    def port(self) -> str:
        """The pyserial URL."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"socket://{host}:{self._tcp_port}"

    def open(self) -> None:
        """Listen."""
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                self._host, self._tcp_port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            listener = socket.socket(family, kind, protocol)
        except OSError as error:
            raise UsageError(f"{self._host} is no address to listen on ({error.strerror}): try 127.0.0.1") from error
        try:
            if sys.platform != "win32":  # there the same option would let two programs share the port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(4)
            listener.setblocking(False)
        except OSError as error:
            listener.close()
            raise PortError(
                f"cannot listen on {self._host} port {self._tcp_port} ({error.strerror}): choose another port"
            ) from error
        self._tcp_port = listener.getsockname()[1]
        self._listener = listener

    def close(self) -> None:
        """Stop listening and turn the client out, in this order: it may try again at once."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self._drop_client()

    def refresh(self) -> bool:
        """Let a client in, turn a second one away; return whether one is there."""
        while self._listener is not None:
            try:
                client, _ = self._listener.accept()
            except BlockingIOError:
                break
            except OSError:  # gone again before it was let in
                continue
            self._admit(client)
        return self._client is not None

    def watched(self) -> list[int]:
        """Return the listening socket and the client's."""
        return [s.fileno() for s in (self._listener, self._client) if s is not None]

    def output(self) -> int | None:
        """Return the client's socket."""
        return self._client.fileno() if self._client is not None else None

    def read(self) -> bytes:
        """Return what the client sent; notice that it left."""
        if self._client is None:
            return b""
        try:
            data = self._client.recv(_READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError:  # reset by the client: as gone as one that closed
            data = b""
        if not data:
            self._drop_client()
        return data

    def write(self, data: memoryview) -> int:
        """Hand bytes to the client."""
        if self._client is None:
            return 0
        try:
            return self._client.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self._drop_client()
            return 0

    def _admit(self, client: socket.socket) -> None:
        if self._client is not None and not self._has_left():
            # Closing without lingering sends a reset: the second client knows at once.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            return
        self._drop_client()
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = client

    def _has_left(self) -> bool:
        assert self._client is not None
        try:
            return not self._client.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _drop_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
