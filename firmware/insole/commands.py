# What a host may ask, and the answers. Called from the main loop with a whole, checked command. Every command is
# answered once: hello by identity, clock_query by the clock, list by what is stored, the rest by a reply with a result
# and a value.
from struct import pack_into, unpack_from
from time import ticks_us

from micropython import const

from . import wire
from .status import put_identity, put_stored

_SET_VALUE_AT = const(3)
_SURE = const(0x5EED)
_LAST_INDEX = const(0x3FFFFFFF)  # what lies beyond is no small number, and no session is so long
_ANSWERED = const(-1)


class Commands:
    def __init__(self, app):
        self._app = app
        self._value = 0
        self._handlers = {
            wire.START: self._start,
            wire.STOP: self._stop,
            wire.SET: self._set,
            wire.TARE: self._tare,
            wire.CALIBRATE: self._calibrate,
            wire.MARKER: self._marker,
            wire.LEAVE: self._leave,
            wire.LIST: self._list,
            wire.FETCH: self._fetch,
            wire.COLLECTED: self._collected,
            wire.ERASE: self._erase,
            wire.KEEP: self._keep,
        }
        self._bytes = {
            wire.HELLO: wire.HELLO_BYTES,
            wire.START: wire.START_BYTES,
            wire.STOP: wire.STOP_BYTES,
            wire.SET: wire.SET_BYTES,
            wire.TARE: wire.TARE_BYTES,
            wire.CALIBRATE: wire.CALIBRATE_BYTES,
            wire.CLOCK_QUERY: wire.CLOCK_QUERY_BYTES,
            wire.MARKER: wire.MARKER_BYTES,
            wire.LEAVE: wire.LEAVE_BYTES,
            wire.LIST: wire.LIST_BYTES,
            wire.FETCH: wire.FETCH_BYTES,
            wire.COLLECTED: wire.COLLECTED_BYTES,
            wire.ERASE: wire.ERASE_BYTES,
            wire.KEEP: wire.KEEP_BYTES,
        }

    # command[0:n] is the frame without its CRC. Bytes behind the fields known here are a newer host's: ignored.
    def handle(self, command, n):
        app = self._app
        kind = command[0]
        tag = command[1] if n > 1 else 0
        app.link.heard()
        result = wire.RESULT_OK
        self._value = 0
        if kind not in self._bytes:
            result = wire.RESULT_UNKNOWN_COMMAND
        elif n < self._bytes[kind] - 4:
            result = wire.RESULT_MALFORMED
        elif kind == wire.CLOCK_QUERY:
            self._send_clock(tag)
            return
        elif kind == wire.HELLO:
            app.send_reply(put_identity(app.raw, app))
            return
        else:
            result = self._handlers[kind](command)
        if result == _ANSWERED:
            return
        pack_into(wire.REPLY_FORMAT, app.raw, 0, wire.REPLY, tag, kind, result, self._value)
        app.send_reply(wire.REPLY_BYTES)
        if kind == wire.START and result == wire.RESULT_OK:
            app.send_reply(put_identity(app.raw, app))  # so that whatever keeps the frames can read them

    def _send_clock(self, tag):
        app = self._app
        next_index = app.sampler.next_index
        pack_into(wire.CLOCK_FORMAT, app.raw, 0, wire.CLOCK, tag, ticks_us(), app.uptime_s, next_index)
        app.send_reply(wire.CLOCK_BYTES)

    def _start(self, _command):
        app = self._app
        if app.sampler.running:
            self._value = app.session
            return wire.RESULT_BUSY
        app.start_session(wire.BEGUN_HOST)
        self._value = app.session
        return wire.RESULT_OK

    def _stop(self, _command):
        app = self._app
        self._value = app.session
        if not app.sampler.running:
            return wire.RESULT_NOT_RUNNING
        app.stop_session(wire.ENDED_HOST)
        return wire.RESULT_OK

    def _set(self, command):
        app = self._app
        setting = command[2]
        value = unpack_from("<i", command, _SET_VALUE_AT)[0]
        if setting not in app.settings:
            return wire.RESULT_UNKNOWN_SETTING
        self._value = app.settings[setting]
        if not app.may_be(setting, value):
            return wire.RESULT_OUT_OF_RANGE
        if app.sampler.running and setting in (wire.SETTING_RATE_HZ, wire.SETTING_SIDE):
            return wire.RESULT_BUSY
        app.change(setting, value)
        self._value = value
        return wire.RESULT_OK

    def _tare(self, _command):
        app = self._app
        if app.sampler.running:
            return wire.RESULT_BUSY
        app.sampler.read_once(app.counts)
        app.pressure.tare(app.counts)
        app.memory.save_counts("baseline", app.pressure.baseline)
        return wire.RESULT_OK

    def _calibrate(self, _command):
        app = self._app
        if app.sampler.running:
            return wire.RESULT_BUSY
        if not app.pressure.is_tared():
            return wire.RESULT_NOT_TARED
        app.sampler.read_once(app.counts)
        if not app.pressure.calibrate(app.counts):
            return wire.RESULT_NO_LOAD
        app.memory.save_counts("standing", app.pressure.standing)
        return wire.RESULT_OK

    def _marker(self, command):
        if not self._app.sampler.running:
            return wire.RESULT_NOT_RUNNING
        self._app.mark(command[2] | command[3] << 8)
        return wire.RESULT_OK

    def _keep(self, _command):
        app = self._app
        if not app.trial:
            return wire.RESULT_NO_TRIAL
        if app.trial.kept:
            return wire.RESULT_OK
        if app.sampler.running:
            return wire.RESULT_BUSY
        app.keep()
        return wire.RESULT_OK

    def _leave(self, _command):
        if self._app.sampler.running:
            self._app.stop_session(wire.ENDED_HOST)
        self._app.fetcher.stop()
        self._app.leaving = True
        return wire.RESULT_OK

    # --- the store

    def _list(self, command):
        app = self._app
        if not app.store.page_n:
            return wire.RESULT_NO_STORE
        if not app.store.find(command[2], command[3] | command[4] << 8):
            return wire.RESULT_NO_SESSION
        app.send_reply(put_stored(app.raw, app, command[1]))
        return _ANSWERED

    def _fetch(self, command):
        first = _index(command, 4)
        end = _index(command, 8)
        store = self._app.store
        if not store.page_n:
            return wire.RESULT_NO_STORE
        if not self._app.fetcher.begin(command[1], command[2] | command[3] << 8, first, end):
            return wire.RESULT_NO_SESSION
        return wire.RESULT_OK

    def _collected(self, command):
        app = self._app
        session = command[2] | command[3] << 8
        if not app.store.page_n:
            return wire.RESULT_NO_STORE
        if app.sampler.running and session == app.session:
            return wire.RESULT_BUSY
        if app.sampler.running and app.store.is_headless(session):
            return wire.RESULT_BUSY  # only the chip's memory can say it then, and that may not be written now
        return wire.RESULT_OK if app.store.collect(session) else wire.RESULT_NO_SESSION

    def _erase(self, command):
        app = self._app
        if not app.store.page_n:
            return wire.RESULT_NO_STORE
        if app.sampler.running:
            return wire.RESULT_BUSY
        if command[2] | command[3] << 8 != _SURE:
            return wire.RESULT_OUT_OF_RANGE
        app.fetcher.stop()
        app.store.wipe()
        return wire.RESULT_OK


def _index(command, at):
    if command[at + 3] >= 64:
        return _LAST_INDEX
    return command[at] | command[at + 1] << 8 | command[at + 2] << 16 | command[at + 3] << 24
