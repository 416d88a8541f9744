# The detector: from counts to stances. Core; the only place that decides what a step was.
#
#   foot in the air --a part confirmed--> STANCE --all free for the hold time--> judged --> in the air
#                                           \--longer than 3 s--> STANDING (no stride) --> in the air
#
# `sense.follow` takes every sample and calls for hear() when something happened: a part was loaded or left, or an alarm
# that was set here went off; for hole() when samples are missing. hear() returns NOTHING, TOUCHED (provisional: order
# as it looks now, in touch_*) or STRIDE (final: in past and verdict); they stay valid until the next call. Times are q8
# samples relative to `origin`, a sample index that moves up between stances so that every number stays a small int for
# any length of session.
#
# Three parts are watched alike: forefoot (with the toes) and heel, and the foot, all sensors together. Initial and
# final contact are the foot's, orders are those of forefoot and heel. The first stride needs no calibration.
#
# When a stance is over it is handed to `past` and worked on in small pieces, one with each sample, so that no sample
# takes long; the next one may begin meanwhile.
from array import array

from micropython import const

from . import wire
from .channels import Channels
from .fixed import NEVER_Q8, sense, tune
from .ring import SampleRing
from .stance import Stance, Steps
from .verdict import CONTACT_WEIGHT, LIFT_WEIGHT, PEAK_WEIGHT, SHIFT_WEIGHT, Verdict
from .zone import Zone

# WORDS of sense.py and tune.py, written by firmware/make_plain.py
_CHANNEL_N = const(0)
_NEXT_INDEX = const(1)
_NOW_Q8 = const(2)
_STEP_Q8 = const(3)
_ALARM_Q8 = const(4)
_REST_N = const(5)
_REST_SHIFT = const(6)
_REST_BAND = const(7)
_MARGIN_Q8 = const(10)
_DROPPED_Q8 = const(11)
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
_RESTED = const(23)
_FOOT_LEAST = const(24)
_FOOT_MOST = const(25)
_LOW = const(0)
_LOAD = const(4)
_LOADED = const(10)
_ON_Q8 = const(11)
_OFF_Q8 = const(12)
_RISEN = const(13)
_ABOVE_N = const(15)
_ABOVE_Q8 = const(16)
_CONTACT = const(1)
_LIFT = const(8)
_SURGED = const(512)
_HOLE = const(16384)
_FOREFOOT = const(26)
_HEEL = const(52)
_FOOT = const(78)
_LEARNT = const(1)
_SIGMA = const(2)
_SMOOTH_SIGMA = const(3)
_ALL_WORDS = const(234)
# end of WORDS

NOTHING = 0
TOUCHED = 1
STRIDE = 2

_DECIDE_MS = const(45)  # a second zone later than this no longer changes the provisional order
_LONGEST_MS = const(3000)  # the slowest recorded stance lasts 2 s; longer is standing
_REBASE_N = const(1024)
_HOUSE_MS = const(100)  # three parts in turn: each looks after its levels three times a second
_FADE_MS = const(4000)  # after this long in the air the levels sink, so that a lighter wearer is found again
_LONGEST_HOLE = const(64)  # samples; over a longer one nothing is timed, and products with it stay small ints;
_HOLE_MS = const(320)  # and no longer than this: a swing would fit into it
_REST_MS = const(80)  # free and steady for this long: the foot is in the air, its sensors unloaded
_REST_TAU_MS = const(640)  # time constant at rest: about two swings; drift (5 % per decade of seconds) is slower
_EACH_MS = const(20)  # each of the two running means, cut to a power of two in samples; the reference events had 20
_CONFIRM_MS = const(8)  # one sample at 200 Hz, four at 500: the load is smoothed already
_HOLD_MS = const(40)  # a running contact bounces for less; the shortest swing in the recordings is 250 ms
_LONGEST_RISE_MS = const(150)  # from low to high level; 5 to 50 % of the peak takes 117 ms at the slowest
_DROP_COUNTS = const(24)  # 0.6 % of full scale
_DROP_SIGMAS = const(2)  # of the whole foot's noise, which is more than any one sensor's
# Before the first contact baselines and noise are found: 20 ms where the sensors are quiet, up to 120 where not.
_WARM_MS = const(120)
_WARM_STEP_MS = const(20)
_WARM_SHIFT = const(3)  # the baseline is the mean of about eight samples then
_WARM_BEND_SHIFT = const(3)  # and the noise estimate moves by an eighth with each
_LATE_BEND_SHIFT = const(6)  # later by a sixty-fourth: a third of a second
_QUIET_SIGMA = const(20)  # counts, all sensors together

