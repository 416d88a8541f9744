"""Write everything that follows from messages.toml: python protocol/generate.py [--check].

firmware/insole/wire.py   numbers and struct formats for the device
host/retrosole/wire.py    enumerations, dataclasses, construct definitions and numpy dtypes for the host
protocol/PROTOCOL.md      the tables between the GENERATED marks

With --check nothing is written; the exit code is 1 when a file is not what the specification says.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
import zlib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HEAD = "GENERATED from protocol/messages.toml by protocol/generate.py: edit those."

# type: (bytes, device struct code, construct name, numpy code)
TYPES: dict[str, tuple[int, str, str, str]] = {
    "u8": (1, "B", "Int8ul", "u1"),
    "i8": (1, "b", "Int8sl", "i1"),
    "u16": (2, "H", "Int16ul", "<u2"),
    "i24": (3, "Hb", "Int24sl", "V3"),  # device: low 16 bits, then the signed high byte
    "u32": (4, "I", "Int32ul", "<u4"),
    "i32": (4, "i", "Int32sl", "<i4"),
    "u64": (8, "Q", "Int64ul", "<u8"),
}
OPEN_ENDED = {"rest", "text"}
HOST_ONLY = {"disconnect_reason"}

Message = dict[str, Any]
Field = dict[str, Any]


def load() -> dict[str, Any]:
    with open(ROOT / "protocol" / "messages.toml", "rb") as file:
        spec = tomllib.load(file)
    check(spec)
    return spec


def check(spec: dict[str, Any]) -> None:
    """Refuse a specification that contradicts itself."""
    ids = [m["id"] for m in spec["message"]]
    assert len(ids) == len(set(ids)), "two messages share an id"
    for message in spec["message"]:
        for k, field in enumerate(message["fields"]):
            last = k == len(message["fields"]) - 1
            base, _ = split_type(field)
            assert base in TYPES or (base in OPEN_ENDED and last), f"{message['name']}.{field['name']}: {base}"
            assert field.get("enum") is None or field["enum"] in spec["enums"], field
            assert field.get("bits") is None or field["bits"] in spec["bits"], field
        appended = [f.get("since", 0) for f in message["fields"]]
        assert appended == sorted(appended), f"{message['name']}: fields are appended"
        assert all("invalid" in f and split_type(f)[0] == "u8" for f in message["fields"] if "since" in f), message
        assert size(message) <= spec["limits"]["frame_bytes"], message["name"]


def fingerprint(spec: dict[str, Any]) -> int:
    """Give the CRC-32 of what two ends must agree on; wording does not count."""
    layout = [
        [m["name"], m["id"], [[f["name"], f["type"], f.get("scale"), f.get("invalid")] for f in m["fields"]]]
        for m in spec["message"]
    ]
    settings = [[s["name"], s.get("choices") or [s["lowest"], s["highest"]], s["default"]] for s in spec["setting"]]
    parts = [spec["protocol"], spec["limits"], spec["enums"], spec["bits"], settings, layout]
    return zlib.crc32(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode())


def split_type(field: Field) -> tuple[str, int]:
    """Give a field's base type and how many of it there are (0: a single value)."""
    match = re.fullmatch(r"(\w+)\[(\d+)\]", field["type"])
    return (match[1], int(match[2])) if match else (field["type"], 0)


def size(message: Message) -> int:
    """Give a frame's bytes before COBS: type, fields and CRC; an open end counts as nothing."""
    total = 1 + 4
    for field in message["fields"]:
        base, n = split_type(field)
        total += TYPES[base][0] * max(n, 1) if base in TYPES else 0
    return total


