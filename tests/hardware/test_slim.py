"""Drawings made small are still drawings: the same lines, and a document whose table finds its objects."""

from __future__ import annotations

import re
import zlib

from hardware.slim import slim_pdf, slim_svg
from tests.hardware.netlist import OUT

SVG = """<title>SVG Image created as x.svg date 2026/11/22 03:24:59 </title>
<text x="1.0" opacity="0" stroke-opacity="0">L</text>
<g class="stroked-text"><desc>L</desc>
<path d="M1.0000 2.0000
L1.0000 3.2543
" />
<path d="M1.0000 3.2543
L1.5000 3.2543
" />
<path d="M9.0000 9.0000
L-1.2500 9.0000
" />
</g><path d="M1.2345 2.0000
L3.0000 4.0000
" />
"""


def test_strokes_of_a_word_are_joined_and_everything_else_is_left_alone() -> None:
    assert slim_svg(SVG, "a board").decode() == (
        "<title>a board</title>\n"
        '<g class="stroked-text"><desc>L</desc>\n'
        '<path d="M1 2l0 1.25 0.5 0 M9 9l-10.25 0" />\n'
        '</g><path d="M1.2345 2.0000\nL3.0000 4.0000\n" />\n'
    )


def test_a_document_loses_its_date_and_keeps_its_lines() -> None:
    page = b"100.000000 200.000000 m\n300.000000 200.000000 l\nS\n300.000000 200.000000 m\n300.000000 7.500000 l\nS\n"
    packed = zlib.compress(page)
    data = (
        b"%PDF-1.5\n%\x80\n1 0 obj\n<< /Length 2 0 R /Filter /FlateDecode >>\n"
        b"stream\n" + packed + b"\nendstream\nendobj\n"
        b"2 0 obj\n%d\nendobj\n" % len(packed)
        + b"3 0 obj\n<<\n/CreationDate (D:20261122032434)\n/Title (x)\n>>\nendobj\n"
        b"xref\n0 4\n...trailer\n<< /Size 4 /Info 3 0 R >>\nstartxref\n7\n%%EOF\n"
    )
    slim = slim_pdf(data)
    assert b"CreationDate" not in slim and b"/Title (x)" in slim
    stream = re.search(rb"stream\n(.*)\nendstream", slim, re.DOTALL)
    assert stream is not None
    assert zlib.decompress(stream[1]) == b"100 200 m\n300 200 l\n300 7.500000 l\nS\n"
    assert b"2 0 obj\n%d\n" % len(stream[1]) in slim
    check_table(slim, 3)


def test_the_committed_document_is_whole() -> None:
    data = (OUT / "schematic.pdf").read_bytes()
    check_table(data, 100)
    assert len(re.findall(rb"/Type /Page\b(?!s)", data)) == 5


def check_table(data: bytes, least_n: int) -> None:
    """Hold the table of objects against where they are."""
    table_at = int(re.findall(rb"startxref\n(\d+)", data)[-1])
    assert data[table_at : table_at + 5] == b"xref\n"
    rows = re.findall(rb"(\d{10}) 00000 ([nf]) \n", data[table_at:])
    used = [(k, int(place)) for k, (place, kind) in enumerate(rows, 1) if kind == b"n"]
    assert len(used) >= least_n
    for k, place in used:
        assert data[place:].startswith(b"%d 0 obj\n" % k), k
