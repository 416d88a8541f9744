"""The drawings of a sheet: a pair for a cutter (SVG, DXF), and pages of each foot to print and cut by (PDF)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hardware.drawing import Circle, Layer, Line, Page, Point, Shape, Text, dxf, moved, pdf, svg
from hardware.pins import read_pins
from hardware.sheet.shape import DATA, Sensor, Sheet, mirrored

LAYERS = {
    "CUT": Layer((200, 0, 0), 1, 0.3),
    "FOLD": Layer((0, 90, 200), 5, 0.3, (3, 2)),
    "PAD": Layer((0, 130, 60), 3, 0.3),
    "SENSOR": Layer((130, 130, 130), 8, 0.2),
    "WIRE": Layer((180, 110, 0), 30, 0.2, (1, 1.5)),
    "TEXT": Layer((0, 0, 0), 7, 0.2),
    "SCALE": Layer((0, 0, 0), 7, 0.3),
}
KIT, BOARD = read_pins("esp32_devkitc").sites, read_pins("insole_s3").sites
SIDES = ("left", "right")
_GAP = 20.0  # between the two sheets of a pair
_MARGIN = 10.0
_A4, _A3 = (210.0, 297.0), (297.0, 420.0)
_EDGE = 7.0  # of a page, which printers leave white


def channel_numbers(site: str) -> str:
    """Give a site's channel on the kit and on the insole board, - where it has none."""
    return "/".join(str(sites.index(site)) if site in sites else "-" for sites in (KIT, BOARD))


def foot(sheet: Sheet, side: str) -> list[Shape]:
    """Draw one sheet with its lower left corner, without the tongue, at 0, 0; a left one's tongue is at x below 0."""

    def here(points: tuple[Point, ...]) -> tuple[Point, ...]:
        return mirrored(points, sheet.breadth_mm) if side == "left" else points

    shapes: list[Shape] = [Line("CUT", here(sheet.cut), is_closed=True), Line("FOLD", here(sheet.fold))]
    for sensor in sheet.sensors:
        shapes += _sensor(sensor, here)
    middle = here(((0.63 * sheet.breadth_mm, 0.505 * sheet.length_mm),))[0]
    words = (f"{side.upper()}  EU {sheet.size}", f"foot {sheet.foot_mm:.0f} mm", "this side up")
    return [*shapes, *(Text("TEXT", (middle[0], middle[1] - 4.5 * k), 3.2, text, True) for k, text in enumerate(words))]


def _sensor(sensor: Sensor, here: Callable[[tuple[Point, ...]], tuple[Point, ...]]) -> list[Shape]:
    centre, *tail = here((sensor.centre, *sensor.tail))
    x, y = centre
    name = sensor.site.replace("_", " ").split()
    return [
        Circle("PAD", centre, DATA["sensor"]["pad_mm"] / 2),
        Circle("SENSOR", centre, DATA["sensor"]["disc_mm"] / 2),
        Line("SENSOR", tuple(tail)),
        Line("WIRE", here(sensor.lane)),
        *(Line("PAD", ((x - a, y - b), (x + a, y + b))) for a, b in ((1, 0), (0, 1))),
        *(Text("TEXT", (x, y + 1.5 + 1.9 * (len(name) - 1 - k)), 2.0, word, True) for k, word in enumerate(name)),
        Text("TEXT", (x, y - 4), 2.8, channel_numbers(sensor.site), True),
    ]


def bar(at: Point, is_upright: bool = False) -> list[Shape]:
    """Draw a bar of 100 mm with a mark each 10 mm, to check that nothing was scaled."""

    def place(along: float, aside: float) -> Point:
        return (at[0] + aside, at[1] + along) if is_upright else (at[0] + along, at[1] + aside)

    marks = [Line("SCALE", (place(10 * k, 0), place(10 * k, 4 if k % 10 == 0 else 2))) for k in range(11)]
    return [Line("SCALE", (place(0, 0), place(100, 0))), *marks, Text("SCALE", place(3, 3), 3, "100 mm")]


def pair(sheet: Sheet) -> list[Shape]:
    """Draw both sheets beside each other with a bar below; the lower left corner of everything is 0, 0."""
    tongue = max(x for x, _ in sheet.cut) - sheet.breadth_mm
    left = tongue + _MARGIN
    shapes = [moved(shape, (left, 20)) for shape in foot(sheet, "left")]
    shapes += [moved(shape, (left + sheet.breadth_mm + _GAP, 20)) for shape in foot(sheet, "right")]
    return [*shapes, *bar((left, 8)), Text("TEXT", (left + 105, 8), 3, "channel on the kit / on the insole board")]


def page(sheet: Sheet, side: str) -> Page:
    """Draw one sheet on the smallest page that it fits, with a bar each way."""
    width, height = _A4 if sheet.length_mm + 2 * _EDGE <= _A4[1] else _A3
    left = _EDGE if side == "right" else width - _EDGE - sheet.breadth_mm
    shapes = [moved(shape, (left, (height - sheet.length_mm) / 2)) for shape in foot(sheet, side)]
    aside = width - _EDGE - 100 if side == "right" else _EDGE
    shapes += bar((aside, _EDGE + 1))
    shapes += bar((width - _EDGE - 16 if side == "right" else _EDGE, height - 170), is_upright=True)
    words = [
        f"Retrosole sensor sheet, EU {sheet.size}, {side} foot, seen from above",
        f"Print on {'A4' if width == _A4[0] else 'A3'} at 100 %, then measure both bars.",
        "Red: cut. Blue: fold up. Green: what feels.",
        "Grey: FSR 402 Short. Brown: where wires lie.",
        "Numbers: channel on the kit / on the board;",
        "- : that one has no such sensor.",
    ]
    x = aside if side == "left" else aside + 12
    shapes += [Text("TEXT", (x, height - _EDGE - 4 - 5 * k), 3 if k else 3.1, text) for k, text in enumerate(words)]
    return Page(width, height, tuple(shapes))


def files(sheet: Sheet) -> dict[str, bytes]:
    """Make the files of a size, by name."""
    shapes = pair(sheet)
    tongue = max(x for x, _ in sheet.cut) - sheet.breadth_mm
    width = 2 * (tongue + _MARGIN + sheet.breadth_mm) + _GAP
    title = f"Retrosole sensor sheets, EU {sheet.size}"
    name = f"eu{sheet.size}"
    return {
        f"{name}.svg": svg(shapes, LAYERS, (0, 0, width, sheet.length_mm + 30), title),
        f"{name}.dxf": dxf(shapes, LAYERS),
        f"{name}.pdf": pdf([page(sheet, side) for side in SIDES], LAYERS, title),
    }


def size_table(sheets: Iterable[Sheet]) -> str:
    """Write the table of sizes for people."""
    rows = ["| EU | foot, mm | sheet, mm | page |", "|---|---|---|---|"]
    for one in sheets:
        paper = "A4" if page(one, "left").width == _A4[0] else "A3"
        rows.append(f"| {one.size} | {one.foot_mm:.0f} | {one.length_mm:.0f} x {one.breadth_mm:.0f} | {paper} |")
    return "\n".join(rows)
