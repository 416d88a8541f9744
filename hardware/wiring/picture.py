"""Draws the wiring as an SVG: sensors, breadboard and kit from left to right, each part where the plan has it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from xml.sax.saxutils import escape

from hardware.drawing import Point, number
from hardware.pins import Pins
from hardware.sheet.shape import sheet
from hardware.wiring.plan import BLACK, COLOURS, KIT, RAIL_ROWS, RED, RESISTOR_OHM, ROWS, Part, parts, sensor_row

_PITCH = 20
_WIDTH, _HEIGHT = 1480, 900
_BOARD_X, _BOARD_Y = 500, 120
_COLUMNS = dict(zip("abcdefghij", (4, 5, 6, 7, 8, 11, 12, 13, 14, 15), strict=True))
_RAILS = {"+L": 1, "-L": 2, "-R": 17, "+R": 18}
_KIT_X, _KIT_Y = 1120, 250
_SENSOR_X = 330
_FOOT = (40, 250, 0.72)  # place of the small foot, and its scale

_HEAD = f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" \
height="{_HEIGHT}" font-family="Helvetica, Arial, sans-serif" font-size="13">
<title>Retrosole: sensors, breadboard and {KIT["name"]}</title>
<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>"""


def place(name: str) -> Point:
    """Give the middle of a pin or hole."""
    if name.startswith("J"):
        header, pin = name.split("-")
        return (_KIT_X + (0 if header == "J2" else KIT["rows_apart"] * _PITCH), _KIT_Y + (int(pin) - 1) * _PITCH)
    column, row = re.fullmatch(r"([+-][LR]|[a-j])(\d+)", name).groups()  # type: ignore[union-attr]
    return (_BOARD_X + (_RAILS | _COLUMNS)[column] * _PITCH, _BOARD_Y + int(row) * _PITCH)


def draw(pins: Pins) -> bytes:
    """Draw the picture for a board's pins."""
    wired = parts(pins)
    lines = [_HEAD, *_titles(), *_breadboard(), *_kit(), *_foot(pins)]
    for kind in ("link", "resistor", "diode", "transistor", "led", "sensor", "motor", "jumper"):
        lines += [_DRAW[kind](part) for part in wired if part.kind == kind]
    return ("\n".join([*lines, *_names(), "</svg>"]) + "\n").encode()


# ---------------------------------------------------------------------------------------------------------- pieces


def _text(at: Point, words: str, look: str = "") -> str:
    return f'<text x="{number(at[0])}" y="{number(at[1])}"{" " + look if look else ""}>{escape(words)}</text>'


def _wire(points: Sequence[Point], colour: str, width: float = 3.5) -> str:
    """Draw a wire with a white rim, so that it is seen which one lies above."""
    way = "M" + " L".join(f"{number(x)} {number(y)}" for x, y in points)
    return _stroke(way, "#ffffff", width + 3) + _stroke(way, colour, width)


def _stroke(way: str, colour: str, width: float) -> str:
    return (
        f'<path d="{way}" fill="none" stroke="{colour}" stroke-width="{number(width)}" '
        'stroke-linejoin="round" stroke-linecap="round"/>'
    )


def _dot(at: Point, colour: str, radius: float = 5) -> str:
    return f'<circle cx="{number(at[0])}" cy="{number(at[1])}" r="{number(radius)}" fill="{colour}"/>'


def _box(corner: Point, size: Point, fill: str, look: str = "") -> str:
    place = f'x="{number(corner[0])}" y="{number(corner[1])}" width="{number(size[0])}" height="{number(size[1])}"'
    return f'<rect {place} fill="{fill}" {look}/>'


def _group(part: Part, pieces: Sequence[str]) -> str:
    """Mark a part's drawing with what it is and where its ends are: tests read this."""
    return f'<g class="{part.kind}" data-ends="{" ".join(part.ends)}">' + "".join(pieces) + "</g>"


# -------------------------------------------------------------------------------------------------- what is there


