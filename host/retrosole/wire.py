"""GENERATED from protocol/messages.toml by protocol/generate.py: edit those.

Every frame as a dataclass, as a construct definition and, where it is fixed, as a numpy dtype.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any, ClassVar

import numpy as np
from construct import (
    Array,
    Bytes,
    GreedyBytes,
    GreedyString,
    Int16ul,
    Int24sl,
    Int32sl,
    Int32ul,
    Int64ul,
    Int8sl,
    Int8ul,
    Struct,
)

PROTOCOL_MAJOR = 1
PROTOCOL_MINOR = 3
FINGERPRINT = 0x5CB63FA2
FRAME_BYTES = 254
COMMAND_BYTES = 120
CHANNEL_N = 8
CLOCK_BITS = 30
MISSING_COUNT = 4095
LARGEST_COUNT = 4094
HOST_TIMEOUT_MS = 3000
CLOCK_QUERY_MS = 1000
NOT_SEEN = -8388608

# The values that each setting may take, or its lowest and highest
SETTING_CHOICES: dict[str, tuple[int, ...]] = {
    "rate_hz": (50, 100, 125, 200, 250, 500),
    "cue": (0, 1),
    "target_order": (1, 2),
    "side": (0, 1),
    "rate_alone_hz": (50, 100, 125, 200, 250, 500),
    "board": (0, 1, 2, 3, 255),
}
SETTING_RANGES: dict[str, tuple[int, int]] = {
    "zones": (-1, 65535),
}


class Side(IntEnum):
    LEFT = 0
    RIGHT = 1
    UNSET = 255


class Zone(IntEnum):
    FOREFOOT = 0
    HEEL = 1
    MIDFOOT = 2
    TOES = 3
    UNUSED = 255


class Site(IntEnum):
    HALLUX = 0
    MET1 = 1
    MET2 = 2
    MET3 = 3
    MET4 = 4
    MET5 = 5
    TOES = 6
    MIDFOOT_MEDIAL = 7
    MIDFOOT_LATERAL = 8
    HEEL_MEDIAL = 9
    HEEL_LATERAL = 10
    HEEL_CENTER = 11
    UNUSED = 255


class Board(IntEnum):
    ESP32_DEVKITC = 0
    ESP32_S3 = 1
    ESP32_C3 = 2
    INSOLE_S3 = 3
    UNKNOWN = 255


class Order(IntEnum):
    UNKNOWN = 0
    FOREFOOT_FIRST = 1
    HEEL_FIRST = 2
    TOGETHER = 3


class Direction(IntEnum):
    UNKNOWN = 0
    FORWARD = 1
    BACKWARD = 2


class Result(IntEnum):
    OK = 0
    UNKNOWN_COMMAND = 1
    UNKNOWN_SETTING = 2
    OUT_OF_RANGE = 3
    BUSY = 4
    NOT_RUNNING = 5
    NO_LOAD = 6
    MALFORMED = 7
    NOT_TARED = 8
    NO_SESSION = 9
    NO_STORE = 10
    NO_TRIAL = 11


class Setting(IntEnum):
    RATE_HZ = 1
    CUE = 2
    TARGET_ORDER = 3
    SIDE = 4
    RATE_ALONE_HZ = 5
    BOARD = 6
    ZONES = 7


class Fault(IntEnum):
    NONE = 0
    CHANNEL_DEAD = 101
    CHANNEL_STUCK = 102
    CHANNEL_SATURATED = 103
    CHANNEL_DRIFTING = 104
    SAMPLES_LOST = 201
    SAMPLES_LATE = 202
    QUEUE_FULL = 301
    COMMAND_DAMAGED = 302
    MEMORY_LOW = 401
    BATTERY_LOW = 402
    CRASHED = 501
    STORE_FULL = 601
    STORE_DAMAGED = 602


class Begun(IntEnum):
    HOST = 0
    BUTTON = 1
    RESET = 2


class Ended(IntEnum):
    HOST = 0
    BUTTON = 1
    FORSAKEN = 2


class Kept(IntEnum):
    UNCOLLECTED = 0
    COLLECTED = 1
    RUNNING = 2


class Which(IntEnum):
    OLDEST = 0
    NEXT = 1


class DisconnectReason(IntEnum):
    CLOSED = 0
    UNPLUGGED = 1
    SILENT = 2


class Reason(IntFlag):
    CONTACT_BACKWARD = 0x1
    CONTACT_FORWARD = 0x2
    LIFT_BACKWARD = 0x4
    LIFT_FORWARD = 0x8
    SHIFT_BACKWARD = 0x10
    SHIFT_FORWARD = 0x20
    PEAK_BACKWARD = 0x40
    PEAK_FORWARD = 0x80
    HISTORY_BACKWARD = 0x100
    HISTORY_FORWARD = 0x200
    FOREFOOT_ONLY = 0x400
    HEEL_ONLY = 0x800
    CONFLICT = 0x1000
    SENSOR_LEFT_OUT = 0x2000


@dataclass(frozen=True)
class SamplesFrame:
    """A run of samples. Record k is sample first_index + k; every frame of a session has the same length."""

    TYPE: ClassVar[int] = 0x01
    session: int  # Session number, counted over the device's life.
    seq: int  # Samples frames of this session before this one.
    first_index: int  # sample: Index of the first record.
    clock_us: int  # us: Device clock when the first record was due; wraps at 2^30.
    records: bytes  # count: Records of 12-bit counts, packed big-endian, each padded to whole bytes.


@dataclass(frozen=True)
class StrideFrame:
    """One stance, final at lift-off. Times are sample indices, never the clock: the same samples give the same bytes."""

    TYPE: ClassVar[int] = 0x02
    session: int  # Session number.
    seq: int  # Strides of this session before this one.
    initial_contact_idx: int  # sample: Whole samples of the initial contact, the whole foot's.
    initial_contact_frac: int  # 1/256 sample: The rest of it.
    forefoot_on: int  # 1/256 sample: After initial contact; may be negative: each zone has its own level.
    heel_on: int  # 1/256 sample: After initial contact.
    forefoot_off: int  # 1/256 sample: After initial contact.
    heel_off: int  # 1/256 sample: After initial contact.
    final_contact: int  # 1/256 sample: After initial contact: the stance time.
    contact_order: int  # Which zone touched first.
    lift_order: int  # Which zone left first.
    walking: int  # Direction of this stride.
    confidence: int  # %: 0 to 100, of the direction.
    reasons: int  # What voted, and which way.
    delay: int  # sample: From final contact to this decision; 255 means 255 or more.
    forefoot_peak: int  # count: Largest sum of the zone's sensors above baseline.
    heel_peak: int  # count: Likewise for the heel.
    forefoot_impulse: int  # count s: The same sum over the stance.
    heel_impulse: int  # count s: Likewise for the heel.


@dataclass(frozen=True)
class ContactFrame:
    """Provisional: the foot has touched; the order as it looks now, early enough for a cue."""

    TYPE: ClassVar[int] = 0x03
    session: int  # Session number.
    seq: int  # Contact frames of this session before this one.
    initial_contact_idx: int  # sample: Whole samples of the initial contact.
    initial_contact_frac: int  # 1/256 sample: The rest of it.
    contact_order: int  # Which zone touched first.
    delay: int  # sample: From initial contact to this decision; 255 means 255 or more.
    cued: int  # 1 when the cue fired on it.


@dataclass(frozen=True)
class MarkFrame:
    """A marker that a host set, at its place among the samples."""

    TYPE: ClassVar[int] = 0x04
    session: int  # Session number.
    seq: int  # Mark frames of this session before this one.
    index: int  # sample: The sample due next when it was set.
    code: int  # The number given with the command.


@dataclass(frozen=True)
class SessionHeadFrame:
    """A session begins. First in its first page of the store, before the identity; also sent when it begins."""

    TYPE: ClassVar[int] = 0x05
    session: int  # Session number.
    continues: int  # The session that a reset cut short and this one goes on with; its own number when none.
    boot: int  # Starts of this device so far: times of one boot are on one clock.
    uptime_s: int  # s: Since boot, to count the wraps of the clock.
    clock_us: int  # us: Device clock just before sample 0, whose own stamp is exact; wraps at 2^30.
    rate_hz: int  # Hz: Samples per second.
    channel_n: int  # Channels in each record.
    begun: int  # What began it.


@dataclass(frozen=True)
class SessionEndFrame:
    """A session has ended: how much of everything there was. Last in the store; also sent."""

    TYPE: ClassVar[int] = 0x06
    session: int  # Session number.
    next_index: int  # sample: Samples, those never taken included.
    samples_n: int  # frame: Samples frames.
    stride_n: int  # frame: Stride frames.
    mark_n: int  # frame: Mark frames.
    lost_n: int  # sample: Samples never taken.
    unstored_n: int  # frame: Frames that the store had no room for.
    ended: int  # What ended it.


@dataclass(frozen=True)
class PlaceFrame:
    """First in each page of the store that holds small frames: where it stands among the samples."""

    TYPE: ClassVar[int] = 0x07
    session: int  # Session number.
    index: int  # sample: No samples page behind this one begins before this sample.


@dataclass(frozen=True)
class IdentityFrame:
    """Who this is and how its data read. Sent on hello and after each start."""

    TYPE: ClassVar[int] = 0x10
    protocol_major: int  # Another major is refused.
    protocol_minor: int  # A higher minor is read on.
    fingerprint: int  # CRC-32 of the specification; must agree where both versions do.
    device_id: bytes  # The chip's own id, zero-padded.
    boot: int  # Starts of this device so far.
    session: int  # Number of the running or the last session.
    running: int  # 1 while a session runs.
    foot: int  # Which foot.
    board: int  # Which board file is in use.
    firmware_version: bytes  # Major, minor, patch of the firmware.
    rate_hz: int  # Hz: Samples per second.
    channel_n: int  # Channels in each record.
    records_per_frame: int  # Records in each samples frame.
    full_scale: int  # count: Largest count that a sensor can give.
    zones: bytes  # Zone of each channel.
    sites: bytes  # Place of each channel under the foot.
    baseline: tuple[int, ...]  # count: Unloaded counts from tare.
    standing: tuple[int, ...]  # count: Counts above baseline while standing, from calibrate.
    cue: int  # 1 when the cue is on.
    target_order: int  # The order the wearer aims for.
    source: bytes  # The first bytes of the SHA-256 over the firmware's source; invalid where it runs from loose files.


@dataclass(frozen=True)
class StatusFrame:
    """Health, once a second while a host listens."""

    TYPE: ClassVar[int] = 0x11
    session: int  # Number of the running or the last session.
    running: int  # 1 while a session runs.
    uptime_s: int  # s: Since boot.
    next_index: int  # sample: Index that the next sample will have.
    lost_n: int  # sample: Samples of this session never taken.
    late_n: int  # sample: Samples of this session taken more than a quarter period late.
    latest_us: int  # us: Most that any sample of this session was late.
    frame_dropped_n: int  # frame: Frames of this session dropped because the queue was full: a slow line, or nobody listened.
    queue_bytes: int  # byte: Waiting to be sent.
    command_bad_n: int  # Commands since boot that arrived damaged.
    heap_free_bytes: int  # byte: Free heap, with garbage not yet collected counted as used.
    battery_mv: int  # mV: Battery voltage; invalid where the board cannot measure it.
    temperature_c: int  # degC: Chip temperature; invalid where unknown.
    first_fault: int  # First fault since boot, latched.
    fault_n: int  # Faults since boot, the first included.
    channel_out_bits: int  # Bit k set: channel k is left out of the decisions.
    store_page_n: int  # page: Pages of 256 bytes in the session store; 0: this device has none.
    store_used_n: int  # page: Pages that hold sessions.
    store_ready_n: int  # page: Pages erased and ready to be written.
    store_ready_s: int  # s: For how long they last at the rate in force; 65535 means that or longer.
    store_oldest: int  # Number of the oldest session in the store; that of the newest when there is none.
    store_newest: int  # Number of the newest session in the store.
    store_missed_n: int  # frame: Frames of this session that the store had no room for.


@dataclass(frozen=True)
class ClockFrame:
    """Answer to a clock query."""

    TYPE: ClassVar[int] = 0x12
    tag: int  # The query's.
    clock_us: int  # us: Device clock; wraps at 2^30.
    uptime_s: int  # s: Since boot, to count the wraps.
    next_index: int  # sample: Index that the next sample will have.


@dataclass(frozen=True)
class ReplyFrame:
    """Answer to every other command."""

    TYPE: ClassVar[int] = 0x13
    tag: int  # The command's.
    command: int  # Its message id.
    result: int  # 0 is ok; anything else is the reason for the refusal.
    value: int  # Session number after start and stop, the setting in force after set, else 0.


@dataclass(frozen=True)
class StoredFrame:
    """Answer to list: one session in the store."""

    TYPE: ClassVar[int] = 0x14
    tag: int  # The command's.
    session: int  # Session number.
    continues: int  # As in its session_head.
    boot: int  # As in its session_head.
    uptime_s: int  # s: As in its session_head.
    clock_us: int  # us: As in its session_head.
    rate_hz: int  # Hz: As in its session_head.
    begun: int  # As in its session_head.
    next_index: int  # sample: Samples that the store knows of.
    page_n: int  # page: Pages it takes.
    kept: int  # Whether a host has collected it.
    ended: int  # What ended it; invalid when it was cut short, or runs.


@dataclass(frozen=True)
class FetchedFrame:
    """Everything that a fetch asked for has been sent."""

    TYPE: ClassVar[int] = 0x15
    tag: int  # The command's.
    session: int  # Session number.
    page_n: int  # page: Pages sent.
    bad_n: int  # page: Pages that could not be read and were left out.
    last: int  # 1: nothing of this session lies behind them.


@dataclass(frozen=True)
class HelloFrame:
    """Ask who is there; answered by identity."""

    TYPE: ClassVar[int] = 0x40
    tag: int  # Any number, given back.


@dataclass(frozen=True)
class StartFrame:
    """Begin a session; sample index, sequence numbers and losses begin at 0. Busy when one runs."""

    TYPE: ClassVar[int] = 0x41
    tag: int  # Any number, given back.


@dataclass(frozen=True)
class StopFrame:
    """End the session; what is still held is sent, the last samples frame filled with missing records."""

    TYPE: ClassVar[int] = 0x42
    tag: int  # Any number, given back.


@dataclass(frozen=True)
class SetFrame:
    """Change a setting. The reply carries the value in force."""

    TYPE: ClassVar[int] = 0x43
    tag: int  # Any number, given back.
    setting: int  # Which.
    value: int  # Its new value.


@dataclass(frozen=True)
class TareFrame:
    """Take the present counts as unloaded; the foot must be in the air."""

    TYPE: ClassVar[int] = 0x44
    tag: int  # Any number, given back.


@dataclass(frozen=True)
class CalibrateFrame:
    """Take the present load as standing on this foot. Refused with not_tared before a tare, with no_load when too little is on it."""

    TYPE: ClassVar[int] = 0x45
    tag: int  # Any number, given back.


@dataclass(frozen=True)
class ClockQueryFrame:
    """Ask for the clock; also tells the device that a host listens."""

    TYPE: ClassVar[int] = 0x46
    tag: int  # Any number, given back.


@dataclass(frozen=True)
class MarkerFrame:
    """Set a mark at the present sample."""

    TYPE: ClassVar[int] = 0x47
    tag: int  # Any number, given back.
    code: int  # Any number; it comes back in the mark.


@dataclass(frozen=True)
class LeaveFrame:
    """End the firmware and hand the line to the REPL."""

    TYPE: ClassVar[int] = 0x48
    tag: int  # Any number, given back.


@dataclass(frozen=True)
class ListFrame:
    """Ask for a session in the store; answered by stored, or by a reply with no_session behind the last."""

    TYPE: ClassVar[int] = 0x49
    tag: int  # Any number, given back.
    which: int  # The oldest, or the first after `session`.
    session: int  # Session number.


@dataclass(frozen=True)
class FetchFrame:
    """Send the pages of a session again that hold samples first to end - 1, with all between; fetched follows. Also while a session runs. A new fetch ends the one before."""

    TYPE: ClassVar[int] = 0x4A
    tag: int  # Any number, given back.
    session: int  # Session number.
    first: int  # sample: From the page that holds this sample; 0: from the session's first page.
    end: int  # sample: Up to the page before the first that begins here or later.


@dataclass(frozen=True)
class CollectedFrame:
    """The host has a session on its disk: it may be erased. Refused while that session runs."""

    TYPE: ClassVar[int] = 0x4B
    tag: int  # Any number, given back.
    session: int  # Session number.


@dataclass(frozen=True)
class EraseFrame:
    """Erase the whole store, collected or not; status tells how far it is. Refused while a session runs."""

    TYPE: ClassVar[int] = 0x4C
    tag: int  # Any number, given back.
    sure: int  # 0x5EED, so that no accident erases anything.


@dataclass(frozen=True)
class KeepFrame:
    """The firmware that runs on trial stays. Without it a trial ends 30 s after its start by a reset, and the version before runs again. Busy while a session runs; refused with no_trial when none is on trial; ok again when it was kept since the last start."""

    TYPE: ClassVar[int] = 0x4D
    tag: int  # Any number, given back.


@dataclass(frozen=True)
class HostClockFrame:
    """The host's clocks beside the bytes received so far; about once a second."""

    TYPE: ClassVar[int] = 0x80
    unix_us: int  # us: Since 1970, UTC.
    monotonic_us: int  # us: The host's steady clock.
    received_bytes: int  # byte: From the device in this recording.


