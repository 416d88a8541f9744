"""`report` and `trend`: read, analyse, write the page, and print it as PDF where that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from retrosole import show
from retrosole.coach.walk_3m import result_lines, time_tries
from retrosole.errors import UsageError
from retrosole.plan.loader import load_walk_3m
from retrosole.report import chromium
from retrosole.report.facts import Walker, gather
from retrosole.report.files import check_place, save
from retrosole.report.guided import read_guided
from retrosole.report.page import report_page
from retrosole.report.trend import read_trend
from retrosole.report.trend_page import trend_page
from retrosole.session.reader import Session, open_session
from retrosole.session.writer import check_subject

_MPS_PER_KMH = 1.0 / 3.6
_MOST_KMH = 30.0


@dataclass(frozen=True)
class ReportOptions:
    """Say where a report goes and what it is of."""

    out: Path | None = None
    is_pdf: bool = False
    direction: str | None = None
    mass_kg: float | None = None
    speed_kmh: float | None = None
    is_uphill: bool = False


def make_report(folder: Path, options: ReportOptions) -> None:
    """Write the report of a session. Raises as `open_session`, UsageError for a bad place, StorageError."""
    walker = _walker(options)
    out = options.out or Path(f"report-{_name_of(folder)}.html")
    _check(out, options.is_pdf)
    session = open_session(folder)
    facts = gather(session, options.direction, walker, _timed_lines(session))
    _write(report_page(facts, datetime.now().astimezone()), out, options.is_pdf)


def make_trend(root: Path, subject: str | None, out: Path | None, is_pdf: bool, direction: str | None) -> None:
    """Write the page of all sessions of a person. Raises UsageError where there are none, or as `make_report`."""
    if out is not None:
        _check(out, is_pdf)
    found = read_trend(root, check_subject(subject) if subject else None, direction, show.say)
    out = out or Path(f"trend-{found.subject}.html")
    _check(out, is_pdf)
    _write(trend_page(found, datetime.now().astimezone()), out, is_pdf)


def _walker(options: ReportOptions) -> Walker | None:
    if options.mass_kg is None and options.speed_kmh is None:
        if options.is_uphill:
            raise UsageError("--uphill belongs to an estimate of energy: add --mass KG and --speed KM/H")
        return None
    if options.mass_kg is None or options.speed_kmh is None:
        raise UsageError("an estimate of energy takes both --mass KG and --speed KM/H, as the treadmill says")
    if not 0 < options.speed_kmh < _MOST_KMH:
        raise UsageError(f"a speed of {options.speed_kmh:g} km/h cannot be: expected above 0 and below {_MOST_KMH:g}")
    return Walker(options.mass_kg, options.speed_kmh * _MPS_PER_KMH, options.is_uphill)


def _name_of(path: Path) -> str:
    """Give a name for the page of a session: its folder's, and of a bare log the foot's, too."""
    path = path.resolve()
    if path.name == "session.json":
        path = path.parent
    return path.name if path.suffix != ".frames" else f"{path.parent.name}-{path.stem}"


def _timed_lines(session: Session) -> list[str]:
    if not read_guided(session).is_timed_walk:
        return []
    test = load_walk_3m()
    return [line.strip() for line in result_lines(test, time_tries(session, test))]


def _check(out: Path, is_pdf: bool) -> None:
    check_place(out, ".html")
    if is_pdf:
        check_place(out.with_suffix(".pdf"), ".pdf")


def _write(page: str, out: Path, is_pdf: bool) -> None:
    """Write a page, and its PDF. The page stays where the PDF cannot be made."""
    save(out, page.encode())
    print(f"{out}: open it in a browser; readable by you only")
    if is_pdf:
        target = out.with_suffix(".pdf")
        save(target, chromium.to_pdf(page, target.resolve().parent))
        print(f"{target}: the same on paper")