def _titles() -> list[str]:
    small = 'fill="#444444"'
    return [
        _text((40, 46), f"Six sensors on a breadboard and an {KIT['name']}", 'font-size="24" font-weight="bold"'),
        _text((40, 70), "Drawn from the firmware's pins. USB is unplugged while you wire.", small),
        *(_text((40, 790 + 20 * k), words, small) for k, words in enumerate(_NOTES[:5])),
        *(_text((760, 790 + 20 * k), words, small) for k, words in enumerate(_NOTES[5:])),
        _stroke(f"M200 {_BOARD_Y + 19.5 * _PITCH} H{_BOARD_X + 19 * _PITCH}", '#999999" stroke-dasharray="6 5', 1.2),
        _text((200, _BOARD_Y + 19.5 * _PITCH + 18), "motor and LED only if you like", small),
    ]


_NOTES = (
    f"Every resistor is {RESISTOR_OHM} ohm: yellow, violet, brown (four rings)",
    "or yellow, violet, black, black, brown (five rings).",
    "A sensor has no plus and minus: its two wires may be swapped.",
    "Wires that cross without a dot do not touch each other.",
    "Never plug a sensor to 5V: the pins bear 3.3 V.",
    "LED: the long leg in row 28, the short one in row 29.",
    "Transistor BC337: flat side to the right, towards the kit.",
    "Diode 1N4148: the black ring in row 27.",
    "The motor's two wires may be swapped.",
    "Your kit looks otherwise? Go by what is printed beside its pins.",
)


def _breadboard() -> list[str]:
    top, bottom = _BOARD_Y - 14, _BOARD_Y + (ROWS[-1] + 1) * _PITCH
    size = (19 * _PITCH, bottom - top)
    lines = [_box((_BOARD_X, top), size, "#f4f1e8", 'stroke="#b8b09a" stroke-width="1.5" rx="6"')]
    for rail, column in _RAILS.items():
        x = _BOARD_X + column * _PITCH
        lines.append(_stroke(f"M{x - 8} {_BOARD_Y + 10} V{bottom - 14}", _rail_colour(rail), 1))
    for name, column in _COLUMNS.items():
        x = _BOARD_X + column * _PITCH
        lines.append(_text((x, _BOARD_Y + 4), name, 'text-anchor="middle" fill="#666666"'))
    for row in ROWS:
        y = _BOARD_Y + row * _PITCH
        for column in (*(_RAILS.values() if row in RAIL_ROWS else ()), *_COLUMNS.values()):
            lines.append(_dot((_BOARD_X + column * _PITCH, y), "#c9c2b0", 3))
    for rail, words in (("+L", "3.3 V"), ("-R", "ground")):
        lines.append(
            _text((_BOARD_X + _RAILS[rail] * _PITCH, bottom + 18), words, 'text-anchor="middle" fill="#444444"')
        )
    return lines


def _rail_colour(rail: str) -> str:
    return RED if rail[0] == "+" else "#2456b0"


def _names() -> list[str]:
    """Write rows, rails and parts last, above the wires that cross them."""
    rim = 'stroke="#f4f1e8" stroke-width="4" paint-order="stroke"'
    look = f'text-anchor="middle" font-size="11" fill="#666666" {rim}'
    lines = [_text((_BOARD_X + 9.5 * _PITCH, _BOARD_Y + row * _PITCH + 4), str(row), look) for row in ROWS]
    for rail, column in _RAILS.items():
        look = f'text-anchor="middle" font-size="16" font-weight="bold" fill="{_rail_colour(rail)}" {rim}'
        at = _BOARD_X + column * _PITCH - 8
        lines += [_text((at, y), rail[0].replace("-", "−"), look) for y in (_BOARD_Y + 4, place("a30")[1] + 14)]
    for hole, words, anchor in (("e23", "BC337", "end"), ("i26", "1N4148", "start"), ("e29", "LED", "end")):
        x, y = place(hole)
        lines.append(_text((x + 8 if anchor == "end" else x - 8, y - 6), words, f'text-anchor="{anchor}" {rim}'))
    return lines