def choices(spec: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Give the values of each setting that has few."""
    return {s["name"]: tuple(s["choices"]) for s in spec["setting"] if "choices" in s}


def ranges(spec: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Give the lowest and highest value of each setting that has many."""
    return {s["name"]: (s["lowest"], s["highest"]) for s in spec["setting"] if "lowest" in s}


def older(message: Message) -> dict[int, bytes]:
    """Give, by the bytes of payload of each older minor version, what its frames lack: fields appended since."""
    whole = size(message) - 5
    cut: dict[int, bytes] = {}
    lack = b""
    for field in reversed(message["fields"]):
        if "since" not in field:
            break
        _, n = split_type(field)
        lack = bytes([field["invalid"]]) * max(n, 1) + lack
        cut[whole - len(lack)] = lack
    return cut


def struct_format(message: Message) -> str:
    codes = ["<B"]
    for field in message["fields"]:
        base, n = split_type(field)
        if base in TYPES:
            codes.append(f"{n}s" if base == "u8" and n else TYPES[base][1] * max(n, 1))
    return "".join(codes)


# ------------------------------------------------------------------------------------------------------- firmware


def firmware_text(spec: dict[str, Any]) -> str:
    lines = [
        f"# {HEAD}",
        "# Numbers of the wire for the device. Formats are for struct; arrays of u8 are 's' fields.",
        "",
    ]
    lines += [
        f"PROTOCOL_MAJOR = {spec['protocol']['major']}",
        f"PROTOCOL_MINOR = {spec['protocol']['minor']}",
        f"FINGERPRINT_HIGH = 0x{fingerprint(spec) >> 16:04X}  # two halves: 32 bits would not be a small int",
        f"FINGERPRINT_LOW = 0x{fingerprint(spec) & 0xFFFF:04X}",
    ]
    lines += [f"{name.upper()} = {value}" for name, value in spec["limits"].items()]
    for name, values in spec["enums"].items():
        if name in HOST_ONLY:
            continue
        lines += ["", f"# {name}"] + [f"{name.upper()}_{k.upper()} = {v}" for k, v in values.items()]
    for name, values in spec["bits"].items():
        lines += ["", f"# {name}, as masks"] + [f"{name.upper()}_{k.upper()} = {1 << v}" for k, v in values.items()]
    lines += ["", "# messages"]
    for m in spec["message"]:
        if m["direction"] != "log":
            upper = m["name"].upper()
            lines += [
                f"{upper} = 0x{m['id']:02X}",
                f"{upper}_BYTES = {size(m)}",
            ]
            if m["direction"] == "device":  # commands are read byte by byte; each name takes room on the device
                lines.append(f'{upper}_FORMAT = "{struct_format(m)}"')
            lines += [f"{upper}_{f['name'].upper()}_INVALID = {f['invalid']}" for f in m["fields"] if "invalid" in f]
    lines += ["", "# setting: the values it may take, or the lowest and highest"]
    for name, values in (("SETTING_CHOICES", choices(spec)), ("SETTING_RANGES", ranges(spec))):
        lines += [f"{name} = {{"]
        lines += [f"    {spec['enums']['setting'][setting]}: {value}," for setting, value in values.items()]
        lines += ["}"]
    lines += [f"{s['name'].upper()}_DEFAULT = {s['default']}" for s in spec["setting"]]
    return "\n".join(lines) + "\n"


# ----------------------------------------------------------------------------------------------------------- host


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def python_type(field: Field) -> str:
    base, n = split_type(field)
    if base == "text":
        return "str"
    if base == "rest" or (base == "u8" and n):
        return "bytes"
    return "tuple[int, ...]" if n else "int"


def construct_type(field: Field) -> str:
    base, n = split_type(field)
    if base == "text":
        return 'GreedyString("utf8")'
    if base == "rest":
        return "GreedyBytes"
    if base == "u8" and n:
        return f"Bytes({n})"
    return f"Array({n}, {TYPES[base][2]})" if n else TYPES[base][2]


def dtype_entry(field: Field) -> str:
    base, n = split_type(field)
    shape = f", ({n},)" if n else ""
    return f'("{field["name"]}", "{TYPES[base][3]}"{shape})'


def is_fixed(message: Message) -> bool:
    return all(split_type(field)[0] not in OPEN_ENDED for field in message["fields"])


def host_class(message: Message) -> list[str]:
    lines = ["", "", "@dataclass(frozen=True)", f"class {camel(message['name'])}Frame:"]
    lines += [f'    """{message["meaning"]}"""', "", f"    TYPE: ClassVar[int] = 0x{message['id']:02X}"]
    for field in message["fields"]:
        unit = f"{field['unit']}: " if field.get("unit") else ""
        lines.append(f"    {field['name']}: {python_type(field)}  # {unit}{field['meaning']}")
    return lines


def host_construct(message: Message) -> list[str]:
    lines = [f"    0x{message['id']:02X}: Struct(  # {message['name']}"]
    lines += [f'        "{f["name"]}" / {construct_type(f)},' for f in message["fields"]]
    return [*lines, "    ),"]


def host_dtype(message: Message) -> list[str]:
    fields = [f for f in message["fields"] if split_type(f)[0] not in OPEN_ENDED]
    tail = ['("crc", "<u4")'] if is_fixed(message) else []
    entries = ['("type", "u1")', *(dtype_entry(f) for f in fields), *tail]
    return (
        [f"    0x{message['id']:02X}: np.dtype(  # {message['name']}", "        ["]
        + [f"            {entry}," for entry in entries]
        + ["        ]", "    ),"]
    )


def host_enum(name: str, values: dict[str, int]) -> list[str]:
    lines = ["", "", f"class {camel(name)}(IntEnum):"]
    return lines + [f"    {k.upper()} = {v}" for k, v in values.items()]


def host_text(spec: dict[str, Any]) -> str:
    lines = [
        f'"""{HEAD}',
        "",
        "Every frame as a dataclass, as a construct definition and, where it is fixed, as a numpy dtype.",
        '"""',
        "",
    ]
    lines += [
        "from __future__ import annotations",
        "",
        "from dataclasses import dataclass",
        "from enum import IntEnum, IntFlag",
    ]
    lines += ["from typing import Any, ClassVar", "", "import numpy as np"]
    kinds = sorted(
        {k for m in spec["message"] for f in m["fields"] for k in re.findall(r"[A-Z]\w+", construct_type(f))}
    )
    lines += ["from construct import (", *(f"    {k}," for k in sorted([*kinds, "Struct"])), ")", ""]
    lines += [f"PROTOCOL_MAJOR = {spec['protocol']['major']}", f"PROTOCOL_MINOR = {spec['protocol']['minor']}"]
    lines += [f"FINGERPRINT = 0x{fingerprint(spec):08X}"]
    lines += [f"{name.upper()} = {value}" for name, value in spec["limits"].items()]
    not_seen = {f["invalid"] for m in spec["message"] for f in m["fields"] if f["type"] == "i24"}
    assert len(not_seen) == 1, "the host has one word for an event not seen"
    lines += [f"NOT_SEEN = {not_seen.pop()}", ""]
    lines += ["# The values that each setting may take, or its lowest and highest"]
    lines += ["SETTING_CHOICES: dict[str, tuple[int, ...]] = {"]
    lines += [f'    "{name}": {values},' for name, values in choices(spec).items()] + ["}"]
    lines += ["SETTING_RANGES: dict[str, tuple[int, int]] = {"]
    lines += [f'    "{name}": {values},' for name, values in ranges(spec).items()] + ["}"]
    for name, values in spec["enums"].items():
        lines += host_enum(name, values)
    for name, values in spec["bits"].items():
        lines += ["", "", f"class {camel(name)}(IntFlag):"] + [
            f"    {k.upper()} = 0x{1 << v:X}" for k, v in values.items()
        ]
    for message in spec["message"]:
        lines += host_class(message)
    lines += ["", "", "FRAME_CLASSES: dict[int, Any] = {"]
    lines += [f"    0x{m['id']:02X}: {camel(m['name'])}Frame," for m in spec["message"]] + ["}"]
    lines += ["", "# Payloads: what stands between the type byte and the CRC", "STRUCTS: dict[int, Any] = {"]
    for message in spec["message"]:
        lines += host_construct(message)
    lines += [
        "}",
        "",
        "# Whole frames before COBS; of open-ended ones the head",
        "DTYPES: dict[int, np.dtype[Any]] = {",
    ]
    for message in spec["message"]:
        lines += host_dtype(message)
    invalid = {f"{m['name']}.{f['name']}": f["invalid"] for m in spec["message"] for f in m["fields"] if "invalid" in f}
    scale = {f"{m['name']}.{f['name']}": f["scale"] for m in spec["message"] for f in m["fields"] if "scale" in f}
    lines += ["}", "", "INVALID: dict[str, int] = {", *(f'    "{k}": {v},' for k, v in invalid.items()), "}"]
    lines += ["", "# Frames of older minor versions: what is put behind a payload of so many bytes"]
    lines += ["OLDER: dict[int, dict[int, bytes]] = {"]
    lines += [f"    0x{m['id']:02X}: {older(m)}," for m in spec["message"] if older(m)] + ["}"]
    lines += ["", "SCALE: dict[str, float] = {", *(f'    "{k}": {v},' for k, v in scale.items()), "}"]
    lines += host_spec(spec)
    return "\n".join(lines) + "\n"


def host_spec(spec: dict[str, Any]) -> list[str]:
    """Keep the whole specification in the host, so that a session can carry the one it was written with."""
    text = json.dumps(spec, separators=(",", ":"))
    parts = [text[k : k + 80] for k in range(0, len(text), 80)]
    return ["", "# The specification itself", "SPEC_JSON = (", *(f"    {part!r}" for part in parts), ")"]


# ------------------------------------------------------------------------------------------------------- document


def table(message: Message) -> list[str]:
    lines = [f"### 0x{message['id']:02X} {message['name']}", "", message["meaning"], ""]
    lines += [
        "| Byte | Field | Type | Unit | Invalid | Meaning |",
        "|---|---|---|---|---|---|",
        f"| 0 | type | u8 | | | 0x{message['id']:02X} |",
    ]
    at = 1
    for field in message["fields"]:
        base, n = split_type(field)
        unit = field.get("unit", "") or (f"enum {field['enum']}" if "enum" in field else "")
        unit += f", scale {field['scale']}" if "scale" in field else ""
        unit = unit or (f"bits {field['bits']}" if "bits" in field else "")
        lines.append(
            f"| {at} | {field['name']} | {field['type']} | {unit} | {field.get('invalid', '')} | {field['meaning']} |"
        )
        at += TYPES[base][0] * max(n, 1) if base in TYPES else 0
    end = at if is_fixed(message) else "last 4"
    return [*lines, f"| {end} | crc | u32 | | | CRC-32 of all before it |", ""]


def document_text(spec: dict[str, Any]) -> str:
    sections = {"device": "## From the device", "host": "## Commands", "log": "## Made by the host, only in its logs"}
    lines = [
        f"Version {spec['protocol']['major']}.{spec['protocol']['minor']}, fingerprint 0x{fingerprint(spec):08X}.",
        "",
    ]
    for direction, title in sections.items():
        lines += [title, ""]
        for message in spec["message"]:
            if message["direction"] == direction:
                lines += table(message)
    lines += ["## Settings", "", "| Setting | Choices | Default | Unit | Meaning |", "|---|---|---|---|---|"]
    for s in spec["setting"]:
        values = ", ".join(map(str, s["choices"])) if "choices" in s else f"{s['lowest']} to {s['highest']}"
        default = "unset" if s["default"] == 255 else s["default"]
        lines.append(f"| {s['name']} | {values} | {default} | {s['unit']} | {s['meaning']} |")
    lines += ["", "## Words", "", "| List | Values |", "|---|---|"]
    for name, values in spec["enums"].items():
        lines.append(f"| {name} | " + ", ".join(f"{v} {k}" for k, v in values.items()) + " |")
    for name, values in spec["bits"].items():
        lines.append(f"| {name} (bits) | " + ", ".join(f"{v} {k}" for k, v in values.items()) + " |")
    return "\n".join(lines)


def between_marks(text: str, new: str) -> str:
    begin, end = "<!-- GENERATED from messages.toml -->", "<!-- end of GENERATED -->"
    before, rest = text.split(begin)
    _, after = rest.split(end)
    return f"{before}{begin}\n{new}\n{end}{after}"


def outputs() -> dict[Path, str]:
    spec = load()
    document = ROOT / "protocol" / "PROTOCOL.md"
    return {
        ROOT / "firmware" / "insole" / "wire.py": firmware_text(spec),
        ROOT / "host" / "retrosole" / "wire.py": host_text(spec),
        document: between_marks(document.read_text(encoding="utf-8"), document_text(spec)),
    }


def main(arguments: list[str]) -> int:
    stale = [path for path, text in outputs().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not what messages.toml says: run python protocol/generate.py")
        return 1 if stale else 0
    for path in stale:
        path.write_text(outputs()[path], encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
