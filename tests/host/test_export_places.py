"""Where `retrosole export` writes: whole or not at all, for its owner only, and never over what is not its own."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from exported import WITHIN_S, csv_foot, nothing, same, walk

from retrosole.cli import run
from retrosole.commands.export import FORMATS
from retrosole.errors import StorageError
from retrosole.export import csv_files, place, xdf
from retrosole.gait.analysis import analyse
from retrosole.session.reader import Session

PLACES = {
    "csv": "S-csv",
    "parquet": "S-parquet",
    "npz": "S.npz",
    "moticon": "S-moticon.txt",
    "bids": "bids",
    "xdf": "S.xdf",
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return walk(tmp_path_factory.mktemp("kept") / "S", 5.0)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def export(session: Session, form: str, *more: str) -> int:
    return run(["export", str(session.path), "--to", form, *more])


def everything(folder: Path) -> dict[str, bytes]:
    """Give the files of a folder, or a file."""
    if folder.is_file():
        return {folder.name: folder.read_bytes()}
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("form", FORMATS)
def test_it_goes_to_exports_and_is_for_its_owner(kept: Session, tmp_path: Path, form: str) -> None:
    before = os.umask(0)
    try:
        assert export(kept, form) == 0
    finally:
        os.umask(before)
    paths = list((tmp_path / "exports").rglob("*"))
    assert tmp_path / "exports" / PLACES[form] in paths
    for path in [tmp_path / "exports", *paths]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert not [path for path in paths if path.name.startswith(".")]


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_session_again_takes_its_own_place(kept: Session, tmp_path: Path, form: str) -> None:
    assert export(kept, form) == 0
    first = everything(tmp_path)
    assert export(kept, form) == 0
    assert everything(tmp_path).keys() == first.keys()
    if form != "npz":  # which has the time of writing in it
        assert everything(tmp_path) == first


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "bids"])
def test_another_session_does_not(kept: Session, tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    other = walk(tmp_path / "other" / "T", 4.0, sides=("left",))
    assert export(kept, form, "--out", "out.d") == 0
    first = everything(tmp_path / "out.d")
    capsys.readouterr()
    assert export(other, form, "--out", "out.d") == 2
    assert "out.d exists and is no export of this session" in capsys.readouterr().err
    assert everything(tmp_path / "out.d") == first


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_of_others_is_replaced(
    kept: Session, tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis").write_text("words")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis").write_text("words")
    before = everything(tmp_path) | everything(Path(kept.path))
    for out in ("thesis", "folder", str(kept.path), f"{kept.path}/left.frames", "x.json", "/dev/null"):
        assert export(kept, form, "--out", out) == 2, out
        error = capsys.readouterr().err
        assert (error.count("\n") == 1 and "choose" in error) or "name a file" in error, error
    assert everything(tmp_path) | everything(Path(kept.path)) == before


def test_what_was_added_to_an_export_is_not_lost(kept: Session, tmp_path: Path) -> None:
    for form, out in (("csv", "o"), ("bids", "b")):
        assert export(kept, form, "--out", out) == 0
        mine = tmp_path / out / "mine.txt" if form == "csv" else next((tmp_path / out).glob("sub-*/ses-*")) / "mine.txt"
        mine.write_text("words")
        assert export(kept, form, "--out", out) == 2
        assert mine.read_text() == "words"


def test_a_link_stays_one(kept: Session, tmp_path: Path) -> None:
    (tmp_path / "link.npz").symlink_to(tmp_path / "target.npz")
    assert export(kept, "npz", "--out", "link.npz") == 0
    assert (tmp_path / "link.npz").is_symlink() and (tmp_path / "target.npz").stat().st_size > 1000


@pytest.mark.parametrize("problem", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_what_ends_early_leaves_the_old_and_nothing_else(kept: Session, tmp_path: Path, problem: BaseException) -> None:
    analysis = analyse(kept)

    def stop(_share: float) -> None:
        raise problem

    for module, path in ((csv_files, tmp_path / "o"), (xdf, tmp_path / "o.xdf")):
        module.export(kept, analysis, path, lambda _share: None)  # type: ignore[attr-defined]
        before = everything(tmp_path)
        expected = StorageError if isinstance(problem, OSError) else KeyboardInterrupt
        with pytest.raises(expected):
            module.export(kept, analysis, path, stop)  # type: ignore[attr-defined]
        assert everything(tmp_path) == before and not list(tmp_path.glob(".*"))


def test_a_folder_that_is_protected_is_told(kept: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(place.os, "mkdir", refuse)
    with pytest.raises(StorageError, match=r"cannot write .*Permission denied.*choose another place"):
        csv_files.export(kept, analyse(kept), tmp_path / "o", lambda _share: None)


@pytest.mark.parametrize(
    ("form", "junk"),
    [("npz", b"PK\x03\x04"), ("npz", b""), ("xdf", b"XDF:"), ("moticon", b"# time\t"), ("npz", b"\x93NUMPY")],
)
def test_torn_files_are_not_its_own(kept: Session, tmp_path: Path, form: str, junk: bytes) -> None:
    (tmp_path / "o").write_bytes(junk)
    assert export(kept, form, "--out", "o") == 2
    assert (tmp_path / "o").read_bytes() == junk


def test_one_foot_of_two(kept: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(kept, "csv", "--side", "right", "--out", "o") == 0
    assert {path.name for path in (tmp_path / "o").glob("samples*")} == {"samples_right.csv"}
    assert "host's clock" in json.loads((tmp_path / "o" / "dictionary.json").read_text())["clock"]
    same(csv_foot(tmp_path / "o", "right"), kept, "right", WITHIN_S)
    one = walk(tmp_path / "one" / "T", 4.0, sides=("left",))
    capsys.readouterr()
    assert export(one, "csv", "--side", "right") == 2
    assert capsys.readouterr().err == "retrosole: there is no right foot in this session, only left\n"


def test_feet_apart_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    apart = walk(tmp_path / "A", 5.0, asks=False)
    assert export(apart, "csv") == 0
    assert "TIMES OF LEFT AND RIGHT CANNOT BE COMPARED: not on one clock" in capsys.readouterr().err


def test_a_bare_log_of_no_foot(kept: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "some.frames"
    log.write_bytes((Path(kept.path) / "left.frames").read_bytes())
    for form in FORMATS:
        assert run(["export", str(log), "--to", form]) == 0, capsys.readouterr().err
    assert (tmp_path / "exports" / "some-csv" / "samples_left.csv").exists()


def test_an_empty_session_has_no_rows_for_bids(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = nothing(tmp_path / "E")
    for form in ("bids", "moticon"):
        assert export(empty, form) == 2
        error = capsys.readouterr().err
        assert "no samples in this session" in error and error.count("\n") == 1
    assert not (tmp_path / "exports").exists()


def test_without_pyarrow_it_says_what_to_install(kept: Session, tmp_path: Path) -> None:
    program = "import sys; sys.modules['pyarrow'] = None; from retrosole.cli import main; main()"
    command = [sys.executable, "-c", program, "export", str(kept.path), "--to", "parquet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (2, "retrosole: Parquet needs pyarrow: pip install 'retrosole[tables]'\n")
    assert not list(tmp_path.iterdir())


def test_nothing_heavy_is_loaded_by_the_help() -> None:
    program = (
        "import sys; from retrosole.cli import run; run(['export', '--help']); run(['record', '--help'])\n"
        "print(sorted({'pyarrow', 'pylsl', 'numpy', 'construct'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "counts" in done.stdout and "never N or kPa" in " ".join(done.stdout.split())
