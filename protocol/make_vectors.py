"""Write vectors.json, the golden frames that both ends must read and write: python protocol/make_vectors.py [--check].

Made with struct, zlib and the `cobs` package from the byte tables of PROTOCOL.md, not with the code under test.

good      frame_hex: before COBS, CRC included. wire_hex: as sent, closing zero included. fields: every value;
          bytes as hex, and for samples also `counts`, the records unpacked.
damaged   wire_hex gives no frame; `why` says what is wrong. `crc_ok` true: the frame passes the CRC, and only its type
          or length is wrong. `frames` (default 0): good frames that are in it all the same.
commands  wire_hex: the characters sent, both zeros included. frame_hex: the frame they stand for.
"""

from __future__ import annotations

import json
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

from cobs import cobs
from generate import fingerprint, load

PATH = Path(__file__).resolve().parent / "vectors.json"

# name: (id, fields as "kind name"); kinds: struct codes, i24, 8s (bytes), 8H (eight of H), rest (bytes), text
_TABLE = {
    "samples": (0x01, "H session, I seq, I first_index, I clock_us, rest records"),
    "stride": (
        0x02,
        "H session, I seq, I initial_contact_idx, B initial_contact_frac, i24 forefoot_on, i24 heel_on, "
        "i24 forefoot_off, i24 heel_off, i24 final_contact, B contact_order, B lift_order, B walking, B confidence, "
        "H reasons, B delay, H forefoot_peak, H heel_peak, H forefoot_impulse, H heel_impulse",
    ),
    "contact": (
        0x03,
        "H session, I seq, I initial_contact_idx, B initial_contact_frac, B contact_order, B delay, B cued",
    ),
    "mark": (0x04, "H session, I seq, I index, H code"),
    "session_head": (
        0x05,
        "H session, H continues, I boot, I uptime_s, I clock_us, H rate_hz, B channel_n, B begun",
    ),
    "session_end": (
        0x06,
        "H session, I next_index, I samples_n, I stride_n, I mark_n, I lost_n, I unstored_n, B ended",
    ),
    "place": (0x07, "H session, I index"),
    "identity": (
        0x10,
        "B protocol_major, B protocol_minor, I fingerprint, 8s device_id, I boot, H session, B running, B foot, "
        "B board, 3s firmware_version, H rate_hz, B channel_n, B records_per_frame, H full_scale, 8s zones, 8s sites, "
        "8H baseline, 8H standing, B cue, B target_order, 8s source",
    ),
    "status": (
        0x11,
        "H session, B running, I uptime_s, I next_index, I lost_n, I late_n, I latest_us, I frame_dropped_n, "
        "H queue_bytes, H command_bad_n, I heap_free_bytes, H battery_mv, b temperature_c, H first_fault, H fault_n, "
        "B channel_out_bits, H store_page_n, H store_used_n, H store_ready_n, H store_ready_s, H store_oldest, "
        "H store_newest, I store_missed_n",
    ),
    "clock": (0x12, "B tag, I clock_us, I uptime_s, I next_index"),
    "reply": (0x13, "B tag, B command, B result, i value"),
    "stored": (
        0x14,
        "B tag, H session, H continues, I boot, I uptime_s, I clock_us, H rate_hz, B begun, I next_index, H page_n, "
        "B kept, B ended",
    ),
    "fetched": (0x15, "B tag, H session, H page_n, H bad_n, B last"),
    "hello": (0x40, "B tag"),
    "start": (0x41, "B tag"),
    "stop": (0x42, "B tag"),
    "set": (0x43, "B tag, B setting, i value"),
    "tare": (0x44, "B tag"),
    "calibrate": (0x45, "B tag"),
    "clock_query": (0x46, "B tag"),
    "marker": (0x47, "B tag, H code"),
    "leave": (0x48, "B tag"),
    "list": (0x49, "B tag, B which, H session"),
    "fetch": (0x4A, "B tag, H session, I first, I end"),
    "collected": (0x4B, "B tag, H session"),
    "erase": (0x4C, "B tag, H sure"),
    "keep": (0x4D, "B tag"),
    "host_clock": (0x80, "Q unix_us, Q monotonic_us, Q received_bytes"),
    "connect": (0x81, "Q unix_us, text text"),
    "disconnect": (0x82, "Q unix_us, B reason"),
    "note": (0x83, "Q unix_us, text text"),
    "exchange": (0x84, "Q sent_us, Q received_us, I clock_us, I uptime_s, I boot"),
}
LAYOUT: dict[str, tuple[int, list[tuple[str, str]]]] = {
    name: (number, [(field, kind) for kind, field in (item.split() for item in text.split(", "))])
    for name, (number, text) in _TABLE.items()
}
FINGERPRINT = fingerprint(load())
UNSIGNED_BITS = {"B": 8, "H": 16, "I": 32, "Q": 64}
SIGNED_BITS = {"b": 8, "i": 32, "i24": 24}


