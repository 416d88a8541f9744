"""Finding and obtaining MicroPython without a network: choices, apt's sources, cache, messages."""

from __future__ import annotations

import os
import stat
import sys
import threading
import time
from pathlib import Path

import pytest

from retrosole.errors import UsageError
from retrosole.twin import build_runtimes, debian, recipes, runtimes

DEB822 = """\
Types: deb
# a comment with a colon: ignored
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb deb-src
URIs: http://mirror.example/debian http://second.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: bookworm
Components: main
"""

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/etc/apt/keyrings/vendor.gpg] http://vendor.example/apt nodistro main
deb http://mirror.example/debian bookworm main contrib # trailing
deb-src http://mirror.example/debian bookworm main
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test of this file away from the real cache and the caller's choices."""
    monkeypatch.setenv("RETROSOLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MICROPYTHON", raising=False)
    monkeypatch.delenv("CI", raising=False)
    return tmp_path / "cache"


def fake_micropython(folder: Path, answer: str) -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / "micropython"
    program.write_text(f"#!/bin/sh\necho '{answer}'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1.25.0", (1, 25, 0)), ("v1.26.1-preview", (1, 26, 1)), ("1.24rc1", (1, 24)), (" 2 ", (2,))],
)
def test_version_texts(text: str, expected: tuple[int, ...]) -> None:
    assert runtimes.parse_version(text) == expected


@pytest.mark.parametrize("text", ["", "preview", "x1.2"])
def test_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a version"):
        runtimes.parse_version(text)


def test_probe_reads_an_answer_and_nothing_else() -> None:
    assert runtimes.parse_probe("micropython 1.25.0 32\n") == runtimes.Probe("micropython", "1.25.0", 32)
    assert runtimes.parse_probe("Segmentation fault") is None
    assert runtimes.parse_probe("micropython 1.25.0 16") is None


def test_this_python_is_found_as_cpython() -> None:
    found = runtimes.find("cpython")
    assert found.argv == (sys.executable,)
    assert not found.is_micropython
    assert found.describe().startswith(f"CPython {sys.version_info[0]}.{sys.version_info[1]}.")


def test_descriptions_say_what_and_how_wide() -> None:
    unix = runtimes.Runtime("unix32", "1.25.0", ("x",), 32)
    assert unix.describe() == "MicroPython 1.25.0 (unix, 32-bit)"
    machine = runtimes.Runtime("rv32", "1.25.0", (), 32)
    assert machine.describe() == "MicroPython 1.25.0 (RISC-V machine in qemu, 32-bit)"


def test_a_given_interpreter_gets_the_heap_of_an_esp32(tmp_path: Path) -> None:
    program = fake_micropython(tmp_path / "bin", "micropython 1.26.0 32")
    found = runtimes.find(str(program))
    assert (found.kind, found.version, found.bits) == ("given", "1.26.0", 32)
    assert found.argv == (str(program), "-X", f"heapsize={recipes.HEAP_32BIT_KB}k")


def test_auto_takes_the_environment_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = fake_micropython(tmp_path / "bin", "micropython 1.24.0 64")
    monkeypatch.setenv("MICROPYTHON", str(program))
    found = runtimes.find()
    assert found.kind == "given"
    assert found.argv[-1] == f"heapsize={recipes.HEAP_64BIT_KB}k"


def test_auto_takes_an_installed_one_unless_it_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bin"
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    fake_micropython(folder, "micropython 1.24.1 64")
    assert runtimes.find().kind == "installed"
    fake_micropython(folder, "micropython 1.19.1 64")
    assert runtimes.find().kind == "cpython"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("micropython 1.19.1 64", "MicroPython 1.19.1; expected 1.24 or newer"),
        ("hello", "does not answer as a Python"),
    ],
)
def test_a_given_interpreter_that_will_not_do(tmp_path: Path, answer: str, message: str) -> None:
    program = fake_micropython(tmp_path / "bin", answer)
    with pytest.raises(UsageError, match=message):
        runtimes.find(str(program))


def test_choices_that_are_not_here_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "distribution", lambda: "debian")
    with pytest.raises(UsageError, match=r"'rv32' is not in .*build_runtimes rv32"):
        runtimes.find("rv32")
    with pytest.raises(UsageError, match="not a program that can be run: expected a path or one"):
        runtimes.find("/no/such/micropython")
    monkeypatch.setenv("MICROPYTHON", "/no/such/micropython")
    with pytest.raises(UsageError, match=r"\$MICROPYTHON '/no/such/micropython' is not a program"):
        runtimes.find()


def test_on_macos_the_hint_is_homebrew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    monkeypatch.setattr(debian, "_os_release", dict)
    monkeypatch.setattr(runtimes, "_installed", lambda: None)
    with pytest.raises(UsageError, match="on macOS: brew install micropython"):
        runtimes.find("micropython")


def test_deb822_sources() -> None:
    security, main = debian.parse_deb822(DEB822)
    assert security.suites == ("bookworm-security",)
    assert main.types == ("deb", "deb-src")
    assert main.uris[0] == "http://mirror.example/debian"
    assert main.components == ("main", "contrib")
    assert main.signed_by == "/usr/share/keyrings/debian-archive-keyring.gpg"


def test_deb822_with_an_embedded_key_keeps_the_stanza_whole() -> None:
    text = DEB822.split("\n\n")[1].replace(
        "/usr/share/keyrings/debian-archive-keyring.gpg", "\n -----BEGIN KEY-----\n .\n abc"
    )
    (source,) = debian.parse_deb822(text)
    assert source.components == ("main", "contrib")
    assert "BEGIN KEY" in source.signed_by


