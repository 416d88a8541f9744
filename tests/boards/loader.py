"""A chip in its serial loader, as esptool meets it: the ROM's, and the stub's once one has been uploaded.

Written from Espressif's "Serial Protocol" so that the real esptool detects a chip and its flash, writes (plain and
deflated), verifies by MD5, reads back, erases and resets. Its limits:

- No code of the chip is run. An uploaded stub is received, its blocks and checksums are checked and that its entry lies
  in what was uploaded; then this program answers as the stub does. A faulty stub would not be noticed.
- Erasing and programming take no time, so nothing here shows that a time-out is long enough.
- Secure boot, flash encryption and eFuse writing are not there. Registers hold what is written; only the SPI
  controller's user commands (flash id, SFDP; others answer zero) do something: the watchdog does not.
- A line at another baud rate than the chip's carries nothing (rfc2217 only); a real one carries garbage.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from tests.boards.esp_chips import EspChip
from tests.boards.nor_flash import SECTOR_BYTES, NorFlash

_END, _ESC, _ESC_END, _ESC_ESC = 0xC0, 0xDB, 0xDC, 0xDD
_FLASH_BEGIN, _FLASH_DATA, _FLASH_END = 0x02, 0x03, 0x04
_MEM_BEGIN, _MEM_END, _MEM_DATA = 0x05, 0x06, 0x07
_SYNC, _WRITE_REG, _READ_REG = 0x08, 0x09, 0x0A
_SPI_SET_PARAMS, _SPI_ATTACH, _READ_FLASH_SLOW, _CHANGE_BAUDRATE = 0x0B, 0x0D, 0x0E, 0x0F
_DEFL_BEGIN, _DEFL_DATA, _DEFL_END, _MD5, _SECURITY_INFO = 0x10, 0x11, 0x12, 0x13, 0x14
_ERASE_FLASH, _ERASE_REGION, _READ_FLASH, _RUN_USER_CODE = 0xD0, 0xD1, 0xD2, 0xD3
_INVALID, _FAILED, _BAD_CRC, _WRITE_ERROR = 0x05, 0x06, 0x07, 0x08
_STUB_UNKNOWN, _STUB_FAILED = 0xFF, 0xC0
_SYNC_BYTES = b"\x07\x07\x12\x20" + 32 * b"\x55"
_SYNC_VALUE = 0x20120707
_SPI_USR = 1 << 18
_SFDP = 0x50444653
_MAKER = 0xEF  # Winbond's, with its type 40


class Refusal(Exception):
    """Say that a command cannot be carried out, with the ROM's error number."""


class Gone(Exception):
    """Say that the board has lost its power."""


@dataclass
class Misfortune:
    """What shall go wrong; nothing unless it is said."""

    vanish_after: int = 0  # bytes programmed, then the port is gone; 0: never
    flip_at: int | None = None  # of this byte a bit flips once it is written
    silent: bool = False  # it never answers
    stub_fails: bool = False  # the stub never starts


@dataclass
class _Writing:
    at: int
    end: int  # the stub writes nothing behind it, where a last block is filled up
    erased_to: int
    inflate: zlib._Decompress | None
    sequence: int = 0


@dataclass
class _Reading:
    at: int
    end: int
    block_bytes: int
    in_flight: int
    sent: int
    acked: int


