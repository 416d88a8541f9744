# The main loop: one fixed set of tasks, in turn, then idle. No task waits. Longest block of each, estimated for an
# ESP32 at 240 MHz and not measured on hardware: command 6 ms (16 readings of each of 8 channels for a tare, never while
# sampling), samples 4 x 0.6 ms, 16 bytes of input 1.5 ms, status 1.5 ms (free memory is counted once a second), a page
# into the store 1 ms, looking at a sector of it 2 ms; together about one period at 200 Hz in the worst turn, far less
# in the others. list, fetch and collected look for a session in the store, at up to a hundred pages, 30 ms: samples are
# taken meanwhile, and what they lead to comes that much later. A longer stop of everything loses samples (8 callbacks
# wait, no more) and counts them, but shifts none: indices go by the clock.
# From start_session() on, the path of a sample allocates nothing: tests run it with the heap locked. (MicroPython
# borrows heap for the locals of a large function and returns it at the end; with the heap locked it uses the stack.)
from array import array
from struct import pack_into
from time import ticks_add, ticks_diff, ticks_us

from machine import idle
from micropython import const

from . import wire
from .button import Button
from .commands import Commands
from .cue import Cue
from .fetch import Fetcher
from .fixed import put_aside, sense, stance
from .frame import SamplesPacker, put_contact, put_stride, records_per_frame
from .gait import STRIDE, TOUCHED, Detector
from .health import Health
from .lamp import FULL, NEARLY_FULL, OFF, REFUSED, SAMPLING, Lamp
from .pressure import UNKNOWN, Pressure
from .ring import Aside, SampleRing
from .sampler import Sampler
from .status import put_identity, put_session_end, put_session_head, put_status

# WORDS of the maps, written by firmware/make_plain.py
_ASIDE_N = const(0)
_NEXT_INDEX = const(1)
_FULL = const(8192)
_HOLE = const(16384)
_TOUCH_ORDER = const(250)
# end of WORDS

_RING_SLOTS = const(64)
_ASIDE_FRAMES = const(6)  # a full ring makes four of 8 channels, and there are strides
_SECOND_US = const(1000000)
_SOUND_S = const(30)  # up for this long, the last crash is history
_FORSAKEN_S = const(300)  # a session without a host in which nobody has stepped for so long is over
_PREPARE_US = const(400000)  # before a session: some hundred sectors are looked at, or eight erased
_WORTH_RESUMING_S = const(5)  # of samples; else a battery that fails again and again would fill the store with starts
_NEARLY_FULL_S = const(60)
_REFUSED_S = const(3)


