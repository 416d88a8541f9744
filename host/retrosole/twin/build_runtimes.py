"""Obtain MicroPython runtimes.

`python -m retrosole.twin.build_runtimes [unpacked|unix32|unix64|rv32|test] [--force]`

Debian and Ubuntu only; elsewhere it says what to install. "unpacked" needs neither root nor a
compiler and never fails a caller: without it the firmware runs on CPython. "test" is what the test
suite needs: unix32 and rv32. With CI=true a runtime that cannot be had is a failure.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from retrosole.errors import RetrosoleError
from retrosole.twin import debian, recipes, runtimes
from retrosole.twin.debian import BuildError, clean_env, run_logged

_PORT = {"unix32": "unix", "unix64": "unix", "rv32": "qemu"}
_UNPACKED_KEEPS = ("usr/bin", "usr/lib", "usr/lib64", "lib", "lib64")


class Steps:
    """Progress lines with the seconds since the start."""

    def __init__(self) -> None:
        """Start the clock."""
        self._start_s = time.monotonic()

    def say(self, text: str) -> None:
        """Print one line at once."""
        print(f"runtimes: [{time.monotonic() - self._start_s:5.1f} s] {text}", flush=True)


@contextmanager
def locked(steps: Steps) -> Iterator[None]:
    """Hold the cache's lock: two processes never build at once; the second waits, aloud."""
    import fcntl  # not on Windows, where nothing is built

    recipes.cache_dir().mkdir(parents=True, exist_ok=True)
    with open(recipes.cache_dir() / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            steps.say("another process is building: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a temporary folder that is gone afterwards, however the build ends.

    It lies outside the checkout: make cannot handle a path with spaces, and git must not find the
    project's history.
    """
    with tempfile.TemporaryDirectory(prefix="retrosole-build-") as name:
        yield Path(name)


def install(kind: str, version: str, fill: Callable[[Path], None]) -> None:
    """Put a result into the cache in one step: an interrupted one leaves the former or nothing."""
    cache = recipes.cache_dir()
    fresh, stale = cache / f".{kind}.new", cache / f".{kind}.old"
    for leftover in (fresh, stale):
        shutil.rmtree(leftover, ignore_errors=True)
    fresh.mkdir(parents=True)
    fill(fresh)
    (fresh / "stamp.json").write_text(json.dumps({"key": recipes.key(kind), "version": version}), encoding="utf-8")
    if (cache / kind).exists():
        os.rename(cache / kind, stale)
    os.rename(fresh, cache / kind)
    shutil.rmtree(stale, ignore_errors=True)


def missing_packages(kind: str) -> list[str]:
    """Return Debian's names of what a kind lacks here, to be built and (rv32) to be run."""
    tools = {"make": "make", "gcc": "gcc", "dpkg-source": "dpkg-dev"}
    if kind == "rv32":
        tools |= {
            "riscv64-unknown-elf-gcc": "gcc-riscv64-unknown-elf",
            runtimes.QEMU: "qemu-system-misc",
        }
    missing = [package for tool, package in tools.items() if not shutil.which(tool)]
    if kind == "rv32" and not _has_picolibc():
        missing.append("picolibc-riscv64-unknown-elf")
    if kind == "unix64" and not _compiles():
        missing.append("libc6-dev")
    if kind == "unix32" and not _compiles("-m32"):
        missing.append("gcc-multilib")
    return missing


def _has_picolibc() -> bool:
    compiler = shutil.which("riscv64-unknown-elf-gcc")
    if compiler is None:
        return False
    answer = subprocess.run([compiler, "--print-file-name=picolibc.specs"], capture_output=True, text=True, check=False)
    return answer.stdout.strip() not in {"", "picolibc.specs"}


def _compiles(*options: str) -> bool:
    if not shutil.which("gcc"):
        return False
    command = ["gcc", *options, "-x", "c", "-", "-o", os.devnull, "-lm"]
    program = '#include <stdio.h>\nint main(void) { return puts(""); }\n'
    return subprocess.run(command, input=program, capture_output=True, text=True, check=False).returncode == 0


def ensure_packages(kind: str, steps: Steps, log: Path) -> None:
    """Install what a kind needs where that is allowed without asking.

    Raises:
        BuildError: something is missing and this user may not install it; the message has the
        command.
    """
    missing = missing_packages(kind)
    if not missing:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    prefix = _root_prefix()
    if prefix is None or not debian.distribution():
        raise BuildError(f"{kind} needs {', '.join(missing)}: sudo {' '.join(command)}")
    steps.say(f"installing {' '.join(missing)}")
    environment = {**clean_env(), "DEBIAN_FRONTEND": "noninteractive"}
    run_logged([*prefix, "apt-get", "-q", "update"], log, env=environment)
    run_logged([*prefix, *command], log, env=environment)


def _root_prefix() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        return None
    allowed = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    return ["sudo", "-n"] if allowed else None


def source_files(scratch: Path, steps: Steps, log: Path) -> list[Path]:
    """Return the pinned source package's files (6 MB), the description first, fetched once."""
    kept = recipes.cache_dir() / f"source-{recipes.SOURCE_VERSION}"
    if not kept.is_dir():
        steps.say(f"fetching the source package micropython {recipes.SOURCE_VERSION}")
        fetched = debian.fetch(scratch, log, lambda apt: apt.source("micropython", recipes.SOURCE_VERSION))
        fresh = kept.with_name(f".{kept.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for path in fetched:
            shutil.copy2(path, fresh)
        os.rename(fresh, kept)
    return sorted(kept.iterdir(), key=lambda path: path.suffix != ".dsc")


def build(kind: str, steps: Steps) -> None:
    """Build one kind from source into the cache. Raises BuildError."""
    log = _fresh_log(kind)
    ensure_packages(kind, steps, log)
    with scratch_folder() as scratch:
        description = source_files(scratch, steps, log)[0]
        tree = scratch / "micropython"
        # The files' hashes are checked against the description, which apt has checked against the
        # signed release.
        run_logged(["dpkg-source", "-q", "-x", str(description), str(tree)], log)
        overlay = scratch / "overlay"
        for name, content in (recipes.overlay_files(kind) or {}).items():
            (overlay / name).parent.mkdir(parents=True, exist_ok=True)
            (overlay / name).write_bytes(content)
        steps.say(f"compiling {kind}")
        run_logged(_make_command(kind, tree, scratch / "out", overlay), log, env=_make_env())
        install(
            kind,
            recipes.UPSTREAM_VERSION,
            lambda folder: _copy_result(kind, scratch / "out", folder),
        )


def _make_command(kind: str, tree: Path, out: Path, overlay: Path) -> list[str]:
    variables = [text.format(overlay=overlay) for text in recipes.MAKE_VARIABLES[kind]]
    jobs = f"-j{os.cpu_count() or 1}"
    return [
        "make",
        "-C",
        str(tree / "ports" / _PORT[kind]),
        jobs,
        f"BUILD={out}",
        f"PYTHON={sys.executable}",
        *variables,
    ]


def _make_env() -> dict[str, str]:
    return {
        **clean_env(),
        "MICROPY_GIT_TAG": f"v{recipes.UPSTREAM_VERSION}",
        "MICROPY_GIT_HASH": recipes.SOURCE_VERSION,
    }


def _copy_result(kind: str, out: Path, folder: Path) -> None:
    name = recipes.RESULT_FILE[kind]
    shutil.copy2(out / name, folder / name)


def unpack(steps: Steps) -> None:
    """Unpack Debian's MicroPython with the libraries it needs into the cache. Raises BuildError."""
    log = _fresh_log("unpacked")
    with scratch_folder() as scratch:
        steps.say("fetching Debian's package micropython and its libraries")
        packages = debian.fetch(scratch, log, lambda apt: apt.packages("micropython"))
        root = scratch / "root"
        for package in packages:
            run_logged(["dpkg", "-x", str(package), str(root)], log)
        argv = runtimes.unpacked_argv(root)
        answer = runtimes.probe(argv) if argv else None
        if answer is None or runtimes.parse_version(answer.version) < runtimes.OLDEST:
            raise BuildError(f"Debian's package micropython does not run here ({answer}); see {log}")
        install("unpacked", answer.version, lambda folder: _copy_unpacked(root, folder))


def _copy_unpacked(root: Path, folder: Path) -> None:
    for name in _UNPACKED_KEEPS:
        if (root / name).is_symlink():
            (folder / name).symlink_to(os.readlink(root / name))
        elif (root / name).is_dir():
            ignored = shutil.ignore_patterns("gconv", "locale", "audit")
            shutil.copytree(root / name, folder / name, symlinks=True, ignore=ignored)


def _fresh_log(kind: str) -> Path:
    log = recipes.cache_dir() / "logs" / f"{kind}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    return log


def is_ready(kind: str) -> bool:
    """Tell whether a kind can be used as it is."""
    try:
        runtimes.find("micropython" if kind == "unpacked" else kind)
    except RetrosoleError:
        return False
    return True


def obtain(kind: str, steps: Steps, force: bool = False) -> bool:
    """Make one kind available; say aloud when that is not possible. Return whether it is there."""
    try:
        if not force and is_ready(kind):
            return True
        if not debian.distribution():
            raise BuildError(f"this is neither Debian nor Ubuntu; {debian.install_hint()}")
        with locked(steps):
            if force or not is_ready(kind):
                unpack(steps) if kind == "unpacked" else build(kind, steps)
        steps.say(f"{kind} is ready: {runtimes.find(kind).describe()}")
    except (RetrosoleError, OSError) as error:
        steps.say(f"SKIPPED {kind}: {error}")
        return False
    return True


def kinds_for(target: str, machine: str) -> tuple[str, ...]:
    """Return the kinds behind a target. Other than on x86, 64 bits stand in for 32."""
    if target != "test":
        return (target,)
    return ("unix32" if machine in {"x86_64", "AMD64", "i686"} else "unix64", "rv32")


def main(arguments: Sequence[str]) -> int:
    """Obtain what the arguments name; return the exit code."""
    force = "--force" in arguments
    targets = [argument for argument in arguments if argument != "--force"] or ["test"]
    known = {*recipes.BUILT, "unpacked", "test"}
    if not known.issuperset(targets):
        print(
            f"usage: python -m retrosole.twin.build_runtimes [{'|'.join(sorted(known))}] [--force]",
            file=sys.stderr,
        )
        return 2
    steps = Steps()
    kinds = [kind for target in targets for kind in kinds_for(target, platform.machine())]
    try:
        absent = [kind for kind in kinds if not obtain(kind, steps, force)]
    except KeyboardInterrupt:
        steps.say("interrupted; nothing half-built was kept")
        return 130
    required = [kind for kind in absent if kind != "unpacked"]
    return 1 if required and os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