class Loader:
    """Take the bytes that the host sends and give those that the chip answers."""

    def __init__(self, chip: EspChip, flash: NorFlash, misfortune: Misfortune) -> None:
        self._chip = chip
        self._flash = flash
        self._misfortune = misfortune
        self._registers = dict(chip.registers)
        self._packet: bytearray | None = None
        self._uploads: list[tuple[int, int]] = []  # where a stub was put: from, to
        self._upload_at = 0
        self._writing: _Writing | None = None
        self._reading: _Reading | None = None
        self._is_attached = False
        self.is_stub = False
        self.is_left = False  # for the application
        self.baudrate: int | None = None  # None: as the host's, which the ROM finds out
        self.commands: list[int] = []

    # ---- packets

    def feed(self, data: bytes) -> bytes:
        """Take what came; give the answers. Raises Gone when power fails meanwhile."""
        answers = bytearray()
        for byte in data:
            if byte == _END:
                packet, self._packet = self._packet, bytearray()
                if packet:
                    self._packet = None
                    answers += self._take(_unescaped(packet))
            elif self._packet is not None:
                self._packet.append(byte)
        return bytes(answers)

    def _take(self, packet: bytes) -> bytes:
        if self._misfortune.silent or self.is_left:
            return b""
        if self._reading is not None and len(packet) == 4:
            return self._acknowledged(struct.unpack("<I", packet)[0])
        if len(packet) < 8 or packet[0] != 0:
            return b""
        _, command, n, checksum = struct.unpack_from("<BBHI", packet)
        self.commands.append(command)
        data = packet[8:]
        try:
            if len(data) != n:
                raise Refusal(_INVALID)
            return self._carry_out(command, data, checksum)
        except Refusal as refusal:
            return self._answer(command, error=refusal.args[0])
        except struct.error:
            return self._answer(command, error=_INVALID)

    def _answer(self, command: int, value: int = 0, data: bytes = b"", error: int = 0) -> bytes:
        if error and self.is_stub:
            error = _STUB_UNKNOWN if error == _INVALID else _STUB_FAILED
        status = bytes((1 if error else 0, error))
        body = data + (status if self.is_stub else status + b"\0\0")
        return _escaped(struct.pack("<BBHI", 1, command, len(body), value) + body)

    def _carry_out(self, command: int, data: bytes, checksum: int) -> bytes:
        if command in (_FLASH_DATA, _MEM_DATA, _DEFL_DATA):
            payload = self._payload(data, checksum)
            if command == _MEM_DATA:
                return self._mem_data(payload)
            return self._flash_data(command, payload, struct.unpack_from("<I", data, 4)[0])
        handler = self._HANDLERS.get(command)
        if handler is None or (command >= _ERASE_FLASH and not self.is_stub):
            raise Refusal(_INVALID)
        return handler(self, command, data)

    @staticmethod
    def _payload(data: bytes, checksum: int) -> bytes:
        n = struct.unpack_from("<I", data)[0]
        payload = data[16:]
        if len(payload) != n:
            raise Refusal(_INVALID)
        state = 0xEF
        for byte in payload:
            state ^= byte
        if state != checksum & 0xFF:
            raise Refusal(_BAD_CRC)
        return payload

    # ---- the chip

    def _sync(self, command: int, data: bytes) -> bytes:
        if data != _SYNC_BYTES:
            raise Refusal(_INVALID)
        return self._answer(command, 0 if self.is_stub else _SYNC_VALUE) * 8

    def _read_reg(self, command: int, data: bytes) -> bytes:
        address = struct.unpack("<I", data)[0]
        return self._answer(command, self._registers.get(address, 0))

    def _write_reg(self, command: int, data: bytes) -> bytes:
        for address, value, mask, _delay_us in struct.iter_unpack("<IIII", data):
            self._registers[address] = self._registers.get(address, 0) & ~mask | value & mask
            if address == self._chip.spi_base and value & _SPI_USR:
                self._spi_command()
        return self._answer(command)

    def _spi_command(self) -> None:
        """Carry out what the host put into the SPI controller: the flash's id, its parameters, its status."""
        chip, registers = self._chip, self._registers
        registers[chip.spi_base] &= ~_SPI_USR
        code = registers.get(chip.spi_base + chip.spi_usr2, 0) & 0xFF
        bits = registers.get(chip.spi_base + chip.spi_miso_bits, 0) + 1
        size_code = (self._flash.n - 1).bit_length()
        address = registers.get(chip.spi_base + 4, 0)
        known = {0x9F: size_code << 16 | 0x40 << 8 | _MAKER, 0x5A: 0 if address else _SFDP}
        registers[chip.spi_base + chip.spi_w0] = known.get(code, 0) & ((1 << bits) - 1)

    def _attach(self, command: int, _data: bytes) -> bytes:
        self._is_attached = True
        return self._answer(command)

    def _ignored(self, command: int, _data: bytes) -> bytes:
        return self._answer(command)

    def _security_info(self, command: int, _data: bytes) -> bytes:
        if self._chip.chip_id is None:
            raise Refusal(_INVALID)
        return self._answer(command, data=struct.pack("<IB7sII", 0, 0, bytes(7), self._chip.chip_id, 0))

    def _change_baudrate(self, command: int, data: bytes) -> bytes:
        self.baudrate = struct.unpack_from("<I", data)[0]
        return self._answer(command)

    # ---- memory, and the stub in it

    def _mem_begin(self, command: int, data: bytes) -> bytes:
        size, _n, _block_bytes, at = struct.unpack("<IIII", data)
        self._uploads.append((at, at + size))
        self._upload_at = at
        return self._answer(command)

    def _mem_data(self, payload: bytes) -> bytes:
        if not self._uploads or self._upload_at + len(payload) > self._uploads[-1][1]:
            raise Refusal(_FAILED)
        self._upload_at += len(payload)
        return self._answer(_MEM_DATA)

    def _mem_end(self, command: int, data: bytes) -> bytes:
        stays, entry = struct.unpack("<II", data)
        answer = self._answer(command)
        if stays:
            return answer
        inside = any(begin <= entry < end for begin, end in self._uploads)
        if not inside or not any(entry in part for part in self._chip.stub_texts):
            raise Refusal(_FAILED)
        if self._misfortune.stub_fails:
            self.is_left = True
            return answer
        self.is_stub = self._is_attached = True
        return answer + _escaped(b"OHAI")

    # ---- flash

    def _flash_begin(self, command: int, data: bytes) -> bytes:
        self._check_attached()
        size, _n, block_bytes, at = struct.unpack_from("<IIII", data)
        if at + size > self._flash.n + block_bytes:
            raise Refusal(_INVALID)
        if not self.is_stub:
            if at % SECTOR_BYTES:
                raise Refusal(_INVALID)
            self._flash.erase(at, size)
        inflate = zlib.decompressobj() if command == _DEFL_BEGIN else None
        end = at + size if self.is_stub else self._flash.n
        erased_to = at - at % SECTOR_BYTES if self.is_stub else at + size
        self._writing = _Writing(at, end, erased_to, inflate)
        return self._answer(command)

    def _flash_data(self, command: int, payload: bytes, sequence: int) -> bytes:
        writing = self._writing
        if writing is None or (writing.inflate is None) != (command == _FLASH_DATA):
            raise Refusal(_FAILED)
        if sequence == writing.sequence - 1:  # sent again, since the answer was lost
            return self._answer(command)
        if sequence != writing.sequence:
            raise Refusal(_INVALID)
        writing.sequence += 1
        if writing.inflate is None:
            self._program(writing, payload)
        else:
            self._program(writing, writing.inflate.decompress(payload))
        return self._answer(command)

    def _program(self, writing: _Writing, data: bytes) -> None:
        data = data[: writing.end - writing.at]
        end = writing.at + len(data)
        if self.is_stub and end > writing.erased_to:
            self._flash.erase(writing.erased_to, end - writing.erased_to)
            writing.erased_to = -(-end // SECTOR_BYTES) * SECTOR_BYTES
        left = self._misfortune.vanish_after - self._flash.programmed_n
        if self._misfortune.vanish_after and left < len(data):
            self._flash.program(writing.at, data[: max(left, 0)])
            raise Gone
        self._flash.program(writing.at, data)
        flip_at = self._misfortune.flip_at
        if flip_at is not None and writing.at <= flip_at < end:
            self._flash.memory[flip_at] ^= 0x10
        writing.at = end

    def _flash_end(self, command: int, data: bytes) -> bytes:
        struct.unpack_from("<I", data)  # whether to reboot
        answer = self._answer(command)
        self._writing = None
        self.is_left = not self.is_stub  # esptool's second stub, its default since 5.3, stays whatever it is told
        return answer

    def _md5(self, command: int, data: bytes) -> bytes:
        self._check_attached()
        at, n = struct.unpack_from("<II", data)
        digest = hashlib.md5(self._flash.read(at, n))
        return self._answer(command, data=digest.digest() if self.is_stub else digest.hexdigest().encode())

    def _erase_flash(self, command: int, _data: bytes) -> bytes:
        self._flash.erase(0, self._flash.n)
        return self._answer(command)

    def _erase_region(self, command: int, data: bytes) -> bytes:
        at, n = struct.unpack("<II", data)
        if at % SECTOR_BYTES or n % SECTOR_BYTES:
            raise Refusal(_FAILED)
        self._flash.erase(at, n)
        return self._answer(command)

    def _read_flash_slow(self, command: int, data: bytes) -> bytes:
        self._check_attached()
        if self.is_stub:
            raise Refusal(_INVALID)
        at, n = struct.unpack("<II", data)
        return self._answer(command, data=self._flash.read(at, min(n, 64)).ljust(64, b"\0"))

    def _read_flash(self, command: int, data: bytes) -> bytes:
        at, n, block_bytes, in_flight = struct.unpack("<IIII", data)
        self._reading = _Reading(at, at + n, block_bytes, in_flight, at, at)
        return self._answer(command) + self._more_blocks()

    def _acknowledged(self, n: int) -> bytes:
        assert self._reading is not None
        self._reading.acked = self._reading.at + n
        return self._more_blocks()

    def _more_blocks(self) -> bytes:
        reading, out = self._reading, bytearray()
        assert reading is not None
        while reading.sent < reading.end and reading.sent - reading.acked < reading.in_flight * reading.block_bytes:
            n = min(reading.block_bytes, reading.end - reading.sent)
            out += _escaped(self._flash.read(reading.sent, n))
            reading.sent += n
        if reading.acked == reading.end:
            whole = self._flash.read(reading.at, reading.end - reading.at)
            out += _escaped(hashlib.md5(whole).digest())
            self._reading = None
        return bytes(out)

    def _run_user_code(self, command: int, _data: bytes) -> bytes:
        self.is_left = True
        return b""

    def _check_attached(self) -> None:
        if not self._is_attached:
            raise Refusal(_FAILED)

    _HANDLERS: ClassVar[dict[int, Callable[[Loader, int, bytes], bytes]]] = {
        _SYNC: _sync,
        _READ_REG: _read_reg,
        _WRITE_REG: _write_reg,
        _SPI_ATTACH: _attach,
        _SPI_SET_PARAMS: _ignored,
        _SECURITY_INFO: _security_info,
        _CHANGE_BAUDRATE: _change_baudrate,
        _MEM_BEGIN: _mem_begin,
        _MEM_END: _mem_end,
        _FLASH_BEGIN: _flash_begin,
        _DEFL_BEGIN: _flash_begin,
        _FLASH_END: _flash_end,
        _DEFL_END: _flash_end,
        _MD5: _md5,
        _ERASE_FLASH: _erase_flash,
        _ERASE_REGION: _erase_region,
        _READ_FLASH_SLOW: _read_flash_slow,
        _READ_FLASH: _read_flash,
        _RUN_USER_CODE: _run_user_code,
    }


def _escaped(packet: bytes) -> bytes:
    body = packet.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
    return b"\xc0" + body + b"\xc0"


def _unescaped(packet: bytes) -> bytes:
    return bytes(packet).replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")
