"""The pages in real Chromium and on paper: what is seen at a desk, on a phone, in the dark, and printed on A4."""

from __future__ import annotations

import re
import socket
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest
from report_sessions import MADE, PARTS, add, describe, guided_notes, page_of, walk
from walk_truth import calibrated
from walked import CHANNELS, Options, save_walk

from retrosole.cli import run
from retrosole.plan.loader import load_plan
from retrosole.report import chromium
from retrosole.report.trend import read_trend
from retrosole.report.trend_page import trend_page
from retrosole.twin.front_end import IDEAL
from retrosole.twin.gait_model import generate
from tests.browser import Tab, TabMaker

DESK, PHONE, SMALLEST = (1280, 900), (390, 844), (320, 600)
LIGHT, DARK = (0xFF, 0xFF, 0xFF), (0x12, 0x14, 0x16)
KINDS = ("two", "mixed", "one", "three", "standing", "gaps", "unaligned", "guided", "trend")

# Words of drawings that are cut off by the page, that lie upon each other, or that are too small to read; what
# reaches beyond the page
_FAULTS = """() => {
  const faults = [];
  const seen = [...document.querySelectorAll('svg[role=img]')].filter(svg => svg.getClientRects().length);
  for (const svg of seen) {
    const box = svg.getBoundingClientRect(), name = svg.getAttribute('aria-label');
    const words = [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect(), text]);
    for (const [word, place, text] of words) {
      if (place.left < box.left - 1 || place.right > box.right + 1 ||
          place.top < box.top - 2 || place.bottom > box.bottom + 2)
        faults.push(`cut: ${word} in ${name}`);
      const scale = box.width / svg.viewBox.baseVal.width;
      const size = parseFloat(getComputedStyle(text).fontSize) * scale;
      if (size < 9.5) faults.push(`small: ${word}, ${size.toFixed(1)} px, in ${name}`);
    }
    words.forEach(([word, one], k) => words.slice(k + 1).forEach(([other, two]) => {
      const across = Math.min(one.right, two.right) - Math.max(one.left, two.left);
      const down = Math.min(one.bottom, two.bottom) - Math.max(one.top, two.top);
      if (across > 1 && down > 3) faults.push(`upon each other: ${word} and ${other} in ${name}`);
    }));
    if (box.height < 60 || box.width < 200) faults.push(`small drawing: ${name}`);
  }
  for (const one of document.querySelectorAll('body *')) {
    const place = one.getBoundingClientRect();
    if (place.width && place.right > innerWidth + 1 && !one.closest('svg'))
      faults.push(`wide: ${one.tagName} ${one.textContent.slice(0, 40)}`);
  }
  return faults;
}"""
_FIGURE_N = "() => [...document.querySelectorAll('svg[role=img]')].filter(one => one.getClientRects().length).length"
_LEAST_CONTRAST = """() => {
  const rgb = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const linear = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => [r, g, b].map(v => linear(v / 255))
    .reduce((sum, v, k) => sum + v * [.2126, .7152, .0722][k], 0);
  const page = light(rgb(getComputedStyle(document.body).backgroundColor));
  const words = 'p, li, td, th, figcaption, h1, h2, h4, dd, svg text:not(.inside):not([class^=in-])';
  const all = [...document.querySelectorAll(words)];
  return Math.min(...all.map(one => {
    const style = getComputedStyle(one), own = light(rgb(one.closest('svg') ? style.fill : style.color));
    return (Math.max(own, page) + .05) / (Math.min(own, page) + .05);
  }));
}"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write a page of every kind."""
    root = tmp_path_factory.mktemp("pages")
    made = {kind: root / f"{kind}.html" for kind in KINDS}
    for kind, page in made.items():
        page.write_text(_page(kind, root / kind), encoding="utf-8")
    return made


