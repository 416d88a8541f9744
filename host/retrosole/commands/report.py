"""`report` and `trend`: read, analyse, write the page, and print it as PDF where that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from retrosole import show
from retrosole.coach.walk_3m import result_lines, time_tries
from retrosole.gait.energy import Effort
from retrosole.plan.loader import load_walk_3m
from retrosole.report import chromium
from retrosole.report.facts import gather
from retrosole.report.files import check_place, save
from retrosole.report.guided import read_guided
from retrosole.report.page import report_page
from retrosole.report.trend import read_trend
from retrosole.report.trend_page import trend_page
from retrosole.session.reader import Session, open_session
from retrosole.session.writer import check_subject


@dataclass(frozen=True)
class ReportOptions:
    """Say where a report goes and what it is of."""

    out: Path | None = None
    is_pdf: bool = False
    direction: str | None = None
    effort: Effort | None = None


def make_report(folder: Path, options: ReportOptions) -> None:
    """Write the report of a session. Raises as `open_session`, UsageError for a bad place, StorageError."""
    out = options.out or Path(f"report-{_name_of(folder)}.html")
    _check(out, options.is_pdf)
    session = open_session(folder)
    facts = gather(session, options.direction, options.effort, _timed_lines(session))
    _write(report_page(facts, datetime.now().astimezone()), out, options.is_pdf)


def make_trend(root: Path, subject: str | None, out: Path | None, is_pdf: bool, direction: str | None) -> None:
    """Write the page of all sessions of a person. Raises UsageError where there are none, or as `make_report`."""
    if out is not None:
        _check(out, is_pdf)
    found = read_trend(root, check_subject(subject) if subject else None, direction, show.say)
    out = out or Path(f"trend-{found.subject}.html")
    _check(out, is_pdf)
    _write(trend_page(found, datetime.now().astimezone()), out, is_pdf)


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
