# Health, identity, and the two ends of a session, as frames. Status once a second while a host listens; identity when
# asked. Allocates nothing but for identity, which is rare and never sent while samples flow unasked.
import gc
from struct import pack_into
from time import ticks_us

from . import VERSION, wire
from .built import SOURCE
from .frame import records_per_frame


# The counters of one session and of this boot, gathered from where they are kept.
def put_status(raw, app):
    sampler = app.sampler
    store = app.store
    pack_into(
        wire.STATUS_FORMAT, raw, 0, wire.STATUS, app.session, 1 if sampler.running else 0, app.uptime_s,
        sampler.next_index, sampler.lost_n, sampler.late_n, sampler.latest_us, app.link.dropped_n,
        app.link.queue_bytes, min(app.link.reader.bad_n, 0xFFFF), gc.mem_free(), app.board.battery_mv(),
        wire.STATUS_TEMPERATURE_C_INVALID, app.faults.first, app.faults.n, app.channels.left_out_bits, store.page_n,
        store.used_n, store.ready_n, min(app.ready_s(app.rate_hz), 0xFFFF), store.oldest, store.newest, store.missed_n,
    )  # fmt: skip
    return wire.STATUS_BYTES


# A session begins; `continues` is the one that a reset cut short, else this one.
def put_session_head(raw, app, continues, begun):
    pack_into(
        wire.SESSION_HEAD_FORMAT, raw, 0, wire.SESSION_HEAD, app.session, continues, app.boot, app.uptime_s,
        ticks_us(), app.rate_hz, app.board.channel_n, begun,
    )  # fmt: skip
    return wire.SESSION_HEAD_BYTES


# And ends: how many frames of each kind there were, to be held against what has arrived.
def put_session_end(raw, app, ended):
    sampler = app.sampler
    pack_into(
        wire.SESSION_END_FORMAT, raw, 0, wire.SESSION_END, app.session, sampler.next_index, app.samples_n,
        app.stride_n, app.mark_n, sampler.lost_n, app.store.missed_n, ended,
    )  # fmt: skip
    return wire.SESSION_END_BYTES


# What the store has found of one session.
def put_stored(raw, app, tag):
    found = app.store.entry
    kept = found.kept
    if app.sampler.running and found.session == app.session:
        kept = wire.KEPT_RUNNING
    pack_into(
        wire.STORED_FORMAT, raw, 0, wire.STORED, tag, found.session, found.continues, found.boot, found.uptime_s,
        found.clock_us, found.rate_hz, found.begun, found.next_index, found.page_n, kept, found.ended,
    )  # fmt: skip
    return wire.STORED_BYTES


def put_identity(raw, app):
    board = app.board
    padded = app.pressure
    n = board.channel_n
    pack_into(
        wire.IDENTITY_FORMAT, raw, 0, wire.IDENTITY, wire.PROTOCOL_MAJOR, wire.PROTOCOL_MINOR, 0, board.device_id(),
        app.boot, app.session, 1 if app.sampler.running else 0, app.settings[wire.SETTING_SIDE], board.code,
        bytes(VERSION), app.rate_hz, n, records_per_frame(n), wire.LARGEST_COUNT,
        _padded(board.zones), _padded(board.sites), *_words(padded.baseline), *_words(padded.standing),
        app.settings[wire.SETTING_CUE], app.settings[wire.SETTING_TARGET_ORDER], SOURCE,
    )  # fmt: skip
    pack_into("<HH", raw, 3, wire.FINGERPRINT_LOW, wire.FINGERPRINT_HIGH)
    return wire.IDENTITY_BYTES


def _padded(values):
    return bytes(list(values) + [wire.IDENTITY_ZONES_INVALID] * (wire.CHANNEL_N - len(values)))


def _words(values):
    return list(values) + [wire.IDENTITY_BASELINE_INVALID] * (wire.CHANNEL_N - len(values))
