"""The sensor sheet: pads where the host takes them to be, on the sheet and apart, left as right, in all files."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from itertools import combinations, pairwise

import pytest

from hardware.drawing import Circle, Line, Point
from hardware.pins import read_pins
from hardware.sheet.__main__ import OUT, README, made
from hardware.sheet.plan import KIT, LAYERS, SIDES, channel_numbers, files, page
from hardware.sheet.shape import DATA, SIZES, Sheet, sheet
from retrosole import wire
from retrosole.gait.foot_shape import PLACES
from retrosole.twin.boards import board_names
from tests.hardware.netlist import bill

SHEETS = [sheet(size) for size in SIZES]
EACH = pytest.mark.parametrize("one", SHEETS, ids=lambda one: f"EU {one.size}")
DISC, PAD = DATA["sensor"]["disc_mm"], DATA["sensor"]["pad_mm"]


def from_line(point: Point, a: Point, b: Point) -> float:
    """Give the distance of a point from the piece between two others."""
    along = (b[0] - a[0], b[1] - a[1])
    square = along[0] ** 2 + along[1] ** 2
    part = ((point[0] - a[0]) * along[0] + (point[1] - a[1]) * along[1]) / square if square else 0.0
    part = min(1.0, max(0.0, part))
    return math.dist(point, (a[0] + part * along[0], a[1] + part * along[1]))


def pieces(points: Sequence[Point]) -> Iterable[tuple[Point, Point]]:
    return pairwise([*points, points[0]])


def is_inside(point: Point, points: Sequence[Point]) -> bool:
    x, y = point
    crossed = [
        (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) + a[0] > x for a, b in pieces(points) if (a[1] > y) != (b[1] > y)
    ]
    return sum(crossed) % 2 == 1


def crosses(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    def turn(a: Point, b: Point, c: Point) -> float:
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    (a, b), (c, d) = one, other
    return turn(a, b, c) * turn(a, b, d) < 0 and turn(c, d, a) * turn(c, d, b) < 0


@EACH
def test_what_is_committed_is_what_would_be_written(one: Sheet) -> None:
    for name, data in files(one).items():
        assert (OUT / name).read_bytes() == data, f"{name}: run make hardware"


def test_the_readme_has_the_sizes() -> None:
    assert made()[README] == README.read_bytes(), "run make hardware"


def test_there_is_nothing_else_beside_them() -> None:
    assert {path.name for path in OUT.iterdir()} == {name for one in SHEETS for name in files(one)}


def test_sizes_are_eu_36_to_46_and_grow() -> None:
    assert [one.size for one in SHEETS] == list(range(36, 47))
    for small, large in pairwise(SHEETS):
        assert large.length_mm - small.length_mm == pytest.approx(20 / 3, abs=0.01)
        assert large.breadth_mm > small.breadth_mm and large.foot_mm > small.foot_mm
        for a, b in zip(small.sensors, large.sensors, strict=True):
            assert b.centre[0] > a.centre[0] and b.centre[1] > a.centre[1], a.site


@EACH
def test_the_outline_is_as_long_and_broad_as_it_says(one: Sheet) -> None:
    xs, ys = zip(*one.edge, strict=True)
    assert (min(xs), min(ys)) == pytest.approx((0, 0))
    assert (max(xs), max(ys)) == pytest.approx((one.breadth_mm, one.length_mm))
    assert one.foot_mm < one.length_mm < one.size * 20 / 3, "longer than the foot, shorter than the last"


@EACH
def test_the_cut_line_never_crosses_itself(one: Sheet) -> None:
    for first, second in combinations(list(pieces(one.cut)), 2):
        assert not crosses(first, second)


@EACH
def test_every_disc_lies_on_the_sheet_with_an_edge_around_it(one: Sheet) -> None:
    for sensor in one.sensors:
        assert is_inside(sensor.centre, one.edge), sensor.site
        free = min(from_line(sensor.centre, a, b) for a, b in pieces(one.edge)) - DISC / 2
        assert free >= DATA["sensor"]["edge_mm"], (sensor.site, free)
        assert all(is_inside(corner, one.edge) for corner in (*sensor.tail, *sensor.lane)), sensor.site


@EACH
def test_discs_tails_and_wires_keep_clear_of_other_discs(one: Sheet) -> None:
    for sensor, other in ((a, b) for a in one.sensors for b in one.sensors if a is not b):
        assert math.dist(sensor.centre, other.centre) >= DISC + DATA["sensor"]["gap_mm"], (sensor.site, other.site)
        for way in (sensor.tail, sensor.lane):
            free = min(from_line(other.centre, a, b) for a, b in pairwise(way)) - DISC / 2
            assert free >= 1.0, (sensor.site, other.site, free)


@EACH
def test_the_tongue_holds_its_flat_cable_and_reaches_out(one: Sheet) -> None:
    cable = DATA["cable"]
    wire_n = 2 * len(KIT)
    assert cable["breadth_mm"] >= wire_n * 1.0 + 2.0, "the kit's wires of 1 mm side by side, with a rim"
    out = [(x, y) for x, y in one.cut if x > one.breadth_mm + 10]
    ys = [y for _, y in out]
    assert max(ys) - min(ys) == pytest.approx(cable["breadth_mm"])
    assert max(x for x, _ in out) == pytest.approx(one.fold[0][0] - cable["fold_mm"] + cable["length_mm"])
    assert all(not is_inside(end, one.edge) for end in one.fold)
    for sensor in one.sensors:
        assert min(from_line(sensor.centre, *one.fold), 99) > DISC / 2 + 3


def test_every_site_of_a_board_has_a_place_and_every_place_a_board() -> None:
    used = {site for name in board_names() for site in read_pins(name).sites}
    assert set(DATA["sites"]) == used <= {site.name.lower() for site in wire.Site}
    assert channel_numbers("heel_medial") == "4/5" and channel_numbers("toes") == "-/7"


@EACH
def test_places_are_where_the_host_takes_them_to_be(one: Sheet) -> None:
    """Within a pad's radius: maps and the centre of pressure are those of the sheet."""
    for sensor in one.sensors:
        x, y = PLACES[sensor.site]
        taken = (x * one.breadth_mm, (1 - y) * one.length_mm)
        assert math.dist(sensor.centre, taken) < PAD / 2, (sensor.site, sensor.centre, taken)


