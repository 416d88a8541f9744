# The main loop: one fixed set of tasks, in turn, then idle. No task waits. Longest block of each, estimated for an
# ESP32 at 240 MHz and not measured on hardware: command 6 ms (16 readings of each of 8 channels for a tare, never while
# sampling), samples 4 x 0.6 ms, 16 bytes of input 1.5 ms, status 1.5 ms (free memory is counted once a second);
# together about one period at 200 Hz in the worst turn, far less in the others. A longer stop of everything loses
# samples (8 callbacks wait, no more) and counts them, but shifts none: indices go by the clock.
# From start_session() on, the path of a sample allocates nothing: tests run it with the heap locked. (MicroPython
# borrows heap for the locals of a large function and returns it at the end; with the heap locked it uses the stack.)
import gc
from array import array
from struct import pack_into
from time import ticks_add, ticks_diff, ticks_us

from machine import idle
from micropython import const

from . import wire
from .commands import Commands
from .cue import Cue
from .fixed import sense, stance
from .frame import SamplesPacker, put_contact, put_stride
from .gait import STRIDE, TOUCHED, Detector
from .pressure import UNKNOWN, Pressure
from .ring import SampleRing
from .sampler import Sampler
from .status import put_status

# WORDS of the maps, written by firmware/make_plain.py
_NEXT_INDEX = const(1)
_FULL = const(8192)
_HOLE = const(16384)
_TOUCH_ORDER = const(250)
# end of WORDS

_RING_SLOTS = const(64)
_SECOND_US = const(1000000)
_SOUND_S = const(30)  # up for this long, the last crash is history
_LEAST_HEAP_BYTES = const(16384)  # after a collection; less and the next session's buffers may not fit
_LEAST_BATTERY_MV = const(3300)  # a lithium cell below this is nearly empty


