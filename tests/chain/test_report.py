"""A report from end to end: virtual insoles walk, the real command records them, and the page tells of that walk."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from retrosole.cli import run
from retrosole.twin.sim import SimOptions, virtual_insoles
from tests.host.page_text import figures_of, text_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("registry")]


def test_record_then_report_then_trend(capfd: pytest.CaptureFixture[str]) -> None:
    with virtual_insoles(SimOptions(gait="backward", speed=4.0)) as insoles:
        ports = [word for port in insoles.ports.values() for word in ("--port", port)]
        for _ in range(2):
            assert run(["record", *ports, "--seconds", "8", "--subject", "P07", "--note", "treadmill, 2 km/h"]) == 0
    folders = sorted(Path("sessions").iterdir())
    assert len(folders) == 2
    assert run(["report", str(folders[0])]) == 0
    page = Path(f"report-{folders[0].name}.html").read_text(encoding="utf-8")
    text = text_of(page)
    assert re.search(r"saw \d\d steps: \d\d of the left foot and \d\d of the right foot", text) and "P07" in text
    assert "All of them went backward." in text and "treadmill, 2 km/h" in text
    assert "Nothing is missing from the recording." in text and "Complete: everything that was taken is here" in text
    assert re.search(r"Recorded with \| retrosole \d", text) and "Board | esp32_devkitc" in text
    assert len(figures_of(page)) == 15
    assert run(["trend", "sessions"]) == 0
    trend = Path("trend-P07.html").read_text(encoding="utf-8")
    assert len(figures_of(trend)) == 6 and "2 sessions with" in text_of(trend)
    assert "Traceback" not in "".join(capfd.readouterr())
