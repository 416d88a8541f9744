# What happens to every sample, in one native loop: out of the ring, into the frame, through baselines, smoothing and
# levels, until one of them makes an event that gait.py has to think about. `sense_plain` is the same text without the
# native decorator, written by firmware/make_plain.py.
#
# All that it remembers is in one array of 32-bit words; the names below are its map. None that has a name lies beyond
# 255: to store farther than that the compiler for the ESP32 (1.26 and later) takes a register in which it keeps where
# names are, and the next call of another function goes astray. Nothing divides except at a crossing, nothing
# allocates. Numbers stay within 31 bits: loads below 2^15 (8 channels of 4095), their sums of sums
# below 2^21 (64 of them), products at a crossing below 2^29 (2^15 by 64 samples in q8).
import micropython
from micropython import const

# --- ring: words of `marks`
HEAD = const(0)  # the slot that is filled next; the producer's
TAIL = const(1)  # the slot that is taken next; the consumer's
SLOT_N = const(2)
PACK_AT = const(3)  # where in the frame the next record goes; 0: no frames are wanted
PACK_LEFT = const(4)  # records that the frame still has room for
PACK_NEW = const(5)  # the next record is the frame's first
PACK_SEQ = const(6)  # the frame's number, and its first record's index and clock_us: as they follow in its head
PACK_INDEX = const(7)
PACK_CLOCK_US = const(8)
STAMPS = const(9)  # then two words a slot: index, clock_us

# --- queue: words of `marks`
QUEUE_USED = const(0)  # bytes that wait
QUEUE_TAIL = const(1)  # where the first of them lies
QUEUE_SIZE = const(2)

# --- frames put aside: words of `marks`
ASIDE_N = const(0)  # how many there are
ASIDE_MOST = const(1)
ASIDE_MISSED = const(2)  # that found no place
ASIDE_FIRST = const(3)  # the place of the first
ASIDE_BYTES = const(4)  # then the bytes of each

# --- state: of the foot
CHANNEL_N = const(0)
NEXT_INDEX = const(1)  # of the sample that is expected
NOW_Q8 = const(2)  # of the sample taken last
STEP_Q8 = const(3)  # from it to the next; more than one sample after a hole
ALARM_Q8 = const(4)  # when gait wants to be called
REST_N = const(5)  # samples of rest that are needed before the baselines follow
REST_SHIFT = const(6)  # how slowly they follow then
REST_BAND = const(7)  # counts within which the foot's load is steady
REST_LOAD = const(8)
FREE_N = const(9)  # samples for which the foot has been at rest
MARGIN_Q8 = const(10)  # a reading this far below the baseline is proof that the baseline is too high
DROPPED_Q8 = const(11)  # by how much baselines fell on such proof
SMOOTH_N = const(12)  # samples of one running mean, a power of two
SMOOTH_SHIFT = const(13)  # log2 of its square
SMOOTH_AT = const(14)
DELAY_Q8 = const(15)
CONFIRM_N = const(16)
HOLD_N = const(17)
QUICK_N = const(18)
RISE_Q8 = const(19)
STANCE_N = const(20)  # samples of this stance; -1 in the air
TIME_SHIFT = const(21)
BEND_SHIFT = const(22)  # how slowly the noise is followed
RESTED = const(23)  # the foot has been at rest since the last stance
FOOT_LEAST = const(24)  # and most: the foot's smoothed load since gait set them
FOOT_MOST = const(25)
ZONE_AT = const(26)  # the three zones' words: forefoot, heel, foot
ZONE_WORDS = const(26)
CHANNEL_AT = const(104)  # 26 + 3 * 26; the channels' words
CHANNEL_WORDS = const(8)
STATE_WORDS = const(168)  # 104 + 8 * 8
BUFFER_AT = const(256)  # behind all others; for each zone SMOOTH_N loads, then SMOOTH_N sums

# --- state: where the arrays are, for native code; behind the words of stance
MARKS_ADDRESS = const(253)
COUNTS_ADDRESS = const(254)
FRAME_ADDRESS = const(255)

# --- times
NEVER_Q8 = const(536870911)  # an event not seen; half of the small ints, so that differences with it stay small
OLDEST_Q8 = const(-268435456)  # where a time that nobody asks for any more stays a small int

