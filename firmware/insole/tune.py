# What is worked out at events, natively because it is many small numbers: levels from the running peak and the noise,
# what was learnt from a stance, which sensors stand still. Core; works on the detector's words, whose map is in
# `sense`. `tune_plain` is the same text without the native decorator, written by firmware/make_plain.py.
#
# Levels are relative to the part's own running peak: absolute thresholds broke on every product that used them.
# LOW is where a contact is said to happen: about 5 % of the peak, because contact and lift are sharpest there, and
# above the noise. HIGH only confirms that the crossing was a contact and not noise. RELEASE, a little above LOW, is
# where a lift is said to happen: sensors unload late, and noise holds a load up longer than it hides one. A lift needs
# the load to stay below it for the hold time, so a bouncing or rolling sensor does not end a stance. All of them work
# on the smoothed load, and times are those of the smoothed load's middle.
# QUICK is the same question asked of the load as it comes, for a cue that cannot wait for smoothing: for 10 ms in both
# parts, or 32 in one, so three sigmas are enough.
#
# Noise is measured all the time, loaded or not, as a low quantile of the load's second difference: a walking foot bends
# its curve for a part of the time only, noise bends it always.
import micropython
from micropython import const

# WORDS of the maps, written by firmware/make_plain.py
_CHANNEL_N = const(0)
_NOW_Q8 = const(2)
_REST_BAND = const(7)
_MARGIN_Q8 = const(10)
_ZONE_AT = const(26)
_ZONE_WORDS = const(26)
_CHANNEL_AT = const(104)
_CHANNEL_WORDS = const(8)
_LOW = const(0)
_HIGH = const(1)
_QUICK = const(2)
_SURGE = const(3)
_LOAD = const(4)
_BEND_Q4 = const(7)
_LOADED = const(10)
_RISEN = const(13)
_RUN_N = const(14)
_ABOVE_N = const(15)
_PEAK = const(17)
_PEAK_Q8 = const(18)
_TOTAL = const(19)
_MASS = const(20)
_MOMENT = const(21)
_MASS_SHIFT = const(22)
_RELEASE = const(23)
_BASE_Q8 = const(0)
_CALM_Q8 = const(1)
_REST = const(2)
_STILL = const(3)
_STILL_N = const(4)
_TOP_N = const(5)
_SHARE = const(6)
_BASE_BEFORE = const(7)
_SURGED = const(512)
_RATE_HZ = const(186)
_DRIFT_BITS = const(201)
_OUT_BITS = const(202)
_BLIND = const(203)
_FREE_Q8 = const(208)
_MISSING_COUNT = const(4095)
# end of WORDS

FOREFOOT = const(26)  # where the words of the three zones begin: ZONE_AT and on by ZONE_WORDS
HEEL = const(52)
FOOT = const(78)
FOOT_TUNE = const(180)  # TUNE_AT + 2 * TUNE_WORDS: more words of the foot

# --- more words of a zone, behind those of sense: TUNE_AT + TUNE_WORDS * zone
TUNE_AT = const(168)
TUNE_WORDS = const(6)
RUNNING = const(0)  # the running peak
LEARNT = const(1)  # what the strides said last; 0: none yet
SIGMA = const(2)  # noise of the load, counts
SMOOTH_SIGMA = const(3)  # and of the smoothed load
NOISE_PERMILLE = const(4)  # what smoothing leaves of it
TUNED_WORDS = const(186)  # 168 + 3 * 6

# --- counts
DROP_COUNTS = const(24)  # 0.6 % of full scale: a reading so far below a baseline, and by the noise, proves it wrong

