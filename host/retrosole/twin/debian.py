"""Debian's and Ubuntu's packages without touching the system: a private apt.

No host name is written here: the archive's address is the one this machine's own apt uses.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from retrosole.errors import RetrosoleError

_KEYRINGS = {
    "debian": ("debian-archive-keyring.gpg", "debian-archive-keyring.pgp"),
    "ubuntu": ("ubuntu-archive-keyring.gpg",),
}
# Suites with MicroPython 1.24 or newer, best first. Ubuntu's could not be tried where this was
# written: its package lives in universe and its sources are expected to behave like Debian's.
_SUITES = {"debian": ("trixie",), "ubuntu": ("questing", "resolute", "plucky", "devel")}
_COMPONENTS = {"debian": "main", "ubuntu": "main universe"}
_LOG_TAIL_LINES = 15


class BuildError(RetrosoleError):
    """Say that a runtime could not be obtained; the rest of the toolkit works without it."""


@dataclass(frozen=True)
class Source:
    """One entry of apt's sources."""

    types: tuple[str, ...]
    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""


def parse_deb822(text: str) -> list[Source]:
    """Read the stanzas of a `.sources` file; disabled and incomplete ones are left out."""
    sources = []
    for stanza in re.split(r"\n[ \t]*\n", text):
        fields = _stanza_fields(stanza)
        if "uris" in fields and fields.get("enabled", "yes").lower() not in {"no", "false"}:
            sources.append(
                Source(
                    types=tuple(fields.get("types", "deb").split()),
                    uris=tuple(fields["uris"].split()),
                    suites=tuple(fields.get("suites", "").split()),
                    components=tuple(fields.get("components", "").split()),
                    signed_by=fields.get("signed-by", ""),
                )
            )
    return sources


def _stanza_fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1] in {" ", "\t"} and name:
            fields[name] += "\n" + line.strip()
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


_ONE_LINE = re.compile(r"^\s*(deb(?:-src)?)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)")


def parse_one_line(text: str) -> list[Source]:
    """Read the lines of a classic `sources.list`; comments and anything else are left out."""
    sources = []
    for line in text.splitlines():
        match = _ONE_LINE.match(line)
        if match:
            kind, options, uri, suite, components = match.groups()
            signed_by = re.search(r"signed-by=(\S+)", options or "")
            sources.append(
                Source(
                    (kind,),
                    (uri,),
                    (suite,),
                    tuple(components.split()),
                    signed_by[1] if signed_by else "",
                )
            )
    return sources


def machine_sources(etc_apt: Path = Path("/etc/apt")) -> list[Source]:
    """Read this machine's own apt sources, of both styles."""
    sources: list[Source] = []
    lists = [etc_apt / "sources.list", *sorted(etc_apt.glob("sources.list.d/*"))]
    for path in lists:
        if path.suffix not in {".list", ".sources"} or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        sources += parse_deb822(text) if path.suffix == ".sources" else parse_one_line(text)
    return sources


def distribution(os_release: Mapping[str, str] | None = None) -> str:
    """Return "debian" or "ubuntu" for those and what derives from them, else ""."""
    release = _os_release() if os_release is None else os_release
    names = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    if "ubuntu" in names:
        return "ubuntu"
    return "debian" if "debian" in names else ""


