"""Search every reader for input that breaks a rule: `python -m tests.fuzz [--seconds 20] [READER...]`.

What is found stands in build/fuzz/READER/; `python -m tests.fuzz --again FILE` tries one such file again.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.guard import INPUT_BYTES, keep_rules
from tests.fuzz.readers import READERS

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "fuzz"
_MEMORY_MB = 1024
_HANG_S = 10


def main() -> int:
    """Search, or try again; give the exit code."""
    options = _options()
    if options.again:
        return _again(options.again)
    if importlib.util.find_spec("atheris") is None:
        print(f"atheris is not there for this Python ({sys.version.split()[0]}): search with another, such as 3.11")
        return 2
    found = [path for name in options.readers or READERS for path in _search(name, options.seconds)]
    for path in found:
        print(f"  python -m tests.fuzz --again {path.relative_to(ROOT)}")
    return 1 if found else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Search readers for input that breaks one."
    )
    parser.add_argument("readers", nargs="*", metavar="READER", choices=[[], *READERS], help=", ".join(READERS))
    parser.add_argument("--seconds", type=int, default=20, help="for each reader (20)")
    parser.add_argument("--again", type=Path, metavar="FILE", help="try one finding again")
    return parser.parse_args()


def _search(name: str, seconds: int) -> list[Path]:
    """Search one reader in a process of its own; give the files of what it found."""
    kept = KEPT / name
    corpus = kept / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for old in [*kept.glob("found-*"), *kept.glob("timeout-*"), *kept.glob("oom-*"), *kept.glob("crash-*")]:
        old.unlink()
    for k, seed in enumerate(READERS[name].seeds()):
        (corpus / f"seed-{k}").write_bytes(seed)
    limits = [f"-max_total_time={seconds}", f"-timeout={_HANG_S}", f"-rss_limit_mb={_MEMORY_MB}"]
    limits += [f"-max_len={INPUT_BYTES // 8}", f"-artifact_prefix={kept}/", "-print_final_stats=1"]
    command = [sys.executable, "-m", "tests.fuzz.child", name, str(kept), *limits, str(corpus)]
    with open(kept / "log.txt", "w", encoding="utf-8") as log:
        code = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=False, timeout=seconds + 120).returncode
    found = sorted(path for path in kept.iterdir() if path.is_file() and "-" in path.name and path.suffix != ".txt")
    print(f"{name}: {_said(kept / 'log.txt')}, {len(found) or 'nothing'} found", flush=True)
    if code and not found:
        sys.exit(f"{name}: the search itself ended with code {code}: see {kept / 'log.txt'}")
    return found


def _said(log: Path) -> str:
    text = log.read_text(encoding="utf-8", errors="replace")
    covered = re.findall(r"cov: (\d+)", text)
    tried = re.findall(r"^#(\d+)\s", text, re.MULTILINE)
    return f"{tried[-1] if tried else 0} inputs tried, {covered[-1] if covered else 0} edges reached"


def _again(path: Path) -> int:
    reader = READERS.get(path.resolve().parent.name)
    if reader is None:
        print(f"{path} does not lie in a folder called after a reader: {', '.join(READERS)}")
        return 2
    reader.prepare()
    data = path.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        took = keep_rules(Path(folder), lambda: reader.read(data, Path(folder)))
    print("read without breaking a rule" if took else "refused in one line, as it should be")
    return 0


if __name__ == "__main__":
    sys.exit(main())
