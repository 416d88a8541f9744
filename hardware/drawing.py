"""Draw lines, circles and words in millimetres, and write them as SVG, DXF or PDF: the same drawing, the same bytes.

x to the right, y up. A drawing is a list of shapes; each lies on a layer, which in an SVG is a group and in a DXF a
layer of that name. The DXF is of the oldest kind that cutters read (R12), the PDF has only what a page of lines needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

Point = tuple[float, float]
Box = tuple[float, float, float, float]

_POINTS_PER_MM = 72 / 25.4
_ROUND = 0.5523  # of a quarter circle as a Bezier curve
_LETTER = 0.52  # mean width of Helvetica's letters, of its size


@dataclass(frozen=True)
class Layer:
    """Say how a layer looks: `ink` as red, green and blue of 0 to 255, `colour` the number a DXF has for it."""

    ink: tuple[int, int, int]
    colour: int
    width_mm: float
    dash_mm: tuple[float, ...] = ()


@dataclass(frozen=True)
class Line:
    """Hold a run of straight pieces, closed or not."""

    layer: str
    points: tuple[Point, ...]
    is_closed: bool = False


@dataclass(frozen=True)
class Circle:
    """Hold a circle."""

    layer: str
    centre: Point
    radius: float


@dataclass(frozen=True)
class Text:
    """Hold a line of words: `at` is the left end or, centred, the middle of its baseline."""

    layer: str
    at: Point
    size: float
    text: str
    is_centred: bool = False


Shape = Line | Circle | Text


def moved(shape: Shape, by: Point) -> Shape:
    """Return the shape, moved."""
    if isinstance(shape, Line):
        return Line(shape.layer, tuple((x + by[0], y + by[1]) for x, y in shape.points), shape.is_closed)
    if isinstance(shape, Circle):
        return Circle(shape.layer, (shape.centre[0] + by[0], shape.centre[1] + by[1]), shape.radius)
    return Text(shape.layer, (shape.at[0] + by[0], shape.at[1] + by[1]), shape.size, shape.text, shape.is_centred)


def number(value: float) -> str:
    """Write hundredths of a millimetre, no more digits than it takes."""
    return f"{round(value, 2) + 0.0:g}"


# ------------------------------------------------------------------------------------------------------------- SVG


def svg(shapes: Sequence[Shape], layers: dict[str, Layer], box: Box, title: str) -> bytes:
    """Write an SVG in millimetres of what lies in `box` (left, bottom, right, top)."""
    left, bottom, right, top = box
    width, height = number(right - left), number(top - bottom)
    size = f'width="{width}mm" height="{height}mm" viewBox="0 0 {width} {height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
        f"<title>{escape(title)}</title>",
    ]
    for name, layer in layers.items():
        lines.append(_svg_group(name, layer))
        lines += [_svg_shape(shape, layer, left, top) for shape in shapes if shape.layer == name]
        lines.append("</g>")
    return ("\n".join([*lines, "</svg>"]) + "\n").encode()


def _svg_group(name: str, layer: Layer) -> str:
    dash = f' stroke-dasharray="{" ".join(map(number, layer.dash_mm))}"' if layer.dash_mm else ""
    return f'<g id="{name}" fill="none" stroke="{_hex(layer)}" stroke-width="{number(layer.width_mm)}"{dash}>'


def _hex(layer: Layer) -> str:
    return "#{:02x}{:02x}{:02x}".format(*layer.ink)


def _svg_shape(shape: Shape, layer: Layer, left: float, top: float) -> str:
    if isinstance(shape, Line):
        points = " ".join(f"{number(x - left)},{number(top - y)}" for x, y in shape.points)
        return f'<poly{"gon" if shape.is_closed else "line"} points="{points}"/>'
    if isinstance(shape, Circle):
        x, y = shape.centre
        return f'<circle cx="{number(x - left)}" cy="{number(top - y)}" r="{number(shape.radius)}"/>'
    x, y = shape.at
    anchor = ' text-anchor="middle"' if shape.is_centred else ""
    place = f'x="{number(x - left)}" y="{number(top - y)}" font-size="{number(shape.size)}"'
    look = f'font-family="Helvetica, Arial, sans-serif" fill="{_hex(layer)}" stroke="none"'
    return f"<text {place} {look}{anchor}>{escape(shape.text)}</text>"


# ------------------------------------------------------------------------------------------------------------- DXF


def dxf(shapes: Sequence[Shape], layers: dict[str, Layer]) -> bytes:
    """Write a DXF of release 12 in millimetres; it has no unit in it, so a reader is to be told."""
    pairs: list[tuple[int, object]] = [(0, "SECTION"), (2, "HEADER"), (9, "$ACADVER"), (1, "AC1009")]
    pairs += [(9, "$MEASUREMENT"), (70, 1), (0, "ENDSEC"), (0, "SECTION"), (2, "TABLES")]
    pairs += [(0, "TABLE"), (2, "LTYPE"), (70, 1), (0, "LTYPE"), (2, "CONTINUOUS"), (70, 0), (3, "")]
    pairs += [(72, 65), (73, 0), (40, "0"), (0, "ENDTAB"), (0, "TABLE"), (2, "LAYER"), (70, len(layers))]
    for name, layer in layers.items():
        pairs += [(0, "LAYER"), (2, name), (70, 0), (62, layer.colour), (6, "CONTINUOUS")]
    pairs += [(0, "ENDTAB"), (0, "ENDSEC"), (0, "SECTION"), (2, "ENTITIES")]
    for shape in shapes:
        pairs += _dxf_shape(shape)
    pairs += [(0, "ENDSEC"), (0, "EOF")]
    return "".join(f"{code}\n{value}\n" for code, value in pairs).encode("ascii")


def _dxf_shape(shape: Shape) -> list[tuple[int, object]]:
    if isinstance(shape, Line):
        head = [(0, "POLYLINE"), (8, shape.layer), (66, 1), (70, int(shape.is_closed)), *_dxf_point((0, 0), 10)]
        corners = [pair for point in shape.points for pair in [(0, "VERTEX"), (8, shape.layer), *_dxf_point(point, 10)]]
        return [*head, *corners, (0, "SEQEND"), (8, shape.layer)]
    if isinstance(shape, Circle):
        return [(0, "CIRCLE"), (8, shape.layer), *_dxf_point(shape.centre, 10), (40, number(shape.radius))]
    words = [(0, "TEXT"), (8, shape.layer), *_dxf_point(shape.at, 10), (40, number(shape.size)), (1, shape.text)]
    return [*words, (72, 1), *_dxf_point(shape.at, 11)] if shape.is_centred else words


def _dxf_point(point: Point, code: int) -> list[tuple[int, object]]:
    return [(code, number(point[0])), (code + 10, number(point[1])), (code + 20, "0")]


# ------------------------------------------------------------------------------------------------------------- PDF


@dataclass(frozen=True)
class Page:
    """Hold a page and its size in millimetres; its origin is the lower left corner."""

    width: float
    height: float
    shapes: tuple[Shape, ...]


def pdf(pages: Sequence[Page], layers: dict[str, Layer], title: str) -> bytes:
    """Write pages to be printed in their own size."""
    first = 4  # catalogue, list of pages, font
    kids = " ".join(f"{first + 2 * k} 0 R" for k in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None >> >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for k, page in enumerate(pages):
        size = f"0 0 {page.width * _POINTS_PER_MM:.2f} {page.height * _POINTS_PER_MM:.2f}"
        content = _pdf_content(page, layers)
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [{size}] /Resources << /Font << /F 3 0 R >> >> "
            f"/Contents {first + 2 * k + 1} 0 R >>".encode(),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        ]
    return _pdf_file([*objects, f"<< /Title ({title}) >>".encode()])


def _pdf_content(page: Page, layers: dict[str, Layer]) -> bytes:
    lines = [f"{_POINTS_PER_MM:.6f} 0 0 {_POINTS_PER_MM:.6f} 0 0 cm 1 j 1 J"]
    for name, layer in layers.items():
        ink = " ".join(number(part / 255) for part in layer.ink)
        lines.append(f"{ink} RG {ink} rg {number(layer.width_mm)} w [{' '.join(map(number, layer.dash_mm))}] 0 d")
        lines += [_pdf_shape(shape) for shape in page.shapes if shape.layer == name]
    return "\n".join(lines).encode("ascii")


def _pdf_shape(shape: Shape) -> str:
    if isinstance(shape, Line):
        places = [f"{number(x)} {number(y)}" for x, y in shape.points]
        return f"{places[0]} m {' '.join(f'{place} l' for place in places[1:])} {'s' if shape.is_closed else 'S'}"
    if isinstance(shape, Circle):
        return _pdf_circle(shape)
    x, y = shape.at
    if shape.is_centred:
        x -= len(shape.text) * shape.size * _LETTER / 2
    words = shape.text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /F {number(shape.size)} Tf {number(x)} {number(y)} Td ({words}) Tj ET"


def _pdf_circle(circle: Circle) -> str:
    (x, y), r, k = circle.centre, circle.radius, circle.radius * _ROUND
    curves = [
        ((x + r, y + k), (x + k, y + r), (x, y + r)),
        ((x - k, y + r), (x - r, y + k), (x - r, y)),
        ((x - r, y - k), (x - k, y - r), (x, y - r)),
        ((x + k, y - r), (x + r, y - k), (x + r, y)),
    ]
    drawn = " ".join(f"{' '.join(f'{number(a)} {number(b)}' for a, b in curve)} c" for curve in curves)
    return f"{number(x + r)} {number(y)} m {drawn} s"


def _pdf_file(objects: Sequence[bytes]) -> bytes:
    """Put numbered objects behind one another, with the table of where they are; the last is the document's title."""
    data = b"%PDF-1.4\n"
    places = []
    for k, one in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (k, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    head = b"xref\n0 %d\n0000000000 65535 f \n" % size
    tail = b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, size - 1, len(data))
    return data + head + table + tail