class App:
    def __init__(self, board, memory, faults, link, store, trial=None):
        self.board = board
        self.memory = memory
        self.faults = faults
        self.boot = memory.get("boot", 0)
        self.session = memory.get("session", 0) & 0xFFFF
        self.store = store
        self.trial = trial
        if store.used_n and (self.session - store.newest) & 0x8000:  # the count of sessions was lost
            self.session = store.newest
        self.settings = {setting: self._remembered(setting) for setting in _KEYS}
        self.rate_hz = self.settings[wire.SETTING_RATE_HZ]
        self.pressure = Pressure(board.channel_n)
        memory.load_counts("baseline", self.pressure.baseline)
        memory.load_counts("standing", self.pressure.standing)
        self.link = link
        self.raw = bytearray(wire.FRAME_BYTES)  # where frames other than samples are put together
        self.counts = array("H", [0] * board.channel_n)
        self.ring = SampleRing(board.channel_n, _RING_SLOTS)
        self._aside = Aside(_ASIDE_FRAMES)
        self._aside_marks = self._aside.marks
        self._aside_bytes = self._aside.bytes
        self.sampler = Sampler(board.adcs, self.ring)
        self.cue = Cue(board.motor, board.led)
        self.lamp = Lamp(board.led)
        self.fetcher = Fetcher(store, link, self.raw)
        self._button = Button(board.button)
        self.commands = Commands(self)
        self.leaving = False
        self.uptime_s = 0
        self._second_us = ticks_us()
        self._packer = SamplesPacker(self.ring)
        self._frame = self._packer.raw
        self.stride_n = self.mark_n = self._contact_n = 0
        self._stepped_s = self._stepped_n = self._refused_s = 0
        self._fed_index = -1
        self._unsaved = False
        self._health = Health(faults)
        self._begin_detector()
        self._apply_settings()
        if memory.get("crashes", 0):
            faults.report(wire.FAULT_CRASHED)

    # Runs until a host asks to leave, or Ctrl-C. While a session runs only samples feed the watchdog.
    def run(self, watchdog):
        if self.trial:
            self._health.begin(self.board)  # a host asks how it is before it keeps it
        else:
            self.resume()
        while not self.leaving or (self.link.queue_bytes and self.link.host_listens):
            self.turn()
            index = self._state[_NEXT_INDEX]
            if index != self._fed_index or not self.sampler.running:
                self._fed_index = index
                watchdog.feed()

    # Whatever comes next finds no timer running and no motor buzzing.
    def shut(self):
        if self.sampler.running:
            self.stop_session(wire.ENDED_HOST)
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
        self._turn_store()
        self._turn_signs()
        if ticks_diff(ticks_us(), self._second_us) >= _SECOND_US:
            self._second_us = ticks_add(self._second_us, _SECOND_US)
            self._each_second()
        idle()

    # --- sessions

    def start_session(self, begun, continues=-1, rate_hz=0):
        self.session = (self.session + 1) & 0xFFFF
        self.memory.set("session", self.session)
        self.rate_hz = rate_hz or self.settings[wire.SETTING_RATE_HZ]
        self._begin_detector()
        self._packer.begin(self.session)
        self.stride_n = self.mark_n = self._contact_n = 0
        self._stepped_s = self.uptime_s
        self._stepped_n = 0
        self.link.dropped_n = 0
        self._forgive()
        self._health.begin(self.board)
        self._prepare_store()
        self._announce(self.session if continues < 0 else continues, begun)
        self.sampler.start(self.rate_hz)

    def stop_session(self, ended):
        self.sampler.stop()
        self._happened(self._follow(self._state))
        self._tell(self._hear(self._state, 0))  # what waited for the next sample
        self._send_samples(self._packer.flush())
        while self._aside_marks[_ASIDE_N]:
            self._store()
        n = put_session_end(self.raw, self, ended)
        self.link.send_data(self.raw, n)
        self.store.end(self.raw, n)
        self.rate_hz = self.settings[wire.SETTING_RATE_HZ]
        self._forgive()
        self.cue.stop()
        if self._unsaved:
            self._save_settings()

    # A session that a reset cut short goes on as a new one, which says so. Not when a host has it already, nor when it
    # was itself such a one and hardly lived.
    def resume(self):
        cut = self.store.unended
        if cut < 0 or not self.store.find(wire.WHICH_NEXT, (cut - 1) & 0xFFFF):
            return
        found = self.store.entry
        if found.kept != wire.KEPT_UNCOLLECTED:
            return
        if found.begun == wire.BEGUN_RESET and found.next_index < _WORTH_RESUMING_S * found.rate_hz:
            return
        rate_hz = found.rate_hz
        self._prepare_store()
        if self.ready_s(rate_hz) >= _WORTH_RESUMING_S:  # else a full store would begin one at every start
            self.start_session(wire.BEGUN_RESET, cut, rate_hz)

    # This version stays, and does what it has left so far to the one before. Writes flash: never while sampling.
    def keep(self):
        self.trial.keep()
        self.resume()

    # Crashes of long ago. Never while sampling.
    def _forgive(self):
        if self.uptime_s >= _SOUND_S:
            self.memory.forgive()

    # It writes only where it has looked, and where nothing is.
    def _prepare_store(self):
        since_us = ticks_us()
        while self.store.turn(True) and ticks_diff(ticks_us(), since_us) < _PREPARE_US:
            pass

    @property
    def samples_n(self):
        return self._packer.frame_n

    # For how long the store has room at a rate; the last page is for the end.
    def ready_s(self, rate_hz):
        return max(self.store.ready_n - 1, 0) * records_per_frame(self.board.channel_n) // rate_hz

    def _announce(self, continues, begun):
        n = put_session_head(self.raw, self, continues, begun)
        identity = bytearray(wire.IDENTITY_BYTES)
        self.store.begin(self.session, self.raw, n, identity, put_identity(identity, self))
        self.link.send_data(self.raw, n)

    def mark(self, code):
        index = self.sampler.next_index
        pack_into(wire.MARK_FORMAT, self.raw, 0, wire.MARK, self.session, self.mark_n, index, code)
        self.mark_n += 1
        self._keep(self.raw, wire.MARK_BYTES)

    def change(self, setting, value):
        self.settings[setting] = value
        self._apply_settings()
        self._unsaved = True
        if not self.sampler.running:  # writing flash would stop the samples
            self.rate_hz = self.settings[wire.SETTING_RATE_HZ]
            self._save_settings()

    @property
    def channels(self):
        return self._detector.channels

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
        frame = self._frame
        n = self._packer.seal()
        self.link.send_data(frame, n)  # as _keep does, at less cost
        put_aside(frame, n, self._aside_marks, self._aside_bytes)
        if events != _FULL:
            said = self._hear(self._state, events)
            if said:
                self._tell(said)

    def _send_samples(self, n):
        if n:
            self._keep(self._frame, n)

    # To the host at once, and aside for the store, which takes its time.
    def _keep(self, raw, n):
        self.link.send_data(raw, n)
        put_aside(raw, n, self._aside_marks, self._aside_bytes)

    def _touched(self):
        cued = self.cue.contact(self._state[_TOUCH_ORDER])
        n = put_contact(self.raw, self.session, self._contact_n, self._detector, cued)
        self._contact_n += 1
        self.link.send_data(self.raw, n)

    def _strode(self):
        n = put_stride(self.raw, self.session, self.stride_n, self._detector)
        self.stride_n += 1
        self.link.send_data(self.raw, n)  # as _keep does, at less cost
        put_aside(self.raw, n, self._aside_marks, self._aside_bytes)

    # Erasing makes everybody wait, so it has to: until no session runs and no host is asking.
    def _turn_store(self):
        if self._aside_marks[_ASIDE_N]:
            self._store()
        if self.fetcher.active:
            self.fetcher.turn()
        self.store.turn(not self.sampler.running and not self.fetcher.active and self.link.rests())

    # One frame a turn, so that callbacks are served between two pages.
    def _store(self):
        aside = self._aside
        self.store.keep(aside.frame, aside.frame_n)
        aside.drop()
        self.store.missed_n += aside.missed()

    def _turn_signs(self):
        self.cue.turn()
        if self.cue.buzzing:
            self.lamp.forget()
        else:
            self.lamp.turn()
        if self._button.turn():
            self._pressed()

    def _pressed(self):
        rate_hz = self.settings[wire.SETTING_RATE_ALONE_HZ]
        if self.sampler.running:
            self.stop_session(wire.ENDED_BUTTON)
        elif self.link.host_listens or self.ready_s(rate_hz) >= _NEARLY_FULL_S:
            self.start_session(wire.BEGUN_BUTTON, -1, rate_hz)
            self.send_reply(put_identity(self.raw, self))
        else:
            self._refused_s = _REFUSED_S
        self.lamp.pattern = self._sign()

    # What somebody without a host should know.
    def _sign(self):
        if not self.sampler.running:
            return REFUSED if self._refused_s else OFF
        if self.store.missed_n or not self.store.page_n:
            return FULL
        return NEARLY_FULL if self.ready_s(self.rate_hz) < _NEARLY_FULL_S else SAMPLING

    def _each_second(self):
        self.uptime_s += 1
        if self.trial:
            self.trial.look(self.uptime_s)
        self._look_after_session()
        self._health.look(self)
        if self.link.host_listens:
            self.send_reply(put_status(self.raw, self))

    def _look_after_session(self):
        self._refused_s = max(self._refused_s - 1, 0)
        stepped_n = self.stride_n + self._contact_n
        if self.link.host_listens or stepped_n != self._stepped_n:
            self._stepped_s = self.uptime_s
            self._stepped_n = stepped_n
        if self.sampler.running and self.uptime_s - self._stepped_s >= _FORSAKEN_S:
            self.stop_session(wire.ENDED_FORSAKEN)
        self.lamp.pattern = self._sign()

    def _begin_detector(self):
        detector = Detector(self.board.zones, self.rate_hz)
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
        return value if self.may_be(setting, value) else default

    # Whether a setting may take a value here.
    def may_be(self, setting, value):
        if setting in wire.SETTING_RANGES:
            lowest, highest = wire.SETTING_RANGES[setting]
            return lowest <= value <= highest
        if setting == wire.SETTING_BOARD and not self.board.suits(value):
            return False
        return value in wire.SETTING_CHOICES[setting]

    def _save_settings(self):
        for setting in _KEYS:
            key = _KEYS[setting][0]
            if self.memory.get(key, -1) != self.settings[setting]:
                self.memory.set(key, self.settings[setting])
        self._unsaved = False

    def _apply_settings(self):
        self.cue.wanted = self.settings[wire.SETTING_CUE] == 1
        self.cue.target_order = self.settings[wire.SETTING_TARGET_ORDER]


# By setting: key in the memory, and what holds without it.
_KEYS = {
    wire.SETTING_RATE_HZ: ("rate_hz", wire.RATE_HZ_DEFAULT),
    wire.SETTING_CUE: ("cue", wire.CUE_DEFAULT),
    wire.SETTING_TARGET_ORDER: ("target_order", wire.TARGET_ORDER_DEFAULT),
    wire.SETTING_SIDE: ("side", wire.SIDE_DEFAULT),
    wire.SETTING_RATE_ALONE_HZ: ("rate_alone_hz", wire.RATE_ALONE_HZ_DEFAULT),
    wire.SETTING_BOARD: ("board", wire.BOARD_DEFAULT),
    wire.SETTING_ZONES: ("zones", wire.ZONES_DEFAULT),
}