def test_each_place_says_where_it_comes_from() -> None:
    assert all(place["source"] for place in DATA["sites"].values())


@EACH
def test_six_pads_are_a_twentieth_to_a_thirtieth_of_the_sole(one: Sheet) -> None:
    """Which is why the build guide promises no kilograms."""
    area = abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pieces(one.edge))) / 2
    assert 1 / 30 < 6 * math.pi * (PAD / 2) ** 2 / area < 1 / 18


def test_the_part_is_the_one_of_the_bill() -> None:
    (line,) = [line for line in bill() if line["References"] == "RS1-RS8"]
    assert f"{PAD} mm active" in line["Description"]
    assert "FSR 402 Short" in line["Alternative"] or "FSR 402 Short" in line["Value"]


def test_heads_of_the_first_and_last_metatarsal_are_where_feet_have_them() -> None:
    """ANSUR II: the ball's inner side at 194.75 of 263.03 mm; half a pad behind it."""
    met1 = DATA["sites"]["met1"]["from_heel"] * 263.03
    assert 194.75 - met1 == pytest.approx(PAD / 2, abs=2)
    assert DATA["sites"]["met5"]["from_heel"] < DATA["sites"]["met3"]["from_heel"] <= DATA["sites"]["met1"]["from_heel"]


# ------------------------------------------------------------------------------------------------- files read back


