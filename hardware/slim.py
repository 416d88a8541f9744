"""Make KiCad's drawings small and the same every time: dates out, and a letter's strokes as one line each.

KiCad draws letters as single strokes, each a path of its own with six decimals; joined where one ends at the next
one's start, they look the same (ends and corners are round) and take a third of the space.
"""

from __future__ import annotations

import re
import zlib
from itertools import pairwise

_SVG_LETTERS = re.compile(r'<g class="stroked-text">.*?</g>', re.DOTALL)
_SVG_PATHS = re.compile(r'(?:<path d="[^"]*" />\s*)+')
_SVG_STROKE = re.compile(r"M(-?[\d.]+) (-?[\d.]+)((?:\s*L-?[\d.]+ -?[\d.]+)+)")
_SVG_POINT = re.compile(r"L(-?[\d.]+) (-?[\d.]+)")
_SVG_HIDDEN_TEXT = re.compile(r"<text[^>]*opacity=\"0\"[^>]*>.*?</text>\n?", re.DOTALL)
_PDF_JOINT = re.compile(rb"([^\n]+) l\nS\n\1 m\n")
_PDF_LARGE_NUMBER = re.compile(rb"(\d{3,})\.\d{6}")
_PDF_OBJECT = re.compile(rb"(\d+) 0 obj\n(.*?)endobj\n", re.DOTALL)
_PDF_STREAM = re.compile(rb"stream\r?\n(.*)\r?\nendstream", re.DOTALL)
_PDF_LENGTH = re.compile(rb"/Length (\d+) 0 R")


def slim_svg(text: str, title: str) -> bytes:
    """Return the drawing with another title, for KiCad's has the date, and without the hidden text beside letters."""
    text = re.sub(r"<title>.*?</title>", f"<title>{title}</title>", text, count=1, flags=re.DOTALL)
    text = _SVG_HIDDEN_TEXT.sub("", text)
    text = _SVG_LETTERS.sub(lambda letters: _SVG_PATHS.sub(_one_path, letters[0]), text)
    return text.encode()


def _one_path(paths: re.Match[str]) -> str:
    """Put a word's strokes into one path, in hundredths of a millimetre from point to point."""
    drawn: list[str] = []
    pen = (0, 0)
    for stroke in _SVG_STROKE.finditer(paths[0]):
        points = [_hundredths(stroke), *map(_hundredths, _SVG_POINT.finditer(stroke[3]))]
        if not drawn or points[0] != pen:
            drawn.append(f"M{points[0][0] / 100:g} {points[0][1] / 100:g}l")
        steps = [(x - was_x, y - was_y) for (was_x, was_y), (x, y) in pairwise(points)]
        drawn += [f"{x / 100:g} {y / 100:g} " for x, y in steps]
        pen = points[-1]
    return f'<path d="{"".join(drawn).rstrip()}" />\n'


def _hundredths(point: re.Match[str]) -> tuple[int, int]:
    return round(100 * float(point[1])), round(100 * float(point[2]))


def slim_pdf(data: bytes) -> bytes:
    """Return the document without its date, with each page's drawing joined and packed anew."""
    found_first = _PDF_OBJECT.search(data)
    assert found_first is not None, "a PDF has objects"
    head, tail = data[: found_first.start()], data[data.rindex(b"trailer") :]
    objects = {int(found[1]): found[2] for found in _PDF_OBJECT.finditer(data)}
    slim = {number: re.sub(rb"/CreationDate \([^)]*\)\n?", b"", content) for number, content in objects.items()}
    for number, content in objects.items():
        stream, length = _PDF_STREAM.search(content), _PDF_LENGTH.search(content)
        if stream is not None and length is not None and b"FlateDecode" in content:
            packed = zlib.compress(_slim_page(zlib.decompress(stream[1])), 9)
            slim[number] = content[: stream.start(1)] + packed + content[stream.end(1) :]
            slim[int(length[1])] = b"%d\n" % len(packed)
    return _assemble(head, slim, tail)


def _slim_page(drawing: bytes) -> bytes:
    drawing = _PDF_LARGE_NUMBER.sub(rb"\1", drawing)
    return _PDF_JOINT.sub(rb"\1 l\n", drawing)


def _assemble(head: bytes, objects: dict[int, bytes], tail: bytes) -> bytes:
    """Put the objects behind each other and write the table of where they are."""
    out, places = bytearray(head), {}
    for number in sorted(objects):
        places[number] = len(out)
        out += b"%d 0 obj\n" % number + objects[number] + b"endobj\n"
    table_at = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (max(objects) + 1)
    for number in range(1, max(objects) + 1):
        out += b"%010d 00000 n \n" % places[number] if number in places else b"0000000000 65535 f \n"
    return bytes(out) + re.sub(rb"startxref\n\d+", b"startxref\n%d" % table_at, tail)
