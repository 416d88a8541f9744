# The detector: from counts to stances. Core; the only place that decides what a step was.
#
#   foot in the air --a part confirmed--> STANCE --all free for the hold time--> judged --> in the air
#                                           \--longer than 3 s--> STANDING (no stride) --> in the air
#
# `sense.follow` takes every sample and calls for hear() when something happened: a part was loaded or left, or an alarm
# that was set here went off; for hole() when samples are missing. hear() returns NOTHING, TOUCHED (provisional: order
# as it looks now) or STRIDE (final); their numbers stand in `state`, in the order of their frames, until the next call.
#
# What happens with every step is native: `stance` (events), `step` (was it one), `verdict` (orders and direction) and
# `tune` (levels).
# Here is what is rare: the first samples, standing, holes, sensors that are stuck. The first stride needs no
# calibration.
from array import array

from micropython import const

from .channels import Channels
from .fixed import sense, stance, tune
from .ring import SampleRing

# WORDS of the maps, written by firmware/make_plain.py
_CHANNEL_N = const(0)
_NEXT_INDEX = const(1)
_NOW_Q8 = const(2)
_STEP_Q8 = const(3)
_ALARM_Q8 = const(4)
_REST_N = const(5)
_REST_SHIFT = const(6)
_MARGIN_Q8 = const(10)
_SMOOTH_N = const(12)
_SMOOTH_SHIFT = const(13)
_DELAY_Q8 = const(15)
_CONFIRM_N = const(16)
_HOLD_N = const(17)
_QUICK_N = const(18)
_RISE_Q8 = const(19)
_STANCE_N = const(20)
_TIME_SHIFT = const(21)
_BEND_SHIFT = const(22)
_FOOT_LEAST = const(24)
_FOOT_MOST = const(25)
_ZONE_AT = const(26)
_ZONE_WORDS = const(26)
_NEVER_Q8 = const(536870911)
_OLDEST_Q8 = const(-268435456)
_LOW = const(0)
_LOAD = const(4)
_BEND_Q4 = const(7)
_HOLE = const(16384)
_FOOT = const(78)
_FOOT_TUNE = const(180)
_TUNE_AT = const(168)
_TUNE_WORDS = const(6)
_RUNNING = const(0)
_LEARNT = const(1)
_SIGMA = const(2)
_NOISE_PERMILLE = const(4)
_DROP_COUNTS = const(24)
_RATE_HZ = const(186)
_ORIGIN = const(187)
_WARMING = const(188)
_IN_STANCE = const(189)
_STANDING = const(190)
_STAND_Q8 = const(191)
_HOUSE_Q8 = const(192)
_STUCK_N = const(193)
_LOOK = const(194)
_DECIDE_AT_Q8 = const(195)
_ANNOUNCED = const(196)
_DUE = const(197)
_JUDGED = const(200)
_FREE_Q8 = const(208)
_STRIDE_START_Q8 = const(209)
_ANNOUNCED_Q8 = const(210)
_SEEN_Q8 = const(211)
_STEPPED_Q8 = const(212)
_INITIAL_Q8 = const(213)
_FIRST_LOAD = const(224)
_ALL_WORDS = const(304)
_LONGEST_MS = const(3000)
_REBASE_Q8 = const(262144)
_STOOD = const(4)
# end of WORDS

NOTHING = 0
TOUCHED = 1
STRIDE = 2