def field_bytes(kind: str, value: Any) -> bytes:
    if kind == "i24":
        return (value & 0xFFFFFF).to_bytes(3, "little")
    if kind in ("rest", "8s", "3s"):
        return bytes.fromhex(value)
    if kind == "text":
        return str(value).encode()
    return struct.pack("<" + kind, *(value if kind == "8H" else [value]))


def with_crc(body: bytes) -> bytes:
    return body + struct.pack("<I", zlib.crc32(body))


def frame_of(name: str, values: dict[str, Any]) -> bytes:
    number, layout = LAYOUT[name]
    return with_crc(bytes([number]) + b"".join(field_bytes(kind, values[field]) for field, kind in layout))


def good(name: str, kind: str, values: dict[str, Any], counts: list[list[int]] | None = None) -> dict[str, Any]:
    frame = frame_of(kind, values)
    fields = {**values, **({} if counts is None else {"counts": counts})}
    return {
        "name": name,
        "type": kind,
        "frame_hex": frame.hex(),
        "wire_hex": wire(frame).hex(),
        "fields": fields,
    }


def wire(frame: bytes) -> bytes:
    return cobs.encode(frame) + b"\0"


# ------------------------------------------------------------------------------------------------------------ good


IN_RANGE = {"channel_n": (1, 8), "rate_hz": (1, 65535)}
CHECKED = ("identity", "session_head")


def filled(kind: str, how: str) -> dict[str, Any]:
    """Give a message with every field at one extreme: "zeros", "ones" (all bits set), "lowest", "highest".

    What a reader reckons with may not be any number: see IN_RANGE.
    """
    values = {field: extreme(code, how) for field, code in LAYOUT[kind][1]}
    if kind in CHECKED:
        values.update({field: min(max(values[field], least), most) for field, (least, most) in IN_RANGE.items()})
    return values


def extreme(code: str, how: str) -> Any:
    if code in SIGNED_BITS:
        half = 1 << (SIGNED_BITS[code] - 1)
        return {"zeros": 0, "ones": -1, "lowest": -half, "highest": half - 1}[how]
    if code in UNSIGNED_BITS:
        return 0 if how in ("zeros", "lowest") else (1 << UNSIGNED_BITS[code]) - 1
    byte = "00" if how in ("zeros", "lowest") else "ff"
    if code == "8H":
        return [int(byte * 2, 16)] * 8
    if code == "text":
        return ""
    return byte * (9 if code == "rest" else int(code[0]))


def packed(counts: list[list[int]]) -> str:
    """Pack 12-bit counts by writing them as hexadecimal digits, three each, a record padded to whole bytes."""
    rows = ["".join(f"{count:03x}" for count in record) for record in counts]
    return "".join(row + "0" * (len(row) % 2) for row in rows)


def samples(name: str, counts: list[list[int]], **changes: int) -> dict[str, Any]:
    values: dict[str, Any] = {
        "session": 5,
        "seq": 7,
        "first_index": 182,
        "clock_us": 910000,
        **changes,
    }
    return good(name, "samples", {**values, "records": packed(counts)}, counts)


def ramp(record_n: int, channel_n: int) -> list[list[int]]:
    return [[(k * 157 + c * 511) % 4095 for c in range(channel_n)] for k in range(record_n)]


def good_samples() -> list[dict[str, Any]]:
    per_frame = {2: 78, 3: 47, 4: 39, 5: 29, 6: 26, 7: 21, 8: 19}
    full = [samples(f"samples, {c} channels, full frame", ramp(n, c)) for c, n in per_frame.items()]
    clock_end = (1 << 30) - 1
    return [
        *full,
        samples("samples, all counts zero", [[0] * 6] * 26),
        samples("samples, all records missing", [[0xFFF] * 6] * 26),
        samples("samples, a hole in the middle", [*ramp(12, 6), [0xFFF] * 6, *ramp(13, 6)]),
        samples("samples, last frame, three records and padding", [*ramp(3, 6), *[[0xFFF] * 6] * 23]),
        samples("samples, largest counts", [[4094] * 6] * 26),
        samples(
            "samples, clock and indices at their ends",
            ramp(26, 6),
            clock_us=clock_end,
            seq=2**32 - 1,
            first_index=2**32 - 1,
            session=65535,
        ),
    ]