def _kit() -> list[str]:
    width, bottom = KIT["rows_apart"] * _PITCH, _KIT_Y + 18 * _PITCH
    look = 'stroke="#000000" rx="4"'
    lines = [
        _text((_KIT_X + width / 2, _KIT_Y - 86), KIT["name"], 'text-anchor="middle" font-weight="bold"'),
        _text(
            (_KIT_X + width / 2, _KIT_Y - 68), "antenna up, parts towards you", 'text-anchor="middle" fill="#444444"'
        ),
        _box((_KIT_X - 14, _KIT_Y - 40), (width + 28, bottom - _KIT_Y + 70), "#2f3b46", look),
        _box((_KIT_X + 60, _KIT_Y - 54), (80, 190), "#9aa3aa", look),
        _box((_KIT_X + 64, _KIT_Y - 50), (72, 34), "#d9c27a", 'stroke="none"'),
        _text((_KIT_X + 100, _KIT_Y + 70), "ESP32", 'text-anchor="middle" font-weight="bold"'),
        _box((_KIT_X + 75, bottom - 6), (50, 44), "#c6ccd2", look),
        _text((_KIT_X + 100, bottom + 20), "USB", 'text-anchor="middle"'),
    ]
    for aside, name in ((52, "EN"), (148, "BOOT")):
        at = (_KIT_X + aside, bottom - 44)
        lines += [_dot(at, "#dddddd", 8), _text((at[0], at[1] - 16), name, _PRINT)]
    for header, anchor, inward in (("J2", "start", 12), ("J3", "end", -12)):
        for k, name in enumerate(KIT[header]):
            x, y = place(f"{header}-{k + 1}")
            words = f"{name} {KIT['gpio'][name]}" if name in ("VP", "VN") else name
            lines.append(_dot((x, y), "#e8d9a0", 5))
            lines.append(_text((x + inward, y + 4), words, f'text-anchor="{anchor}" fill="#ffffff"'))
        lines.append(_text((place(f"{header}-1")[0], _KIT_Y - 22), header, _PRINT))
    return lines


_PRINT = 'text-anchor="middle" fill="#ffffff" font-size="11"'


def _foot(pins: Pins) -> list[str]:
    """Draw a small right foot with the numbers of the sensors."""
    left, top, scale = _FOOT
    one = sheet(41)

    def here(point: Point) -> Point:
        return left + 1.9 * scale * point[0], top + 1.9 * scale * (one.length_mm - point[1])

    outline = " ".join(f"{number(x)},{number(y)}" for x, y in map(here, one.edge[::2]))
    lines = [f'<polygon points="{outline}" fill="#faf6f0" stroke="#888888" stroke-width="1.5"/>']
    places = {sensor.site: here(sensor.centre) for sensor in one.sensors}
    for k, site in enumerate(pins.sites):
        x, y = places[site]
        lines += [_dot((x, y), COLOURS[k], 13), _text((x, y + 5), str(k), _NUMBER)]
    words = ("right foot, seen from above;", "the left one is its mirror image")
    foot_end = top + 1.9 * scale * one.length_mm
    return [*lines, *(_text((left, foot_end + 22 + 18 * k), text, 'fill="#444444"') for k, text in enumerate(words))]


_NUMBER = 'text-anchor="middle" fill="#ffffff" font-weight="bold" font-size="14"'


# -------------------------------------------------------------------------------------------------- what is plugged


def _jumper(part: Part) -> str:
    """Draw a wire from the kit: to the left rail above the board, from the right header around below, else straight."""
    start, end = place(part.ends[0]), place(part.ends[1])
    if part.ends[1].startswith("+L"):
        way = [start, (start[0] - 50, start[1]), (start[0] - 50, _BOARD_Y - 32), (end[0], _BOARD_Y - 32), end]
    elif part.ends[0].startswith("J3"):
        low = _KIT_Y + 18 * _PITCH + 56
        right, left = start[0] + 36, end[0] + 110
        way = [start, (right, start[1]), (right, low + 40), (left, low + 40), (left, end[1]), end]
    else:
        way = [start, (start[0] - 34, start[1]), (end[0] + 94, end[1]), end]
    return _group(part, [_wire(way, part.colour), _dot(start, part.colour), _dot(end, part.colour)])


def _link(part: Part) -> str:
    start, end = map(place, part.ends)
    return _group(part, [_wire([start, end], part.colour), _dot(start, part.colour), _dot(end, part.colour)])


