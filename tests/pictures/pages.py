"""The report of a session and the trend over several, as Chromium shows them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from retrosole.report.trend import read_trend
from retrosole.report.trend_page import trend_page
from tests.pictures.screenshot import shown
from tests.pictures.sessions import MADE, calibrated_walk, describe, page_of, walk

BEGUN = datetime.fromisoformat("2026-11-01T10:15:00+01:00")
WALKS = (("heel_first_backward", 40.0), ("mixed", 40.0), ("mixed", 60.0), ("backward", 40.0), ("mixed", 80.0))
DESK, TALL = (960, 690), (960, 790)
LOAD = "section:has(h2:text('Load through stance'))"


def draw_report(browser: Any, out: Path, scratch: Path) -> None:
    """Draw the top of a report, and one of its figures."""
    page = scratch / "report.html"
    page.write_text(page_of(calibrated_walk(scratch / "reported", 90.0, "mixed")), encoding="utf-8")
    shown(browser, page, out / "report.png", DESK)
    shown(browser, page, out / "report-load.png", DESK, LOAD)


def draw_trend(browser: Any, out: Path, scratch: Path) -> None:
    """Draw the top of a trend over five sessions."""
    root = scratch / "trend"
    for k, (gait, seconds) in enumerate(WALKS):
        walk(root / f"S{k}", seconds, gait)
        describe(root / f"S{k}", started=(BEGUN + timedelta(days=3 * k)).isoformat())
    page = scratch / "trend.html"
    page.write_text(trend_page(read_trend(root, None, None, print), MADE), encoding="utf-8")
    shown(browser, page, out / "trend.png", TALL)
