# Health and identity, as frames. Status once a second while a host listens; identity when asked. Allocates nothing
# but for identity, which is rare and never sent while samples flow unasked.
import gc
from struct import pack_into

from . import VERSION, wire
from .frame import records_per_frame


# The counters of one session and of this boot, gathered from where they are kept.
def put_status(raw, app):
    sampler = app.sampler
    pack_into(
        wire.STATUS_FORMAT, raw, 0, wire.STATUS, app.session, 1 if sampler.running else 0, app.uptime_s,
        sampler.next_index, sampler.lost_n, sampler.late_n, sampler.latest_us, app.link.dropped_n,
        app.link.queue_bytes, min(app.link.reader.bad_n, 0xFFFF), gc.mem_free(), app.board.battery_mv(),
        wire.STATUS_TEMPERATURE_C_INVALID, app.faults.first, app.faults.n, app.channels_out(),
    )  # fmt: skip
    return wire.STATUS_BYTES


def put_identity(raw, app):
    board = app.board
    padded = app.pressure
    n = board.channel_n
    pack_into(
        wire.IDENTITY_FORMAT, raw, 0, wire.IDENTITY, wire.PROTOCOL_MAJOR, wire.PROTOCOL_MINOR, 0, board.device_id(),
        app.boot, app.session, 1 if app.sampler.running else 0, app.settings[wire.SETTING_SIDE], board.code,
        bytes(VERSION), app.settings[wire.SETTING_RATE_HZ], n, records_per_frame(n), wire.LARGEST_COUNT,
        _padded(board.zones), _padded(board.sites), *_words(padded.baseline), *_words(padded.standing),
        app.settings[wire.SETTING_CUE], app.settings[wire.SETTING_TARGET_ORDER],
    )  # fmt: skip
    pack_into("<HH", raw, 3, wire.FINGERPRINT_LOW, wire.FINGERPRINT_HIGH)
    return wire.IDENTITY_BYTES


def _padded(values):
    return bytes(list(values) + [wire.IDENTITY_ZONES_INVALID] * (wire.CHANNEL_N - len(values)))


def _words(values):
    return list(values) + [wire.IDENTITY_BASELINE_INVALID] * (wire.CHANNEL_N - len(values))