# --- state: of one zone
LOW = const(0)  # levels
HIGH = const(1)
QUICK = const(2)
SURGE = const(3)
LOAD = const(4)  # smoothed
RAW1 = const(5)  # the load one and two samples ago
RAW2 = const(6)
BEND_Q4 = const(7)
SUM = const(8)
SUM_OF_SUMS = const(9)
LOADED = const(10)
ON_Q8 = const(11)
OFF_Q8 = const(12)
RISEN = const(13)  # ON_Q8 is where the present rise of the load crossed LOW
RUN_N = const(14)
ABOVE_N = const(15)  # samples for which the load as it comes has been above QUICK
ABOVE_Q8 = const(16)
PEAK = const(17)  # of this stance
PEAK_Q8 = const(18)
TOTAL = const(19)
MASS = const(20)
MOMENT = const(21)
MASS_SHIFT = const(22)
RELEASE = const(23)  # the level of lifting
RESIDUE = const(24)  # what is left of the load after that, summed over the hold time

# --- state: of one channel
BASE_Q8 = const(0)
CALM_Q8 = const(1)  # the reading, smoothed over four samples
REST = const(2)  # the last reading, for when one is missing
STILL = const(3)  # the smoothed reading that it has stayed near
STILL_N = const(4)  # for how many samples
TOP_N = const(5)  # samples at the top of the range
SHARE = const(6)  # which zone its load goes to: 0 forefoot, 1 heel, 2 neither, 3 out: it does not vote
BASE_BEFORE = const(7)  # the baseline, in counts, at the end of the last stride; << 16 strides in which it moved far

# --- events
CONTACT = const(1)  # << zone
LIFT = const(8)  # << zone
TOUCH = const(64)  # << zone
SURGED = const(512)  # << zone
ALARM = const(4096)
FULL = const(8192)  # the frame
HOLE = const(16384)  # the next sample is not the expected one; it was not taken

_MISSING = const(4095)
_TOP = const(4094)
_CALM_SHIFT = const(2)
_DROP_SHIFT = const(2)
_WORD = const(4)  # bytes, by which native pointers count
_HALF = const(2)
_STILL_COUNTS = const(5)  # two and a half times the converter's own noise; a walking sensor moves by 50 and more


# Gives the function that takes the samples of this ring into this frame; it wants nothing but the state. Three arrays
# fewer to hand over with every sample, and the caller keeps them: nothing moves on this heap.
# plain: def bind(marks, counts, frame, state):
def bind(marks, counts, frame, state):
    keep_addresses(marks, counts, frame, state)  # native
    return follow  # native
    # plain: return lambda words: follow(marks, counts, frame, words)


# Native only.
@micropython.viper
def keep_addresses(marks: ptr32, counts: ptr16, frame: ptr8, state: ptr32):
    state[MARKS_ADDRESS] = int(marks)
    state[COUNTS_ADDRESS] = int(counts)
    state[FRAME_ADDRESS] = int(frame)