class App:
    def __init__(self, board, memory, faults, link):
        self.board = board
        self.memory = memory
        self.faults = faults
        self.boot = memory.get("boot", 0)
        self.session = memory.get("session", 0) & 0xFFFF
        self.settings = {setting: self._remembered(setting) for setting in _KEYS}
        self.pressure = Pressure(board.channel_n)
        memory.load_counts("baseline", self.pressure.baseline)
        memory.load_counts("standing", self.pressure.standing)
        self.link = link
        self.raw = bytearray(wire.FRAME_BYTES)  # where frames other than samples are put together
        self.counts = array("H", [0] * board.channel_n)
        self.ring = SampleRing(board.channel_n, _RING_SLOTS)
        self.sampler = Sampler(board.adcs, self.ring)
        self.cue = Cue(board.motor, board.led)
        self.commands = Commands(self)
        self.leaving = False
        self.uptime_s = 0
        self._second_us = ticks_us()
        self._packer = SamplesPacker(self.ring)
        self._frame = self._packer.raw
        self._stride_n = self._contact_n = self._mark_n = 0
        self._fed_index = -1
        self._unsaved = False
        self._said = array("i", [0] * len(_COUNTED))
        self._said_out_bits = 0
        self._begin_detector()
        self._apply_settings()
        if memory.get("crashes", 0):
            faults.report(wire.FAULT_CRASHED)

    # Runs until a host asks to leave, or Ctrl-C. While a session runs only samples feed the watchdog.
    def run(self, watchdog):
        while not self.leaving or self.link.queue_bytes:
            self.turn()
            index = self._state[_NEXT_INDEX]
            if index != self._fed_index or not self.sampler.running:
                self._fed_index = index
                watchdog.feed()

    # Whatever comes next finds no timer running and no motor buzzing.
    def shut(self):
        if self.sampler.running:
            self.stop_session()
        self.cue.stop()
        self.link.drain()

    def turn(self):
        if self.sampler.interrupted:
            raise KeyboardInterrupt
        if self.link.receive():
            self.commands.handle(self.link.reader.command, self.link.reader.command_n)
        events = self._follow(self._state)  # nearly always nothing, and that is all
        if events:
            self._happened(events)
        self.link.pump()
        self.cue.turn()
        if ticks_diff(ticks_us(), self._second_us) >= _SECOND_US:
            self._second_us = ticks_add(self._second_us, _SECOND_US)
            self._each_second()
        idle()

    # --- sessions

    def start_session(self):
        self.session = self.memory.count("session") & 0xFFFF
        self._begin_detector()
        self._packer.begin(self.session)
        self._stride_n = self._contact_n = self._mark_n = 0
        self.link.dropped_n = 0
        if self.uptime_s >= _SOUND_S and self.memory.get("crashes", 0):
            self.memory.set("crashes", 0)
        self._watch_supply()
        self.sampler.start(self.settings[wire.SETTING_RATE_HZ])

    def stop_session(self):
        self.sampler.stop()
        self._happened(self._follow(self._state))
        self._tell(self._hear(self._state, 0))  # what waited for the next sample
        self._send_samples(self._packer.flush())
        self.cue.stop()
        if self._unsaved:
            self._save_settings()

    def mark(self, code):
        index = self.sampler.next_index
        pack_into(wire.MARK_FORMAT, self.raw, 0, wire.MARK, self.session, self._mark_n, index, code)
        self._mark_n += 1
        self.link.send_data(self.raw, wire.MARK_BYTES)

    def change(self, setting, value):
        self.settings[setting] = value
        self._apply_settings()
        self._unsaved = True
        if not self.sampler.running:  # writing flash would stop the samples
            self._save_settings()

    def channels_out(self):
        return self._detector.channels.left_out_bits

    def send_reply(self, n):
        self.link.send_reply(self.raw, n)

    # --- parts of a turn

    # What samples led to, until all that have come are taken.
    def _happened(self, events):
        state = self._state
        while events:
            if events < _FULL:
                said = self._hear(state, events)
                if said:
                    self._tell(said)
            else:
                self._framed(events)
            events = self._follow(state)

    def _tell(self, said):
        if said == TOUCHED:
            self._touched()
        elif said == STRIDE:
            self._strode()
        elif said:
            self._detector.do(said)

    # A frame of samples is full, or the next sample is not the one that was expected.
    def _framed(self, events):
        if events & _HOLE:
            self._send_samples(self._packer.hole(self.ring.index))
            self._detector.hole(self.ring)
            return
        self.link.send_data(self._frame, self._packer.seal())
        if events != _FULL:
            said = self._hear(self._state, events)
            if said:
                self._tell(said)

    def _send_samples(self, n):
        if n:
            self.link.send_data(self._frame, n)

    def _touched(self):
        cued = self.cue.contact(self._state[_TOUCH_ORDER])
        n = put_contact(self.raw, self.session, self._contact_n, self._detector, cued)
        self._contact_n += 1
        self.link.send_data(self.raw, n)

    def _strode(self):
        n = put_stride(self.raw, self.session, self._stride_n, self._detector)
        self._stride_n += 1
        self.link.send_data(self.raw, n)

    # Each channel that is newly left out, and one that sits at the top, is a fault.
    def _report_channels(self, channels):
        bits = channels.out_bits | channels.drifting_bits
        for k in range(channels.n):
            if bits >> k & 1 and not self._said_out_bits >> k & 1:
                self.faults.report(self._fault_of(channels, 1 << k))
        self._said_out_bits = bits
        if channels.saturated_bits:
            self.faults.report(wire.FAULT_CHANNEL_SATURATED)

    def _fault_of(self, channels, bit):
        if channels.dead_bits & bit:
            return wire.FAULT_CHANNEL_DEAD
        return wire.FAULT_CHANNEL_STUCK if channels.out_bits & bit else wire.FAULT_CHANNEL_DRIFTING

    def _each_second(self):
        self.uptime_s += 1
        self._report_channels(self._detector.channels)
        self._watch(0, self.sampler.lost_n)
        self._watch(1, self.sampler.late_n)
        # Nobody has to listen: what a session without a host cannot send is dropped and counted, but no fault.
        if not self.link.host_listens:
            self._said[2] = self.link.dropped_n
        self._watch(2, self.link.dropped_n)
        self._watch(3, self.link.reader.bad_n)
        if self.link.host_listens:
            self.send_reply(put_status(self.raw, self))

    # Memory and battery, before a session: both change slowly, and counting free memory takes a millisecond.
    def _watch_supply(self):
        gc.collect()
        if 0 < gc.mem_free() < _LEAST_HEAP_BYTES:
            self.faults.report(wire.FAULT_MEMORY_LOW)
        if self.board.battery_mv() < _LEAST_BATTERY_MV:
            self.faults.report(wire.FAULT_BATTERY_LOW)

    # A counter that has grown is a fault, once a second at most.
    def _watch(self, k, n):
        if n > self._said[k]:
            self.faults.report(_COUNTED[k])
        self._said[k] = n

    def _begin_detector(self):
        self._said_out_bits = 0
        detector = Detector(self.board.zones, self.settings[wire.SETTING_RATE_HZ])
        for k in range(self.board.channel_n):
            if self.pressure.baseline[k] != UNKNOWN:
                detector.channels.set_baseline(k, self.pressure.baseline[k])
        if self.pressure.standing[0] != UNKNOWN:
            detector.set_standing(sum(self.pressure.standing))
        self._detector = detector
        self._state = detector.state
        self._hear = stance.hear
        self._follow = sense.bind(self.ring.marks, self.ring.counts, self._frame, self._state)

    # What was remembered, unless it is no choice any more.
    def _remembered(self, setting):
        key, default = _KEYS[setting]
        value = self.memory.get(key, default)
        return value if value in wire.SETTING_CHOICES[setting] else default

    def _save_settings(self):
        for setting in _KEYS:
            key = _KEYS[setting][0]
            if self.memory.get(key, -1) != self.settings[setting]:
                self.memory.set(key, self.settings[setting])
        self._unsaved = False

    def _apply_settings(self):
        self.cue.wanted = self.settings[wire.SETTING_CUE] == 1
        self.cue.target_order = self.settings[wire.SETTING_TARGET_ORDER]


_COUNTED = (wire.FAULT_SAMPLES_LOST, wire.FAULT_SAMPLES_LATE, wire.FAULT_QUEUE_FULL, wire.FAULT_COMMAND_DAMAGED)
_KEYS = {
    wire.SETTING_RATE_HZ: ("rate_hz", wire.RATE_HZ_DEFAULT),
    wire.SETTING_CUE: ("cue", wire.CUE_DEFAULT),
    wire.SETTING_TARGET_ORDER: ("target_order", wire.TARGET_ORDER_DEFAULT),
    wire.SETTING_SIDE: ("side", wire.SIDE_DEFAULT),
}