_LONGEST_HOLE = const(64)  # samples; over a longer one nothing is timed, and products with it stay small ints;
_HOLE_MS = const(320)  # and no longer than this: a swing would fit into it
_REST_MS = const(80)  # free and steady for this long: the foot is in the air, its sensors unloaded
_REST_TAU_MS = const(640)  # time constant at rest: about two swings; drift (5 % per decade of seconds) is slower
_EACH_MS = const(20)  # each of the two running means, cut to a power of two in samples: about a low-pass of 20 Hz
_CONFIRM_MS = const(8)  # one sample at 200 Hz, four at 500: the load is smoothed already
_HOLD_MS = const(40)  # a running contact bounces for less; the shortest swing in the recordings is 250 ms
_LONGEST_RISE_MS = const(150)  # from low to high level; 5 to 50 % of the peak takes 117 ms in 95 of 100
_GUESSED_PEAK = const(640)  # counts over all sensors, 60 N at 10 counts/N: for the levels before the first step
_GUESSED_LOAD = const(1600)  # of a first step, 160 N: more than a heel that is worked into a shoe
_FIRST_BEND_Q4 = const(2000)  # a noise of 200 counts: from too much the estimate comes down within a few samples
# Before the first contact baselines and noise are found: 20 ms where the sensors are quiet, up to 120 where not.
_WARM_MS = const(120)
_WARM_STEP_MS = const(20)
_WARM_SHIFT = const(3)  # the baseline is the mean of about eight samples then
_WARM_BEND_SHIFT = const(3)  # and the noise estimate moves by an eighth with each
_LATE_BEND_SHIFT = const(6)  # later by a sixty-fourth: a third of a second
_QUIET_SIGMA = const(20)  # counts, all sensors together
_STUCK_MS = const(400)  # a sensor that is loaded and reads the same for so long, while no other is loaded, is stuck
_STUCK_FEW_MS = const(1000)  # where there are only two or three
_SETTLED_N = const(24)  # samples after which a smoothed reading stands still: 20 after a leap by half the range
_RESIDUE_N = const(12)  # looks, each a house-keeping, before a residue is taken for what it is: four seconds
_RESIDUE_SHARE = const(3)  # of the highest load, one part in this many, that a residue is at most
_NEVER_N = const(1 << 29)
_ALL_CHANNELS = const(255)


