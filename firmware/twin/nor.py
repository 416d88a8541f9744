# A NOR flash chip: programming only clears bits, byte after byte; erasing sets all bits of a sector of 4096 bytes.
# Both take time, which passes in `rest(us)`. Runs on CPython and MicroPython; the stand-in esp32.Partition is made of
# it, and the tests drive it by themselves.
# Power can fail at any byte: the cut_at-th byte programmed or erased since the start. Of a page the bytes before it are
# written, of that byte some bits, of the rest nothing. Of a sector that was being erased nobody can tell what it holds.
# Then the machine ends, as at a reset (SystemExit 3), or whatever `fail` does. `rot` flips a bit.
import random

SECTOR_BYTES = 4096
_CHUNK = 256
_MAGIC = b"NOR1"
_BLANK = b"\xff" * _CHUNK  # small, for the RV32 machine's heap is in pieces
_BLANKS = {n: b"\xff" * n for n in (32, 64, 128, _CHUNK)}  # what file systems and the store program


# Bytes in memory, such as bytearray(n) or what uctypes.bytearray_at gives.
class InMemory:
    def __init__(self, memory, n):
        self.bytes = memoryview(memory)
        self.n = n

    def read(self, at, buf):
        buf[:] = self.bytes[at : at + len(buf)]

    # Into a view of just these: of a slice that is assigned MicroPython moves all behind it, to where it is already.
    def write(self, at, data):
        self.bytes[at : at + len(data)][:] = data

    def blank(self, at, n):
        for begin in range(at, at + n, _CHUNK):
            self.write(begin, _BLANK)


# A file, made full of ones up to n bytes.
class InFile:
    def __init__(self, path, n):
        try:
            open(path, "rb").close()
        except OSError:
            open(path, "wb").close()
        self._file = open(path, "r+b")
        have = self._file.seek(0, 2)
        while have < n:
            have += self._file.write(_BLANK[: n - have])
        self._file.flush()
        self.n = n

    def read(self, at, buf):
        self._file.seek(at)
        self._file.readinto(buf)

    def write(self, at, data):
        self._file.seek(at)
        self._file.write(data)
        self._file.flush()

    def blank(self, at, n):
        for begin in range(at, at + n, _CHUNK):
            self.write(begin, _BLANK)


# Memory at an address of a machine whose memory is zero at first: `n` bytes, and behind them a word that says that it
# was made blank.
def at_address(address, n):
    import uctypes

    whole = memoryview(uctypes.bytearray_at(address, n + len(_MAGIC)))
    memory = InMemory(whole, n)
    if bytes(whole[n:]) != _MAGIC:
        memory.blank(0, n)
        memory.write(n, _MAGIC)
    return memory


class Nor:
    def __init__(self, memory, rest=None):
        self._memory = memory
        self.sector_n = memory.n // SECTOR_BYTES
        self._rest = rest
        self.read_us = 100  # a page, and asking for it
        self.page_us = 1000  # to program up to 256 bytes
        self.sector_us = 45000  # to erase
        self.slow_us = 400000  # what the slow_every-th erase takes instead; 0: none
        self.slow_every = 0
        self.cut_at = 0  # 0: never
        self.byte_n = 0  # programmed and erased so far
        self.erase_n = 0
        self._buf = bytearray(_CHUNK)

    def read(self, at, buf):
        self._memory.read(at, buf)
        self._pass(self.read_us)

    def program(self, at, data):
        n = len(data)
        cut = self._cut_in(n)
        for begin in range(0, n, _CHUNK):
            self._program_chunk(at + begin, data, begin, min(n - begin, _CHUNK), cut - begin)
            if 0 <= cut < begin + _CHUNK:
                self.fail()
        self._pass(self.page_us * ((n + 255) // 256))

    def erase(self, sector):
        at = sector * SECTOR_BYTES
        cut = self._cut_in(SECTOR_BYTES)
        self.erase_n += 1
        if cut >= 0:
            self._tear(at, cut)
            self.fail()
        self._memory.blank(at, SECTOR_BYTES)
        slow = self.slow_every and self.erase_n % self.slow_every == 0
        self._pass(self.slow_us if slow else self.sector_us)

    # Flip one bit.
    def rot(self, at, bit):
        one = bytearray(1)
        self._memory.read(at, one)
        one[0] ^= 1 << bit
        self._memory.write(at, one)

    def fail(self):
        raise SystemExit(3)

    # Counts n bytes; where the cut comes among them, -1 when it does not.
    def _cut_in(self, n):
        before = self.byte_n
        self.byte_n += n
        return self.cut_at - before - 1 if before < self.cut_at <= before + n else -1

    # data[begin:begin + n], up to the byte where the cut comes, of which some bits.
    def _program_chunk(self, at, data, begin, n, cut):
        buf = self._buf if n == _CHUNK else bytearray(n)
        self._memory.read(at, buf)
        if not 0 <= cut < n and buf == _BLANKS.get(n):  # the same, and quicker
            self._memory.write(at, memoryview(data)[begin : begin + n])
            return
        for k in range(n):
            if k == cut:
                buf[k] &= data[begin + k] | random.getrandbits(8)
                break
            buf[k] &= data[begin + k]
        self._memory.write(at, buf)

    # What an erase leaves that is cut short: nothing done yet, part of the bits set, anything, or all but done.
    def _tear(self, at, cut):
        kind = random.getrandbits(2)
        buf = bytearray(_CHUNK)
        for begin in range(0, SECTOR_BYTES, _CHUNK):
            self._memory.read(at + begin, buf)
            for k in range(_CHUNK):
                if kind == 1:
                    buf[k] |= random.getrandbits(8)
                elif kind == 2:
                    buf[k] = random.getrandbits(8)
                elif kind == 3:
                    buf[k] = 0xFF if begin + k < cut else buf[k] | random.getrandbits(8)
            self._memory.write(at + begin, buf)

    def _pass(self, us):
        if self._rest:
            self._rest(us)
