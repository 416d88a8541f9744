// The per-sample kernel once more, written in C from what it shall do: for how fast it could be, and as a second opinion
// on every event and time. The firmware's is firmware/insole/sense.py. Both remember the same things in the same order,
// so that the firmware's detector can drive either; apart from that they share nothing.
#include <stdint.h>

enum { CONTACT = 1, LIFT = 8, TOUCH = 64, SURGED = 512, ALARM = 4096, FULL = 8192, HOLE = 16384 };
enum { MISSING = 4095, TOP = 4094, STILL_COUNTS = 5, SMOOTH_MOST = 8 };

struct ring {
    int32_t head, tail, slot_n;
    int32_t pack_at, pack_left, pack_new, pack_seq, pack_index, pack_clock_us;
    struct { int32_t index, clock_us; } stamp[];
};

struct zone {
    int32_t low, high, quick, surge;
    int32_t load, raw1, raw2, bend_q4, sum, sum_of_sums;
    int32_t loaded, on_q8, off_q8, risen, run_n;
    int32_t above_n, above_q8;
    int32_t peak, peak_q8, total, mass, moment, mass_shift;
    int32_t release, residue, unused;
};

struct channel {
    int32_t base_q8, calm_q8, rest, still, still_n, top_n, share, unused;
};

struct foot {
    int32_t channel_n, next_index, now_q8, step_q8, alarm_q8;
    int32_t rest_n, rest_shift, rest_band, rest_load, free_n;
    int32_t margin_q8, dropped_q8;
    int32_t smooth_n, smooth_shift, smooth_at, delay_q8;
    int32_t confirm_n, hold_n, quick_n, rise_q8;
    int32_t stance_n, time_shift, bend_shift, rested, least, most;
    struct zone zone[3];
    struct channel channel[8];
    int32_t others[256 - 168]; // what the detector remembers besides
    int32_t loads[3][2][SMOOTH_MOST]; // the first SMOOTH_N * 2 of each zone, one behind the other, are used
};

// What happened with one sample, besides what is remembered.
struct now {
    int32_t q8, then_q8, step_q8; // of the load as it comes, and of the smoothed one
    int32_t stance_n;
    int events;
};

// Where between two values, the later one at `at_q8`, a level was crossed; to the nearest, upwards or downwards alike.
static inline int32_t crossing_q8(int32_t at_q8, int32_t step_q8, int32_t before, int32_t after, int32_t level) {
    int32_t whole = after > before ? after - before : before - after;
    int32_t part = after > before ? level - before : before - level;
    return at_q8 - step_q8 + (part * step_q8 + whole / 2) / whole;
}

static uint8_t *put12(uint8_t *to, const uint16_t *counts, int n) {
    for (; n > 1; n -= 2, counts += 2, to += 3) {
        to[0] = counts[0] >> 4;
        to[1] = counts[0] << 4 | counts[1] >> 8;
        to[2] = counts[1];
    }
    if (n) {
        *to++ = counts[0] >> 4;
        *to++ = counts[0] << 4;
    }
    return to;
}

static int pack(struct ring *ring, int slot, const uint16_t *counts, int n, uint8_t *frame) {
    if (ring->pack_at == 0)
        return 0;
    if (ring->pack_new) {
        ring->pack_new = 0;
        ring->pack_index = ring->stamp[slot].index;
        ring->pack_clock_us = ring->stamp[slot].clock_us;
    }
    ring->pack_at = put12(frame + ring->pack_at, counts, n) - frame;
    return --ring->pack_left == 0 ? FULL : 0;
}

// The load above the baseline.
static inline int32_t sensor(struct foot *foot, struct channel *c, int32_t count, int resting) {
    if (count == MISSING)
        count = c->rest;
    else if (count == TOP)
        c->top_n++;
    c->rest = count;
    c->calm_q8 += (count * 256 - c->calm_q8) >> 2;
    int32_t gap_q8 = c->calm_q8 - c->base_q8;
    if (gap_q8 < -foot->margin_q8) {
        c->base_q8 += gap_q8 >> 2;
        foot->dropped_q8 -= gap_q8 >> 2;
    } else if (resting) {
        c->base_q8 += gap_q8 >> foot->rest_shift;
    }
    int32_t calm = c->calm_q8 >> 8;
    if (calm > c->still + STILL_COUNTS || calm < c->still - STILL_COUNTS) {
        c->still = calm;
        c->still_n = 0;
    } else {
        c->still_n++;
    }
    return count - (c->base_q8 >> 8);
}

static inline void listen(struct zone *z, int32_t load, int shift) {
    int32_t bend = load - 2 * z->raw1 + z->raw2;
    if (bend < 0)
        bend = -bend;
    int32_t by = (z->bend_q4 >> shift) + 1;
    if (bend * 16 > z->bend_q4)
        z->bend_q4 += by;
    else if (z->bend_q4 > 4 * by)
        z->bend_q4 -= 4 * by;
    z->raw2 = z->raw1;
    z->raw1 = load;
}

// The load as it comes, against the quick level; `last` was the one before.
static inline int touch(struct foot *foot, struct zone *z, const struct now *now, int32_t last, int32_t load) {
    if (load < z->quick) {
        if (!z->loaded)
            z->above_n = 0;
        return 0;
    }
    if (z->above_n == 0)
        z->above_q8 = last < z->quick ? crossing_q8(now->q8, now->step_q8, last, load, z->quick) : now->q8;
    return ++z->above_n == foot->quick_n ? TOUCH : 0;
}