def _page(kind: str, folder: Path) -> str:
    if kind == "trend":
        return trend_page(read_trend(sessions(folder), None, None, pytest.fail), MADE)
    if kind == "two":
        save_walk(folder, generate("backward", CHANNELS, 60.0, 3, front_end=IDEAL), calibrated(IDEAL, 3))
        return page_of(describe(folder))
    if kind == "guided":
        stage = load_plan("first-steps").stages[1]
        return page_of(add(walk(folder, 40.0), [*guided_notes(stage), "a note " * 30], [*PARTS, (8.0, 3)]))
    seconds, gait, options, sides = {
        "mixed": (90.0, "mixed", Options(), ("left", "right")),
        "one": (40.0, "heel_first_backward", Options(), ("right",)),
        "three": (6.0, "backward", Options(), ("left",)),
        "standing": (60.0, "standing", Options(), ("left", "right")),
        "gaps": (90.0, "mixed", Options(holes=((20.0, 32.0),), lost=((50.0, 70.0),)), ("left", "right")),
        "unaligned": (30.0, "backward", Options(asks=False), ("left", "right")),
    }[kind]
    return page_of(walk(folder, seconds, gait, options, sides=sides))


def sessions(root: Path) -> Path:
    """Save sessions of a person over three weeks."""
    begun = datetime.fromisoformat("2026-11-01T10:15:00+01:00")
    for k, gait in enumerate(("heel_first_backward", "mixed", "backward", "forward", "backward", "standing")):
        started = begun + timedelta(days=3 * k, hours=k)
        walk(root / f"S{k}", 30.0 + 5 * k, gait, sides=("left",) if k == 2 else ("left", "right"))
        describe(root / f"S{k}", started=started.isoformat())
    return root


@pytest.fixture
def look(tab: TabMaker, pages: dict[str, Path]) -> Any:
    def open_page(kind: str, *values: Any) -> Tab:
        opened = tab(pages[kind].as_uri(), *values)
        assert opened.wrong == [] and opened.asked == [pages[kind].as_uri()], "nothing but the file is asked for"
        return opened

    return open_page


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [DESK, PHONE, SMALLEST], ids=["desk", "phone", "smallest"])
def test_nothing_is_cut_covered_or_wider_than_the_page(look: Any, kind: str, size: tuple[int, int]) -> None:
    page = look(kind, size)
    assert page.run("document.documentElement.scrollWidth") <= size[0]
    faults = [fault for fault in page.run(_FAULTS) if size != SMALLEST or not fault.startswith("small")]
    assert faults == []


@pytest.mark.parametrize(
    ("kind", "figure_n"), [("two", 15), ("one", 7), ("three", 3), ("standing", 1), ("guided", 15), ("trend", 6)]
)
def test_how_many_figures_are_seen(look: Any, kind: str, figure_n: int) -> None:
    for size in (DESK, PHONE):
        page = look(kind, size)
        assert page.run(_FIGURE_N) == figure_n
        assert page.run("document.querySelectorAll('figure').length") == figure_n
        assert page.run("[...document.querySelectorAll('figure')].every(one => one.innerText.trim())"), "said in words"


@pytest.mark.parametrize(("scheme", "ground"), [("light", LIGHT), ("dark", DARK)])
def test_light_and_dark(look: Any, scheme: str, ground: tuple[int, int, int]) -> None:
    page = look("two", DESK, scheme)
    assert page.run("getComputedStyle(document.body).backgroundColor") == f"rgb{ground}"
    assert page.run(_LEAST_CONTRAST) >= 4.5, "WCAG AA for text"


def test_what_is_seen_first_on_a_phone(look: Any) -> None:
    page = look("two", PHONE)
    top = page.run("[...document.querySelectorAll('h1, .who, .short')].map(one => one.getBoundingClientRect().bottom)")
    assert max(top[:3]) <= PHONE[1], "the plain words stand on the first screen"
    assert page.text("h1") == "Walking report" and "The toes touched the ground first" in page.text(".short")


def test_the_centre_of_pressure_begins_under_the_ball_and_ends_under_the_heel(look: Any) -> None:
    page = look("two", DESK)
    for which in (0, 1):
        box, path = page.run(
            """which => {const svg = document.querySelectorAll('.foot-map')[which];
            return [svg.querySelector('.outline'), svg.querySelector('.line.path')]
              .map(one => { const b = one.getBBox(); return [b.x, b.y, b.x + b.width, b.y + b.height]; });}""",
            which,
        )
        length = box[3] - box[1]
        assert box[0] < path[0] and path[2] < box[2], "inside the foot"
        assert 0.1 < (path[1] - box[1]) / length < 0.5 and 0.7 < (path[3] - box[1]) / length < 1.0