# Takes samples until one leads to events, and returns those; 0 when the ring is empty.
#
# Native code keeps two variables in registers, its first two. `state` and `at` gain most by it. For its sake, too, a
# local stands right of an operator and a number on the left of a comparison: what is at hand is then not stored and
# loaded again.
# plain: def follow(marks, counts, frame, state):
@micropython.viper
def follow(state: ptr32) -> int:
    at = state  # native
    marks = ptr32(state[MARKS_ADDRESS])  # native
    counts = ptr16(state[COUNTS_ADDRESS])  # native
    frame = ptr8(state[FRAME_ADDRESS])  # native
    n = state[CHANNEL_N]
    said = 0
    while not said:
        slot = marks[TAIL]
        if marks[HEAD] == slot:
            return 0
        stamp = STAMPS + slot + slot
        index = marks[stamp]
        if state[NEXT_INDEX] != index:
            return HOLE
        state[NEXT_INDEX] = index + 1
        step_q8 = state[STEP_Q8]
        state[STEP_Q8] = 256
        now_q8 = state[NOW_Q8] + step_q8
        state[NOW_Q8] = now_q8
        if state[ALARM_Q8] <= now_q8:
            said = ALARM
        first = slot * n
        slot += 1
        if marks[SLOT_N] == slot:
            slot = 0
        marks[TAIL] = slot

        # into the frame: 12 bits each, big-endian, an odd number padded
        put = marks[PACK_AT]
        if put:
            if marks[PACK_NEW]:
                marks[PACK_NEW] = 0
                marks[PACK_INDEX] = index
                marks[PACK_CLOCK_US] = marks[stamp + 1]
            reading = ptr16(int(counts) + _HALF * first)
            out = ptr8(int(frame) + put)
            k = n
            while 1 < k:
                pair = (reading[0] << 12) | reading[1]
                out[0] = pair >> 16
                out[1] = (pair >> 8) & 0xFF
                out[2] = pair & 0xFF
                reading = ptr16(int(reading) + _HALF * 2)
                out = ptr8(int(out) + 3)
                k -= 2
            if k:
                out[0] = reading[0] >> 4
                out[1] = (reading[0] & 15) << 4
            marks[PACK_AT] = put + ((n + n + n + 1) >> 1)
            left = marks[PACK_LEFT] - 1
            marks[PACK_LEFT] = left
            if not left:
                said |= FULL

        # each channel: its load above its baseline, to its zone
        forefoot = 0
        heel = 0
        rest = 0
        resting = 0
        if state[FREE_N] >= state[REST_N]:
            resting = 1
            state[RESTED] = 1
        rest_shift = state[REST_SHIFT]
        least_q8 = 0 - state[MARGIN_Q8]
        at = ptr32(int(state) + _WORD * CHANNEL_AT)
        reading = ptr16(int(counts) + _HALF * first)
        first += n
        end = int(counts) + _HALF * first
        while int(reading) != end:
            count = reading[0]
            reading = ptr16(int(reading) + _HALF * 1)
            if _TOP - 1 < count:
                if count == _MISSING:
                    count = at[REST]
                else:
                    at[TOP_N] = at[TOP_N] + 1
            at[REST] = count
            calm_q8 = (((count << 8) - at[CALM_Q8]) >> _CALM_SHIFT) + at[CALM_Q8]
            at[CALM_Q8] = calm_q8
            if calm_q8 - at[BASE_Q8] < least_q8:
                gap_q8 = (calm_q8 - at[BASE_Q8]) >> _DROP_SHIFT
                at[BASE_Q8] = at[BASE_Q8] + gap_q8
                state[DROPPED_Q8] = state[DROPPED_Q8] - gap_q8
            elif resting:
                at[BASE_Q8] = ((calm_q8 - at[BASE_Q8]) >> rest_shift) + at[BASE_Q8]
            moved = (calm_q8 >> 8) - at[STILL]
            if _STILL_COUNTS < moved or 0 - _STILL_COUNTS > moved:
                at[STILL] = at[STILL] + moved
                at[STILL_N] = 0
            else:
                at[STILL_N] = at[STILL_N] + 1
            load = count - (at[BASE_Q8] >> 8)
            if not at[SHARE]:
                forefoot += load
            elif at[SHARE] == 1:
                heel += load
            elif at[SHARE] == 2:
                rest += load
            at = ptr32(int(at) + _WORD * CHANNEL_WORDS)

        # each zone: noise, the quick look, smoothing, levels
        bend_shift = state[BEND_SHIFT]
        smooth_shift = state[SMOOTH_SHIFT]
        wide = _WORD * state[SMOOTH_N]
        past = ptr32(int(state) + _WORD * BUFFER_AT + _WORD * state[SMOOTH_AT])
        then_q8 = now_q8 - state[DELAY_Q8]
        stance_n = state[STANCE_N]
        late = stance_n >> state[TIME_SHIFT]
        at = ptr32(int(state) + _WORD * ZONE_AT)
        load = forefoot
        rest = forefoot + heel + rest
        bit = 1
        while 8 > bit:
            last = at[RAW1]
            bend = at[RAW2] + load - last - last
            at[RAW2] = last
            at[RAW1] = load
            if 0 > bend:
                bend = 0 - bend
            k = (at[BEND_Q4] >> bend_shift) + 1
            if bend << 4 > at[BEND_Q4]:
                at[BEND_Q4] = at[BEND_Q4] + k
            elif k << 2 < at[BEND_Q4]:
                at[BEND_Q4] = at[BEND_Q4] - (k << 2)

            if at[QUICK] > load:
                if not at[LOADED]:
                    at[ABOVE_N] = 0
            else:
                if not at[ABOVE_N]:
                    at[ABOVE_Q8] = now_q8
                    level = at[QUICK]
                    if last < level:
                        part = load - last
                        at[ABOVE_Q8] = now_q8 - step_q8 + ((level - last) * step_q8 + (part >> 1)) // part
                k = at[ABOVE_N] + 1
                at[ABOVE_N] = k
                if state[QUICK_N] == k:
                    said |= TOUCH * bit

            k = at[SUM] + load - past[0]
            at[SUM] = k
            past[0] = load
            past = ptr32(int(past) + wide)
            at[SUM_OF_SUMS] = at[SUM_OF_SUMS] + k - past[0]
            past[0] = k
            past = ptr32(int(past) + wide)
            last = at[LOAD]
            load = at[SUM_OF_SUMS] >> smooth_shift
            at[LOAD] = load
            if at[LOADED]:
                if at[RELEASE] > load:
                    level = at[RELEASE]
                    if last >= level:
                        part = last - load
                        at[OFF_Q8] = then_q8 - step_q8 + ((last - level) * step_q8 + (part >> 1)) // part
                        at[RESIDUE] = 0
                    at[RESIDUE] = at[RESIDUE] + load
                    k = at[RUN_N] + 1
                    at[RUN_N] = k
                    if k >= state[HOLD_N]:
                        at[RUN_N] = 0
                        at[LOADED] = 0
                        at[RISEN] = 0
                        at[ABOVE_N] = 0
                        said |= LIFT * bit
                else:
                    at[RUN_N] = 0
                    if at[SURGE] < load:
                        said |= SURGED * bit
            else:
                level = at[LOW]
                if load < level:
                    at[RISEN] = 0
                elif last < level:
                    part = load - last
                    at[ON_Q8] = then_q8 - step_q8 + ((level - last) * step_q8 + (part >> 1)) // part
                    at[RISEN] = 1
                if at[HIGH] > load:
                    at[RUN_N] = 0
                else:
                    k = at[RUN_N]
                    if not k:
                        # laced tightly it lay between the levels before: then this is the contact
                        if not at[RISEN] or then_q8 - at[ON_Q8] >= state[RISE_Q8]:
                            at[ON_Q8] = then_q8
                            at[RISEN] = 0
                    k += 1
                    at[RUN_N] = k
                    if k >= state[CONFIRM_N]:
                        at[RUN_N] = 0
                        at[LOADED] = 1
                        said |= CONTACT * bit
            if -1 < stance_n:
                if at[PEAK] < load:
                    at[PEAK] = load
                    at[PEAK_Q8] = then_q8
                if 0 < load:
                    at[TOTAL] = at[TOTAL] + load
                    k = load >> at[MASS_SHIFT]
                    at[MASS] = at[MASS] + k
                    at[MOMENT] = k * late + at[MOMENT]
            at = ptr32(int(at) + _WORD * ZONE_WORDS)
            bit += bit
            load = heel
            heel = rest

        if -1 < stance_n:
            state[STANCE_N] = stance_n + 1
        k = state[SMOOTH_AT] + 1
        if state[SMOOTH_N] == k:
            k = 0
        state[SMOOTH_AT] = k

        # at rest: the whole foot below its low level and steady
        load = state[ZONE_AT + ZONE_WORDS + ZONE_WORDS + LOAD]
        if state[FOOT_LEAST] > load:
            state[FOOT_LEAST] = load
        if state[FOOT_MOST] < load:
            state[FOOT_MOST] = load
        k = 0
        if state[ZONE_AT + ZONE_WORDS + ZONE_WORDS + LOW] > load:
            moved = load - state[REST_LOAD]
            if 0 > moved:
                moved = 0 - moved
            if not state[REST_BAND] < moved:
                k = state[FREE_N] + 1
        state[FREE_N] = k
        if not k:
            state[REST_LOAD] = load
    return said