_LOW_PERMILLE = const(56)
_RELEASE_PERMILLE = const(64)
_HIGH_PERMILLE = const(120)
_LOW_FLOOR = const(12)  # counts: below this a level would sit in the converter's noise (about 2 counts a sensor)
_HIGH_FLOOR = const(30)
_LOW_SIGMAS = const(3)  # of the smoothed load: the level itself; more delays a soft heel in a noisy shoe
_HIGH_SIGMAS = const(3)  # above the low level
_RELEASE_SIGMAS = const(5)  # above the low level: takes 9 ms off the 17 that a sensor lag of 15 ms adds
_QUICK_SIGMAS = const(3)  # of the load as it comes
_CLOSED = const(1048576)  # counts: above every load, which is 8 times 4095 at most
_LEAST_PEAK = const(320)  # counts over all sensors: 32 N at 10 counts/N
_SEVERAL = const(10)  # times as long must several sensors have stood still as a single one
_BOTH = const(3)  # forefoot and heel, a bit each
_OUT = const(3)
_DRIFT_COUNTS = const(80)  # 2 % of full scale within a stride; the rough sensors of the evaluation drift by 5 in 10 s
_DRIFT_STRIDES = const(5)  # so many: a session's start has three. And so many calm ones until it is believed again
_DEAD_BELOW = const(64)  # counts, 1.6 % of full scale: a divider with an open sensor reads about 0
_DROP_SIGMAS = const(2)  # of the whole foot's noise, which is more than any one sensor's
_FADE_MS = const(4000)  # after this long in the air the levels sink, so that a lighter wearer is found again


# Noise of one zone, in counts.
@micropython.viper
def listen(state: ptr32, zone: int):
    own = TUNE_AT + TUNE_WORDS * zone
    # a fifth of all second differences lies below 0.62 sigma
    sigma = ((state[_ZONE_AT + _ZONE_WORDS * zone + _BEND_Q4] * 13) >> 3) >> 4
    state[own + SIGMA] = sigma
    state[own + SMOOTH_SIGMA] = sigma * state[own + NOISE_PERMILLE] // 1000


# The levels of one zone for a running peak. Loads go into the centre of load with 7 bits; twice the peak still fits 8.
@micropython.viper
def set_peak(state: ptr32, zone: int, peak: int):
    if peak < _LEAST_PEAK:
        peak = _LEAST_PEAK
    own = TUNE_AT + TUNE_WORDS * zone
    at = _ZONE_AT + _ZONE_WORDS * zone
    sigma = ((state[at + _BEND_Q4] * 13) >> 3) >> 4
    smooth = sigma * state[own + NOISE_PERMILLE] // 1000
    state[own + RUNNING] = peak
    state[own + SIGMA] = sigma
    state[own + SMOOTH_SIGMA] = smooth
    state[at + _SURGE] = peak + peak
    shift = 0
    while (peak >> shift) > 127:
        shift += 1
    state[at + _MASS_SHIFT] = shift
    floor = _LOW_SIGMAS * smooth
    if floor < _LOW_FLOOR:
        floor = _LOW_FLOOR
    low = peak * _LOW_PERMILLE // 1000
    if low < floor:
        low = floor
    state[at + _LOW] = low
    level = peak * _RELEASE_PERMILLE // 1000
    if level < floor:
        level = floor
    state[at + _RELEASE] = level + _RELEASE_SIGMAS * smooth
    level = peak * _HIGH_PERMILLE // 1000
    if level < _HIGH_FLOOR:
        level = _HIGH_FLOOR
    if level < low + _HIGH_SIGMAS * smooth:
        level = low + _HIGH_SIGMAS * smooth
    if level <= state[at + _RELEASE]:
        level = state[at + _RELEASE] + 1
    state[at + _HIGH] = level
    if low < _QUICK_SIGMAS * sigma:
        low = _QUICK_SIGMAS * sigma
    if at == FOOT:
        low = _CLOSED  # it says nothing that forefoot and heel do not
    state[at + _QUICK] = low


# The first stride of a wearer says more than the guess it replaces. Later ones move the levels a quarter of the way
# and never by more than half or double at once: one odd stride does little.
@micropython.viper
def learn(words, zone: int, peak: int):
    state = ptr32(words)
    own = TUNE_AT + TUNE_WORDS * zone
    if state[own + LEARNT]:
        running = state[own + RUNNING]
        if peak < running >> 1:
            peak = running >> 1
        elif peak > running + running:
            peak = running + running
        peak = running + ((peak - running) >> 2)
    state[own + LEARNT] = peak
    set_peak(words, zone, peak)


# A load far above all that is known: what is left after this stance is measured by it.
@micropython.viper
def surge(words, events: int):
    state = ptr32(words)
    zone = 0
    while zone < 3:
        if events & _SURGED << zone:
            load = state[_ZONE_AT + _ZONE_WORDS * zone + _LOAD]
            if state[TUNE_AT + TUNE_WORDS * zone + LEARNT]:
                load = load >> 1
            set_peak(words, zone, load)
        zone += 1


