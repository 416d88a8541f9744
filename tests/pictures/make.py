"""All pictures: which there are, and how each is made. The same every time, from fixed seeds."""

from __future__ import annotations

from pathlib import Path

from tests.browser import chromium
from tests.pictures.coach import draw_coach
from tests.pictures.live import draw_page, draw_terminal, walked
from tests.pictures.pages import draw_report, draw_trend


def make_all(out: Path, scratch: Path) -> list[Path]:
    """Make every picture in the folder `out`; give them. `scratch` takes the sessions they are of."""
    state = walked()
    draw_terminal(state, out)
    draw_coach(out, scratch)
    with chromium() as browser:
        draw_page(state, browser, out)
        draw_report(browser, out, scratch)
        draw_trend(browser, out, scratch)
    return sorted(out.iterdir())
