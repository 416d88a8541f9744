"""Check the insole board's schematic and write what is made from it: python -m hardware.board_files [--check].

KiCad's own tool does the work (hardware/kicad.py); dates, its folder and its version are taken out, so the same
schematic always gives the same bytes. Into hardware/board/out/:

erc.json        what the electrical rules check finds: nothing, or this fails
schematic.pdf   all sheets; of the channel, which is used eight times, the first
*.svg           one sheet each
netlist.net     which pin is on which net; the tests hold it against the firmware's pins
bom.csv         bill of materials

With --check nothing is written; the exit code is 1 when a file there is not what KiCad makes.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hardware.kicad import KicadError, Room, obtain
from hardware.slim import slim_pdf, slim_svg

BOARD = Path(__file__).resolve().parent / "board"
OUT = BOARD / "out"
SCHEMATIC = "insole.kicad_sch"
SHEETS = {  # as KiCad names the SVG of a sheet
    "insole": "overview.svg",
    "insole-Power": "power.svg",
    "insole-Sensors and front ends": "frontends.svg",
    "insole-Module": "module.svg",
    "insole-Sensors and front ends-Channel 0: hallux": "channel.svg",
}
PAGES = "1,2,3,4,5"
DRAWN_BY = "9.0.2"  # another version may draw a line otherwise
_SHOWN_N = 20
BOM_COLUMNS = {  # field of a symbol: heading
    "Reference": "References",
    "${QUANTITY}": "Quantity",
    "Value": "Value",
    "Footprint": "Package",
    "MPN": "MPN",
    "Manufacturer": "Manufacturer",
    "Alternative": "Alternative",
    "Price_Class": "Price class",
    "Description": "Description",
    "Package": "Off the board",  # what it looks like when it has no footprint
}


def make(room: Room) -> dict[str, bytes]:
    """Run KiCad over the schematic in a room; return the files by name."""
    return {name: made(room) for name, made in MADE.items()} | _svgs(room)


def _erc(room: Room) -> bytes:
    report = json.loads(_export(room, "erc.json", "erc", "--format", "json", "--severity-all"))
    violations = [
        {"sheet": sheet["path"], **{key: found[key] for key in ("severity", "type", "description")}, "items": items}
        for sheet in report["sheets"]
        for found in sheet["violations"]
        for items in [[item["description"] for item in found["items"]]]
    ]
    return (json.dumps({"sheets": len(report["sheets"]), "violations": violations}, indent=2) + "\n").encode()


def _pdf(room: Room) -> bytes:
    options = ("--exclude-pdf-property-popups", "--exclude-pdf-metadata", "--no-background-color", "--pages", PAGES)
    return slim_pdf(_export(room, "schematic.pdf", "export", "pdf", *options))


def _svgs(room: Room) -> dict[str, bytes]:
    """Take the pages wanted; KiCad 9's own choice of pages gives only the first."""
    room.run("sch", "export", "svg", "--no-background-color", "-o", f"{room.inside}/svg", f"{room.inside}/{SCHEMATIC}")
    texts = {name: (room.path / "svg" / f"{sheet}.svg").read_text("utf-8") for sheet, name in SHEETS.items()}
    return {name: slim_svg(text, f"Retrosole insole board: {Path(name).stem}") for name, text in texts.items()}


def _netlist(room: Room) -> bytes:
    text = _export(room, "netlist.net", "export", "netlist").decode()
    text = re.sub(r'^    \((source|date|tool) "[^"]*"\)\n', "", text, flags=re.M)
    return text.replace(f"{room.inside}/", "${KIPRJMOD}/").encode()


def _bom(room: Room) -> bytes:
    columns = ("--fields", ",".join(BOM_COLUMNS), "--labels", ",".join(BOM_COLUMNS.values()))
    table = _export(room, "bom.csv", "export", "bom", *columns, "--group-by", "Value,Footprint,MPN")
    lines = list(csv.DictReader(io.StringIO(table.decode())))
    for line in lines:
        line["Package"] = line["Package"] or line["Off the board"]
    text = io.StringIO()  # written as KiCad does, all in quotes
    to = csv.DictWriter(text, [*lines[0]][:-1], extrasaction="ignore", quoting=csv.QUOTE_ALL, lineterminator="\n")
    to.writeheader()
    to.writerows(lines)
    return text.getvalue().encode()


def _export(room: Room, name: str, *arguments: str) -> bytes:
    room.run("sch", *arguments, "-o", f"{room.inside}/{name}", f"{room.inside}/{SCHEMATIC}")
    return (room.path / name).read_bytes()


MADE: dict[str, Callable[[Room], bytes]] = {
    "erc.json": _erc,
    "schematic.pdf": _pdf,
    "netlist.net": _netlist,
    "bom.csv": _bom,
}


def violations(files: dict[str, bytes]) -> list[dict[str, Any]]:
    """Give what the electrical rules check found."""
    return list(json.loads(files["erc.json"])["violations"])


def _write(files: dict[str, bytes]) -> None:
    OUT.mkdir(exist_ok=True)
    for name, data in files.items():
        (OUT / name).write_bytes(data)
        print(f"hardware: hardware/board/out/{name}, {len(data)} bytes")


def _different(files: dict[str, bytes]) -> list[str]:
    return [name for name, data in files.items() if not (OUT / name).is_file() or (OUT / name).read_bytes() != data]


def main(arguments: list[str]) -> int:
    """Make or check the files; the exit code is 1 when the schematic breaks a rule or a file differs."""
    parser = argparse.ArgumentParser(description="Check the insole board's schematic and write what is made from it.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is not what KiCad makes")
    is_check = parser.parse_args(arguments).check
    try:
        with obtain().room(BOARD) as room:
            files = make(room)
    except KicadError as error:
        print(f"hardware: {error}", file=sys.stderr)
        return 1
    found = violations(files)
    print(f"hardware: the rules check found {len(found)}")
    for one in found[:_SHOWN_N]:
        print(f"hardware: {one['severity']} on {one['sheet']}: {one['description']}: {'; '.join(one['items'])}")
    if not is_check:
        _write(files)
        return 1 if found else 0
    stale = _different(files)
    for name in stale:
        print(f"hardware: {name} is not what KiCad makes of the schematic: run make hardware")
    return 1 if found or stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
