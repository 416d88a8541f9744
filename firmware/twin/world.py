# Time, the walk and the watchdog of the virtual insole: everything the stand-in modules share.
#
# On unix and CPython time is virtual: it moves only in idle() and in blocking writes, one event at a time, and idle()
# then waits until real time has caught up (times speed; 0: does not wait). A busy computer makes the insole slow, never
# wrong: no sample is lost that a board would not lose. The emulated RV32 machine has a clock of its own, so there the
# firmware's own work takes time, too; but of a pause in which the emulator was not running only a few milliseconds
# count, for a chip is never paused.
# Timer callbacks are queued 8 deep and lost beyond that without a word, as on the ESP32; they run in idle() and behind
# each access to flash (a board serves them between any two bytecodes).
# A callback finds the converters as they were when its timer was due (unless it is a whole period late): so the same
# walk gives the same samples on a slow and on a quick machine. A real converter reads the moment it is asked.
# Where the walk has no sample the callback is lost, so that the sample is missing on the insole as in the walk.
# With speed other than 1 and a session running, or something being sent, time waits for the host to be heard from
# within 2 virtual seconds, so that a quick insole does not outrun a host that asks for the clock in real seconds.
import sys
import time as real_time
from array import array

MASK = 0x3FFFFFFF
_HALF = 0x20000000
SOURCE_PERIOD_US = 1000
MISSING_COUNT = 4095  # in every channel of a record without a sample
_QUEUE_DEPTH = 8
_REST_US = 2000  # longest single step of idle while a timer runs
_LONG_REST_US = 10000
_TURN_US = 1250  # most that counts of one turn; on an idle computer 99 % of turns take under 0.75 ms
_NAP_US = 1000
_LATE_US = 250  # most that counts of a rest beyond what it was meant to be
_CAUGHT_UP_US = 2000000
_HOST_QUIET_US = 2000000
_HOST_PATIENCE_MS = 5000

CPYTHON = sys.implementation.name == "cpython"


def _real_us_cpython():
    return real_time.perf_counter_ns() // 1000 & MASK


real_us = _real_us_cpython if CPYTHON else real_time.ticks_us


# Both without leaving the small ints of a 32-bit machine, whose limit is the mask itself.
def _ticks_diff(end, start):
    by = end - start
    if by >= _HALF:
        return by - MASK - 1
    if by < -_HALF:
        return by + MASK + 1
    return by


def _ticks_add(ticks, by):
    if by < 0:
        ticks += by
        return ticks if ticks >= 0 else ticks + MASK + 1
    ticks = ticks - MASK - 1 + by
    return ticks if ticks >= 0 else ticks + MASK + 1


_MASKED = not CPYTHON and real_time.ticks_add(0, -1) == MASK
ticks_diff = real_time.ticks_diff if _MASKED else _ticks_diff
ticks_add = real_time.ticks_add if _MASKED else _ticks_add


