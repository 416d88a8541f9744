"""The launcher starts versions out of packs, on real MicroPython: desktop 32-bit, and the RV32 machine with LittleFS.

Most versions here are a few lines long: what they print says which one ran. At the end the whole firmware is started.
"""

from __future__ import annotations

import io
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from retrosole.flashing import pack
from retrosole.twin import firmware_files, rv32
from tests.machines import FIRMWARE, need

RESET = 3
THERE = "import os\nprint('THERE', sorted([n for n in os.listdir() if n in ('now', 'now.new', 'settings.json')]))\n"
NOW = "try:\n    print('NOW', open('now').read())\nexcept OSError:\n    print('NOW', None)\n"
# As a chip starts it, with the stand-ins; then what is in the files.
START = """
import os
import sys
try:
    import boot
    boot.install({"speed": 0, "state": "nvs.json"})
    sys.path[:] = [folder for folder in sys.path if not folder.endswith("..")]  # where the checkout's loose files are
    import before
    import main
except SystemExit as ended:
    print("RESET", ended.args[0])
except KeyboardInterrupt:
    print("REPL")
there = [name for name in os.listdir() if name in ("now", "now.new", "settings.json")]
print("THERE", sorted(there))
if "now" in there:
    print("NOW", open("now").read())
"""

# Nobody is at the other end of the line.
ALONE = "import world\nworld.world.input.gather = world.world.input.wait = lambda *_: False\n"

VERSION = """
from . import other
def main(trial):
    print("RUNS", "{name}", other.NAME, trial and trial.kept)
    {then}
"""


def version(name: str, then: str = "pass", **changes: str) -> bytes:
    """Give a pack of a small version; `changes` are other sources of its modules, "" for none."""
    sources = {
        "insole/__init__.py": "",
        "insole/other.py": f"NAME = {name!r}",
        "insole/start.py": VERSION.format(name=name, then=then),
        **{f"insole/{module}.py": text for module, text in changes.items()},
    }
    files = firmware_files.compiled({path: text.encode() for path, text in sources.items()})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.comment = b"retrosole 9.9.9 0123456789abcdef none"
        for path, content in files.items():
            archive.writestr(path, content)
    return out.getvalue()


@dataclass
class Started:
    """What one start printed."""

    text: str

    def words(self, first: str) -> list[str]:
        """Give the rest of each line that begins with a word."""
        lines = [line.strip("\0\r ") for line in self.text.splitlines()]
        return [line.removeprefix(first).strip() for line in lines if line.startswith(first)]


Start = Callable[..., Started]


def on_unix32(folder: Path, files: Mapping[str, bytes]) -> Started:
    """Start what lies in the folder, `files` copied there first."""
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    runtime = need("unix32")
    (folder / "begin.py").write_text(f"import sys\nsys.path[:] = ['', {str(FIRMWARE / 'twin')!r}]\n{START}")
    command = [*runtime.argv, "begin.py"]
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    return Started((done.stdout + done.stderr).decode(errors="replace"))


def on_rv32(files: Mapping[str, bytes]) -> Started:
    """Start a machine with these files in its flash; nothing of them outlives it."""
    need("rv32")
    twin = {name: content for name, content in firmware_files.compiled_device_files("rv32imc").items() if is_twin(name)}
    done = rv32.run(START, {**twin, **files})
    return Started(done.output.decode(errors="replace"))


def is_twin(name: str) -> bool:
    return not name.startswith("insole/") and name not in ("main.mpy", "launch.mpy")


@pytest.fixture(params=["unix32", "rv32"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Start:
    root = {"main.py": (FIRMWARE / "main.py").read_bytes(), "before.py": b"", **pack.launcher()}
    if request.param == "rv32":
        return lambda files: on_rv32({**root, **files})
    return lambda files: on_unix32(tmp_path, {**root, **files})


def test_the_version_that_now_says_runs(start: Start) -> None:
    both = {"a.zip": version("one"), "b.zip": version("two")}
    for letter, name in (("a", "one"), ("b", "two")):
        ended = start({**both, "now": letter.encode()})
        assert ended.words("RUNS") == [f"{name} {name} None"], ended.text
        assert ended.words("NOW") == [letter]


def test_a_trial_that_nobody_keeps_is_followed_by_the_version_before(start: Start) -> None:
    both = {"a.zip": version("one"), "b.zip": version("two", "trial.look(29)\n    trial.look(30)"), "now": b"b a"}
    ended = start(both)
    assert ended.words("RUNS") == ["two two False"], ended.text
    assert ended.words("retrosole") == [": nobody kept this version; back to the one before"]
    assert (ended.words("RESET"), ended.words("NOW")) == ([str(RESET)], ["a"])
    assert ended.words("THERE") == ["['now']"]


def test_a_trial_that_is_kept_stays(start: Start) -> None:
    both = {"a.zip": version("one"), "b.zip": version("two", "trial.keep()\n    trial.look(99)"), "now": b"b a"}
    ended = start(both)
    assert ended.words("RUNS") == ["two two False"], ended.text
    assert (ended.words("RESET"), ended.words("NOW")) == ([], ["b"])


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"torn",
        version("two")[:-30],
        version("two", start=""),
        version("two", start="import nothing_of_this_name"),
        version("two", start="raise MemoryError('no room')"),
        version("two", start="1 / 0"),
    ],
    ids=["empty", "text", "torn", "no main", "imports what is not there", "no memory", "raises"],
)
def test_a_trial_that_does_not_start_is_answered_by_a_reset(start: Start, broken: bytes) -> None:
    ended = start({"a.zip": version("one"), "b.zip": broken, "now": b"b a"})
    assert ended.words("RUNS") == [], ended.text
    assert ended.words("RESET") == [str(RESET)], ended.text
    assert ended.words("NOW") == ["a"], "the next start is the old version's"