@dataclass(frozen=True)
class ConnectFrame:
    """A port was opened and the insole confirmed."""

    TYPE: ClassVar[int] = 0x81
    unix_us: int  # us: Since 1970, UTC.
    text: str  # Name of the port.


@dataclass(frozen=True)
class DisconnectFrame:
    """The port went away or was closed."""

    TYPE: ClassVar[int] = 0x82
    unix_us: int  # us: Since 1970, UTC.
    reason: int  # Why.


@dataclass(frozen=True)
class NoteFrame:
    """Something a person or the program wrote down."""

    TYPE: ClassVar[int] = 0x83
    unix_us: int  # us: Since 1970, UTC.
    text: str  # The words.


@dataclass(frozen=True)
class ExchangeFrame:
    """A clock query and its answer, by the host's steady clock: what puts two feet on one clock."""

    TYPE: ClassVar[int] = 0x84
    sent_us: int  # us: The host's steady clock when the query was sent.
    received_us: int  # us: The same when the answer had come.
    clock_us: int  # us: The answer: device clock; wraps at 2^30.
    uptime_s: int  # s: The answer: since boot.
    boot: int  # Starts of the device, from its last identity.


FRAME_CLASSES: dict[int, Any] = {
    0x01: SamplesFrame,
    0x02: StrideFrame,
    0x03: ContactFrame,
    0x04: MarkFrame,
    0x05: SessionHeadFrame,
    0x06: SessionEndFrame,
    0x07: PlaceFrame,
    0x10: IdentityFrame,
    0x11: StatusFrame,
    0x12: ClockFrame,
    0x13: ReplyFrame,
    0x14: StoredFrame,
    0x15: FetchedFrame,
    0x40: HelloFrame,
    0x41: StartFrame,
    0x42: StopFrame,
    0x43: SetFrame,
    0x44: TareFrame,
    0x45: CalibrateFrame,
    0x46: ClockQueryFrame,
    0x47: MarkerFrame,
    0x48: LeaveFrame,
    0x49: ListFrame,
    0x4A: FetchFrame,
    0x4B: CollectedFrame,
    0x4C: EraseFrame,
    0x4D: KeepFrame,
    0x80: HostClockFrame,
    0x81: ConnectFrame,
    0x82: DisconnectFrame,
    0x83: NoteFrame,
    0x84: ExchangeFrame,
}

