# What makes the RV32 machine a board: its flash, its non-volatile storage, its watchdog, its reset. Called by the
# machine's _boot.py at power-on and after every soft reset; mounts the partition "vfs" at '/', as the ESP32's own
# _boot.py does. The host has written a page of words into the memory, and may look at it and change it at any time:
#   4 1: this machine is a board       8 at which byte of flash power fails (0: never)   12 bytes programmed and erased
#   16 why it started (machine's word) 20 1: the button is held                         24 its id, 8 bytes
# A reset, a bite of the watchdog and a loss of power end the machine, and the host starts it again (or does not).
import json

import esp32
import nor
import rv32
import uctypes
import vfs
from world import MASK, world

_WORDS = 0x80FFF000
_CUT_AT = 8
_DONE = 12
_CAUSE = 16
_BUTTON = 20
_ID = 24
_SOFT_RESET = 5
_RESET_EXIT = 3
_NO_POWER_EXIT = 5
# As in the partition table of 4 MiB, with fewer sessions: where it is in memory, kilobytes, subtype
_PARTITIONS = {"vfs": (0x82000000, 256, 0x81), "sessions": (0x82100000, 192, 0x06)}
_SAMPLE_AT = 0x82400000  # one record of 6 counts, always the same: the insole lies still
_NVS_AT = 0x82500000  # which of two places counts, 0 or 1; then these, each the length of its JSON, 2 bytes, and that
_NVS_BYTES = 2048

words = memoryview(uctypes.bytearray_at(_WORDS, 32))
nvs = memoryview(uctypes.bytearray_at(_NVS_AT, 1 + 2 * _NVS_BYTES))


def word(at):
    return words[at] | words[at + 1] << 8 | words[at + 2] << 16 | words[at + 3] << 24


def set_word(at, value):
    for k in range(4):
        words[at + k] = value >> 8 * k & 0xFF


# All partitions are one chip: what is counted, and where power fails, is theirs together.
class Flash(nor.Nor):
    def __init__(self, memory):
        super().__init__(memory)
        self._bytes = memory.bytes

    # As there, in one step: a start reads some thousand times.
    def read(self, at, buf):
        buf[:] = self._bytes[at : at + len(buf)]

    def _cut_in(self, n):
        before = word(_DONE)
        set_word(_DONE, before + n)
        cut_at = word(_CUT_AT)
        return cut_at - before - 1 if before < cut_at <= before + n else -1

    def fail(self):
        rv32.exit(_NO_POWER_EXIT)


# In memory, not in a file, which took as long as half of a start. All or nothing: the host may end it anywhere.
class NVS(esp32.NVS):
    def _load(self):
        at = 1 + _NVS_BYTES * nvs[0]
        n = nvs[at] | nvs[at + 1] << 8
        return json.loads(bytes(nvs[at + 2 : at + 2 + n])) if n else {}

    def commit(self):
        text = json.dumps(self._values).encode()
        at = 1 + _NVS_BYTES * (1 - nvs[0])
        nvs[at : at + 2 + len(text)][:] = bytes((len(text) & 0xFF, len(text) >> 8)) + text
        nvs[0] = 1 - nvs[0]


class Alarm:
    def __init__(self):
        self._ms = 0

    # Longer than two weeks is never, to this machine.
    def arm(self, ms):
        self._ms = ms if ms < MASK else 0
        self.feed()

    def feed(self):
        rv32.watchdog(self._ms)


def settings():
    held = word(_BUTTON)
    return {
        "samples_addr": _SAMPLE_AT,
        "samples_bytes": 12,
        "channels": 6,
        "device_id": "".join("%02x" % byte for byte in words[_ID : _ID + 8]),
        "reset_cause": word(_CAUSE),
        "button": "held" if held else "",
        "partitions": _PARTITIONS,
        "flash": Flash,
    }


def mount():
    world.setup(settings())
    set_word(_CAUSE, _SOFT_RESET)
    alarm = Alarm()
    world.arm = alarm.arm
    world.feed = alarm.feed
    world.end = rv32.exit
    esp32.NVS = NVS
    vfs.mount(esp32.Partition("vfs"), "/")