class World:
    def __init__(self):
        self.settings = {}
        self.virtual = True
        self.speed = 1.0
        self.now_us = 0
        self.lock_heap = False  # a test's wish: callbacks run with the heap locked
        self.timers = []
        self.lost_callback_n = 0
        self.input = None  # the console; set by boot
        self.watchdog_ms = 0
        self._fed_us = 0
        self._turn_us = _TURN_US
        self._ahead_us = 0
        self._ppm = self._skewed = 0
        self._real_us = real_us()
        self._queue = []
        self._source_us = 0
        self._quiet_us = 0
        self._host_gone = self.talks = False
        self.talks = False  # something was sent since the host was heard from
        self._trace = None
        self._open_source(None, 0)

    # --- the walk

    def setup(self, settings):
        self.settings = settings
        self.virtual = not settings.get("samples_addr")
        self.speed = float(settings.get("speed", 1))
        self.now_us = int(settings.get("clock_us", self.now_us)) & MASK
        self._ppm = int(settings.get("clock_ppm", 0))
        if settings.get("trace"):
            self._trace = open(settings["trace"], "w")
        if settings.get("samples_addr"):
            import uctypes

            n = int(settings["samples_bytes"])
            self._memory = uctypes.bytearray_at(int(settings["samples_addr"]), n)
            self._open_source(None, n)
        elif settings.get("samples"):
            file = open(settings["samples"], "rb")
            self._open_source(file, file.seek(0, 2))

    def _open_source(self, file, n_bytes):
        self.channel_n = int(self.settings.get("channels", 6))
        self._file = file
        self._record_bytes = 2 * self.channel_n
        self._record_n = n_bytes // self._record_bytes
        self._record_at = -1
        self.record = array("H", [0] * self.channel_n)
        if self._record_n:
            self._load(0)

    # The walk begins anew with each periodic timer: record 0 is what its first callback finds.
    def rewind(self, due_us):
        self._source_us = -due_us

    def _load(self, source_us):
        k = min(max(source_us // SOURCE_PERIOD_US, 0), self._record_n - 1)
        if k == self._record_at or k < 0:
            return
        self._record_at = k
        at = k * self._record_bytes
        if self._file:
            self._file.seek(at)
            self._file.readinto(self.record)
        else:
            for c in range(self.channel_n):
                self.record[c] = self._memory[at + 2 * c] | self._memory[at + 2 * c + 1] << 8

    # --- time

    def ticks_us(self):
        if self.virtual:
            return self.now_us
        return ticks_add(self.now_us, self.since_us())

    # Wraps early: at the microseconds' wrap. The firmware only takes differences of a second.
    def ticks_ms(self):
        return self.ticks_us() // 1000

    # What has passed since time was last let pass.
    def since_us(self):
        return 0 if self.virtual else min(ticks_diff(real_us(), self._real_us), self._turn_us)

    # Let by_us pass without serving callbacks, as a blocking write does.
    def block(self, by_us):
        if self.virtual:
            if self.speed > 0:
                self._ahead_us += int(by_us / self.speed)  # idle() waits for it
            self._advance(by_us)
        else:
            self._catch_up()
            real_time.sleep_us(by_us)
            self._real_us = real_us()
            self._advance(by_us)

    # The same for a call into the chip, such as reading flash: behind it the interpreter goes on and serves what waits.
    def call(self, us):
        self.block(us)
        self._serve()

    # Rest until something is due, then serve it.
    def idle(self):
        if self.virtual:
            self.input.gather()
            step_us = self._rest_us()
            self._wait_for_host()
            self._pace(step_us)
            self._advance(step_us)
        else:
            self._catch_up()
            self._nap(self._rest_us())
        self._serve()
        self._check_watchdog()

    # Until something is due, or the host says something: whole milliseconds of it, the rest is the next turn's.
    def _nap(self, us):
        self._turn_us = us + _LATE_US
        if us < _NAP_US or not self.input.rest(us // 1000):
            real_time.sleep_us(min(us, _NAP_US))
        self._catch_up()
        self._turn_us = _TURN_US

    def _rest_us(self):
        rest_us = _REST_US if self.timers else _LONG_REST_US
        for timer in self.timers:
            rest_us = min(rest_us, max(timer.due_us, 0))
        return rest_us

    # due_us of a timer counts down.
    def _advance(self, by_us):
        self.now_us = ticks_add(self.now_us, by_us)
        self._source_us += by_us
        self._quiet_us += by_us
        for timer in self.timers:
            timer.due_us -= by_us
            while timer.due_us <= 0:
                if len(self._queue) < _QUEUE_DEPTH:
                    self._queue.append((timer, self._source_us + timer.due_us))
                else:
                    self.lost_callback_n += 1
                timer.due_us += timer.period_us
                if timer.once:
                    self.timers.remove(timer)
                    break

    def _catch_up(self):
        by_us = self.since_us()
        self._real_us = real_us()
        self._advance(by_us)

    def _serve(self):
        while self._queue:
            timer, due_us = self._queue.pop(0)
            late = self._source_us - due_us >= timer.period_us
            if self._record_n:
                self._load(self._source_us if late else due_us)
                if self.record[0] == MISSING_COUNT:
                    continue
            timer.call(self.lock_heap)

    # Wait until real time has caught up with virtual time, listening to the line meanwhile.
    def _pace(self, step_us):
        if self.speed <= 0:
            return
        now_us = real_us()
        self._skewed += step_us * self._ppm
        ahead_of_time_us = self._skewed // 1000000  # a fast clock gets there sooner
        self._skewed -= ahead_of_time_us * 1000000
        self._ahead_us -= ahead_of_time_us
        self._ahead_us += int(step_us / self.speed) - _ticks_diff(now_us & MASK, self._real_us & MASK)
        self._real_us = now_us
        # What a busy computer takes is caught up by hurrying, as a chip's clock does not stop; a long stop is dropped.
        self._ahead_us = max(self._ahead_us, -_CAUGHT_UP_US)
        while self._ahead_us >= 1000:
            self.input.wait(self._ahead_us // 1000)
            now_us = real_us()
            self._ahead_us -= _ticks_diff(now_us & MASK, self._real_us & MASK)
            self._real_us = now_us

    def _wait_for_host(self):
        if self.speed == 1 or self._host_gone or self._quiet_us < _HOST_QUIET_US:
            return
        if not self.timers and not self.talks:
            return
        self._host_gone = not self.input.wait(_HOST_PATIENCE_MS)

    def heard_host(self):
        self._quiet_us = 0
        self._host_gone = self.talks = False

    # --- the rest

    def feed(self):
        self._fed_us = self.ticks_us()

    def _check_watchdog(self):
        since_ms = ticks_diff(self.ticks_us(), self._fed_us) // 1000
        if 0 < self.watchdog_ms < since_ms:
            self.end(3)

    # End as a reset does; 3 asks whoever started the machine to start it again. A whole board has its own way.
    def end(self, code):
        raise SystemExit(code)

    # A whole board has a watchdog of its own, which bites in loops that never idle, too.
    def arm(self, watchdog_ms):
        self.watchdog_ms = watchdog_ms

    def trace(self, what, value):
        if self._trace:
            self._trace.write("%d %s %d %d %d\n" % (self._source_us, what, value, self.now_us, real_us()))
            self._trace.flush()


world = World()