# Payloads: what stands between the type byte and the CRC
STRUCTS: dict[int, Any] = {
    0x01: Struct(  # samples
        "session" / Int16ul,
        "seq" / Int32ul,
        "first_index" / Int32ul,
        "clock_us" / Int32ul,
        "records" / GreedyBytes,
    ),
    0x02: Struct(  # stride
        "session" / Int16ul,
        "seq" / Int32ul,
        "initial_contact_idx" / Int32ul,
        "initial_contact_frac" / Int8ul,
        "forefoot_on" / Int24sl,
        "heel_on" / Int24sl,
        "forefoot_off" / Int24sl,
        "heel_off" / Int24sl,
        "final_contact" / Int24sl,
        "contact_order" / Int8ul,
        "lift_order" / Int8ul,
        "walking" / Int8ul,
        "confidence" / Int8ul,
        "reasons" / Int16ul,
        "delay" / Int8ul,
        "forefoot_peak" / Int16ul,
        "heel_peak" / Int16ul,
        "forefoot_impulse" / Int16ul,
        "heel_impulse" / Int16ul,
    ),
    0x03: Struct(  # contact
        "session" / Int16ul,
        "seq" / Int32ul,
        "initial_contact_idx" / Int32ul,
        "initial_contact_frac" / Int8ul,
        "contact_order" / Int8ul,
        "delay" / Int8ul,
        "cued" / Int8ul,
    ),
    0x04: Struct(  # mark
        "session" / Int16ul,
        "seq" / Int32ul,
        "index" / Int32ul,
        "code" / Int16ul,
    ),
    0x05: Struct(  # session_head
        "session" / Int16ul,
        "continues" / Int16ul,
        "boot" / Int32ul,
        "uptime_s" / Int32ul,
        "clock_us" / Int32ul,
        "rate_hz" / Int16ul,
        "channel_n" / Int8ul,
        "begun" / Int8ul,
    ),
    0x06: Struct(  # session_end
        "session" / Int16ul,
        "next_index" / Int32ul,
        "samples_n" / Int32ul,
        "stride_n" / Int32ul,
        "mark_n" / Int32ul,
        "lost_n" / Int32ul,
        "unstored_n" / Int32ul,
        "ended" / Int8ul,
    ),
    0x07: Struct(  # place
        "session" / Int16ul,
        "index" / Int32ul,
    ),
    0x10: Struct(  # identity
        "protocol_major" / Int8ul,
        "protocol_minor" / Int8ul,
        "fingerprint" / Int32ul,
        "device_id" / Bytes(8),
        "boot" / Int32ul,
        "session" / Int16ul,
        "running" / Int8ul,
        "foot" / Int8ul,
        "board" / Int8ul,
        "firmware_version" / Bytes(3),
        "rate_hz" / Int16ul,
        "channel_n" / Int8ul,
        "records_per_frame" / Int8ul,
        "full_scale" / Int16ul,
        "zones" / Bytes(8),
        "sites" / Bytes(8),
        "baseline" / Array(8, Int16ul),
        "standing" / Array(8, Int16ul),
        "cue" / Int8ul,
        "target_order" / Int8ul,
        "source" / Bytes(8),
    ),
    0x11: Struct(  # status
        "session" / Int16ul,
        "running" / Int8ul,
        "uptime_s" / Int32ul,
        "next_index" / Int32ul,
        "lost_n" / Int32ul,
        "late_n" / Int32ul,
        "latest_us" / Int32ul,
        "frame_dropped_n" / Int32ul,
        "queue_bytes" / Int16ul,
        "command_bad_n" / Int16ul,
        "heap_free_bytes" / Int32ul,
        "battery_mv" / Int16ul,
        "temperature_c" / Int8sl,
        "first_fault" / Int16ul,
        "fault_n" / Int16ul,
        "channel_out_bits" / Int8ul,
        "store_page_n" / Int16ul,
        "store_used_n" / Int16ul,
        "store_ready_n" / Int16ul,
        "store_ready_s" / Int16ul,
        "store_oldest" / Int16ul,
        "store_newest" / Int16ul,
        "store_missed_n" / Int32ul,
    ),
    0x12: Struct(  # clock
        "tag" / Int8ul,
        "clock_us" / Int32ul,
        "uptime_s" / Int32ul,
        "next_index" / Int32ul,
    ),
    0x13: Struct(  # reply
        "tag" / Int8ul,
        "command" / Int8ul,
        "result" / Int8ul,
        "value" / Int32sl,
    ),
    0x14: Struct(  # stored
        "tag" / Int8ul,
        "session" / Int16ul,
        "continues" / Int16ul,
        "boot" / Int32ul,
        "uptime_s" / Int32ul,
        "clock_us" / Int32ul,
        "rate_hz" / Int16ul,
        "begun" / Int8ul,
        "next_index" / Int32ul,
        "page_n" / Int16ul,
        "kept" / Int8ul,
        "ended" / Int8ul,
    ),
    0x15: Struct(  # fetched
        "tag" / Int8ul,
        "session" / Int16ul,
        "page_n" / Int16ul,
        "bad_n" / Int16ul,
        "last" / Int8ul,
    ),
    0x40: Struct(  # hello
        "tag" / Int8ul,
    ),
    0x41: Struct(  # start
        "tag" / Int8ul,
    ),
    0x42: Struct(  # stop
        "tag" / Int8ul,
    ),
    0x43: Struct(  # set
        "tag" / Int8ul,
        "setting" / Int8ul,
        "value" / Int32sl,
    ),
    0x44: Struct(  # tare
        "tag" / Int8ul,
    ),
    0x45: Struct(  # calibrate
        "tag" / Int8ul,
    ),
    0x46: Struct(  # clock_query
        "tag" / Int8ul,
    ),
    0x47: Struct(  # marker
        "tag" / Int8ul,
        "code" / Int16ul,
    ),
    0x48: Struct(  # leave
        "tag" / Int8ul,
    ),
    0x49: Struct(  # list
        "tag" / Int8ul,
        "which" / Int8ul,
        "session" / Int16ul,
    ),
    0x4A: Struct(  # fetch
        "tag" / Int8ul,
        "session" / Int16ul,
        "first" / Int32ul,
        "end" / Int32ul,
    ),
    0x4B: Struct(  # collected
        "tag" / Int8ul,
        "session" / Int16ul,
    ),
    0x4C: Struct(  # erase
        "tag" / Int8ul,
        "sure" / Int16ul,
    ),
    0x4D: Struct(  # keep
        "tag" / Int8ul,
    ),
    0x80: Struct(  # host_clock
        "unix_us" / Int64ul,
        "monotonic_us" / Int64ul,
        "received_bytes" / Int64ul,
    ),
    0x81: Struct(  # connect
        "unix_us" / Int64ul,
        "text" / GreedyString("utf8"),
    ),
    0x82: Struct(  # disconnect
        "unix_us" / Int64ul,
        "reason" / Int8ul,
    ),
    0x83: Struct(  # note
        "unix_us" / Int64ul,
        "text" / GreedyString("utf8"),
    ),
    0x84: Struct(  # exchange
        "sent_us" / Int64ul,
        "received_us" / Int64ul,
        "clock_us" / Int32ul,
        "uptime_s" / Int32ul,
        "boot" / Int32ul,
    ),
}