def test_left_and_right_differ_by_more_than_colour(look: Any) -> None:
    page = look("two", DESK)
    for pair in (".wide .line.left", ".wide .line.right"), (".line.forefoot", ".line.heel"):
        dashes = [page.run("s => getComputedStyle(document.querySelector(s)).strokeDasharray", one) for one in pair]
        assert dashes[0] == "none" != dashes[1]


# ------------------------------------------------------------------------------------------------------------ paper


@pytest.fixture(scope="module")
def printed(pages: dict[str, Path], browser: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Print pages as the command does."""
    assert chromium.find() is not None, "the browser fixture has made sure of it"
    folder = tmp_path_factory.mktemp("paper")
    out = {}
    for kind in ("two", "guided", "standing", "trend"):
        out[kind] = folder / f"{kind}.pdf"
        out[kind].write_bytes(chromium.to_pdf(pages[kind].read_text(encoding="utf-8"), folder))
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{kind}.pdf" for kind in out)
    return out


@pytest.mark.parametrize(("kind", "most_n"), [("two", 9), ("guided", 9), ("standing", 2), ("trend", 3)])
def test_on_paper(printed: dict[str, Path], kind: str, most_n: int) -> None:
    document = pypdfium2.PdfDocument(printed[kind])
    assert 1 <= len(document) <= most_n and printed[kind].stat().st_size < 1_500_000
    for number, page in enumerate(document, 1):
        assert [round(size / 72 * 25.4) for size in page.get_size()] == [210, 297]
        text = page.get_textpage().get_text_bounded()
        assert f"{number} / {len(document)}" in text and "P07" in text
        ink = np.asarray(page.render(scale=1.0, grayscale=True).to_numpy()).reshape(round(page.get_height()), -1) < 250
        assert not ink[:30].any() and not ink[:, :30].any() and not ink[:, -30:].any(), "nothing in the margins"
        assert ink.any(axis=1)[: len(ink) * 3 // 4].mean() > 0.12 or number == len(document), "no page is nearly empty"
    if kind == "two":
        whole = "".join(page.get_textpage().get_text_bounded() for page in document)
        assert "In short" in whole and "What the words mean" in whole and "standing load" in whole


def test_no_figure_is_cut_on_paper(printed: dict[str, Path]) -> None:
    """Its title, which stands above the drawing, is on the page on which its last words are."""
    texts = [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(printed["two"])]
    pairs = (("Stance time, left foot", "Median 7"), ("Toes first, over time", "Each mark is the share"))
    for title, words in pairs:
        assert any(title in text and words in text.replace("\r\n", " ") for text in texts), title


def test_the_command_prints(
    pages: dict[str, Path], browser: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "r.html"
    session = pages["two"].with_suffix("")
    assert run(["report", str(session), "--pdf", "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert told == f"{out}: open it in a browser; readable by you only\n{tmp_path / 'r.pdf'}: the same on paper\n"
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert run(["report", str(session), "--pdf", "--out", str(out)]) == 0, "an earlier PDF of ours is replaced"
    (tmp_path / "r.pdf").write_bytes(b"%PDF-1.4\n1 0 obj\n<</Title (Mine)>>\n")
    capsys.readouterr()
    assert run(["report", str(session), "--pdf", "--out", str(out)]) == 2
    assert "was not made by this program" in capsys.readouterr().err


def test_the_browser_has_no_network(browser: Any, tmp_path: Path) -> None:
    """A page that asks for something, run as the command runs it: nobody is asked, not even this machine."""
    asked: list[bytes] = []
    with _listener(asked) as port:
        page = tmp_path / "page.html"
        page.write_text(
            f'<img src="http://127.0.0.1:{port}/a"><img src="http://localhost:{port}/b">x', encoding="utf-8"
        )
        words = [*chromium.command(chromium.needed(), tmp_path), f"--print-to-pdf={tmp_path / 'x.pdf'}", page.as_uri()]
        subprocess.run(words, capture_output=True, timeout=120, check=False)
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF") and asked == []


@contextmanager
def _listener(asked: list[bytes]) -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(0.2)
        is_over = threading.Event()

        def serve() -> None:
            while not is_over.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.settimeout(2)
                    asked.append(connection.recv(200))

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(server.getsockname()[1])
        is_over.set()
        thread.join()


def test_the_title_names_the_subject_and_the_day(pages: dict[str, Path]) -> None:
    assert re.search(r"<title>Retrosole report P07, 21 November 2026</title>", pages["two"].read_text(encoding="utf-8"))