static inline int32_t smooth(const struct foot *foot, struct zone *z, int32_t *loads, int32_t load) {
    int32_t *sums = loads + foot->smooth_n;
    int at = foot->smooth_at;
    z->sum += load - loads[at];
    loads[at] = load;
    z->sum_of_sums += z->sum - sums[at];
    sums[at] = z->sum;
    return z->sum_of_sums >> foot->smooth_shift;
}

static inline int leave(const struct foot *foot, struct zone *z, const struct now *now, int32_t last) {
    if (z->load >= z->release) {
        z->run_n = 0;
        return z->load > z->surge ? SURGED : 0;
    }
    if (last >= z->release) {
        z->off_q8 = crossing_q8(now->then_q8, now->step_q8, last, z->load, z->release);
        z->residue = 0;
    }
    z->residue += z->load;
    if (++z->run_n < foot->hold_n)
        return 0;
    z->run_n = z->loaded = z->risen = z->above_n = 0;
    return LIFT;
}

static inline int land(const struct foot *foot, struct zone *z, const struct now *now, int32_t last) {
    if (z->load < z->low) {
        z->risen = 0;
    } else if (last < z->low) {
        z->on_q8 = crossing_q8(now->then_q8, now->step_q8, last, z->load, z->low);
        z->risen = 1;
    }
    if (z->load < z->high) {
        z->run_n = 0;
        return 0;
    }
    if (z->run_n == 0 && (!z->risen || now->then_q8 - z->on_q8 >= foot->rise_q8)) {
        z->on_q8 = now->then_q8;
        z->risen = 0;
    }
    if (++z->run_n < foot->confirm_n)
        return 0;
    z->run_n = 0;
    z->loaded = 1;
    return CONTACT;
}

static inline void add_up(struct zone *z, const struct now *now, int time_shift) {
    if (z->load > z->peak) {
        z->peak = z->load;
        z->peak_q8 = now->then_q8;
    }
    if (z->load > 0) {
        int32_t mass = z->load >> z->mass_shift;
        z->total += z->load;
        z->mass += mass;
        z->moment += mass * (now->stance_n >> time_shift);
    }
}

static inline int part(struct foot *foot, int which, const struct now *now, int32_t load) {
    struct zone *z = &foot->zone[which];
    int32_t last = z->raw1;
    listen(z, load, foot->bend_shift);
    int events = touch(foot, z, now, last, load);
    last = z->load;
    z->load = smooth(foot, z, &foot->loads[0][0][0] + 2 * which * foot->smooth_n, load);
    events |= z->loaded ? leave(foot, z, now, last) : land(foot, z, now, last);
    if (now->stance_n >= 0)
        add_up(z, now, foot->time_shift);
    return events << which;
}

static inline void rest(struct foot *foot) {
    const struct zone *whole = &foot->zone[2];
    int32_t load = whole->load;
    if (load < foot->least)
        foot->least = load;
    if (load > foot->most)
        foot->most = load;
    int32_t off = load - foot->rest_load;
    if (load < whole->low && off <= foot->rest_band && -off <= foot->rest_band) {
        foot->free_n++;
    } else {
        foot->free_n = 0;
        foot->rest_load = load;
    }
}

static inline int sample(struct foot *foot, const uint16_t *counts, struct now *now) {
    int32_t loads[4] = {0, 0, 0, 0}; // forefoot, heel, neither, left out
    int resting = foot->free_n >= foot->rest_n;
    if (resting)
        foot->rested = 1;
    for (int k = 0; k < foot->channel_n; k++)
        loads[foot->channel[k].share & 3] += sensor(foot, &foot->channel[k], counts[k], resting);
    now->then_q8 = now->q8 - foot->delay_q8;
    now->stance_n = foot->stance_n;
    int events = part(foot, 0, now, loads[0]);
    events |= part(foot, 1, now, loads[1]);
    events |= part(foot, 2, now, loads[0] + loads[1] + loads[2]);
    if (foot->stance_n >= 0)
        foot->stance_n++;
    if (++foot->smooth_at == foot->smooth_n)
        foot->smooth_at = 0;
    rest(foot);
    return events;
}

// Takes samples until one leads to events, and returns those; 0 when the ring is empty.
int follow(struct ring *ring, const uint16_t *all, uint8_t *frame, struct foot *foot) {
    while (ring->tail != ring->head) {
        int slot = ring->tail;
        if (ring->stamp[slot].index != foot->next_index)
            return HOLE;
        foot->next_index++;
        ring->tail = slot + 1 == ring->slot_n ? 0 : slot + 1;
        struct now now = {.step_q8 = foot->step_q8};
        foot->step_q8 = 256;
        now.q8 = foot->now_q8 += now.step_q8;
        const uint16_t *counts = all + slot * foot->channel_n;
        int events = now.q8 >= foot->alarm_q8 ? ALARM : 0;
        events |= pack(ring, slot, counts, foot->channel_n, frame);
        events |= sample(foot, counts, &now);
        if (events)
            return events;
    }
    return 0;
}