class Detector:
    # words: where everything is kept, _ALL_WORDS times 0; made here unless given.
    def __init__(self, zones, rate_hz, words=None):
        self.state = words or array("i", bytes(4 * _ALL_WORDS))
        self._set_times(len(zones), rate_hz)
        self._set_zones()
        self.channels = Channels(self.state, zones)
        self._one = SampleRing(len(zones), 2)  # for step()
        self._follow = sense.bind(self._one.marks, self._one.counts, bytearray(1), self.state)
        self._residue_n = 0
        self._is_tared = False
        self._unknown_bits = 0  # the channels whose baseline is not known yet

    # The sample index that times are relative to.
    @property
    def origin(self):
        return self.state[_ORIGIN]

    def _set_times(self, channel_n, rate_hz):
        state = self.state
        state[_RATE_HZ] = rate_hz
        state[_CHANNEL_N] = channel_n
        state[_NEXT_INDEX] = -1
        state[_STANCE_N] = -1
        state[_STEP_Q8] = 256
        state[_WARMING] = 1
        shift = _shift_for(rate_hz * _EACH_MS // 1000)
        state[_SMOOTH_N] = 1 << shift
        state[_SMOOTH_SHIFT] = 2 * shift
        state[_DELAY_Q8] = ((1 << shift) - 1) << 8
        state[_CONFIRM_N] = max(1, rate_hz * _CONFIRM_MS // 1000)
        state[_HOLD_N] = max(2, rate_hz * _HOLD_MS // 1000)
        state[_QUICK_N] = max(1, rate_hz // 100)
        state[_RISE_Q8] = (rate_hz * _LONGEST_RISE_MS << 8) // 1000
        state[_STUCK_N] = rate_hz * (_STUCK_MS if channel_n > 3 else _STUCK_FEW_MS) // 1000
        state[_STAND_Q8] = state[_HOUSE_Q8] = state[_DECIDE_AT_Q8] = state[_ALARM_Q8] = _NEVER_Q8
        state[_SEEN_Q8] = state[_STEPPED_Q8] = _OLDEST_Q8
        shift = 0  # so that the time within a stance fits 8 bits
        while rate_hz * _LONGEST_MS // 1000 >> shift > 255:
            shift += 1
        state[_TIME_SHIFT] = shift
        self._hole_n = min(_LONGEST_HOLE, rate_hz * _HOLE_MS // 1000)
        self._warm_q8 = (rate_hz * _WARM_MS << 8) // 1000
        self._warm_step_q8 = (rate_hz * _WARM_STEP_MS << 8) // 1000
        self._rest_n = rate_hz * _REST_MS // 1000
        self._rest_shift = _shift_for(rate_hz * _REST_TAU_MS // 1000)

    def _set_zones(self):
        state = self.state
        permille = _noise_permille(state[_SMOOTH_N])
        for zone in range(3):
            state[_ZONE_AT + _ZONE_WORDS * zone + _BEND_Q4] = _FIRST_BEND_Q4
            state[_TUNE_AT + _TUNE_WORDS * zone + _RUNNING] = _GUESSED_PEAK
            state[_TUNE_AT + _TUNE_WORDS * zone + _NOISE_PERMILLE] = permille
        state[_FIRST_LOAD] = _GUESSED_LOAD
        tune.close(state)

    # The load of standing on this foot, counts over all sensors: from it the first step is known better than from the
    # guess. On both feet it is half a step's, on one nearly all of it.
    def set_standing(self, load):
        state = self.state
        state[_FIRST_LOAD] = load
        state[_TUNE_AT + _RUNNING] = state[_TUNE_AT + _TUNE_WORDS + _RUNNING] = load * 3 >> 2
        state[_FOOT_TUNE + _RUNNING] = load

    # --- samples

    # Take one sample given by itself, as the application does with its ring.
    def step(self, index, counts):
        ring = self._one
        at = ring.offset()
        for k in range(ring.channel_n):
            ring.counts[at + k] = counts[k]
        ring.commit(index, 0)
        events = self._follow(self.state)
        while events:
            if events & _HOLE:
                self.hole(ring)
            else:
                said = self.hear(events)
                if said:
                    return said
            events = self._follow(self.state)
        return NOTHING

    # The next sample in the ring is not the one that was expected: the first of all, or samples are missing.
    def hole(self, ring):
        state = self.state
        index = ring.index
        missing_n = index - state[_NEXT_INDEX]
        if state[_NEXT_INDEX] < 0:
            self._begin(ring)
        elif missing_n >= self._hole_n or missing_n < 0:
            self._forget(index)
        else:
            state[_STEP_Q8] = (missing_n + 1) << 8
        state[_NEXT_INDEX] = index

    def hear(self, events):
        said = stance.hear(self.state, events)
        if said <= STRIDE:
            return said
        self.do(said)
        return NOTHING

    # What stance.hear leaves to others.
    def do(self, said):
        if said == _STOOD:
            self.channels.end_stride(self.state[_JUDGED])
        else:
            self._keep_house()

    # The first sample of all: a short time of listening, in which baselines and noise are found and nothing is loaded.
    # A baseline that was set stays.
    def _begin(self, ring):
        state = self.state
        self._is_tared = self.channels.baseline(0) >= 0
        self._unknown_bits = tune.begin(state, ring.counts, ring.first)
        state[_ORIGIN] = ring.index
        state[_NOW_Q8] = -256
        state[_REST_SHIFT] = _WARM_SHIFT
        state[_REST_N] = _NEVER_N if self._is_tared else 0
        state[_BEND_SHIFT] = _WARM_BEND_SHIFT
        state[_MARGIN_Q8] = _DROP_COUNTS << 8
        self._wake_at(self._warm_step_q8)

    # After a long hole nothing that was under way can be timed: the stance, if one was on, is not reported, and what
    # is on the foot then did not just come. A stride that was judged before is told.
    def _forget(self, index):
        state = self.state
        if state[_IN_STANCE]:
            stance.leave(state)
        state[_LOOK] = 0
        state[_SEEN_Q8] = state[_STEPPED_Q8] = _OLDEST_Q8
        state[_ORIGIN] = index
        state[_NOW_Q8] = -256
        state[_STEP_Q8] = 256
        tune.close(state)
        state[_WARMING] = 1
        state[_ANNOUNCED_Q8] = state[_FREE_Q8] = state[_STRIDE_START_Q8] = 0
        state[_DECIDE_AT_Q8] = _NEVER_Q8
        self._wake_at(self._rest_n << 8)
        if state[_DUE]:
            state[_ALARM_Q8] = 0

    # --- what is rare

    # The next house-keeping.
    def _wake_at(self, now_q8):
        state = self.state
        state[_HOUSE_Q8] = now_q8
        state[_ALARM_Q8] = min(now_q8, state[_DECIDE_AT_Q8])

    # A stance that is too long is standing from here on: no stride, and the levels of before still hold.
    def _keep_house(self):
        state = self.state
        if state[_WARMING]:
            self._warm(state[_NOW_Q8])
            return
        self._find_stuck()
        if state[_STANDING]:
            self._stand()
        elif state[_NOW_Q8] >= state[_STAND_Q8]:
            self._begin_standing()

    def _begin_standing(self):
        self.state[_STANDING] = 1
        self.state[_STANCE_N] = -1
        self._watch_residue()

    # A loaded sensor that does not move, though all others are free, would hold the foot down for ever. When it was
    # what began this stance, nobody knows when the foot landed: no stride.
    def _find_stuck(self):
        state = self.state
        bits = tune.stuck(state, state[_STUCK_N], state[_FOOT + _LOW])
        if bits:
            self.channels.leave_out(bits)
            long_n = (state[_NOW_Q8] - state[_INITIAL_Q8]) >> 8
            if self.channels.still_n(bits) >= long_n - _SETTLED_N:
                self._begin_standing()

    # While standing levels follow the noise, and numbers stay small.
    def _stand(self):
        state = self.state
        if state[_NOW_Q8] >= _REBASE_Q8:
            stance.rebase(state, state[_NOW_Q8])
            self._wake_at(state[_HOUSE_Q8])
        state[_FREE_Q8] = state[_NOW_Q8]
        tune.keep(state)
        self._find_residue()

    # Walking on a residue: the load comes and goes with steps but never falls below the level of lifting, as after
    # creep, tighter laces or a tare that no longer holds. Its lowest is then the air. Of a foot that nobody has seen
    # walking or tared it may be swaying.
    def _find_residue(self):
        state = self.state
        self._residue_n += 1
        if self._residue_n < _RESIDUE_N or not (state[_FOOT_TUNE + _LEARNT] or self._is_tared):
            return
        most = state[_FOOT_MOST]
        least = state[_FOOT_LEAST]
        if least * _RESIDUE_SHARE > most:
            self._watch_residue()
        elif state[_FOOT + _LOAD] - least < most >> 5:
            tune.take_as_free(state, _ALL_CHANNELS)
            self._watch_residue()

    def _watch_residue(self):
        self._residue_n = 0
        self.state[_FOOT_LEAST] = 1 << 20
        self.state[_FOOT_MOST] = 0

    def _warm(self, now_q8):
        state = self.state
        tune.listen(state, 2)
        if now_q8 < self._warm_q8 and (state[_FOOT_TUNE + _SIGMA] > _QUIET_SIGMA or self._unknown_bits):
            self._wake_at(now_q8 + self._warm_step_q8)
        else:
            self._settle()

    # The listening is over. A foot that is loaded now stands; when it landed nobody knows.
    def _settle(self):
        state = self.state
        state[_WARMING] = 0
        tune.take_as_free(state, self._unknown_bits)
        self._unknown_bits = 0
        state[_REST_N] = self._rest_n
        state[_BEND_SHIFT] = _LATE_BEND_SHIFT
        state[_REST_SHIFT] = self._rest_shift
        if tune.settle(state):
            self._watch_residue()
            state[_IN_STANCE] = state[_STANDING] = state[_ANNOUNCED] = 1


# log2 of n, cut.
def _shift_for(n):
    shift = 0
    while n >> shift > 1:
        shift += 1
    return shift


# What two running means over n samples each leave of white noise: the root of the sum of squared weights,
# (2 n^2 + 1) / (3 n^3), in permille.
def _noise_permille(n):
    square = (2 * n * n + 1) * 1000000 // (3 * n * n * n)
    root = 1
    while root * root < square:
        root += 1
    return root
