"""Run KiCad 9's `kicad-cli`: the one in PATH, else one from Debian's packages in a folder of this project's cache.

`python -m hardware.kicad` obtains it (once: 220 MB are fetched, 1.1 GB unpacked, in half a minute to a minute and a
half) and says which it is.
Nothing is installed on the system: the packages come from the archive that this machine's own apt uses, are unpacked
into `.cache/kicad`, and run in a chroot of that folder. That takes root, or a system that lets its users have user
namespaces. KiCad is GPL: it is run as a program, never imported.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from retrosole.errors import RetrosoleError
from retrosole.twin import debian

MAJOR = "9"
CACHE = Path(__file__).resolve().parent.parent / ".cache" / "kicad"
_PACKAGES = ("kicad", "kicad-symbols", "kicad-footprints", "coreutils")  # the last for env, which changes the folder
_LEFT_OUT = ("doc", "locale", "man", "opencascade", "icons")  # of usr/share: a third of the size, and never read
_SAY_EVERY_S = 10
_TIMEOUT_S = 300


class KicadError(RetrosoleError):
    """Say that KiCad 9 cannot be had, or that it failed."""


@dataclass(frozen=True)
class Room:
    """A copy of a KiCad project to work in; what KiCad writes there is gone afterwards."""

    path: Path
    inside: str  # the same folder as KiCad sees it
    command: tuple[str, ...]
    settings: dict[str, str]  # KiCad's own, for the environment

    def run(self, *arguments: str) -> str:
        """Run kicad-cli in the room and return what it printed; raise KicadError when it fails."""
        try:
            done = subprocess.run(
                [part.replace("{room}", self.inside) for part in self.command] + list(arguments),
                cwd=self.path,
                env={**debian.clean_env(), "LC_ALL": "C.UTF-8", **self.settings},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise KicadError(f"kicad-cli {' '.join(arguments)} did not run to its end: {error}") from error
        if done.returncode:
            said = (done.stdout + done.stderr).strip()
            raise KicadError(f"kicad-cli {' '.join(arguments)} failed with exit code {done.returncode}: {said}")
        return done.stdout


@dataclass(frozen=True)
class Kicad:
    """One kicad-cli of version 9; `root` is the folder it runs in, None for the one in PATH."""

    program: str
    root: Path | None

    def command(self) -> tuple[str, ...]:
        """Give what stands before kicad-cli's own arguments; {room} is the folder to work in."""
        if self.root is None:
            return (self.program,)
        enter = ("chroot",) if os.geteuid() == 0 else ("unshare", "--map-root-user", "chroot")
        return (*enter, str(self.root), "/usr/bin/env", "-C", "{room}", self.program)

    def templates(self) -> Path:
        """Give the folder with the library tables that a new user of KiCad gets."""
        share = Path(self.program).resolve().parent.parent if self.root is None else self.root / "usr"
        return share / "share" / "kicad" / "template"

    @contextmanager
    def room(self, project: Path | None = None) -> Iterator[Room]:
        """Give a copy of a project's folder to work in, with KiCad's standard libraries."""
        rooms = None if self.root is None else self.root / "tmp"
        with tempfile.TemporaryDirectory(prefix="kicad-", dir=rooms) as name:
            path = Path(name)
            if project is not None:
                shutil.copytree(project, path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("out", "*.lck"))
            inside = str(path) if self.root is None else f"/tmp/{path.name}"
            yield Room(path, inside, self.command(), self._settle(path, inside))

    def _settle(self, path: Path, inside: str) -> dict[str, str]:
        """Lay out settings that know the standard libraries; where KiCad's are not found its user's own have to do."""
        tables = [self.templates() / name for name in ("sym-lib-table", "fp-lib-table")]
        if not all(table.is_file() for table in tables):
            return {}
        folder = path / ".config" / f"{MAJOR}.0"
        folder.mkdir(parents=True)
        for table in tables:
            shutil.copy(table, folder)
        return {"HOME": inside, "KICAD_CONFIG_HOME": f"{inside}/.config"}

    def version(self) -> str:
        """Ask kicad-cli for its version."""
        with self.room() as room:
            return room.run("version").strip()