def _body(part: Part, body: str) -> str:
    """Draw a part of two legs, its body in the middle and turned along them."""
    (x1, y1), (x2, y2) = map(place, part.ends)
    angle = math.degrees(math.atan2(y2 - y1, x2 - x1))
    turn = f"translate({number((x1 + x2) / 2)} {number((y1 + y2) / 2)}) rotate({number(angle)})"
    legs = _stroke(f"M{number(x1)} {number(y1)} L{number(x2)} {number(y2)}", _LEG, 2)
    pieces = [legs, _dot((x1, y1), _LEG, 4), _dot((x2, y2), _LEG, 4), f'<g transform="{turn}">{body}</g>']
    return _group(part, pieces)


_LEG = "#777777"


def _resistor(part: Part) -> str:
    rings = "".join(
        f'<path d="M{x} -6 v12" stroke="{ink}" stroke-width="3"/>'
        for x, ink in ((-10, "#e3c400"), (-4, "#7a3fb0"), (2, "#6b3d12"))
    )
    body = '<rect x="-17" y="-6" width="34" height="12" rx="5" fill="#d9b98a" stroke="#7a5a2a"/>'
    return _body(part, body + rings)


def _diode(part: Part) -> str:
    body = '<rect x="-14" y="-5" width="28" height="10" rx="3" fill="#c98a4a" stroke="#6b3d12"/>'
    return _body(part, body + '<path d="M8 -5 v10" stroke="#111111" stroke-width="4"/>')


def _transistor(part: Part) -> str:
    """Draw it from above, its flat side to the right; the legs from the top are emitter, base, collector."""
    collector, base, emitter = map(place, part.ends)
    x, y = base
    way = (
        f"M{number(x + 9)} {number(y - 27)} V{number(y + 27)} H{number(x)} A13 27 0 0 1 {number(x)} {number(y - 27)} Z"
    )
    body = f'<path d="{way}" fill="#333333"/>'
    legs = [_text((at[0] + 1, at[1] + 4), name, _PRINT) for at, name in ((emitter, "E"), (base, "B"), (collector, "C"))]
    return _group(part, [body, *legs])


def _led(part: Part) -> str:
    start, end = map(place, part.ends)
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    pieces = [
        _wire([start, end], _LEG, 2),
        _dot((middle[0] - 13, middle[1]), "#8fd400", 11),
        _dot(start, _LEG, 4),
        _dot(end, _LEG, 4),
    ]
    return _group(part, pieces)


def _sensor(part: Part) -> str:
    """Draw the sensor beside its row, with one wire to the row and a red one to the rail of 3.3 V."""
    signal, supply = map(place, part.ends)
    k = next(k for k in range(len(COLOURS)) if sensor_row(k) == int(part.ends[0][1:]))
    x, y = _SENSOR_X, (signal[1] + supply[1]) / 2
    lines = [
        _wire([(x, signal[1]), signal], part.colour),
        _wire([(x, supply[1]), supply], RED, 2.5),
        f'<circle cx="{x}" cy="{number(y)}" r="24" fill="#ffffff" stroke="{part.colour}" stroke-width="4"/>',
        _dot((x, y), part.colour, 15),
        _text((x, y + 5), str(k), _NUMBER),
        _dot(signal, part.colour),
        _dot(supply, RED),
        _text((x + 32, signal[1] - 6), part.name.replace("_", " "), f'fill="{part.colour}" font-weight="bold"'),
    ]
    return _group(part, lines)


def _motor(part: Part) -> str:
    low, high = map(place, part.ends)
    x, y = _SENSOR_X, (low[1] + high[1]) / 2
    lines = [
        _wire([(x, y - 10), (x + 60, low[1]), low], BLACK, 2.5),
        _wire([(x, y + 10), (x + 60, high[1]), high], "#b0127b", 2.5),
        f'<circle cx="{x}" cy="{number(y)}" r="24" fill="#e6e6e6" stroke="#555555" stroke-width="3"/>',
        _text((x, y + 5), "M", 'text-anchor="middle" font-weight="bold" font-size="16"'),
        _dot(low, BLACK),
        _dot(high, "#b0127b"),
        _text((x, y + 44), "vibration motor", 'text-anchor="middle" fill="#444444"'),
    ]
    return _group(part, lines)


_DRAW = {
    "jumper": _jumper,
    "link": _link,
    "resistor": _resistor,
    "diode": _diode,
    "transistor": _transistor,
    "led": _led,
    "sensor": _sensor,
    "motor": _motor,
}
