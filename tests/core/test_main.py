"""main.py as a chip starts it: crashes, safe mode, the button, the watchdog, Ctrl-C; on CPython and 32-bit MicroPython.

Each start is a process of its own over one storage file, as a reset is on a board. The application in it is the real
one, but for what a test makes it do in its turns.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cobs import cobs

from tests.machines import FIRMWARE, need

IDENTITY = 0x10
RESET = 3  # exit code of a reset
PWRON, SOFT, WATCHDOG = 1, 2, 3

# `during` is what each turn of the application does first, `t` counting them from 1; `shutting` likewise for shut().
CHILD = """
import sys
sys.path[:0] = [{twin!r}]
import boot
from world import world
console = boot.install({settings!r})
console.gather = console.wait = lambda timeout_ms=0: False
import insole.app
import insole.memory
App = insole.app.App
turns = [0]

def hello():
    for byte in b"\\0" + b"40016c6da7c6" + b"\\0":
        console._keep(byte)

class Driven(App):
    def turn(self):
        turns[0] += 1
        during(self, turns[0])
        App.turn(self)

    def shut(self):
        shutting(self)
        App.shut(self)

def during(app, t):
{during}

def shutting(app):
{shutting}

count = insole.memory.Memory.count

def telling_count(self, key):
    tell(key, "timers", len(world.timers))
    return count(self, key)

def tell(*words):
    sys.stderr.write(" ".join([str(word) for word in words]) + "\\n")

insole.memory.Memory.count = telling_count
insole.app.App = Driven
hello()
{before}
try:
    import main
finally:
    tell("turns", turns[0])
    tell("watchdog_ms", world.watchdog_ms)
    tell("left", len(world.timers))