def read_dxf(data: bytes) -> tuple[list[str], list[tuple[str, str, list[Point], float]]]:
    """Read layers, and entities as (kind, layer, points, radius), by the format's pairs of lines."""
    lines = data.decode("ascii").split("\n")
    pairs = [(int(code), value) for code, value in zip(lines[0:-1:2], lines[1::2], strict=True)]
    starts = [k for k, (code, _) in enumerate(pairs) if code == 0] + [len(pairs)]
    records = [pairs[a:b] for a, b in pairwise(starts)]
    layers = [dict(record)[2] for record in records if record[0][1] == "LAYER"]
    found: list[tuple[str, str, list[Point], float]] = []
    for record in records:
        kind, values = record[0][1], dict(record)
        if kind in ("POLYLINE", "CIRCLE"):
            here = [(float(values[10]), float(values[20]))] if kind == "CIRCLE" else []
            found.append((kind, values[8], here, float(values.get(40, 0))))
        elif kind == "VERTEX":
            found[-1][2].append((float(values[10]), float(values[20])))
    assert records[-1][0] == (0, "EOF")
    return layers, found


@EACH
def test_a_dxf_read_back_has_both_sheets_each_the_others_mirror_image(one: Sheet) -> None:
    layers, entities = read_dxf((OUT / f"eu{one.size}.dxf").read_bytes())
    assert layers == list(LAYERS)
    cuts = [points for kind, layer, points, _ in entities if (kind, layer) == ("POLYLINE", "CUT")]
    assert len(cuts) == len(SIDES) and all(len(points) == len(one.cut) for points in cuts)
    left, right = cuts
    middle = left[0][0] + right[0][0]
    for (x, y), (other_x, other_y) in zip(left, right, strict=True):
        assert (middle - x, y) == pytest.approx((other_x, other_y), abs=0.02)
    pads = [(points[0], radius) for kind, layer, points, radius in entities if (kind, layer) == ("CIRCLE", "PAD")]
    assert [radius for _, radius in pads] == [PAD / 2] * 2 * len(one.sensors)
    origin = (right[0][0] - one.cut[0][0], right[0][1] - one.cut[0][1])
    for sensor, (centre, _) in zip(one.sensors, pads[len(one.sensors) :], strict=True):
        assert math.dist(centre, (sensor.centre[0] + origin[0], sensor.centre[1] + origin[1])) < 0.02
    assert not any(is_inside(point, right) for point in left), "apart from each other"


@EACH
@pytest.mark.parametrize("side", SIDES)
def test_a_page_holds_the_sheet_in_its_own_size_and_two_bars_of_100_mm(one: Sheet, side: str) -> None:
    paper = page(one, side)
    assert (paper.width, paper.height) == ((210, 297) if one.size <= 43 else (297, 420))
    points = [point for shape in paper.shapes if isinstance(shape, Line) for point in shape.points]
    assert all(6.9 <= x <= paper.width - 6.9 and 6.9 <= y <= paper.height - 6.9 for x, y in points)
    spans = [
        (abs(shape.points[1][0] - shape.points[0][0]), abs(shape.points[1][1] - shape.points[0][1]))
        for shape in paper.shapes
        if isinstance(shape, Line) and shape.layer == "SCALE"
    ]
    assert sum(span == pytest.approx((100, 0)) for span in spans) == 1
    assert sum(span == pytest.approx((0, 100)) for span in spans) == 1
    pads = [shape for shape in paper.shapes if isinstance(shape, Circle) and shape.layer == "PAD"]
    assert {2 * pad.radius for pad in pads} == {PAD}
    for bar in (shape for shape in paper.shapes if isinstance(shape, Line) and shape.layer == "SCALE"):
        (cut,) = [shape for shape in paper.shapes if isinstance(shape, Line) and shape.layer == "CUT"]
        assert not any(is_inside(point, cut.points) for point in bar.points)


@EACH
def test_a_pdf_is_whole_and_asks_not_to_be_scaled(one: Sheet) -> None:
    data = (OUT / f"eu{one.size}.pdf").read_bytes()
    table_at = int(re.findall(rb"startxref\n(\d+)", data)[-1])
    places = [int(place) for place in re.findall(rb"(\d{10}) 00000 n \n", data[table_at:])]
    for k, place in enumerate(places, 1):
        assert data[place:].startswith(b"%d 0 obj\n" % k), k
    assert b"/PrintScaling /None" in data
    for length, content in re.findall(rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", data, re.DOTALL):
        assert int(length) == len(content)
    (box, _) = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", data)
    paper = page(one, "left")
    assert [float(part) / 72 * 25.4 for part in box] == pytest.approx([paper.width, paper.height], abs=0.01)