# In the air the levels follow the noise. A lighter wearer is found again after a while, but not a hand: half of what
# was learnt stays.
@micropython.viper
def keep(words):
    state = ptr32(words)
    fades = 0
    if state[_NOW_Q8] - state[_FREE_Q8] >= (state[_RATE_HZ] * _FADE_MS << 8) // 1000:
        fades = 1
        state[_FREE_Q8] = state[_NOW_Q8]
    zone = 0
    own = TUNE_AT
    while zone < 3:
        peak = state[own + RUNNING]
        if fades:
            peak -= peak >> 3
            least = state[own + LEARNT] >> 1
            if peak < least:
                peak = least
        set_peak(words, zone, peak)
        zone += 1
        own += TUNE_WORDS
    set_margins(words)


# How far a baseline may lie above a reading, and how steady a foot at rest is.
@micropython.viper
def set_margins(state: ptr32):
    state[_REST_BAND] = 3 * state[FOOT_TUNE + SMOOTH_SIGMA] + (state[FOOT + _LOW] >> 3)
    state[_MARGIN_Q8] = (DROP_COUNTS + _DROP_SIGMAS * state[FOOT_TUNE + SIGMA]) << 8


# The first sample there is. Says which baselines nobody set and no reading tells, a bit each.
@micropython.viper
def begin(state: ptr32, counts: ptr16, first: int) -> int:
    unknown = 0
    bit = 1
    at = _CHANNEL_AT
    end = at + state[_CHANNEL_N] * _CHANNEL_WORDS
    while at < end:
        count = counts[first]
        if count == _MISSING_COUNT:
            count = state[at + _BASE_Q8] >> 8
            if count < 0:
                count = 0
                unknown |= bit
        elif state[at + _BASE_Q8] < 0:
            state[at + _BASE_Q8] = count << 8
        state[at + _CALM_Q8] = count << 8
        state[at + _REST] = count
        state[at + _STILL] = count
        first += 1
        bit += bit
        at += _CHANNEL_WORDS
    return unknown


# Who votes for which zone: `shares` says whose each channel is, a byte each. Those of out_bits do not; nor do those at
# the top of their range, which say little but when a load comes and goes, where their zone has a better one. Blind when
# all sensors of the forefoot, or all of the heel, are left out.
@micropython.viper
def share_out(state: ptr32, shares: ptr8, out_bits: int, top_bits: int):
    n = state[_CHANNEL_N]
    seeing = 0
    good = 0
    k = 0
    while k < n:
        if not (out_bits >> k) & 1:
            seeing |= 1 << shares[k]
            if not (top_bits >> k) & 1:
                good |= 1 << shares[k]
        k += 1
    at = _CHANNEL_AT
    k = 0
    while k < n:
        if (top_bits >> k) & (good >> shares[k]) & 1:
            out_bits |= 1 << k
        state[at + _SHARE] = shares[k]
        if (out_bits >> k) & 1:
            state[at + _SHARE] = _OUT
        at += _CHANNEL_WORDS
        k += 1
    state[_OUT_BITS] = out_bits
    state[_BLIND] = 1
    if seeing & _BOTH == _BOTH:
        state[_BLIND] = 0


# What these channels (a bit each) read now is read in the air.
@micropython.viper
def take_as_free(state: ptr32, bits: int):
    at = _CHANNEL_AT
    end = at + state[_CHANNEL_N] * _CHANNEL_WORDS
    while at < end:
        if bits & 1:
            state[at + _BASE_Q8] = state[at + _CALM_Q8]
        bits = bits >> 1
        state[at + _BASE_BEFORE] = (state[at + _BASE_Q8] >> 8) & 0xFFFF
        state[at + _STILL_N] = 0
        at += _CHANNEL_WORDS


# The listening is over: what is on the foot now did not just come. Says whether anything is.
@micropython.viper
def settle(words) -> int:
    state = ptr32(words)
    zone = 0
    at = _ZONE_AT
    loaded = 0
    while zone < 3:
        set_peak(words, zone, state[TUNE_AT + TUNE_WORDS * zone + RUNNING])
        state[at + _LOADED] = 0
        if state[at + _LOAD] >= state[at + _LOW]:
            state[at + _LOADED] = 1
            loaded = 1
        zone += 1
        at += _ZONE_WORDS
    set_margins(words)
    return loaded


