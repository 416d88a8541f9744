"""Fetch a real recording for the virtual insole: the Moticon OpenGo samples in the source archive of `moticon-opengo`.

Called by `make data`. pip says where the archive is, by the user's own configuration, and checks its hash; nothing
is installed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

PACKAGE = "moticon-opengo==1.0.3"
FOLDER = Path("data/moticon")
MOST_BYTES = 16 << 20  # of one file; the largest is 0.8 MB


def main() -> int:
    """Fetch, unpack, and say what to do with it."""
    print(f"fetching the source archive of {PACKAGE}", flush=True)
    with tempfile.TemporaryDirectory(prefix="retrosole-data-") as work:
        try:
            paths = unpack(download(Path(work)), FOLDER)
        except (OSError, RuntimeError, tarfile.TarError) as error:
            print(f"make data: {error}", file=sys.stderr)
            return 1
    for path in paths:
        print(f"  {path}  {path.stat().st_size} bytes")
    walk = max(paths, key=lambda path: path.stat().st_size)
    print(f"Real walking, Apache-2.0 (see {FOLDER / 'LICENSE'}). Walk on it:")
    print(f"  .venv/bin/retrosole sim --source {walk}     and, in a second terminal, .venv/bin/retrosole live")
    return 0


def download(work: Path) -> Path:
    """Have pip fetch the source archive; give its path. Raises RuntimeError with pip's own words when it cannot.

    pip asks the archive's build backend for its name and version, so it fetches that too, to a place of its own.
    """
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps"]
    source_only = f"--no-binary={PACKAGE.partition('==')[0]}"
    done = subprocess.run(
        [*command, source_only, "-d", str(work), PACKAGE], capture_output=True, text=True, check=False
    )
    archive = next(work.glob("*.tar.gz"), None)
    if done.returncode != 0 or archive is None:
        words = done.stderr.strip().splitlines() or ["it said nothing"]
        raise RuntimeError(f"pip cannot fetch {PACKAGE}, check the network and pip's configuration: {words[-1]}")
    return archive


def unpack(archive: Path, folder: Path) -> list[Path]:
    """Unpack the recordings and the licence into `folder`, under their own names alone; give the recordings.

    Only plain files are taken, each by the last part of its name: nothing in the archive decides where it goes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    recordings = []
    with tarfile.open(archive) as tar:
        for member in tar:
            name = PurePosixPath(member.name)
            is_recording = name.parts[1:3] == ("tests", "testdata") and len(name.parts) == 4 and name.suffix == ".txt"
            if not member.isfile() or not (is_recording or name.parts[1:] == ("LICENSE",)):
                continue
            source = tar.extractfile(member)
            if source is None or member.size > MOST_BYTES:
                raise RuntimeError(f"{member.name} in the archive is not what was expected ({member.size} bytes)")
            path = folder / name.name
            with source, open(path, "wb") as out:
                shutil.copyfileobj(source, out)
            if is_recording:
                recordings.append(path)
    if not recordings:
        raise RuntimeError(f"no tests/testdata/*.txt in {archive.name}: the archive has changed")
    return sorted(recordings)


if __name__ == "__main__":
    sys.exit(main())
