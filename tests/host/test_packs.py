"""Packs: the same bytes every time, readable by anybody, small enough, and refused when they are not whole."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from littlefs import LittleFS

from retrosole.errors import DamagedDataError, UsageError
from retrosole.flashing import pack
from retrosole.twin import firmware_files
from tests.machines import FIRMWARE, ROOT

FILE_SYSTEM_BYTES = 256 * 1024
BLOCK_BYTES = 4096
SPARE_BLOCKS = 8  # what stays free with two packs in it


@pytest.fixture(params=pack.ARCHITECTURES)
def made(request: pytest.FixtureRequest) -> pack.Pack:
    return pack.built(request.param)


def test_a_pack_is_an_ordinary_zip_without_compression(made: pack.Pack) -> None:
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        assert archive.testzip() is None
        entries = archive.infolist()
        assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
        names = [entry.filename for entry in entries]
        assert names == sorted(names)
        sources = {str(path.relative_to(FIRMWARE)) for path in (FIRMWARE / "insole").rglob("*.py")}
        assert set(names) == {name.removesuffix(".py") + ".mpy" for name in sources}
        assert all(archive.read(name)[:2] == b"M\6" for name in names), ".mpy of version 6"
        assert archive.comment.decode() == f"retrosole {made.version} {made.source} {made.architecture}"
    assert re.fullmatch(r"\d+\.\d+\.\d+", made.version) and re.fullmatch(r"[0-9a-f]{16}", made.source)


def test_the_pack_knows_its_source_and_loose_files_do_not(made: pack.Pack) -> None:
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        built = archive.read("insole/built.mpy")
    assert bytes.fromhex(made.source) in built
    assert "SOURCE = b\"\\xff\" * 8" in (FIRMWARE / "insole" / "built.py").read_text()


def test_the_launcher_is_bytecode_for_every_chip() -> None:
    launcher = pack.launcher()["launch.mpy"]
    assert launcher[:2] == b"M\6"
    assert launcher[2] >> 2 == 0, "no architecture"


def test_any_change_of_a_source_gives_another_hash() -> None:
    sources = firmware_files.source_files()
    whole = pack.source_hash(sources)
    assert pack.source_hash(dict(reversed(sources.items()))) == whole
    for name in ("insole/app.py", "insole/boards/esp32_c3.py"):
        assert pack.source_hash({**sources, name: sources[name] + b"#"}) != whole
    for name in ("main.py", "launch.py"):  # no update replaces them
        assert pack.source_hash({**sources, name: sources[name] + b"#"}) == whole
    moved = {("insole/renamed.py" if name == "insole/cue.py" else name): text for name, text in sources.items()}
    assert pack.source_hash(moved) != whole


def built_in(folder: Path) -> dict[str, bytes]:
    """Run `make firmware`'s program in a process of its own, in another place and at another time."""
    environment = {**os.environ, "TZ": "Asia/Tokyo" if folder.name == "two" else "UTC", "PYTHONHASHSEED": "0"}
    environment["PYTHONHASHSEED"] = "1" if folder.name == "two" else "2"
    command = [sys.executable, str(ROOT / "tests" / "compile_firmware.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder.parent, check=False)
    assert done.returncode == 0, done.stderr
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_building_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    one = built_in(tmp_path / "one")
    time.sleep(2.1)  # a zip's times are in steps of two seconds
    two = built_in(tmp_path / "two")
    assert one == two
    assert {"rv32imc.zip", "xtensawin.zip", "launch.mpy", "main.py", "rv32imc/insole/app.mpy"} < set(one)


# main.py, launcher, settings and `now` with two packs: the most there is at any time.
def test_two_packs_fit_the_file_system(made: pack.Pack) -> None:
    files = pack.device_files(made, {"side": 1, "board": 0, "zones": 4095, "baseline": [4095] * 8, "standing": [1] * 8})
    image = LittleFS(block_size=BLOCK_BYTES, block_count=FILE_SYSTEM_BYTES // BLOCK_BYTES)
    for name, content in {**files, "b.zip": made.content, "now.new": b"b a"}.items():
        with image.open(name, "wb") as file:
            file.write(content)
    used = image.used_block_count
    assert used + SPARE_BLOCKS <= FILE_SYSTEM_BYTES // BLOCK_BYTES, f"{used} blocks of 4096 bytes"


def test_what_a_new_device_gets(made: pack.Pack) -> None:
    files = pack.device_files(made, {"side": 1, "baseline": [1, 2]})
    assert set(files) == {"main.py", "launch.mpy", "a.zip", "now", "settings.json"}
    assert (files["now"], files["a.zip"]) == (b"a", made.content)
    assert json.loads(files["settings.json"]) == {"side": 1, "baseline": [1, 2]}
    assert "settings.json" not in pack.device_files(made, {})


def test_another_architecture_is_refused() -> None:
    with pytest.raises(UsageError, match="no firmware for 'armv7m': choose one of xtensawin, rv32imc"):
        pack.packed("armv7m")


def test_a_pack_that_is_not_whole_is_refused(made: pack.Pack) -> None:
    assert pack.read_pack(made.content, "it") == made
    flipped = bytearray(made.content)
    flipped[5000] ^= 1
    for content in (b"", b"text", made.content[:-1], made.content[: len(made.content) // 2]):
        with pytest.raises(DamagedDataError, match=r"x.zip is (no whole|a zip, but no) pack .*: build or copy"):
            pack.read_pack(content, "x.zip")
    with pytest.raises(DamagedDataError, match=r"x.zip is (damaged \(in insole/|no whole pack)"):
        pack.read_pack(bytes(flipped), "x.zip")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(DamagedDataError, match=r"x\.zip is a zip, but no pack"):
        pack.read_pack(out.getvalue(), "x.zip")


def test_an_installed_package_uses_the_pack_it_carries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = pack.built("rv32imc")
    monkeypatch.setattr(firmware_files, "compiled", None)  # nothing is compiled
    packs = tmp_path / "_firmware" / "packs"
    monkeypatch.setattr(firmware_files, "firmware_folder", lambda: packs.parent)
    packs.mkdir(parents=True)
    (packs / "rv32imc.zip").write_bytes(ready.content)
    (packs / "launch.mpy").write_bytes(b"launcher")
    assert pack.packed("rv32imc") == ready
    assert pack.launcher() == {"launch.mpy": b"launcher"}
    (packs / "xtensawin.zip").write_bytes(ready.content)
    with pytest.raises(DamagedDataError, match=r"xtensawin\.zip is for rv32imc: install the package again"):
        pack.packed("xtensawin")
    (packs / "rv32imc.zip").write_bytes(ready.content[:999])
    with pytest.raises(DamagedDataError, match=r"packs/rv32imc\.zip is no whole pack"):
        pack.packed("rv32imc")