"""


@dataclass
class Start:
    """How one start of the firmware ended."""

    code: int
    line: bytes
    told: list[str]

    def figure(self, name: str) -> int:
        """Give the number the child told under a name."""
        return next(int(words.split()[-1]) for words in reversed(self.told) if words.startswith(name + " "))


@dataclass
class Chip:
    """A storage that outlives its processes."""

    folder: Path
    interpreter: list[str]
    settings: dict[str, str] = field(default_factory=dict)

    def start(
        self,
        during: str = "if t > 30: raise KeyboardInterrupt",
        shutting: str = "pass",
        cause: int = SOFT,
        before: str = "",
        **settings: str,
    ) -> Start:
        """Run the firmware until it ends by itself."""
        script = self.folder / "child.py"
        every = {"speed": "0", "state": "nvs.json", "reset_cause": str(cause), **settings}
        text = CHILD.format(
            twin=str(FIRMWARE / "twin"),
            settings=every,
            during="    " + during,
            shutting="    " + shutting,
            before=before,
        )
        script.write_text(text, encoding="utf-8")
        command = [*self.interpreter, str(script)]
        done = subprocess.run(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False
        )
        return Start(done.returncode, done.stdout, done.stderr.decode().splitlines())

    def stored(self, key: str) -> int | None:
        """Read a number from the storage."""
        value = json.loads((self.folder / "nvs.json").read_text()).get("insole." + key)
        assert value is None or isinstance(value, int)
        return value


@pytest.fixture(params=["cpython", "unix32"])
def chip(request: pytest.FixtureRequest, tmp_path: Path) -> Chip:
    if request.param == "cpython":
        return Chip(tmp_path, [sys.executable])
    return Chip(tmp_path, list(need("unix32").argv))


CRASH = "if t > 5: raise ValueError('the sensor is on fire')"
SAFE = b"\0retrosole: safe mode; reset to try again\n\0"
STOPPED = b"\0retrosole: stopped; Ctrl-D starts it again\n\0"


def identities(line: bytes) -> int:
    """Count the frames that answer hello: 95 bytes, and one of COBS."""
    return sum(len(part) == 96 and part[1] == IDENTITY for part in line.split(b"\0"))


def test_it_runs_until_ctrl_c_and_says_so(chip: Chip) -> None:
    ended = chip.start()
    assert ended.code == 0
    assert identities(ended.line) == 1
    assert ended.line.endswith(STOPPED), "text stands between zeros, so that it costs no frame"
    assert ended.figure("turns") == 31
    assert chip.stored("boot") == 1
    assert chip.start().code == 0
    assert chip.stored("boot") == 2
    assert not chip.stored("crashes")


def test_a_crash_is_printed_counted_and_answered_by_a_reset(chip: Chip) -> None:
    ended = chip.start(CRASH)
    assert ended.code == RESET
    assert ended.line.index(b"\0retrosole: crashed\n\0") < ended.line.index(b"ValueError: the sensor is on fire")
    assert ended.line.rstrip(b"\n").endswith(b"\0"), "the text is closed: the next frame is whole"
    assert chip.stored("crashes") == 1
    assert ended.figure("turns") == 6


def test_three_crashes_in_a_row_mean_safe_mode_until_the_next_reset(chip: Chip) -> None:
    for crash_n in (1, 2, 3):
        assert chip.start(CRASH).code == RESET
        assert chip.stored("crashes") == crash_n
    safe = chip.start(CRASH)
    assert safe.code == 0
    assert safe.line == SAFE, "nothing else is on the line"
    assert safe.figure("turns") == 0
    assert chip.stored("crashes") == 0
    assert identities(chip.start().line) == 1, "then it is tried again"


def test_a_crash_inside_a_session_is_counted_with_the_samples_stopped(chip: Chip) -> None:
    in_session = "app.sampler.running or app.start_session(0)\n    if t > 40: raise ValueError"
    ended = chip.start(in_session)
    assert ended.code == RESET
    assert chip.stored("session") == 1 and chip.stored("crashes") == 1
    assert "crashes timers 0" in ended.told, "a flash write while the timer runs"
    assert ended.figure("left") == 0


@pytest.mark.parametrize("before", ["import insole.faults\ninsole.faults.Faults = None", "insole.app.App = None"])
def test_a_crash_before_the_first_turn_is_counted(chip: Chip, before: str) -> None:
    ended = chip.start(before=before)
    assert ended.code == RESET
    assert b"TypeError" in ended.line
    assert chip.stored("crashes") == 1


def test_a_bite_of_the_watchdog_is_a_crash(chip: Chip) -> None:
    for crash_n in (1, 2):
        assert identities(chip.start(cause=WATCHDOG).line) == 1
        assert chip.stored("crashes") == crash_n
    assert chip.start(cause=WATCHDOG).line == SAFE
    assert chip.stored("crashes") == 0
    for cause in (PWRON, SOFT):
        chip.start(cause=cause)
        assert chip.stored("crashes") == 0


def test_a_hang_is_ended_by_the_watchdog(chip: Chip) -> None:
    ended = chip.start("while t == 10: world.idle()")
    assert ended.code == RESET
    assert 5000 <= ended.figure("watchdog_ms") <= 10000


def test_the_button_after_power_on_means_safe_mode(chip: Chip) -> None:
    held = chip.start(cause=PWRON, button="held")
    assert held.code == 0
    assert held.line == SAFE
    assert held.figure("turns") == 0
    for cause, settings in ((SOFT, {"button": "held"}), (WATCHDOG, {"button": "held"}), (PWRON, {})):
        assert identities(chip.start(cause=cause, **settings).line) == 1, (cause, settings)


def test_safe_mode_by_the_button_forgets_the_crashes(chip: Chip) -> None:
    chip.start(CRASH)
    chip.start(cause=PWRON, button="held")
    assert chip.stored("crashes") == 0


@pytest.mark.parametrize("during", ["if t > 30: raise KeyboardInterrupt", "app.leaving = t > 30"])
def test_the_watchdog_is_set_to_its_longest_at_the_end(chip: Chip, during: str) -> None:
    ended = chip.start("app.sampler.running or app.start_session(0)\n    " + during)
    assert ended.code == 0
    assert ended.figure("watchdog_ms") == 0, "it cannot be stopped; 2^30 - 1 ms is the stand-in's never"
    assert ended.figure("left") == 0, "no timer is left running"
    assert ended.line.endswith(STOPPED)


def test_the_watchdog_is_set_to_its_longest_even_when_shutting_fails(chip: Chip) -> None:
    ended = chip.start(shutting="raise ValueError('no')")
    assert ended.figure("watchdog_ms") == 0


# As the launcher starts a version that is on trial; `now` lies beside the storage.
ON_TRIAL = """
import launch
import insole.start
begin = insole.start.main
insole.start.main = lambda trial: begin(launch.Trial("b"))
"""


def test_a_crash_on_trial_is_no_crash_of_the_version_before(chip: Chip) -> None:
    for cause in (SOFT, WATCHDOG):
        ended = chip.start(CRASH, before=ON_TRIAL, cause=cause)
        assert ended.code == RESET and b"the sensor is on fire" in ended.line
        assert not chip.stored("crashes")


def test_a_trial_begins_without_the_crashes_of_the_version_before(chip: Chip) -> None:
    for _ in range(3):
        chip.start(CRASH)
    assert chip.stored("crashes") == 3
    ended = chip.start(before=ON_TRIAL)
    assert identities(ended.line) == 1 and SAFE not in ended.line
    assert chip.stored("crashes") == 0


def test_a_crash_after_it_was_kept_counts(chip: Chip) -> None:
    ended = chip.start("if t == 2: app.trial.keep()\n    if t > 5: raise ValueError", before=ON_TRIAL)
    assert ended.code == RESET
    assert chip.stored("crashes") == 1
    assert (chip.folder / "now").read_text() == "b"


def test_the_button_on_trial_means_safe_mode(chip: Chip) -> None:
    held = chip.start(before=ON_TRIAL, cause=PWRON, button="held")
    assert (held.code, held.line, held.figure("turns")) == (0, SAFE, 0)
    assert not (chip.folder / "now").exists()


def test_settings_beside_the_firmware_are_taken_at_the_first_start(chip: Chip) -> None:
    (chip.folder / "settings.json").write_text('{"rate_hz": 100, "baseline": [5, 6, 7, 8, 9, 10]}')
    ended = chip.start()
    assert identities(ended.line) == 1
    assert chip.stored("rate_hz") == 100
    assert not (chip.folder / "settings.json").exists()
    [who] = [cobs.decode(part) for part in ended.line.split(b"\0") if len(part) == 96 and part[1] == IDENTITY]
    assert (who[27], list(who[49:61:2])) == (100, [5, 6, 7, 8, 9, 10]), "it runs with them"