_ANY_CONTACT = const(7)  # CONTACT, LIFT, TOUCH, SURGED of any zone
_ANY_LIFT = const(56)
_ANY_TOUCH = const(192)
_ANY_SURGED = const(3584)
_FOOT_TUNE = const(228)  # TUNE_AT + 2 * TUNE_WORDS

# What is done after a stance, one piece with each sample.
_JUDGE = const(0)
_VOTE = const(1)
_TELL = const(2)
_LEARN_FOOT = const(3)
_LEARN_FOREFOOT = const(4)
_LEARN_HEEL = const(5)
_CHANNELS = const(6)
_CHORE_MS = const(5)  # one piece each, more at low rates, so that all are done before the next contact
_RESIDUE_N = const(40)  # looks, a tenth of a second each, before a residue is taken for what it is
_RESIDUE_SHARE = const(3)  # of the highest load, one part in this many, that a residue is at most
_STUCK_MS = const(400)  # a sensor that is loaded and reads the same for so long, while no other is loaded, is stuck
_STUCK_FEW_MS = const(1000)  # where there are only two or three
_IDLE = const(-1)
_NEVER_N = const(1 << 29)
_OLDEST_Q8 = const(-(1 << 28))  # where a time that nobody asks for any more stays a small int


class Detector:
    def __init__(self, zones, rate_hz):
        self.state = array("i", bytes(4 * _ALL_WORDS))
        self.rate_hz = rate_hz
        self.origin = 0
        self.channels = Channels(self.state, zones)
        self.verdict = Verdict(rate_hz)
        self._set_times(len(zones), rate_hz)
        permille = _noise_permille(self.state[_SMOOTH_N])
        self.forefoot = Zone(self.state, 0, permille)
        self.heel = Zone(self.state, 1, permille)
        self.foot = Zone(self.state, 2, permille)
        self._zones = (self.forefoot, self.heel, self.foot)
        tune.close(self.state)
        self._one = SampleRing(len(zones), 2)  # for step()
        self._no_frame = bytearray(1)
        self._chore = _IDLE
        self._turn = 0  # whose levels are looked after next
        self._stance = self._standing = self._touched = False
        self._warming = True
        self._is_stride = False
        self._look = False  # a provisional order may be due
        self._residue_n = self._faded_n = 0
        self._is_tared = False
        self._restless_n = 0  # contacts in a row before which the foot was never at rest
        self._stride_n = 0
        self._touched_q8 = self._free_q8 = self._stride_start_q8 = 0
        self._decide_at_q8 = NEVER_Q8  # when a contact of one part alone is told
        self._house_q8 = NEVER_Q8  # when to look after levels and numbers
        self._stand_q8 = NEVER_Q8  # when a stance becomes standing
        self.touch_q8 = self.touch_order = self.touch_delay_n = 0
        self._present = Stance()
        self.past = Stance()
        self._steps = Steps(rate_hz)

    def _set_times(self, channel_n, rate_hz):
        state = self.state
        state[_CHANNEL_N] = channel_n
        state[_NEXT_INDEX] = -1
        state[_STANCE_N] = -1
        state[_STEP_Q8] = 256
        state[_ALARM_Q8] = NEVER_Q8
        shift = 0
        while rate_hz * _EACH_MS // 1000 >> shift > 1:
            shift += 1
        state[_SMOOTH_N] = 1 << shift
        state[_SMOOTH_SHIFT] = 2 * shift
        state[_DELAY_Q8] = ((1 << shift) - 1) << 8
        state[_CONFIRM_N] = max(1, rate_hz * _CONFIRM_MS // 1000)
        state[_HOLD_N] = max(2, rate_hz * _HOLD_MS // 1000)
        state[_QUICK_N] = max(1, rate_hz // 100)
        state[_RISE_Q8] = (rate_hz * _LONGEST_RISE_MS << 8) // 1000
        self._decide_q8 = (rate_hz * _DECIDE_MS << 8) // 1000
        self._longest_q8 = (rate_hz * _LONGEST_MS << 8) // 1000
        self._house_step_q8 = (rate_hz * _HOUSE_MS << 8) // 1000
        self._hole_n = min(_LONGEST_HOLE, rate_hz * _HOLE_MS // 1000)
        self._stuck_n = rate_hz * (_STUCK_MS if channel_n > 3 else _STUCK_FEW_MS) // 1000
        self._chores_each = max(1, 1000 // (rate_hz * _CHORE_MS))
        self._fade_q8 = (rate_hz * _FADE_MS << 8) // 1000
        self._warm_q8 = (rate_hz * _WARM_MS << 8) // 1000
        self._warm_step_q8 = (rate_hz * _WARM_STEP_MS << 8) // 1000
        self._rest_n = rate_hz * _REST_MS // 1000
        self._rest_shift = 0
        while rate_hz * _REST_TAU_MS // 1000 >> self._rest_shift > 1:
            self._rest_shift += 1
        shift = 0  # so that the time within a stance fits 8 bits
        while self._longest_q8 >> 8 >> shift > 255:
            shift += 1
        state[_TIME_SHIFT] = shift

    # --- samples

    # Take one sample given by itself, as the application does with its ring.
    def step(self, index, counts):
        ring = self._one
        at = ring.offset()
        for k in range(ring.channel_n):
            ring.counts[at + k] = counts[k]
        ring.commit(index, 0)
        while True:
            events = sense.follow(ring.marks, ring.counts, self._no_frame, self.state)
            if not events:
                return NOTHING
            if events & _HOLE:
                self.hole(ring)
            else:
                said = self.hear(events)
                if said:
                    return said

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
        if events & _ANY_SURGED:
            self._surged(events)
        if events & _ANY_CONTACT:
            self._contact(events)
        if events & _ANY_LIFT and self._stance:
            self._lift(events)
        state = self.state
        now_q8 = state[_NOW_Q8]
        if events & _ANY_TOUCH or now_q8 >= self._decide_at_q8:
            self._look = True
        said = NOTHING
        if self._chore != _IDLE:
            said = self._work()
        if self._look and not said:
            said = self._touch()
        if self._chore != _IDLE or self._look:
            state[_ALARM_Q8] = now_q8 + 256
            return said
        if now_q8 >= self._house_q8 and not said:
            self._keep_house()
        alarm_q8 = self._decide_at_q8
        state[_ALARM_Q8] = alarm_q8 if alarm_q8 < self._house_q8 else self._house_q8
        return said

    # The first sample of all: a short time of listening, in which baselines and noise are found and nothing is loaded.
    # A baseline that was set stays.
    def _begin(self, ring):
        state = self.state
        self._is_tared = self.channels.baseline(0) >= 0
        self.channels.begin(ring.counts, ring.first)
        self.origin = ring.index
        state[_NOW_Q8] = -256
        state[_REST_SHIFT] = _WARM_SHIFT
        state[_REST_N] = _NEVER_N if self._is_tared else 0
        state[_BEND_SHIFT] = _WARM_BEND_SHIFT
        state[_MARGIN_Q8] = _DROP_COUNTS << 8
        self._house_q8 = state[_ALARM_Q8] = self._warm_step_q8

    # After a long hole nothing that was under way can be timed: the stance, if one was on, is not reported, and what
    # is on the foot then did not just come.
    def _forget(self, index):
        state = self.state
        if self._stance:
            self._leave_stance()
        self._chore = _IDLE
        self._look = False
        self._steps.forget()
        self.origin = index
        state[_NOW_Q8] = -256
        state[_STEP_Q8] = 256
        tune.close(state)
        self._warming = True
        self._touched_q8 = self._free_q8 = self._stride_start_q8 = 0
        self._decide_at_q8 = NEVER_Q8
        self._house_q8 = state[_ALARM_Q8] = self._rest_n << 8

    # --- events

    def _surged(self, events):
        if events & _SURGED:
            self.forefoot.surge()
        if events & _SURGED << 1:
            self.heel.surge()
        if events & _SURGED << 2:
            self.foot.surge()

    def _contact(self, events):
        if not self._stance:
            self._begin_stance()
        stance = self._present
        if events & _CONTACT and stance.forefoot_on_q8 == NEVER_Q8:
            stance.forefoot_on_q8 = self.state[_FOREFOOT + _ON_Q8]
        if events & _CONTACT << 1 and stance.heel_on_q8 == NEVER_Q8:
            stance.heel_on_q8 = self.state[_HEEL + _ON_Q8]
        if events & _CONTACT << 2 and stance.initial_q8 == NEVER_Q8:
            state = self.state
            stance.initial_q8 = state[_FOOT + _ON_Q8]
            stance.rise_q8 = state[_RISE_Q8]
            if state[_FOOT + _RISEN]:
                stance.rise_q8 = state[_NOW_Q8] - state[_DELAY_Q8] - stance.initial_q8

    def _begin_stance(self):
        state = self.state
        now_q8 = state[_NOW_Q8]
        self._restless_n = 0 if state[_RESTED] else self._restless_n + 1
        self._present.clear()
        self._present.restless_n = self._restless_n
        self._stance = True
        tune.clear(state)
        state[_DROPPED_Q8] = 0
        state[_STANCE_N] = 0
        self._stand_q8 = now_q8 + self._longest_q8
        self._house_q8 = now_q8 + self._house_step_q8

    def _lift(self, events):
        if events & _LIFT:
            self._present.forefoot_off_q8 = self.state[_FOREFOOT + _OFF_Q8]
        if events & _LIFT << 1:
            self._present.heel_off_q8 = self.state[_HEEL + _OFF_Q8]
        if self._is_loaded():
            return
        if self._standing:
            self._is_stride = False
            self._chore = _CHANNELS
        else:
            self._end()
        self._leave_stance()

    def _is_loaded(self):
        return self.state[_FOREFOOT + _LOADED] or self.state[_HEEL + _LOADED] or self.state[_FOOT + _LOADED]

    # The provisional order, once per contact: when both zones have been loaded for two samples, or one of them alone
    # long enough. It does not wait for smoothing or for the stance to be confirmed.
    def _touch(self):
        state = self.state
        forefoot_q8 = state[_FOREFOOT + _ABOVE_Q8] if state[_FOREFOOT + _ABOVE_N] else NEVER_Q8
        heel_q8 = state[_HEEL + _ABOVE_Q8] if state[_HEEL + _ABOVE_N] else NEVER_Q8
        first_q8 = min(forefoot_q8, heel_q8)
        self._look = False
        self._decide_at_q8 = NEVER_Q8
        if first_q8 == NEVER_Q8 or self._warming:
            return NOTHING
        if self._touched and (self._stance or first_q8 <= self._touched_q8):
            return NOTHING
        now_q8 = self.state[_NOW_Q8]
        quick_n = self.state[_QUICK_N]
        both = state[_FOREFOOT + _ABOVE_N] >= quick_n and state[_HEEL + _ABOVE_N] >= quick_n
        if not both and now_q8 - first_q8 < self._decide_q8:
            self._decide_at_q8 = first_q8 + self._decide_q8
            return NOTHING
        self._touched = True
        self._touched_q8 = now_q8
        self.touch_q8 = first_q8
        self.touch_order = wire.ORDER_UNKNOWN if self.channels.blind else self.verdict.order(forefoot_q8, heel_q8)
        self.touch_delay_n = (now_q8 - first_q8) >> 8
        return TOUCHED

    # Between stances, and while standing: levels follow the noise, one part at a time, and numbers stay small. A stance
    # that is too long is standing from here on: no stride, and the levels of before still hold.
    def _keep_house(self):
        state = self.state
        now_q8 = state[_NOW_Q8]
        self._house_q8 = now_q8 + self._house_step_q8
        if self._warming:
            self._warm(now_q8)
        elif self._stance and not self._standing:
            self._find_stuck()
            if now_q8 >= self._stand_q8:
                self._standing = True
                state[_STANCE_N] = -1
                self._watch_residue()
        elif now_q8 >= _REBASE_N << 8:
            self._rebase(now_q8 >> 8)
        else:
            self._keep_levels(now_q8)

    # A loaded sensor that does not move, though all others are free, would hold the foot down for ever.
    def _find_stuck(self):
        bits = tune.stuck(self.state, self._stuck_n, self.state[_FOOT + _LOW])
        if bits:
            self.channels.leave_out(bits)

    def _keep_levels(self, now_q8):
        turn = self._turn
        self._turn = 0 if turn == 2 else turn + 1
        zone = self._zones[turn]
        if not self._stance and now_q8 - self._free_q8 >= self._fade_q8:
            zone.fade()
            self._faded_n += 1
            if self._faded_n == 3:
                self._faded_n = 0
                self._free_q8 = now_q8
        zone.set_levels()
        if turn == 2:
            self._set_margins()
        if self._standing:
            self._find_stuck()
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
            self.channels.take_as_free()
            self._watch_residue()

    def _watch_residue(self):
        self._residue_n = 0
        self.state[_FOOT_LEAST] = 1 << 20
        self.state[_FOOT_MOST] = 0

    def _set_margins(self):
        state = self.state
        state[_REST_BAND] = 3 * state[_FOOT_TUNE + _SMOOTH_SIGMA] + (state[_FOOT + _LOW] >> 3)
        state[_MARGIN_Q8] = (_DROP_COUNTS + _DROP_SIGMAS * state[_FOOT_TUNE + _SIGMA]) << 8

    def _warm(self, now_q8):
        tune.listen(self.state, 2)
        if (self.foot.sigma > _QUIET_SIGMA or self.channels.unknown_bits) and now_q8 < self._warm_q8:
            self._house_q8 = now_q8 + self._warm_step_q8
        else:
            self._settle()

    # The listening is over. A foot that is loaded now stands; when it landed nobody knows.
    def _settle(self):
        state = self.state
        self._warming = False
        self.channels.settle()
        state[_REST_N] = self._rest_n
        state[_BEND_SHIFT] = _LATE_BEND_SHIFT
        state[_REST_SHIFT] = self._rest_shift
        for zone in self._zones:
            zone.settle()
        self._set_margins()
        if self._is_loaded():
            self._watch_residue()
            self._stance = self._standing = self._touched = True

    def _leave_stance(self):
        state = self.state
        now_q8 = state[_NOW_Q8]
        state[_STANCE_N] = -1
        state[_RESTED] = 0
        self._stance = self._standing = self._touched = False
        self._free_q8 = now_q8
        self._faded_n = 0
        self._house_q8 = now_q8 + self._house_step_q8
        self._stride_n = (now_q8 - self._stride_start_q8) >> 8
        self._stride_start_q8 = now_q8

    def _rebase(self, by_n):
        by_q8 = by_n << 8
        self.origin += by_n
        self.state[_NOW_Q8] -= by_q8
        self._house_q8 -= by_q8
        self._free_q8 = max(self._free_q8 - by_q8, _OLDEST_Q8)
        self._stride_start_q8 = max(self._stride_start_q8 - by_q8, _OLDEST_Q8)
        self._touched_q8 = max(self._touched_q8 - by_q8, _OLDEST_Q8)
        if self._decide_at_q8 != NEVER_Q8:
            self._decide_at_q8 -= by_q8
        self._steps.rebase(by_q8)
        tune.rebase(self.state, by_q8)

    # --- the verdict

    # All parts are free: the stance is over.
    def _end(self):
        stance = self._present
        self._present = self.past
        self.past = stance
        stance.finish(self.state)
        self._chore = _JUDGE

    # The next pieces; STRIDE when that was the last one before the stride can be told.
    def _work(self):
        for _ in range(self._chores_each):
            if self._do(self._chore):
                return STRIDE
            if self._chore == _IDLE:
                break
        return NOTHING

    def _do(self, chore):
        self._chore = chore + 1
        if chore == _CHANNELS:
            self.channels.end_stride(self._stride_n)
            self._chore = _IDLE
        elif chore == _JUDGE:
            self._judge()
        elif chore == _VOTE:
            self._vote()
        elif chore == _TELL:
            self.past.delay_n = (self.state[_NOW_Q8] - self.past.final_q8) >> 8
            return True
        else:
            self._learn(chore)
        return False

    def _judge(self):
        stance = self.past
        verdict = self.verdict
        self._is_stride = self._steps.is_step(stance, self.foot)
        if not self._is_stride:
            self._chore = _CHANNELS
            return
        contact_order = verdict.order(stance.forefoot_on_q8, stance.heel_on_q8)
        if self.channels.blind:
            contact_order = wire.ORDER_UNKNOWN
        reasons = wire.REASON_SENSOR_LEFT_OUT if self.channels.out_bits else 0
        if stance.heel_on_q8 == NEVER_Q8:
            verdict.one_zone(contact_order, reasons | wire.REASON_FOREFOOT_ONLY)
            self._chore = _TELL
        elif stance.forefoot_on_q8 == NEVER_Q8:
            verdict.one_zone(contact_order, reasons | wire.REASON_HEEL_ONLY)
            self._chore = _TELL
        else:
            verdict.begin(contact_order, verdict.order(stance.forefoot_off_q8, stance.heel_off_q8), reasons)

    def _vote(self):
        stance = self.past
        verdict = self.verdict
        verdict.vote(stance.heel_on_q8 - stance.forefoot_on_q8, CONTACT_WEIGHT, wire.REASON_CONTACT_BACKWARD)
        verdict.vote(stance.heel_off_q8 - stance.forefoot_off_q8, LIFT_WEIGHT, wire.REASON_LIFT_BACKWARD)
        verdict.vote(stance.shift_q8, SHIFT_WEIGHT, wire.REASON_SHIFT_BACKWARD)
        verdict.vote(stance.heel_peak_q8 - stance.forefoot_peak_q8, PEAK_WEIGHT, wire.REASON_PEAK_BACKWARD)
        verdict.conclude()

    def _learn(self, chore):
        stance = self.past
        if chore == _LEARN_FOOT:
            self.foot.learn(stance.foot_peak)
        elif chore == _LEARN_FOREFOOT:
            if stance.forefoot_on_q8 != NEVER_Q8:
                self.forefoot.learn(stance.forefoot_peak)
        elif stance.heel_on_q8 != NEVER_Q8:
            self.heel.learn(stance.heel_peak)


# What two running means over n samples each leave of white noise: the root of the sum of squared weights,
# (2 n^2 + 1) / (3 n^3), in permille.
def _noise_permille(n):
    square = (2 * n * n + 1) * 1000000 // (3 * n * n * n)
    root = 1
    while root * root < square:
        root += 1
    return root
