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
PROTOCOL_MINOR = 0
FINGERPRINT = 0xB79F99CB
FRAME_BYTES = 254
COMMAND_BYTES = 120
CHANNEL_N = 8
CLOCK_BITS = 30
MISSING_COUNT = 4095
LARGEST_COUNT = 4094
HOST_TIMEOUT_MS = 3000
CLOCK_QUERY_MS = 1000
NOT_SEEN = -8388608

# Choices and default of each setting
SETTING_CHOICES: dict[str, tuple[int, ...]] = {
    "rate_hz": (50, 100, 125, 200, 250, 500),
    "cue": (0, 1),
    "target_order": (1, 2),
    "side": (0, 1),
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


class Setting(IntEnum):
    RATE_HZ = 1
    CUE = 2
    TARGET_ORDER = 3
    SIDE = 4


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


FRAME_CLASSES: dict[int, Any] = {
    0x01: SamplesFrame,
    0x02: StrideFrame,
    0x03: ContactFrame,
    0x04: MarkFrame,
    0x10: IdentityFrame,
    0x11: StatusFrame,
    0x12: ClockFrame,
    0x13: ReplyFrame,
    0x40: HelloFrame,
    0x41: StartFrame,
    0x42: StopFrame,
    0x43: SetFrame,
    0x44: TareFrame,
    0x45: CalibrateFrame,
    0x46: ClockQueryFrame,
    0x47: MarkerFrame,
    0x48: LeaveFrame,
    0x80: HostClockFrame,
    0x81: ConnectFrame,
    0x82: DisconnectFrame,
    0x83: NoteFrame,
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
    "status.battery_mv": 65535,
    "status.temperature_c": -128,
}

SCALE: dict[str, float] = {
    "stride.forefoot_impulse": 0.25,
    "stride.heel_impulse": 0.25,
}

# The specification itself
SPEC_JSON = (
    '{"protocol":{"major":1,"minor":0},"limits":{"frame_bytes":254,"command_bytes":12'
    '0,"channel_n":8,"clock_bits":30,"missing_count":4095,"largest_count":4094,"host_'
    'timeout_ms":3000,"clock_query_ms":1000},"enums":{"side":{"left":0,"right":1,"uns'
    'et":255},"zone":{"forefoot":0,"heel":1,"midfoot":2,"toes":3,"unused":255},"site"'
    ':{"hallux":0,"met1":1,"met2":2,"met3":3,"met4":4,"met5":5,"toes":6,"midfoot_medi'
    'al":7,"midfoot_lateral":8,"heel_medial":9,"heel_lateral":10,"heel_center":11,"un'
    'used":255},"board":{"esp32_devkitc":0,"esp32_s3":1,"esp32_c3":2,"unknown":255},"'
    'order":{"unknown":0,"forefoot_first":1,"heel_first":2,"together":3},"direction":'
    '{"unknown":0,"forward":1,"backward":2},"result":{"ok":0,"unknown_command":1,"unk'
    'nown_setting":2,"out_of_range":3,"busy":4,"not_running":5,"no_load":6,"malformed'
    '":7,"not_tared":8},"setting":{"rate_hz":1,"cue":2,"target_order":3,"side":4},"fa'
    'ult":{"none":0,"channel_dead":101,"channel_stuck":102,"channel_saturated":103,"c'
    'hannel_drifting":104,"samples_lost":201,"samples_late":202,"queue_full":301,"com'
    'mand_damaged":302,"memory_low":401,"battery_low":402,"crashed":501},"disconnect_'
    'reason":{"closed":0,"unplugged":1,"silent":2}},"bits":{"reason":{"contact_backwa'
    'rd":0,"contact_forward":1,"lift_backward":2,"lift_forward":3,"shift_backward":4,'
    '"shift_forward":5,"peak_backward":6,"peak_forward":7,"history_backward":8,"histo'
    'ry_forward":9,"forefoot_only":10,"heel_only":11,"conflict":12,"sensor_left_out":'
    '13}},"setting":[{"name":"rate_hz","choices":[50,100,125,200,250,500],"default":2'
    '00,"unit":"Hz","meaning":"Samples per second; refused while a session runs."},{"'
    'name":"cue","choices":[0,1],"default":0,"unit":"","meaning":"1: buzz when a cont'
    'act breaks the target order."},{"name":"target_order","choices":[1,2],"default":'
    '1,"unit":"order","meaning":"The order the wearer aims for: 1 forefoot first, 2 h'
    'eel first."},{"name":"side","choices":[0,1],"default":255,"unit":"side","meaning'
    '":"Which foot this insole is for; kept over a reset; refused while a session run'
    's."}],"message":[{"name":"samples","id":1,"direction":"device","meaning":"A run '
    'of samples. Record k is sample first_index + k; every frame of a session has the'
    ' same length.","fields":[{"name":"session","type":"u16","meaning":"Session numbe'
    'r, counted over the device\'s life."},{"name":"seq","type":"u32","meaning":"Sampl'
    'es frames of this session before this one."},{"name":"first_index","type":"u32",'
    '"unit":"sample","meaning":"Index of the first record."},{"name":"clock_us","type'
    '":"u32","unit":"us","meaning":"Device clock when the first record was due; wraps'
    ' at 2^30."},{"name":"records","type":"rest","unit":"count","invalid":4095,"meani'
    'ng":"Records of 12-bit counts, packed big-endian, each padded to whole bytes."}]'
    '},{"name":"stride","id":2,"direction":"device","meaning":"One stance, final at l'
    'ift-off. Times are sample indices, never the clock: the same samples give the sa'
    'me bytes.","fields":[{"name":"session","type":"u16","meaning":"Session number."}'
    ',{"name":"seq","type":"u32","meaning":"Strides of this session before this one."'
    '},{"name":"initial_contact_idx","type":"u32","unit":"sample","meaning":"Whole sa'
    'mples of the initial contact, the whole foot\'s."},{"name":"initial_contact_frac"'
    ',"type":"u8","unit":"1/256 sample","meaning":"The rest of it."},{"name":"forefoo'
    't_on","type":"i24","unit":"1/256 sample","invalid":-8388608,"meaning":"After ini'
    'tial contact; may be negative: each zone has its own level."},{"name":"heel_on",'
    '"type":"i24","unit":"1/256 sample","invalid":-8388608,"meaning":"After initial c'
    'ontact."},{"name":"forefoot_off","type":"i24","unit":"1/256 sample","invalid":-8'
    '388608,"meaning":"After initial contact."},{"name":"heel_off","type":"i24","unit'
    '":"1/256 sample","invalid":-8388608,"meaning":"After initial contact."},{"name":'
    '"final_contact","type":"i24","unit":"1/256 sample","invalid":-8388608,"meaning":'
    '"After initial contact: the stance time."},{"name":"contact_order","type":"u8","'
    'enum":"order","meaning":"Which zone touched first."},{"name":"lift_order","type"'
    ':"u8","enum":"order","meaning":"Which zone left first."},{"name":"walking","type'
    '":"u8","enum":"direction","meaning":"Direction of this stride."},{"name":"confid'
    'ence","type":"u8","unit":"%","meaning":"0 to 100, of the direction."},{"name":"r'
    'easons","type":"u16","bits":"reason","meaning":"What voted, and which way."},{"n'
    'ame":"delay","type":"u8","unit":"sample","meaning":"From final contact to this d'
    'ecision; 255 means 255 or more."},{"name":"forefoot_peak","type":"u16","unit":"c'
    'ount","meaning":"Largest sum of the zone\'s sensors above baseline."},{"name":"he'
    'el_peak","type":"u16","unit":"count","meaning":"Likewise for the heel."},{"name"'
    ':"forefoot_impulse","type":"u16","unit":"count s","scale":0.25,"meaning":"The sa'
    'me sum over the stance."},{"name":"heel_impulse","type":"u16","unit":"count s","'
    'scale":0.25,"meaning":"Likewise for the heel."}]},{"name":"contact","id":3,"dire'
    'ction":"device","meaning":"Provisional: the foot has touched; the order as it lo'
    'oks now, early enough for a cue.","fields":[{"name":"session","type":"u16","mean'
    'ing":"Session number."},{"name":"seq","type":"u32","meaning":"Contact frames of '
    'this session before this one."},{"name":"initial_contact_idx","type":"u32","unit'
    '":"sample","meaning":"Whole samples of the initial contact."},{"name":"initial_c'
    'ontact_frac","type":"u8","unit":"1/256 sample","meaning":"The rest of it."},{"na'
    'me":"contact_order","type":"u8","enum":"order","meaning":"Which zone touched fir'
    'st."},{"name":"delay","type":"u8","unit":"sample","meaning":"From initial contac'
    't to this decision; 255 means 255 or more."},{"name":"cued","type":"u8","meaning'
    '":"1 when the cue fired on it."}]},{"name":"mark","id":4,"direction":"device","m'
    'eaning":"A marker that a host set, at its place among the samples.","fields":[{"'
    'name":"session","type":"u16","meaning":"Session number."},{"name":"seq","type":"'
    'u32","meaning":"Mark frames of this session before this one."},{"name":"index","'
    'type":"u32","unit":"sample","meaning":"The sample due next when it was set."},{"'
    'name":"code","type":"u16","meaning":"The number given with the command."}]},{"na'
    'me":"identity","id":16,"direction":"device","meaning":"Who this is and how its d'
    'ata read. Sent on hello and after each start.","fields":[{"name":"protocol_major'
    '","type":"u8","meaning":"Another major is refused."},{"name":"protocol_minor","t'
    'ype":"u8","meaning":"A higher minor is read on."},{"name":"fingerprint","type":"'
    'u32","meaning":"CRC-32 of the specification; must agree where both versions do."'
    '},{"name":"device_id","type":"u8[8]","meaning":"The chip\'s own id, zero-padded."'
    '},{"name":"boot","type":"u32","meaning":"Starts of this device so far."},{"name"'
    ':"session","type":"u16","meaning":"Number of the running or the last session."},'
    '{"name":"running","type":"u8","meaning":"1 while a session runs."},{"name":"foot'
    '","type":"u8","enum":"side","invalid":255,"meaning":"Which foot."},{"name":"boar'
    'd","type":"u8","enum":"board","invalid":255,"meaning":"Which board file is in us'
    'e."},{"name":"firmware_version","type":"u8[3]","meaning":"Major, minor, patch of'
    ' the firmware."},{"name":"rate_hz","type":"u16","unit":"Hz","meaning":"Samples p'
    'er second."},{"name":"channel_n","type":"u8","meaning":"Channels in each record.'
    '"},{"name":"records_per_frame","type":"u8","meaning":"Records in each samples fr'
    'ame."},{"name":"full_scale","type":"u16","unit":"count","meaning":"Largest count'
    ' that a sensor can give."},{"name":"zones","type":"u8[8]","enum":"zone","invalid'
    '":255,"meaning":"Zone of each channel."},{"name":"sites","type":"u8[8]","enum":"'
    'site","invalid":255,"meaning":"Place of each channel under the foot."},{"name":"'
    'baseline","type":"u16[8]","unit":"count","invalid":65535,"meaning":"Unloaded cou'
    'nts from tare."},{"name":"standing","type":"u16[8]","unit":"count","invalid":655'
    '35,"meaning":"Counts above baseline while standing, from calibrate."},{"name":"c'
    'ue","type":"u8","meaning":"1 when the cue is on."},{"name":"target_order","type"'
    ':"u8","enum":"order","meaning":"The order the wearer aims for."}]},{"name":"stat'
    'us","id":17,"direction":"device","meaning":"Health, once a second while a host l'
    'istens.","fields":[{"name":"session","type":"u16","meaning":"Number of the runni'
    'ng or the last session."},{"name":"running","type":"u8","meaning":"1 while a ses'
    'sion runs."},{"name":"uptime_s","type":"u32","unit":"s","meaning":"Since boot."}'
    ',{"name":"next_index","type":"u32","unit":"sample","meaning":"Index that the nex'
    't sample will have."},{"name":"lost_n","type":"u32","unit":"sample","meaning":"S'
    'amples of this session never taken."},{"name":"late_n","type":"u32","unit":"samp'
    'le","meaning":"Samples of this session taken more than a quarter period late."},'
    '{"name":"latest_us","type":"u32","unit":"us","meaning":"Most that any sample of '
    'this session was late."},{"name":"frame_dropped_n","type":"u32","unit":"frame","'
    'meaning":"Frames of this session dropped because the queue was full: a slow line'
    ', or nobody listened."},{"name":"queue_bytes","type":"u16","unit":"byte","meanin'
    'g":"Waiting to be sent."},{"name":"command_bad_n","type":"u16","meaning":"Comman'
    'ds since boot that arrived damaged."},{"name":"heap_free_bytes","type":"u32","un'
    'it":"byte","meaning":"Free heap, with garbage not yet collected counted as used.'
    '"},{"name":"battery_mv","type":"u16","unit":"mV","invalid":65535,"meaning":"Batt'
    'ery voltage; invalid where the board cannot measure it."},{"name":"temperature_c'
    '","type":"i8","unit":"degC","invalid":-128,"meaning":"Chip temperature; invalid '
    'where unknown."},{"name":"first_fault","type":"u16","enum":"fault","meaning":"Fi'
    'rst fault since boot, latched."},{"name":"fault_n","type":"u16","meaning":"Fault'
    's since boot, the first included."},{"name":"channel_out_bits","type":"u8","mean'
    'ing":"Bit k set: channel k is left out of the decisions."}]},{"name":"clock","id'
    '":18,"direction":"device","meaning":"Answer to a clock query.","fields":[{"name"'
    ':"tag","type":"u8","meaning":"The query\'s."},{"name":"clock_us","type":"u32","un'
    'it":"us","meaning":"Device clock; wraps at 2^30."},{"name":"uptime_s","type":"u3'
    '2","unit":"s","meaning":"Since boot, to count the wraps."},{"name":"next_index",'
    '"type":"u32","unit":"sample","meaning":"Index that the next sample will have."}]'
    '},{"name":"reply","id":19,"direction":"device","meaning":"Answer to every other '
    'command.","fields":[{"name":"tag","type":"u8","meaning":"The command\'s."},{"name'
    '":"command","type":"u8","meaning":"Its message id."},{"name":"result","type":"u8'
    '","enum":"result","meaning":"0 is ok; anything else is the reason for the refusa'
    'l."},{"name":"value","type":"i32","meaning":"Session number after start and stop'
    ', the setting in force after set, else 0."}]},{"name":"hello","id":64,"direction'
    '":"host","meaning":"Ask who is there; answered by identity.","fields":[{"name":"'
    'tag","type":"u8","meaning":"Any number, given back."}]},{"name":"start","id":65,'
    '"direction":"host","meaning":"Begin a session; sample index, sequence numbers an'
    'd losses begin at 0. Busy when one runs.","fields":[{"name":"tag","type":"u8","m'
    'eaning":"Any number, given back."}]},{"name":"stop","id":66,"direction":"host","'
    'meaning":"End the session; what is still held is sent, the last samples frame fi'
    'lled with missing records.","fields":[{"name":"tag","type":"u8","meaning":"Any n'
    'umber, given back."}]},{"name":"set","id":67,"direction":"host","meaning":"Chang'
    'e a setting. The reply carries the value in force.","fields":[{"name":"tag","typ'
    'e":"u8","meaning":"Any number, given back."},{"name":"setting","type":"u8","enum'
    '":"setting","meaning":"Which."},{"name":"value","type":"i32","meaning":"Its new '
    'value."}]},{"name":"tare","id":68,"direction":"host","meaning":"Take the present'
    ' counts as unloaded; the foot must be in the air.","fields":[{"name":"tag","type'
    '":"u8","meaning":"Any number, given back."}]},{"name":"calibrate","id":69,"direc'
    'tion":"host","meaning":"Take the present load as standing on this foot. Refused '
    'with not_tared before a tare, with no_load when too little is on it.","fields":['
    '{"name":"tag","type":"u8","meaning":"Any number, given back."}]},{"name":"clock_'
    'query","id":70,"direction":"host","meaning":"Ask for the clock; also tells the d'
    'evice that a host listens.","fields":[{"name":"tag","type":"u8","meaning":"Any n'
    'umber, given back."}]},{"name":"marker","id":71,"direction":"host","meaning":"Se'
    't a mark at the present sample.","fields":[{"name":"tag","type":"u8","meaning":"'
    'Any number, given back."},{"name":"code","type":"u16","meaning":"Any number; it '
    'comes back in the mark."}]},{"name":"leave","id":72,"direction":"host","meaning"'
    ':"End the firmware and hand the line to the REPL.","fields":[{"name":"tag","type'
    '":"u8","meaning":"Any number, given back."}]},{"name":"host_clock","id":128,"dir'
    'ection":"log","meaning":"The host\'s clocks beside the bytes received so far; abo'
    'ut once a second.","fields":[{"name":"unix_us","type":"u64","unit":"us","meaning'
    '":"Since 1970, UTC."},{"name":"monotonic_us","type":"u64","unit":"us","meaning":'
    '"The host\'s steady clock."},{"name":"received_bytes","type":"u64","unit":"byte",'
    '"meaning":"From the device in this recording."}]},{"name":"connect","id":129,"di'
    'rection":"log","meaning":"A port was opened and the insole confirmed.","fields":'
    '[{"name":"unix_us","type":"u64","unit":"us","meaning":"Since 1970, UTC."},{"name'
    '":"text","type":"text","meaning":"Name of the port."}]},{"name":"disconnect","id'
    '":130,"direction":"log","meaning":"The port went away or was closed.","fields":['
    '{"name":"unix_us","type":"u64","unit":"us","meaning":"Since 1970, UTC."},{"name"'
    ':"reason","type":"u8","enum":"disconnect_reason","meaning":"Why."}]},{"name":"no'
    'te","id":131,"direction":"log","meaning":"Something a person or the program wrot'
    'e down.","fields":[{"name":"unix_us","type":"u64","unit":"us","meaning":"Since 1'
    '970, UTC."},{"name":"text","type":"text","meaning":"The words."}]}]}'
)