def test_without_its_pack_the_other_version_runs_and_it_is_said(start: Start) -> None:
    for broken in (b"", version("one")[:-1], version("one", other="NAME = nothing")):
        ended = start({"a.zip": broken, "b.zip": version("two"), "now": b"a"})
        assert ended.words("RUNS") == ["two two None"], ended.text
        assert len(ended.words("retrosole: a.zip cannot be started")) == 1
        assert ended.words("NOW") == ["a"]


def test_two_versions_never_mix(start: Start) -> None:
    half = version("one", start="from . import other\nimport nothing_of_this_name")
    ended = start({"a.zip": half, "b.zip": version("two"), "now": b"a"})
    assert ended.words("RUNS") == ["two two None"], "its module `other` is its own"


def test_with_nothing_that_starts_there_is_a_line_and_the_prompt(start: Start) -> None:
    ended = start({"now": b"a", "b.zip": b"torn"})
    assert ended.words("retrosole: there is no firmware") == ["that starts; write it again with `retrosole flash`"]
    assert (ended.words("RUNS"), ended.words("RESET"), "Traceback" in ended.text) == ([], [], False), ended.text


def test_without_now_loose_files_run_and_packs_when_there_are_none(start: Start) -> None:
    ended = start({"b.zip": version("two")})
    assert ended.words("RUNS") == ["two two None"], ended.text
    loose = {
        "insole/__init__.py": b"",
        "insole/other.py": b"NAME = 'loose'",
        "insole/start.py": VERSION.format(name="loose", then="pass").encode(),
    }
    ended = start({**loose, "b.zip": version("two")})
    assert ended.words("RUNS") == ["loose loose None"]
    ended = start({**loose, "a.zip": version("one"), "now": b"a"})
    assert ended.words("RUNS") == ["one one None"], "a pack has precedence where `now` says so"


PRESSING = """
import launch
asked = []
def stat(self, path, stat=launch.Pack._stat):
    asked.append(path)
    if len(asked) == %d:
        raise KeyboardInterrupt
    return stat(self, path)
launch.Pack._stat = stat
"""


@pytest.mark.parametrize("asked", [1, 2, 3, 5])
@pytest.mark.parametrize("now", [b"a", b"b a"])
def test_ctrl_c_while_a_pack_is_imported_ends_at_the_prompt(start: Start, asked: int, now: bytes) -> None:
    files = {"a.zip": version("one"), "b.zip": version("two"), "now": now, "before.py": (PRESSING % asked).encode()}
    ended = start(files)
    assert (ended.words("RUNS"), ended.words("REPL"), ended.words("NOW")) == ([], [""], ["a"]), ended.text


def test_a_hang_on_trial_is_the_watchdogs(start: Start) -> None:
    stuck = version("two", start="import machine\ndef main(trial):\n    while True: machine.idle()")
    files = {"a.zip": version("one"), "b.zip": stuck, "now": b"b a", "before.py": ALONE.encode()}
    ended = start(files)
    assert (ended.words("RESET"), ended.words("NOW")) == ([str(RESET)], ["a"]), ended.text


# Ends the firmware when it first feeds its watchdog, and asks it who it is.
ASKING = """
import machine
import launch

class Watchdog:
    app = None
    def __init__(self, timeout=0):
        pass
    def feed(self):
        from insole.status import put_identity
        raw = bytearray(200)
        n = put_identity(raw, Watchdog.app)
        print("\\nIDENTITY", "".join(["%02x" % byte for byte in raw[: n - 4]]))
        raise KeyboardInterrupt

def loading(letter, load=launch.load):
    import_all = load(letter)
    run = import_all.run
    def running(*words):
        import insole.link  # first, as start does: the deeper imports nest, the more of the stack they take
        from insole.app import App
        turn = App.turn
        def turning(app):
            Watchdog.app = app
            turn(app)
        App.turn = turning
        run(*words)
    import_all.run = running
    return import_all

machine.WDT = launch.WDT = Watchdog
launch.load = loading
"""


# The machine of the desktop has another processor than the pack: then the plain twins of its native modules run.
def test_the_whole_firmware_starts_from_its_pack(start: Start) -> None:
    made = pack.built("rv32imc")
    files = pack.device_files(made, {"side": 1, "rate_hz": 100, "baseline": [7] * 6})
    files["before.py"] = (ALONE + ASKING).encode()
    ended = start(files)
    said = ended.words("IDENTITY")
    assert len(said) == 1, ended.text
    identity = bytes.fromhex(said[0])
    assert identity[83:91].hex() == made.source
    assert (identity[22], int.from_bytes(identity[27:29], "little"), identity[49]) == (1, 100, 7)
    assert ended.words("THERE") == ["['now']"], "the settings were taken"