def good_others() -> list[dict[str, Any]]:
    out = []
    for kind in sorted(set(LAYOUT) - {"samples"}, key=list(LAYOUT).index):
        signed = any(code in SIGNED_BITS for _, code in LAYOUT[kind][1])
        for how in ("zeros", "ones", *(("lowest", "highest") if signed else ())):
            out.append(good(f"{kind}, {how}", kind, filled(kind, how)))
    return out


def valued(kind: str, *values: Any) -> dict[str, Any]:
    """Give a message's fields with their values, in the order of its table."""
    return dict(zip((field for field, _ in LAYOUT[kind][1]), values, strict=True))


def good_usual() -> list[dict[str, Any]]:
    stride = valued(
        "stride", 5, 12, 2841, 77, 0, 5317, 28160, 33301, 33301, 1, 1, 2, 92, 0x0155, 9, 5120, 3900, 4711, 3003
    )
    unseen = {**stride, "heel_on": -8388608, "heel_off": -8388608, "reasons": 0x0400, "heel_peak": 0, "heel_impulse": 0}
    zones, sites = "000000000101ffff", "00010305090affff"
    baseline, standing = [101, 99, 120, 87, 143, 90, 65535, 65535], [65535] * 8
    head = (1, 2, FINGERPRINT, "240ac4a1b2c30000", 17, 5, 1, 0, 0, "000100", 200, 6, 26, 4094)
    identity = valued("identity", *head, zones, sites, baseline, standing, 0, 1, "5ba1d0c3e2f49687")
    return [
        good(
            "clock, the document's worked frame",
            "clock",
            {"tag": 7, "clock_us": 10**6, "uptime_s": 1, "next_index": 200},
        ),
        good("stride, backward", "stride", stride),
        good("stride, heel never seen", "stride", unseen),
        good(
            "stride, forefoot before the reference",
            "stride",
            {**stride, "forefoot_on": -1, "heel_on": -256},
        ),
        good("identity, left, six channels", "identity", identity),
        good("reply, refused", "reply", {"tag": 9, "command": 0x43, "result": 3, "value": -40}),
        good("note, the longest", "note", {"unix_us": 1_795_000_000_000_000, "text": "x" * 241}),
        good("note, 254 bytes and no zero", "note", {"unix_us": 0x0101010101010101, "text": "y" * 241}),
        good(
            "note, not ASCII",
            "note",
            {"unix_us": 1, "text": "Ferse zuerst: links, 3 \u00d7 \u2713"},
        ),
    ]


# --------------------------------------------------------------------------------------------------------- damaged

CLOCK = with_crc(bytes.fromhex("1207 40420f00 01000000 c8000000"))
MARK = with_crc(bytes.fromhex("04 0500 01000000 02000000 0700"))


def damaged() -> list[dict[str, Any]]:
    clock, mark = wire(CLOCK), wire(MARK)
    flips = [(k, bit) for k in (1, 5, 9, 16, 18) for bit in (0, 7)]
    out = [_bad(f"bit {bit} of byte {k} flipped", flip(clock, k, bit), "one bit differs") for k, bit in flips]
    out += [
        _bad("cut at the front", clock[3:], "the first three bytes are missing"),
        _bad("cut in the middle", clock[:8] + clock[11:], "three bytes are missing"),
        _bad("cut at the end", clock[:-4] + b"\0", "the last three bytes are missing"),
        _bad("doubled byte", clock[:6] + clock[5:6] + clock[6:], "byte 5 came twice"),
        _bad("joined", clock[:-1] + mark, "the zero between two frames is missing"),
        _bad(
            "COBS code points outside",
            b"\xf0" + clock[1:],
            "the first code is larger than what follows",
        ),
        _bad("too long", b"\x01" * 300 + b"\0", "300 bytes: no frame has more than 255 on the wire"),
        _bad(
            "255 bytes before COBS, CRC right",
            over_long(),
            "one byte more than a frame has",
        ),
        _bad("empty message", wire(b"\0\0\0\0"), "a right CRC and nothing else: there is no type"),
        _bad(
            "CRC alone wrong",
            wire(CLOCK[:-1] + bytes([CLOCK[-1] ^ 1])),
            "the last CRC byte differs",
        ),
        _bad(
            "CRC big-endian",
            wire(CLOCK[:-4] + CLOCK[:-5:-1]),
            "the CRC's bytes are the other way round",
        ),
        _bad("text", b"Traceback (most recent call last):\r\n\0", "text that was printed to the line"),
        _bad(
            "unknown type",
            wire(with_crc(b"\x7e\x01\x02")),
            "type 0x7E is not defined: count and skip",
            crc_ok=True,
        ),
        _bad(
            "too short a payload",
            wire(with_crc(CLOCK[:-6])),
            "a clock frame without its last two bytes",
            crc_ok=True,
        ),
        _bad(
            "identity of two bytes",
            wire(with_crc(b"\x10\x02\x00")),
            "far too short an identity",
            crc_ok=True,
        ),
        *(
            _bad(f"{kind} with {field} {value}", outside(kind, field, value), "nothing can be read by it", crc_ok=True)
            for kind in CHECKED
            for field, value in (("channel_n", 0), ("channel_n", 9), ("rate_hz", 0))
        ),
        _bad("type alone", wire(with_crc(b"\x11")), "a status frame without any field", crc_ok=True),
        _bad(
            "damaged, then good",
            flip(clock, 4, 2) + mark,
            "one bit differs; the frame behind it is good",
            frames=1,
        ),
        _bad(
            "text, zero, then good",
            b"boot: 3\r\n\0" + mark,
            "text does not cost the frame behind a zero",
            frames=1,
        ),
        _bad("zeros only", b"\0\0\0\0", "empty frames mean nothing"),
    ]
    return out