def find() -> Kicad | None:
    """Return the kicad-cli of version 9 that is there, the one in PATH first; None where there is none yet."""
    program = shutil.which("kicad-cli")
    found = [] if program is None else [Kicad(program, None)]
    if (CACHE / "root" / "usr" / "bin" / "kicad-cli").is_file():
        found.append(Kicad("/usr/bin/kicad-cli", CACHE / "root"))
    return next((one for one in found if _is_wanted(one)), None)


def _is_wanted(kicad: Kicad) -> bool:
    try:
        return kicad.version().startswith(f"{MAJOR}.")
    except KicadError:
        return False


def obtain() -> Kicad:
    """Return a kicad-cli of version 9, unpacked into the cache where none is there.

    Raises:
        KicadError: it cannot be had here; the message says why and what to do.
    """
    found = find()
    if found is not None:
        return found
    _check_can_enter()
    CACHE.mkdir(parents=True, exist_ok=True)
    with _locked():
        if find() is None:
            _unpack(CACHE / "log.txt")
    found = find()
    if found is None:
        raise KicadError(f"what was unpacked to {CACHE / 'root'} is no KiCad {MAJOR} that runs: {_HOW}")
    return found


_HOW = f"install KiCad {MAJOR}, so that kicad-cli is in PATH"


def _check_can_enter() -> None:
    """Refuse before anything is fetched where a chroot could not be entered afterwards."""
    if debian.distribution() == "" or not shutil.which("dpkg-deb"):
        raise KicadError(f"KiCad {MAJOR} is not in PATH, and only Debian and Ubuntu hand it out by themselves: {_HOW}")
    if os.geteuid() == 0:
        return
    tried = ["unshare", "--map-root-user", "true"]
    if not shutil.which("unshare") or subprocess.run(tried, capture_output=True, check=False).returncode:
        raise KicadError(
            f"KiCad {MAJOR} is not in PATH, and unpacked it takes root here (this system gives users no user "
            f"namespaces): run this as root, or {_HOW}"
        )


@contextmanager
def _locked() -> Iterator[None]:
    import fcntl  # not on Windows, where nothing is unpacked

    with open(CACHE / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("kicad: another process is obtaining it: waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unpack(log: Path) -> None:
    """Fetch and unpack the packages; an interrupted run leaves the former folder or none."""
    start_s = time.monotonic()

    def say(text: str) -> None:
        print(f"kicad: [{time.monotonic() - start_s:5.1f} s] {text}", flush=True)

    say(f"KiCad {MAJOR} is not in PATH: fetching Debian's packages of it (220 MB, once)")
    fresh, kept = CACHE / ".root.new", CACHE / "root"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    with tempfile.TemporaryDirectory(prefix="retrosole-kicad-") as scratch:
        try:
            files = debian.fetch(Path(scratch), log, lambda apt: apt.packages(*_PACKAGES))
        except debian.BuildError as error:
            raise KicadError(f"the packages of KiCad {MAJOR} cannot be had, see {log}: {_HOW}") from error
        said_s = 0.0
        for k, file in enumerate(files):
            if time.monotonic() - said_s > _SAY_EVERY_S:
                said_s = time.monotonic()
                say(f"unpacking package {k + 1} of {len(files)}")
            _extract(file, fresh)
    (fresh / "tmp").mkdir(exist_ok=True)
    (fresh / "tmp").chmod(0o1777)
    shutil.rmtree(kept, ignore_errors=True)
    os.rename(fresh, kept)
    say(f"done: {kept}")


def _extract(package: Path, into: Path) -> None:
    """Unpack one package, without the parts that kicad-cli never reads; no script of a package is run."""
    excluded = [f"--exclude=./usr/share/{name}" for name in _LEFT_OUT]
    unpack = ["tar", "-x", "--no-same-owner", "--exclude=./dev", *excluded, "-C", str(into)]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as archive:
        done = subprocess.run(unpack, stdin=archive.stdout, capture_output=True, text=True, check=False)
    if done.returncode or archive.returncode:
        raise KicadError(f"{package.name} cannot be unpacked into {into}: {done.stderr.strip()}")


def main() -> int:
    """Obtain KiCad and say which it is; without it the exit code is 1."""
    argparse.ArgumentParser(prog="python -m hardware.kicad", description="Obtain KiCad 9.").parse_args()
    try:
        kicad = obtain()
    except KicadError as error:
        print(f"kicad: {error}", file=sys.stderr)
        return 1
    print(f"kicad: {kicad.version()}, {kicad.program if kicad.root is None else kicad.root}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
