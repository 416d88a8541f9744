"""What was flashed onto which board: a small JSON file for each time. And what must not be lost meanwhile."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import platformdirs

from retrosole import __version__, wire
from retrosole.errors import StorageError
from retrosole.flashing.esptool import Detected
from retrosole.flashing.pack import Pack
from retrosole.flashing.plan import Plan
from retrosole.flashing.release import Release


def records_folder() -> Path:
    """Give the folder of the records when none is named."""
    return Path(platformdirs.user_data_path("retrosole")) / "flashed"


Settings = dict[str, int | list[int]]  # as `pack.device_files` takes them


def save_settings(folder: Path, board: Detected, settings: Settings) -> Path:
    """Write down an insole's settings and calibration before they are erased; give the file. Raises StorageError."""
    path = _settings_path(folder, board)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings) + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"nothing was written: {path} cannot be made, to keep the settings in ({error.strerror}): name another "
            "folder with --out"
        ) from error
    return path


def saved_settings(folder: Path, board: Detected) -> tuple[Settings, Path]:
    """Give what was written down when a board was last flashed and not brought to its end, and where."""
    path = _settings_path(folder, board)
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, path
    except (OSError, ValueError) as error:
        raise StorageError(
            f"{path}, an insole's settings, cannot be read ({error}): move it away to begin anew"
        ) from error
    return settings, path


def forget_settings(folder: Path, board: Detected) -> None:
    """Remove what was written down, since the insole has it again."""
    _settings_path(folder, board).unlink(missing_ok=True)


def _settings_path(folder: Path, board: Detected) -> Path:
    return folder / f"settings_{board.mac.replace(':', '')}.json"


def write_record(
    folder: Path, board: Detected, release: Release, pack: Pack, plan: Plan, who: wire.IdentityFrame | None
) -> Path:
    """Write down what was flashed, and who answered then; give the file. Raises StorageError."""
    now = datetime.now(UTC)
    path = folder / f"{now:%Y-%m-%dT%H-%M-%S}_{board.mac.replace(':', '')}.json"
    content = _content(now, board, release, pack, plan, who)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"the board is flashed, but {path} cannot be written ({error.strerror}): name another folder with --out"
        ) from error
    return path


def _content(
    now: datetime, board: Detected, release: Release, pack: Pack, plan: Plan, who: wire.IdentityFrame | None
) -> dict[str, Any]:
    micropython = release.micropython
    return {
        "flashed_at": now.isoformat(timespec="seconds"),
        "retrosole": __version__,
        "chip": board.chip.name,
        "chip_description": board.description,
        "mac": board.mac,
        "flash_bytes": board.flash_bytes,
        "micropython": {
            "file": micropython.name,
            "version": micropython.version,
            "sha256": micropython.sha256,
            "from": release.origin,
        },
        "firmware": {name: value for name, value in asdict(pack).items() if name != "content"},
        "written": [
            {"what": part.title, "at": part.at, "bytes": len(part.content), "sha256": part.sha256}
            for part in plan.parts
        ],
        "erased": [part.label for part in plan.erased],
        "kept": [part.label for part in plan.kept],
        "insole": None if who is None else _insole(who),
    }


def _insole(who: wire.IdentityFrame) -> dict[str, Any]:
    return {
        "device_id": who.device_id.hex(),
        "firmware": ".".join(map(str, who.firmware_version)),
        "source": who.source.hex(),
        "side": who.foot,
        "board": who.board,
    }