def outside(kind: str, field: str, value: int) -> bytes:
    """Give a frame of ones whose CRC is right, but for one field that may not be as it is."""
    return bytes.fromhex(good("", kind, {**filled(kind, "ones"), field: value})["wire_hex"])


def over_long() -> bytes:
    """Give a frame of 255 bytes, CRC right: a code of 255 covers 254 of them, a code of 2 the last."""
    frame = with_crc(b"\x83" + b"a" * 250)
    k = 0
    while 0 in frame:  # a zero in the CRC would change the blocks
        k += 1
        frame = with_crc(b"\x83" + f"{k:0250d}".encode())
    return wire(frame)


def flip(data: bytes, at: int, bit: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def _bad(name: str, wire_bytes: bytes, why: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "wire_hex": wire_bytes.hex(), "why": why, **more}


# -------------------------------------------------------------------------------------------------------- commands


def commands() -> list[dict[str, Any]]:
    wanted: list[tuple[str, str, dict[str, int]]] = [
        (name, name, {"tag": 16 * (k + 1)})
        for k, name in enumerate(["hello", "start", "stop", "tare", "calibrate", "clock_query", "leave"])
    ]
    wanted += [
        ("hello, tag 3, the byte of Ctrl-C", "hello", {"tag": 3}),
        ("hello, tag 0", "hello", {"tag": 0}),
        ("set rate_hz 100", "set", {"tag": 8, "setting": 1, "value": 100}),
        ("set rate_hz -1", "set", {"tag": 9, "setting": 1, "value": -1}),
        ("set target_order 2", "set", {"tag": 10, "setting": 3, "value": 2}),
        ("set, highest", "set", {"tag": 255, "setting": 255, "value": 2**31 - 1}),
        ("marker 0", "marker", {"tag": 11, "code": 0}),
        ("marker 65535", "marker", {"tag": 12, "code": 65535}),
        ("list, the oldest", "list", {"tag": 13, "which": 0, "session": 0}),
        ("fetch, to the end", "fetch", {"tag": 14, "session": 65535, "first": 2600, "end": 2**32 - 1}),
        ("collected", "collected", {"tag": 15, "session": 7}),
        ("erase", "erase", {"tag": 16, "sure": 0x5EED}),
        ("keep", "keep", {"tag": 17}),
    ]
    out = []
    for name, kind, values in wanted:
        frame = frame_of(kind, values)
        line = b"\0" + frame.hex().encode() + b"\0"
        row = {
            "name": name,
            "type": kind,
            "wire_hex": line.hex(),
            "frame_hex": frame.hex(),
            "fields": values,
        }
        out.append(row)
    return out


def text() -> str:
    parts = {
        "good": good_usual() + good_samples() + good_others(),
        "damaged": damaged(),
        "commands": commands(),
    }
    lines = [f'"{k}": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]" for k, rows in parts.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main(arguments: list[str]) -> int:
    new = text()
    if PATH.exists() and PATH.read_text(encoding="utf-8") == new:
        return 0
    if "--check" in arguments:
        print("protocol/vectors.json is not what make_vectors.py makes: run python protocol/make_vectors.py")
        return 1
    PATH.write_text(new, encoding="utf-8")
    print("wrote protocol/vectors.json")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
