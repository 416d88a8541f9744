"""MicroPython's raw prompt on an insole, by mpremote's transport: break in, run code, start the firmware again.

However it is left, the device is reset and starts its firmware.
"""

from __future__ import annotations

import ast
import contextlib
import io
import struct
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import serial
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from retrosole.errors import PortError, ProtocolError
from retrosole.transport import LINK_ERRORS, Transport, gone_text, open_serial

_READ_TIMEOUT_S = 5.0  # a whole garbage collection and more
_ENTER_S = 6.0  # the firmware tidies up, then the interpreter starts anew and mounts its files
_ENTER_N = 2
_SETTLE_S = 0.3
_CTRL_B, _CTRL_C, _CTRL_D = b"\x02", b"\x03", b"\x04"
_RESET = "import machine\nmachine.reset()"
_PRESS = "press its reset button, or unplug it and plug it in again, then try once more"


class DeviceCodeError(ProtocolError):
    """Say that code raised an exception on the device; `error` is the last line of its traceback."""

    def __init__(self, port: str, error: str) -> None:
        super().__init__(f"MicroPython on {port} could not do it ({error}): {_PRESS}")
        self.error = error


class _Transport(SerialTransport):  # type: ignore[misc]
    """mpremote's transport over a port that is already open: its own opening lets DTR and RTS reset a board."""

    def __init__(self, port: str, opened: Any) -> None:
        self.serial = opened
        self.device_name = port
        self.in_raw_repl = self.mounted = self.is_pty = False
        self.use_raw_paste = True


class Repl:
    """Hold the raw prompt of a device, as a context. Between entering and leaving nothing of the firmware runs.

    Raises PortError when the port cannot be opened or goes away, ProtocolError when no prompt comes.
    """

    def __init__(self, port: str) -> None:
        self.port = port
        self._serial = open_serial(port, timeout_s=_READ_TIMEOUT_S)
        self._transport = _Transport(port, self._serial)
        self._is_handed_on = False

    def __enter__(self) -> Self:
        try:
            self._enter()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _enter(self) -> None:
        """Break in and begin with a fresh interpreter that has not run main.py."""
        for left in range(_ENTER_N - 1, -1, -1):
            try:
                with self._in_plain_words():
                    self._serial.write(b"\r" + _CTRL_C)  # twice: a library may swallow one
                    time.sleep(_SETTLE_S)
                    self._serial.reset_input_buffer()
                    self._transport.enter_raw_repl(soft_reset=True, timeout_overall=_ENTER_S)
                return
            except ProtocolError:
                if not left:
                    raise

    def run(self, code: str, timeout_s: float = 20.0) -> str:
        """Run code; give what it prints. Raises DeviceCodeError when it raises there, and as the class does."""
        with self._in_plain_words():
            said, error = self._transport.exec_raw(code, timeout_s)
            if error:
                raise TransportExecError(said, error.decode(errors="replace"))
        return str(said.decode(errors="replace"))

    def value(self, code: str) -> Any:
        """Run code that prints the repr of one value; give the value. Raises as `run` does."""
        said = self.run(code)
        try:
            return ast.literal_eval(said.strip())
        except (ValueError, SyntaxError) as error:
            shown = ascii(said.strip()[-40:])
            raise ProtocolError(f"MicroPython on {self.port} answered {shown}, no value: {_PRESS}") from error

    def reset(self) -> Transport:
        """Reset the chip, as its button does, and give the port, still open: what the device says next is not lost."""
        with self._in_plain_words():
            self._transport.exec_raw_no_follow(_RESET)
            self._serial.flush()
        self._is_handed_on = True
        return Transport(self.port, opened=self._serial)

    def _leave(self) -> None:
        """Have the device reset, whatever it is at, if it still listens, and let go of the port."""
        if self._is_handed_on:
            return
        with contextlib.suppress(*LINK_ERRORS):
            self._serial.write(b"\r" + _CTRL_C + _CTRL_C + _CTRL_B)
            time.sleep(_SETTLE_S)
            self._serial.write(_RESET.replace("\n", "; ").encode() + b"\r")
            time.sleep(_SETTLE_S)
            self._serial.write(_CTRL_D)  # for what has a prompt and no such module
            self._serial.flush()
        with contextlib.suppress(*LINK_ERRORS):
            self._serial.close()

    @contextlib.contextmanager
    def _in_plain_words(self) -> Iterator[None]:
        """Turn what mpremote and pyserial raise into our errors, and keep mpremote from printing what it got."""
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        except TransportExecError as error:
            lines = str(error.error_output).strip().splitlines() or ["no reason given"]
            raise DeviceCodeError(self.port, lines[-1]) from error
        except serial.SerialTimeoutException as error:
            raise PortError(f"port {self.port} takes no bytes: {_PRESS}") from error
        except LINK_ERRORS as error:
            raise PortError(gone_text(self.port, error)) from error
        except (TransportError, struct.error) as error:
            words = " ".join(str(error).split())
            raise ProtocolError(
                f"no MicroPython prompt on {self.port} ({words}): {_PRESS}, "
                "or write everything anew with `retrosole flash`"
            ) from error