# No load of any zone is a contact.
@micropython.viper
def close(state: ptr32):
    at = _ZONE_AT
    while at < _ZONE_AT + 3 * _ZONE_WORDS:
        state[at + _LOW] = _CLOSED
        state[at + _HIGH] = _CLOSED
        state[at + _RELEASE] = _CLOSED
        state[at + _QUICK] = _CLOSED
        state[at + _SURGE] = _CLOSED
        state[at + _LOADED] = 0
        state[at + _RISEN] = 0
        state[at + _RUN_N] = 0
        state[at + _ABOVE_N] = 0
        at += _ZONE_WORDS


# What adds up over a stance begins anew.
@micropython.viper
def clear(state: ptr32):
    at = _ZONE_AT
    while at < _ZONE_AT + 3 * _ZONE_WORDS:
        state[at + _PEAK] = 0
        state[at + _PEAK_Q8] = 0
        state[at + _TOTAL] = 0
        state[at + _MASS] = 0
        state[at + _MOMENT] = 0
        at += _ZONE_WORDS


# A stride of sample_n samples is over: which channels stood still (bits 0 to 7), which of those read nearly nothing
# (8 to 15), and which sat at the top for half of it (16 to 23). In DRIFT_BITS: whose baselines run away.
@micropython.viper
def judge(state: ptr32, sample_n: int) -> int:
    bits = 0
    drifting = 0
    bit = 1
    at = _CHANNEL_AT
    end = at + state[_CHANNEL_N] * _CHANNEL_WORDS
    while at < end:
        if state[at + _STILL_N] >= sample_n:
            bits |= bit
            if state[at + _STILL] < _DEAD_BELOW:
                bits |= bit << 8
            state[at + _STILL_N] = sample_n
        if state[at + _TOP_N] * 2 > sample_n:
            bits |= bit << 16
        state[at + _TOP_N] = 0
        base = state[at + _BASE_Q8] >> 8
        if base < 0:
            base = 0
        moved = base - (state[at + _BASE_BEFORE] & 0xFFFF)
        if moved < 0:
            moved = 0 - moved
        n = (state[at + _BASE_BEFORE] >> 16) & 0xFF
        drifts = state[at + _BASE_BEFORE] >> 24
        if moved > _DRIFT_COUNTS:
            if n < _DRIFT_STRIDES:
                n += 1
            if n == _DRIFT_STRIDES:
                drifts = 1
        elif n:
            n -= 1
        if not n:
            drifts = 0
        state[at + _BASE_BEFORE] = (((drifts << 8) + n) << 16) + base
        if drifts:
            drifting |= bit
        bit += bit
        at += _CHANNEL_WORDS
    state[_DRIFT_BITS] = drifting
    return bits


# The bits of the voting channels that have been loaded and have not moved for so many samples, though all others
# together carry less than least_load. Several must have been still for long, and another not: a foot may well stand.
# One that reads less than unloaded counts as much: where a session began on a standing foot, it has lost what the
# loaded one gained.
@micropython.viper
def stuck(state: ptr32, sample_n: int, least_load: int) -> int:
    bits = 0
    others = 0
    several = 0
    moving = 0
    long = 1
    bit = 1
    at = _CHANNEL_AT
    end = at + state[_CHANNEL_N] * _CHANNEL_WORDS
    while at < end:
        load = state[at + _REST] - (state[at + _BASE_Q8] >> 8)
        if state[at + _SHARE] != _OUT:
            if state[at + _STILL_N] >= sample_n and load > least_load:
                several = bits  # there was one before
                bits |= bit
                if state[at + _STILL_N] < _SEVERAL * sample_n:
                    long = 0
            else:
                if load < 0:
                    load = 0 - load
                others += load
                if state[at + _STILL_N] < sample_n:
                    moving = 1
        bit += bit
        at += _CHANNEL_WORDS
    if several:
        if not moving or not long:
            return 0
    if others >= least_load:
        return 0
    return bits