def test_one_line_sources() -> None:
    vendor, main, source = debian.parse_one_line(ONE_LINE)
    assert vendor.signed_by == "/etc/apt/keyrings/vendor.gpg"
    assert (main.uris, main.suites, main.components) == (
        ("http://mirror.example/debian",),
        ("bookworm",),
        ("main", "contrib"),
    )
    assert source.types == ("deb-src",)


def test_the_archive_is_chosen_by_release_not_by_place() -> None:
    sources = debian.parse_deb822(DEB822) + debian.parse_one_line(ONE_LINE)
    assert debian.archive(sources, "bookworm").uris[0] == "http://mirror.example/debian"
    with pytest.raises(debian.BuildError, match="No main archive of release forky"):
        debian.archive(sources, "forky")


def test_machine_sources_reads_both_styles(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(ONE_LINE)
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEB822)
    (tmp_path / "sources.list.d" / "old.sources.save").write_text(DEB822)
    assert len(debian.machine_sources(tmp_path)) == 5


def test_the_stanza_names_the_other_suite_of_the_same_archive() -> None:
    source = debian.Source(("deb",), ("http://mirror.example/debian",), ("bookworm",), ("main",))
    stanza = debian.suite_stanza(source, "debian", "trixie")
    (written,) = debian.parse_deb822(stanza)
    assert written.uris == source.uris
    assert written.suites == ("trixie",)
    assert "deb-src" in written.types


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ({"ID": "debian"}, "debian"),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "ubuntu"),
        ({"ID": "fedora"}, ""),
        ({}, ""),
    ],
)
def test_distributions(release: dict[str, str], expected: str) -> None:
    assert debian.distribution(release) == expected


def test_the_key_follows_the_overlay_and_only_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overlay = tmp_path / "firmware" / "rv32"
    overlay.mkdir(parents=True)
    (overlay / "board.c").write_text("int a;")
    (overlay / "README.md").write_text("words")
    monkeypatch.setattr(recipes, "checkout", lambda: tmp_path)
    before, unix32 = recipes.key("rv32"), recipes.key("unix32")
    (overlay / "README.md").write_text("other words")
    assert recipes.key("rv32") == before
    (overlay / "board.c").write_text("int b;")
    assert recipes.key("rv32") != before
    assert recipes.key("unix32") == unix32
    monkeypatch.setattr(recipes, "checkout", lambda: None)
    assert recipes.key("rv32") is None


def test_a_result_is_current_until_its_key_changes(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not recipes.is_current("unix32")
    build_runtimes.install("unix32", "1.25.0", lambda folder: _write(folder, "one"))
    assert recipes.is_current("unix32")
    assert recipes.stamp("unix32")["version"] == "1.25.0"
    monkeypatch.setattr(recipes, "UNIX32_CONFIG", "#define OTHER 1\n")
    assert not recipes.is_current("unix32")
    (own_cache / "unix32" / "stamp.json").write_text("{torn")
    assert recipes.stamp("unix32") == {}


def _write(folder: Path, text: str) -> None:
    (folder / "micropython").write_text(text)


def test_an_interrupted_install_keeps_the_former_result(own_cache: Path) -> None:
    build_runtimes.install("unix32", "1.25.0", lambda folder: _write(folder, "former"))

    def torn(folder: Path) -> None:
        _write(folder, "half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_runtimes.install("unix32", "1.25.0", torn)
    assert recipes.result_path("unix32").read_text() == "former"
    build_runtimes.install("unix32", "1.25.0", lambda folder: _write(folder, "next"))
    assert recipes.result_path("unix32").read_text() == "next"
    assert sorted(path.name for path in own_cache.iterdir()) == ["unix32"]


def test_two_builds_wait_for_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    steps, order = build_runtimes.Steps(), []

    def second() -> None:
        with build_runtimes.locked(steps):
            order.append("second")

    with build_runtimes.locked(steps):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.2)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]
    assert "another process is building: waiting" in capsys.readouterr().out


def test_what_cannot_be_had_is_skipped_aloud_and_fails_ci(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(debian, "distribution", lambda *_: "")
    monkeypatch.setattr(runtimes, "_installed", lambda: None)
    assert build_runtimes.main(["test"]) == 0
    said = capsys.readouterr().out
    assert "SKIPPED unix" in said
    assert "SKIPPED rv32: this is neither Debian nor Ubuntu" in said
    monkeypatch.setenv("CI", "true")
    assert build_runtimes.main(["test"]) == 1
    assert build_runtimes.main(["unpacked"]) == 0


def test_missing_compilers_are_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(debian, "distribution", lambda *_: "debian")
    monkeypatch.setattr(build_runtimes, "missing_packages", lambda kind: ["gcc-multilib", "make"])
    monkeypatch.setattr(build_runtimes, "_root_prefix", lambda: None)
    assert build_runtimes.main(["unix32"]) == 0
    assert (
        "SKIPPED unix32: unix32 needs gcc-multilib, make: "
        "sudo apt-get install -y --no-install-recommends gcc-multilib make"
    ) in capsys.readouterr().out


def test_an_unknown_target_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert build_runtimes.main(["unix16"]) == 2
    assert "usage: python -m retrosole.twin.build_runtimes" in capsys.readouterr().err


def test_32_bits_are_built_on_x86_only() -> None:
    assert build_runtimes.kinds_for("test", "x86_64") == ("unix32", "rv32")
    assert build_runtimes.kinds_for("test", "aarch64") == ("unix64", "rv32")
    assert build_runtimes.kinds_for("rv32", "aarch64") == ("rv32",)


def test_a_failed_command_shows_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "x.log"
    with pytest.raises(debian.BuildError, match=r"exit code 7; the end of .*x\.log:(.|\n)*line 30"):
        debian.run_logged(["sh", "-c", "seq -f 'line %g' 30; exit 7"], log)
    assert "line 1\n" in log.read_text()