# Whole frames before COBS; of open-ended ones the head
DTYPES: dict[int, np.dtype[Any]] = {
    0x01: np.dtype(  # samples
        [
            ("type", "u1"),
            ("session", "<u2"),
            ("seq", "<u4"),
            ("first_index", "<u4"),
            ("clock_us", "<u4"),
        ]
    ),
    0x02: np.dtype(  # stride
        [
            ("type", "u1"),
            ("session", "<u2"),
            ("seq", "<u4"),
            ("initial_contact_idx", "<u4"),
            ("initial_contact_frac", "u1"),
            ("forefoot_on", "V3"),
            ("heel_on", "V3"),
            ("forefoot_off", "V3"),
            ("heel_off", "V3"),
            ("final_contact", "V3"),
            ("contact_order", "u1"),
            ("lift_order", "u1"),
            ("walking", "u1"),
            ("confidence", "u1"),
            ("reasons", "<u2"),
            ("delay", "u1"),
            ("forefoot_peak", "<u2"),
            ("heel_peak", "<u2"),
            ("forefoot_impulse", "<u2"),
            ("heel_impulse", "<u2"),
            ("crc", "<u4"),
        ]
    ),
    0x03: np.dtype(  # contact
        [
            ("type", "u1"),
            ("session", "<u2"),
            ("seq", "<u4"),
            ("initial_contact_idx", "<u4"),
            ("initial_contact_frac", "u1"),
            ("contact_order", "u1"),
            ("delay", "u1"),
            ("cued", "u1"),
            ("crc", "<u4"),
        ]
    ),
    0x04: np.dtype(  # mark
        [
            ("type", "u1"),
            ("session", "<u2"),
            ("seq", "<u4"),
            ("index", "<u4"),
            ("code", "<u2"),
            ("crc", "<u4"),
        ]
    ),
    0x05: np.dtype(  # session_head
        [
            ("type", "u1"),
            ("session", "<u2"),
            ("continues", "<u2"),
            ("boot", "<u4"),
            ("uptime_s", "<u4"),
            ("clock_us", "<u4"),
            ("rate_hz", "<u2"),
            ("channel_n", "u1"),
            ("begun", "u1"),
            ("crc", "<u4"),
        ]
    ),
    0x06: np.dtype(  # session_end
        [
            ("type", "u1"),
            ("session", "<u2"),
            ("next_index", "<u4"),
            ("samples_n", "<u4"),
            ("stride_n", "<u4"),
            ("mark_n", "<u4"),
            ("lost_n", "<u4"),
            ("unstored_n", "<u4"),
            ("ended", "u1"),
            ("crc", "<u4"),
        ]
    ),
    0x07: np.dtype(  # place
        [
            ("type", "u1"),
            ("session", "<u2"),
            ("index", "<u4"),
            ("crc", "<u4"),
        ]
    ),
    0x10: np.dtype(  # identity
        [
            ("type", "u1"),
            ("protocol_major", "u1"),
            ("protocol_minor", "u1"),
            ("fingerprint", "<u4"),
            ("device_id", "u1", (8,)),
            ("boot", "<u4"),
            ("session", "<u2"),
            ("running", "u1"),
            ("foot", "u1"),
            ("board", "u1"),
            ("firmware_version", "u1", (3,)),
            ("rate_hz", "<u2"),
            ("channel_n", "u1"),
            ("records_per_frame", "u1"),
            ("full_scale", "<u2"),
            ("zones", "u1", (8,)),
            ("sites", "u1", (8,)),
            ("baseline", "<u2", (8,)),
            ("standing", "<u2", (8,)),
            ("cue", "u1"),
            ("target_order", "u1"),
            ("source", "u1", (8,)),
            ("crc", "<u4"),
        ]
    ),
    0x11: np.dtype(  # status
        [
            ("type", "u1"),
            ("session", "<u2"),
            ("running", "u1"),
            ("uptime_s", "<u4"),
            ("next_index", "<u4"),
            ("lost_n", "<u4"),
            ("late_n", "<u4"),
            ("latest_us", "<u4"),
            ("frame_dropped_n", "<u4"),
            ("queue_bytes", "<u2"),
            ("command_bad_n", "<u2"),
            ("heap_free_bytes", "<u4"),
            ("battery_mv", "<u2"),
            ("temperature_c", "i1"),
            ("first_fault", "<u2"),
            ("fault_n", "<u2"),
            ("channel_out_bits", "u1"),
            ("store_page_n", "<u2"),
            ("store_used_n", "<u2"),
            ("store_ready_n", "<u2"),
            ("store_ready_s", "<u2"),
            ("store_oldest", "<u2"),
            ("store_newest", "<u2"),
            ("store_missed_n", "<u4"),
            ("crc", "<u4"),
        ]
    ),
    0x12: np.dtype(  # clock
        [
            ("type", "u1"),
            ("tag", "u1"),
            ("clock_us", "<u4"),
            ("uptime_s", "<u4"),
            ("next_index", "<u4"),
            ("crc", "<u4"),
        ]
    ),
    0x13: np.dtype(  # reply
        [
            ("type", "u1"),
            ("tag", "u1"),
            ("command", "u1"),
            ("result", "u1"),
            ("value", "<i4"),
            ("crc", "<u4"),
        ]
    ),
    0x14: np.dtype(  # stored
        [
            ("type", "u1"),
            ("tag", "u1"),
            ("session", "<u2"),
            ("continues", "<u2"),
            ("boot", "<u4"),
            ("uptime_s", "<u4"),
            ("clock_us", "<u4"),
            ("rate_hz", "<u2"),
            ("begun", "u1"),
            ("next_index", "<u4"),
            ("page_n", "<u2"),
            ("kept", "u1"),
            ("ended", "u1"),
            ("crc", "<u4"),
        ]
    ),
    0x15: np.dtype(  # fetched
        [
            ("type", "u1"),
            ("tag", "u1"),
            ("session", "<u2"),
            ("page_n", "<u2"),
            ("bad_n", "<u2"),
            ("last", "u1"),
            ("crc", "<u4"),
        ]
    ),
    0x40: np.dtype(  # hello
        [
            ("type", "u1"),
            ("tag", "u1"),
            ("crc", "<u4"),
        ]
    ),
    0x41: np.dtype(  # start
        [
            ("type", "u1"),
            ("tag", "u1"),
            ("crc", "<u4"),
        ]
    ),
    0x42: np.dtype(  # stop
        [
            ("type", "u1"),
            ("tag", "u1"),
            ("crc", "<u4"),
        ]
    ),
    0x43: np.dtype(  # set
        [
            ("type", "u1"),
            ("tag", "u1"),
            ("setting", "u1"),
            ("value", "<i4"),
            ("crc", "<u4"),
        ]
    ),
    0x44: np.dtype(  # tare
        [
            ("type", "u1"),
            ("tag", "u1"),
            ("crc", "<u4"),
        ]
    ),
    0x45: np.dtype(  # calibrate
        [
            ("type", "u1"),
            ("tag", "u1"),
            ("crc", "<u4"),
        ]
    ),
    0x46: np.dtype(  # clock_query
        [
            ("type", "u1"),
            ("tag", "u1"),
            ("crc", "<u4"),
        ]
    ),
    0x47: np.dtype(  # marker
        [
            ("type", "u1"),
            ("tag", "u1"),
            ("code", "<u2"),
            ("crc", "<u4"),
        ]
    ),
    0x48: np.dtype(  # leave
        [
            ("type", "u1"),
            ("tag", "u1"),
            ("crc", "<u4"),
        ]
    ),
    0x49: np.dtype(  # list
        [
            ("type", "u1"),
            ("tag", "u1"),
            ("which", "u1"),
            ("session", "<u2"),
            ("crc", "<u4"),
        ]
    ),
    0x4A: np.dtype(  # fetch
        [
            ("type", "u1"),
            ("tag", "u1"),
            ("session", "<u2"),
            ("first", "<u4"),
            ("end", "<u4"),
            ("crc", "<u4"),
        ]
    ),
    0x4B: np.dtype(  # collected
        [
            ("type", "u1"),
            ("tag", "u1"),
            ("session", "<u2"),
            ("crc", "<u4"),
        ]
    ),
    0x4C: np.dtype(  # erase
        [
            ("type", "u1"),
            ("tag", "u1"),
            ("sure", "<u2"),
            ("crc", "<u4"),
        ]
    ),
    0x4D: np.dtype(  # keep
        [
            ("type", "u1"),
            ("tag", "u1"),
            ("crc", "<u4"),
        ]
    ),
    0x80: np.dtype(  # host_clock
        [
            ("type", "u1"),
            ("unix_us", "<u8"),
            ("monotonic_us", "<u8"),
            ("received_bytes", "<u8"),
            ("crc", "<u4"),
        ]
    ),
    0x81: np.dtype(  # connect
        [
            ("type", "u1"),
            ("unix_us", "<u8"),
        ]
    ),
    0x82: np.dtype(  # disconnect
        [
            ("type", "u1"),
            ("unix_us", "<u8"),
            ("reason", "u1"),
            ("crc", "<u4"),
        ]
    ),
    0x83: np.dtype(  # note
        [
            ("type", "u1"),
            ("unix_us", "<u8"),
        ]
    ),
    0x84: np.dtype(  # exchange
        [
            ("type", "u1"),
            ("sent_us", "<u8"),
            ("received_us", "<u8"),
            ("clock_us", "<u4"),
            ("uptime_s", "<u4"),
            ("boot", "<u4"),
            ("crc", "<u4"),
        ]
    ),
}