def _os_release() -> Mapping[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def archive(sources: Iterable[Source], codename: str) -> Source:
    """Return the distribution's main archive: packages of this release, component main.

    Raises:
        BuildError: none of them is.
    """
    names = {codename, "stable", "testing", "sid", "unstable"}
    for source in sources:
        if "deb" in source.types and names & set(source.suites) and "main" in source.components:
            return source
    raise BuildError(
        f"No main archive of release {codename or '(unnamed)'} in this machine's apt sources: "
        "add it to /etc/apt/sources.list.d, or set MICROPYTHON=/path/to/micropython"
    )


def _keyring(source: Source, family: str) -> str:
    candidates = [source.signed_by] if source.signed_by.startswith("/") else []
    candidates += [f"/usr/share/keyrings/{name}" for name in _KEYRINGS[family]]
    return next((name for name in candidates if Path(name).is_file()), "")


def suite_stanza(source: Source, family: str, suite: str) -> str:
    """Write the `.sources` text for another suite of the same archive."""
    keyring = _keyring(source, family)
    return f"Types: deb deb-src\nURIs: {source.uris[0]}\nSuites: {suite}\nComponents: {_COMPONENTS[family]}\n" + (
        f"Signed-By: {keyring}\n" if keyring else ""
    )


def run_logged(command: list[str], log: Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> None:
    """Run a command with its output in a log file.

    Raises:
        BuildError: it failed; the message holds the end of the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        out.write(("\n$ " + " ".join(command) + "\n").encode())
        out.flush()
        done = subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False)
    if done.returncode:
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        text = "\n    ".join(tail)
        raise BuildError(f"{command[0]} failed with exit code {done.returncode}; the end of {log}:\n    {text}")


def clean_env() -> dict[str, str]:
    """Return the environment, in the C locale, without what an outer make or git would pass on."""
    dropped = {
        "MAKEFLAGS",
        "MFLAGS",
        "MAKEOVERRIDES",
        "MAKELEVEL",
        "GIT_DIR",
        "GIT_WORK_TREE",
        "CC",
        "CFLAGS",
        "LDFLAGS",
    }
    return {
        **{name: value for name, value in os.environ.items() if name not in dropped},
        "LC_ALL": "C",
    }


class PrivateApt:
    """apt with sources, lists and cache of its own; keyrings and proxies are the system's."""

    def __init__(self, scratch: Path, log: Path) -> None:
        """Set up the folders; nothing is fetched yet."""
        self._root = scratch / "apt"
        self._log = log
        for name in ("state/lists/partial", "cache/archives/partial", "sources", "none"):
            (self._root / name).mkdir(parents=True, exist_ok=True)
        # An empty package state: what the system has installed must not change what is chosen.
        (self._root / "state" / "status").touch()
        self._env = {**clean_env(), "APT_CONFIG": str(self._write_config())}

    def _write_config(self) -> Path:
        dump = subprocess.run(["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=False)
        own = {
            "Dir::Etc::main": "/dev/null",
            "Dir::Etc::parts": f"{self._root}/none",
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": f"{self._root}/sources",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": f"{self._root}/none",
            "Dir::State": f"{self._root}/state",
            "Dir::State::status": f"{self._root}/state/status",
            "Dir::Cache": f"{self._root}/cache",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": "2",
            "Acquire::http::Timeout": "20",
        }
        path = self._root / "apt.conf"
        path.write_text(
            dump.stdout + "".join(f'{name} "{value}";\n' for name, value in own.items()),
            encoding="utf-8",
        )
        return path

    def run(self, *arguments: str) -> None:
        """Run apt-get in the scratch folder. Raises BuildError with the end of the log."""
        run_logged(["apt-get", "-q", *arguments], self._log, cwd=self._root, env=self._env)

    def use_suite(self, stanza: str) -> None:
        """Take packages from this suite only, and fetch its lists."""
        (self._root / "sources" / "suite.sources").write_text(stanza, encoding="utf-8")
        self.run("update", "--error-on=any")

    def packages(self, *names: str) -> list[Path]:
        """Download packages with all they need; return the files."""
        self.run("-y", "-d", "--no-install-recommends", "install", *names)
        return sorted((self._root / "cache" / "archives").glob("*.deb"))

    def source(self, name: str, version: str) -> list[Path]:
        """Download the files of a source package; return them, the description (.dsc) first."""
        self.run("source", "--download-only", f"{name}={version}")
        files = [path for path in self._root.iterdir() if path.name.startswith(f"{name}_")]
        return sorted(files, key=lambda path: path.suffix != ".dsc")


def fetch(scratch: Path, log: Path, take: Callable[[PrivateApt], list[Path]]) -> list[Path]:
    """Return what `take` gets from the first suite that has it.

    Raises:
        BuildError: not a Debian or Ubuntu machine, no archive configured, or no suite has it.
    """
    family = distribution()
    if not family or not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise BuildError(f"only Debian and Ubuntu hand out MicroPython by themselves: {install_hint()}")
    release = _os_release()
    codename = release.get("UBUNTU_CODENAME") or release.get("VERSION_CODENAME", "")
    source = archive(machine_sources(), codename)
    apt = PrivateApt(scratch, log)
    for suite in _SUITES[family][:-1]:
        try:
            return _take(apt, suite_stanza(source, family, suite), take)
        except BuildError:
            continue  # the log has the reason; the last suite's is raised
    return _take(apt, suite_stanza(source, family, _SUITES[family][-1]), take)


def _take(apt: PrivateApt, stanza: str, take: Callable[[PrivateApt], list[Path]]) -> list[Path]:
    apt.use_suite(stanza)
    return take(apt)


def install_hint() -> str:
    """Say in a few words how a person gets MicroPython on this system."""
    if platform.system() == "Darwin":
        return "on macOS: brew install micropython"
    if distribution():
        return "on Debian and Ubuntu: make runtimes"
    return "install MicroPython 1.24 or newer, or set MICROPYTHON=/path/to/micropython"
