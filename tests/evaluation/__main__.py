"""Score the detector and write the tables: `python -m tests.evaluation`, see `--help`.

Exit code 0 when every must-line that binds is kept, 1 when one is broken, 2 for a usage error.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from retrosole.errors import RetrosoleError, UsageError
from tests.evaluation.gate import broken_musts
from tests.evaluation.recordings import files_of
from tests.evaluation.run import Results, jobs, run
from tests.evaluation.subjects import GAITPDB, MOTICON
from tests.evaluation.tables import as_json, markdown

_HERE = Path(__file__).parent
_BUILD = Path("build") / "evaluation"
README = _HERE.parent.parent / "README.md"
_BEGIN, _END = "<!-- from make evaluate -->\n", "<!-- end -->"


def main() -> int:
    """Run what the command line says; gives the exit code."""
    options = _options()
    folder = _recordings_folder(options.quick)
    started_s = time.monotonic()
    results = run(jobs(folder, options.quick))
    # What is kept in the project comes from the whole of it only.
    whole = folder is not None and not options.quick
    out = options.out or (_HERE if whole else _BUILD)
    pictures = [] if options.quick or folder is None else _draw(folder, out / "pictures")
    _write(results, out, pictures)
    if whole and out.resolve() == _HERE:
        README.write_text(with_table(README.read_text(encoding="utf-8"), markdown(results, pictures)), encoding="utf-8")
    broken = broken_musts(results)
    if folder is None:
        print("NO RECORDINGS: none of their must-lines was checked, the gait model's alone")
    print("\n".join(broken) or "every must-line that binds and was checked is kept")
    print(f"{len(broken)} must-lines broken; {out / 'results.md'} written; {time.monotonic() - started_s:.0f} s")
    # Of four recordings one stance is a fifth of a percent: --quick only shows.
    return 1 if broken and options.gate and not options.quick else 0


def with_table(readme: str, results: str) -> str:
    """Give the README with the first table of the results between its marks."""
    table = results[results.index("|") :].split("\n\n")[0]
    before, rest = readme.split(_BEGIN)
    return f"{before}{_BEGIN}{table}\n{_END}{rest.split(_END, 1)[1]}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="4 recordings, clean and rough: no model, no gate")
    parser.add_argument("--no-gate", dest="gate", action="store_false", help="exit with 0 though a must-line is broken")
    parser.add_argument("--out", type=Path, help="folder to write to (with --quick build/evaluation)")
    return parser.parse_args()


def _recordings_folder(quick: bool) -> Path | None:
    named = os.environ.get("RETROSOLE_RECORDINGS")
    folder = Path(named or ".")
    absent = [path for name in GAITPDB + MOTICON for path in files_of(folder, name) if not path.is_file()]
    if named and not absent:
        return folder
    what = f"{absent[0]} is not there" if named else "RETROSOLE_RECORDINGS is not set"
    if quick:
        raise UsageError(f"NO RECORDINGS: {what}, and --quick needs them: set RETROSOLE_RECORDINGS to their folder")
    print(
        f"NO RECORDINGS: {what}: only the gait model is run; set RETROSOLE_RECORDINGS to their folder", file=sys.stderr
    )
    return None


def _draw(folder: Path, out: Path) -> list[tuple[str, str]]:
    from tests.evaluation.pictures import draw

    return draw(folder, out)


def _write(results: Results, out: Path, pictures: list[tuple[str, str]]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.md").write_text(markdown(results, pictures), encoding="utf-8")
    text = json.dumps(as_json(results), indent=1, ensure_ascii=False)
    (out / "results.json").write_text(text + "\n", encoding="utf-8")
    _BUILD.mkdir(parents=True, exist_ok=True)
    (_BUILD / "remarks.tsv").write_text("\n".join(results.remarks()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RetrosoleError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted: nothing was written", file=sys.stderr)
        sys.exit(130)