INVALID: dict[str, int] = {
    "samples.records": 4095,
    "stride.forefoot_on": -8388608,
    "stride.heel_on": -8388608,
    "stride.forefoot_off": -8388608,
    "stride.heel_off": -8388608,
    "stride.final_contact": -8388608,
    "identity.foot": 255,
    "identity.board": 255,
    "identity.zones": 255,
    "identity.sites": 255,
    "identity.baseline": 65535,
    "identity.standing": 65535,
    "identity.source": 255,
    "status.battery_mv": 65535,
    "status.temperature_c": -128,
    "stored.ended": 255,
}

# Frames of older minor versions: what is put behind a payload of so many bytes
OLDER: dict[int, dict[int, bytes]] = {
    0x10: {82: b'\xff\xff\xff\xff\xff\xff\xff\xff'},
}

SCALE: dict[str, float] = {
    "stride.forefoot_impulse": 0.25,
    "stride.heel_impulse": 0.25,
}

# The specification itself
SPEC_JSON = (
    '{"protocol":{"major":1,"minor":3},"limits":{"frame_bytes":254,"command_bytes":12'
    '0,"channel_n":8,"clock_bits":30,"missing_count":4095,"largest_count":4094,"host_'
    'timeout_ms":3000,"clock_query_ms":1000},"enums":{"side":{"left":0,"right":1,"uns'
    'et":255},"zone":{"forefoot":0,"heel":1,"midfoot":2,"toes":3,"unused":255},"site"'
    ':{"hallux":0,"met1":1,"met2":2,"met3":3,"met4":4,"met5":5,"toes":6,"midfoot_medi'
    'al":7,"midfoot_lateral":8,"heel_medial":9,"heel_lateral":10,"heel_center":11,"un'
    'used":255},"board":{"esp32_devkitc":0,"esp32_s3":1,"esp32_c3":2,"insole_s3":3,"u'
    'nknown":255},"order":{"unknown":0,"forefoot_first":1,"heel_first":2,"together":3'
    '},"direction":{"unknown":0,"forward":1,"backward":2},"result":{"ok":0,"unknown_c'
    'ommand":1,"unknown_setting":2,"out_of_range":3,"busy":4,"not_running":5,"no_load'
    '":6,"malformed":7,"not_tared":8,"no_session":9,"no_store":10,"no_trial":11},"set'
    'ting":{"rate_hz":1,"cue":2,"target_order":3,"side":4,"rate_alone_hz":5,"board":6'
    ',"zones":7},"fault":{"none":0,"channel_dead":101,"channel_stuck":102,"channel_sa'
    'turated":103,"channel_drifting":104,"samples_lost":201,"samples_late":202,"queue'
    '_full":301,"command_damaged":302,"memory_low":401,"battery_low":402,"crashed":50'
    '1,"store_full":601,"store_damaged":602},"begun":{"host":0,"button":1,"reset":2},'
    '"ended":{"host":0,"button":1,"forsaken":2},"kept":{"uncollected":0,"collected":1'
    ',"running":2},"which":{"oldest":0,"next":1},"disconnect_reason":{"closed":0,"unp'
    'lugged":1,"silent":2}},"bits":{"reason":{"contact_backward":0,"contact_forward":'
    '1,"lift_backward":2,"lift_forward":3,"shift_backward":4,"shift_forward":5,"peak_'
    'backward":6,"peak_forward":7,"history_backward":8,"history_forward":9,"forefoot_'
    'only":10,"heel_only":11,"conflict":12,"sensor_left_out":13}},"setting":[{"name":'
    '"rate_hz","choices":[50,100,125,200,250,500],"default":200,"unit":"Hz","meaning"'
    ':"Samples per second; refused while a session runs."},{"name":"cue","choices":[0'
    ',1],"default":0,"unit":"","meaning":"1: buzz when a contact breaks the target or'
    'der."},{"name":"target_order","choices":[1,2],"default":1,"unit":"order","meanin'
    'g":"The order the wearer aims for: 1 forefoot first, 2 heel first."},{"name":"si'
    'de","choices":[0,1],"default":255,"unit":"side","meaning":"Which foot this insol'
    'e is for; kept over a reset; refused while a session runs."},{"name":"rate_alone'
    '_hz","choices":[50,100,125,200,250,500],"default":100,"unit":"Hz","meaning":"Sam'
    'ples per second of a session begun by the button."},{"name":"board","choices":[0'
    ',1,2,3,255],"default":255,"unit":"board","meaning":"The board it is built on, 25'
    '5: the plain kit of its chip; kept, and in force from the next start. Out of ran'
    'ge for another chip\'s."},{"name":"zones","lowest":-1,"highest":65535,"default":-'
    '1,"unit":"","meaning":"The zone of each channel, 2 bits each, channel 0 in the l'
    'owest; -1: as the board has them. Kept, and in force from the next start; left o'
    'ut then if it has bits for channels that the board has not."}],"message":[{"name'
    '":"samples","id":1,"direction":"device","meaning":"A run of samples. Record k is'
    ' sample first_index + k; every frame of a session has the same length.","fields"'
    ':[{"name":"session","type":"u16","meaning":"Session number, counted over the dev'
    'ice\'s life."},{"name":"seq","type":"u32","meaning":"Samples frames of this sessi'
    'on before this one."},{"name":"first_index","type":"u32","unit":"sample","meanin'
    'g":"Index of the first record."},{"name":"clock_us","type":"u32","unit":"us","me'
    'aning":"Device clock when the first record was due; wraps at 2^30."},{"name":"re'
    'cords","type":"rest","unit":"count","invalid":4095,"meaning":"Records of 12-bit '
    'counts, packed big-endian, each padded to whole bytes."}]},{"name":"stride","id"'
    ':2,"direction":"device","meaning":"One stance, final at lift-off. Times are samp'
    'le indices, never the clock: the same samples give the same bytes.","fields":[{"'
    'name":"session","type":"u16","meaning":"Session number."},{"name":"seq","type":"'
    'u32","meaning":"Strides of this session before this one."},{"name":"initial_cont'
    'act_idx","type":"u32","unit":"sample","meaning":"Whole samples of the initial co'
    'ntact, the whole foot\'s."},{"name":"initial_contact_frac","type":"u8","unit":"1/'
    '256 sample","meaning":"The rest of it."},{"name":"forefoot_on","type":"i24","uni'
    't":"1/256 sample","invalid":-8388608,"meaning":"After initial contact; may be ne'
    'gative: each zone has its own level."},{"name":"heel_on","type":"i24","unit":"1/'
    '256 sample","invalid":-8388608,"meaning":"After initial contact."},{"name":"fore'
    'foot_off","type":"i24","unit":"1/256 sample","invalid":-8388608,"meaning":"After'
    ' initial contact."},{"name":"heel_off","type":"i24","unit":"1/256 sample","inval'
    'id":-8388608,"meaning":"After initial contact."},{"name":"final_contact","type":'
    '"i24","unit":"1/256 sample","invalid":-8388608,"meaning":"After initial contact:'
    ' the stance time."},{"name":"contact_order","type":"u8","enum":"order","meaning"'
    ':"Which zone touched first."},{"name":"lift_order","type":"u8","enum":"order","m'
    'eaning":"Which zone left first."},{"name":"walking","type":"u8","enum":"directio'
    'n","meaning":"Direction of this stride."},{"name":"confidence","type":"u8","unit'
    '":"%","meaning":"0 to 100, of the direction."},{"name":"reasons","type":"u16","b'
    'its":"reason","meaning":"What voted, and which way."},{"name":"delay","type":"u8'
    '","unit":"sample","meaning":"From final contact to this decision; 255 means 255 '
    'or more."},{"name":"forefoot_peak","type":"u16","unit":"count","meaning":"Larges'
    't sum of the zone\'s sensors above baseline."},{"name":"heel_peak","type":"u16","'
    'unit":"count","meaning":"Likewise for the heel."},{"name":"forefoot_impulse","ty'
    'pe":"u16","unit":"count s","scale":0.25,"meaning":"The same sum over the stance.'
    '"},{"name":"heel_impulse","type":"u16","unit":"count s","scale":0.25,"meaning":"'
    'Likewise for the heel."}]},{"name":"contact","id":3,"direction":"device","meanin'
    'g":"Provisional: the foot has touched; the order as it looks now, early enough f'
    'or a cue.","fields":[{"name":"session","type":"u16","meaning":"Session number."}'
    ',{"name":"seq","type":"u32","meaning":"Contact frames of this session before thi'
    's one."},{"name":"initial_contact_idx","type":"u32","unit":"sample","meaning":"W'
    'hole samples of the initial contact."},{"name":"initial_contact_frac","type":"u8'
    '","unit":"1/256 sample","meaning":"The rest of it."},{"name":"contact_order","ty'
    'pe":"u8","enum":"order","meaning":"Which zone touched first."},{"name":"delay","'
    'type":"u8","unit":"sample","meaning":"From initial contact to this decision; 255'
    ' means 255 or more."},{"name":"cued","type":"u8","meaning":"1 when the cue fired'
    ' on it."}]},{"name":"mark","id":4,"direction":"device","meaning":"A marker that '
    'a host set, at its place among the samples.","fields":[{"name":"session","type":'
    '"u16","meaning":"Session number."},{"name":"seq","type":"u32","meaning":"Mark fr'
    'ames of this session before this one."},{"name":"index","type":"u32","unit":"sam'
    'ple","meaning":"The sample due next when it was set."},{"name":"code","type":"u1'
    '6","meaning":"The number given with the command."}]},{"name":"session_head","id"'
    ':5,"direction":"device","meaning":"A session begins. First in its first page of '
    'the store, before the identity; also sent when it begins.","fields":[{"name":"se'
    'ssion","type":"u16","meaning":"Session number."},{"name":"continues","type":"u16'
    '","meaning":"The session that a reset cut short and this one goes on with; its o'
    'wn number when none."},{"name":"boot","type":"u32","meaning":"Starts of this dev'
    'ice so far: times of one boot are on one clock."},{"name":"uptime_s","type":"u32'
    '","unit":"s","meaning":"Since boot, to count the wraps of the clock."},{"name":"'
    'clock_us","type":"u32","unit":"us","meaning":"Device clock just before sample 0,'
    ' whose own stamp is exact; wraps at 2^30."},{"name":"rate_hz","type":"u16","unit'
    '":"Hz","meaning":"Samples per second."},{"name":"channel_n","type":"u8","meaning'
    '":"Channels in each record."},{"name":"begun","type":"u8","enum":"begun","meanin'
    'g":"What began it."}]},{"name":"session_end","id":6,"direction":"device","meanin'
    'g":"A session has ended: how much of everything there was. Last in the store; al'
    'so sent.","fields":[{"name":"session","type":"u16","meaning":"Session number."},'
    '{"name":"next_index","type":"u32","unit":"sample","meaning":"Samples, those neve'
    'r taken included."},{"name":"samples_n","type":"u32","unit":"frame","meaning":"S'
    'amples frames."},{"name":"stride_n","type":"u32","unit":"frame","meaning":"Strid'
    'e frames."},{"name":"mark_n","type":"u32","unit":"frame","meaning":"Mark frames.'
    '"},{"name":"lost_n","type":"u32","unit":"sample","meaning":"Samples never taken.'
    '"},{"name":"unstored_n","type":"u32","unit":"frame","meaning":"Frames that the s'
    'tore had no room for."},{"name":"ended","type":"u8","enum":"ended","meaning":"Wh'
    'at ended it."}]},{"name":"place","id":7,"direction":"device","meaning":"First in'
    ' each page of the store that holds small frames: where it stands among the sampl'
    'es.","fields":[{"name":"session","type":"u16","meaning":"Session number."},{"nam'
    'e":"index","type":"u32","unit":"sample","meaning":"No samples page behind this o'
    'ne begins before this sample."}]},{"name":"identity","id":16,"direction":"device'
    '","meaning":"Who this is and how its data read. Sent on hello and after each sta'
    'rt.","fields":[{"name":"protocol_major","type":"u8","meaning":"Another major is '
    'refused."},{"name":"protocol_minor","type":"u8","meaning":"A higher minor is rea'
    'd on."},{"name":"fingerprint","type":"u32","meaning":"CRC-32 of the specificatio'
    'n; must agree where both versions do."},{"name":"device_id","type":"u8[8]","mean'
    'ing":"The chip\'s own id, zero-padded."},{"name":"boot","type":"u32","meaning":"S'
    'tarts of this device so far."},{"name":"session","type":"u16","meaning":"Number '
    'of the running or the last session."},{"name":"running","type":"u8","meaning":"1'
    ' while a session runs."},{"name":"foot","type":"u8","enum":"side","invalid":255,'
    '"meaning":"Which foot."},{"name":"board","type":"u8","enum":"board","invalid":25'
    '5,"meaning":"Which board file is in use."},{"name":"firmware_version","type":"u8'
    '[3]","meaning":"Major, minor, patch of the firmware."},{"name":"rate_hz","type":'
    '"u16","unit":"Hz","meaning":"Samples per second."},{"name":"channel_n","type":"u'
    '8","meaning":"Channels in each record."},{"name":"records_per_frame","type":"u8"'
    ',"meaning":"Records in each samples frame."},{"name":"full_scale","type":"u16","'
    'unit":"count","meaning":"Largest count that a sensor can give."},{"name":"zones"'
    ',"type":"u8[8]","enum":"zone","invalid":255,"meaning":"Zone of each channel."},{'
    '"name":"sites","type":"u8[8]","enum":"site","invalid":255,"meaning":"Place of ea'
    'ch channel under the foot."},{"name":"baseline","type":"u16[8]","unit":"count","'
    'invalid":65535,"meaning":"Unloaded counts from tare."},{"name":"standing","type"'
    ':"u16[8]","unit":"count","invalid":65535,"meaning":"Counts above baseline while '
    'standing, from calibrate."},{"name":"cue","type":"u8","meaning":"1 when the cue '
    'is on."},{"name":"target_order","type":"u8","enum":"order","meaning":"The order '
    'the wearer aims for."},{"name":"source","type":"u8[8]","since":2,"invalid":255,"'
    'meaning":"The first bytes of the SHA-256 over the firmware\'s source; invalid whe'
    're it runs from loose files."}]},{"name":"status","id":17,"direction":"device","'
    'meaning":"Health, once a second while a host listens.","fields":[{"name":"sessio'
    'n","type":"u16","meaning":"Number of the running or the last session."},{"name":'
    '"running","type":"u8","meaning":"1 while a session runs."},{"name":"uptime_s","t'
    'ype":"u32","unit":"s","meaning":"Since boot."},{"name":"next_index","type":"u32"'
    ',"unit":"sample","meaning":"Index that the next sample will have."},{"name":"los'
    't_n","type":"u32","unit":"sample","meaning":"Samples of this session never taken'
    '."},{"name":"late_n","type":"u32","unit":"sample","meaning":"Samples of this ses'
    'sion taken more than a quarter period late."},{"name":"latest_us","type":"u32","'
    'unit":"us","meaning":"Most that any sample of this session was late."},{"name":"'
    'frame_dropped_n","type":"u32","unit":"frame","meaning":"Frames of this session d'
    'ropped because the queue was full: a slow line, or nobody listened."},{"name":"q'
    'ueue_bytes","type":"u16","unit":"byte","meaning":"Waiting to be sent."},{"name":'
    '"command_bad_n","type":"u16","meaning":"Commands since boot that arrived damaged'
    '."},{"name":"heap_free_bytes","type":"u32","unit":"byte","meaning":"Free heap, w'
    'ith garbage not yet collected counted as used."},{"name":"battery_mv","type":"u1'
    '6","unit":"mV","invalid":65535,"meaning":"Battery voltage; invalid where the boa'
    'rd cannot measure it."},{"name":"temperature_c","type":"i8","unit":"degC","inval'
    'id":-128,"meaning":"Chip temperature; invalid where unknown."},{"name":"first_fa'
    'ult","type":"u16","enum":"fault","meaning":"First fault since boot, latched."},{'
    '"name":"fault_n","type":"u16","meaning":"Faults since boot, the first included."'
    '},{"name":"channel_out_bits","type":"u8","meaning":"Bit k set: channel k is left'
    ' out of the decisions."},{"name":"store_page_n","type":"u16","unit":"page","mean'
    'ing":"Pages of 256 bytes in the session store; 0: this device has none."},{"name'
    '":"store_used_n","type":"u16","unit":"page","meaning":"Pages that hold sessions.'
    '"},{"name":"store_ready_n","type":"u16","unit":"page","meaning":"Pages erased an'
    'd ready to be written."},{"name":"store_ready_s","type":"u16","unit":"s","meanin'
    'g":"For how long they last at the rate in force; 65535 means that or longer."},{'
    '"name":"store_oldest","type":"u16","meaning":"Number of the oldest session in th'
    'e store; that of the newest when there is none."},{"name":"store_newest","type":'
    '"u16","meaning":"Number of the newest session in the store."},{"name":"store_mis'
    'sed_n","type":"u32","unit":"frame","meaning":"Frames of this session that the st'
    'ore had no room for."}]},{"name":"clock","id":18,"direction":"device","meaning":'
    '"Answer to a clock query.","fields":[{"name":"tag","type":"u8","meaning":"The qu'
    'ery\'s."},{"name":"clock_us","type":"u32","unit":"us","meaning":"Device clock; wr'
    'aps at 2^30."},{"name":"uptime_s","type":"u32","unit":"s","meaning":"Since boot,'
    ' to count the wraps."},{"name":"next_index","type":"u32","unit":"sample","meanin'
    'g":"Index that the next sample will have."}]},{"name":"reply","id":19,"direction'
    '":"device","meaning":"Answer to every other command.","fields":[{"name":"tag","t'
    'ype":"u8","meaning":"The command\'s."},{"name":"command","type":"u8","meaning":"I'
    'ts message id."},{"name":"result","type":"u8","enum":"result","meaning":"0 is ok'
    '; anything else is the reason for the refusal."},{"name":"value","type":"i32","m'
    'eaning":"Session number after start and stop, the setting in force after set, el'
    'se 0."}]},{"name":"stored","id":20,"direction":"device","meaning":"Answer to lis'
    't: one session in the store.","fields":[{"name":"tag","type":"u8","meaning":"The'
    ' command\'s."},{"name":"session","type":"u16","meaning":"Session number."},{"name'
    '":"continues","type":"u16","meaning":"As in its session_head."},{"name":"boot","'
    'type":"u32","meaning":"As in its session_head."},{"name":"uptime_s","type":"u32"'
    ',"unit":"s","meaning":"As in its session_head."},{"name":"clock_us","type":"u32"'
    ',"unit":"us","meaning":"As in its session_head."},{"name":"rate_hz","type":"u16"'
    ',"unit":"Hz","meaning":"As in its session_head."},{"name":"begun","type":"u8","e'
    'num":"begun","meaning":"As in its session_head."},{"name":"next_index","type":"u'
    '32","unit":"sample","meaning":"Samples that the store knows of."},{"name":"page_'
    'n","type":"u16","unit":"page","meaning":"Pages it takes."},{"name":"kept","type"'
    ':"u8","enum":"kept","meaning":"Whether a host has collected it."},{"name":"ended'
    '","type":"u8","enum":"ended","invalid":255,"meaning":"What ended it; invalid whe'
    'n it was cut short, or runs."}]},{"name":"fetched","id":21,"direction":"device",'
    '"meaning":"Everything that a fetch asked for has been sent.","fields":[{"name":"'
    'tag","type":"u8","meaning":"The command\'s."},{"name":"session","type":"u16","mea'
    'ning":"Session number."},{"name":"page_n","type":"u16","unit":"page","meaning":"'
    'Pages sent."},{"name":"bad_n","type":"u16","unit":"page","meaning":"Pages that c'
    'ould not be read and were left out."},{"name":"last","type":"u8","meaning":"1: n'
    'othing of this session lies behind them."}]},{"name":"hello","id":64,"direction"'
    ':"host","meaning":"Ask who is there; answered by identity.","fields":[{"name":"t'
    'ag","type":"u8","meaning":"Any number, given back."}]},{"name":"start","id":65,"'
    'direction":"host","meaning":"Begin a session; sample index, sequence numbers and'
    ' losses begin at 0. Busy when one runs.","fields":[{"name":"tag","type":"u8","me'
    'aning":"Any number, given back."}]},{"name":"stop","id":66,"direction":"host","m'
    'eaning":"End the session; what is still held is sent, the last samples frame fil'
    'led with missing records.","fields":[{"name":"tag","type":"u8","meaning":"Any nu'
    'mber, given back."}]},{"name":"set","id":67,"direction":"host","meaning":"Change'
    ' a setting. The reply carries the value in force.","fields":[{"name":"tag","type'
    '":"u8","meaning":"Any number, given back."},{"name":"setting","type":"u8","enum"'
    ':"setting","meaning":"Which."},{"name":"value","type":"i32","meaning":"Its new v'
    'alue."}]},{"name":"tare","id":68,"direction":"host","meaning":"Take the present '
    'counts as unloaded; the foot must be in the air.","fields":[{"name":"tag","type"'
    ':"u8","meaning":"Any number, given back."}]},{"name":"calibrate","id":69,"direct'
    'ion":"host","meaning":"Take the present load as standing on this foot. Refused w'
    'ith not_tared before a tare, with no_load when too little is on it.","fields":[{'
    '"name":"tag","type":"u8","meaning":"Any number, given back."}]},{"name":"clock_q'
    'uery","id":70,"direction":"host","meaning":"Ask for the clock; also tells the de'
    'vice that a host listens.","fields":[{"name":"tag","type":"u8","meaning":"Any nu'
    'mber, given back."}]},{"name":"marker","id":71,"direction":"host","meaning":"Set'
    ' a mark at the present sample.","fields":[{"name":"tag","type":"u8","meaning":"A'
    'ny number, given back."},{"name":"code","type":"u16","meaning":"Any number; it c'
    'omes back in the mark."}]},{"name":"leave","id":72,"direction":"host","meaning":'
    '"End the firmware and hand the line to the REPL.","fields":[{"name":"tag","type"'
    ':"u8","meaning":"Any number, given back."}]},{"name":"list","id":73,"direction":'
    '"host","meaning":"Ask for a session in the store; answered by stored, or by a re'
    'ply with no_session behind the last.","fields":[{"name":"tag","type":"u8","meani'
    'ng":"Any number, given back."},{"name":"which","type":"u8","enum":"which","meani'
    'ng":"The oldest, or the first after `session`."},{"name":"session","type":"u16",'
    '"meaning":"Session number."}]},{"name":"fetch","id":74,"direction":"host","meani'
    'ng":"Send the pages of a session again that hold samples first to end - 1, with '
    'all between; fetched follows. Also while a session runs. A new fetch ends the on'
    'e before.","fields":[{"name":"tag","type":"u8","meaning":"Any number, given back'
    '."},{"name":"session","type":"u16","meaning":"Session number."},{"name":"first",'
    '"type":"u32","unit":"sample","meaning":"From the page that holds this sample; 0:'
    ' from the session\'s first page."},{"name":"end","type":"u32","unit":"sample","me'
    'aning":"Up to the page before the first that begins here or later."}]},{"name":"'
    'collected","id":75,"direction":"host","meaning":"The host has a session on its d'
    'isk: it may be erased. Refused while that session runs.","fields":[{"name":"tag"'
    ',"type":"u8","meaning":"Any number, given back."},{"name":"session","type":"u16"'
    ',"meaning":"Session number."}]},{"name":"erase","id":76,"direction":"host","mean'
    'ing":"Erase the whole store, collected or not; status tells how far it is. Refus'
    'ed while a session runs.","fields":[{"name":"tag","type":"u8","meaning":"Any num'
    'ber, given back."},{"name":"sure","type":"u16","meaning":"0x5EED, so that no acc'
    'ident erases anything."}]},{"name":"keep","id":77,"direction":"host","meaning":"'
    'The firmware that runs on trial stays. Without it a trial ends 30 s after its st'
    'art by a reset, and the version before runs again. Busy while a session runs; re'
    'fused with no_trial when none is on trial; ok again when it was kept since the l'
    'ast start.","fields":[{"name":"tag","type":"u8","meaning":"Any number, given bac'
    'k."}]},{"name":"host_clock","id":128,"direction":"log","meaning":"The host\'s clo'
    'cks beside the bytes received so far; about once a second.","fields":[{"name":"u'
    'nix_us","type":"u64","unit":"us","meaning":"Since 1970, UTC."},{"name":"monotoni'
    'c_us","type":"u64","unit":"us","meaning":"The host\'s steady clock."},{"name":"re'
    'ceived_bytes","type":"u64","unit":"byte","meaning":"From the device in this reco'
    'rding."}]},{"name":"connect","id":129,"direction":"log","meaning":"A port was op'
    'ened and the insole confirmed.","fields":[{"name":"unix_us","type":"u64","unit":'
    '"us","meaning":"Since 1970, UTC."},{"name":"text","type":"text","meaning":"Name '
    'of the port."}]},{"name":"disconnect","id":130,"direction":"log","meaning":"The '
    'port went away or was closed.","fields":[{"name":"unix_us","type":"u64","unit":"'
    'us","meaning":"Since 1970, UTC."},{"name":"reason","type":"u8","enum":"disconnec'
    't_reason","meaning":"Why."}]},{"name":"note","id":131,"direction":"log","meaning'
    '":"Something a person or the program wrote down.","fields":[{"name":"unix_us","t'
    'ype":"u64","unit":"us","meaning":"Since 1970, UTC."},{"name":"text","type":"text'
    '","meaning":"The words."}]},{"name":"exchange","id":132,"direction":"log","meani'
    'ng":"A clock query and its answer, by the host\'s steady clock: what puts two fee'
    't on one clock.","fields":[{"name":"sent_us","type":"u64","unit":"us","meaning":'
    '"The host\'s steady clock when the query was sent."},{"name":"received_us","type"'
    ':"u64","unit":"us","meaning":"The same when the answer had come."},{"name":"cloc'
    'k_us","type":"u32","unit":"us","meaning":"The answer: device clock; wraps at 2^3'
    '0."},{"name":"uptime_s","type":"u32","unit":"s","meaning":"The answer: since boo'
    't."},{"name":"boot","type":"u32","meaning":"Starts of the device, from its last '
    'identity."}]}]}'
)
